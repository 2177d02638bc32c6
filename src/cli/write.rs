//! The second half of `apply`: show, ask, keep what will be lost, write, and say what became of it.
//! The same for a plan that was just made and for one that was saved.

use anyhow::Context;
use librato_apply::diag::counted;
use librato_apply::plan::{Outcome, Plan};
use librato_apply::remote::fetch::{Actual, service_types};
use librato_apply::target::Target;
use librato_apply::{apply, render};
use serde_json::Value;

use super::args::{Apply, ApplyFormat, Global};
use super::backup;
use super::confirm;
use super::endpoint::Connection;
use super::exit::{Exit, Stop, chain};
use super::progress::{Progress, waiting};
use super::session::as_error;
use super::ui::{Ui, pretty};

/// Prints the plan as talk. Who is asked must see what about, even when quiet or where the outcome is for machines.
pub fn show(plan: &Plan, args: &Apply, ui: &Ui) {
    let text = render::text(plan, ui.styled_err(), ui.width_err());
    match (args.auto_approve, args.format) {
        (false, _) => ui.complain(&text),
        (true, ApplyFormat::Text) => ui.say(&text),
        (true, ApplyFormat::Json | ApplyFormat::Html) => {}
    }
}

/// Ends a run that writes nothing: refused, or nothing to do.
///
/// # Errors
/// Where the document cannot be made.
pub fn finish_unwritten(plan: &Plan, diagnostics: Vec<Value>, args: &Apply, ui: &Ui) -> anyhow::Result<Exit> {
    let exit = if plan.refusals.is_empty() { Exit::Done } else { Exit::Refused };
    if exit == Exit::Refused && args.auto_approve && (ui.quiet() || args.format != ApplyFormat::Text) {
        ui.complain(&render::refusals(plan, ui.styled_err()));
    }
    finish(plan, diagnostics, &Outcome::default(), exit, args, ui)
}

/// Where a plan is written to.
pub struct Towards<'a> {
    /// What takes it.
    pub goal: &'a dyn Target,
    /// The way there.
    pub connection: &'a Connection,
}

/// Writes the plan.
///
/// # Errors
/// Where what will be lost cannot be kept; then nothing is written.
pub async fn write(
    plan: &Plan,
    actual: Actual,
    diagnostics: Vec<Value>,
    args: &Apply,
    global: &Global,
    towards: &Towards<'_>,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let Towards { goal, connection } = towards;
    let mut kept = None;
    if !args.no_backup
        && let Some(path) = backup::write(plan, &service_types(&actual.ids), &args.backup_dir, ui)
            .map_err(|error| not_kept(&error))?
    {
        kept = Some(format!("what was there before is kept in {}", path.display()));
    }
    if let Some(path) = &args.backup_document {
        backup::document(*goal, path, ui).await.context("nothing was written")?;
    }
    let progress = Progress::new(ui, plan.steps.len(), &connection.client);
    let options =
        apply::Options { parallelism: global.parallelism.into(), retry: connection.client.config().retry };
    if args.format == ApplyFormat::Text {
        // Said once, and before anything can go wrong.
        kept.take().iter().for_each(|kept| ui.say(kept));
    }
    let mut outcome = goal.write(plan, actual, &options, &progress).await;
    progress.finish();
    outcome.notes.extend(kept);
    if let Some(why) = &outcome.refused {
        ui.error(why, &["plan again".to_owned()]);
        return finish(plan, diagnostics, &outcome, Exit::Refused, args, ui);
    }
    let mut failing = Vec::new();
    if let (Some(patience), true) = (args.wait, outcome.is_complete()) {
        let settled = waiting(ui, "waiting for the rules to be evaluated", goal.settle(plan, patience)).await;
        failing = settled.map_err(as_error).context("the plan is written, but not known to be in force")?;
        failing.iter().for_each(|line| ui.complain(&format!("warning: {line}")));
    }
    let exit = match (outcome.interrupted, outcome.is_complete()) {
        (true, _) => Exit::Interrupted,
        (false, true) if failing.is_empty() => Exit::Done,
        (false, true) => Exit::Partial,
        (false, false) if outcome.is_refused_to_the_token() => Exit::Error,
        (false, false) => Exit::Partial,
    };
    finish(plan, diagnostics, &outcome, exit, args, ui)
}

/// What will be lost cannot be kept.
fn not_kept(error: &anyhow::Error) -> Stop {
    let message = format!("nothing was written: {}", chain(error));
    let help = "--backup-dir DIR keeps what is changed or deleted elsewhere, --no-backup keeps nothing of it";
    Stop { exit: Exit::Error, message, help: vec![help.to_owned()] }
}

/// Prints the outcome in the form that was asked for.
fn finish(
    plan: &Plan,
    diagnostics: Vec<Value>,
    outcome: &Outcome,
    exit: Exit,
    args: &Apply,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    match args.format {
        ApplyFormat::Html => ui.document(&render::html_outcome(plan, &diagnostics, outcome)),
        ApplyFormat::Json => {
            let document = render::document(plan, diagnostics);
            ui.document(&pretty(&render::outcome_document(plan, document, outcome))?);
        }
        ApplyFormat::Text if exit == Exit::Refused => ui.out("Refused: nothing was written.\n"),
        ApplyFormat::Text if plan.is_empty() => ui.out("Nothing to change.\n"),
        ApplyFormat::Text => ui.out(&render::outcome_text(plan, outcome)),
    }
    Ok(exit)
}

/// A question needs someone to answer it.
///
/// # Errors
/// Where standard input is no terminal, or holds the definitions.
pub fn check_that_somebody_can_answer(args: &Apply) -> Result<(), Stop> {
    let hint = "look at `plan` first, then give --auto-approve";
    if args.planning.inputs.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Stop::usage("nobody can be asked: standard input holds the definitions", hint));
    }
    confirm::check_that_somebody_can_answer(hint)
}

/// Asks whether to go on.
///
/// # Errors
/// Unless the answer is `yes`.
pub fn confirm(plan: &Plan, ui: &Ui) -> anyhow::Result<()> {
    let changes = counted(plan.steps.len(), "change");
    confirm::ask(&format!("Write {changes} to {}?", plan.target), "nothing was written", ui)
}

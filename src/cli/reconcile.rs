//! The main job: validate, plan, apply. Each adds one stage to the one before; read this page first.

use std::io::{BufRead, IsTerminal};

use anyhow::Context;
use librato_apply::diag::{Report, to_json};
use librato_apply::diff::scope::Scope;
use librato_apply::model::Desired;
use librato_apply::plan::{self, DEFAULT_MAX_DELETES, Limits, Plan};
use librato_apply::remote::fetch::{Actual, Wanted, fetch};
use librato_apply::{apply, diff, render};
use serde_json::{Value, json};

use super::args::{self, Format, Global, Planning};
use super::endpoint::{self, Connection, Target};
use super::exit::{Exit, Stop};
use super::inputs::{self, Read};
use super::ownership;
use super::progress::Progress;
use super::ui::Ui;

/// `validate`: read and check, offline.
pub fn validate(args: &args::Validate, ui: &Ui) -> anyhow::Result<Exit> {
    let mut read = inputs::read(&args.inputs, true, ui)?;
    ownership::scope(&mut read, &[])?;
    if args.format == Format::Json {
        let document = json!({
            "format_version": 1,
            "objects": read.desired.objects.len(),
            "diagnostics": to_json(&read.report, &read.files),
        });
        ui.out(&pretty(&document)?);
        let failed = read.report.has_errors() || args.inputs.strict && read.report.warnings() > 0;
        return Ok(if failed { Exit::Error } else { Exit::Done });
    }
    read.check(args.inputs.strict, ui)?;
    let objects = render::plural(read.desired.objects.len(), "object", "objects");
    let files = render::plural(read.documents, "file", "files");
    ui.out(&format!("Valid: {objects} in {files}.\n"));
    Ok(Exit::Done)
}

/// `plan`: and compare with what exists.
pub async fn plan(args: &args::Plan, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let wish = wish(&args.planning, ui)?;
    let session = Session::open(&wish, global, true, ui).await?;
    let planned = session.plan(&wish, ui).await;
    session.connection.close().await?;
    let Planned { plan, report, .. } = planned?;
    match args.format {
        Format::Text => {
            inputs::check(&report, &wish.read.files, args.planning.inputs.strict, ui)?;
            ui.out(&render::text(&plan, ui.styled_out()));
        }
        Format::Json => {
            ui.out(&pretty(&render::document(&plan, diagnostics(&report, &wish)))?);
            if report.has_errors() || args.planning.inputs.strict && report.warnings() > 0 {
                return Ok(Exit::Error);
            }
        }
    }
    Ok(match (plan.refusals.is_empty(), plan.is_empty()) {
        (false, _) => Exit::Refused,
        (true, false) if args.detailed_exitcode => Exit::Pending,
        (true, _) => Exit::Done,
    })
}

/// `apply`: and confirm, and write.
pub async fn apply(args: &args::Apply, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    if !args.auto_approve {
        check_that_somebody_can_answer(args)?;
    }
    let wish = wish(&args.planning, ui)?;
    let session = Session::open(&wish, global, false, ui).await?;
    let ended = plan_and_write(args, &wish, &session, global, ui).await;
    session.connection.close().await?;
    ended
}

async fn plan_and_write(
    args: &args::Apply,
    wish: &Wish,
    session: &Session,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let mut planned = session.plan(wish, ui).await?;
    inputs::check(&planned.report, &wish.read.files, args.planning.inputs.strict, ui)?;
    if args.format == Format::Text || !args.auto_approve {
        ui.say(&render::text(&planned.plan, ui.styled_err()));
    }
    if !planned.plan.refusals.is_empty() {
        if ui.quiet() {
            planned
                .plan
                .refusals
                .iter()
                .for_each(|refusal| ui.complain(&format!("refused: {}", refusal.message)));
        }
        return finish(args, wish, &planned, &plan::Outcome::default(), Exit::Refused, ui);
    }
    if planned.plan.is_empty() {
        return finish(args, wish, &planned, &plan::Outcome::default(), Exit::Done, ui);
    }
    if !args.auto_approve {
        if !confirmed(&planned.plan)? {
            return Err(Stop {
                exit: Exit::Error,
                message: "not confirmed: nothing was written".into(),
                help: vec![],
            }
            .into());
        }
        planned = session.confirm_unmoved(planned, wish, ui).await?;
    }
    let progress = Progress::new(ui, planned.plan.steps.len());
    let client = &session.connection.client;
    let options = apply::Options { parallelism: global.parallelism.into(), retry: client.config().retry };
    let ids = std::mem::take(&mut planned.actual.ids);
    let outcome = apply::apply(&planned.plan, ids, client, &options, &progress).await;
    progress.finish();
    let exit = match (outcome.interrupted, outcome.is_complete()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Partial,
    };
    finish(args, wish, &planned, &outcome, exit, ui)
}

/// Prints the outcome in the form that was asked for.
fn finish(
    args: &args::Apply,
    wish: &Wish,
    planned: &Planned,
    outcome: &plan::Outcome,
    exit: Exit,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    match args.format {
        Format::Json => {
            let document = render::document(&planned.plan, diagnostics(&planned.report, wish));
            ui.out(&pretty(&render::outcome_document(&planned.plan, document, outcome))?);
        }
        Format::Text if exit == Exit::Refused => ui.out("Refused: nothing was written.\n"),
        Format::Text if planned.plan.is_empty() => ui.out("Nothing to change.\n"),
        Format::Text => ui.out(&render::outcome_text(&planned.plan, outcome)),
    }
    Ok(exit)
}

/// What is asked for and what a run may do.
struct Wish {
    read: Read,
    limits: Limits,
    scope: Scope,
}

fn wish(args: &Planning, ui: &Ui) -> anyhow::Result<Wish> {
    let mut read = inputs::read(&args.inputs, false, ui)?;
    let scope = ownership::scope(&mut read, &args.targets)?;
    read.check(false, ui)?;
    let max_deletes = args.max_deletes.or(read.desired.settings.max_deletes).unwrap_or(DEFAULT_MAX_DELETES);
    let limits = Limits { max_deletes, delete_data: args.delete_data, protect: scope.protect.clone() };
    Ok(Wish { read, limits, scope })
}

/// A connection to the service that is meant.
struct Session {
    target: Target,
    connection: Connection,
}

/// A plan with what it was made from.
struct Planned {
    plan: Plan,
    actual: Actual,
    report: Report,
}

impl Session {
    async fn open(wish: &Wish, global: &Global, read_only: bool, ui: &Ui) -> anyhow::Result<Self> {
        let given = endpoint::credentials(global, ui)?;
        let target = endpoint::target(global, &wish.read.desired.settings, &given, ui)?;
        let connection = endpoint::connect(global, &target, &given, read_only).await?;
        Ok(Self { target, connection })
    }

    /// Fetches what the files speak of and compares. Only reads.
    async fn plan(&self, wish: &Wish, _ui: &Ui) -> anyhow::Result<Planned> {
        let desired: &Desired = &wish.read.desired;
        let wanted = Wanted::of(desired, wish.scope.prune.kinds());
        let actual = fetch(&self.connection.client, &wanted)
            .await
            .with_context(|| format!("cannot read {}", self.target))?;
        let mut report = Report::default();
        let input = plan::Input {
            target: self.target.to_string(),
            desired,
            actual: &actual.state,
            twins: &actual.twins,
            diff: diff::diff(desired, &actual.state, &wish.scope.view(desired, &actual.state)),
            limits: &wish.limits,
            files: &wish.read.files,
        };
        let plan = plan::build(input, &mut report);
        Ok(Planned { plan, actual, report })
    }

    /// Somebody took a while to answer: what was shown must still be what would be done.
    async fn confirm_unmoved(&self, shown: Planned, wish: &Wish, ui: &Ui) -> anyhow::Result<Planned> {
        let now = self.plan(wish, ui).await?;
        let changes =
            |planned: &Planned| planned.plan.steps.iter().map(|step| step.change.clone()).collect::<Vec<_>>();
        if changes(&now) == changes(&shown) && now.plan.refusals.is_empty() {
            return Ok(now);
        }
        Err(Stop {
            exit: Exit::Refused,
            message: "the service changed while the plan was being confirmed: nothing was written".into(),
            help: vec!["run again to see the plan as it is now".into()],
        }
        .into())
    }
}

fn check_that_somebody_can_answer(args: &args::Apply) -> Result<(), Stop> {
    let from_stdin = args.planning.inputs.paths.iter().any(|path| path.as_os_str() == "-");
    if from_stdin || !std::io::stdin().is_terminal() {
        return Err(Stop::usage(
            "nobody can be asked: standard input is not a terminal",
            "look at `plan` first, then give --auto-approve",
        ));
    }
    Ok(())
}

fn confirmed(plan: &Plan) -> anyhow::Result<bool> {
    let changes = render::plural(plan.steps.len(), "change", "changes");
    eprint_prompt(&format!("Write {changes} to {}? Only `yes` is a yes: ", plan.target));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(answer.trim() == "yes")
}

fn eprint_prompt(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
    let _ = std::io::stderr().flush();
}

fn diagnostics(report: &Report, wish: &Wish) -> Vec<Value> {
    let list = |report: &Report| match to_json(report, &wish.read.files) {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    let mut all = list(&wish.read.report);
    all.extend(list(report));
    all
}

fn pretty(document: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

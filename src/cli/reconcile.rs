//! The main job: validate, plan, apply. Each adds one stage to the one before; read this page first.

use std::path::{Path, PathBuf};

use librato_apply::diag::{Code, Report, counted, in_plain_words, to_json};
use librato_apply::plan::{self, Plan};
use librato_apply::render;
use serde_json::{Value, json};

use super::args::{self, ApplyFormat, Format, Global, PlanFormat};
use super::credentials::Given;
use super::endpoint::{Access, Whose};
use super::exit::{Exit, Stop};
use super::files::{self, Readers};
use super::inputs;
use super::ownership;
use super::session::{PlanOptions, Planned, Session, options};
use super::target::{Target, Written};
use super::test::case;
use super::ui::{Ui, pretty};
use super::{backup, saved, write};

/// `validate`: read and check, offline.
pub fn validate(args: &args::Validate, ui: &Ui) -> anyhow::Result<Exit> {
    let mut read = inputs::read(&args.inputs, true, ui)?;
    ownership::scope(&mut read, &[])?;
    case::merge(&mut read.report, case::unfit(&read.desired, &read.files));
    read.report.sort(&read.files);
    if args.format == Format::Json {
        let document = json!({
            "format_version": 1,
            "objects": read.desired.objects.len(),
            "diagnostics": to_json(&read.report, &read.files),
        });
        ui.document(&pretty(&document)?);
        let failed = read.report.has_errors() || args.inputs.reading.strict && read.report.warnings() > 0;
        return Ok(if failed { Exit::Error } else { Exit::Done });
    }
    read.check(args.inputs.reading.strict, ui)?;
    read.report.fold();
    let warned = match read.report.warnings() {
        0 => String::new(),
        warnings => format!(", with {}", counted(warnings, "warning")),
    };
    let objects = counted(read.desired.objects.len(), "object");
    let files = counted(read.documents, "file");
    ui.out(&format!("Valid{warned}: {objects} in {files}.\n"));
    Ok(Exit::Done)
}

/// `plan`: and compare with what exists.
pub async fn plan(args: &args::Plan, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let mut options = options(&args.planning, ui)?;
    let made = make(&mut options, args, global, ui).await;
    if let Err(error) = &made {
        let (why, found) = (format!("{error:#}"), diagnostics(&options.read.report, &options));
        match args.format {
            PlanFormat::Text => {}
            PlanFormat::Json => ui.document(&pretty(&render::document_without_plan(&why, found))?),
            // A comment is updated with this output: without one it would go on showing the plan of an earlier commit.
            PlanFormat::Markdown => ui.document(&render::markdown_without_plan(&why, &found)),
            PlanFormat::Html => ui.document(&render::html_without_plan(&why, &found)),
        }
        if let Some(path) = &args.report {
            report(path, &render::html_without_plan(&why, &diagnostics(&options.read.report, &options)), ui)?;
        }
    }
    let (planned, target, given) = made?;
    show(args, &options, planned, &target, &given, ui)
}

async fn make(
    options: &mut PlanOptions,
    args: &args::Plan,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<(Planned, Target, Given)> {
    let session = options.session(global, Access::Compare, ui).await?;
    let mut planned = session.plan(options, ui).await;
    if let Ok(planned) = &mut planned {
        let drawn = args.format == PlanFormat::Html || args.report.is_some();
        session.look(planned, options, &args.planning, drawn, ui).await;
    }
    let Session { target, given, connection, .. } = session;
    connection.close().await?;
    let mut planned = planned?;
    let asked = planned.asked.as_ref().unwrap_or(&options.read.desired);
    let objects = options.scope.unmanaged(asked, &planned.actual.state);
    planned.plan.unmanaged = plan::Unmanaged { objects, named: args.unmanaged };
    Ok((planned, target, given))
}

fn show(
    args: &args::Plan,
    options: &PlanOptions,
    planned: Planned,
    target: &Target,
    given: &Given,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let Planned { plan, actual, mut report, unevaluated, .. } = planned;
    let strict = args.planning.inputs.reading.strict;
    if args.format != PlanFormat::Text {
        unevaluated.iter().for_each(|note| report.push(note.clone()));
    }
    match args.format {
        PlanFormat::Text => {
            inputs::check(&report, &options.read.files, strict, ui)?;
            if ui.quiet() {
                ui.out(&(render::refusals(&plan, ui.styled_out()) + &render::summary(&plan) + "\n"));
                if args.unmanaged {
                    ui.out(&render::unmanaged_text(&plan.unmanaged));
                }
            } else {
                ui.out(&render::text(&plan, ui.styled_out(), ui.width()));
            }
            unevaluated.iter().for_each(|note| ui.say(&format!("note: {}", note.message)));
        }
        // A document holds its diagnostics itself.
        PlanFormat::Json => ui.document(&pretty(&render::document(&plan, diagnostics(&report, options)))?),
        PlanFormat::Markdown => {
            let link = args.report_url.as_ref().map(url::Url::as_str);
            ui.document(&render::markdown_linked(&plan, &diagnostics(&report, options), link));
        }
        PlanFormat::Html => ui.document(&render::html(&plan, &diagnostics(&report, options))),
    }
    if let Some(path) = &args.report {
        self::report(path, &render::html(&plan, &diagnostics(&report, options)), ui)?;
    }
    if report.has_errors() || strict && report.warnings() > 0 {
        return Ok(Exit::Error);
    }
    match &args.out {
        Some(path) if plan.refusals.is_empty() => {
            let sealing = saved::Sealing::new(args.planning.plan_key_file.as_deref(), given, ui)?;
            saved::save(path, &plan, &actual, &options.read, target, &sealing)?;
            ui.say(&format!("saved; write it with: librato-apply apply --plan {}", path.display()));
            sealing.note(target).iter().for_each(|note| ui.say(note));
        }
        Some(path) => ui.complain(&format!("not saved to {}: the plan is refused", path.display())),
        None => {}
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
        write::check_that_somebody_can_answer(args)?;
    }
    if let Some(path) = &args.saved {
        return apply_saved(path, args, global, ui).await;
    }
    let mut options = options(&args.planning, ui)?;
    let opened = options.session(global, Access::Intend, ui).await;
    if let Err(error) = &opened
        && args.format == ApplyFormat::Json
        && options.read.report.has_errors()
    {
        let found = diagnostics(&options.read.report, &options);
        let document = render::document_without_plan(&format!("{error:#}"), found);
        ui.document(&pretty(&render::outcome_document(
            &Plan::default(),
            document,
            &plan::Outcome::default(),
        ))?);
    }
    let mut session = opened?;
    let ended = plan_and_write(args, &options, &mut session, global, ui).await;
    session.connection.close().await?;
    ended
}

async fn plan_and_write(
    args: &args::Apply,
    options: &PlanOptions,
    session: &mut Session,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let mut planned = session.plan(options, ui).await?;
    session.look(&mut planned, options, &args.planning, args.format == ApplyFormat::Html, ui).await;
    let Planned { plan, mut actual, mut report, unevaluated, .. } = planned;
    let left_out = report.iter().any(|found| found.code == Code::NotRendered.name());
    inputs::check(&report, &options.read.files, args.planning.inputs.reading.strict, ui)?;
    write::show(&plan, args, ui);
    if let Some(note) = unevaluated {
        ui.say(&format!("note: {}", note.message));
        report.push(note);
    }
    let diagnostics = diagnostics(&report, options);
    let complete = |exit| if exit == Exit::Done && left_out { Exit::Partial } else { exit };
    if !plan.refusals.is_empty() || plan.is_empty() {
        return write::finish_unwritten(&plan, diagnostics, args, ui).map(complete);
    }
    if !args.auto_approve {
        write::confirm(&plan, ui)?;
    }
    if session.make_file(global, ui).await? || !args.auto_approve {
        actual = session.confirm_unmoved(&plan, options, ui).await?.actual;
    }
    let goal = session.goal()?;
    let towards = write::Towards { goal: &*goal, connection: &session.connection };
    let exit = write::write(&plan, actual, diagnostics, args, global, &towards, ui).await?;
    if args.planning.inputs.paths.iter().any(|path| backup::is_one(path)) {
        ui.say(backup::RESTORED);
    }
    Ok(complete(exit))
}

/// `apply --plan`: what was reviewed, if nothing it was made from has changed.
async fn apply_saved(path: &Path, args: &args::Apply, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let saved = saved::load(path)?;
    // Only a file says where to go, as with the settings: the same rules guard the token.
    let written = Written {
        text: saved.endpoint.clone(),
        dir: PathBuf::new(),
        place: format!("the saved plan {}", path.display()),
    };
    let (target, given) = Session::meant(Some(written), global, ui)?;
    let mut session = Session::open(target, given, global, Access::Intend, ui).await?;
    let ended = write_saved(&saved, args, global, &mut session, ui).await;
    session.connection.close().await?;
    ended
}

async fn write_saved(
    saved: &plan::SavedPlan,
    args: &args::Apply,
    global: &Global,
    session: &mut Session,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let Session { target, given, connection, .. } = session;
    let sealing = saved::Sealing::new(args.planning.plan_key_file.as_deref(), given, ui)?;
    let (plan, mut actual) = saved::open(saved, connection, target, &sealing, ui).await?;
    write::show(&plan, args, ui);
    if !plan.refusals.is_empty() || plan.is_empty() {
        return write::finish_unwritten(&plan, Vec::new(), args, ui);
    }
    if !args.auto_approve {
        write::confirm(&plan, ui)?;
    }
    if connection.make_file(global, target, given, ui).await? || !args.auto_approve {
        actual = saved::open(saved, connection, target, &sealing, ui).await?.1;
    }
    let goal = connection.target(target, &Whose::Plan(&saved.writing))?;
    let towards = write::Towards { goal: &*goal, connection };
    write::write(&plan, actual, Vec::new(), args, global, &towards, ui).await
}

/// The plan as a page, in a file beside what is printed.
fn report(path: &Path, page: &str, ui: &Ui) -> Result<(), Stop> {
    files::replace(path, ui.redact(page).as_bytes(), Readers::All).map_err(|error| Stop {
        exit: Exit::Error,
        message: format!("cannot write {}: {}", path.display(), in_plain_words(&error)),
        help: Vec::new(),
    })?;
    ui.say(&format!("wrote {}", path.display()));
    Ok(())
}

fn diagnostics(report: &Report, options: &PlanOptions) -> Vec<Value> {
    match to_json(report, &options.read.files) {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

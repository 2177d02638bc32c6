//! The main job: validate, plan, apply. Each adds one stage to the one before; read this page first.

use std::path::{Path, PathBuf};

use anyhow::Context;
use librato_apply::diag::{Code, Diagnostic, Report, counted, to_json};
use librato_apply::diff::scope::{Globs, Scope};
use librato_apply::model::Collection;
use librato_apply::plan::{self, DEFAULT_MAX_DELETES, Limits, Plan};
use librato_apply::remote::fetch::{Actual, Wanted, fetch};
use librato_apply::{diff, render};
use serde_json::{Value, json};

use super::args::{self, Format, Global, PlanFormat, Planning};
use super::credentials::{self, Given};
use super::endpoint::{self, Access, Connection};
use super::exit::{Exit, Stop};
use super::inputs::{self, Read};
use super::ownership;
use super::progress::waiting;
use super::target::{Place, Target, Written, target};
use super::test::case;
use super::ui::{Ui, pretty};
use super::{backup, evidence, saved, unevaluated, write};

/// `validate`: read and check, offline.
pub fn validate(args: &args::Validate, ui: &Ui) -> anyhow::Result<Exit> {
    let mut read = inputs::read(&args.inputs, true, ui)?;
    ownership::scope(&mut read, &[])?;
    read.report.extend(case::unfit(&read.desired, &read.files));
    read.report.sort(&read.files);
    if args.format == Format::Json {
        let document = json!({
            "format_version": 1,
            "objects": read.desired.objects.len(),
            "diagnostics": to_json(&read.report, &read.files),
        });
        ui.document(&pretty(&document)?);
        let failed = read.report.has_errors() || args.inputs.strict && read.report.warnings() > 0;
        return Ok(if failed { Exit::Error } else { Exit::Done });
    }
    read.check(args.inputs.strict, ui)?;
    let objects = counted(read.desired.objects.len(), "object");
    let files = counted(read.documents, "file");
    ui.out(&format!("Valid: {objects} in {files}.\n"));
    Ok(Exit::Done)
}

/// `plan`: and compare with what exists.
pub async fn plan(args: &args::Plan, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let mut wish = wish(&args.planning, ui)?;
    let made = make(&mut wish, args, global, ui).await;
    if let Err(error) = &made {
        let (why, found) = (format!("{error:#}"), diagnostics(&wish.read.report, &wish));
        match args.format {
            PlanFormat::Text => {}
            PlanFormat::Json => ui.document(&pretty(&render::document_without_plan(&why, found))?),
            // A comment is updated with this output: without one it would go on showing the plan of an earlier commit.
            PlanFormat::Markdown => ui.document(&render::markdown_without_plan(&why, &found)),
        }
    }
    let (planned, target, given) = made?;
    show(args, &wish, planned, &target, &given, ui)
}

async fn make(
    wish: &mut Wish,
    args: &args::Plan,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<(Planned, Target, Given)> {
    let session = wish.session(global, Access::Compare, ui).await?;
    let mut planned = session.plan(wish, ui).await;
    if let Ok(planned) = &mut planned {
        session.look(planned, wish, &args.planning, ui).await;
    }
    let Session { target, given, connection } = session;
    connection.close().await?;
    let mut planned = planned?;
    let objects = wish.scope.unmanaged(&wish.read.desired, &planned.actual.state);
    planned.plan.unmanaged = plan::Unmanaged { objects, named: args.unmanaged };
    Ok((planned, target, given))
}

fn show(
    args: &args::Plan,
    wish: &Wish,
    planned: Planned,
    target: &Target,
    given: &Given,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let Planned { plan, actual, mut report, unevaluated } = planned;
    let strict = args.planning.inputs.strict;
    if args.format != PlanFormat::Text {
        unevaluated.iter().for_each(|note| report.push(note.clone()));
    }
    match args.format {
        PlanFormat::Text => {
            inputs::check(&report, &wish.read.files, strict, ui)?;
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
        PlanFormat::Json => ui.document(&pretty(&render::document(&plan, diagnostics(&report, wish)))?),
        PlanFormat::Markdown => ui.document(&render::markdown(&plan, &diagnostics(&report, wish))),
    }
    if report.has_errors() || strict && report.warnings() > 0 {
        return Ok(Exit::Error);
    }
    match &args.out {
        Some(path) if plan.refusals.is_empty() => {
            let sealing = saved::Sealing::new(args.planning.plan_key_file.as_deref(), given, ui)?;
            saved::save(path, &plan, &actual, &wish.read, target, &sealing)?;
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
    let mut wish = wish(&args.planning, ui)?;
    let opened = wish.session(global, Access::Intend, ui).await;
    if let Err(error) = &opened
        && args.format == Format::Json
        && wish.read.report.has_errors()
    {
        let found = diagnostics(&wish.read.report, &wish);
        let document = render::document_without_plan(&format!("{error:#}"), found);
        ui.document(&pretty(&render::outcome_document(
            &Plan::default(),
            document,
            &plan::Outcome::default(),
        ))?);
    }
    let mut session = opened?;
    let ended = plan_and_write(args, &wish, &mut session, global, ui).await;
    session.connection.close().await?;
    ended
}

async fn plan_and_write(
    args: &args::Apply,
    wish: &Wish,
    session: &mut Session,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let mut planned = session.plan(wish, ui).await?;
    session.look(&mut planned, wish, &args.planning, ui).await;
    let Planned { plan, mut actual, mut report, unevaluated } = planned;
    inputs::check(&report, &wish.read.files, args.planning.inputs.strict, ui)?;
    write::show(&plan, args, ui);
    if let Some(note) = unevaluated {
        ui.say(&format!("note: {}", note.message));
        report.push(note);
    }
    let diagnostics = diagnostics(&report, wish);
    if !plan.refusals.is_empty() || plan.is_empty() {
        return write::finish_unwritten(&plan, diagnostics, args, ui);
    }
    if !args.auto_approve {
        write::confirm(&plan, ui)?;
    }
    if session.make_file(global, ui).await? || !args.auto_approve {
        actual = session.confirm_unmoved(&plan, wish, ui).await?.actual;
    }
    let exit = write::write(&plan, actual.ids, diagnostics, args, global, &session.connection, ui).await?;
    if args.planning.inputs.paths.iter().any(|path| backup::is_one(path)) {
        ui.say(backup::RESTORED);
    }
    Ok(exit)
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
    let Session { target, given, connection } = session;
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
    write::write(&plan, actual.ids, Vec::new(), args, global, connection, ui).await
}

/// What is asked for, which may still hold mistakes, and what a run may do.
struct Wish {
    read: Read,
    limits: Limits,
    scope: Scope,
    /// Each `--target` by itself.
    targets: Vec<(String, Globs)>,
}

fn wish(args: &Planning, ui: &Ui) -> anyhow::Result<Wish> {
    let mut read = inputs::read(&args.inputs, false, ui)?;
    let scope = ownership::scope(&mut read, &args.targets)?;
    let targets = ownership::each_target(&args.targets)?;
    let max_deletes = args.max_deletes.or(read.desired.settings.max_deletes).unwrap_or(DEFAULT_MAX_DELETES);
    let limits = Limits {
        max_deletes,
        delete_data: args.delete_data,
        protect: scope.protect.clone(),
        deny_weaker_alerts: args.deny.contains(&args::Deny::WeakerAlerts),
    };
    Ok(Wish { read, limits, scope, targets })
}

/// A connection to the service that is meant.
struct Session {
    target: Target,
    given: Given,
    connection: Connection,
}

/// A plan with what it was made from.
struct Planned {
    plan: Plan,
    actual: Actual,
    report: Report,
    /// What is said below the plan where the service evaluates none of its alerts.
    unevaluated: Option<Diagnostic>,
}

impl Wish {
    /// A connection to the service that is meant, once the files hold no mistakes: those without which no service is needed, and
    /// words that this service refuses. Warnings are shown with those of the plan.
    async fn session(&mut self, global: &Global, access: Access, ui: &Ui) -> anyhow::Result<Session> {
        let read = &mut self.read;
        if read.report.has_errors() {
            read.check(false, ui)?;
        }
        let opened = async {
            let (target, given) = Session::meant(read.endpoint(), global, ui)?;
            if matches!(target.place, Place::Embedded(_)) {
                read.report.refuse_unknown_words();
                if read.report.has_errors() {
                    read.check(false, ui)?;
                }
            }
            Session::open(target, given, global, access, ui).await
        };
        let opened = opened.await;
        if opened.is_err() && !read.report.has_errors() {
            // There will be no plan to show them with.
            read.check(false, ui)?;
        }
        opened
    }
}

impl Session {
    /// The service that is meant, and who asks.
    fn meant(written: Option<Written>, global: &Global, ui: &Ui) -> anyhow::Result<(Target, Given)> {
        let given = credentials::given(global, ui)?;
        let target = target(global, || Ok(written), &given, ui)?;
        Ok((target, given))
    }

    async fn open(
        target: Target,
        given: Given,
        global: &Global,
        access: Access,
        ui: &Ui,
    ) -> anyhow::Result<Self> {
        let connection = endpoint::connect(global, &target, &given, access, ui).await;
        let connection = connection.map_err(|error| target.explain_way(error))?;
        Ok(Self { target, given, connection })
    }

    /// What was planned against a file that does not exist is written to one. Whether it was made now.
    async fn make_file(&mut self, global: &Global, ui: &Ui) -> anyhow::Result<bool> {
        self.connection.make_file(global, &self.target, &self.given, ui).await
    }

    /// Fetches what the files speak of and compares. Only reads.
    async fn plan(&self, wish: &Wish, ui: &Ui) -> anyhow::Result<Planned> {
        let desired = &wish.read.desired;
        let mut wanted = Wanted::of(desired, &wish.scope.prune);
        if wish.limits.deny_weaker_alerts {
            // Alerts that nobody declares here may use what changes, too.
            wanted.add(Collection::Alerts);
        }
        let what = format!("reading {}", self.target);
        let actual = waiting(ui, &what, fetch(&self.connection.client, &wanted))
            .await
            .with_context(|| format!("cannot read {}", self.target))
            .map_err(|error| self.target.explain(error))?;
        let mut report = wish.read.report.clone();
        if self.connection.client.asks_the_built_in_server() {
            report.refuse_unknown_words();
        }
        let view = wish.scope.view(desired, &actual.state);
        report.extend(ownership::aimless(&wish.targets, desired, &view, &actual.state));
        let input = plan::Input {
            target: self.target.to_string(),
            desired,
            actual: &actual.state,
            twins: &actual.twins,
            diff: diff::diff(desired, &actual.state, &view),
            limits: &wish.limits,
            files: &wish.read.files,
        };
        let plan = plan::build(input, &mut report);
        plan::note_other_orders(desired, &actual.chart_order, &wish.read.files, &mut report);
        report.sort(&wish.read.files);
        let unevaluated = unevaluated::diagnostic(&self.connection.client, desired);
        Ok(Planned { plan, actual, report, unevaluated })
    }

    /// Adds what measurements say of a plan, where that was asked for, and holds it against what is denied. Only reads.
    async fn look(&self, planned: &mut Planned, wish: &Wish, args: &Planning, ui: &Ui) {
        let Some(length) = args.evidence_length().filter(|_| !planned.report.has_errors()) else { return };
        let asked = evidence::Asked { length, timeout: args.evidence_timeout };
        let what = format!("looking for evidence on {}", self.target);
        let Planned { plan, actual, report, .. } = planned;
        let client = &self.connection.client;
        client.take_failure();
        let looking = evidence::evidence(client, plan, &wish.read.desired, actual, asked);
        let mut found = waiting(ui, &what, looking).await;
        // Who runs out of time while requests fail would learn nothing of it.
        if let (Some(cut), Some(failure)) = (&mut found.looked.cut, client.take_failure()) {
            *cut = format!("{cut}, while requests failed ({failure})");
        }
        if let Some(most) = args.most_notifications() {
            plan.refusals.extend(found.noisy_alerts(&plan.steps, most));
            let unjudged: Vec<&str> = found.unjudged(&plan.steps).collect();
            if !unjudged.is_empty() {
                let message = format!(
                    "--deny noisy-alerts did not judge what could not be read: {}",
                    unjudged.join(", ")
                );
                report.push(
                    Diagnostic::warning(Code::EvidenceMissing, message)
                        .help("--evidence-timeout gives it more time; --strict makes this an error"),
                );
            }
        }
        plan.evidence = Some(found);
    }

    /// Somebody took a while to answer: what was shown must still be what would be done.
    async fn confirm_unmoved(&self, shown: &Plan, wish: &Wish, ui: &Ui) -> anyhow::Result<Planned> {
        let now = self.plan(wish, ui).await?;
        let changes = |plan: &Plan| plan.steps.iter().map(|step| step.change.clone()).collect::<Vec<_>>();
        if changes(&now.plan) == changes(shown) && now.plan.refusals.is_empty() {
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

fn diagnostics(report: &Report, wish: &Wish) -> Vec<Value> {
    match to_json(report, &wish.read.files) {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

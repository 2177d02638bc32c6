//! `render prometheus`: the files, a rendering of them, and a directory that holds it. Writes whole files, and nothing that is not its own.

mod directory;
mod evidence;
mod show;

use anyhow::Context as _;
use librato_apply::diag::{Diagnostic, Part, Place, Report, Route};
use librato_apply::model::check::Finding;
use librato_apply::prometheus::{self, Given, Rendering, Settings, Tests};

use super::args::Global;
use super::args::render::{
    Render, RenderCommand, RenderDeny, RenderFor, RenderFormat, RenderPrometheus, RenderTests,
};
use super::exit::{Exit, Stop};
use super::inputs::{self, Read};
use super::ui::{Ui, pretty};
use directory::Directory;

pub async fn render(args: &Render, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    match &args.command {
        RenderCommand::Prometheus(args) => for_prometheus(args, global, ui).await,
    }
}

async fn for_prometheus(args: &RenderPrometheus, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let mut read = match args.tests {
        // What is written as it is must be set.
        _ if args.inline_secrets => inputs::read(&args.inputs, false, ui)?,
        RenderTests::None => inputs::read_without_secrets(&args.inputs, ui)?,
        RenderTests::Written | RenderTests::Auto => inputs::read_with_tests(&args.inputs, ui)?,
    };
    let base = base(&read)?;
    let settings = settings(args, base.as_deref(), &mut read);
    read.check(args.inputs.reading.strict, ui)?;
    let Some(settings) = settings else { return Ok(Exit::Error) };
    let tests = match args.tests {
        RenderTests::None => Tests::None,
        RenderTests::Written => Tests::Written,
        RenderTests::Auto => Tests::Auto,
    };
    let mut rendering = prometheus::render(&read.desired, &read.files, &settings, tests);
    if let Some(why) = &rendering.unplaced {
        let message = format!("nothing can be put into the configuration of Alertmanager: {why}");
        return Err(Stop { exit: Exit::Error, message, help: Vec::new() }.into());
    }
    let report = pretty(&rendering.report)?;
    rendering.files.insert("fidelity.json".to_owned(), report);
    if let Some(url) = &args.evidence {
        rendering.report.evidence =
            evidence::evidence(url, &rendering.questions, settings.interval, global, ui).await?;
    }

    let counts = rendering.report.counts;
    let denied = args.deny == Some(RenderDeny::Approximate) && counts.approximate > 0;
    // Nothing is written that is refused as a whole.
    let ended = if denied { Exit::Refused } else { written(args, &rendering, ui)? };
    match (args.format, &args.out) {
        (RenderFormat::Json, _) => ui.document(&pretty(&rendering.report)?),
        (RenderFormat::Markdown, _) => ui.document(&show::markdown(&rendering.report)),
        (RenderFormat::Text, Some(_)) => ui.out(&show::report(&rendering.report, ui)),
        (RenderFormat::Text, None) => {
            if !denied {
                ui.document(&rendering.rules);
            }
            ui.say(&show::report(&rendering.report, ui));
        }
    }
    if denied {
        let message = format!(
            "{} would mean nearly the same, and --deny approximate is given",
            librato_apply::diag::counted(counts.approximate, "object")
        );
        ui.error(&message, &["the report has the reasons, and a way out of each".to_owned()]);
    }
    if ended != Exit::Done {
        return Ok(ended);
    }
    Ok(if counts.refused > 0 { Exit::Partial } else { Exit::Done })
}

/// The configuration of someone else that ours is put into, beside the file that names it.
fn base(read: &Read) -> anyhow::Result<Option<String>> {
    let settings = &read.desired.settings;
    let named = settings.prometheus.alertmanager.as_ref().and_then(|written| written.base.as_ref());
    let Some((name, (_, directory))) = named.zip(settings.home.as_ref()) else { return Ok(None) };
    let path = directory.join(name);
    let text = std::fs::read_to_string(&path);
    text.map(Some).with_context(|| format!("cannot read {}, the base of alertmanager.yml", path.display()))
}

fn settings(args: &RenderPrometheus, base: Option<&str>, read: &mut Read) -> Option<Settings> {
    let given = Given {
        owner: args.owner.as_deref(),
        engine: args.engine,
        base,
        inline_secrets: args.inline_secrets,
        vmalert: args.evaluated_by == Some(RenderFor::Vmalert),
    };
    settings_of(read, &given)
}

/// The settings; what is wrong with them goes into the report.
pub fn settings_of(read: &mut Read, given: &Given<'_>) -> Option<Settings> {
    let written = &read.desired.settings.prometheus;
    let (settings, findings) = match Settings::read(written, given) {
        Ok(settings) => (Some(settings), prometheus::unused(written, &read.desired)),
        Err(findings) => (None, findings),
    };
    let mut report = Report::default();
    findings.into_iter().for_each(|found| report.push(diagnostic(found, read)));
    read.report.extend(report);
    read.report.sort(&read.files);
    settings
}

fn diagnostic(found: Finding, read: &Read) -> Diagnostic {
    let diagnostic = Diagnostic::new(found.severity, found.code, found.message);
    let diagnostic = found.help.into_iter().fold(diagnostic, Diagnostic::help);
    let Some((file, _)) = &read.desired.settings.home else { return diagnostic };
    let route = Route::root().key("settings").key("prometheus").join(&found.route);
    diagnostic.at(Place::Node { file: *file, route, part: Part::Value }, "")
}

/// Brings the directory to what was rendered, or says that it is not.
fn written(args: &RenderPrometheus, rendering: &Rendering, ui: &Ui) -> anyhow::Result<Exit> {
    let Some(out) = &args.out else { return Ok(Exit::Done) };
    let directory = Directory::look(out, &rendering.files)?;
    if args.check {
        let differences = directory.differences();
        if differences.is_empty() {
            return Ok(Exit::Done);
        }
        differences.iter().for_each(|line| ui.complain(line));
        ui.error(
            &format!("{} does not hold what the files say", out.display()),
            &["run the same without --check, and commit what it writes".to_owned()],
        );
        return Ok(Exit::Pending);
    }
    if let Some(path) = directory.foreign.first() {
        let (exit, help) = (Exit::Refused, vec!["move it away, or choose another directory".to_owned()]);
        let message = format!("{} is in the way, and was not written by render prometheus", path.display());
        return Err(Stop { exit, message, help }.into());
    }
    directory.write(&rendering.files, args.inline_secrets)?;
    if args.prune_files {
        directory.prune()?;
        return Ok(Exit::Done);
    }
    for path in &directory.stale {
        ui.complain(&format!(
            "warning: {} is of an earlier run and no longer rendered; --prune-files deletes it",
            path.display()
        ));
    }
    Ok(if directory.stale.is_empty() { Exit::Done } else { Exit::Partial })
}

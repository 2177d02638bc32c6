//! `test`: the alerts of the files with made-up measurements, without any service.

pub mod case;
pub mod document;
mod gaps;
mod junit;
mod picture;
mod show;

use librato_apply::composite::matches;
use librato_apply::diag::{in_plain_words, printable, suggest, to_json};
use librato_apply::render::FORMAT_VERSION;

use super::args::Format;
use super::args::test::Test;
use super::exit::{Exit, Stop};
use super::files::{self, Readers};
use super::inputs::{self, Read};
use super::ui::{Ui, pretty};
use case::{Case, Result};
use document::TestDocument;
use gaps::Gaps;

pub fn test(args: &Test, ui: &Ui) -> anyhow::Result<Exit> {
    let mut read = inputs::read_with_tests(&args.inputs, ui)?;
    let (cases, found) = case::cases(&read.desired, &read.files);
    case::merge(&mut read.report, found);
    read.report.sort(&read.files);
    if let Err(stop) = sound(&read, args, ui) {
        if args.format == Format::Json {
            let diagnostics = to_json(&read.report, &read.files);
            ui.document(&pretty(&TestDocument::broken(diagnostics))?);
        }
        return Err(stop.into());
    }
    let chosen = chosen(&cases, &args.filter)?;
    if args.list {
        return list(&chosen, args, ui);
    }
    let results: Vec<Result<'_>> = chosen.iter().map(|case| case::run(case)).collect();
    let gaps = args.filter.is_empty().then(|| Gaps::of(&read.desired, &results));
    if let Some(path) = &args.junit {
        let text = ui.redact(&junit::document(&results, &read.files));
        files::replace(path, text.as_bytes(), Readers::All).map_err(|error| Stop {
            exit: Exit::Error,
            message: format!("cannot write {}: {}", path.display(), in_plain_words(&error)),
            help: Vec::new(),
        })?;
    }
    match args.format {
        Format::Text => {
            show::results(&results, &read.files, ui);
            if let Some(gaps) = &gaps {
                ui.out(&gaps.text());
            }
        }
        Format::Json => {
            let document = TestDocument::of(&results, gaps.as_ref(), &read);
            ui.document(&pretty(&document)?);
        }
    }
    if results.is_empty() && case::has_alerts(&read.desired) {
        let help = "they stand under `tests:`, or in files *.test.yaml; `init` writes one";
        return Err(Stop::usage("no tests were found", help).into());
    }
    let failed = results.iter().any(Result::failed);
    let lacking = args.require_coverage && gaps.is_some_and(|gaps| !gaps.is_empty());
    if lacking && !failed {
        ui.error("the tests do not cover all alerts, and --require-coverage asks for it", &[]);
    }
    Ok(if failed || lacking { Exit::Error } else { Exit::Done })
}

/// Whether the files can be tested: what is wrong with them is no failed test.
fn sound(read: &Read, args: &Test, ui: &Ui) -> std::result::Result<(), Stop> {
    let checked = match args.format {
        Format::Text => read.check(args.inputs.reading.strict, ui),
        // A document holds its diagnostics itself.
        Format::Json => {
            let warnings = args.inputs.reading.strict && read.report.warnings() > 0;
            let broken = read.report.has_errors() || warnings;
            if broken { Err(Stop::usage("the files have mistakes", "see `diagnostics`")) } else { Ok(()) }
        }
    };
    checked.map_err(|stop| Stop { exit: Exit::Usage, ..stop })
}

/// The tests whose names match some pattern; all without one.
fn chosen<'c>(cases: &'c [Case<'c>], filter: &[String]) -> std::result::Result<Vec<&'c Case<'c>>, Stop> {
    if filter.is_empty() {
        return Ok(cases.iter().collect());
    }
    let is_used = |pattern: &&String| cases.iter().any(|case| matches(pattern, case.name()));
    if let Some(pattern) = filter.iter().find(|pattern| !is_used(pattern)) {
        let close = suggest(pattern, cases.iter().map(Case::name));
        let help = match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => "--list shows their names; `*` stands for any run of characters".to_owned(),
        };
        return Err(Stop::usage(format!("no test is called `{}`", printable(pattern)), help));
    }
    let is_meant = |case: &&Case<'_>| filter.iter().any(|pattern| matches(pattern, case.name()));
    Ok(cases.iter().filter(is_meant).collect())
}

fn list(cases: &[&Case<'_>], args: &Test, ui: &Ui) -> anyhow::Result<Exit> {
    match args.format {
        Format::Text => ui.out(&show::list(cases)),
        Format::Json => {
            let tests: Vec<_> = cases
                .iter()
                .map(|case| serde_json::json!({ "name": case.name(), "alert": case.alert() }))
                .collect();
            ui.document(&pretty(&serde_json::json!({ "format_version": FORMAT_VERSION, "tests": tests }))?);
        }
    }
    Ok(Exit::Done)
}

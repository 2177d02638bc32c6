//! What came of tests, for people: a line for each, then every failure with its reason and a picture.

use librato_apply::diag::{Files, counted, printable};
use librato_apply::model::Moment;
use librato_apply::offline::Failure;

use super::super::ui::Ui;
use super::case::{Case, Result};
use super::picture;

/// Names of tests with their alerts.
pub fn list(cases: &[&Case<'_>]) -> String {
    let width = cases.iter().map(|case| case.name().chars().count()).max().unwrap_or(0);
    cases.iter().map(|case| format!("{:<width$}  {}\n", printable(case.name()), case.alert())).collect()
}

pub fn results(results: &[Result<'_>], files: &Files, ui: &Ui) {
    let mut out = String::new();
    for result in results {
        if !ui.quiet() || result.failed() {
            out.push_str(&line(result, ui.styled_out()));
        }
    }
    let failed: Vec<&Result<'_>> = results.iter().filter(|result| result.failed()).collect();
    for result in &failed {
        out.push_str(&failure(result, files, ui));
    }
    out.push_str(if results.is_empty() { "" } else { "\n" });
    out.push_str(&match (results.len(), failed.len()) {
        (0, _) => "No tests were found: they stand under `tests:`, or in files *.test.yaml.\n".to_owned(),
        (all, 0) => format!("{}, all ok.\n", counted(all, "test")),
        (all, failed) => format!("{}, {} ok, {failed} failed.\n", counted(all, "test"), all - failed),
    });
    ui.out(&out);
}

fn line(result: &Result<'_>, styled: bool) -> String {
    let name = printable(result.case.name());
    let paint = |color: &str, word: &str| {
        if styled { format!("\u{1b}[{color}m{word}\u{1b}[0m") } else { word.to_owned() }
    };
    match &result.verdict {
        Ok(verdict) if verdict.failures.is_empty() => format!("{}      {name}\n", paint("32", "ok")),
        Ok(verdict) => {
            let (wrong, all) = (verdict.failures.len(), counted(verdict.checks, "expectation"));
            format!("{}  {name} ({wrong} of {all})\n", paint("1;31", "FAILED"))
        }
        Err(_) => format!("{}  {name} (cannot be evaluated)\n", paint("1;31", "FAILED")),
    }
}

fn failure(result: &Result<'_>, files: &Files, ui: &Ui) -> String {
    let case = result.case;
    let bold = |text: String| if ui.styled_out() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text };
    let mut out = format!("\n{}\n", bold(format!("{} ({})", printable(case.name()), case.alert())));
    let verdict = match &result.verdict {
        Ok(verdict) => verdict,
        Err(problem) => {
            out.push_str(&format!("  a composite cannot be evaluated: {}\n", problem.message));
            return out;
        }
    };
    for failure in &verdict.failures {
        out.push_str(&one(failure, case, files));
    }
    if let Some(seen) = &verdict.seen {
        // On a terminal with signs of its own; a log gets what every log can hold.
        let plain = ui.ascii() || ui.width().is_none();
        let picture = picture::picture(case, &verdict.failures, seen);
        out.push_str(if picture.is_empty() { "" } else { "\n" });
        for line in picture.lines() {
            let line = if plain { picture::ascii(line) } else { line.to_owned() };
            out.push_str(format!("  {line}").trim_end());
            out.push('\n');
        }
    }
    out
}

/// A failure as lines: what was expected, what there was, why.
fn one(failure: &Failure, case: &Case<'_>, files: &Files) -> String {
    let place = case.position(files, &failure.route).map_or(String::new(), |at| format!("  {at}"));
    let mut out = format!("\n  {}{place}\n", title(failure, case));
    for (word, lines) in [("expected", &failure.expected), ("actual", &failure.actual)] {
        for (i, line) in lines.iter().enumerate() {
            out.push_str(&format!("    {:<8}  {line}\n", if i == 0 { word } else { "" }));
        }
    }
    failure.reasons.iter().for_each(|reason| out.push_str(&format!("    {}\n", printable(reason))));
    out
}

/// What a failure is about, in a few words.
pub fn title(failure: &Failure, case: &Case<'_>) -> String {
    let Some(at) = failure.at else { return "notifications".to_owned() };
    let clock = case.start.and_then(|start| jiff::Timestamp::from_second(start.checked_add(at)?).ok());
    let clock = clock.map_or(String::new(), |clock| format!(" ({clock})"));
    format!("at {}{clock}", Moment(at))
}

//! What came of a backtest as Markdown, for a comment of a pull request: a hidden first line by which the comment is found again, a
//! table, and details to unfold; never longer than a comment may be.

use librato_apply::diag::{counted, printable};
use librato_apply::render::markdown_without;
use serde_json::Value;

use super::coverage::coverage;
use super::outcome::{Outcome, Results};
use super::show::{columns, details, foot, services};

/// The first line of the comment: whoever posts it looks for this line and updates that comment.
const MARKER: &str = "<!-- librato-apply backtest -->";

/// A comment has a size: so many bytes of rows, so many with details, and so many more for metrics that are missing.
const ROWS: usize = 30_000;
const LONGEST: usize = 58_000;
const MISSING: usize = 1_500;

/// The comment where there is no backtest: why, and what was found in the files.
pub fn without(why: &str, diagnostics: &[Value]) -> String {
    markdown_without(MARKER, "No backtest", why, diagnostics)
}

/// All of it.
pub fn text(results: &Results) -> String {
    let outcomes = &results.outcomes;
    let mut out = format!("{MARKER}\n### Backtest\n\n");
    if outcomes.is_empty() {
        out.push_str(&format!("{}\n", results.nothing()));
    } else {
        out.push_str("Incidents / notifications / longest / share of time\n\n| Alert | Before | After | Changed |\n| --- | --- | --- | --- |\n");
    }
    let left = fill(&mut out, ROWS, outcomes.iter().map(row));
    if left > 0 {
        out.push_str(&format!("\n… and {} more; those that change are first.\n", counted(left, "alert")));
    }
    let unfolded = outcomes.iter().filter_map(|outcome| unfolded(outcome, results));
    let left = fill(&mut out, LONGEST, unfolded);
    if left > 0 {
        out.push_str(&format!("\n… the details of {} are left out.\n", counted(left, "alert")));
    }
    let missing = results.missing.iter().map(|name| format!("\nNothing was measured of {}.\n", cell(name)));
    fill(&mut out, LONGEST + MISSING, missing);
    if let Some(cut) = &results.cut {
        out.push_str(&format!("\n**Not everything was read: {cut} was met.**\n"));
    }
    out + "\n" + &cell(&foot(results)) + "\n"
}

/// Adds what there is room for; how many there was none for.
fn fill(out: &mut String, most: usize, mut texts: impl Iterator<Item = String>) -> usize {
    while let Some(text) = texts.next() {
        if out.len() + text.len() > most {
            return texts.count() + 1;
        }
        out.push_str(&text);
    }
    0
}

fn unfolded(outcome: &Outcome, results: &Results) -> Option<String> {
    let lines = details(outcome, results.span);
    if lines.is_empty() {
        return None;
    }
    let known = outcome.newest().map_or(String::new(), |found| coverage(found, results.span));
    let lines: String = lines.iter().map(|line| format!("    {}\n", printable(line))).collect();
    Some(format!(
        "\n<details><summary>{}: {known}, notifications{}</summary>\n\n{lines}\n</details>\n",
        cell(&outcome.pair.name),
        cell(&services(outcome))
    ))
}

fn row(outcome: &Outcome) -> String {
    let shown = columns(outcome);
    let (before, after) = match shown.as_slice() {
        [(_, before), (_, after)] => (before.as_str(), after.as_str()),
        [(title, only)] if title == "new" => ("–", only.as_str()),
        [(title, only)] if title == "now" => (only.as_str(), "–"),
        [(_, only)] => (only.as_str(), "the same"),
        _ => ("", ""),
    };
    let is_new = outcome.before.is_none();
    let changed = if is_new { "new".to_owned() } else { outcome.pair.changed.join(", ") };
    format!("| {} | {before} | {after} | {} |\n", cell(&outcome.pair.name), cell(&changed))
}

/// Text that neither ends a cell nor means anything to Markdown.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '@' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

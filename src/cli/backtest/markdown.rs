//! What came of a backtest as Markdown, for a comment of a pull request: a table, and details to unfold.

use librato_apply::diag::printable;

use super::outcome::{Outcome, Results};
use super::show::{columns, coverage, details, foot, services};

/// So many alerts have details: a comment has a size.
const DETAILED: usize = 20;

/// All of it.
pub fn text(results: &Results) -> String {
    let mut out = "### Backtest\n\nIncidents / notifications / longest / share of time\n\n| Alert | Before | After | Changed |\n| --- | --- | --- | --- |\n".to_owned();
    results.outcomes.iter().for_each(|outcome| out.push_str(&row(outcome)));
    for outcome in results.outcomes.iter().take(DETAILED) {
        let lines = details(outcome, results.span);
        if lines.is_empty() {
            continue;
        }
        let known = outcome.newest().map_or(String::new(), |found| coverage(found, results.span));
        out.push_str(&format!(
            "\n<details><summary>{}: {known}, notifications{}</summary>\n\n",
            cell(&outcome.pair.name),
            cell(&services(outcome))
        ));
        lines.iter().for_each(|line| out.push_str(&format!("    {}\n", printable(line))));
        out.push_str("\n</details>\n");
    }
    if let Some(cut) = &results.cut {
        out.push_str(&format!("\n**Not everything was read: {cut} was met.**\n"));
    }
    out + "\n" + &cell(&foot(results)) + "\n"
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
    let changed = outcome.pair.changed.join(", ");
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

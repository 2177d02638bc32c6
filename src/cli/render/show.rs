//! The report of a rendering for people: a line for each object, its reasons below it, the place at the right.

use std::collections::BTreeMap;

use librato_apply::diag::{counted, printable};
use librato_apply::model::Seconds;
use librato_apply::prometheus::{Report, ReportedEvidence, ReportedObject, ReportedReason};

use super::super::ui::Ui;

/// How far into a line places are put, as in plans.
const PLACE_COLUMN: usize = 56;

/// The whole report.
pub fn report(report: &Report, ui: &Ui) -> String {
    let mut out = String::new();
    for object in &report.objects {
        out += &line(object);
        object.reasons.iter().for_each(|reason| out += &below(reason));
    }
    if !report.objects.is_empty() {
        out.push('\n');
    }
    let counts = report.counts;
    let parts = [
        (counts.exact, "exact"),
        (counts.approximate, "approximate"),
        (counts.refused, "refused"),
        (counts.skipped, "skipped"),
    ];
    let words: Vec<String> = parts.iter().map(|(count, word)| format!("{count} {word}")).collect();
    out += &format!("{}.\n", words.join(", "));
    if !report.without_counterpart.is_empty() {
        out += &format!("Without a counterpart: {}.\n", kinds(&report.without_counterpart));
    }
    if !report.secrets.is_empty() {
        out += "Alertmanager reads from its directory of secrets:\n";
        for secret in &report.secrets {
            out += &format!(
                "  {}  (`{}` of {})\n",
                printable(&secret.file),
                secret.setting,
                printable(&secret.service)
            );
        }
    }
    if !report.evidence.is_empty() {
        out += "In the last 7 days:\n";
        report.evidence.iter().for_each(|one| out += &format!("  {}\n", history(one)));
    }
    if !ui.quiet() {
        out += "What holds for all alerts:\n";
        report.standing.iter().for_each(|standing| out += &format!("  - {}\n", standing.text));
    }
    out
}

/// The report as Markdown: a table of what does not mean exactly the same, and counts.
pub fn markdown(report: &Report) -> String {
    let counts = report.counts;
    let mut out = format!(
        "**Prometheus**: {} exact, {} approximate, {} refused, {} skipped.\n",
        counts.exact, counts.approximate, counts.refused, counts.skipped
    );
    let odd: Vec<&ReportedObject> = report
        .objects
        .iter()
        .filter(|object| matches!(object.fidelity.as_str(), "approximate" | "refused"))
        .collect();
    if !odd.is_empty() {
        out += "\n| | Object | Why | Way out |\n| --- | --- | --- | --- |\n";
    }
    for object in odd {
        for reason in &object.reasons {
            out += &format!(
                "| {} | {} {} | `{}`: {} | {} |\n",
                object.fidelity,
                object.kind,
                cell(&object.name),
                reason.code,
                cell(&reason.text),
                cell(reason.help.as_deref().unwrap_or_default())
            );
        }
    }
    if !report.evidence.is_empty() {
        out += "\nIn the last 7 days:\n\n";
        report.evidence.iter().for_each(|one| out += &format!("- {}\n", cell(&history(one))));
    }
    let left_out = &report.tests.left_out;
    if !left_out.is_empty() {
        out += &format!("\n{} not rendered:\n\n", counted(left_out.len(), "test"));
        for test in left_out {
            out += &format!("- {}: {}\n", cell(&test.test), cell(&test.text));
        }
    }
    out
}

/// What became of an alert, in words.
fn history(evidence: &ReportedEvidence) -> String {
    let name = printable(&evidence.alert);
    let note = evidence.note.as_deref().map(printable);
    match (evidence.times.zip(evidence.streams).zip(evidence.seconds), note) {
        (None, note) => format!("{name}: not known, {}", note.unwrap_or_default()),
        (Some(((0, _), _)), note) => format!("{name}: would not have fired{}", behind(note)),
        (Some(((times, streams), seconds)), note) => {
            let (times, streams) = (counted(times, "time"), counted(streams, "stream"));
            let span = Seconds(u64::try_from(seconds).unwrap_or(0));
            format!("{name}: would have fired {times} in {streams}, for {span} in all{}", behind(note))
        }
    }
}

fn behind(note: Option<String>) -> String {
    note.map_or_else(String::new, |note| format!(" ({note})"))
}

/// A text that begins nothing in a table of Markdown.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        match c {
            '|' | '\\' | '<' | '*' | '_' | '[' | ']' | '@' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn line(object: &ReportedObject) -> String {
    let sign = match object.fidelity.as_str() {
        "exact" => '=',
        "approximate" => '~',
        "refused" => '!',
        _ => '-',
    };
    let text = format!("{sign} {} {}", object.kind, printable(&object.name));
    match &object.place {
        Some(place) => format!("{text:<PLACE_COLUMN$}  {}\n", printable(&place.to_string())),
        None => format!("{text}\n"),
    }
}

fn below(reason: &ReportedReason) -> String {
    let mut out = format!("    {}: {}\n", reason.code, printable(&reason.text));
    if let Some(help) = &reason.help {
        out += &format!("      {}\n", printable(help));
    }
    out
}

fn kinds(counts: &BTreeMap<String, usize>) -> String {
    let one = |(section, count): (&String, &usize)| match section.strip_suffix('s') {
        Some(noun) if noun == "metric" => format!("the attributes of {}", counted(*count, noun)),
        Some(noun) => counted(*count, noun),
        None => format!("{count} {section}"),
    };
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

//! The report of a rendering for people: a line for each object, its reasons below it, the place at the right.

use std::collections::BTreeMap;

use librato_apply::diag::{counted, printable};
use librato_apply::prometheus::{Report, ReportedObject, ReportedReason};

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
    if !ui.quiet() {
        out += "What holds for all alerts:\n";
        report.standing.iter().for_each(|standing| out += &format!("  - {}\n", standing.text));
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

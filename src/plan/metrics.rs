//! What definitions say of metrics and annotation streams that only the service knows: names and patterns that mean none, periods
//! that do not line up, statistics that a type does not have.
//! Warnings nearly all of them, since data may come later.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Files, Report, Severity, Suggestions, suggest};
use crate::diff::Change;
use crate::model::check::{Checker, Finding};
use crate::model::{Address, Collection, Data, Declared, Desired, Intent, Reference, State};

/// Reports all of it. What will be written and the service is known to refuse is an error.
pub(super) fn report(
    desired: &Desired,
    actual: &State,
    changes: &[Change],
    files: &Files,
    report: &mut Report,
) {
    let written: BTreeSet<&Address> = changes.iter().map(|change| &change.address).collect();
    for collection in Collection::ALL {
        if let Some(data) = collection.data() {
            report_unknown(collection, data, desired, actual, files, report);
        }
    }
    for (address, declared) in
        desired.objects.iter().filter(|(_, declared)| declared.intent == Intent::Present)
    {
        for pattern in declared.resource.spec().patterns() {
            if desired.metrics(&pattern.to.name, actual).is_empty() {
                report.push(unmatched(address, declared, &pattern, desired, actual, files));
            }
        }
        let findings = mixed_periods(address, declared, desired, actual);
        for finding in findings.into_iter().chain(misfits(address, declared, desired, actual)) {
            let place = declared.place(files, &finding.route, finding.part);
            let severity = match finding.severity {
                Severity::Error if written.contains(address) => Severity::Error,
                _ => Severity::Warning,
            };
            let diagnostic = Diagnostic::new(severity, finding.code, finding.message);
            report.push(finding.help.into_iter().fold(diagnostic.at(place, ""), Diagnostic::help));
        }
    }
}

/// Uses of metrics or annotation streams by names that neither the files nor the service know.
fn report_unknown(
    collection: Collection,
    data: Data,
    desired: &Desired,
    actual: &State,
    files: &Files,
    report: &mut Report,
) {
    let Data { unknown, noun, begin } = data;
    let near = Suggestions::default();
    for (used, users) in crate::diff::undeclared(collection, desired) {
        if actual.contains_key(&used) {
            continue;
        }
        let close = near.of(&used.name, names(collection, desired, actual));
        for (user, reference) in users {
            let Some(declared) = desired.objects.get(&user) else { continue };
            let message =
                format!("{} \"{user}\" uses the {noun} `{used}`, which nobody declares", declared.kind);
            let diagnostic = Diagnostic::warning(unknown, message).at(
                declared.place(files, &reference.route, reference.part),
                format!("and the service has no {noun} of this name"),
            );
            report.push(match close {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None => diagnostic.help(format!("declare it, or {begin}, before relying on this")),
            });
        }
    }
}

/// The names in a collection that there are or will be; metrics share theirs with composites.
fn names<'a>(collection: Collection, desired: &'a Desired, actual: &'a State) -> Vec<&'a str> {
    let known = actual.keys().chain(desired.objects.keys());
    known.filter(|address| address.collection == collection).map(|address| address.name.as_str()).collect()
}

fn unmatched(
    user: &Address,
    declared: &Declared,
    reference: &Reference,
    desired: &Desired,
    actual: &State,
    files: &Files,
) -> Diagnostic {
    let pattern = &reference.to.name;
    let message = format!("{} \"{user}\" reads metrics like `{pattern}`, and there are none", declared.kind);
    let place = declared.place(files, &reference.route, reference.part);
    let diagnostic = Diagnostic::warning(Code::UnmatchedPattern, message)
        .at(place, "no metric matches, neither here nor on the service");
    match closest(pattern, &names(reference.to.collection, desired, actual)) {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None => diagnostic.help("declare one, or send its first measurement, before relying on this"),
    }
}

/// The pattern with its beginning mended after the names there are.
fn closest(pattern: &str, names: &[&str]) -> Option<String> {
    let (begin, rest) = pattern.split_at(pattern.find('*')?);
    let trimmed = begin.trim_end_matches('.');
    let words = trimmed.split('.').count();
    let begins: BTreeSet<String> =
        names.iter().map(|name| name.split('.').take(words).collect::<Vec<_>>().join(".")).collect();
    let close = suggest(trimmed, begins.iter().map(String::as_str)).filter(|close| *close != trimmed)?;
    Some(format!("{close}{}{rest}", &begin[trimmed.len()..]))
}

/// Periods that differ, as far as the files alone do not tell already.
fn mixed_periods(address: &Address, declared: &Declared, desired: &Desired, actual: &State) -> Vec<Finding> {
    let findings = |actual: &State| {
        let mut found = Checker::new(&address.name);
        declared.resource.spec().check_periods(&|pattern| desired.periods(pattern, actual), &mut found);
        found.into_findings()
    };
    let told = findings(&State::new());
    findings(actual).into_iter().filter(|finding| !told.contains(finding)).collect()
}

/// Statistics that metrics do not have whose type only the service tells.
fn misfits(address: &Address, declared: &Declared, desired: &Desired, actual: &State) -> Vec<Finding> {
    let only_there = |metric: &str| match desired.metric_type(metric) {
        None => actual.get(&Address::metric(metric))?.metric_type(),
        Some(_) => None,
    };
    let mut found = Checker::new(&address.name);
    declared.resource.spec().check_functions(&only_there, &mut found);
    found.into_findings()
}

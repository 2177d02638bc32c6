//! Tests and the alerts they are about, side by side, and what comes of them. What does not fit together is said at its place.

use std::collections::BTreeSet;

use librato_apply::composite::Problem;
use librato_apply::diag::{Code, Diagnostic, Files, Part, Place, Position, Report, Route, Severity};
use librato_apply::model::check::Finding;
use librato_apply::model::{Address, Collection, Declared, DeclaredTest, Desired, Intent, Resource};
use librato_apply::offline::{self, Given, Metric, Subject, Verdict};

/// A test ready to be run.
pub struct Case<'d> {
    pub declared: &'d DeclaredTest,
    pub subject: Subject,
    pub given: Vec<Given>,
    /// Epoch seconds of the start, where it is said.
    pub start: Option<i64>,
}

impl Case<'_> {
    pub fn name(&self) -> &str {
        &self.declared.name
    }

    pub fn alert(&self) -> &str {
        &self.subject.alert.name
    }

    /// Where something of the test is written.
    pub fn position(&self, files: &Files, inside: &Route) -> Option<Position> {
        files.locate(&self.declared.origin.place(files, inside, Part::Key))
    }
}

/// A test and what came of it.
pub struct Result<'c> {
    pub case: &'c Case<'c>,
    /// What a composite has against being evaluated, else the verdict.
    pub verdict: std::result::Result<Verdict, Problem>,
}

impl Result<'_> {
    pub fn failed(&self) -> bool {
        self.verdict.as_ref().map_or(true, |verdict| !verdict.failures.is_empty())
    }
}

/// Runs a test.
pub fn run<'c>(case: &'c Case<'c>) -> Result<'c> {
    Result { case, verdict: offline::judge(&case.declared.test, &case.subject, &case.given) }
}

/// The tests of the files. Those of alerts that are not there are reported already.
pub fn cases<'d>(desired: &'d Desired, files: &Files) -> (Vec<Case<'d>>, Report) {
    let mut report = Report::default();
    let cases = desired.tests.iter().filter_map(|test| case(test, desired, files, &mut report)).collect();
    report.fold();
    (cases, once(&report))
}

/// Whether there is anything to be tested.
pub fn has_alerts(desired: &Desired) -> bool {
    let of_alert = |(address, entry): (&Address, &Declared)| {
        address.collection == Collection::Alerts && entry.intent == Intent::Present
    };
    desired.objects.iter().any(of_alert)
}

/// Tests that do not fit their alerts, for who runs none.
pub fn unfit(desired: &Desired, files: &Files) -> Report {
    let mut out = Report::default();
    let (_, found) = cases(desired, files);
    found.iter().filter(|found| found.severity != Severity::Note).for_each(|found| out.push(found.clone()));
    out
}

/// Adds what was found in tests to what was found in the files. A word of which both speak is reported once: as the error, with what the
/// warning proposes.
pub fn merge(report: &mut Report, mut found: Report) {
    let mut all = Report::default();
    for said in report.iter() {
        let again = |one: &&mut Diagnostic| one.code == said.code && one.primary == said.primary;
        match found.iter_mut().find(again).filter(|_| said.code == Code::UnknownValue.name()) {
            Some(again) => again.help.splice(0..0, said.help.clone()).for_each(drop),
            None => all.push(said.clone()),
        }
    }
    all.extend(found);
    *report = all;
}

fn case<'d>(
    declared: &'d DeclaredTest,
    desired: &'d Desired,
    files: &Files,
    report: &mut Report,
) -> Option<Case<'d>> {
    let test = &declared.test;
    let (address, entry) =
        desired.objects.get_key_value(&Address::new(Collection::Alerts, test.alert.as_str()))?;
    let Resource::Alert(alert) = &entry.resource else { return None };
    if entry.intent != Intent::Present {
        return None;
    }
    let known = |name: &str| metric(desired, name);
    let typed = |name: &str| {
        let mut metric = known(name).unwrap_or_default();
        let types = test.types.iter().flatten();
        let given = types.filter(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, given)| *given).next();
        metric.metric_type = metric.metric_type.or(given);
        metric
    };
    let subject = match offline::subject(&address.name, alert, &typed) {
        Ok(subject) => subject,
        Err(findings) => {
            let place = |found: &Finding| entry.place(files, &found.route, found.part);
            findings.into_iter().for_each(|found| report.push(of_alert(found, place)));
            return None;
        }
    };
    for found in offline::check(test, &subject, &known) {
        let place = declared.origin.place(files, &found.route, found.part);
        report.push(diagnostic(found, place));
    }
    let start = start(declared, files, report);
    Some(Case { declared, given: offline::series(test, &typed), subject, start })
}

fn of_alert(found: Finding, place: impl Fn(&Finding) -> Place) -> Diagnostic {
    let place = place(&found);
    diagnostic(found, place).help("an alert that cannot be evaluated cannot be tested")
}

fn diagnostic(found: Finding, place: Place) -> Diagnostic {
    let diagnostic = Diagnostic::new(found.severity, found.code, found.message);
    found.help.into_iter().fold(diagnostic.at(place, ""), Diagnostic::help)
}

/// What the files say of a metric.
fn metric(desired: &Desired, name: &str) -> Option<Metric> {
    let declared = |entry: &&Declared| entry.intent != Intent::Absent;
    let entry = desired.objects.get(&Address::metric(name)).filter(declared)?;
    Metric::of(&entry.resource)
}

fn start(declared: &DeclaredTest, files: &Files, report: &mut Report) -> Option<i64> {
    let text = declared.test.start.as_deref()?;
    let start = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    if start.is_none() {
        let place = declared.origin.place(files, &Route::root().key("start"), Part::Value);
        let wrong = Diagnostic::error(Code::WrongValue, "this is not a time in the form of RFC 3339");
        report.push(wrong.at(place, "").help("such as 2026-11-29T02:00:00Z"));
    }
    start
}

/// Notes that say the same of several tests are said once.
fn once(report: &Report) -> Report {
    let mut seen = BTreeSet::new();
    let mut out = Report::default();
    for found in report {
        if found.severity != Severity::Note || seen.insert(found.message.clone()) {
            out.push(found.clone());
        }
    }
    out
}

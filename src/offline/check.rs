//! A test held against its alert: what it names is there, and what it measures matters.

use crate::composite::matches;
use crate::diag::{Code, Route, Severity, counted, suggest};
use crate::model::check::{Checker, Finding, at};
use crate::model::{AlertTest, MetricType, TestInput};
use crate::pattern::same;
use crate::watch::{Kind, Series};

use super::subject::{Metric, Subject};

/// What is wrong with a test of an alert, with routes inside the test. `declared` tells what the files say of a metric.
pub fn check(test: &AlertTest, subject: &Subject, declared: &dyn Fn(&str) -> Option<Metric>) -> Vec<Finding> {
    let mut found = Checker::new(&test.alert);
    inputs(test, subject, declared, &mut found);
    types(test, declared, &mut found);
    conditions(test, subject, &mut found);
    services(test, subject, &mut found);
    let mut findings = found.into_findings();
    findings.extend(unknown_types(test, subject, declared));
    findings
}

fn inputs(
    test: &AlertTest,
    subject: &Subject,
    declared: &dyn Fn(&str) -> Option<Metric>,
    found: &mut Checker<'_>,
) {
    for (i, input) in test.input.iter().enumerate() {
        let here = at(["input"]).index(i).key("metric");
        if declared(&input.metric).is_some_and(|metric| metric.composite.is_some()) {
            let message = "this is a composite: it is worked out of other metrics";
            let help = match subject.metrics.as_slice() {
                [] => "give what it is made of".to_owned(),
                metrics => format!("give what it is made of: {}", listed(metrics)),
            };
            found.error(here, Code::WrongValue, message).help(help);
        } else if !subject.metrics.iter().any(|pattern| matches(pattern, &input.metric)) {
            let message = format!("no condition of `{}` watches this metric", test.alert);
            let help = match suggest(&input.metric, subject.metrics.iter().map(String::as_str)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("it watches {}", listed(&subject.metrics)),
            };
            found.error(here, Code::UnknownMetric, message).help(help);
        } else if test.input[..i].iter().any(|before| same_series(before, input)) {
            let message =
                "this series was given before: its values would be added to the others of their second";
            found.error(here, Code::RepeatedItem, message).help("write all values of a series in one place");
        } else if !test
            .input
            .iter()
            .any(|other| same(&other.metric, &input.metric) && watches(subject, other))
        {
            // Beside one that is watched, it shows that others are not.
            let message = format!("no condition of `{}` watches this series", test.alert);
            let here = at(["input"]).index(i);
            let here = match (&input.source, &input.tags) {
                (Some(_), _) => here.key("source"),
                (None, Some(_)) => here.key("tags"),
                (None, None) => here.key("metric"),
            };
            let help = "its values change nothing: give one that is watched, at least beside it";
            found.warning(here, Code::UnwatchedSeries, message).help(help);
        }
    }
}

/// Which series an input is of.
fn series(input: &TestInput) -> Series {
    match &input.tags {
        Some(tags) => Series::Tags(tags.clone()),
        None => Series::Source(input.source.clone()),
    }
}

fn same_series(a: &TestInput, b: &TestInput) -> bool {
    same(&a.metric, &b.metric) && series(a) == series(b)
}

/// Whether some condition looks at a series. What a composite makes of it is not known here.
fn watches(subject: &Subject, input: &TestInput) -> bool {
    let series = series(input);
    let conditions = subject.alert.conditions.iter().zip(&subject.depends);
    conditions.filter(|(_, depends)| depends.iter().any(|name| matches(name, &input.metric))).any(
        |(condition, _)| {
            let composite = matches!(condition.shape.kind, Kind::Composite { .. });
            composite || condition.streams.stream_of(&series).is_some()
        },
    )
}

fn listed(names: &[String]) -> String {
    let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.dedup();
    names.join(", ")
}

fn types(test: &AlertTest, declared: &dyn Fn(&str) -> Option<Metric>, found: &mut Checker<'_>) {
    for (name, given) in test.types.iter().flatten() {
        let here = at(["types"]).key(name);
        let known = declared(name);
        if known.as_ref().is_some_and(|metric| metric.composite.is_some()) {
            found.error(here, Code::FieldDoesNotFit, "a composite has no type");
        } else if known.and_then(|metric| metric.metric_type).is_some_and(|known| known != *given) {
            let message = "the files say that this metric has another type";
            found.error(here, Code::WrongValue, message).help("take it out: what the files say holds");
        } else if !test.input.iter().any(|input| same(&input.metric, name)) {
            let close = suggest(name, test.input.iter().map(|input| input.metric.as_str()));
            let finding =
                found.error(here, Code::UnknownMetric, "nothing of this metric is measured in the test");
            finding.on_key();
            if let Some(close) = close {
                finding.help(format!("did you mean `{close}`?"));
            }
        }
    }
}

fn conditions(test: &AlertTest, subject: &Subject, found: &mut Checker<'_>) {
    let count = subject.alert.conditions.len();
    for (i, expected) in test.expect.iter().flatten().enumerate() {
        for key in expected.conditions.iter().flat_map(|conditions| conditions.keys()) {
            if key.parse::<usize>().is_ok_and(|place| place < count && place.to_string() == *key) {
                continue;
            }
            let here = at(["expect"]).index(i).key("conditions").key(key);
            let message = format!("`{}` has no condition {key}", test.alert);
            let help = match count {
                1 => "its only one is 0".to_owned(),
                _ => format!("it has {}, counted from 0", counted(count, "condition")),
            };
            found.error(here, Code::WrongValue, message).on_key().help(help);
        }
    }
}

fn services(test: &AlertTest, subject: &Subject, found: &mut Checker<'_>) {
    for (i, expected) in test.notifications.iter().flatten().enumerate() {
        for (j, title) in expected.services.iter().flatten().enumerate() {
            if subject.services.contains(title) {
                continue;
            }
            let here = at(["notifications"]).index(i).key("services").index(j);
            let message = format!("`{}` does not notify the service `{title}`", test.alert);
            let close = suggest(title, subject.services.iter().map(String::as_str));
            let finding = found.error(here, Code::UnknownService, message);
            match (close, subject.services.as_slice()) {
                (Some(close), _) => finding.help(format!("did you mean `{close}`?")),
                (None, []) => finding.help("it notifies nobody"),
                (None, services) => finding.help(format!("it notifies {}", listed(services))),
            };
        }
    }
}

/// Metrics that are taken for gauges since no one says what they are.
fn unknown_types(
    test: &AlertTest,
    subject: &Subject,
    declared: &dyn Fn(&str) -> Option<Metric>,
) -> Vec<Finding> {
    let types = |name: &str| -> Option<MetricType> {
        test.types.iter().flatten().find(|(one, _)| same(one, name)).map(|(_, metric_type)| *metric_type)
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (i, input) in test.input.iter().enumerate() {
        let is_known =
            declared(&input.metric).is_some_and(|one| one.composite.is_some() || one.metric_type.is_some());
        let matters = subject.metrics.iter().any(|pattern| matches(pattern, &input.metric));
        if is_known || !matters || types(&input.metric).is_some() {
            continue;
        }
        if test.input[..i].iter().any(|before| same(&before.metric, &input.metric)) {
            continue;
        }
        findings.push(Finding {
            severity: Severity::Note,
            code: Code::DefaultValue.name(),
            route: Route::root().key("input").index(i).key("metric"),
            part: crate::diag::Part::Value,
            message: format!("no file says what type `{}` has: it is taken for a gauge", input.metric),
            help: vec![format!(
                "if it is a counter, write `types: {{ {}: counter }}` in the test",
                input.metric
            )],
        });
    }
    findings
}

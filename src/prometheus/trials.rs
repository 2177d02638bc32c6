//! Tests of alerting rules for `promtool test rules`: what is measured, and what our own evaluation says of it at each step.
//! So a pipeline finds out with its own Prometheus whether rules do what the definitions mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::composite::{Labels, SOURCE};
use crate::model::Moment;
use crate::offline::{self, Given, Observation, Script, Subject};
use crate::pattern::same;
use crate::watch::{self, Kind, Sample, Series, Stream};

use super::mapping::{Companion, Mapped};
use super::promql::{Name, is_plain, number, quoted};
use super::rule::Rule;
use super::settings::Settings;
use super::yaml::{HEADER, scalar};

/// More values of a series than this are too many to be written out.
const MOST: i64 = 2_000;

/// An alert that was rendered, and what is to be known to test it.
pub struct Tested<'a> {
    pub rule: &'a Rule,
    /// For the evaluation.
    pub subject: &'a Subject,
    /// What a metric is there.
    pub metric: &'a dyn Fn(&str) -> Mapped,
    /// The labels of each condition's series, where a composite leaves some out.
    pub labels: &'a [Option<Vec<String>>],
    pub settings: &'a Settings,
}

/// Which steps of a test are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// All that were asked for.
    All,
    /// The first, the last, and those at which something begins or ends to fire.
    Edges,
}

/// A test of one alert, as an item of `tests`.
///
/// # Errors
/// Why there is none.
pub fn trial(
    name: &str,
    tested: &Tested<'_>,
    given: &[Given],
    moments: &BTreeSet<i64>,
    steps: Steps,
) -> Result<Trial, String> {
    let interval = tested.settings.interval;
    let step = step(given, interval);
    let end = given.iter().map(|given| given.end).max().unwrap_or(0);
    if end / step > MOST {
        return Err("its measurements are too many, or at too odd times".to_owned());
    }
    let moments: BTreeSet<i64> = moments.iter().copied().filter(|at| at % interval == 0).collect();
    let outcome = offline::run(tested.subject, given, &Script::default(), &moments, false)
        .map_err(|problem| format!("it cannot be evaluated: {}", problem.message))?;
    let mut out = format!("  - name: {}\n    interval: {}\n    input_series:\n", scalar(name), Moment(step));
    one_stream_each(tested, given)?;
    for given in given {
        let metric = (tested.metric)(&given.metric);
        let values = values(given, step, &metric)?;
        let mut write = |name: &str, values: &str| {
            let series = scalar(&series(given, name, &metric));
            let _ = writeln!(out, "      - {{ series: {series}, values: {} }}", scalar(values));
        };
        write(&metric.name, &values);
        // What was sent as a value is its own total, least and largest.
        for what in [Companion::Sum, Companion::Count, Companion::Min, Companion::Max] {
            let Some(Name::Exact(name)) = metric.companion(&metric.series(), what).map(|series| series.name)
            else {
                continue;
            };
            let one = |word| if word == "_" { "_" } else { "1" };
            match what {
                Companion::Count => write(&name, &values.split(' ').map(one).collect::<Vec<_>>().join(" ")),
                Companion::Sum | Companion::Min | Companion::Max => write(&name, &values),
            }
        }
    }
    out.push_str("    alert_rule_test:\n");
    let seen: Vec<&Observation> =
        outcome.observations.iter().filter(|seen| moments.contains(&seen.at)).collect();
    let firing: Vec<_> = seen.iter().map(|seen| firing(seen, tested, given)).collect();
    let (mut checks, mut fired) = (0, false);
    for place in 0..seen.len() {
        let is_edge = |other: Option<usize>| other.is_none_or(|other| firing.get(other) != firing.get(place));
        let kept = steps == Steps::All || is_edge(place.checked_sub(1)) || is_edge(Some(place + 1));
        if kept && is_certain(seen[place], tested, given) {
            checks += 1;
            fired |= !firing[place].is_empty();
            out += &check(seen[place].at, &firing[place], tested.rule);
        }
    }
    if checks == 0 {
        return Err("it says nothing of the state of the alert at a step of the evaluation".to_owned());
    }
    Ok(Trial { text: out, fired })
}

/// Where several series are one stream there, the evaluation here knows nothing of it.
fn one_stream_each(tested: &Tested<'_>, given: &[Given]) -> Result<(), String> {
    let kept = &tested.settings.stream;
    if kept.is_empty() {
        return Ok(());
    }
    let mut streams = BTreeSet::new();
    for given in given {
        let mut labels = labels_of(&given.series, &(tested.metric)(&given.metric));
        labels.retain(|label, _| kept.contains(label));
        if !streams.insert((given.metric.to_lowercase(), labels)) {
            return Err("several of its series are one stream, by settings.prometheus.stream".to_owned());
        }
    }
    Ok(())
}

/// A test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// As an item of `tests`.
    pub text: String,
    /// Whether something fires in it.
    pub fired: bool,
}

/// Tests of one group of rules.
pub fn document(rules: &BTreeSet<String>, interval: i64, items: &[String]) -> String {
    let files: Vec<String> = rules.iter().map(|name| scalar(&format!("../rules/{name}.yml"))).collect();
    format!(
        "{HEADER}rule_files: [{}]\nevaluation_interval: {}\ntests:\n{}",
        files.join(", "),
        Moment(interval),
        items.concat()
    )
}

/// The widest step that all measurements lie on.
fn step(given: &[Given], interval: i64) -> i64 {
    let divisor = |mut a: i64, mut b: i64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    given.iter().flat_map(|given| given.samples.iter().map(|(at, _)| *at)).fold(interval, divisor).max(1)
}

fn series(given: &Given, name: &str, metric: &Mapped) -> String {
    let labels: Vec<String> = labels_of(&given.series, metric)
        .iter()
        .map(|(label, value)| format!("{label}={}", quoted(value)))
        .collect();
    if is_plain(name) {
        return format!("{name}{{{}}}", labels.join(","));
    }
    format!("{{{}}}", [vec![quoted(name)], labels].concat().join(","))
}

/// The labels that a series has there.
fn labels_of(series: &Series, metric: &Mapped) -> BTreeMap<String, String> {
    let mut labels = metric.labels.clone();
    match series {
        Series::Source(source) => {
            if let (Some(label), Some(source)) = (&metric.source, source) {
                labels.insert(label.clone(), source.clone());
            }
        }
        Series::Tags(tags) => {
            labels
                .extend(tags.iter().filter_map(|(tag, value)| Some((metric.label_of(tag)?, value.clone()))));
        }
    }
    labels
}

fn values(given: &Given, step: i64, metric: &Mapped) -> Result<String, String> {
    use crate::model::PrometheusKind::{Counter, Delta, Gauge, Stats, Summary};
    let of = |sample: &Sample| match metric.kind {
        Gauge => sample.average(),
        Counter => Some(sample.last),
        Delta | Summary => None,
        // a value that was sent as one is its own mean, least and largest
        Stats => sample.average().filter(|_| sample.count == 1.0),
    };
    let mut written = Vec::new();
    let mut at = 0;
    for (second, sample) in &given.samples {
        if sample.count != 1.0 && metric.kind == Gauge && sample.min != sample.max {
            return Err("a point of several measurements is one sample there".to_owned());
        }
        let Some(value) = of(sample) else {
            return Err(format!("{} does not hold the values that the definitions speak of", metric.name));
        };
        while at < *second {
            written.push("_".to_owned());
            at += step;
        }
        written.push(number(value / metric.scale));
        at += step;
    }
    Ok(written.join(" "))
}

fn condition<'a>(tested: &'a Tested<'_>, place: usize) -> Option<&'a watch::Condition> {
    tested.subject.alert.conditions.get(place)
}

/// Whether rules say the same at this moment: silence completes a run for them, and ends an alert sooner.
fn is_certain(seen: &Observation, tested: &Tested<'_>, given: &[Given]) -> bool {
    seen.conditions.iter().enumerate().all(|(place, streams)| {
        let Some(condition) = condition(tested, place) else { return false };
        let watch::Test::Threshold { duration, .. } = condition.test else { return true };
        let duration = duration.unwrap_or(0);
        let gap = tested.settings.gap_of((tested.metric)(&condition.metric).period);
        let heard = |stream: &Stream, until: i64| match condition.shape.kind {
            Kind::Composite { .. } => true,
            _ => {
                let of = |given: &&Given| {
                    same(&given.metric, &condition.metric)
                        && condition.streams.stream_of(&given.series).as_ref() == Some(stream)
                };
                let times = given.iter().filter(of).flat_map(|given| given.samples.iter().map(|(at, _)| *at));
                times.filter(|at| *at <= until).max().is_some_and(|last| until - last < gap)
            }
        };
        streams.iter().all(|(stream, status)| match status {
            watch::Status::Pending { since, .. } => since + duration > seen.at,
            watch::Status::Met { .. } => heard(stream, seen.at) && heard(stream, seen.at - duration),
            watch::Status::Held { .. } => false,
            watch::Status::Seen { .. } => true,
        })
    })
}

/// The streams that fire at a moment, by their labels.
fn firing(seen: &Observation, tested: &Tested<'_>, given: &[Given]) -> Vec<BTreeMap<String, String>> {
    let all = (0..seen.conditions.len()).all(|place| seen.met(place).next().is_some());
    if all { seen.met(0).map(|stream| of_stream(stream, tested, given)).collect() } else { Vec::new() }
}

/// What is expected at a moment.
fn check(at: i64, firing: &[BTreeMap<String, String>], rule: &Rule) -> String {
    let Rule::Alert { name, labels, annotations, .. } = rule else { return String::new() };
    let pairs = |pairs: &BTreeMap<String, String>| {
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
        format!("{{ {} }}", pairs.join(", "))
    };
    let mut out = format!(
        "      - eval_time: {}\n        alertname: {}\n        exp_alerts:",
        Moment(at),
        scalar(name)
    );
    if firing.is_empty() {
        return out + " []\n";
    }
    out.push('\n');
    for stream in firing {
        let all = stream.iter().chain(labels).map(|(label, value)| (label.clone(), value.clone())).collect();
        let (labels, annotations) = (pairs(&all), pairs(annotations));
        let _ = writeln!(out, "          - exp_labels: {labels}\n            exp_annotations: {annotations}");
    }
    out
}

/// The labels of a stream of the first condition.
fn of_stream(stream: &Stream, tested: &Tested<'_>, given: &[Given]) -> BTreeMap<String, String> {
    let Some(condition) = condition(tested, 0) else { return BTreeMap::new() };
    let metric = (tested.metric)(&condition.metric);
    let mut labels = match condition.shape.kind {
        Kind::Composite { .. } => labels_of(&from_key(stream), &metric),
        _ => {
            let of = |given: &&Given| {
                same(&given.metric, &condition.metric)
                    && condition.streams.stream_of(&given.series).as_ref() == Some(stream)
            };
            let series = given.iter().find(of).map_or_else(|| from_key(stream), |given| given.series.clone());
            labels_of(&series, &metric)
        }
    };
    let is_composite = matches!(condition.shape.kind, Kind::Composite { .. });
    if !tested.settings.stream.is_empty() && !is_composite && !condition.streams.is_grouped() {
        labels.retain(|label, _| tested.settings.stream.contains(label));
    }
    if let watch::Streams::Tags(tags) = &condition.streams
        && condition.streams.is_grouped()
    {
        let grouped: Vec<String> =
            tags.iter().filter(|tag| tag.grouped).filter_map(|tag| metric.label_of(&tag.name)).collect();
        labels.retain(|label, _| grouped.contains(label));
    }
    if let Some(Some(kept)) = tested.labels.first() {
        labels.retain(|label, _| kept.contains(label));
    }
    labels
}

/// The series that a stream of a composite is: its source, or its tags.
fn from_key(stream: &Stream) -> Series {
    let key = stream.as_str();
    if key == "unassigned" {
        return Series::Source(None);
    }
    let pairs: Option<Labels> = key
        .split(',')
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    match pairs {
        Some(pairs) if !(pairs.len() == 1 && pairs.contains_key(SOURCE)) => Series::Tags(pairs),
        _ => Series::Source(Some(key.to_owned())),
    }
}

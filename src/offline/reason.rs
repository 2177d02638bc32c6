//! Why an alert is what it is at a time: for each condition, what its streams say.

use std::collections::BTreeMap;

use super::run::{Observation, Outcome};
use super::series::Given;
use super::subject::Subject;
use crate::diag::{counted, number};
use crate::model::{Moment, Seconds};
use crate::pattern::same;
use crate::watch::{Condition, Function, Kind, Reading, Status, Stream, Streams, Test, Transition};

/// So many streams of a condition are shown.
const SHOWN: usize = 4;

/// What is to be said of a moment; `outcome` is one with everything on the way.
pub(super) fn reasons(
    subject: &Subject,
    given: &[Given],
    outcome: &Outcome,
    clears: impl Iterator<Item = i64>,
    seen: &Observation,
) -> Vec<String> {
    let mut lines = Vec::new();
    if !subject.alert.active {
        lines.push("the alert is not active".to_owned());
    }
    for (place, condition) in subject.alert.conditions.iter().enumerate() {
        let streams = streams(place, condition, given, outcome, seen);
        lines.push(format!("conditions[{place}] {}: {streams}", asked(condition)));
    }
    if let Some(clear) = clears.filter(|clear| *clear <= seen.at && !seen.triggered).max() {
        lines.push(format!("cleared at {}: only what is measured after it triggers again", Moment(clear)));
    }
    lines
}

/// Incidents that no one is told of, which explains why a notification is missing.
pub(super) fn silent(subject: &Subject, transitions: &[Transition]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut last: Option<i64> = None;
    for transition in transitions {
        match transition {
            Transition::Notice(notice) => last = Some(notice.at),
            Transition::Opened { at, silent: true, .. } => {
                let before =
                    last.map_or(String::new(), |last| format!(" (the last was at {})", Moment(last)));
                let rearm = Seconds(u64::try_from(subject.alert.rearm.max(60)).unwrap_or(60));
                lines.push(format!(
                    "at {} an incident opens without a notification: `rearm_seconds` is {rearm}{before}",
                    Moment(*at)
                ));
            }
            _ => {}
        }
    }
    lines
}

/// What a condition asks, in words: `max above 800 for 5m`.
pub(super) fn asked(condition: &Condition) -> String {
    let duration = |seconds: i64| Seconds(u64::try_from(seconds).unwrap_or(0));
    match condition.test {
        Test::Absent { duration: seconds } => format!("absent for {}", duration(seconds)),
        Test::Threshold { above, threshold, duration: seconds, function } => {
            let function = match (function, condition.shape.kind) {
                (Function::Average, _) | (Function::Derivative { .. }, Kind::Counter) => "",
                (Function::Sum, _) => "sum ",
                (Function::Count, _) => "count ",
                (Function::Min, _) => "min ",
                (Function::Max, _) => "max ",
                (Function::AbsoluteValue, _) => "absolute_value ",
                (Function::Derivative { .. }, _) => "derivative ",
            };
            let word = if above { "above" } else { "below" };
            let lasting = seconds.map_or(String::new(), |seconds| format!(" for {}", duration(seconds)));
            format!("{function}{word} {threshold}{lasting}")
        }
    }
}

fn streams(
    place: usize,
    condition: &Condition,
    given: &[Given],
    outcome: &Outcome,
    seen: &Observation,
) -> String {
    let readings = outcome.readings.iter().filter(|one| one.condition == place && one.u <= seen.at);
    let mut last: BTreeMap<&Stream, &Reading> = BTreeMap::new();
    for reading in readings {
        let newest = last.entry(&reading.stream).or_insert(reading);
        if (newest.u, newest.t) < (reading.u, reading.t) {
            *newest = reading;
        }
    }
    if last.is_empty() {
        return nothing(condition, given, seen.at);
    }
    let statuses: BTreeMap<&Stream, &Status> =
        seen.conditions.get(place).into_iter().flatten().map(|(stream, status)| (stream, status)).collect();
    let mut phrases: Vec<(u8, String)> = last
        .iter()
        .map(|(stream, reading)| phrase(stream, condition, statuses.get(stream).copied(), reading))
        .collect();
    phrases.sort_by_key(|(rank, _)| *rank);
    let more = phrases.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = phrases.into_iter().take(SHOWN).map(|(_, text)| text).collect();
    if more > 0 {
        shown.push(format!("and {}", counted(more, "more stream")));
    }
    shown.join("; ")
}

/// Why there is no stream at all.
fn nothing(condition: &Condition, given: &[Given], at: i64) -> String {
    if matches!(condition.shape.kind, Kind::Composite { .. }) {
        return format!("`{}` has no value up to {}", condition.metric, Moment(at));
    }
    let mut of_metric = given.iter().filter(|given| same(&given.metric, &condition.metric)).peekable();
    if of_metric.peek().is_none() {
        return format!("nothing of `{}` is measured", condition.metric);
    }
    if of_metric.any(|given| condition.streams.stream_of(&given.series).is_some()) {
        return format!("nothing is measured up to {}", Moment(at));
    }
    match &condition.streams {
        Streams::Source(pattern) => format!("no series has a source `{pattern}`"),
        _ => "no series has these tags".to_owned(),
    }
}

/// A stream in words, those that matter most with the least number.
fn phrase(stream: &Stream, condition: &Condition, status: Option<&Status>, last: &Reading) -> (u8, String) {
    let value = last.value.map(number);
    match status {
        Some(Status::Met { since, count: 0 }) => {
            (0, format!("{stream} is absent since {}, last seen at {}", Moment(*since), Moment(last.t)))
        }
        Some(Status::Met { since, count }) => {
            let values = counted(usize::try_from(*count).unwrap_or(usize::MAX), "value");
            let last = value.map_or(String::new(), |value| format!(", the last {value}"));
            (0, format!("{stream} meets it, violates since {} ({values}{last})", Moment(*since)))
        }
        Some(Status::Held { until }) => (0, format!("{stream} is held until {}", Moment(*until))),
        Some(Status::Pending { since, .. }) => {
            let lasted = last.t - since;
            let wanted = match condition.test {
                Test::Threshold { duration, .. } => duration.unwrap_or(0),
                Test::Absent { duration } => duration,
            };
            let rest = if lasted < wanted {
                format!("{lasted} of {wanted} s")
            } else {
                "waiting for the next value after the clear".to_owned()
            };
            (1, format!("{stream} violates since {}, {rest}", Moment(*since)))
        }
        Some(Status::Seen { deadline }) => (
            2,
            format!(
                "{stream} was last seen at {} and would be absent at {}",
                Moment(last.t),
                Moment(*deadline)
            ),
        ),
        None => match value {
            Some(value) => (3, format!("{stream} is normal ({value} at {})", Moment(last.t))),
            None => (3, format!("{stream} has no change yet: that takes two values")),
        },
    }
}

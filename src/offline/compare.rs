//! Two definitions of one alert over the same past: which incidents disappear, which are new, and what was changed.

use super::backtest::{Backtest, Incident};
use super::history::Span;
use super::reason::asked;
use crate::diag::number;
use crate::model::Seconds;
use crate::watch::{Alert, Condition, Test};

/// What became of incidents.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    /// Those that no incident of the other definition meets, in time that both could evaluate.
    pub new: Vec<&'a Incident>,
    /// Those that are gone.
    pub gone: Vec<&'a Incident>,
}

/// Compares two definitions. What cannot be told from the data is left out, and so is time that only one of them could evaluate.
pub fn compare<'a>(before: &'a Backtest, after: &'a Backtest) -> Comparison<'a> {
    let both = before.span.zip(after.span).map(|(a, b)| Span { start: a.start.max(b.start), end: a.end });
    let only = |ours: &'a Backtest, others: &'a Backtest| {
        let inside = |one: &&Incident| both.is_some_and(|both| one.closed.is_none_or(|at| at > both.start));
        let alone = |one: &&Incident| !others.incidents.iter().any(|other| one.meets(other));
        ours.incidents.iter().filter(|one| one.sure).filter(inside).filter(alone).collect()
    };
    Comparison { new: only(after, before), gone: only(before, after) }
}

/// What was changed, in a few words; nothing where both mean the same.
pub fn changed(before: &Alert, after: &Alert) -> Vec<String> {
    let mut found = Vec::new();
    if before.active != after.active {
        found.push(if after.active { "switched on" } else { "switched off" }.to_owned());
    }
    let seconds = |value: i64| Seconds(u64::try_from(value).unwrap_or(0)).to_string();
    if before.rearm != after.rearm {
        found.push(format!("rearm_seconds {} → {}", seconds(before.rearm), seconds(after.rearm)));
    }
    if before.per_signal != after.per_signal {
        found.push(format!("rearm_per_signal {} → {}", before.per_signal, after.per_signal));
    }
    if before.conditions.len() != after.conditions.len() {
        let count = |alert: &Alert| alert.conditions.len();
        found.push(format!("conditions {} → {}", count(before), count(after)));
        return found;
    }
    let several = before.conditions.len() > 1;
    for (place, (old, new)) in before.conditions.iter().zip(&after.conditions).enumerate() {
        if let Some(what) = condition(old, new) {
            found.push(if several { format!("conditions[{place}] {what}") } else { what });
        }
    }
    found
}

fn condition(old: &Condition, new: &Condition) -> Option<String> {
    let new = Condition { id: old.id, ..new.clone() };
    if *old == new {
        return None;
    }
    let same_but = |test: Test| Condition { test, ..old.clone() } == new;
    if let (Test::Threshold { threshold, duration, .. }, Test::Threshold { threshold: t, duration: d, .. }) =
        (old.test, new.test)
    {
        let (threshold_only, duration_only) = (with(old.test, Some(t), None), with(old.test, None, Some(d)));
        if same_but(threshold_only) {
            return Some(format!("threshold {} → {}", number(threshold), number(t)));
        }
        let shown = |d: Option<i64>| {
            d.map_or("none".to_owned(), |d| Seconds(u64::try_from(d).unwrap_or(0)).to_string())
        };
        if same_but(duration_only) {
            return Some(format!("duration {} → {}", shown(duration), shown(d)));
        }
    }
    if old.metric != new.metric {
        return Some(format!("{} {} → {} {}", old.metric, asked(old), new.metric, asked(&new)));
    }
    let (before, after) = (asked(old), asked(&new));
    if before != after {
        return Some(format!("{before} → {after}"));
    }
    Some(if old.streams == new.streams { "the metric" } else { "other streams" }.to_owned())
}

/// A test with another threshold, another duration, or both.
pub(super) fn with(test: Test, threshold: Option<f64>, duration: Option<Option<i64>>) -> Test {
    match test {
        Test::Threshold { above, threshold: old, duration: lasts, function } => Test::Threshold {
            above,
            threshold: threshold.unwrap_or(old),
            duration: duration.unwrap_or(lasts),
            function,
        },
        Test::Absent { duration: lasts } => Test::Absent { duration: duration.flatten().unwrap_or(lasts) },
    }
}

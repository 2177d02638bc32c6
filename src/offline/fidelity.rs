//! What can be known of a condition from data that was rolled up: each value stands for an interval, of which it has count, sum, least,
//! largest and last.

use super::history::{History, Stretch, stretches};
use super::subject::Subject;
use crate::watch::{Condition, Function, Kind, Test};

/// How what is found over rolled-up data compares to what single measurements would have shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// The same.
    Exact,
    /// The same, but for times and durations, which may be off by an interval.
    Shifted,
    /// It may fire more: an interval that violates hides the normal values inside.
    More,
    /// It may fire less: what is shorter than an interval vanishes.
    Less,
    Either,
    /// It cannot be told: what is found is counted apart.
    Unknown,
    /// Values of intervals cannot be compared with the threshold: nothing is evaluated.
    Incomparable,
    /// It was not read.
    Unread,
}

impl Fidelity {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Shifted => "times and durations may be off by an interval",
            Self::More => "may fire more: normal values within an interval are hidden",
            Self::Less => "may fire less: what is shorter than an interval vanishes",
            Self::Either => "may fire more or less: what is shorter than an interval vanishes",
            Self::Unknown => "cannot tell: counted apart",
            Self::Incomparable => "not comparable: left out",
            Self::Unread => "not read: left out",
        }
    }
}

/// What is known of a condition in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its place.
    pub condition: usize,
    pub stretch: Stretch,
    /// How well.
    pub fidelity: Fidelity,
}

/// What is known of each condition, in order of time, without gaps between two seconds.
pub(super) fn known(subject: &Subject, histories: &[History], from: i64, to: i64) -> Vec<Known> {
    let conditions = subject.alert.conditions.iter().zip(&subject.depends).enumerate();
    let mut found = Vec::new();
    for (condition, (asked, metrics)) in conditions {
        for (stretch, read) in stretches(histories, metrics, from, to) {
            let fidelity = if read { fidelity(asked, stretch.resolution) } else { Fidelity::Unread };
            found.push(Known { condition, stretch, fidelity });
        }
    }
    found
}

/// What can be known of a condition at a resolution.
pub(super) fn fidelity(condition: &Condition, resolution: i64) -> Fidelity {
    let period = condition.shape.period;
    let within = |period: i64| period > 0 && period % resolution == 0;
    if resolution <= 1 || condition.shape.aggregate && within(condition.shape.width()) {
        return Fidelity::Exact;
    }
    let short = |duration: i64| duration < resolution.saturating_mul(2);
    let (above, duration, function) = match condition.test {
        Test::Absent { duration } if short(duration) => return Fidelity::Unknown,
        Test::Absent { .. } => return Fidelity::Shifted,
        Test::Threshold { above, duration, function, .. } => (above, duration, function),
    };
    if let Kind::Composite { .. } = condition.shape.kind {
        return if period.is_some_and(within) { Fidelity::Either } else { Fidelity::Incomparable };
    }
    let finer = period.is_some_and(|period| period >= resolution);
    if matches!(function, Function::Sum | Function::Count) && !finer {
        return Fidelity::Incomparable;
    }
    if duration.is_some_and(short) {
        return Fidelity::Unknown;
    }
    // An interval begins before its first measurement: whether so many fit into a duration is known only where it is a multiple.
    let whole = duration.is_none_or(|duration| duration % resolution == 0);
    match function {
        Function::Max | Function::Min if above == (function == Function::Max) => match duration {
            None => Fidelity::Shifted,
            Some(_) if whole => Fidelity::More,
            Some(_) => Fidelity::Either,
        },
        // What violates as a whole has a measurement that does; how long it lasts cannot be told to an interval.
        Function::Max | Function::Min | Function::Average | Function::AbsoluteValue => match duration {
            None => Fidelity::Less,
            Some(_) => Fidelity::Either,
        },
        Function::Derivative { .. } if condition.shape.kind != Kind::Counter || !finer => Fidelity::Unknown,
        Function::Derivative { .. } | Function::Sum | Function::Count => match duration {
            None => Fidelity::Shifted,
            Some(_) => Fidelity::Either,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Shape, Streams};

    fn at(function: Option<Function>, above: bool, duration: Option<i64>, shape: Shape) -> [Fidelity; 3] {
        let test = match function {
            Some(function) => Test::Threshold { above, threshold: 1.0, duration, function },
            None => Test::Absent { duration: duration.unwrap() },
        };
        let condition = Condition { id: None, metric: "m".into(), streams: Streams::All, test, shape };
        [1, 60, 900].map(|resolution| fidelity(&condition, resolution))
    }

    #[test]
    fn every_row_of_the_table() {
        use Fidelity::{Either, Exact, Incomparable, Less, More, Shifted, Unknown};
        let gauge = Shape { kind: Kind::Gauge, period: Some(60), aggregate: false };
        let counter = Shape { kind: Kind::Counter, ..gauge };
        let (bare, summed) = (Shape { period: None, ..gauge }, Shape { aggregate: true, ..gauge });
        let composite = Shape { kind: Kind::Composite { lag: 0 }, ..gauge };
        let change = Function::Derivative { detect_reset: true };
        for (function, above, duration, shape, expected) in [
            (Some(Function::Max), true, None, gauge, [Exact, Shifted, Shifted]),
            (Some(Function::Min), false, None, gauge, [Exact, Shifted, Shifted]),
            (Some(Function::Max), true, Some(300), gauge, [Exact, More, Unknown]),
            (Some(Function::Max), true, Some(60), gauge, [Exact, Unknown, Unknown]),
            (Some(Function::Max), false, None, gauge, [Exact, Less, Less]),
            (Some(Function::Max), true, Some(330), gauge, [Exact, Either, Unknown]),
            (Some(Function::Min), true, Some(300), gauge, [Exact, Either, Unknown]),
            (Some(Function::AbsoluteValue), true, None, counter, [Exact, Less, Less]),
            (Some(Function::Average), true, None, gauge, [Exact, Less, Less]),
            (Some(Function::Average), true, Some(1800), gauge, [Exact, Either, Either]),
            (Some(Function::Sum), true, None, gauge, [Exact, Shifted, Incomparable]),
            (Some(Function::Count), true, Some(60), bare, [Exact, Incomparable, Incomparable]),
            (Some(change), true, None, counter, [Exact, Shifted, Unknown]),
            (Some(change), true, Some(300), counter, [Exact, Either, Unknown]),
            (Some(change), true, None, gauge, [Exact, Unknown, Unknown]),
            (None, true, Some(120), gauge, [Exact, Shifted, Unknown]),
            (None, true, Some(119), gauge, [Exact, Unknown, Unknown]),
            // What the service sums up by the minute is the same by the minute.
            (Some(Function::Sum), true, Some(60), summed, [Exact, Exact, Incomparable]),
            (Some(Function::Average), true, None, composite, [Exact, Either, Incomparable]),
        ] {
            assert_eq!(at(function, above, duration, shape), expected, "{function:?} {above} {duration:?}");
        }
    }
}

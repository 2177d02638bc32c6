//! When a point counts: the class of its first sample by the second it is of and the second it was received in, and its event time.

/// The farthest a clock may be ahead before its samples are not evaluated.
const AHEAD: i64 = 300;

/// What the class of a point depends on, beside its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Seconds that samples of one point span: the period of a metric that the server aggregates, else 0.
    pub width: i64,
    /// The metric's period, where it has one.
    pub period: Option<i64>,
    /// Seconds to wait for samples that are on their way.
    pub settle: i64,
    /// How old a sample may be and still be evaluated, at least; two periods of its metric are always allowed.
    pub max_age: i64,
}

/// How a sample arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Its point is judged under its own time.
    InTime,
    /// The sender's clock is fast: judged under the time of receipt, so that alerts are not delayed, nor `absent` kept quiet.
    Ahead,
    /// Judged under the time of receipt, after the points of its series that wait before it.
    Behind,
    /// Not after the newest closed point of its series: no effect on alerts.
    Late,
    /// Too old, as imports are: never evaluated.
    Old,
    /// Too far ahead: never evaluated.
    Future,
}

impl Class {
    /// Whether a sample of this class is evaluated.
    pub fn counts(self) -> bool {
        matches!(self, Self::InTime | Self::Ahead | Self::Behind)
    }
}

impl Timing {
    /// The class of a point whose first sample is of second `t` and was received in second `r`; `newest` is the time of the newest
    /// closed point of its series.
    pub fn class(&self, t: i64, r: i64, newest: Option<i64>) -> Class {
        let age = r.saturating_sub(t);
        if age < -AHEAD {
            Class::Future
        } else if age > self.max_age.max(self.period.unwrap_or(0).saturating_mul(2)) {
            Class::Old
        } else if newest.is_some_and(|newest| t <= newest) {
            Class::Late
        } else if age < 0 {
            Class::Ahead
        } else if age <= self.open_for() {
            Class::InTime
        } else {
            Class::Behind
        }
    }

    /// The event time of a point of such a class; `None` where it is not evaluated.
    pub fn event_time(&self, t: i64, r: i64, class: Class) -> Option<i64> {
        match class {
            Class::InTime => Some(t),
            Class::Ahead | Class::Behind => Some(r),
            Class::Late | Class::Old | Class::Future => None,
        }
    }

    /// Seconds from the event time of a point until it is closed.
    pub fn open_for(&self) -> i64 {
        self.width.saturating_add(self.settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_classes_and_its_edges() {
        let raw = Timing { width: 0, period: None, settle: 10, max_age: 900 };
        let ssa = Timing { width: 60, period: Some(60), ..raw };
        let slow = Timing { period: Some(600), ..raw };
        let now = 10_000;
        for (timing, t, newest, class, u) in [
            (raw, now, None, Class::InTime, Some(now)),
            (raw, now - 10, None, Class::InTime, Some(now - 10)),
            (raw, now - 11, None, Class::Behind, Some(now)),
            (ssa, now - 70, None, Class::InTime, Some(now - 70)),
            (ssa, now - 71, None, Class::Behind, Some(now)),
            (raw, now + 1, None, Class::Ahead, Some(now)),
            (raw, now + 300, None, Class::Ahead, Some(now)),
            (raw, now + 301, None, Class::Future, None),
            (raw, now - 900, None, Class::Behind, Some(now)),
            (raw, now - 901, None, Class::Old, None),
            (slow, now - 1_200, None, Class::Behind, Some(now)),
            (slow, now - 1_201, None, Class::Old, None),
            (raw, now - 5, Some(now - 5), Class::Late, None),
            (raw, now - 5, Some(now - 6), Class::InTime, Some(now - 5)),
            (raw, now - 500, Some(now - 400), Class::Late, None),
            // Imports are old before they are anything else.
            (raw, now - 5_000, Some(now), Class::Old, None),
            (raw, i64::MIN, None, Class::Old, None),
            (raw, i64::MAX, None, Class::Future, None),
        ] {
            let found = timing.class(t, now, newest);
            assert_eq!(found, class, "{timing:?} {t} {newest:?}");
            assert_eq!(timing.event_time(t, now, found), u, "{timing:?} {t}");
            assert_eq!(found.counts(), u.is_some());
        }
    }
}

//! What is wrong with the measurements of one request, and with which of them: whoever sends 300 at once must be able to
//! find the one. Pure.

use crate::serve::http::problem::Problem;
use crate::serve::refusal::Errors;
use crate::serve::tsdb::retention::Retention;

/// Youngest accepted time, relative to now, in seconds. The bounds of the hosted service were never documented.
const YOUNGEST: i64 = DAY;
const DAY: i64 = 86_400;

/// When a request came, and how old what it brings may be: what is older than anything that is kept would be dropped.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Epoch seconds.
    pub now: i64,
    kept: i64,
}

impl Arrival {
    pub fn new(now: i64, retention: &Retention) -> Arrival {
        Arrival { now, kept: retention.longest() }
    }

    /// Where nobody said for how long measurements are kept.
    #[cfg(any(test, fuzzing))]
    pub fn at(now: i64) -> Arrival {
        Arrival::new(now, &Retention::default())
    }

    /// Whether measurements of this time are taken.
    pub fn takes(&self, time: i64) -> bool {
        self.outside(time).is_none()
    }

    /// Why not, in words that clients look for, and the bound.
    fn outside(&self, time: i64) -> Option<(&'static str, String)> {
        if time < self.now - self.kept {
            let days = self.kept / DAY;
            let bound =
                format!("must be at most {days} days old: nothing is kept for longer (serve --retention)");
            Some(("is too far in the past", bound))
        } else if time > self.now + YOUNGEST {
            Some(("is too far in the future", format!("must be at most {} hours ahead", YOUNGEST / 3600)))
        } else {
            None
        }
    }
}

/// So many measurements are named in one response.
const MOST_NAMED: usize = 10;

/// Of a name so many characters are shown.
const LONGEST_NAME: usize = 255;

/// Collected over all measurements, so that one response tells everything.
pub struct Refusals {
    /// Against which times are judged.
    pub arrival: Arrival,
    /// Of the request and of its measurements.
    pub errors: Errors,
    /// A time out of bounds is told only when nothing else is wrong, in words that clients look for.
    outside: Option<(&'static str, &'static str, String)>,
    named: Vec<String>,
    unnamed: usize,
}

impl Refusals {
    pub fn new(arrival: Arrival) -> Refusals {
        Refusals { arrival, errors: Errors::default(), outside: None, named: Vec::new(), unnamed: 0 }
    }

    /// Adds what is wrong with one measurement, sent at the time `time` as the parameter `time_name`. `which` is its
    /// metric or, where it has none, its place in the request.
    pub fn judge(
        &mut self,
        errors: Errors,
        (time_name, time): (&'static str, i64),
        which: impl FnOnce() -> String,
    ) {
        let outside = self.arrival.outside(time);
        if errors.is_empty() && outside.is_none() {
            return;
        }
        if let (Some((message, bound)), None) = (outside, &self.outside) {
            self.outside = Some((time_name, message, bound));
        }
        self.errors.merge(errors);
        self.name(&which());
    }

    fn name(&mut self, which: &str) {
        if self.named.iter().any(|named| named == which) {
            return;
        }
        if self.named.len() < MOST_NAMED {
            self.named.push(which.chars().take(LONGEST_NAME).collect());
        } else {
            self.unnamed += 1;
        }
    }

    /// `Ok` when nothing is wrong. Else the names stand under `name`, after what is wrong with names themselves.
    pub fn finish(self) -> Result<(), Problem> {
        let Refusals { arrival, mut errors, outside, named, unnamed } = self;
        let of_clock = outside.filter(|_| errors.is_empty());
        if let Some((time_name, message, bound)) = &of_clock {
            errors.add(time_name, *message);
            errors.add(time_name, bound);
        }
        for which in named {
            errors.add("name", which);
        }
        if unnamed > 0 {
            errors.add("name", format!("and {unnamed} more"));
        }
        errors.finish().map_err(|errors| match of_clock {
            Some(_) => Problem::from(errors).judged_at(arrival.now),
            None => errors.into(),
        })
    }
}

/// How a measurement is named: by its metric, or by its place in the list `list` where it has none.
pub fn named(metric: &str, list: &str, place: usize) -> String {
    if metric.is_empty() { format!("{list}[{place}]") } else { metric.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000_000;
    const OLDEST: i64 = 365 * 86_400;

    fn refused(refusals: Refusals) -> String {
        format!("{:?}", refusals.finish().unwrap_err())
    }

    fn wrong(parameter: &str) -> Errors {
        let mut errors = Errors::default();
        errors.add(parameter, "is wrong");
        errors
    }

    #[test]
    fn only_the_wrong_ones_are_named() {
        let mut refusals = Refusals::new(Arrival::at(NOW));
        refusals.judge(Errors::default(), ("time", NOW), || "ok.one".to_owned());
        refusals.judge(wrong("tags"), ("time", NOW), || "bad.two".to_owned());
        refusals.judge(wrong("tags"), ("time", NOW), || "bad.two".to_owned());
        let text = refused(refusals);
        assert!(text.contains("bad.two") && !text.contains("ok.one"), "{text}");
    }

    #[test]
    fn names_are_bounded() {
        let mut refusals = Refusals::new(Arrival::at(NOW));
        for number in 0..300 {
            refusals.judge(wrong("value"), ("time", NOW), || format!("m{number}"));
        }
        let text = refused(refusals);
        assert!(text.contains("m9") && !text.contains("m10\"") && text.contains("and 290 more"), "{text}");
        let mut long = Refusals::new(Arrival::at(NOW));
        long.judge(wrong("name"), ("time", NOW), || "x".repeat(100_000));
        assert!(refused(long).len() < 1000);
    }

    #[test]
    fn times_are_told_in_the_known_words_with_the_bound() {
        for (time, words) in [
            (NOW - OLDEST - 1, ["is too far in the past", "365 days"]),
            (NOW + YOUNGEST + 1, ["is too far in the future", "24 hours"]),
        ] {
            let mut refusals = Refusals::new(Arrival::at(NOW));
            refusals.judge(Errors::default(), ("measure_time", time), || "late".to_owned());
            let text = refused(refusals);
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
            assert!(text.contains("late") && text.contains("Some(1000000000)"), "{text}");
        }
        for time in [NOW - OLDEST, NOW + YOUNGEST] {
            let mut refusals = Refusals::new(Arrival::at(NOW));
            refusals.judge(Errors::default(), ("measure_time", time), || "fine".to_owned());
            assert!(refusals.finish().is_ok());
        }
    }
    /// What the operator keeps for less is not taken first and dropped then, and what is kept for longer may come.
    #[test]
    fn what_is_kept_for_long_enough_is_taken() {
        for (retention, days) in [("3600s=40d", 40), ("3600s=800d", 800)] {
            let arrival = Arrival::new(NOW, &retention.parse().unwrap());
            let oldest = NOW - days * 86_400;
            assert!(arrival.takes(oldest) && !arrival.takes(oldest - 1), "{retention}");
            let mut refusals = Refusals::new(arrival);
            refusals.judge(Errors::default(), ("time", oldest - 1), || "late".to_owned());
            let text = refused(refusals);
            assert!(
                text.contains(&format!("at most {days} days old")) && text.contains("--retention"),
                "{text}"
            );
        }
    }
}

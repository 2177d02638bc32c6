//! What is wrong with the measurements of one request, and with which of them: whoever sends 300 at once must be able to
//! find the one. Pure.

use crate::serve::http::problem::Problem;
use crate::serve::refusal::Errors;

/// Oldest and youngest accepted time, relative to now, in seconds: a year back, a day ahead. The bounds of the
/// hosted service were never documented.
const OLDEST: i64 = 365 * 86_400;
const YOUNGEST: i64 = 86_400;

/// Whether measurements of this time are taken at `now`.
pub fn is_near(time: i64, now: i64) -> bool {
    (now - OLDEST..=now + YOUNGEST).contains(&time)
}

/// So many measurements are named in one response.
const MOST_NAMED: usize = 10;

/// Of a name so many characters are shown.
const LONGEST_NAME: usize = 255;

/// Collected over all measurements, so that one response tells everything.
pub struct Refusals {
    /// Epoch seconds against which times are judged.
    pub now: i64,
    /// Of the request and of its measurements.
    pub errors: Errors,
    /// A time out of bounds is told only when nothing else is wrong, in words that clients look for.
    outside: Option<(&'static str, &'static str, String)>,
    named: Vec<String>,
    unnamed: usize,
}

impl Refusals {
    pub fn new(now: i64) -> Refusals {
        Refusals { now, errors: Errors::default(), outside: None, named: Vec::new(), unnamed: 0 }
    }

    /// Adds what is wrong with one measurement, sent at the time `time` as the parameter `time_name`. `which` is its
    /// metric or, where it has none, its place in the request.
    pub fn judge(
        &mut self,
        errors: Errors,
        (time_name, time): (&'static str, i64),
        which: impl FnOnce() -> String,
    ) {
        let outside = self.outside(time);
        if errors.is_empty() && outside.is_none() {
            return;
        }
        if let (Some((message, bound)), None) = (outside, &self.outside) {
            self.outside = Some((time_name, message, bound));
        }
        self.errors.merge(errors);
        self.name(&which());
    }

    fn outside(&self, time: i64) -> Option<(&'static str, String)> {
        if time < self.now - OLDEST {
            Some(("is too far in the past", format!("must be at most {} days old", OLDEST / 86_400)))
        } else if time > self.now + YOUNGEST {
            Some(("is too far in the future", format!("must be at most {} hours ahead", YOUNGEST / 3600)))
        } else {
            None
        }
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
        let Refusals { now, mut errors, outside, named, unnamed } = self;
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
            Some(_) => Problem::from(errors).judged_at(now),
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
        let mut refusals = Refusals::new(1_000_000_000);
        refusals.judge(Errors::default(), ("time", 1_000_000_000), || "ok.one".to_owned());
        refusals.judge(wrong("tags"), ("time", 1_000_000_000), || "bad.two".to_owned());
        refusals.judge(wrong("tags"), ("time", 1_000_000_000), || "bad.two".to_owned());
        let text = refused(refusals);
        assert!(text.contains("bad.two") && !text.contains("ok.one"), "{text}");
    }

    #[test]
    fn names_are_bounded() {
        let mut refusals = Refusals::new(1_000_000_000);
        for number in 0..300 {
            refusals.judge(wrong("value"), ("time", 1_000_000_000), || format!("m{number}"));
        }
        let text = refused(refusals);
        assert!(text.contains("m9") && !text.contains("m10\"") && text.contains("and 290 more"), "{text}");
        let mut long = Refusals::new(1_000_000_000);
        long.judge(wrong("name"), ("time", 1_000_000_000), || "x".repeat(100_000));
        assert!(refused(long).len() < 1000);
    }

    #[test]
    fn times_are_told_in_the_known_words_with_the_bound() {
        for (time, words) in [
            (1_000_000_000 - OLDEST - 1, ["is too far in the past", "365 days"]),
            (1_000_000_000 + YOUNGEST + 1, ["is too far in the future", "24 hours"]),
        ] {
            let mut refusals = Refusals::new(1_000_000_000);
            refusals.judge(Errors::default(), ("measure_time", time), || "late".to_owned());
            let text = refused(refusals);
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
            assert!(text.contains("late") && text.contains("Some(1000000000)"), "{text}");
        }
        for time in [1_000_000_000 - OLDEST, 1_000_000_000 + YOUNGEST] {
            let mut refusals = Refusals::new(1_000_000_000);
            refusals.judge(Errors::default(), ("measure_time", time), || "fine".to_owned());
            assert!(refusals.finish().is_ok());
        }
    }
}

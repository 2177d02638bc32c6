//! What is remembered of the streams of one condition, and how many of them meet it.

use std::collections::HashMap;

use super::alert::Alert;
use super::condition::Condition;
use super::matching::Stream;
use super::notice::Violation;
use super::outage::{Outage, deadline};
use super::pair::{Phase, Run, Seen, Status};
use super::point::Reading;

/// The streams of one condition.
#[derive(Debug, Clone, Default)]
pub(super) struct Tracks {
    /// When the condition began to watch: only readings after it count.
    pub since: i64,
    /// No deadline lies before this second.
    pub floor: i64,
    pub runs: HashMap<Stream, Run>,
    pub seen: HashMap<Stream, Seen>,
    /// How many streams meet the condition.
    pub met: usize,
    /// Whether anything that is stored of it changed since it was last looked at.
    pub changed: bool,
}

/// What a reading or a deadline did to a stream.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub stream: Stream,
    pub was_met: bool,
    pub is_met: bool,
}

impl Effect {
    /// Whether it is a reason to notify: a violating reading, or a stream that fell silent.
    pub(super) fn is_news(&self) -> bool {
        self.is_met
    }
}

impl Tracks {
    pub(super) fn new(since: i64) -> Self {
        Self { since, floor: i64::MIN, ..Self::default() }
    }

    /// Applies a reading; `None` where it changes nothing that matters. Nothing at or before `cleared` meets the condition.
    pub(super) fn apply(&mut self, condition: &Condition, reading: &Reading, cleared: i64) -> Option<Effect> {
        if reading.u <= self.since {
            return None;
        }
        let effect = if condition.is_absent() {
            self.see(condition.duration(), reading)
        } else {
            self.run(condition, reading, cleared)
        };
        if let Some(effect) = &effect {
            self.met = self.met + usize::from(effect.is_met) - usize::from(effect.was_met);
        }
        effect
    }

    fn run(&mut self, condition: &Condition, reading: &Reading, cleared: i64) -> Option<Effect> {
        let value = finite(reading.value)?;
        let violates = condition.is_violated_by(value);
        let Some(run) = self.runs.get_mut(&reading.stream) else {
            if !violates {
                return None;
            }
            let run = Run::next(None, condition, reading.t, reading.u, value, cleared);
            self.changed = true;
            self.runs.insert(reading.stream.clone(), run);
            let effect = Effect { stream: reading.stream.clone(), was_met: false, is_met: run.is_met() };
            return effect.is_met.then_some(effect);
        };
        let was_met = run.is_met();
        self.changed = true;
        let is_met = if violates {
            *run = Run::next(Some(run), condition, reading.t, reading.u, value, cleared);
            run.is_met()
        } else {
            self.runs.remove(&reading.stream);
            false
        };
        (was_met || is_met).then(|| Effect { stream: reading.stream.clone(), was_met, is_met })
    }

    fn see(&mut self, duration: i64, reading: &Reading) -> Option<Effect> {
        let Some(seen) = self.seen.get_mut(&reading.stream) else {
            let seen = Seen::first(reading.u, finite(reading.value).unwrap_or_default());
            self.seen.insert(reading.stream.clone(), seen);
            return Some(Effect { stream: reading.stream.clone(), was_met: false, is_met: false });
        };
        let was_met = seen.met.is_some();
        self.changed |= was_met;
        seen.again(reading.u, finite(reading.value), duration);
        // Its entry in the agenda is still there, unless the deadline has passed.
        (was_met || seen.armed.is_none()).then(|| Effect {
            stream: reading.stream.clone(),
            was_met,
            is_met: false,
        })
    }

    /// When a stream that was seen is absent.
    pub(super) fn deadline(&self, seen: &Seen, condition: &Condition, outages: &[Outage], delay: i64) -> i64 {
        deadline(seen.u, seen.interval, condition.duration(), outages, delay).max(self.floor)
    }

    pub(super) fn is_met_by(&self, stream: &Stream) -> bool {
        self.runs.get(stream).is_some_and(Run::is_met)
            || self.seen.get(stream).is_some_and(|seen| seen.met.is_some())
    }

    /// The streams that meet the condition, in no order.
    pub(super) fn met_streams(&self) -> impl Iterator<Item = &Stream> {
        let runs = self.runs.iter().filter(|(_, run)| run.is_met()).map(|(stream, _)| stream);
        let silent = self.seen.iter().filter(|(_, seen)| seen.met.is_some()).map(|(stream, _)| stream);
        runs.chain(silent)
    }

    /// What is to be said of a stream that meets the condition.
    pub(super) fn violation(&self, condition: usize, stream: &Stream) -> Option<Violation> {
        if let Some(run) = self.runs.get(stream).filter(|run| run.is_met()) {
            let Run { since: begin, last: end, count, value, .. } = *run;
            return Some(Violation { stream: stream.clone(), condition, value, begin, end, count });
        }
        let seen = self.seen.get(stream).filter(|seen| seen.met.is_some())?;
        let (begin, end, value) = (seen.u, seen.u, seen.value);
        Some(Violation { stream: stream.clone(), condition, value, begin, end, count: 0 })
    }

    /// The newest event time of a reading of a stream that meets the condition.
    pub(super) fn last_reading(&self, stream: &Stream) -> Option<i64> {
        let run = self.runs.get(stream).filter(|run| run.is_met()).map(|run| run.u);
        run.or_else(|| self.seen.get(stream).filter(|seen| seen.met.is_some()).map(|seen| seen.u))
    }

    /// Forgets the streams that meet the condition, of all or of one: they are ok, or unseen.
    pub(super) fn forget_met(&mut self, only: Option<&Stream>) {
        let concerns = |stream: &Stream| only.is_none_or(|only| only == stream);
        self.runs.retain(|stream, run| !(run.is_met() && concerns(stream)));
        self.seen.retain(|stream, seen| !(seen.met.is_some() && concerns(stream)));
        self.count();
    }

    /// What a clear does: runs are kept and wait for a further violating reading, absent streams become unseen.
    pub(super) fn clear(&mut self) {
        // What is held has no run of its own yet.
        self.runs.retain(|_, run| !matches!(run.phase, Phase::Held(_)));
        self.runs.values_mut().for_each(|run| run.phase = Phase::Pending);
        self.seen.retain(|_, seen| seen.met.is_none());
        self.count();
    }

    pub(super) fn count(&mut self) {
        self.changed = true;
        self.met = self.met_streams().count();
    }

    /// All that is remembered, in order.
    pub(super) fn statuses(
        &self,
        condition: &Condition,
        outages: &[Outage],
        delay: i64,
    ) -> Vec<(Stream, Status)> {
        let runs = self.runs.iter().map(|(stream, run)| {
            let Run { since, count, .. } = *run;
            let status = match run.phase {
                Phase::Pending => Status::Pending { since, count },
                Phase::Met => Status::Met { since, count },
                Phase::Held(until) => Status::Held { until },
            };
            (stream.clone(), status)
        });
        let seen = self.seen.iter().map(|(stream, seen)| {
            let status = match (seen.met, seen.held) {
                (_, Some(until)) => Status::Held { until },
                (Some(since), None) => Status::Met { since, count: 0 },
                (None, None) => Status::Seen { deadline: self.deadline(seen, condition, outages, delay) },
            };
            (stream.clone(), status)
        });
        let mut all: Vec<_> = runs.chain(seen).collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

/// What is not finite cannot be stored, nor compared with anything.
fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// One for each condition, beginning at `since`.
pub(super) fn fresh(alert: &Alert, since: i64) -> Vec<Tracks> {
    alert.conditions.iter().map(|_| Tracks::new(since)).collect()
}

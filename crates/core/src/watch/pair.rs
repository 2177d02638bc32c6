//! What is remembered of one stream under one condition: the run of violating readings, or when it was last seen.
//! A stream of which nothing is remembered is ok, or unseen where silence is asked for.

use serde::{Deserialize, Serialize};

use super::condition::Condition;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// It has not lasted long enough, or was cleared and waits for a further violating reading.
    Pending,
    /// The condition is met.
    Met,
    /// Met under the definition before an edit; the next reading decides, or this second.
    Held(i64),
}

/// An unbroken run of violating readings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub phase: Phase,
    /// The time of its first reading.
    pub since: i64,
    /// The time of its last one.
    pub last: i64,
    /// The event time of its last one.
    pub u: i64,
    pub count: u32,
    /// The value of its last one.
    pub value: f64,
}

impl Run {
    pub(super) fn is_met(&self) -> bool {
        !matches!(self.phase, Phase::Pending)
    }

    /// The run after a violating reading; `None` before it means that it begins. Nothing at or before `cleared` meets the condition.
    pub(super) fn next(
        run: Option<&Self>,
        condition: &Condition,
        t: i64,
        u: i64,
        value: f64,
        cleared: i64,
    ) -> Self {
        // A stream that is held does not wait for the duration again.
        let held = run.is_some_and(|run| matches!(run.phase, Phase::Held(_)));
        let (since, count) = match run {
            Some(run) if !held => (run.since, run.count.saturating_add(1)),
            _ => (t, 1),
        };
        let met = run.is_some_and(|run| run.phase == Phase::Met);
        let lasted = t.saturating_sub(since) >= condition.duration();
        let phase = if u > cleared && (held || met || lasted) { Phase::Met } else { Phase::Pending };
        Self { phase, since, last: t, u, count, value }
    }
}

/// When a stream was last seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// The event time of its last reading.
    pub u: i64,
    /// Seconds between its last two, 0 while it had one or was absent between them.
    pub interval: i64,
    /// The value of its last one.
    pub value: f64,
    /// The deadline that has passed, if one has.
    pub met: Option<i64>,
    /// Until when it stays met after an edit of the duration.
    pub held: Option<i64>,
    /// The entry of the agenda that looks at it again.
    pub armed: Option<i64>,
}

impl Seen {
    pub(super) fn first(u: i64, value: f64) -> Self {
        Self { u, interval: 0, value, met: None, held: None, armed: None }
    }

    /// Notes a reading; several of one second are one. What was longer than the duration was absence, and no interval: so it makes
    /// no difference whether the stream was dismissed meanwhile.
    pub(super) fn again(&mut self, u: i64, value: Option<f64>, duration: i64) {
        if u > self.u {
            let gap = u - self.u;
            (self.interval, self.u) = (if gap <= duration { gap } else { 0 }, u);
        }
        self.value = value.unwrap_or(self.value);
        (self.met, self.held) = (None, None);
    }
}

/// The state of a stream under a condition, for people and tests. Streams that are ok or unseen are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It violates, but not for long enough.
    Pending {
        /// The time of the first violating reading.
        since: i64,
        /// How many there are.
        count: u32,
    },
    /// The condition is met.
    Met {
        /// The time of the first violating reading, or the deadline that passed.
        since: i64,
        /// How many there are; none of silence.
        count: u32,
    },
    /// Met before an edit, and not yet decided after it.
    Held {
        /// When it ends at the latest.
        until: i64,
    },
    /// It was seen, and will be absent.
    Seen {
        /// The second it is absent at.
        deadline: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Stream;

    /// What a storm of a hundred thousand streams takes depends on this.
    #[test]
    fn streams_take_little_memory() {
        assert!(size_of::<(Stream, Run)>() <= 72, "{}", size_of::<(Stream, Run)>());
        assert!(size_of::<(Stream, Seen)>() <= 88, "{}", size_of::<(Stream, Seen)>());
    }
}

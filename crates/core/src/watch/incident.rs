//! One open incident: what was said of it, and when there is reason to say more.

use serde::{Deserialize, Serialize};

/// Repeats of what is only still absent are never farther apart than this, unless re-arm is.
const LONGEST_INTERVAL: i64 = 86_400;

/// An open incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number in its alert.
    pub number: u64,
    /// The event time it opened at.
    pub opened: i64,
    /// The number of its next notice.
    pub seq: u32,
    /// When the last trigger was sent.
    pub triggered: Option<i64>,
    /// The ids of the services that triggers were sent to.
    pub services: Vec<i64>,
    /// Whether something happened since the last notice: a violating reading, or a stream that fell silent.
    pub(super) news: bool,
    /// Whether all its streams were silenced at the last notice.
    pub(super) muted: bool,
    /// Whether a silence kept some stream out of the last notice.
    pub(super) withheld: bool,
    /// Seconds to the next trigger if nothing happens but that streams stay absent.
    pub(super) interval: i64,
    /// The entry of the agenda that looks at it again.
    #[serde(skip)]
    pub(super) armed: Option<i64>,
}

impl Incident {
    pub(super) fn new(number: u64, opened: i64, rearm: i64) -> Self {
        Self {
            number,
            opened,
            seq: 0,
            triggered: None,
            services: Vec::new(),
            news: true,
            muted: false,
            withheld: false,
            interval: rearm,
            armed: None,
        }
    }

    /// When the next trigger is due, as things stand. `last` is the last trigger of the alert, or of the stream where each re-arms by
    /// itself; `absent` tells whether some stream is absent.
    pub(super) fn due(&self, gather: i64, rearm: i64, last: Option<i64>, absent: bool) -> Option<i64> {
        let rearmed = |last: i64| last.saturating_add(rearm);
        if !self.news && (self.muted || !absent) {
            return None;
        }
        match self.triggered {
            None => {
                let gathered = self.opened.saturating_add(gather);
                Some(last.map_or(gathered, |last| gathered.max(rearmed(last))))
            }
            Some(triggered) if self.news => Some(rearmed(triggered)),
            Some(triggered) => Some(triggered.saturating_add(self.interval.max(rearm))),
        }
    }

    /// Notes that a trigger is sent.
    pub(super) fn trigger(&mut self, at: i64, rearm: i64, services: &[i64], withheld: bool) {
        let only_absent = self.triggered.is_some() && !self.news;
        self.interval = if only_absent {
            self.interval.saturating_mul(2).min(LONGEST_INTERVAL).max(rearm)
        } else {
            rearm
        };
        self.triggered = Some(at);
        (self.news, self.muted, self.withheld) = (false, false, withheld);
        let new = services.iter().filter(|id| !self.services.contains(id)).copied();
        let new: Vec<i64> = new.collect();
        self.services.extend(new);
    }
}

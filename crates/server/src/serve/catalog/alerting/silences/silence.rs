//! One silence.

use crate::watch;

/// The longest silence, in days.
pub const MOST_DAYS: i64 = 30;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    pub id: i64,
    /// A pattern of names of alerts.
    pub alert: String,
    /// A pattern of streams.
    pub stream: String,
    /// The first second.
    pub starts: i64,
    /// The first second after it.
    pub ends: i64,
    /// The user who made it.
    pub by: String,
    pub why: String,
    pub created_at: i64,
    /// When someone ended it before its time.
    pub ended_at: Option<i64>,
}

/// Where a silence stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Pending,
    Active,
    Ended,
}

impl Phase {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Active => "active",
            Phase::Ended => "ended",
        }
    }

    pub fn of(name: &str) -> Option<Phase> {
        [Phase::Pending, Phase::Active, Phase::Ended].into_iter().find(|phase| phase.name() == name)
    }
}

impl Silence {
    /// Where it stands at a second.
    pub fn phase(&self, now: i64) -> Phase {
        match () {
            () if self.ended_at.is_some() || self.ends <= now => Phase::Ended,
            () if self.starts > now => Phase::Pending,
            () => Phase::Active,
        }
    }

    /// As evaluation wants it.
    pub fn watched(&self) -> watch::Silence {
        let (alert, stream) = (self.alert.clone(), self.stream.clone());
        watch::Silence { alert, stream, starts: self.starts, ends: self.ends }
    }
}

//! The definition of an alert, as far as its evaluation needs it.

use super::condition::Condition;

#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub id: i64,
    /// Its name, which silences go by.
    pub name: String,
    /// All of them must be met, each by any of its streams.
    pub conditions: Vec<Condition>,
    /// Whether it is evaluated.
    pub active: bool,
    /// Seconds between two notifications; 0 counts as 60.
    pub rearm: i64,
    /// Whether each stream has an incident of its own.
    pub per_signal: bool,
    /// The ids of the services to notify.
    pub services: Vec<i64>,
}

impl Alert {
    /// Seconds between two notifications.
    pub(super) fn rearm(&self) -> i64 {
        if self.rearm <= 0 { 60 } else { self.rearm }
    }

    /// How far its frontier is behind the clock.
    pub fn delay(&self, settings: &Settings) -> i64 {
        settings.settle.saturating_add(self.conditions.iter().map(Condition::width).max().unwrap_or(0))
    }

    /// Whether anything can come of it.
    pub fn is_watched(&self) -> bool {
        self.active && !self.conditions.is_empty()
    }
}

/// What the operator decides for all alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Seconds to wait for samples that are on their way.
    pub settle: i64,
    /// How old a sample may be and still be evaluated.
    pub max_age: i64,
    /// Seconds to gather streams before the first notification of an incident.
    pub gather: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { settle: 10, max_age: 900, gather: 0 }
    }
}

impl Settings {
    /// Where every sample is received in its own second and nothing has to be waited for.
    pub fn offline() -> Self {
        Self { settle: 0, ..Self::default() }
    }
}

//! What the operator decides for all alerts.

use crate::watch::Settings;

/// How alerts are evaluated; [`AlertOptions::default`] is right for most.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertOptions {
    /// Whether alerts are evaluated at all. `embedded:` servers never do.
    pub evaluate: bool,
    /// Whether anybody is notified; without it deliveries are kept as `muted`.
    pub notify: bool,
    /// Seconds to wait for samples that are on their way, 1 to 300. 10 by default.
    pub settle: i64,
    /// How old a sample may be and still be evaluated, in seconds. 900 by default.
    pub max_age: i64,
    /// Seconds to gather streams before the first notification of an incident, 0 to 300. None by default.
    pub gather: i64,
    /// Bytes that incidents and deliveries may take together; the oldest that have ended go first. 256 MB by default.
    pub history: u64,
}

impl Default for AlertOptions {
    fn default() -> AlertOptions {
        let Settings { settle, max_age, gather } = Settings::default();
        AlertOptions { evaluate: true, notify: true, settle, max_age, gather, history: 256_000_000 }
    }
}

impl AlertOptions {
    /// As the machine wants them.
    pub fn settings(&self) -> Settings {
        Settings { settle: self.settle, max_age: self.max_age, gather: self.gather }
    }
}

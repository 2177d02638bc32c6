//! One incident, open or closed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::notify::Violation;
use crate::serve::catalog::alerts::alert::Alert;
use crate::watch::How;

#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    pub id: i64,
    /// What everything that is said of it has in common.
    pub key: String,
    pub alert: i64,
    /// The name of the alert when it opened.
    pub alert_name: String,
    /// The stream, of one that is about a stream.
    pub stream: Option<String>,
    /// Event time.
    pub opened: i64,
    /// The last trigger.
    pub triggered: Option<i64>,
    pub closed: Option<i64>,
    pub how: Option<How>,
    /// Whether no one was told of it, since it came too early after the last trigger.
    pub silent: bool,
    /// The event in `librato.alerts`.
    pub event: Option<i64>,
    pub snapshot: Snapshot,
}

impl Incident {
    /// One that opens; `opened` is when, and whether no one is told.
    pub fn new(
        key: String,
        alert: &Alert,
        stream: Option<String>,
        (opened, silent): (i64, bool),
        snapshot: Snapshot,
    ) -> Incident {
        Incident {
            id: 0,
            key,
            alert: alert.id,
            alert_name: alert.name.clone(),
            stream,
            opened,
            triggered: None,
            closed: None,
            how: None,
            silent,
            event: None,
            snapshot,
        }
    }
}

/// Why an incident opened.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// What violated, by stream.
    pub violations: Vec<Violation>,
    /// How many further streams did.
    #[serde(default)]
    pub truncated: usize,
    /// The conditions of the alert, as the API shows them.
    pub conditions: Vec<Value>,
}

/// The number of an incident in its alert, which its key ends in.
pub fn number(key: &str) -> Option<u64> {
    key.rsplit('-').next()?.parse().ok()
}

/// The word for how an incident ended.
pub fn word(how: How) -> &'static str {
    match how {
        How::Normal => "normal",
        How::Manual => "manual",
        How::Auto => "auto",
    }
}

/// What such a word means.
pub fn how(word: &str) -> Option<How> {
    [How::Normal, How::Manual, How::Auto].into_iter().find(|how| self::word(*how) == word)
}

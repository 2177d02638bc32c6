//! What comes out: incidents that open and close, and what services are told.

use serde::{Deserialize, Serialize};

use super::matching::Stream;

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The alert does not fire any more.
    Normal,
    /// Someone cleared it, switched the alert off or deleted it.
    Manual,
    /// Nothing was heard for ten days, or the metric is gone.
    Auto,
}

/// One stream that violates one condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// Which stream.
    pub stream: Stream,
    /// The place of the condition in the alert.
    pub condition: usize,
    /// The last value; of an absent stream, too.
    pub value: f64,
    /// The time of the first violating reading; of an absent stream the time it was last seen.
    pub begin: i64,
    /// The time of the last one; of an absent stream the time it was last seen.
    pub end: i64,
    /// How many violating readings; none of an absent stream.
    pub count: u32,
}

/// What a notice says.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The alert fires.
    Trigger {
        /// The streams that violate and are not silenced, in order; of a notice that is silenced, those that are.
        violations: Vec<Violation>,
        /// How many further streams there are.
        truncated: usize,
        /// Whether the incident was notified of before.
        again: bool,
        /// Whether all streams are silenced: to be kept and not to be sent.
        silenced: bool,
    },
    /// The incident is over.
    Clear(How),
}

/// What services are told of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The incident's number in its alert.
    pub incident: u64,
    /// The stream of an incident that is about one.
    pub stream: Option<Stream>,
    /// The notice's number in its incident.
    pub seq: u32,
    /// Event time.
    pub at: i64,
    /// The ids of the services to tell: for a trigger those of the alert, for a clear those that were told.
    pub services: Vec<i64>,
    /// What they are told.
    pub message: Message,
}

/// Something happened to an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// An incident opened.
    Opened {
        /// Its number.
        incident: u64,
        /// The stream it is about, if it is about one.
        stream: Option<Stream>,
        /// Event time.
        at: i64,
        /// Whether it is too early after the last trigger for a notice.
        silent: bool,
        /// Why: what violates, in order of streams, silenced or not.
        violations: Vec<Violation>,
        /// How many further streams there are.
        truncated: usize,
    },
    /// An incident closed. The notice, if someone was told of it, comes next.
    Closed {
        /// Its number.
        incident: u64,
        /// The stream it was about, if it was about one.
        stream: Option<Stream>,
        /// Event time.
        at: i64,
        /// How it ended.
        how: How,
        /// Whether a trigger was sent.
        notified: bool,
    },
    /// Services are to be told.
    Notice(Notice),
}

impl Transition {
    /// Its event time.
    pub fn at(&self) -> i64 {
        match self {
            Self::Opened { at, .. } | Self::Closed { at, .. } => *at,
            Self::Notice(notice) => notice.at,
        }
    }
}

/// The key of an incident: the same for everything that is said of it, and never used twice. `file` tells data files apart.
pub fn incident_key(file: u32, alert: i64, incident: u64) -> String {
    format!("{file:08x}-{alert}-{incident}")
}

#[cfg(test)]
mod tests {
    use super::incident_key;

    #[test]
    fn keys_are_short() {
        assert_eq!(incident_key(0xbeef, 12, 3), "0000beef-12-3");
        assert!(incident_key(u32::MAX, 1_000_000_000_000, 10_000_000_000_000).len() <= 40);
    }
}

//! One silence.

use crate::watch;

/// A silence.
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
    /// When somebody ended it before its time.
    pub ended_at: Option<i64>,
}

impl Silence {
    /// As evaluation wants it.
    pub fn watched(&self) -> watch::Silence {
        let (alert, stream) = (self.alert.clone(), self.stream.clone());
        watch::Silence { alert, stream, starts: self.starts, ends: self.ends }
    }
}

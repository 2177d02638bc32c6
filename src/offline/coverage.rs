//! What tests have shown of each condition: that it can be met, and left again.

use std::collections::BTreeSet;

use crate::watch::{Status, Stream};

/// What was seen of one condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Whether some stream has met it.
    pub met: bool,
    /// Whether some stream that had met it was normal again.
    pub left: bool,
    now: BTreeSet<Stream>,
}

/// What no test has shown of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No stream has ever met it.
    NeverMet,
    /// Every stream that met it met it to the end.
    NeverLeft,
}

impl Coverage {
    pub(super) fn see(&mut self, statuses: Vec<(Stream, Status)>) {
        let is_met = |status: &Status| matches!(status, Status::Met { .. } | Status::Held { .. });
        let now: BTreeSet<Stream> =
            statuses.into_iter().filter(|(_, status)| is_met(status)).map(|(stream, _)| stream).collect();
        self.met |= !now.is_empty();
        self.left |= self.now.iter().any(|stream| !now.contains(stream));
        self.now = now;
    }

    /// Forgets what is met just now.
    pub(super) fn forget(&mut self) {
        self.now.clear();
    }

    /// Adds what another test has shown.
    pub fn merge(&mut self, other: &Self) {
        self.met |= other.met;
        self.left |= other.left;
    }

    /// What is missing.
    pub fn gap(&self) -> Option<Gap> {
        match (self.met, self.left) {
            (false, _) => Some(Gap::NeverMet),
            (true, false) => Some(Gap::NeverLeft),
            (true, true) => None,
        }
    }
}

//! Ranges of time.

/// A range of time in epoch seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub start: i64,
    pub end: i64,
}

impl TimeRange {
    /// Everything there can be.
    pub const ALWAYS: TimeRange = TimeRange { start: i64::MIN, end: i64::MAX };

    pub fn contains(self, time: i64) -> bool {
        (self.start..=self.end).contains(&time)
    }
}

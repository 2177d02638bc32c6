//! How long one write may keep the others waiting. Knows nothing of what is written.

use std::time::{Duration, Instant};

/// Long enough to be worth a commit, short enough for those who wait.
const LONGEST: Duration = Duration::from_millis(50);

/// The time one step of a long write may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeSlice {
    /// `None` for a write that is made in one go.
    end: Option<Instant>,
}

impl TimeSlice {
    /// A slice that begins now.
    pub fn begin() -> TimeSlice {
        TimeSlice { end: Instant::now().checked_add(LONGEST) }
    }

    /// A slice that is never over.
    pub fn whole() -> TimeSlice {
        TimeSlice { end: None }
    }

    /// Whether it is time to let others in.
    pub fn is_over(self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }
}

//! What became of a plan once it was written. A value, like the plan.

use serde::{Deserialize, Serialize};

/// Why steps were skipped that were left when the user stopped it.
pub const INTERRUPTED: &str = "it was interrupted";

/// Why steps were skipped that were left when the service had answered nothing for too long.
pub const UNREACHED: &str = "the service could not be reached";

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// Written.
    Written,
    /// Refused by the service, or not to be delivered; with the reason.
    Failed(String),
    /// Not tried, since something it needs failed; with the reason.
    Skipped(String),
}

/// What became of a plan, one entry for each of its steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// In the order of the plan.
    pub steps: Vec<Done>,
    /// Remarks, such as duplicates that were made and removed.
    pub notes: Vec<String>,
    /// What exists more than once in the end, or may, each in a sentence with what to do.
    pub duplicates: Vec<String>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

impl Outcome {
    /// Whether every step was written, and nothing is there more than once.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|done| *done == Done::Written)
            && self.duplicates.is_empty()
            && !self.interrupted
    }

    /// Whether steps were given up because the service could not be reached.
    pub fn was_cut_off(&self) -> bool {
        self.steps.iter().any(|done| matches!(done, Done::Skipped(why) if why == UNREACHED))
    }

    /// How many steps were written, failed, and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Done) -> bool| self.steps.iter().filter(|done| wanted(done)).count();
        let failed = count(|done| matches!(done, Done::Failed(_)));
        let skipped = count(|done| matches!(done, Done::Skipped(_)));
        (self.steps.len() - failed - skipped, failed, skipped)
    }
}

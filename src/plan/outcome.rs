//! What became of a plan once it was written. A value, like the plan.

use serde::{Deserialize, Serialize};

/// Why steps were skipped that were left when the user stopped it.
pub const INTERRUPTED: &str = "it was interrupted";

/// Why steps were skipped that were left when the service had answered nothing for too long.
pub const UNREACHED: &str = "the service could not be reached";

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    Written,
    /// Nothing had to be written any more: someone else had done it since the plan was made.
    Met,
    /// Refused by the service, or not to be delivered; with the reason.
    Failed(Failure),
    /// Not tried, since something it needs failed; with the reason.
    Skipped(String),
}

impl Done {
    /// Whether it is now as it was to be.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Written | Self::Met)
    }
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In words.
    pub message: String,
    /// The role that a token needs for it, where that is the reason.
    pub needs_role: Option<String>,
    /// What helps.
    #[serde(default)]
    pub remedy: Remedy,
}

/// What helps after a failure; what helps least by itself is the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Remedy {
    /// The same once more: the reason may pass.
    #[default]
    Again,
    /// Another plan: what this one was made from has changed.
    Plan,
    /// A change of what was sent: the same would be refused again.
    Mend,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, needs_role: None, remedy: Remedy::default() }
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
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
    /// Why nothing was written at all, where what the plan was made from had changed.
    pub refused: Option<String>,
}

impl Outcome {
    /// Whether every step was done, and nothing is there more than once.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(Done::is_done) && self.duplicates.is_empty() && !self.interrupted
    }

    /// Whether steps were given up because the service could not be reached.
    pub fn was_cut_off(&self) -> bool {
        self.steps.iter().any(|done| matches!(done, Done::Skipped(why) if why == UNREACHED))
    }

    /// How many steps someone else had done already.
    pub fn met(&self) -> usize {
        self.steps.iter().filter(|done| **done == Done::Met).count()
    }

    /// The role that a token needs for all that failed; `None` where anything failed for another reason.
    pub fn denied(&self) -> Option<&str> {
        let failed = self.steps.iter().filter_map(|done| match done {
            Done::Failed(failure) => Some(failure.needs_role.as_deref()),
            _ => None,
        });
        // The fewer roles may do it, the more it takes.
        failed.collect::<Option<Vec<_>>>()?.into_iter().min_by_key(|roles| roles.len())
    }

    /// What helps with all that failed.
    pub fn remedy(&self) -> Remedy {
        let failed = self.steps.iter().filter_map(|done| match done {
            Done::Failed(failure) => Some(failure.remedy),
            _ => None,
        });
        failed.max().unwrap_or_default()
    }

    /// Whether nothing of it came about, for want of a role: then running it again is of no use.
    pub fn is_refused_to_the_token(&self) -> bool {
        self.denied().is_some() && self.counts().0 == 0
    }

    /// How many steps were done, failed, and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Done) -> bool| self.steps.iter().filter(|done| wanted(done)).count();
        let failed = count(|done| matches!(done, Done::Failed(_)));
        let skipped = count(|done| matches!(done, Done::Skipped(_)));
        (self.steps.len() - failed - skipped, failed, skipped)
    }
}

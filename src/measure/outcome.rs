//! What became of measurements: counts, refusals, and what is still held. Nothing here is sent or kept.

use std::fmt;

use super::Measurement;
use crate::remote::ApiError;

/// What the service took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Submitted {
    /// How many measurements.
    pub accepted: u64,
    /// How many of them may have arrived twice, since the answer to an earlier try was lost. See the
    /// [module](crate::measure#what-a-lost-answer-means) for what that changes.
    pub twice: u64,
}

impl Submitted {
    pub(super) fn add(&mut self, more: Submitted) {
        self.accepted += more.accepted;
        self.twice += more.twice;
    }
}

/// A measurement that was not taken, and will not be.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The measurement.
    pub measurement: Measurement,
    /// Why, in the service's words where it had any.
    pub reason: String,
}

/// Something was refused, or could not be sent.
#[derive(Debug, Clone)]
pub struct SubmitError {
    /// What was taken all the same.
    pub submitted: Submitted,
    /// What the service refused. It is not held any more: it would be refused again.
    pub refused: Vec<Refused>,
    /// What stood in requests of which the service took some measurements and not others, without saying which. It is not held
    /// any more: sent again, those that were taken would count twice.
    pub doubtful: Vec<Refused>,
    /// How many measurements could not be sent. They are held where they were, to be submitted again.
    pub held: usize,
    /// How many of those held may have arrived all the same.
    pub unclear: u64,
    /// Why the held ones could not be sent.
    pub error: Option<ApiError>,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Refused { measurement, reason }) = self.refused.first() {
            let count = self.refused.len();
            write!(f, "{} refused, the first is {:?}: {reason}", counted(count), measurement.name)?;
        }
        if let Some(Refused { reason, .. }) = self.doubtful.first() {
            let separator = if self.refused.is_empty() { "" } else { "; " };
            let count = counted(self.doubtful.len());
            write!(f, "{separator}{count} of which some were not taken, without saying which: {reason}")?;
        }
        if let Some(error) = &self.error {
            let separator = if self.refused.is_empty() && self.doubtful.is_empty() { "" } else { "; " };
            match self.held {
                0 => write!(f, "{separator}not sent: {error}")?,
                held => write!(f, "{separator}{} not sent and held: {error}", counted(held))?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for SubmitError {}

fn counted(count: usize) -> String {
    if count == 1 { "1 measurement".to_owned() } else { format!("{count} measurements") }
}

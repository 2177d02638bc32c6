//! What came of a backtest, as all its forms show it.

use librato_apply::offline::{Backtest, Run, Span, Sweep};

use super::sides::Pair;

/// What came of an alert.
pub struct Outcome {
    pub pair: Pair,
    pub before: Option<Result<Backtest, String>>,
    pub after: Option<Result<Backtest, String>>,
    pub swept: Option<Swept>,
    /// Why it cannot fire as it will be, a reason for each condition that no stream was measured for.
    pub blind: Vec<String>,
}

impl Outcome {
    /// What will be, or is where nothing else was asked for.
    pub fn newest(&self) -> Option<&Backtest> {
        self.after.as_ref().or(self.before.as_ref())?.as_ref().ok()
    }
}

/// What came of several values.
pub struct Swept {
    pub sweeps: Vec<Sweep>,
    pub runs: Vec<Run>,
    /// How many notifications are allowed, and the most sensitive choice that keeps to it.
    pub at_most: Option<(usize, Option<Run>)>,
}

/// Everything that is shown.
pub struct Results {
    pub target: String,
    pub span: Span,
    pub requests: usize,
    pub points: usize,
    pub cut: Option<String>,
    /// Metrics that were never measured, as far as can be told.
    pub missing: Vec<String>,
    pub outcomes: Vec<Outcome>,
    /// Whether only those that change were wanted.
    pub only_changed: bool,
}

impl Results {
    /// What is said where there are no outcomes.
    pub fn nothing(&self) -> &'static str {
        if self.only_changed { "No alert changes in what it does." } else { "There is no alert to look at." }
    }
}

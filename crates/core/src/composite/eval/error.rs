//! Why an evaluation has no answer, and how that is told: at a place of the definition, like everything else about it.

use std::ops::Range;

use super::super::problem::Problem;
use crate::diag::{Code, Severity};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// More work than the limits allow.
    TooMuch {
        /// The limit.
        limit: u64,
        /// The bytes of the definition at which it was reached.
        span: Range<usize>,
    },
    /// More at one time than the limits allow.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
        /// The bytes of the definition at which it was reached.
        span: Range<usize>,
    },
    /// Gaps are to be filled, and no one knows how far apart points should be.
    UnknownPeriod {
        /// What has none.
        of: String,
        /// The bytes of the call.
        span: Range<usize>,
    },
    /// The samples cannot be had.
    Fetch {
        /// Why, in the words of whoever was asked for them.
        why: String,
        /// The bytes of the `series` call.
        span: Range<usize>,
    },
}

impl From<EvalError> for Problem {
    fn from(error: EvalError) -> Self {
        let (code, span, message, help) = match error {
            EvalError::TooMuch { limit, span } => {
                let message = format!("this is more work than is allowed: {limit} samples and points");
                (Code::TooMuch, span, message, Some("ask for less time, fewer series or a longer period"))
            }
            EvalError::TooLarge { limit, span } => {
                let message = format!("this holds more than is allowed at one time: {limit} bytes of series");
                (Code::TooMuch, span, message, Some("ask for less time, fewer series or a longer period"))
            }
            EvalError::UnknownPeriod { of, span } => {
                let message = format!("gaps cannot be filled without knowing the period of {of}");
                let help = "give the metric a period, or the series, as in s(…, {period: \"60\"})";
                (Code::UnknownPeriod, span, message, Some(help))
            }
            EvalError::Fetch { why, span } => (Code::NoData, span, why, None),
        };
        Self {
            severity: Severity::Error,
            code: code.name(),
            span,
            message,
            help: help.map(str::to_owned),
            unknown: false,
        }
    }
}

//! How a queue behaves.

use std::time::Duration;

use crate::measure::Sanitizer;
use crate::measure::batch_sender::BATCH;
use crate::measure::measurement::Labels;
use crate::remote::RetryPolicy;

/// How a queue behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most measurements of one request; [`BATCH`] by default, which is what the API recommends.
    pub batch: usize,
    /// Submits by itself when it holds so many.
    pub auto_submit_count: Option<usize>,
    /// Submits by itself when the oldest measurement it holds is this old.
    pub auto_submit_age: Option<Duration>,
    /// How many batches may be on their way at once; 8 by default. The client has a bound of its own.
    pub in_flight: usize,
    /// What measurements without a source and tags get, and what those that inherit tags get beside their own.
    pub labels: Labels,
    /// What makes names legal; none by default, so that the service's refusal is seen.
    pub sanitizer: Option<Sanitizer>,
    /// Whether a measurement without a time gets the second it was added in. On by default: measurements may wait here,
    /// and one that is repeated keeps its place.
    pub stamp: bool,
    /// How patient to be with what may pass.
    pub retry: RetryPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: BATCH,
            auto_submit_count: None,
            auto_submit_age: None,
            in_flight: 8,
            labels: Labels::default(),
            sanitizer: None,
            stamp: true,
            retry: RetryPolicy::default(),
        }
    }
}

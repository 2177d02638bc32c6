//! The types of native metrics, on which their statistics depend. Knows nothing of who asks for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The type of a native metric. It is fixed when the metric is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// Values that go up and down.
    Gauge,
    /// A value that only grows, of which the change is of interest.
    Counter,
}

/// What type the metric of a name has, as far as that is known.
pub type TypeOf<'a> = dyn Fn(&str) -> Option<MetricType> + 'a;

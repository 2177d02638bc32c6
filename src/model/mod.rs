//! The definitions a user can write, one struct a kind, and what every kind must be able to say.
//! Strict: unknown keys are errors, and the structs are the source of the JSON Schema. Knows nothing of the wire.

mod address;
mod alert;
mod alert_test;
mod annotation;
pub mod bounds;
mod chart;
pub mod check;
pub mod compare;
mod contents;
mod desired;
mod entry;
mod field;
mod file;
mod metric;
mod moment;
mod service;
mod space;
mod spec;
mod word;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use address::{Address, Collection, Kind};
pub use alert::{Alert, AlertAttributes, CONDITION_KEYS, Condition, ConditionType, SummaryFunction, Tag};
pub use alert_test::{
    AlertState, AlertTest, ClearedHow, Expectation, ExpectedNotice, ExpectedStreams, NoticeKind, TestAction,
    TestInput, TestSample, TestSummary,
};
pub use annotation::{ALERT_STREAM, Annotation};
pub use chart::{
    Chart, ChartType, GroupFunction, Operator, STREAM_KEYS, Stream, StreamFunction, StreamType, Threshold,
    ThresholdColour, UNMANAGED_STREAM_KEYS, is_worked_out,
};
pub use contents::{charts_of, with_contents};
pub use desired::{ChartOrder, DeclaredTest, Desired, Intent, Origin, Settings, Wish, as_written, at_route};
pub use entry::{Ensure, ForEach, META_KEYS, Meta};
pub use field::{Field, Seconds};
pub use file::{ConfigFile, Scopes, SettingsSection, published_schema, strict_schema, variables_schema};
pub use metric::{Attributes, Composite, Metric, MetricType, Scalar, SummarizeFunction};
pub use moment::Moment;
pub use service::{
    Ending, MASKED, SERVICE_TYPES, Service, ServiceSettings, ServiceType, UNCLEAN, dead_service,
    ending_service, is_harmless,
};
pub use space::{NamedChart, Space};
pub(crate) use spec::as_json;
pub use spec::{Reference, Shape, Spec};
pub use word::Word;

use crate::diag::Route;

/// One object of any kind: what is written of it, or all that is known of a remote one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Resource {
    Service(Service),
    Metric(Metric),
    Composite(Composite),
    Annotation(Annotation),
    Alert(Alert),
    Space(Space),
    Chart(Chart),
}

/// Objects by identity. Both sides of a comparison have this form.
pub type State = BTreeMap<Address, Resource>;

impl Resource {
    /// What the object says of itself.
    pub fn spec(&self) -> &dyn Spec {
        match self {
            Self::Service(service) => service,
            Self::Metric(metric) => metric,
            Self::Composite(composite) => composite,
            Self::Annotation(annotation) => annotation,
            Self::Alert(alert) => alert,
            Self::Space(space) => space,
            Self::Chart(chart) => chart,
        }
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.spec().kind()
    }

    /// Whether nothing is written that `have` does not say in the same words. Where it says something in others, the two may
    /// still mean the same.
    pub fn is_within(&self, have: &Self) -> bool {
        match (self, have) {
            (Self::Metric(want), Self::Metric(have)) => want.is_within(have),
            (Self::Alert(want), Self::Alert(have)) => want.is_within(have),
            // Of these there are few.
            (want, have) => want == have,
        }
    }

    /// The type of a metric, which its statistics depend on. A composite has those of a gauge.
    pub fn metric_type(&self) -> Option<MetricType> {
        match self {
            Self::Metric(metric) => metric.metric_type.value()?.known(),
            Self::Composite(_) => Some(MetricType::Gauge),
            _ => None,
        }
    }

    /// The object with the summary functions that are meant where none is written, as far as the types of metrics are known.
    pub fn with_default_functions(&self, type_of: &dyn Fn(&str) -> Option<MetricType>) -> Self {
        match self {
            Self::Alert(alert) => Self::Alert(alert.with_default_functions(type_of)),
            Self::Chart(chart) => Self::Chart(chart.with_default_functions(type_of)),
            other => other.clone(),
        }
    }

    /// An object of a kind from its fields.
    ///
    /// # Errors
    /// Where the fields do not fit the kind; the path tells where.
    pub fn from_fields(kind: Kind, fields: &Map<String, Value>) -> Result<Self, FieldError> {
        match kind {
            Kind::Service => read(fields).map(Self::Service),
            Kind::Metric => read(fields).map(Self::Metric),
            Kind::Composite => read(fields).map(Self::Composite),
            Kind::Annotation => read(fields).map(Self::Annotation),
            Kind::Alert => read(fields).map(Self::Alert),
            Kind::Space => read(fields).map(Self::Space),
            Kind::Chart => read(fields).map(Self::Chart),
        }
    }

    /// The fields as they were written, unwritten ones left out.
    pub fn fields(&self) -> Map<String, Value> {
        match self {
            Self::Service(service) => spec::fields(service),
            Self::Metric(metric) => spec::fields(metric),
            Self::Composite(composite) => spec::fields(composite),
            Self::Annotation(annotation) => spec::fields(annotation),
            Self::Alert(alert) => spec::fields(alert),
            Self::Space(space) => spec::fields(space),
            Self::Chart(chart) => spec::fields(chart),
        }
    }
}

/// A value that does not fit its field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{route}: {message}")]
pub struct FieldError {
    /// Where inside the object.
    pub route: Route,
    /// What is wrong.
    pub message: String,
}

/// Reads fields.
///
/// # Errors
/// For the first that does not fit.
pub fn read<T: for<'de> Deserialize<'de>>(fields: &Map<String, Value>) -> Result<T, FieldError> {
    // Keeping the path costs as much as reading, and most objects have no mistakes.
    if let Ok(read) = T::deserialize(fields) {
        return Ok(read);
    }
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let route = error.path().iter().fold(Route::root(), |route, segment| match segment {
            serde_path_to_error::Segment::Seq { index } => route.index(*index),
            serde_path_to_error::Segment::Map { key } => route.key(key),
            serde_path_to_error::Segment::Enum { variant } => route.key(variant),
            serde_path_to_error::Segment::Unknown => route,
        });
        FieldError { route, message: error.inner().to_string() }
    })
}

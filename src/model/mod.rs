//! The definitions a user can write, one struct a kind, and what every kind must be able to say.
//! Strict: unknown keys are errors, and the structs are the source of the JSON Schema. Knows nothing of the wire.

mod address;
mod alert;
mod annotation;
pub mod bounds;
mod chart;
pub mod check;
pub mod compare;
mod desired;
mod field;
mod file;
mod metric;
mod service;
mod space;
mod word;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use address::{Address, Collection, Kind};
pub use alert::{Alert, AlertAttributes, CONDITION_KEYS, Condition, ConditionType, SummaryFunction, Tag};
pub use annotation::{ALERT_STREAM, Annotation};
pub use chart::{
    Chart, ChartType, GroupFunction, Operator, STREAM_KEYS, Stream, StreamFunction, StreamType, Threshold,
    ThresholdColour, UNMANAGED_STREAM_KEYS, is_worked_out,
};
pub use desired::{ChartOrder, Desired, Intent, Origin, Settings, Wish, as_written, at_route};
pub use field::{Field, Seconds};
pub use file::{
    ConfigFile, Ensure, ForEach, META_KEYS, Meta, Scopes, SettingsSection, published_schema, strict_schema,
    variables_schema,
};
pub use metric::{Attributes, Composite, Metric, MetricType, Scalar, SummarizeFunction};
pub use service::{MASKED, SERVICE_TYPES, Service, ServiceSettings, ServiceType, UNCLEAN, is_harmless};
pub use space::{NamedChart, Space, charts_of, with_contents};
pub use word::Word;

use crate::diag::{Part, Route};
use check::Checker;

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

/// How a field is owned and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    Plain,
    /// A map of which every key belongs to the definition: keys that are not written go.
    OwnedMap,
    /// A list of texts whose order means nothing.
    Set,
    /// A list of objects whose order means nothing.
    Items,
    /// A list of objects in an order that means something.
    Sequence,
}

/// A use of another object.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What is used.
    pub to: Address,
    /// Where inside the object that uses it.
    pub route: Route,
    /// Which part of what stands there.
    pub part: Part,
}

impl Reference {
    /// A use of a metric or composite.
    pub fn metric(name: impl Into<String>, route: Route) -> Self {
        Self { to: Address::metric(name), route, part: Part::Value }
    }

    /// A use of an annotation stream.
    pub fn annotation(name: impl Into<String>, route: Route) -> Self {
        Self { to: Address::new(Collection::Annotations, name), route, part: Part::Value }
    }

    /// A use of a service, by its title.
    pub fn service(title: impl Into<String>, route: Route) -> Self {
        Self { to: Address::service(title), route, part: Part::Value }
    }
}

/// What every kind says of itself. Fields are named as they are written, those of a map key by key: `attributes.color`.
pub trait Spec {
    /// The kind.
    fn kind(&self) -> Kind;

    /// Problems that can be known from the object alone.
    fn check(&self, found: &mut Checker<'_>);

    /// Which other objects it uses.
    fn references(&self) -> Vec<Reference>;

    /// Which metrics it uses by patterns, which stand in the place of names.
    fn patterns(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// The form of a field's value in which two sides can be compared.
    fn canonical(&self, field: &str, value: &Value) -> Value;

    /// How a field is owned; `attributes` of any kind are managed key by key and never get here.
    fn shape(&self, _field: &str) -> Shape {
        Shape::Plain
    }

    /// Whether one key of two list items says the same; given the whole items, since keys can depend on each other.
    fn same_in_item(&self, key: &str, want: &Value, have: &Value) -> bool {
        compare::plain(&want[key]) == compare::plain(&have[key])
    }

    /// Fields that `null` clears; attributes can always be cleared.
    fn clearable(&self) -> &'static [&'static str];

    /// Fields without which the object cannot be created.
    fn creation_needs(&self) -> &'static [&'static str];

    /// Whether a field's value must never be shown.
    fn is_sensitive(&self, _field: &str) -> bool {
        false
    }
}

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
        let value = match self {
            Self::Service(service) => serde_json::to_value(service),
            Self::Metric(metric) => serde_json::to_value(metric),
            Self::Composite(composite) => serde_json::to_value(composite),
            Self::Annotation(annotation) => serde_json::to_value(annotation),
            Self::Alert(alert) => serde_json::to_value(alert),
            Self::Space(space) => serde_json::to_value(space),
            Self::Chart(chart) => serde_json::to_value(chart),
        };
        match value {
            Ok(Value::Object(fields)) => fields,
            // Plain structs of text, numbers and maps with text keys always serialise to an object.
            _ => Map::new(),
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

fn read<T: for<'de> Deserialize<'de>>(fields: &Map<String, Value>) -> Result<T, FieldError> {
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

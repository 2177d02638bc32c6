//! One object of any kind, which hands on to its kind what is asked of it: alone (`Spec`), or beside another one of the kind.
//! The only place where an answer is chosen by kind; knows nothing of what the answers are for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Address, Alert, Annotation, Chart, Composite, Kind, Metric, MetricType, Service, Space, Spec, TypeOf,
    keys_of, spec,
};
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

    fn spec_mut(&mut self) -> &mut dyn Spec {
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

    /// Whether `have` cannot become this object, and must give way to it.
    pub fn is_of_other_type(&self, have: &Self) -> bool {
        match (self, have) {
            (Self::Metric(want), Self::Metric(have)) => want.is_of_other_type(have),
            (want, have) => want.kind() != have.kind(),
        }
    }

    /// The type of `have`, where objects of the kind have one and another one is written.
    pub fn other_type<'a>(&self, have: &'a Self) -> Option<&'a str> {
        match (self, have) {
            (Self::Service(want), Self::Service(have)) => want.other_type(have),
            _ => None,
        }
    }

    /// A setting that the object lacks to be changed into this from what it was.
    pub fn missing_setting(&self, before: &Self) -> Option<&'static str> {
        match (before, self) {
            (Self::Service(before), Self::Service(after)) => after.missing_setting(before),
            _ => None,
        }
    }

    /// The object with what is meant where nothing is written, as far as that is sent.
    #[must_use]
    pub fn with_defaults(&self) -> Self {
        match self {
            Self::Alert(alert) => Self::Alert(alert.with_defaults()),
            other => other.clone(),
        }
    }

    /// The object with the summary functions that are meant where none is written, as far as the types of metrics are known. For
    /// comparing only.
    #[must_use]
    pub fn with_default_functions(&self, type_of: &TypeOf<'_>) -> Self {
        match self {
            Self::Alert(alert) => Self::Alert(alert.with_default_functions(type_of)),
            Self::Chart(chart) => Self::Chart(chart.with_default_functions(type_of)),
            other => other.clone(),
        }
    }

    /// The alert, for those who speak of alerts alone.
    pub fn as_alert(&self) -> Option<&Alert> {
        match self {
            Self::Alert(alert) => Some(alert),
            _ => None,
        }
    }

    /// Whether it was read by someone who may not see all of it.
    pub fn is_masked(&self) -> bool {
        matches!(self, Self::Service(service) if service.is_masked())
    }

    /// As someone reads it who may not see all of it.
    #[must_use]
    pub fn masked(&self) -> Self {
        match self {
            Self::Service(service) => Self::Service(service.masked()),
            other => other.clone(),
        }
    }

    /// What was read, with values of `want` in place of those the reader may not see.
    #[must_use]
    pub fn unmasked_by(&self, want: &Self) -> Self {
        match (self, want) {
            (Self::Service(have), Self::Service(want)) if have.is_masked() => {
                Self::Service(have.unmasked_by(want))
            }
            (have, _) => have.clone(),
        }
    }

    /// Lets everything that it refers to by name follow a rename; `renamed` gives new names.
    pub fn follow_renames(&mut self, renamed: &dyn Fn(&Address) -> Option<String>) {
        self.spec_mut().follow_renames(renamed);
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

    /// The keys that objects of a kind can have.
    pub fn keys(kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Service => keys_of::<Service>(),
            Kind::Metric => keys_of::<Metric>(),
            Kind::Composite => keys_of::<Composite>(),
            Kind::Annotation => keys_of::<Annotation>(),
            Kind::Alert => keys_of::<Alert>(),
            Kind::Space => keys_of::<Space>(),
            Kind::Chart => keys_of::<Chart>(),
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

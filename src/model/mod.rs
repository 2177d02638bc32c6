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
mod keys;
mod metric;
mod metric_type;
mod moment;
mod prometheus;
mod resource;
mod service;
mod space;
mod spec;
mod word;

pub use address::{Address, Collection, Data, Kind};
pub use alert::{Alert, AlertAttributes, Condition, ConditionType, DURATIONS, SummaryFunction, Tag};
pub use alert_test::{
    AlertState, AlertTest, ClearedHow, Expectation, ExpectedNotice, ExpectedStreams, NoticeKind, TestAction,
    TestInput, TestSample, TestSummary,
};
pub use annotation::{ALERT_STREAM, Annotation, belongs_to_the_service};
pub use chart::{
    Chart, ChartType, GroupFunction, Operator, Stream, StreamFunction, StreamType, Threshold,
    ThresholdColour, UNMANAGED_STREAM_KEYS, is_worked_out,
};
pub use contents::{charts_of, contents, with_contents};
pub use desired::{
    ChartOrder, Declared, DeclaredTest, Desired, Intent, Origin, Settings, as_written, at_route,
};
pub use entry::{Ensure, ForEach, META_KEYS, Meta};
pub use field::{Field, Seconds};
pub use file::{ConfigFile, Scopes, SettingsSection, published_schema, strict_schema, variables_schema};
pub use keys::keys_of;
pub use metric::{Attributes, Composite, Metric, Scalar, SummarizeFunction};
pub use metric_type::{MetricType, TypeOf};
pub use moment::Moment;
pub use prometheus::{
    AlertmanagerOwn, AlertmanagerSettings, AlertmanagerSmtp, PrometheusDurations, PrometheusExpiry,
    PrometheusGroup, PrometheusKind, PrometheusLabels, PrometheusMemory, PrometheusMetric, PrometheusNames,
    PrometheusRearm, PrometheusSettings,
};
pub use resource::{FieldError, Resource, State, read};
pub use service::{
    Ending, MASKED, SERVICE_TYPES, Service, ServiceSettings, ServiceType, UNCLEAN, dead_service,
    ending_service, is_harmless,
};
pub use space::{NamedChart, Space};
pub(crate) use spec::as_json;
pub use spec::{AlertUse, Reference, Shape, Spec};
pub use word::Word;

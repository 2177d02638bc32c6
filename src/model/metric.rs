//! Gauges, counters and composites: what may be written, what must hold, how fields are compared.
//! Knows nothing of how the API spells a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{Checker, at, is_color, is_transform};
use super::compare;
use super::{AlertUse, Field, Kind, MetricType, Reference, Seconds, Spec, Word};
use crate::composite::{self, Use};
use crate::diag::{Code, Part};

/// A gauge or counter and how it is shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// `gauge` or `counter`; needed when the metric does not exist yet, and fixed from then on.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_unset")]
    pub metric_type: Field<Word<MetricType>>,
    /// The name shown in charts.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_name: Field<String>,
    /// What the metric measures.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub description: Field<String>,
    /// How often the metric is reported; also the interval of service-side aggregation.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub period: Field<Seconds>,
    /// How far back to look when the metric is used in an alert on a composite.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub source_lag: Field<Seconds>,
    /// How the metric is displayed and summarised; managed key by key.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// A metric computed from others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// The definition in the composite language, kept as written.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub composite: Field<String>,
    /// The name shown in charts.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_name: Field<String>,
    /// What the composite means.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub description: Field<String>,
    /// The resolution the composite is computed at.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub period: Field<Seconds>,
    /// How far back to look when the composite is used in an alert.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub source_lag: Field<Seconds>,
    /// How the composite is displayed; managed key by key.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// Attributes of a metric. What is not written is left as it is; `null` unsets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// The colour in charts, `#RRGGBB`.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub color: Field<String>,
    /// Upper end of the Y axis.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_max: Field<Scalar>,
    /// Lower end of the Y axis.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_min: Field<Scalar>,
    /// The unit in full (`milliseconds`).
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_units_long: Field<String>,
    /// The unit in short (`ms`).
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_units_short: Field<String>,
    /// Whether sources are stacked upon each other.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_stacked: Field<bool>,
    /// A linear formula of `x` (the value) and `p` (the period).
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_transform: Field<String>,
    /// How values are rolled up, and the default statistic.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub summarize_function: Field<Word<SummarizeFunction>>,
    /// Service-side aggregation of measurements within one period.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub aggregate: Field<bool>,
    /// Whether gaps in the data are shown as gaps.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub gap_detection: Field<bool>,
}

impl Metric {
    /// Whether the service keeps them as different things: neither a gauge nor a counter becomes the other.
    pub(super) fn is_of_other_type(&self, have: &Self) -> bool {
        matches!((self.metric_type.value(), have.metric_type.value()), (Some(want), Some(have)) if want != have)
    }

    pub(super) fn is_within(&self, have: &Self) -> bool {
        // Taken apart, so that no field can be forgotten.
        let Self { metric_type, display_name, description, period, source_lag, attributes } = self;
        metric_type.is_within(&have.metric_type)
            && display_name.is_within(&have.display_name)
            && description.is_within(&have.description)
            && period.is_within(&have.period)
            && source_lag.is_within(&have.source_lag)
            && attributes.is_within(&have.attributes)
    }
}

impl Attributes {
    fn is_within(&self, have: &Self) -> bool {
        let Self {
            color,
            display_max,
            display_min,
            display_units_long,
            display_units_short,
            display_stacked,
            display_transform,
            summarize_function,
            aggregate,
            gap_detection,
        } = self;
        color.is_within(&have.color)
            && display_max.is_within(&have.display_max)
            && display_min.is_within(&have.display_min)
            && display_units_long.is_within(&have.display_units_long)
            && display_units_short.is_within(&have.display_units_short)
            && display_stacked.is_within(&have.display_stacked)
            && display_transform.is_within(&have.display_transform)
            && summarize_function.is_within(&have.summarize_function)
            && aggregate.is_within(&have.aggregate)
            && gap_detection.is_within(&have.gap_detection)
    }

    /// Whether no attribute is written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a metric is summarised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum SummarizeFunction {
    Average,
    Sum,
    Count,
    Min,
    Max,
}

/// A number, or text that holds one: the API echoes the JSON type it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A JSON number.
    Number(serde_json::Number),
    /// A number in text.
    Text(String),
}

fn check_attributes(attributes: &Attributes, found: &mut Checker<'_>) {
    if let Some(color) = attributes.color.value()
        && !is_color(color)
    {
        found
            .error(
                at(["attributes", "color"]),
                Code::InvalidColor,
                "a colour is `#` and six hexadecimal digits",
            )
            .help("write it quoted, since `#` starts a comment in YAML: color: \"#52D74C\"");
    }
    for (key, value) in [("display_max", &attributes.display_max), ("display_min", &attributes.display_min)] {
        let number = match value.value() {
            None => continue,
            Some(Scalar::Number(number)) => number.as_f64(),
            Some(Scalar::Text(text)) => text.trim().parse::<f64>().ok(),
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            let message = format!("`{key}` must be a number");
            found.error(at(["attributes", key]), Code::InvalidNumber, message);
        }
        found.number(at(["attributes", key]), number.as_ref());
    }
    if let Some(formula) = attributes.display_transform.value()
        && !is_transform(formula)
    {
        found
            .error(at(["attributes", "display_transform"]), Code::InvalidTransform, "not a transform formula")
            .help("a linear formula of x (the value) and p (the period in seconds), such as x/p or x*8");
    }
}

fn check_shared(period: &Field<Seconds>, attributes: &Attributes, found: &mut Checker<'_>) {
    if period.value() == Some(&Seconds(0)) {
        found
            .error(at(["period"]), Code::InvalidPeriod, "a period is at least one second")
            .help("write `period: null` for a metric without a fixed period");
    }
    check_attributes(attributes, found);
}

fn canonical(field: &str, value: &Value) -> Value {
    match field {
        "attributes.color" => compare::lower_case(value),
        "attributes.display_max" | "attributes.display_min" => compare::number(value),
        "attributes.aggregate" | "attributes.gap_detection" => compare::default_to(value, false),
        "attributes.summarize_function" => compare::default_to(value, "average"),
        "composite" => value.as_str().map_or(Value::Null, |text| composite::canonical(text).into()),
        _ => compare::plain(value),
    }
}

/// Fields that decide which values an alert gets to see; the others are for charts.
const MEANING: &[&str] =
    &["type", "composite", "period", "source_lag", "attributes.summarize_function", "attributes.aggregate"];

const CLEARABLE: &[&str] = &["display_name", "description", "period", "source_lag"];

impl Spec for Metric {
    fn kind(&self) -> Kind {
        Kind::Metric
    }

    fn check(&self, found: &mut Checker<'_>) {
        found.name_of_letters();
        check_shared(&self.period, &self.attributes, found);
    }

    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    fn canonical(&self, field: &str, value: &Value) -> Value {
        match (field, self.metric_type.value()) {
            // A counter is stacked unless told otherwise, a gauge is not.
            ("attributes.display_stacked", Some(metric_type)) => {
                compare::default_to(value, *metric_type == MetricType::Counter)
            }
            _ => canonical(field, value),
        }
    }

    fn identity(&self) -> &'static [&'static str] {
        &["type"]
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn use_to_alerts(&self) -> Option<AlertUse> {
        Some(AlertUse::Watched)
    }

    fn matters_to_alerts(&self, field: &str) -> bool {
        MEANING.contains(&field)
    }

    fn type_noun(&self) -> String {
        self.metric_type.value().map_or_else(|| self.kind().noun().to_owned(), ToString::to_string)
    }

    fn clearable(&self) -> &'static [&'static str] {
        CLEARABLE
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &["type"]
    }
}

impl Composite {
    /// Every metric it reads, by name or by pattern, each once.
    fn reads(&self, pattern: bool) -> Vec<Reference> {
        let Some(Ok(tree)) = self.composite.value().map(|text| composite::parse(text)) else {
            return Vec::new();
        };
        let mut uses: Vec<Reference> = Vec::new();
        for read in tree.reads().into_iter().filter(|read| read.is_pattern() == pattern) {
            let part = Part::Text { start: read.start, end: read.end };
            let found = Reference { part, ..Reference::metric(read.metric, at(["composite"])) };
            if !uses.iter().any(|known| known.to == found.to) {
                uses.push(found);
            }
        }
        uses
    }
}

impl Spec for Composite {
    fn kind(&self) -> Kind {
        Kind::Composite
    }

    fn check(&self, found: &mut Checker<'_>) {
        found.name_of_letters();
        check_shared(&self.period, &self.attributes, found);
        for problem in self.composite.value().into_iter().flat_map(|text| composite::check(text, Use::Metric))
        {
            found.composite(at(["composite"]), problem);
        }
    }

    fn references(&self) -> Vec<Reference> {
        self.reads(false)
    }

    fn patterns(&self) -> Vec<Reference> {
        self.reads(true)
    }

    fn canonical(&self, field: &str, value: &Value) -> Value {
        canonical(field, value)
    }

    fn identity(&self) -> &'static [&'static str] {
        &["composite"]
    }

    fn use_to_alerts(&self) -> Option<AlertUse> {
        Some(AlertUse::Watched)
    }

    fn matters_to_alerts(&self, field: &str) -> bool {
        MEANING.contains(&field)
    }

    /// Warns where it puts series together that have points at different intervals.
    fn check_periods(&self, known: &dyn Fn(&str) -> Vec<u64>, found: &mut Checker<'_>) {
        let query = self.composite.value().and_then(|text| composite::compile(text).ok());
        for problem in query.into_iter().flat_map(|query| query.mixed_periods(known)) {
            found.composite(at(["composite"]), problem);
        }
    }

    fn clearable(&self) -> &'static [&'static str] {
        CLEARABLE
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &["composite"]
    }
}

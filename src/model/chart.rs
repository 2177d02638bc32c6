//! Charts: what may be written, what must hold, how their fields are compared.
//! Knows nothing of ids, nor of how a chart is drawn; streams stand in `chart/stream.rs`.

mod stream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{Checker, at};
use super::{Address, Field, Kind, MetricType, Reference, Shape, Spec, Word, compare};
use crate::diag::{Code, Part};

pub use stream::{GroupFunction, Stream, StreamFunction, StreamType, UNMANAGED_STREAM_KEYS, is_worked_out};

/// A chart of a space.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// `line`, `stacked` or `bignumber`; default `line`.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_unset")]
    pub chart_type: Field<Word<ChartType>>,
    /// Lower end of the Y axis.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub min: Field<f64>,
    /// Upper end of the Y axis.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub max: Field<f64>,
    /// The label of the Y axis.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub label: Field<String>,
    /// The name of a space to go to from here.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub related_space: Field<String>,
    /// Values from which a `bignumber` changes its colour.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub thresholds: Field<Vec<Threshold>>,
    /// Whether the Y axis is logarithmic; default false.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub use_log_yaxis: Field<bool>,
    /// Whether a `bignumber` shows the last value instead of a summary; default false.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub use_last_value: Field<bool>,
    /// What it shows, in this order; owned as a whole.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub streams: Field<Vec<Stream>>,
}

/// How a chart shows its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChartType {
    /// Lines.
    Line,
    /// Areas, one upon the other.
    Stacked,
    /// One number.
    Bignumber,
}

/// A value from which a number changes its colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// `>`, `<` or `=`.
    pub operator: Word<Operator>,
    /// What the number is compared with.
    pub value: f64,
    /// `red` or `yellow`.
    #[serde(rename = "type")]
    pub colour: Word<ThresholdColour>,
}

/// How a threshold compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Operator {
    #[serde(rename = ">")]
    Above,
    #[serde(rename = "<")]
    Below,
    #[serde(rename = "=")]
    Equal,
}

/// The colours of thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ThresholdColour {
    Red,
    Yellow,
}

impl Chart {
    /// The same chart with the summary function every stream has when none is written, where the type of its metric
    /// is known: the API's default depends on it.
    pub fn with_default_functions(&self, type_of: &dyn Fn(&str) -> Option<MetricType>) -> Self {
        let mut chart = self.clone();
        if let Field::Set(streams) = &mut chart.streams {
            streams.iter_mut().for_each(|stream| stream.assume_function(type_of));
        }
        chart
    }

    fn check_range(&self, found: &mut Checker<'_>) {
        if let (Some(min), Some(max)) = (self.min.value(), self.max.value())
            && min >= max
        {
            found
                .warning(at(["max"]), Code::EmptyRange, format!("the axis begins at {min} and ends at {max}"))
                .help("`min` is the lower end, `max` the upper one");
        }
    }

    /// What only a number on its own can have. Services keep it with every chart, so this is no error.
    fn check_big_number(&self, found: &mut Checker<'_>) {
        let Some(Word::Known(other @ (ChartType::Line | ChartType::Stacked))) = self.chart_type.value()
        else {
            return;
        };
        let thresholds = self.thresholds.value().is_some_and(|list| !list.is_empty());
        let last_value = self.use_last_value == Field::Set(true);
        for (field, written) in [("thresholds", thresholds), ("use_last_value", last_value)] {
            if written {
                let message = format!("`{field}` has no effect on a chart of type `{}`", Word::Known(*other));
                found
                    .warning(at([field]), Code::FieldDoesNotFit, message)
                    .on_key()
                    .help("remove it, or write `type: bignumber`");
            }
        }
    }
}

impl Spec for Chart {
    fn kind(&self) -> Kind {
        Kind::Chart
    }

    fn check(&self, found: &mut Checker<'_>) {
        // The API allows one without a name.
        if !found.name().is_empty() {
            found.name_of_text();
        }
        found.number(at(["min"]), self.min.value());
        found.number(at(["max"]), self.max.value());
        for (i, threshold) in self.thresholds.value().into_iter().flatten().enumerate() {
            found.number(at(["thresholds"]).index(i).key("value"), Some(&threshold.value));
        }
        self.check_range(found);
        self.check_big_number(found);
        for (i, stream) in self.streams.value().into_iter().flatten().enumerate() {
            stream.check(&at(["streams"]).index(i), found);
        }
    }

    fn references(&self) -> Vec<Reference> {
        let mut uses: Vec<Reference> = Vec::new();
        for (i, stream) in self.streams.value().into_iter().flatten().enumerate() {
            uses.extend(stream.references(&at(["streams"]).index(i)));
        }
        uses.extend(self.related_space.value().map(|name| Reference {
            to: Address::space(name),
            route: at(["related_space"]),
            part: Part::Value,
        }));
        uses
    }

    fn canonical(&self, field: &str, value: &Value) -> Value {
        match field {
            "type" => compare::default_to(value, "line"),
            "min" | "max" => compare::number(value),
            "use_log_yaxis" | "use_last_value" => compare::default_to(value, false),
            _ => compare::plain(value),
        }
    }

    fn shape(&self, field: &str) -> Shape {
        match field {
            "streams" => Shape::Sequence,
            "thresholds" => Shape::Items,
            _ => Shape::Plain,
        }
    }

    fn same_in_item(&self, key: &str, want: &Value, have: &Value) -> bool {
        stream::same_in_stream(key, want, have)
    }

    fn weight_in_item(&self, field: &str, key: &str) -> usize {
        match (field, key) {
            // What a stream shows makes it the same one sooner than how.
            ("streams", "metric" | "composite") | ("thresholds", "type") => 3,
            _ => 1,
        }
    }

    fn kinship(&self, field: &str, want: &Value, have: &Value) -> Option<usize> {
        if field != "streams" {
            return Some(0);
        }
        // A metric that takes the place of another one is a change; a composite is another stream.
        (want.get("composite").is_some() == have.get("composite").is_some()).then_some(1)
    }

    fn follow_renames(&mut self, renamed: &dyn Fn(&Address) -> Option<String>) {
        let Field::Set(space) = &mut self.related_space else { return };
        if let Some(new) = renamed(&Address::space(space.as_str())) {
            *space = new;
        }
    }

    fn clearable(&self) -> &'static [&'static str] {
        &["min", "max", "label", "related_space", "use_log_yaxis", "use_last_value"]
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &[]
    }
}

//! Spaces and their charts.
//! Defaults are not filled in: a chart is written as it was read.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::condition::TagSet;
use super::object::{Collection, Identity, Object};
use super::words::{ChartType, SummaryFunction};
use super::{More, read};

/// A page of charts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Space {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// Its name; several spaces may have the same.
    pub name: String,
    /// The ids of its charts in the order of the page; only where a single space was read.
    #[serde(default, deserialize_with = "references", skip_serializing)]
    pub charts: Vec<u64>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

fn references<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let raw = Vec::<Value>::deserialize(deserializer)?;
    let ids = raw.iter().map(read::reference).collect::<Option<Vec<u64>>>();
    ids.ok_or_else(|| D::Error::custom("expected objects with ids"))
}

impl Space {
    /// An empty space.
    pub fn new(name: impl Into<String>) -> Self {
        Self { id: None, name: name.into(), charts: Vec::new(), more: Map::new() }
    }
}

impl Object for Space {
    const COLLECTION: Collection = Collection {
        noun: "space",
        path: "/spaces",
        key: "spaces",
        name: "name",
        identity: Identity::Id,
        searchable: true,
        order: Some("name"),
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        self.id
    }
}

/// A chart of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// Its name; may be empty.
    #[serde(default, deserialize_with = "read::or_default")]
    pub name: String,
    /// How it is drawn.
    #[serde(rename = "type", default = "line")]
    pub kind: ChartType,
    /// What it shows, in order.
    #[serde(default, deserialize_with = "read::list")]
    pub streams: Vec<ChartStream>,
    /// Where its axis begins.
    #[serde(default, deserialize_with = "read::number")]
    pub min: Option<f64>,
    /// Where its axis ends.
    #[serde(default, deserialize_with = "read::number")]
    pub max: Option<f64>,
    /// What stands at its axis.
    #[serde(default)]
    pub label: Option<String>,
    /// The space a click leads to.
    #[serde(default, deserialize_with = "read::whole", skip_serializing_if = "Option::is_none")]
    pub related_space: Option<u64>,
    /// When a big number changes its colour.
    #[serde(default, deserialize_with = "read::list", skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

fn line() -> ChartType {
    ChartType::Line
}

/// When a big number changes its colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// `>`, `<` or `=`.
    pub operator: String,
    /// What it is compared with.
    #[serde(default, deserialize_with = "read::number")]
    pub value: Option<f64>,
    /// The colour: `red` or `yellow`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

/// What a chart shows: measurements of a metric, or a composite.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartStream {
    /// The metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Or a composite definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composite: Option<String>,
    /// The sources: a name, a pattern with `*`, or `%` for what the viewer chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The tags, instead of sources.
    #[serde(default, deserialize_with = "read::list", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagSet>,
    /// How sources become one: `average`, `sum`, `min`, `max`, or `breakout` for a line each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_function: Option<String>,
    /// Which statistic is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_function: Option<SummaryFunction>,
    /// What else the service says: colour, name, units, a transformation and so on.
    #[serde(flatten)]
    pub more: More,
}

impl ChartStream {
    /// All sources of a metric.
    pub fn metric(name: impl Into<String>) -> Self {
        Self { metric: Some(name.into()), ..Self::default() }
    }

    /// A composite.
    pub fn composite(definition: impl Into<String>) -> Self {
        Self { composite: Some(definition.into()), ..Self::default() }
    }

    /// Only this source, or those a pattern with `*` fits.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How sources become one.
    pub fn group(mut self, function: impl Into<String>) -> Self {
        self.group_function = Some(function.into());
        self
    }
}

impl Chart {
    /// A chart that shows nothing yet.
    pub fn new(kind: ChartType, name: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            kind,
            streams: Vec::new(),
            min: None,
            max: None,
            label: None,
            related_space: None,
            thresholds: Vec::new(),
            more: Map::new(),
        }
    }

    /// Has it show one thing more.
    pub fn show(mut self, stream: ChartStream) -> Self {
        self.streams.push(stream);
        self
    }

    /// Says what stands at its axis.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

impl Object for Chart {
    const COLLECTION: Collection = Collection {
        noun: "chart",
        path: "/charts",
        key: "charts",
        name: "name",
        identity: Identity::Id,
        searchable: false,
        order: None,
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        self.id
    }
}

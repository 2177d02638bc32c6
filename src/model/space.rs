//! Spaces, which hold charts, and charts as they stand inside a space, with their names.
//! Knows nothing of what a chart shows, nor of ids.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::check::Checker;
use super::entry::Entry;
use super::spec::{Reference, Spec, fields};
use super::{Chart, Field, Kind, compare};

/// A page of charts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Whether the space is for tagged measurements; default false.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub tags: Field<bool>,
    /// Its charts, which are created in this order. Charts that are not listed are left alone, unless `prune.charts` names them.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub charts: Field<Vec<NamedChart>>,
}

/// A chart as an item of its space's list. To everything but the files it is an object of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedChart {
    /// The name; blank for a chart that has none.
    pub name: String,
    /// The rest.
    pub chart: Chart,
}

impl Serialize for NamedChart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = Map::from_iter([("name".to_owned(), Value::from(self.name.as_str()))]);
        all.extend(fields(&self.chart));
        all.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NamedChart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let Some(Value::String(name)) = fields.shift_remove("name") else {
            return Err(de::Error::custom("a chart has a `name`"));
        };
        let chart = Chart::deserialize(Value::Object(fields)).map_err(de::Error::custom)?;
        Ok(Self { name, chart })
    }
}

impl JsonSchema for NamedChart {
    fn schema_name() -> Cow<'static, str> {
        "ChartEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Entry::<Chart>::json_schema(generator);
        let name = json_schema!({"type": "string", "description": "The name; one chart of a space has it."});
        let own = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let all: Map<String, Value> =
            std::iter::once(("name".to_owned(), name.to_value())).chain(own).collect();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), Value::Object(all));
        schema.insert("required".into(), Value::Array(vec!["name".into()]));
        schema
    }
}

impl Spec for Space {
    fn kind(&self) -> Kind {
        Kind::Space
    }

    fn check(&self, found: &mut Checker<'_>) {
        found.name_of_text();
    }

    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    fn canonical(&self, field: &str, value: &Value) -> Value {
        match field {
            "tags" => compare::default_to(value, false),
            _ => compare::plain(value),
        }
    }

    fn clearable(&self) -> &'static [&'static str] {
        &[]
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &[]
    }
}

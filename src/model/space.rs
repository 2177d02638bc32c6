//! Spaces, which hold charts, and charts as they stand inside a space, with their names.
//! Knows nothing of what a chart shows, nor of ids.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::check::Checker;
use super::file::Entry;
use super::{Address, Chart, Collection, Field, Kind, Reference, Resource, Spec, State, compare};

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
        let mut fields = Map::from_iter([("name".to_owned(), Value::from(self.name.as_str()))]);
        fields.extend(Resource::Chart(self.chart.clone()).fields());
        fields.serialize(serializer)
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

/// An object with all that goes when it is deleted: a space with the charts it holds, in the order of their names.
pub fn with_contents(address: &Address, object: &Resource, state: &State) -> Resource {
    let Resource::Space(space) = object else { return object.clone() };
    let charts = charts_of(address, state);
    let charts: Vec<NamedChart> =
        charts.map(|(name, chart)| NamedChart { name: name.to_owned(), chart: chart.clone() }).collect();
    let charts = if charts.is_empty() { Field::Unset } else { Field::Set(charts) };
    Resource::Space(Space { charts, ..space.clone() })
}

/// The charts of a space.
pub fn charts_of<'a>(space: &'a Address, state: &'a State) -> impl Iterator<Item = (&'a str, &'a Chart)> {
    let inside = move |(address, object): (&'a Address, &'a Resource)| match object {
        Resource::Chart(chart) if address.parent.as_ref() == Some(&space.name) => {
            Some((address.name.as_str(), chart))
        }
        _ => None,
    };
    let held = space.collection == Collection::Spaces;
    state.iter().filter(move |_| held).filter_map(inside)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_space_that_goes_takes_its_charts_along() {
        let chart =
            |label: &str| Resource::Chart(Chart { label: Field::Set(label.into()), ..Chart::default() });
        let state = State::from([
            (Address::space("A"), Resource::Space(Space::default())),
            (Address::chart("A", "x"), chart("ms")),
            (Address::chart("B", "y"), chart("s")),
        ]);
        let whole = with_contents(&Address::space("A"), &state[&Address::space("A")], &state);
        assert_eq!(Value::Object(whole.fields()), json!({"charts": [{"name": "x", "label": "ms"}]}));
        assert_eq!(Resource::from_fields(Kind::Space, &whole.fields()), Ok(whole));
    }
}

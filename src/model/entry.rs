//! One object as an entry of its section: the fields of its kind, and what may be said of every object.

use std::borrow::Cow;
use std::marker::PhantomData;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What may be said of every object beside its own fields.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Meta {
    /// It must exist on the service already; it is never written nor deleted, and may be referred to.
    pub external: Option<bool>,
    /// `absent`: delete it if it exists.
    pub ensure: Option<Ensure>,
    /// Refuse to replace or delete it.
    pub protect: Option<bool>,
    /// Its former name: it is renamed in place, keeping its history. Alerts, services, spaces and charts only.
    pub renamed_from: Option<String>,
    /// One object for each item of a list or map; `${each.key}` and `${each.value}` stand for the item.
    pub for_each: Option<ForEach>,
}

/// Whether an object shall exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ensure {
    /// It shall exist (the default).
    Present,
    /// It shall not exist.
    Absent,
}

/// A list, a map, or a reference to one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum ForEach {
    List(Vec<Value>),
    Map(IndexMap<String, Value>),
    Reference(String),
}

/// The keys of [`Meta`].
pub const META_KEYS: &[&str] = &["external", "ensure", "protect", "renamed_from", "for_each"];

/// An object of a section: the fields of its kind and those of [`Meta`]; blank is the same as `{}`.
#[derive(Debug)]
pub struct Entry<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Entry<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Entry", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let own = T::json_schema(generator);
        let meta = Meta::json_schema(generator);
        let properties = |schema: &Schema| {
            schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
        };
        let all: Map<String, Value> = properties(&own).into_iter().chain(properties(&meta)).collect();
        json_schema!({
            "description": own.get("description").cloned().unwrap_or_default(),
            "type": ["object", "null"],
            "properties": all,
            "additionalProperties": false,
        })
    }
}

/// Something that is no object, but of which `for_each` may make several, too.
#[derive(Debug)]
pub struct Repeated<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Repeated<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Entry", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let for_each = Meta::json_schema(generator).get("properties").map(|all| all["for_each"].clone());
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.extend(for_each.map(|one| ("for_each".to_owned(), one)));
        }
        schema
    }
}

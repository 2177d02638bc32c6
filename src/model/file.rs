//! One file as it may be written: its sections, and what may be said of every object. The source of the JSON Schema.
//! Knows nothing of values: `resolve` holds documents against the schema made here.

use indexmap::IndexMap;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::entry::{Entry, Repeated};
use super::{
    Alert, AlertTest, Annotation, Chart, Composite, Kind, Metric, PrometheusSettings, Service, Space,
};

/// A file of definitions. Any file may hold any section; the files of a directory are merged.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case", deny_unknown_fields)]
#[allow(dead_code)] // Never made: documents are held against its schema instead, so that all mistakes are found at once.
pub struct ConfigFile {
    /// What holds for the whole run; in one file only.
    pub settings: Option<SettingsSection>,
    /// Variables, used as `${var.name}`.
    pub vars: Option<IndexMap<String, Value>>,
    /// Fields that this file's objects have where they do not write them themselves.
    pub defaults: Option<DefaultsSection>,
    /// Gauges and counters by name.
    pub metrics: Option<IndexMap<String, Entry<Metric>>>,
    /// Composite metrics by name.
    pub composites: Option<IndexMap<String, Entry<Composite>>>,
    /// Annotation streams by name.
    pub annotations: Option<IndexMap<String, Entry<Annotation>>>,
    /// Notification services by title.
    pub services: Option<IndexMap<String, Entry<Service>>>,
    /// Alerts by name.
    pub alerts: Option<IndexMap<String, Entry<Alert>>>,
    /// Spaces with their charts, by name.
    pub spaces: Option<IndexMap<String, Entry<Space>>>,
    /// Tests of alerts by name, for `librato-apply test`; they can also stand in files `*.test.yaml`, which only that reads.
    pub tests: Option<IndexMap<String, Repeated<AlertTest>>>,
}

/// What holds for the whole run.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsSection {
    /// The service: `https://host`, or `embedded:PATH` relative to this file. A flag or the environment wins.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Undeclared objects that are deleted, by kind and glob.
    #[serde(default)]
    pub prune: Option<Scopes>,
    /// Objects that are left alone whatever else is said, by kind and glob.
    #[serde(default)]
    pub ignore: Option<Scopes>,
    /// Files below the directory of this one that hold no definitions, as globs: `docker-compose.yml`, `deploy/**`.
    #[serde(default)]
    pub exclude: Option<Vec<String>>,
    /// Objects that are never replaced or deleted, by kind and glob.
    #[serde(default)]
    pub protect: Option<Scopes>,
    /// How many deletes and replaces one run may make; default 10.
    #[serde(default)]
    pub max_deletes: Option<u32>,
    /// How `render prometheus` says the same for Prometheus.
    #[serde(default)]
    pub prometheus: Option<PrometheusSettings>,
}

/// Globs by kind: `*` stands for any run of characters.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Scopes {
    pub metrics: Option<Vec<String>>,
    pub composites: Option<Vec<String>>,
    pub annotations: Option<Vec<String>>,
    pub services: Option<Vec<String>>,
    pub alerts: Option<Vec<String>>,
    pub spaces: Option<Vec<String>>,
    pub charts: Option<Vec<String>>,
}

impl Scopes {
    /// The globs of a kind.
    pub fn of(&self, kind: Kind) -> &[String] {
        let globs = match kind {
            Kind::Metric => &self.metrics,
            Kind::Composite => &self.composites,
            Kind::Annotation => &self.annotations,
            Kind::Service => &self.services,
            Kind::Alert => &self.alerts,
            Kind::Space => &self.spaces,
            Kind::Chart => &self.charts,
        };
        globs.as_deref().unwrap_or_default()
    }

    /// The globs of a kind, to be added to.
    pub fn of_mut(&mut self, kind: Kind) -> &mut Vec<String> {
        let globs = match kind {
            Kind::Metric => &mut self.metrics,
            Kind::Composite => &mut self.composites,
            Kind::Annotation => &mut self.annotations,
            Kind::Service => &mut self.services,
            Kind::Alert => &mut self.alerts,
            Kind::Space => &mut self.spaces,
            Kind::Chart => &mut self.charts,
        };
        globs.get_or_insert_default()
    }

    /// Whether no glob is given at all.
    pub fn is_empty(&self) -> bool {
        Kind::ALL.into_iter().all(|kind| self.of(kind).is_empty())
    }
}

/// Fields by kind.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, missing_docs)] // As ConfigFile: only its schema is used.
pub struct DefaultsSection {
    pub metrics: Option<Metric>,
    pub composites: Option<Composite>,
    pub annotations: Option<Annotation>,
    pub services: Option<Service>,
    pub alerts: Option<Alert>,
    pub spaces: Option<Space>,
    pub charts: Option<Chart>,
}

/// The JSON Schema of a file as `resolve` checks it, after interpolation.
pub fn strict_schema() -> Value {
    SchemaGenerator::default().into_root_schema_for::<ConfigFile>().to_value()
}

/// The schema of files of variables.
pub fn variables_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "librato-apply variables",
        "description": "A file of variables for --var-file: values by name, used as `${var.name}`.",
        "type": ["object", "null"],
        "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$" },
        "additionalProperties": true
    })
}

/// The JSON Schema of a file as it is written: every value may also be a reference such as `${var.threshold}`.
pub fn published_schema() -> Value {
    let mut schema = strict_schema();
    close_words(&mut schema);
    allow_references(&mut schema);
    let sections = schema["properties"].as_object().cloned().unwrap_or_default();
    schema["title"] = "librato-apply definitions".into();
    schema["properties"] = Value::Object(sections);
    // Keys that begin with x- are free, a place for anchors.
    schema["patternProperties"] = json!({"^x-": {}});
    schema
}

/// Leaves of every list of words those we know, so that editors underline the others, of which we warn.
fn close_words(schema: &mut Value) {
    for (_, part) in schema["$defs"].as_object_mut().into_iter().flatten() {
        let [known, any] = part["anyOf"].as_array().map_or(&[][..], Vec::as_slice) else { continue };
        if *any == json!({"type": "string"}) && (known.get("oneOf").is_some() || known.get("enum").is_some())
        {
            let mut known = known.clone();
            known["description"] = part["description"].clone();
            *part = known;
        }
    }
}

/// Lets every number, boolean, enumeration, list and map below be a reference in text instead.
fn allow_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for (key, part) in map.iter_mut() {
                if key == "properties" || key == "$defs" {
                    part.as_object_mut().into_iter().flatten().for_each(|(_, one)| allow_references(one));
                } else if matches!(key.as_str(), "items" | "additionalProperties") {
                    allow_references(part);
                }
            }
            if takes_no_text(map) {
                let strict = Value::Object(std::mem::take(map));
                let description = strict.get("description").cloned();
                let reference = json!({"type": "string", "pattern": "^\\$\\{[^}]+\\}$"});
                map.insert("anyOf".into(), json!([strict, reference]));
                map.extend(description.map(|text| ("description".to_owned(), text)));
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(allow_references),
        _ => {}
    }
}

/// Whether a schema names types or values and free text is none of them. Entries and sections stay as they are.
fn takes_no_text(map: &Map<String, Value>) -> bool {
    let has = |name: &str| match map.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(many)) => many.iter().any(|one| one == name),
        _ => false,
    };
    let bound = ["enum", "oneOf", "pattern"].iter().any(|key| map.contains_key(*key));
    bound || ["number", "integer", "boolean", "array"].iter().any(|name| has(name)) && !has("string")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::META_KEYS;

    #[test]
    fn every_object_takes_the_keys_of_meta() {
        let schema = strict_schema();
        for entry in [
            "MetricEntry",
            "CompositeEntry",
            "AnnotationEntry",
            "ServiceEntry",
            "AlertEntry",
            "SpaceEntry",
            "ChartEntry",
        ] {
            for key in META_KEYS {
                assert!(schema["$defs"][entry]["properties"].get(key).is_some(), "{entry}.{key}");
            }
        }
    }

    #[test]
    fn the_published_schema_takes_references_where_numbers_stand() {
        let schema = published_schema();
        let threshold = &schema["$defs"]["Condition"]["properties"]["threshold"];
        assert_eq!(threshold["anyOf"][1]["type"], "string", "{threshold}");
        let duration = &schema["$defs"]["Seconds"];
        assert_eq!(duration["anyOf"][1]["type"], "string", "{duration}");
    }
}

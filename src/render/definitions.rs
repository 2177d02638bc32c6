//! Objects as a document in our own format, as it could stand in a file: secrets become references.
//! Knows nothing of YAML; whoever writes the document does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::model::{Address, Collection, Kind, Resource, Shape};

/// A document and what must be put into the environment before it can be applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// Sections by name.
    pub document: Map<String, Value>,
    /// Variables of the environment, each with the place of the secret it must hold.
    pub secrets: BTreeMap<String, String>,
}

/// Writes objects down. Services that alerts use and that are not among the objects are declared as external, so that
/// the document is complete.
pub fn definitions<'a>(objects: impl IntoIterator<Item = (&'a Address, &'a Resource)>) -> Definitions {
    let mut out = Definitions::default();
    let mut sections: BTreeMap<Kind, Map<String, Value>> = BTreeMap::new();
    let mut used: BTreeSet<Address> = BTreeSet::new();
    for (address, resource) in objects {
        let services = resource.spec().references().into_iter().map(|reference| reference.to);
        used.extend(services.filter(|to| to.collection == Collection::Services));
        let fields = fields(address, resource, &mut out.secrets);
        sections.entry(resource.kind()).or_default().insert(escape(&address.name), fields);
    }
    for service in used {
        let section = sections.entry(Kind::Service).or_default();
        section.entry(escape(&service.name)).or_insert_with(|| json!({"external": true}));
    }
    // The order in which people read them: data first, then what watches it.
    for kind in [Kind::Metric, Kind::Composite, Kind::Annotation, Kind::Service, Kind::Alert] {
        if let Some(section) = sections.remove(&kind) {
            out.document.insert(kind.section().to_owned(), Value::Object(section));
        }
    }
    out
}

fn fields(address: &Address, resource: &Resource, secrets: &mut BTreeMap<String, String>) -> Value {
    let spec = resource.spec();
    let mut fields = resource.fields();
    // What the service means anyway need not be written.
    let default = |field: &String, value: &Value| {
        spec.shape(field) == Shape::Plain
            && spec.canonical(field, value) == spec.canonical(field, &Value::Null)
    };
    fields.retain(|field, value| !value.is_null() && !default(field, value));
    if let Some(Value::Object(settings)) = fields.get_mut("settings") {
        for (name, value) in settings.iter_mut() {
            if spec.is_sensitive(&format!("settings.{name}")) {
                let variable = variable(&address.name, name, secrets);
                secrets
                    .insert(variable.clone(), format!("{} \"{address}\", settings.{name}", resource.kind()));
                *value = Value::String(format!("${{secret.{variable}}}"));
            } else if let Value::String(text) = value {
                *text = escape(text);
            }
        }
        let settings = Value::Object(std::mem::take(settings));
        let mut rest = escaped(&Value::Object(fields));
        rest["settings"] = settings;
        return rest;
    }
    escaped(&Value::Object(fields))
}

/// A name for a variable, made of the service's title and the setting, and not taken yet.
fn variable(title: &str, setting: &str, taken: &BTreeMap<String, String>) -> String {
    let word = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    };
    let name = format!("{}_{}", word(title), word(setting));
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name };
    let free = |name: &String| !taken.contains_key(name);
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.clone()).chain(numbered).find(free).unwrap_or(name)
}

/// What the service has is never a reference, however it looks.
fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => escape(text).into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), escaped(value))).collect())
        }
        // 860.0 and 860 are one number; people write the shorter.
        #[allow(clippy::cast_possible_truncation)]
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                (float as i64).into()
            }
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_references_and_used_services_external() {
        let object =
            |kind, fields: Value| Resource::from_fields(kind, fields.as_object().unwrap().clone()).unwrap();
        let slack = object(Kind::Service, json!({"type": "slack", "settings": {"url": "https://canary"}}));
        let mail = object(Kind::Service, json!({"type": "mail", "settings": {"addresses": "a${b}@c.d"}}));
        let alert = object(
            Kind::Alert,
            json!({"description": "costs ${5}", "services": ["gone", "ops slack"], "conditions": []}),
        );
        let state = BTreeMap::from([
            (Address::service("ops slack"), slack),
            (Address::service("mail"), mail),
            (Address::new(Collection::Alerts, "a"), alert),
        ]);
        let found = definitions(&state);
        assert_eq!(
            Value::Object(found.document),
            json!({
                "services": {
                    "mail": {"type": "mail", "settings": {"addresses": "a$${b}@c.d"}},
                    "ops slack": {"type": "slack", "settings": {"url": "${secret.OPS_SLACK_URL}"}},
                    "gone": {"external": true},
                },
                "alerts": {"a": {"description": "costs $${5}", "services": ["gone", "ops slack"], "conditions": []}},
            })
        );
        let places: Vec<_> = found.secrets.into_iter().collect();
        assert_eq!(places, [("OPS_SLACK_URL".into(), "service \"ops slack\", settings.url".into())]);
    }
}

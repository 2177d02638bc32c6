//! Objects as a document in our own format, as a person would have written it: secrets become references, what the service
//! means anyway is left out. Knows nothing of YAML; whoever writes the document does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::value::DURATIONS;
use crate::model::{Address, ChartOrder, Collection, Field, Kind, MASKED, Resource, Seconds, Shape, Space};

/// The sections in the order in which people read them: data first, then what watches it.
const SECTIONS: [Kind; 6] =
    [Kind::Metric, Kind::Composite, Kind::Annotation, Kind::Service, Kind::Alert, Kind::Space];

/// A secret shorter than this is not looked for in other texts, which it may be in by chance.
const LONG: usize = 8;

/// The types of services, by title.
pub type ServiceTypes = BTreeMap<String, String>;

/// A document and what must be put into the environment before it can be applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// Sections by name.
    pub document: Map<String, Value>,
    /// Variables of the environment, each with the place of the secret it must hold.
    pub secrets: BTreeMap<String, String>,
}

/// Writes objects down, charts below their spaces in the given order. Services and spaces that others refer to and that
/// are not among the objects are declared as external, so that the document is complete; services with what `types` knows of their
/// types, so that no other one of that title will do.
pub fn definitions<'a>(
    objects: impl IntoIterator<Item = (&'a Address, &'a Resource)>,
    order: &ChartOrder,
    types: &ServiceTypes,
) -> Definitions {
    let mut writer = Writer::default();
    objects.into_iter().for_each(|(address, object)| writer.add(address, object));
    writer.finish(order, types)
}

/// What was written so far.
#[derive(Default)]
struct Writer {
    sections: BTreeMap<Kind, Map<String, Value>>,
    /// By space: names and fields.
    charts: BTreeMap<String, Vec<(String, Value)>>,
    used: BTreeSet<Address>,
    /// By variable: the place of the secret, and the secret.
    secrets: BTreeMap<String, (String, String)>,
}

impl Writer {
    fn add(&mut self, address: &Address, object: &Resource) {
        let references = object.spec().references().into_iter().map(|reference| reference.to);
        self.used.extend(references.filter(|to| declarable(to.collection)));
        match (object, &address.parent) {
            (Resource::Space(space), _) => {
                for inner in space.charts.value().into_iter().flatten() {
                    let chart = Address::chart(&address.name, &inner.name);
                    self.add(&chart, &Resource::Chart(inner.chart.clone()));
                }
                self.insert(address, &Resource::Space(Space { charts: Field::Unset, ..space.clone() }));
            }
            (Resource::Chart(_), Some(space)) => {
                let mut fields = Map::from_iter([("name".to_owned(), escape(&address.name).into())]);
                fields.extend(self.fields(address, object));
                let charts = self.charts.entry(space.clone()).or_default();
                charts.push((address.name.clone(), Value::Object(fields)));
            }
            _ => self.insert(address, object),
        }
    }

    fn insert(&mut self, address: &Address, object: &Resource) {
        let fields = Value::Object(self.fields(address, object));
        self.sections.entry(object.kind()).or_default().insert(escape(&address.name), fields);
    }

    fn fields(&mut self, address: &Address, object: &Resource) -> Map<String, Value> {
        let spec = object.spec();
        let mut fields = object.fields();
        // What the service means anyway need not be written.
        let default = |field: &String, value: &Value| {
            spec.shape(field) == Shape::Plain
                && spec.canonical(field, value) == spec.canonical(field, &Value::Null)
        };
        let needed = spec.creation_needs();
        let empty = |field: &String, value: &Value| *value == json!([]) && !needed.contains(&field.as_str());
        fields.retain(|field, value| !value.is_null() && !default(field, value) && !empty(field, value));
        in_words(&mut fields);
        let settings = fields.get_mut("settings").and_then(Value::as_object_mut).map(std::mem::take);
        let mut fields: Map<String, Value> =
            fields.into_iter().map(|(field, value)| (field, escaped(&value))).collect();
        if let Some(settings) = settings {
            let sensitive = |name: &str| spec.is_sensitive(&format!("settings.{name}"));
            let written = settings.into_iter().map(|(name, value)| {
                let value = match (&value, sensitive(&name)) {
                    // A value that is hidden from this token is as secret to us.
                    (Value::String(secret), sensitive) if sensitive || secret == MASKED => {
                        self.reference(object.kind(), address, &name, secret)
                    }
                    _ => escaped(&value),
                };
                (name, value)
            });
            fields.insert("settings".into(), Value::Object(written.collect()));
        }
        fields
    }

    /// A reference to a variable that is to hold a secret.
    fn reference(&mut self, kind: Kind, address: &Address, setting: &str, secret: &str) -> Value {
        let variable = variable(&address.name, setting, &self.secrets);
        let place = format!("{kind} \"{address}\", settings.{setting}");
        let reference = format!("${{secret.{variable}}}");
        self.secrets.insert(variable, (place, secret.to_owned()));
        reference.into()
    }

    fn finish(mut self, order: &ChartOrder, types: &ServiceTypes) -> Definitions {
        let spaces = std::mem::take(&mut self.charts);
        let section = self.sections.entry(Kind::Space).or_default();
        for (space, mut charts) in spaces {
            let declared = order.get(&space).map_or(&[][..], Vec::as_slice);
            charts.sort_by_key(|(name, _)| declared.iter().position(|other| other == name));
            let charts: Vec<Value> = charts.into_iter().map(|(_, chart)| chart).collect();
            section.entry(escape(&space)).or_insert_with(|| json!({}))["charts"] = charts.into();
        }
        for used in &self.used {
            let section = self.sections.entry(used.collection.kind()).or_default();
            let of = types.get(&used.name).filter(|_| used.collection == Collection::Services);
            section.entry(escape(&used.name)).or_insert_with(|| match of {
                Some(of) => json!({"external": true, "type": escape(of)}),
                None => json!({"external": true}),
            });
        }
        let mut document = Map::new();
        for kind in SECTIONS {
            let section = self.sections.remove(&kind).filter(|section| !section.is_empty());
            document.extend(section.map(|section| (kind.section().to_owned(), Value::Object(section))));
        }
        let mut secrets: Vec<(String, String)> = self
            .secrets
            .iter()
            .filter(|(_, (_, secret))| secret.len() >= LONG && secret != MASKED)
            .map(|(variable, (_, secret))| (escape(secret), format!("${{secret.{variable}}}")))
            .collect();
        // A secret may contain another one.
        secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        document.values_mut().for_each(|section| as_references(section, &secrets));
        let secrets = self.secrets.into_iter().map(|(variable, (place, _))| (variable, place)).collect();
        Definitions { document, secrets }
    }
}

/// Durations as people write them, `5m` for 300, also in conditions and streams.
fn in_words(fields: &mut Map<String, Value>) {
    for (field, value) in fields {
        match (field.as_str(), &mut *value) {
            (field, Value::Number(number)) if DURATIONS.contains(&field) => {
                if let Some(seconds) = number.as_u64() {
                    *value = Seconds(seconds).to_string().into();
                }
            }
            ("conditions" | "streams", Value::Array(items)) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(in_words);
            }
            _ => {}
        }
    }
}

/// What can be referred to only where it is declared.
fn declarable(collection: Collection) -> bool {
    matches!(collection, Collection::Services | Collection::Spaces)
}

/// A secret may stand in any text, such as a description.
fn as_references(value: &mut Value, secrets: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (secret, reference) in secrets {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), reference);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| as_references(item, secrets)),
        Value::Object(map) => map.values_mut().for_each(|one| as_references(one, secrets)),
        _ => {}
    }
}

/// A name for a variable, made of the service's title and the setting, and not taken yet.
fn variable(title: &str, setting: &str, taken: &BTreeMap<String, (String, String)>) -> String {
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

    #[allow(clippy::needless_pass_by_value)] // Literals read better without a borrow.
    fn object(kind: Kind, fields: Value) -> Resource {
        Resource::from_fields(kind, fields.as_object().unwrap()).unwrap()
    }

    #[test]
    fn secrets_become_references_and_used_services_external() {
        let slack = object(Kind::Service, json!({"type": "slack", "settings": {"url": "https://canary"}}));
        let mail = object(Kind::Service, json!({"type": "mail", "settings": {"addresses": "a${b}@c.d"}}));
        let alert = object(
            Kind::Alert,
            json!({"description": "costs ${5} at https://canary/", "services": ["gone", "ops slack"], "conditions": []}),
        );
        let state = BTreeMap::from([
            (Address::service("ops slack"), slack),
            (Address::service("mail"), mail),
            (Address::new(Collection::Alerts, "a"), alert),
        ]);
        let types = ServiceTypes::from([("gone".into(), "pagerduty".into())]);
        let found = definitions(&state, &ChartOrder::new(), &types);
        assert_eq!(
            Value::Object(found.document),
            json!({
                "services": {
                    "mail": {"type": "mail", "settings": {"addresses": "a$${b}@c.d"}},
                    "ops slack": {"type": "slack", "settings": {"url": "${secret.OPS_SLACK_URL}"}},
                    "gone": {"external": true, "type": "pagerduty"},
                },
                "alerts": {"a": {"description": "costs $${5} at ${secret.OPS_SLACK_URL}/", "services": ["gone", "ops slack"],
                                 "conditions": []}},
            })
        );
        let places: Vec<_> = found.secrets.into_iter().collect();
        assert_eq!(places, [("OPS_SLACK_URL".into(), "service \"ops slack\", settings.url".into())]);
    }

    #[test]
    fn charts_stand_below_their_spaces_in_their_order() {
        let chart = |label: &str| {
            object(Kind::Chart, json!({"type": "line", "label": label, "related_space": "Depot"}))
        };
        let inside = json!({"charts": [{"name": "a", "type": "stacked", "use_log_yaxis": false}]});
        let state = BTreeMap::from([
            (Address::space("Shop"), object(Kind::Space, json!({"tags": true}))),
            (Address::chart("Shop", "a"), chart("x")),
            (Address::chart("Shop", "b"), chart("y")),
            (Address::space("Gone"), object(Kind::Space, inside)),
            (Address::chart("Elsewhere", "c"), chart("z")),
        ]);
        let order = ChartOrder::from([("Shop".into(), vec!["b".into(), "a".into()])]);
        assert_eq!(
            Value::Object(definitions(&state, &order, &ServiceTypes::new()).document)["spaces"],
            json!({
                "Gone": {"charts": [{"name": "a", "type": "stacked"}]},
                "Shop": {"tags": true, "charts": [
                    {"name": "b", "label": "y", "related_space": "Depot"}, {"name": "a", "label": "x", "related_space": "Depot"}]},
                "Elsewhere": {"charts": [{"name": "c", "label": "z", "related_space": "Depot"}]},
                "Depot": {"external": true},
            })
        );
    }
}

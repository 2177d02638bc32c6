//! Services as receivers of a configuration that belongs to others, and back: the definition stands in a comment without its secrets, which are
//! where Alertmanager reads them. Knows nothing of where in the configuration receivers stand.

use serde_json::{Map, Value, json};

use super::subtree::Receiver;
use crate::model::{Kind, Resource, Service};
use crate::prometheus::SECRET;

/// The definition of a service on one line; `template` is its receiver with stand-ins for secrets.
pub fn definition(title: &str, service: &Resource, template: &Value) -> String {
    let mut fields = service.fields();
    let secrets: Map<String, Value> =
        secrets_of(template).map(|(key, setting)| (setting.to_owned(), json!(key))).collect();
    if let Some(settings) = fields.get_mut("settings").and_then(Value::as_object_mut) {
        settings.retain(|setting, _| !secrets.contains_key(setting));
    }
    json!({"name": title, "service": fields, "secrets": secrets}).to_string()
}

/// The settings of a receiver's only integration.
fn integration(value: &Value) -> Option<&Map<String, Value>> {
    let mut sections = value.as_object()?.iter().filter(|(key, _)| *key != "name");
    sections.next()?.1.as_array()?.first()?.as_object()
}

/// The keys at which secrets stand, and the settings that they are.
fn secrets_of(template: &Value) -> impl Iterator<Item = (&str, &str)> {
    let fields = integration(template).into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.as_str(), value.get(SECRET)?.as_str()?)))
}

/// The receiver with its secrets; `None` where one of them is not known.
pub fn filled(template: &Value, service: &Resource) -> Option<Value> {
    let Resource::Service(Service { settings, .. }) = service else { return None };
    let mut value = template.clone();
    for (key, setting) in secrets_of(template) {
        let secret = settings.value()?.0.get(setting)?;
        let sections = value.as_object_mut()?;
        for (_, section) in sections.iter_mut().filter(|(name, _)| *name != "name") {
            section[0][key] = json!(secret);
        }
    }
    Some(value)
}

/// The service that a receiver is; of one whose definition is gone nothing is known but that it is there.
pub fn service(receiver: &Receiver) -> Resource {
    let read = || -> Option<Resource> {
        let whole: Value = serde_json::from_str(&receiver.definition).ok()?;
        let mut fields = whole["service"].as_object()?.clone();
        let found = integration(&receiver.value)?;
        for (setting, key) in whole["secrets"].as_object()? {
            let secret = found.get(key.as_str()?)?.clone();
            let settings = fields.entry("settings").or_insert_with(|| json!({}));
            settings[setting.as_str()] = secret;
        }
        Resource::from_fields(Kind::Service, &fields).ok()
    };
    read().unwrap_or_else(|| Resource::Service(Service::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_comes_back_from_its_receiver_and_its_definition_holds_no_secret() {
        let fields = json!({"type": "victorops", "settings": {"api_key": "canary", "routing_key": "web"}});
        let ops = Resource::from_fields(Kind::Service, fields.as_object().unwrap()).unwrap();
        let template = json!({"name": "n", "victorops_configs": [{"api_key": {"$secret": "api_key"}, "routing_key": "web"}]});
        let definition = definition("ops", &ops, &template);
        assert!(!definition.contains("canary"), "{definition}");
        let value = filled(&template, &ops).unwrap();
        assert_eq!(value["victorops_configs"][0]["api_key"], "canary");
        let receiver = Receiver { title: "ops".into(), value, definition };
        assert_eq!(service(&receiver), ops);
        let bare = Receiver { definition: String::new(), ..receiver };
        assert!(service(&bare).fields().is_empty());
    }
}

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

/// The service that a receiver is. Of one whose definition is gone only what its values leave no doubt of, else nothing but that it is there.
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
    read().or_else(|| undoubted(&receiver.value)).unwrap_or_else(|| Resource::Service(Service::default()))
}

/// The service that is rendered as just these values.
fn undoubted(receiver: &Value) -> Option<Resource> {
    let (section, _) = receiver.as_object()?.iter().find(|(key, _)| *key != "name")?;
    let mut values = integration(receiver)?.clone();
    let resolved = values.remove("send_resolved") != Some(json!(false));
    let (service_type, keys): (&str, &[(&str, &str)]) = match (section.as_str(), resolved) {
        ("slack_configs", true) => ("slack", &[("url", "api_url")]),
        ("webhook_configs", true) => ("webhook", &[("url", "url")]),
        ("webhook_configs", false) => ("zapier", &[("url", "url")]),
        ("email_configs", true) => ("mail", &[("addresses", "to")]),
        ("victorops_configs", true) => {
            ("victorops", &[("api_key", "api_key"), ("routing_key", "routing_key")])
        }
        _ => return None,
    };
    let mut settings = Map::new();
    for (setting, key) in keys {
        settings.insert((*setting).to_owned(), values.remove(*key).filter(Value::is_string)?);
    }
    let fields = json!({"type": service_type, "settings": settings});
    let alone = receiver.as_object()?.len() == 2 && receiver[section.as_str()].as_array()?.len() == 1;
    let only = alone && values.is_empty();
    Resource::from_fields(Kind::Service, fields.as_object()?).ok().filter(|_| only)
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
        assert_eq!(service(&bare), ops, "its values leave no doubt");
        for value in [
            json!({"name": "n", "victorops_configs": [{"api_key": "k", "routing_key": "web", "message_type": "x"}]}),
            json!({"name": "n", "pagerduty_configs": [{"service_key": "k"}]}),
            json!({"name": "n", "slack_configs": [{"api_url": "u"}], "email_configs": [{"to": "a@b.c"}]}),
            json!({"name": "n", "slack_configs": [{"api_url": "u"}, {"api_url": "v"}]}),
            json!({"name": "n"}),
        ] {
            let doubtful = Receiver { value, ..bare.clone() };
            assert!(service(&doubtful).fields().is_empty(), "{doubtful:?}");
        }
    }
}

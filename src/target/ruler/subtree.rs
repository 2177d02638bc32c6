//! Our part of the configuration of a ruler's Alertmanager: the routes of alerts, and receivers with what they are made of, in a comment before
//! each. Where it stands among what belongs to others is the business of `prometheus`. Sends nothing.

use serde_json::{Map, Value, json};

use crate::prometheus::subtree::{self, NOBODY, receiver_of};

/// A configuration that has nothing but what every one needs.
const BARE: &str = "route:\n  receiver: none\nreceivers:\n  - name: none\n";

/// One of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    /// The title of the service.
    pub title: String,
    /// As it stands in the list.
    pub value: Value,
    /// What it was made of, on one line; without secrets.
    pub definition: String,
}

/// Our part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subtree {
    /// The routes below our own.
    pub routes: Vec<Value>,
    /// The receivers, but for that of no one.
    pub receivers: Vec<Receiver>,
}

/// Reads our part of a configuration.
///
/// # Errors
/// In words, where it cannot be read, or what stands elsewhere claims what is ours.
pub fn read(text: &str, owner: &str) -> Result<Subtree, String> {
    let (routes, own) = subtree::found(text, owner)?;
    let definitions = subtree::receivers(text, owner)?;
    let routes = routes.first().and_then(|route| route["routes"].as_array()).cloned().unwrap_or_default();
    Ok(Subtree { routes, receivers: receivers_of(own, &definitions, owner) })
}

/// The receivers of an owner wherever they stand, also where another tool wrote all of it anew and left out the comments.
pub fn receivers(text: &str, owner: &str) -> Vec<Receiver> {
    let own = serde_yaml::from_str(text).map_or_else(|_| Vec::new(), |config| subtree::own(&config, owner).1);
    // Where the comments do not stand in pairs, they tell nothing.
    let definitions = subtree::receivers(text, owner).ok();
    receivers_of(own, definitions.as_deref().unwrap_or(&[]), owner)
}

fn receivers_of(own: Vec<Value>, definitions: &[&str], owner: &str) -> Vec<Receiver> {
    let definition = |title: &str| {
        let texts = definitions.iter().filter_map(|line| line.trim().strip_prefix("# librato_definition "));
        let of = |text: &&str| serde_json::from_str::<Value>(text).is_ok_and(|it| it["name"] == *title);
        texts.into_iter().find(of).unwrap_or_default().to_owned()
    };
    let prefix = receiver_of(owner, "");
    let receiver = |value: Value| {
        let title = value["name"].as_str()?.strip_prefix(&prefix)?.to_owned();
        (title != NOBODY).then(|| Receiver { definition: definition(&title), title, value })
    };
    own.into_iter().filter_map(receiver).collect()
}

/// The configuration with our part as it is to be.
///
/// # Errors
/// In words, where there is no place for it.
pub fn written(text: Option<&str>, owner: &str, wanted: &Subtree) -> Result<String, String> {
    let text = text.unwrap_or(BARE);
    let nobody = receiver_of(owner, NOBODY);
    let matcher = subtree::matcher(owner);
    let mut route =
        vec![format!("- matchers: [{}]", json!(matcher)), format!("  receiver: {}", json!(nobody))];
    if !wanted.routes.is_empty() {
        route.push("  routes:".to_owned());
        route.extend(wanted.routes.iter().map(|route| format!("    - {route}")));
    }
    let mut receivers = vec![format!("- {}", json!({"name": nobody}))];
    for receiver in &wanted.receivers {
        receivers.push(format!("# librato_definition {}", receiver.definition));
        receivers.push(format!("- {}", receiver.value));
    }
    let placed = subtree::placed(text, owner, &subtree::Subtree { route, receivers })?;
    if read(&placed, owner)? != *wanted {
        return Err("what it would hold cannot be read again".to_owned());
    }
    Ok(placed)
}

/// What of a configuration belongs to others.
///
/// # Errors
/// Where the comments around our part do not stand in pairs.
pub fn without(text: &str, owner: &str) -> Result<String, String> {
    subtree::without(text, owner)
}

/// What a configuration holds that no message may repeat.
pub fn scalars(envelope: &Map<String, Value>) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.len() >= 6 => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|one| collect(one, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let config = envelope.get("alertmanager_config").and_then(Value::as_str).unwrap_or_default();
    if let Ok(config) = serde_yaml::from_str::<Value>(config) {
        config
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "route")
            .for_each(|(_, part)| collect(part, &mut found));
    }
    // The longer one first, where one is part of another.
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "# of the platform team\nglobal:\n  slack_api_url: https://hooks.example.org/canary\nroute:\n  receiver: base # by day\n  \
        group_by: [job]\nreceivers:\n- name: base\n  webhook_configs: [{url: 'https://a.example.org'}]\ntemplates: [own.tmpl]\n";

    fn subtree(titles: &[&str]) -> Subtree {
        let receiver = |title: &&str| Receiver {
            title: (*title).to_owned(),
            value: json!({"name": receiver_of("shop", title), "slack_configs": [{"api_url": "https://x"}]}),
            definition: json!({"name": title, "service": {"type": "slack"}}).to_string(),
        };
        let route = |title: &&str| json!({"matchers": ["alertname=\"a\""], "receiver": receiver_of("shop", title), "continue": true});
        Subtree {
            routes: titles.iter().map(route).collect(),
            receivers: titles.iter().map(receiver).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_again_with_what_it_is_made_of() {
        for base in [Some(BASE), None] {
            let once = written(base, "shop", &subtree(&["ops", "dev"])).unwrap();
            assert_eq!(read(&once, "shop").unwrap(), subtree(&["ops", "dev"]));
            assert_eq!(written(Some(&once), "shop", &subtree(&["ops", "dev"])).unwrap(), once);
            let fewer = written(Some(&once), "shop", &subtree(&["dev"])).unwrap();
            assert_eq!(read(&fewer, "shop").unwrap(), subtree(&["dev"]));
            assert_eq!(without(&fewer, "shop").unwrap().replace("  routes:\n", ""), base.unwrap_or(BARE));
        }
    }

    #[test]
    fn what_may_be_secret_is_known() {
        let envelope = json!({"template_files": {}, "alertmanager_config": BASE});
        let found = scalars(envelope.as_object().unwrap());
        assert!(found.iter().any(|text| text == "https://hooks.example.org/canary"), "{found:?}");
    }
}

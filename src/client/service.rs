//! Notification services. Their settings are secrets: no `Debug` shows them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::object::{Collection, Identity, Object};
use super::{More, read};

/// Where alerts are sent.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// `mail`, `slack`, `pagerduty`, `webhook` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name; several services may have the same.
    pub title: String,
    /// What its type asks for. Written as a whole: what is left out is gone.
    #[serde(default, deserialize_with = "read::or_default")]
    pub settings: Settings,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Service");
        shown.field("id", &self.id).field("kind", &self.kind).field("title", &self.title);
        shown.field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Settings by name: texts, since the API knows nothing else here.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, String>);

impl fmt::Debug for Settings {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'de> Deserialize<'de> for Settings {
    /// Numbers and booleans are read as the texts they are sent back as.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Map::<String, Value>::deserialize(deserializer)?;
        let text = |value| match value {
            Value::String(text) => Some(text),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let read = raw.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            text(value).map(|text| (name, text)).ok_or_else(|| D::Error::custom("expected texts"))
        });
        Ok(Self(read.collect::<Result<_, _>>()?))
    }
}

impl Service {
    /// A service without settings, which most types need.
    pub fn new(kind: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            id: None,
            kind: kind.into(),
            title: title.into(),
            settings: Settings::default(),
            more: Map::new(),
        }
    }

    /// Sets one setting.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.0.insert(name.into(), value.into());
        self
    }
}

impl Object for Service {
    const COLLECTION: Collection = Collection {
        noun: "service",
        path: "/services",
        key: "services",
        name: "title",
        identity: Identity::Id,
        searchable: false,
        order: Some("title"),
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::read::decode;

    #[test]
    fn settings_are_never_shown() {
        let raw = json!({"id": 1, "type": "hipchat", "title": "ops", "settings": {"auth_token": "canary", "notify": 1}, "x": "canary"});
        let service: Service = decode("/services/1", raw).unwrap();
        assert_eq!(service.settings.0["notify"], "1");
        assert_eq!(
            format!("{service:?}"),
            r#"Service { id: Some(1), kind: "hipchat", title: "ops", settings: {"auth_token", "notify"}, .. }"#
        );
        let wrong = json!({"id": 1, "type": "x", "title": "t", "settings": {"url": ["canary"]}});
        assert!(!decode::<Service>("/services/1", wrong).unwrap_err().to_string().contains("canary"));
    }
}

//! Alerts: conditions, the services that are told, and whether one is triggered.
//! Reads services as objects and writes them as ids, as the API does.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::condition::Condition;
use super::object::{Collection, Identity, Object};
use super::{Error, More, Objects, read};
use crate::remote::{Call, Method, ReadApi};
use crate::wire::lenient;

/// An alert. It fires while all its conditions hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// What it means.
    #[serde(default)]
    pub description: Option<String>,
    /// What must hold.
    #[serde(default, deserialize_with = "read::list")]
    pub conditions: Vec<Condition>,
    /// Who is told.
    #[serde(default, deserialize_with = "read::list")]
    pub services: Vec<AlertService>,
    /// `runbook_url` and whatever else. Written as a whole: what is left out is gone.
    #[serde(default, deserialize_with = "read::or_default")]
    pub attributes: Map<String, Value>,
    /// Whether it is watched at all.
    #[serde(default = "yes", deserialize_with = "read::unless_false")]
    pub active: bool,
    /// How long after a notification no other one is sent, in seconds: a multiple of 60; 600 where nothing is said.
    #[serde(default, deserialize_with = "read::whole")]
    pub rearm_seconds: Option<u64>,
    /// Whether that time runs for each stream alone.
    #[serde(default, deserialize_with = "read::truth", skip_serializing_if = "Option::is_none")]
    pub rearm_per_signal: Option<bool>,
    /// When it was made, in seconds since the epoch.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub created_at: Option<u64>,
    /// When it was changed last, in seconds since the epoch.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub updated_at: Option<u64>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

fn yes() -> bool {
    true
}

/// A service that an alert notifies. The alert knows it by id; its settings, which are secrets, are not kept here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertService {
    /// The id of the service.
    pub id: u64,
    /// Its title, where the alert was read from the service.
    pub title: Option<String>,
}

impl<'de> Deserialize<'de> for AlertService {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let id = read::reference(&raw).ok_or_else(|| D::Error::custom("expected a service with an id"))?;
        let title = raw.get("title").and_then(lenient::text).map(str::to_owned);
        Ok(Self { id, title })
    }
}

impl Serialize for AlertService {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.id)
    }
}

impl Alert {
    /// An alert without conditions, which never fires.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            description: None,
            conditions: Vec::new(),
            services: Vec::new(),
            attributes: Map::new(),
            active: true,
            rearm_seconds: None,
            rearm_per_signal: None,
            created_at: None,
            updated_at: None,
            more: Map::new(),
        }
    }

    /// Says what it means.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a condition, which must hold with all others.
    pub fn when(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Adds a service to be told, by its id: `service.saved_key()?`.
    pub fn notify(mut self, id: u64) -> Self {
        self.services.push(AlertService { id, title: None });
        self
    }

    /// Says where to read what to do.
    pub fn runbook(mut self, url: impl Into<String>) -> Self {
        self.attributes.insert("runbook_url".into(), url.into().into());
        self
    }

    /// Says how long after a notification no other one is sent: whole minutes.
    pub fn rearm(mut self, time: Duration) -> Self {
        self.rearm_seconds = Some(time.as_secs());
        self
    }

    /// Not to be watched for now.
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }
}

impl Object for Alert {
    const COLLECTION: Collection = Collection {
        noun: "alert",
        path: "/alerts",
        key: "alerts",
        name: "name",
        identity: Identity::Id,
        searchable: true,
        // Alerts can be ordered by `updated_at` alone, which is what moves them while others write.
        order: None,
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        self.id
    }

    /// With the version, without which some services take an alert for one of the first, withdrawn kind.
    fn whole(&self) -> Result<Value, Error> {
        let mut body = json!(self);
        body["version"] = 2.into();
        Ok(body)
    }
}

/// Whether an alert is triggered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is not.
    Ok,
    /// It is.
    Triggered,
    /// A word this library does not know.
    Other(String),
}

impl Objects<'_, Alert> {
    /// Whether an alert is triggered.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn status(&self, id: u64) -> Result<Status, Error> {
        let raw = self.librato().client().get(&format!("{}/status", self.path_of(id)), &[]).await?;
        Ok(match lenient::text(&raw["status"]).unwrap_or_default() {
            "ok" => Status::Ok,
            "triggered" => Status::Triggered,
            other => Status::Other(other.to_owned()),
        })
    }

    /// Resolves a triggered alert by hand. It fires again with the next value that violates a condition.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn clear(&self, id: u64) -> Result<(), Error> {
        let path = format!("{}/clear", self.path_of(id));
        self.librato().write(&Call { method: Method::Post, path, body: None }).await.map(drop)
    }

    /// Has one more service told.
    ///
    /// # Errors
    /// 404 where there is no such alert or service.
    pub async fn attach(&self, id: u64, service: u64) -> Result<(), Error> {
        let path = format!("{}/services", self.path_of(id));
        let call = Call { method: Method::Post, path, body: Some(json!({ "service": service })) };
        self.librato().write(&call).await.map(drop)
    }

    /// Has a service told no longer.
    ///
    /// # Errors
    /// 404 where the alert does not tell it.
    pub async fn detach(&self, id: u64, service: u64) -> Result<(), Error> {
        let path = format!("{}/services/{service}", self.path_of(id));
        self.librato().write(&Call { method: Method::Delete, path, body: None }).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::read::decode;

    #[test]
    fn an_alert_is_written_back_with_all_it_was_read_with() {
        let raw = json!({"id": "7", "name": "a", "description": null, "active": "false", "rearm_seconds": "600", "md": true,
            "version": 2, "created_at": 1, "updated_at": 2, "attributes": {"runbook_url": "u"},
            "services": [{"id": "3", "title": "ops", "settings": {"url": "canary"}}, 4],
            "conditions": [{"id": 9, "type": "above", "metric_name": "m", "source": null, "threshold": "5", "later": 1},
                           {"id": 10, "condition_type": "absent", "metric_name": "n", "source": "*", "duration": 600.0,
                            "tags": {}}]});
        let alert: Alert = decode("/alerts/7", raw).unwrap();
        assert_eq!(alert.key(), Some(7));
        assert!(alert.conditions[0].is_immediate() && !alert.conditions[1].is_immediate());
        assert!(!format!("{alert:?}").contains("canary"));
        assert_eq!(
            alert.whole().unwrap(),
            json!({"name": "a", "description": null,
                "conditions": [
                    {"id": 9, "type": "above", "metric_name": "m", "source": null, "threshold": 5.0, "later": 1},
                    {"id": 10, "type": "absent", "metric_name": "n", "source": "*", "duration": 600}],
                "services": [3, 4], "attributes": {"runbook_url": "u"}, "active": false, "rearm_seconds": 600, "md": true,
                "version": 2})
        );
    }

    #[test]
    fn a_new_alert_says_only_what_it_was_told() {
        let alert = Alert::new("a").when(Condition::absent("m", Duration::from_secs(600)));
        assert_eq!(
            alert.creation().unwrap(),
            json!({"name": "a", "conditions": [{"type": "absent", "metric_name": "m", "source": null, "duration": 600}],
                "services": [], "attributes": {}, "active": true, "version": 2})
        );
    }
}

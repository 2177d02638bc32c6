//! An alert and the changes a request makes to it: reading, merging, showing. Pure; knows no SQL.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::condition::{self, Condition};
use crate::notify::Subject;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::services::shown::Shown as ShownService;
use crate::serve::catalog::services::table::Service;
use crate::serve::http::bounds;
use crate::serve::http::fields::{Given, Object, Reader, integer};
use crate::serve::http::role::Role;
use crate::serve::names::{NAME_RULE, is_name};
use crate::serve::refusal::{Errors, Refusal};

/// Seconds between two notifications when the writer does not say.
const REARM: i64 = 600;

#[derive(Debug, Clone)]
pub struct Alert {
    pub id: i64,
    pub name: String,
    pub description: Option<String>,
    pub conditions: Vec<Condition>,
    /// The ids of the services to notify.
    pub services: Vec<i64>,
    pub attributes: Object,
    pub active: bool,
    pub rearm_seconds: i64,
    pub rearm_per_signal: bool,
    pub md: bool,
    /// Epoch seconds.
    pub created_at: i64,
    pub updated_at: i64,
    /// Grows with each change of the alert or of its state by someone else than the evaluation.
    pub revision: i64,
    /// The number of its last incident.
    pub incidents: u64,
}

impl Alert {
    /// A new alert from the body of a POST.
    pub fn new(body: &Object, kind_of: &dyn Fn(&str) -> Option<Kind>, now: i64) -> Result<Alert, Refusal> {
        let mut alert = Alert { created_at: now, updated_at: now, ..Alert::unread(0) };
        alert.merge(body, kind_of, now)?;
        Ok(alert)
    }

    /// Lays a body over the alert. What is absent stays, `null` brings back the default, and the conditions are
    /// those of the body: without any, the alert has none.
    pub fn merge(
        &mut self,
        body: &Object,
        kind_of: &dyn Fn(&str) -> Option<Kind>,
        now: i64,
    ) -> Result<(), Refusal> {
        bounds::check(body, &[])?;
        let mut read = Reader::new(body);
        if let Some(name) = read.text("name").value() {
            if !name.is_empty() && !is_name(&name) {
                read.errors.add("name", NAME_RULE);
            }
            self.name = name;
        }
        if self.name.is_empty() && read.errors.lacks("name") {
            read.errors.add("name", "is not present");
        }
        if read.integer("version").value().is_some_and(|version| version != 2) {
            read.errors.add("version", "must be 2");
        }
        read.text("description").put(&mut self.description);
        self.active = read.boolean("active").or(self.active, true);
        self.rearm_seconds = read.integer("rearm_seconds").or(self.rearm_seconds, REARM);
        if self.rearm_seconds < 0 || self.rearm_seconds % 60 != 0 {
            read.errors.add("rearm_seconds", "must be a multiple of 60");
        }
        self.rearm_per_signal = read.boolean("rearm_per_signal").or(self.rearm_per_signal, false);
        self.md = read.boolean("md").or(self.md, false);
        attributes(&mut read, &mut self.attributes);
        match read.list("services") {
            Given::Absent => {}
            Given::Null => self.services.clear(),
            Given::Value(sent) => self.services = service_ids(&sent, &mut read.errors),
        }
        self.conditions = conditions(&mut read, kind_of);
        self.updated_at = now;
        read.finish()?;
        bounds::whole(&self.shown(&[], Role::Admin, Client::Other))
    }

    /// One of which nothing is known but the id.
    pub fn unread(id: i64) -> Alert {
        Alert {
            id,
            name: String::new(),
            description: None,
            conditions: Vec::new(),
            services: Vec::new(),
            attributes: Object::new(),
            active: true,
            rearm_seconds: REARM,
            rearm_per_signal: false,
            md: false,
            created_at: 0,
            updated_at: 0,
            revision: 0,
            incidents: 0,
        }
    }

    /// Whether the same is evaluated of another one, and in the same way.
    pub fn is_watched_as(&self, other: &Alert) -> bool {
        let (mine, its) = (&self.conditions, &other.conditions);
        let settings = |of: &Alert| (of.active, of.rearm_seconds, of.rearm_per_signal);
        settings(self) == settings(other)
            && mine.len() == its.len()
            && mine.iter().zip(its).all(|(mine, its)| mine.asks_as(its))
    }

    /// What is said of it where it is told of.
    pub fn subject(&self) -> Subject {
        let runbook = self.attributes.get("runbook_url").and_then(Value::as_str);
        Subject {
            id: self.id,
            name: self.name.clone(),
            description: self.description.clone(),
            runbook_url: runbook.map(str::to_owned),
        }
    }

    /// `services` are those of the alert, of whose settings `role` decides what is shown.
    pub fn shown<'a>(&'a self, services: &'a [Arc<Service>], role: Role, reader: Client) -> Shown<'a> {
        Shown {
            id: self.id,
            name: &self.name,
            description: self.description.as_deref(),
            conditions: self.conditions.iter().map(Condition::shown).collect(),
            services: services.iter().map(|service| ShownService::to(role, service.as_ref())).collect(),
            attributes: Some(&self.attributes).filter(|map| !(map.is_empty() && reader == Client::GoLibrato)),
            active: self.active,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: 2,
            rearm_seconds: self.rearm_seconds,
            rearm_per_signal: self.rearm_per_signal,
            md: (reader != Client::Lbrt).then_some(self.md),
        }
    }
}

/// Clients that cannot do with what the others need, by how their `User-Agent` begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The Terraform provider's library: its tests expect no attributes where none were written; python-librato indexes
    /// the key.
    GoLibrato,
    /// lbrt's library: it compares every key it is shown and does not know `md`, which python-librato 3 cannot do without.
    Lbrt,
    Other,
}

impl Client {
    pub fn from_agent(agent: Option<&str>) -> Client {
        match agent {
            Some(agent) if agent.starts_with("go-librato/") => Client::GoLibrato,
            Some(agent) if agent.starts_with("Ruby Librato Client") => Client::Lbrt,
            _ => Client::Other,
        }
    }
}

/// The read form.
#[derive(Serialize)]
pub struct Shown<'a> {
    id: i64,
    name: &'a str,
    description: Option<&'a str>,
    conditions: Vec<condition::Shown<'a>>,
    services: Vec<ShownService<&'a Service>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a Object>,
    active: bool,
    created_at: i64,
    updated_at: i64,
    version: i64,
    rearm_seconds: i64,
    rearm_per_signal: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    md: Option<bool>,
}

/// Attributes are replaced as a whole; `null` in one is the same as leaving it out.
fn attributes(read: &mut Reader<'_>, stored: &mut Object) {
    let sent = match read.object("attributes") {
        Given::Absent => return,
        Given::Null => return stored.clear(),
        Given::Value(sent) => sent,
    };
    *stored = sent
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(n, value)| (n.clone(), value.clone()))
        .collect();
    // The one attribute with a meaning; clients decode it as a string.
    if stored.get("runbook_url").is_some_and(|url| !url.is_string()) {
        read.errors.add("attributes", "must have a string as runbook_url");
    }
}

/// Ids as numbers or texts, or whole service objects as a client echoes them back. Named twice counts once.
fn service_ids(sent: &[&Value], errors: &mut Errors) -> Vec<i64> {
    let mut ids = Vec::with_capacity(sent.len());
    let mut known = HashSet::with_capacity(sent.len());
    for item in sent {
        match integer(item.get("id").unwrap_or(item)) {
            Ok(id) if known.insert(id) => ids.push(id),
            Ok(_) => {}
            Err(_) => errors.add("services", "must contain ids of services"),
        }
    }
    ids
}

fn conditions(read: &mut Reader<'_>, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Vec<Condition> {
    let sent = read.list("conditions").value().unwrap_or_default();
    let mut errors = Errors::default();
    let mut conditions = Vec::with_capacity(sent.len());
    for item in sent {
        match item.as_object() {
            Some(item) => conditions.extend(condition::read(item, kind_of, &mut errors)),
            None => read.errors.add("conditions", "must contain objects"),
        }
    }
    read.errors.nest("conditions", errors);
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unknown(_: &str) -> Option<Kind> {
        None
    }

    fn new(body: &Value) -> Result<Alert, Refusal> {
        Alert::new(body.as_object().unwrap(), &unknown, 100)
    }

    fn full() -> Alert {
        new(&json!({
            "name": "a", "description": "d", "active": "false", "rearm_seconds": "120", "services": ["3", 4, {"id": 5}, 3],
            "attributes": {"runbook_url": "u", "x": null},
            "conditions": [{"type": "absent", "metric_name": "m", "duration": 60}],
        }))
        .unwrap()
    }

    #[test]
    fn a_minimal_alert_has_the_documented_defaults() {
        let nulls = json!({"name": "a", "description": null, "rearm_seconds": null, "active": null, "attributes": {}, "services": []});
        for body in [json!({"name": "a"}), nulls] {
            let expected = json!({
                "id": 0, "name": "a", "description": null, "conditions": [], "services": [], "attributes": {},
                "active": true, "created_at": 100, "updated_at": 100, "version": 2, "rearm_seconds": 600,
                "rearm_per_signal": false, "md": false,
            });
            assert_eq!(json!(new(&body).unwrap().shown(&[], Role::Admin, Client::Other)), expected);
        }
        let bare = new(&json!({"name": "a"})).unwrap();
        let keys = |reader| {
            let shown = json!(bare.shown(&[], Role::Admin, reader));
            (shown.get("md").is_some(), shown.get("attributes").is_some())
        };
        assert_eq!(keys(Client::Lbrt), (false, true));
        assert_eq!(keys(Client::GoLibrato), (true, false));
        let full = full();
        assert!(json!(full.shown(&[], Role::Admin, Client::GoLibrato)).get("attributes").is_some());
    }

    #[test]
    fn a_change_keeps_all_but_the_conditions() {
        let mut alert = full();
        assert_eq!((alert.services.as_slice(), alert.conditions.len()), (&[3, 4, 5][..], 1));
        alert.merge(json!({"name": "b"}).as_object().unwrap(), &unknown, 200).unwrap();
        assert_eq!(
            (alert.name.as_str(), alert.description.as_deref(), alert.active),
            ("b", Some("d"), false)
        );
        assert_eq!((alert.rearm_seconds, alert.services.len(), alert.updated_at), (120, 3, 200));
        assert_eq!(Value::Object(alert.attributes), json!({"runbook_url": "u"}));
        assert_eq!(alert.conditions, []);
    }

    #[test]
    fn attributes_are_replaced_when_sent() {
        let mut alert = full();
        alert
            .merge(
                json!({"attributes": {"team": "ops"}, "services": null}).as_object().unwrap(),
                &unknown,
                200,
            )
            .unwrap();
        assert_eq!(Value::Object(alert.attributes), json!({"team": "ops"}));
        assert!(alert.services.is_empty());
    }

    #[test]
    fn bad_alerts_are_refused() {
        for bad in [
            json!({}),
            json!({"name": null}),
            json!({"name": "a b"}),
            json!({"name": 1}),
            json!({"name": "a", "version": 1}),
            json!({"name": "a", "active": "perhaps"}),
            json!({"name": "a", "rearm_seconds": 90}),
            json!({"name": "a", "rearm_seconds": -60}),
            json!({"name": "a", "attributes": "x"}),
            json!({"name": "a", "attributes": {"runbook_url": 5}}),
            json!({"name": "a", "services": ["ops"]}),
            json!({"name": "a", "services": 5}),
            json!({"name": "a", "conditions": "none"}),
            json!({"name": "a", "conditions": [1]}),
            json!({"name": "a", "conditions": [{"type": "absent", "metric_name": "m"}]}),
        ] {
            assert!(new(&bad).is_err(), "{bad}");
        }
    }
}

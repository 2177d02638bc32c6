//! Annotation streams and their events.
//! A stream comes into being with its first event; the API has no other way that every service knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::object::{Collection, Identity, Object};
use super::read::decode;
use super::time::{Interval, Time};
use super::{Error, Librato, More, read};
use crate::remote::{Call, Method, ReadApi, segment};

/// An annotation stream. To be created where it does not exist it needs an event first: [`Events::post`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnnotationStream {
    /// Its name.
    pub name: String,
    /// Its name in charts.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Object for AnnotationStream {
    const COLLECTION: Collection = Collection {
        noun: "annotation stream",
        path: "/annotations",
        key: "annotations",
        name: "name",
        identity: Identity::Name,
        searchable: true,
        order: Some("name"),
    };
    type Key<'k> = &'k str;

    fn key(&self) -> Option<&str> {
        Some(&self.name)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// What happened.
    pub title: String,
    /// More about it.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it happened.
    #[serde(default)]
    pub source: Option<String>,
    /// When it began, in seconds since the epoch; when it is posted, where nothing is said.
    #[serde(default, deserialize_with = "read::whole")]
    pub start_time: Option<u64>,
    /// When it ended, in seconds since the epoch.
    #[serde(default, deserialize_with = "read::whole")]
    pub end_time: Option<u64>,
    /// Where to read on.
    #[serde(default, deserialize_with = "read::list", skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

/// A link of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it leads to, once in an event: `commit`, `build`.
    pub rel: String,
    /// The address.
    pub href: String,
    /// The text that is shown for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Event {
    /// An event that begins when it is posted.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            id: None,
            title: title.into(),
            description: None,
            source: None,
            start_time: None,
            end_time: None,
            links: Vec::new(),
            more: Map::new(),
        }
    }

    /// Says more about it.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Says where it happened.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says when it began.
    pub fn start(mut self, time: impl Into<Time>) -> Self {
        self.start_time = Some(time.into().0);
        self
    }

    /// Says when it ended.
    pub fn end(mut self, time: impl Into<Time>) -> Self {
        self.end_time = Some(time.into().0);
        self
    }

    /// Says where to read on; `rel` is what the link leads to.
    pub fn link(mut self, rel: impl Into<String>, href: impl Into<String>) -> Self {
        self.links.push(Link { rel: rel.into(), href: href.into(), label: None });
        self
    }
}

/// Events by source; those without one stand under `unassigned`.
pub type EventsBySource = BTreeMap<String, Vec<Event>>;

/// The events of one stream.
#[derive(Debug, Clone)]
pub struct Events<'a> {
    librato: &'a Librato,
    path: String,
}

impl<'a> Events<'a> {
    pub(super) fn new(librato: &'a Librato, stream: &str) -> Self {
        Self { librato, path: format!("/annotations/{}", segment(stream)) }
    }

    fn path_of(&self, id: u64) -> String {
        format!("{}/{id}", self.path)
    }

    /// The events that begin in the interval, or the last ones, by source and in the order of their start.
    ///
    /// # Errors
    /// 404 where there is no such stream.
    pub async fn list(&self, interval: &Interval) -> Result<EventsBySource, Error> {
        let mut raw = self.librato.client().get(&self.path, &interval.query()).await?;
        let events = raw.get_mut("events").map(Value::take).unwrap_or_default();
        Ok(decode(&self.path, by_source(events))?)
    }

    /// One event.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn get(&self, id: u64) -> Result<Event, Error> {
        let path = self.path_of(id);
        let raw = self.librato.client().get(&path, &[]).await?;
        Ok(decode(&path, raw)?)
    }

    /// Posts an event, which makes the stream where it does not exist, and gives it back with its id.
    ///
    /// # Errors
    /// Where the service refuses it. Where the answer was lost it may have been posted, and is not posted again.
    pub async fn post(&self, event: &Event) -> Result<Event, Error> {
        let mut body = json!(event);
        if let Value::Object(fields) = &mut body {
            fields.retain(|_, value| !value.is_null());
        }
        let call = Call { method: Method::Post, path: self.path.clone(), body: Some(body) };
        let reply = self.librato.write(&call).await?;
        Ok(decode(&self.path, reply.body.unwrap_or_default())?)
    }

    /// Says when an event ended.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn end(&self, id: u64, time: impl Into<Time> + Send) -> Result<(), Error> {
        self.update(id, json!({"end_time": time.into().0})).await
    }

    /// Changes the fields that are given: `title`, `description`, `end_time`, `links`. Source and start stay.
    ///
    /// # Errors
    /// 404 where there is none; where the service refuses the change.
    pub async fn update(&self, id: u64, fields: impl Into<Value> + Send) -> Result<(), Error> {
        let call = Call { method: Method::Put, path: self.path_of(id), body: Some(fields.into()) };
        self.librato.write(&call).await.map(drop)
    }

    /// Adds a link to an event.
    ///
    /// # Errors
    /// 404 where there is none; where the event has such a link.
    pub async fn add_link(&self, id: u64, link: &Link) -> Result<(), Error> {
        let path = format!("{}/links", self.path_of(id));
        let call = Call { method: Method::Post, path, body: Some(json!(link)) };
        self.librato.write(&call).await.map(drop)
    }

    /// Takes a link of an event away.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn delete_link(&self, id: u64, rel: &str) -> Result<(), Error> {
        self.remove(format!("{}/links/{}", self.path_of(id), segment(rel))).await
    }

    /// Deletes one event.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn delete(&self, id: u64) -> Result<(), Error> {
        self.remove(self.path_of(id)).await
    }

    async fn remove(&self, path: String) -> Result<(), Error> {
        let call = Call { method: Method::Delete, path, body: None };
        self.librato.write(&call).await.map(drop)
    }
}

/// The documentation prints the object of events inside an array; what services send is the object.
fn by_source(events: Value) -> Value {
    match events {
        Value::Null => json!({}),
        Value::Array(maps) => {
            let maps = maps.into_iter().filter_map(|map| match map {
                Value::Object(map) => Some(map),
                _ => None,
            });
            Value::Object(maps.flatten().collect())
        }
        object => object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_an_object_or_an_array_of_objects() {
        let event =
            json!({"id": "45", "title": "v91", "start_time": "1234567890", "end_time": null, "links": null});
        for raw in [json!({"web": [event]}), json!([{"web": [event]}])] {
            let events: EventsBySource = decode("/x", by_source(raw)).unwrap();
            assert_eq!((events["web"][0].id, events["web"][0].start_time), (Some(45), Some(1_234_567_890)));
        }
        assert!(decode::<EventsBySource>("/x", by_source(Value::Null)).unwrap().is_empty());
    }
}

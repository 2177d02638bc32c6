//! An annotation event and its links: reading, merging, showing. Pure; knows no SQL.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::serve::http::bounds;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::refusal::{Errors, Refusal};

/// The key under which events without a source are listed.
pub const UNASSIGNED: &str = "unassigned";

#[derive(Debug, Clone)]
pub struct Event {
    pub id: i64,
    pub title: String,
    pub description: Option<String>,
    pub source: Option<String>,
    /// Epoch seconds.
    pub start_time: i64,
    pub end_time: Option<i64>,
    /// Objects with `rel`, `href` and `label`; `rel` is unique among them.
    pub links: Vec<Value>,
}

impl Event {
    /// A new event from the body of a POST.
    pub fn new(body: &Object, now: i64) -> Result<Event, Refusal> {
        let mut read = Reader::new(body);
        read.require("title");
        let source = read.text("source").value().filter(|source| !source.is_empty());
        let start_time = read.time("start_time").value().unwrap_or(now);
        read.finish()?;
        let mut event = Event {
            id: 0,
            title: String::new(),
            description: None,
            source,
            start_time,
            end_time: None,
            links: Vec::new(),
        };
        event.merge(body)?;
        Ok(event)
    }

    /// Lays a change over the event. `source` and `start_time` cannot be changed and are ignored.
    pub fn merge(&mut self, body: &Object) -> Result<(), Refusal> {
        bounds::check(body, &[])?;
        let mut read = Reader::new(body);
        match read.text("title") {
            Given::Value(title) if title.trim().is_empty() => read.errors.add("title", "is not present"),
            Given::Value(title) => self.title = title,
            Given::Absent | Given::Null => {}
        }
        read.text("description").put(&mut self.description);
        read.time("end_time").put(&mut self.end_time);
        // The words of the hosted service, which judged the start even where it was the end that was sent.
        if self.end_time.is_some_and(|end| end < self.start_time) && read.errors.lacks("end_time") {
            read.errors.add("start_time", "must be before end_time");
        }
        match read.list("links") {
            Given::Absent => {}
            Given::Null => self.links.clear(),
            Given::Value(sent) => {
                let mut in_links = Errors::default();
                self.links = links(&sent, &mut in_links);
                read.errors.nest("links", in_links);
            }
        }
        read.finish()?;
        self.fits()
    }

    /// Whether it is not too large as a whole.
    pub fn fits(&self) -> Result<(), Refusal> {
        bounds::few(self.links.len()).map_err(|message| Refusal::field("links", message))?;
        bounds::whole(&self.shown())
    }

    pub fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "source": self.source,
            "start_time": self.start_time,
            "end_time": self.end_time,
            "links": self.links,
        })
    }

    pub fn has_link(&self, rel: &str) -> bool {
        self.links.iter().any(|link| link["rel"] == rel)
    }
}

/// One link from a body of its own.
pub fn link(body: &Object) -> Result<Value, Refusal> {
    bounds::check(body, &[])?;
    let mut errors = Errors::default();
    let link = read_link(body, &mut errors);
    errors.finish()?;
    Ok(link)
}

fn links(sent: &[&Value], errors: &mut Errors) -> Vec<Value> {
    let mut links: Vec<Value> = Vec::with_capacity(sent.len());
    let mut known = HashSet::with_capacity(sent.len());
    for item in sent {
        let Some(item) = item.as_object() else {
            errors.add("rel", "is not present");
            continue;
        };
        let link = read_link(item, errors);
        if !known.insert(link["rel"].as_str().unwrap_or_default().to_owned()) {
            errors.add("rel", "must be unique");
        }
        links.push(link);
    }
    links
}

fn read_link(body: &Object, errors: &mut Errors) -> Value {
    let mut read = Reader::new(body);
    read.require("rel");
    read.require("href");
    let (rel, href, label) =
        (read.text("rel").value(), read.text("href").value(), read.text("label").value());
    errors.merge(read.errors);
    json!({ "rel": rel, "href": href, "label": label })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: &Value) -> Result<Event, Refusal> {
        Event::new(body.as_object().unwrap(), 1000)
    }

    #[test]
    fn defaults_and_form_links() {
        let made =
            event(&json!({"title": "v91", "start_time": "12.5", "links": {"0": {"rel": "a", "href": "h"}}}))
                .unwrap();
        assert_eq!(made.start_time, 12);
        assert_eq!(made.links, [json!({"rel": "a", "href": "h", "label": null})]);
        let bare = event(&json!({"title": "v92", "source": ""})).unwrap();
        assert_eq!((bare.start_time, bare.end_time, bare.source), (1000, None, None));
    }

    #[test]
    fn merging_keeps_what_is_absent() {
        let mut made =
            event(&json!({"title": "t", "description": "d", "end_time": 1005, "source": "web1"})).unwrap();
        made.merge(json!({"end_time": null, "source": "other", "start_time": 1}).as_object().unwrap())
            .unwrap();
        assert_eq!((made.description.as_deref(), made.end_time, made.start_time), (Some("d"), None, 1000));
        assert_eq!(made.source.as_deref(), Some("web1"));
    }

    /// The end may come with the event or later, and the start may be the server's clock.
    #[test]
    fn an_event_cannot_end_before_it_starts() {
        let refusal = |problem: Refusal| format!("{problem:?}");
        for bad in
            [json!({"title": "t", "start_time": 20, "end_time": 10}), json!({"title": "t", "end_time": 999})]
        {
            assert!(refusal(event(&bad).unwrap_err()).contains("must be before end_time"), "{bad}");
        }
        let mut made = event(&json!({"title": "t", "start_time": 20, "end_time": 20})).unwrap();
        let early = json!({"end_time": 19});
        assert!(refusal(made.merge(early.as_object().unwrap()).unwrap_err()).contains("start_time"));
        let later = json!({"end_time": 21});
        made.merge(later.as_object().unwrap()).unwrap();
        assert_eq!((made.start_time, made.end_time), (20, Some(21)));
    }

    #[test]
    fn bad_events_are_refused() {
        let same = json!([{"rel": "a", "href": "h"}, {"rel": "a", "href": "i"}]);
        for bad in [
            json!({}),
            json!({"title": ""}),
            json!({"title": 5}),
            json!({"title": "t", "start_time": "noon"}),
            json!({"title": "t", "links": [{"rel": "a"}]}),
            json!({"title": "t", "links": ["a"]}),
            json!({"title": "t", "links": same}),
        ] {
            assert!(event(&bad).is_err(), "{bad}");
        }
    }
}

//! The tables of annotation streams and events.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::event::Event;
use crate::serve::changes::Entity;
use crate::serve::names::{Choice, NAME_RULE, fold, folded, is_name};
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx, params};

/// A stream of annotations, without its events.
pub struct Stream {
    pub id: i64,
    pub name: String,
    pub display_name: Option<String>,
}

impl Stream {
    pub fn shown(&self) -> Value {
        json!({ "name": self.name, "display_name": self.display_name })
    }

    /// From a row that has the columns of the table.
    pub fn from_row(row: &Row<'_>) -> Result<Stream, StoreError> {
        Ok(Stream { id: row.get("id")?, name: row.get("name")?, display_name: row.get("display_name")? })
    }
}

impl Entity for Stream {
    const KIND: &'static str = "annotation stream";

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    /// Only an event makes a stream.
    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        Ok(rename(tx, self)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(rows::named(tx, "streams", &fold(&self.name))?)
    }
}

pub fn find(tx: &Tx<'_>, name: &str) -> Result<Stream, Refusal> {
    search(tx, name)?.ok_or(Refusal::Missing)
}

/// The stream, made if it does not exist: streams come into being with their first event.
pub fn find_or_make(tx: &Tx<'_>, name: &str) -> Result<Stream, Refusal> {
    if let Some(stream) = search(tx, name)? {
        return Ok(stream);
    }
    if !is_name(name) {
        return Err(Refusal::field("name", NAME_RULE));
    }
    let sql = "INSERT INTO streams (key, name) VALUES (?1, ?2) RETURNING id";
    let id = tx.id(sql, params![fold(name), name])?;
    Ok(Stream { id, name: name.to_owned(), display_name: None })
}

fn search(tx: &Tx<'_>, name: &str) -> Result<Option<Stream>, StoreError> {
    tx.one("SELECT * FROM streams WHERE key = ?1", params![fold(name)], Stream::from_row)
}

fn rename(tx: &Tx<'_>, stream: &Stream) -> Result<(), StoreError> {
    let sql = "UPDATE streams SET display_name = ?2 WHERE id = ?1";
    tx.execute(sql, params![stream.id, stream.display_name]).map(drop)
}

pub fn delete(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    rows::delete(tx, "streams", id).map(drop)
}

/// All streams, by name.
pub fn streams(tx: &Tx<'_>) -> Result<Vec<Stream>, StoreError> {
    tx.all("SELECT * FROM streams ORDER BY key", params![], Stream::from_row)
}

/// Which events of a stream to list: those that start within the bounds and come from one of `sources`.
pub struct Window {
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub count: Option<i64>,
    /// Empty for all.
    pub sources: Choice,
}

/// Events in one answer.
const MOST: usize = 10_000;

/// The events of the window by start time, and the time at which to go on when there are more than one answer holds.
/// `count` takes the first ones after a start without an end, else the last ones.
///
/// # Errors
/// When `count` asks for more than one answer holds and there are that many.
pub fn events(tx: &Tx<'_>, stream: i64, window: &Window) -> Result<(Vec<Event>, Option<i64>), Refusal> {
    let is_last = window.count.is_some() && (window.start.is_none() || window.end.is_some());
    let direction = if is_last { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT * FROM events WHERE stream_id = ?1 AND start_time >= coalesce(?2, start_time)
         AND start_time <= coalesce(?3, start_time) ORDER BY start_time {direction}, id {direction}"
    );
    let most = window.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(0));
    let (mut events, mut next_time) = (Vec::<Event>::new(), None);
    tx.each(&sql, params![stream, window.start, window.end], |row| {
        if events.len() >= most {
            return Ok(ControlFlow::Break(()));
        }
        let event = event_from_row(row)?;
        if !window.wants(&event) {
            return Ok(ControlFlow::Continue(()));
        }
        if events.len() >= MOST {
            if window.count.is_some() {
                return Err(Refusal::field("count", "asks for too many events at once"));
            }
            // Cut between two times, since that is all a request can say.
            if events.last().is_some_and(|last| last.start_time < event.start_time) {
                next_time = Some(event.start_time);
                return Ok(ControlFlow::Break(()));
            }
        }
        row.claim()?;
        events.push(event);
        Ok(ControlFlow::Continue(()))
    })?;
    if is_last {
        events.reverse();
    }
    Ok((events, next_time))
}

impl Window {
    fn wants(&self, event: &Event) -> bool {
        let source = folded(event.source.as_deref().unwrap_or(super::event::UNASSIGNED));
        self.sources.is_empty() || self.sources.has(&source)
    }
}

pub fn find_event(tx: &Tx<'_>, stream: i64, id: i64) -> Result<Event, Refusal> {
    let sql = "SELECT * FROM events WHERE stream_id = ?1 AND id = ?2";
    tx.one(sql, params![stream, id], event_from_row)?.ok_or(Refusal::Missing)
}

fn event_from_row(row: &Row<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.get("id")?,
        title: row.get("title")?,
        description: row.get("description")?,
        source: row.get("source")?,
        start_time: row.get("start_time")?,
        end_time: row.get("end_time")?,
        links: row.json("events", "links")?,
    })
}

/// Inserts and sets the id.
pub fn insert_event(tx: &Tx<'_>, stream: i64, event: &mut Event) -> Result<(), StoreError> {
    let Event { title, description, source, start_time, end_time, .. } = &*event;
    let links = json!(event.links).to_string();
    let sql = "INSERT INTO events (stream_id, title, description, source, start_time, end_time, links)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
    event.id = tx.id(sql, params![stream, title, description, source, start_time, end_time, links])?;
    Ok(())
}

pub fn update_event(tx: &Tx<'_>, event: &Event) -> Result<(), StoreError> {
    let Event { id, title, description, end_time, .. } = event;
    let links = json!(event.links).to_string();
    let sql = "UPDATE events SET title = ?2, description = ?3, end_time = ?4, links = ?5 WHERE id = ?1";
    tx.execute(sql, params![id, title, description, end_time, links]).map(drop)
}

pub fn delete_event(tx: &Tx<'_>, stream: i64, id: i64) -> Result<(), Refusal> {
    match tx.execute("DELETE FROM events WHERE stream_id = ?1 AND id = ?2", params![stream, id])? {
        0 => Err(Refusal::Missing),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::store::scratch;

    fn asked(start: Option<i64>, count: Option<i64>) -> Window {
        Window { start, end: None, count, sources: Choice::default() }
    }

    #[test]
    fn long_answers_go_on_at_next_time() {
        let scratch = scratch();
        let tx = scratch.tx();
        let stream = find_or_make(&tx, "s").unwrap().id;
        // Two of each time, so that the limit falls between the two.
        for n in 0..MOST as i64 + 3 {
            let mut event = Event::new(
                &json!({ "title": n.to_string(), "start_time": 1000 + (n + 1) / 2 })
                    .as_object()
                    .unwrap()
                    .clone(),
                0,
            )
            .unwrap();
            insert_event(&tx, stream, &mut event).unwrap();
        }
        let titles = |events: &[Event]| events.iter().map(|event| event.title.clone()).collect::<Vec<_>>();
        let (first, next) = events(&tx, stream, &asked(Some(0), None)).unwrap();
        let (second, end) = events(&tx, stream, &asked(next, None)).unwrap();
        assert_eq!(end, None);
        let expected: Vec<_> = (0..MOST + 3).map(|n| n.to_string()).collect();
        assert_eq!([titles(&first), titles(&second)].concat(), expected);
        assert_eq!(titles(&events(&tx, stream, &asked(None, Some(2))).unwrap().0), expected[MOST + 1..]);
        assert!(events(&tx, stream, &asked(None, Some(20_000))).is_err());
    }
}

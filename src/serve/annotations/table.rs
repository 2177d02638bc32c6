//! The tables of annotation streams and events.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::event::Event;
use crate::serve::budget;
use crate::serve::http::by_id;
use crate::serve::http::problem::Problem;
use crate::serve::names::{Choice, NAME_RULE, fold, folded, is_name};
use crate::serve::store::column;

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
    pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Stream> {
        Ok(Stream { id: row.get("id")?, name: row.get("name")?, display_name: row.get("display_name")? })
    }
}

pub fn find(connection: &Connection, name: &str) -> Result<Stream, Problem> {
    search(connection, name)?.ok_or_else(Problem::not_found)
}

/// The stream, made if it does not exist: streams come into being with their first event.
pub fn find_or_make(connection: &Connection, name: &str) -> Result<Stream, Problem> {
    if let Some(stream) = search(connection, name)? {
        return Ok(stream);
    }
    if !is_name(name) {
        return Err(Problem::param("name", NAME_RULE));
    }
    connection.execute("INSERT INTO streams (key, name) VALUES (?1, ?2)", [&fold(name), name])?;
    Ok(Stream { id: connection.last_insert_rowid(), name: name.to_owned(), display_name: None })
}

fn search(connection: &Connection, name: &str) -> Result<Option<Stream>, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM streams WHERE key = ?1")?;
    Ok(select.query_row([fold(name)], Stream::from_row).optional()?)
}

pub fn rename(connection: &Connection, stream: &Stream) -> Result<(), Problem> {
    let sql = "UPDATE streams SET display_name = ?2 WHERE id = ?1";
    connection.execute(sql, params![stream.id, stream.display_name])?;
    Ok(())
}

pub fn delete(connection: &Connection, id: i64) -> Result<(), Problem> {
    connection.execute("DELETE FROM streams WHERE id = ?1", [id])?;
    Ok(())
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
pub fn events(
    connection: &Connection,
    stream: i64,
    window: &Window,
) -> Result<(Vec<Event>, Option<i64>), Problem> {
    let is_last = window.count.is_some() && (window.start.is_none() || window.end.is_some());
    let direction = if is_last { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT * FROM events WHERE stream_id = ?1 AND start_time >= ifnull(?2, start_time)
         AND start_time <= ifnull(?3, start_time) ORDER BY start_time {direction}, id {direction}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![stream, window.start, window.end])?;
    let most = window.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(0));
    let (mut events, mut next_time) = (Vec::<Event>::new(), None);
    while events.len() < most
        && let Some(row) = rows.next()?
    {
        budget::proceed()?;
        let event = event_from_row(row)?;
        if !window.wants(&event) {
            continue;
        }
        if events.len() >= MOST {
            if window.count.is_some() {
                return Err(Problem::param("count", "asks for too many events at once"));
            }
            // Cut between two times, since that is all a request can say.
            if events.last().is_some_and(|last| last.start_time < event.start_time) {
                next_time = Some(event.start_time);
                break;
            }
        }
        by_id::claim(row)?;
        events.push(event);
    }
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

pub fn find_event(connection: &Connection, stream: i64, id: i64) -> Result<Event, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM events WHERE stream_id = ?1 AND id = ?2")?;
    select.query_row([stream, id], event_from_row).optional()?.ok_or_else(Problem::not_found)
}

fn event_from_row(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        title: row.get("title")?,
        description: row.get("description")?,
        source: row.get("source")?,
        start_time: row.get("start_time")?,
        end_time: row.get("end_time")?,
        links: column::json(row, "events", "links")?,
    })
}

/// Inserts and sets the id.
pub fn insert_event(connection: &Connection, stream: i64, event: &mut Event) -> Result<(), Problem> {
    connection
        .prepare_cached(
            "INSERT INTO events (stream_id, title, description, source, start_time, end_time, links)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            stream,
            event.title,
            event.description,
            event.source,
            event.start_time,
            event.end_time,
            json!(event.links).to_string()
        ])?;
    event.id = connection.last_insert_rowid();
    Ok(())
}

pub fn update_event(connection: &Connection, event: &Event) -> Result<(), Problem> {
    connection.execute(
        "UPDATE events SET title = ?2, description = ?3, end_time = ?4, links = ?5 WHERE id = ?1",
        params![event.id, event.title, event.description, event.end_time, json!(event.links).to_string()],
    )?;
    Ok(())
}

pub fn delete_event(connection: &Connection, stream: i64, id: i64) -> Result<(), Problem> {
    match connection.execute("DELETE FROM events WHERE stream_id = ?1 AND id = ?2", [stream, id])? {
        0 => Err(Problem::not_found()),
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
        let connection = scratch();
        let stream = find_or_make(&connection, "s").unwrap().id;
        // Two of each time, so that the limit falls between twins.
        for n in 0..MOST as i64 + 3 {
            let mut event = Event::new(
                &json!({ "title": n.to_string(), "start_time": 1000 + (n + 1) / 2 })
                    .as_object()
                    .unwrap()
                    .clone(),
                0,
            )
            .unwrap();
            insert_event(&connection, stream, &mut event).unwrap();
        }
        let titles = |events: &[Event]| events.iter().map(|event| event.title.clone()).collect::<Vec<_>>();
        let (first, next) = events(&connection, stream, &asked(Some(0), None)).unwrap();
        let (second, end) = events(&connection, stream, &asked(next, None)).unwrap();
        assert_eq!(end, None);
        let expected: Vec<_> = (0..MOST + 3).map(|n| n.to_string()).collect();
        assert_eq!([titles(&first), titles(&second)].concat(), expected);
        assert_eq!(
            titles(&events(&connection, stream, &asked(None, Some(2))).unwrap().0),
            expected[MOST + 1..]
        );
        assert!(events(&connection, stream, &asked(None, Some(20_000))).is_err());
    }
}

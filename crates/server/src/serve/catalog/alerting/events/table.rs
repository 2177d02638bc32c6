//! Events of incidents in the tables of annotations.

use super::begun::Begun;
use crate::serve::names::fold;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Tx, params};

/// The id of the annotation stream, made if it does not exist.
pub fn stream(tx: &Tx<'_>, name: &str) -> Result<i64, StoreError> {
    match rows::named(tx, "streams", &fold(name))? {
        Some(id) => Ok(id),
        None => {
            tx.id("INSERT INTO streams (key, name) VALUES (?1, ?2) RETURNING id", params![fold(name), name])
        }
    }
}

/// Inserts events, whose ids are given back in order.
pub fn insert(tx: &Tx<'_>, stream: i64, events: impl Iterator<Item = Begun>) -> Result<Vec<i64>, StoreError> {
    let sql = "INSERT INTO events (stream_id, title, description, source, start_time, links)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
    tx.many(sql, |many| {
        for Begun { title, description, source, at, links } in events {
            many.run(params![stream, title, description, source, at, links.to_string()])?;
        }
        Ok(())
    })
}

/// Ends the events of incidents, by the keys of these. Those that someone has deleted are gone.
pub fn end(tx: &Tx<'_>, ended: &[(String, i64)]) -> Result<(), StoreError> {
    let sql = "UPDATE events SET end_time = ?2 WHERE id = (SELECT event_id FROM incidents WHERE key = ?1)";
    tx.many(sql, |many| ended.iter().try_for_each(|(key, at)| many.run(params![key, at]))).map(drop)
}

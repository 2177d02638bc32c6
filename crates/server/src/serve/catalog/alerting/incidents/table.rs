//! The table of incidents.

use std::collections::HashMap;

use serde_json::json;

use super::incident::{Incident, how, word};
use crate::serve::catalog::alerting::meant::Meant;
use crate::serve::store::error::StoreError;
use crate::serve::store::page::{Conditions, Page, PageRequest, page_where};
use crate::serve::store::tx::{Row, Tx, params};
use crate::watch::How;

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> Result<Incident, StoreError> {
    let ended: Option<&str> = row.get("how")?;
    Ok(Incident {
        id: row.get("id")?,
        key: row.get("key")?,
        alert: row.get("alert_id")?,
        alert_name: row.get("alert")?,
        stream: row.get("stream")?,
        opened: row.get("opened")?,
        triggered: row.get("triggered")?,
        closed: row.get("closed")?,
        how: ended.map(|_| row.word("incidents", "how", how)).transpose()?,
        silent: row.get("silent")?,
        event: row.get("event_id")?,
        snapshot: row.json("incidents", "snapshot")?,
    })
}

/// The incident of this key.
pub fn find(tx: &Tx<'_>, key: &str) -> Result<Option<Incident>, StoreError> {
    tx.one("SELECT * FROM incidents WHERE key = ?1", params![key], from_row)
}

/// Which incidents are wanted.
pub struct Search {
    /// An id, a name or a pattern of names.
    pub alert: Option<String>,
    pub is_open: Option<bool>,
    /// A second in which, or after which, it was open.
    pub start: Option<i64>,
}

/// A page of incidents.
pub fn search(tx: &Tx<'_>, search: &Search, page: &PageRequest) -> Result<Page<Incident>, StoreError> {
    let alert = search.alert.as_deref().map(Meant::of);
    let mut wanted = Conditions::default();
    if let Some(alert) = &alert {
        alert.add(&mut wanted);
    }
    match search.is_open {
        None => {}
        Some(true) => wanted.hold("closed IS NULL"),
        Some(false) => wanted.hold("closed IS NOT NULL"),
    }
    if let Some(start) = &search.start {
        wanted.add(start, |at| format!("coalesce(closed, ?{at}) >= ?{at}"));
    }
    page_where(tx, "incidents", wanted, page, from_row)
}

/// When an alert fired, and from when on it was violated.
pub struct During {
    pub alert: i64,
    pub begin: Option<i64>,
    pub opened: i64,
    pub closed: Option<i64>,
}

/// The incidents of some alerts that were open at any second of a time, by when they opened.
pub fn during(tx: &Tx<'_>, alerts: &Vec<i64>, (start, end): (i64, i64)) -> Result<Vec<During>, StoreError> {
    const MOST: i64 = 500;
    let sql = format!(
        "SELECT * FROM incidents WHERE opened <= ?1 AND coalesce(closed, ?2) >= ?2 AND {} ORDER BY opened, id LIMIT ?3",
        tx.any("alert_id", 4)
    );
    let found = tx.all(&sql, params![end, start, MOST, alerts], from_row)?;
    let begin = |incident: &Incident| incident.snapshot.violations.iter().map(|one| one.begin).min();
    let during = |one: Incident| During {
        alert: one.alert,
        begin: begin(&one),
        opened: one.opened,
        closed: one.closed,
    };
    Ok(found.into_iter().map(during).collect())
}

/// What an alert has open.
pub fn open_of(tx: &Tx<'_>, alert: i64) -> Result<Vec<Incident>, StoreError> {
    let sql = "SELECT * FROM incidents WHERE alert_id = ?1 AND closed IS NULL ORDER BY id";
    tx.all(sql, params![alert], from_row)
}

/// Whether an alert has any open.
pub fn is_open(tx: &Tx<'_>, alert: i64) -> Result<bool, StoreError> {
    tx.exists("SELECT 1 FROM incidents WHERE alert_id = ?1 AND closed IS NULL", params![alert])
}

/// The alerts that fire, each with the time since when; newest first.
pub fn firing(tx: &Tx<'_>) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = "SELECT alert_id, min(opened) AS since FROM incidents WHERE closed IS NULL
        GROUP BY alert_id ORDER BY since DESC, alert_id";
    tx.all(sql, params![], |row| Ok((row.get("alert_id")?, row.get("since")?)))
}

/// The alerts that have ceased to fire since a second and do not again, each with the time when; newest first.
pub fn cleared(tx: &Tx<'_>, since: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    const MOST: i64 = 100;
    let sql = "SELECT alert_id, max(closed) AS ended FROM incidents WHERE closed > ?1
        AND alert_id IN (SELECT id FROM alerts)
        AND alert_id NOT IN (SELECT alert_id FROM incidents WHERE closed IS NULL)
        GROUP BY alert_id ORDER BY ended DESC, alert_id LIMIT ?2";
    tx.all(sql, params![since, MOST], |row| Ok((row.get("alert_id")?, row.get("ended")?)))
}

/// The alerts that have fired, each with the time when it last began to; newest first.
pub fn fired(tx: &Tx<'_>) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = "SELECT alert_id, max(opened) AS last FROM incidents WHERE alert_id IN (SELECT id FROM alerts)
        GROUP BY alert_id ORDER BY last DESC, alert_id";
    tx.all(sql, params![], |row| Ok((row.get("alert_id")?, row.get("last")?)))
}

/// Inserts open incidents.
pub fn open(tx: &Tx<'_>, incidents: &[Incident]) -> Result<(), StoreError> {
    if incidents.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO incidents (key, alert_id, alert, stream, opened, silent, snapshot)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    tx.many(sql, |many| {
        incidents.iter().try_for_each(|incident| {
            let Incident { key, alert, alert_name, stream, opened, silent, snapshot, .. } = incident;
            many.run(params![key, alert, alert_name, stream, opened, silent, json!(snapshot).to_string()])
        })
    })
    .map(drop)
}

/// Closes incidents, by their keys.
pub fn close(tx: &Tx<'_>, closed: &[(String, i64, How)]) -> Result<(), StoreError> {
    if closed.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE incidents SET closed = ?2, how = ?3 WHERE key = ?1 AND closed IS NULL";
    tx.many(sql, |many| closed.iter().try_for_each(|(key, at, how)| many.run(params![key, at, word(*how)])))
        .map(drop)
}

/// Notes triggers, by the keys of incidents: when, and the event that was made of the first one.
pub fn trigger(tx: &Tx<'_>, triggered: &[(String, i64, Option<i64>)]) -> Result<(), StoreError> {
    if triggered.is_empty() {
        return Ok(());
    }
    let sql =
        "UPDATE incidents SET triggered = ?2, event_id = coalesce(event_id, ?3), silent = 0 WHERE key = ?1";
    tx.many(sql, |many| triggered.iter().try_for_each(|(key, at, event)| many.run(params![key, at, event])))
        .map(drop)
}

/// When incidents opened, by their keys.
pub fn opened(tx: &Tx<'_>, keys: &Vec<String>) -> Result<HashMap<String, i64>, StoreError> {
    let sql = format!("SELECT key, opened FROM incidents WHERE {}", tx.any("key", 1));
    let found = tx.all(&sql, params![keys], |row| Ok((row.get("key")?, row.get("opened")?)))?;
    Ok(found.into_iter().collect())
}

/// The events of incidents, by the keys of these.
pub fn events(tx: &Tx<'_>, keys: &Vec<String>) -> Result<HashMap<String, i64>, StoreError> {
    let any = tx.any("key", 1);
    let sql = format!("SELECT key, event_id FROM incidents WHERE {any} AND event_id IS NOT NULL");
    let found = tx.all(&sql, params![keys], |row| Ok((row.get("key")?, row.get("event_id")?)))?;
    Ok(found.into_iter().collect())
}

//! The table of deliveries.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::delivery::{Delivery, Kind, Payload, Service, Status};
use crate::serve::catalog::alerting::meant::Meant;
use crate::serve::store::error::StoreError;
use crate::serve::store::page::{Conditions, Page, PageRequest, page_where};
use crate::serve::store::tx::{Row, Tx, params};

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let payload: Value = row.json("deliveries", "payload")?;
    let payload = if is_message(&payload) {
        Payload::Message(Box::new(row.json("deliveries", "payload")?))
    } else {
        Payload::Summary(payload)
    };
    Ok(Delivery {
        id: row.get("id")?,
        key: row.get("key")?,
        seq: row.get("seq")?,
        alert: row.get("alert_id")?,
        alert_name: row.get("alert")?,
        service: Service {
            id: row.get("service_id")?,
            kind: row.get("service_type")?,
            title: row.get("service_title")?,
        },
        kind: row.word("deliveries", "kind", Kind::of)?,
        at: row.get("at")?,
        created_at: row.get("created_at")?,
        next_at: row.get("next_at")?,
        attempts: row.get("attempts")?,
        first_at: row.get("first_at")?,
        last_at: row.get("last_at")?,
        ended_at: row.get("ended_at")?,
        status: row.word("deliveries", "status", Status::of)?,
        in_doubt: row.get("in_doubt")?,
        digest: row.get("digest")?,
        detail: row.get("detail")?,
        rest: row.json("deliveries", "rest")?,
        payload,
    })
}

/// Whether a payload is all that is to be told, not the summary that is left of it.
fn is_message(payload: &Value) -> bool {
    payload.get("what").is_some()
}

/// Which deliveries are wanted.
pub struct Search {
    /// An id, a name or a pattern of names.
    pub alert: Option<String>,
    /// An id or a title.
    pub service: Option<String>,
    pub status: Option<Status>,
    /// The earliest second in which it was made.
    pub start: Option<i64>,
}

/// A page of deliveries.
pub fn search(tx: &Tx<'_>, search: &Search, page: &PageRequest) -> Result<Page<Delivery>, StoreError> {
    let alert = search.alert.as_deref().map(Meant::of);
    let status = search.status.map(Status::name);
    let id: Option<i64> = search.service.as_deref().and_then(|service| service.parse().ok());
    let mut wanted = Conditions::default();
    if let Some(alert) = &alert {
        alert.add(&mut wanted);
    }
    match (&id, &search.service) {
        (Some(id), _) => wanted.add(id, |at| format!("service_id = ?{at}")),
        (None, Some(title)) => wanted.add(title, |at| format!("service_title = ?{at}")),
        (None, None) => {}
    }
    if let Some(status) = &status {
        wanted.add(status, |at| format!("status = ?{at}"));
    }
    if let Some(start) = &search.start {
        wanted.add(start, |at| format!("created_at >= ?{at}"));
    }
    page_where(tx, "deliveries", wanted, page, from_row)
}

/// The triggers that wait and certainly did not arrive.
pub fn withdrawable(tx: &Tx<'_>) -> Result<Vec<Delivery>, StoreError> {
    let sql =
        "SELECT * FROM deliveries WHERE status = 'waiting' AND kind = 'trigger' AND in_doubt = 0 ORDER BY id";
    tx.all(sql, params![], from_row)
}

/// Those of these triggers that were given up and that no service has, or may yet get. What may have arrived at a far end that failed
/// does not count as heard.
pub fn unheard(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT * FROM deliveries AS one WHERE {} AND kind = 'trigger' AND status IN ('failed', 'expired', 'unsupported')
         AND NOT EXISTS (SELECT 1 FROM deliveries AS other WHERE other.key = one.key AND other.seq >= one.seq
            AND other.kind = 'trigger' AND (other.status IN ('waiting', 'sent', 'held') OR other.digest IS NOT NULL))",
        tx.any("one.id", 1)
    );
    tx.all(&sql, params![ids], from_row)
}

/// Withdraws deliveries, since they are silenced.
pub fn silence(tx: &Tx<'_>, ids: &Vec<i64>, now: i64) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE deliveries SET status = 'silenced', ended_at = ?2 WHERE {} AND status = 'waiting' AND in_doubt = 0",
        tx.any("id", 1)
    );
    tx.execute(&sql, params![ids, now]).map(drop)
}

/// Puts deliveries into the outbox. One that is there already stays as it is.
pub fn insert(tx: &Tx<'_>, deliveries: &[Delivery]) -> Result<(), StoreError> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO deliveries (key, seq, alert_id, alert, service_id, service_type, service_title, kind, at,
        created_at, next_at, attempts, ended_at, status, in_doubt, rest, payload)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, 0, '[]', ?14)
        ON CONFLICT (key, service_id, seq) DO NOTHING";
    tx.many(sql, |many| {
        deliveries.iter().try_for_each(|delivery| {
            let Delivery { key, seq, alert, alert_name, service, at, created_at, next_at, .. } = delivery;
            let (kind, status) = (delivery.kind.name(), delivery.status.name());
            let payload = match &delivery.payload {
                Payload::Message(message) => json!(message).to_string(),
                Payload::Summary(summary) => summary.to_string(),
            };
            let Service { id, kind: service_type, title } = service;
            many.run(params![
                key,
                seq,
                alert,
                alert_name,
                id,
                service_type,
                title,
                kind,
                at,
                created_at,
                next_at,
                delivery.ended_at,
                status,
                payload
            ])
        })
    })
    .map(drop)
}

/// Of these incidents, which services have, may have or may yet get a trigger.
pub fn told(tx: &Tx<'_>, keys: &Vec<String>) -> Result<HashSet<(String, i64)>, StoreError> {
    let any = tx.any("key", 1);
    let sql = format!(
        "SELECT key, service_id FROM deliveries WHERE {any} AND kind = 'trigger'
         AND (status IN ('waiting', 'sent') OR in_doubt <> 0 OR digest IS NOT NULL)"
    );
    let found = tx.all(&sql, params![keys], |row| Ok((row.get("key")?, row.get("service_id")?)))?;
    Ok(found.into_iter().collect())
}

/// What became of a trigger at one service.
pub struct Trigger {
    pub key: String,
    pub service: i64,
    pub title: String,
    pub status: Status,
    pub attempts: i64,
    /// It went along in a digest.
    pub carried: bool,
}

/// The triggers of these incidents, each incident's in order.
pub fn triggers(tx: &Tx<'_>, keys: &Vec<String>) -> Result<Vec<Trigger>, StoreError> {
    let any = tx.any("key", 1);
    let sql = format!(
        "SELECT key, service_id, service_title, status, attempts, digest IS NOT NULL AS carried FROM deliveries
         WHERE {any} AND kind = 'trigger' ORDER BY key, service_id, seq"
    );
    tx.all(&sql, params![keys], |row| {
        Ok(Trigger {
            key: row.get("key")?,
            service: row.get("service_id")?,
            title: row.get("service_title")?,
            status: row.word("deliveries", "status", Status::of)?,
            attempts: row.get("attempts")?,
            carried: row.get("carried")?,
        })
    })
}

/// What was said of an incident.
#[derive(Debug, Default)]
pub struct Numbers {
    /// The services that it was said to.
    pub services: Vec<i64>,
    /// The number of what is said next.
    pub next: u32,
}

/// What was said of these incidents, by their keys.
pub fn numbers(tx: &Tx<'_>, keys: &Vec<String>) -> Result<HashMap<String, Numbers>, StoreError> {
    let any = tx.any("key", 1);
    let sql = format!(
        "SELECT key, service_id, max(seq) AS last FROM deliveries WHERE {any} GROUP BY key, service_id"
    );
    let mut all: HashMap<String, Numbers> = HashMap::new();
    tx.each(&sql, params![keys], |row| {
        let numbers = all.entry(row.get("key")?).or_default();
        numbers.services.push(row.get("service_id")?);
        let next = u32::try_from(row.get::<i64>("last")?).unwrap_or(u32::MAX).saturating_add(1);
        numbers.next = numbers.next.max(next);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

/// Gives up what waits for a service that is deleted.
pub fn give_up(tx: &Tx<'_>, service: i64, now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE deliveries SET status = 'failed', ended_at = ?2, detail = 'The service was deleted.'
        WHERE service_id = ?1 AND status = 'waiting'";
    tx.execute(sql, params![service, now]).map(drop)
}

/// Lets go what is held back: the last that open incidents say. What was said before is replaced by it, and what is over is dropped.
/// How many go.
pub fn release(tx: &Tx<'_>, now: i64) -> Result<u64, StoreError> {
    let over = "UPDATE deliveries SET status = 'dropped', ended_at = ?1 WHERE status = 'held'
        AND key NOT IN (SELECT key FROM incidents WHERE closed IS NULL)";
    let earlier = "UPDATE deliveries SET status = 'replaced', ended_at = ?1 WHERE status = 'held'
        AND EXISTS (SELECT 1 FROM deliveries AS later WHERE later.key = deliveries.key
            AND later.service_id = deliveries.service_id AND later.seq > deliveries.seq)";
    let go = "UPDATE deliveries SET status = 'waiting', next_at = ?1, created_at = ?1 WHERE status = 'held'";
    for sql in [over, earlier] {
        tx.execute(sql, params![now])?;
    }
    tx.execute(go, params![now])
}

/// No one is notified any more: whatever waits is muted. How many.
pub fn mute(tx: &Tx<'_>, now: i64) -> Result<u64, StoreError> {
    let sql = "UPDATE deliveries SET status = 'muted', ended_at = ?1, detail = 'The server was started to notify nobody.'
        WHERE status = 'waiting'";
    tx.execute(sql, params![now])
}

/// Someone is notified again: clears that were muted go to who was, or may have been, told of the trigger, so that no pager is left
/// hanging. With `triggers` so does the last that open incidents say. Of some that were muted long ago only a summary is left; those
/// stay. How many go.
pub fn unmute(tx: &Tx<'_>, now: i64, triggers: bool) -> Result<u64, StoreError> {
    let clears = "SELECT id, payload FROM deliveries WHERE status = 'muted' AND kind = 'clear'
        AND EXISTS (SELECT 1 FROM deliveries AS told WHERE told.key = deliveries.key
            AND told.service_id = deliveries.service_id AND told.kind = 'trigger'
            AND (told.status = 'sent' OR told.in_doubt <> 0 OR told.digest IS NOT NULL))";
    let open = "SELECT id, payload FROM deliveries WHERE status = 'muted' AND kind = 'trigger'
        AND key IN (SELECT key FROM incidents WHERE closed IS NULL)
        AND NOT EXISTS (SELECT 1 FROM deliveries AS later WHERE later.key = deliveries.key
            AND later.service_id = deliveries.service_id AND later.seq > deliveries.seq)";
    let mut ids: Vec<i64> = Vec::new();
    for sql in [Some(clears), triggers.then_some(open)].into_iter().flatten() {
        tx.each(sql, params![], |row| {
            if is_message(&row.json("deliveries", "payload")?) {
                ids.push(row.get("id")?);
            }
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
    }
    let go = format!(
        "UPDATE deliveries SET status = 'waiting', ended_at = NULL, detail = NULL, next_at = ?1, created_at = ?1
         WHERE {}",
        tx.any("id", 2)
    );
    tx.execute(&go, params![now, &ids])
}

//! What the dispatcher asks of the table of deliveries, and what it writes there.

use std::collections::{BTreeMap, BTreeSet};

use crate::serve::catalog::alerting::deliveries::delivery::{Delivery, Status};
use crate::serve::catalog::alerting::deliveries::table::from_row;
use crate::serve::catalog::alerting::silences::silence::{Phase, Silence};
use crate::serve::catalog::alerting::silences::table as silences;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// What waits for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub service: i64,
    /// Its type when the newest of it was made.
    pub kind: String,
    pub waiting: i64,
    /// Of these, how many are due.
    pub due: i64,
    /// When the oldest of it was made.
    pub oldest: i64,
    /// Since when the one has been due that waits longest for its first attempt.
    pub untried: Option<i64>,
}

/// When a delivery is due: at its time, and at once where the clock has been set back since it was put off.
const DUE: &str = "(next_at <= ?1 OR COALESCE(last_at, created_at) > ?1)";

/// What waits, by service.
pub fn queues(tx: &Tx<'_>, now: i64) -> Result<Vec<Queue>, StoreError> {
    let sql = format!(
        "SELECT service_id, MAX(service_type) AS kind, COUNT(*) AS waiting, MIN(created_at) AS oldest,
        SUM(CASE WHEN {DUE} THEN 1 ELSE 0 END) AS due,
        MIN(CASE WHEN attempts = 0 AND next_at <= ?1 THEN next_at END) AS untried
        FROM deliveries WHERE status = 'waiting' GROUP BY service_id ORDER BY MIN(next_at), service_id"
    );
    tx.all(&sql, params![now], |row| {
        Ok(Queue {
            service: row.get("service_id")?,
            kind: row.get("kind")?,
            waiting: row.get("waiting")?,
            due: row.get("due")?,
            oldest: row.get("oldest")?,
            untried: row.get("untried")?,
        })
    })
}

/// The first that waits of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub delivery: Delivery,
    /// A newer trigger of the incident waits, too.
    pub outdated: bool,
    /// The service has, may have or may yet get a trigger of the incident.
    pub told: bool,
    /// It is a trigger, and behind it waits the clear of its incident.
    pub over: bool,
}

/// The first `most` of what is due for a service, of each incident only the first that waits.
pub fn heads(tx: &Tx<'_>, service: i64, now: i64, most: usize) -> Result<Vec<Head>, StoreError> {
    let sql = format!(
        "SELECT *,
        EXISTS (SELECT 1 FROM deliveries AS other WHERE other.key = first.key
            AND other.service_id = first.service_id AND other.seq > first.seq AND other.status = 'waiting'
            AND other.kind = 'trigger') AS outdated,
        EXISTS (SELECT 1 FROM deliveries AS other WHERE other.key = first.key
            AND other.service_id = first.service_id AND other.kind = 'trigger'
            AND (other.status IN ('waiting', 'sent') OR other.in_doubt <> 0 OR other.digest IS NOT NULL)) AS told,
        first.kind = 'trigger' AND EXISTS (SELECT 1 FROM deliveries AS other WHERE other.key = first.key
            AND other.service_id = first.service_id AND other.kind = 'clear' AND other.status = 'waiting') AS over
        FROM deliveries AS first WHERE status = 'waiting' AND service_id = ?2 AND {DUE}
        AND NOT EXISTS (SELECT 1 FROM deliveries AS other WHERE other.key = first.key
            AND other.service_id = first.service_id AND other.seq < first.seq AND other.status = 'waiting')
        ORDER BY id LIMIT ?3"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    tx.all(&sql, params![now, service, most], |row| {
        let (outdated, told, over) = (row.get("outdated")?, row.get("told")?, row.get("over")?);
        Ok(Head { delivery: from_row(row)?, outdated, told, over })
    })
}

/// The silences that hold now.
pub fn silences_at(tx: &Tx<'_>, now: i64) -> Result<Vec<Silence>, StoreError> {
    let all = silences::watched(tx, now)?;
    Ok(all.into_iter().filter(|one| one.phase(now) == Phase::Active).collect())
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub id: i64,
    pub status: Status,
    /// Whether it was attempted.
    pub tried: bool,
    pub next_at: i64,
    pub in_doubt: bool,
    pub digest: Option<i64>,
    pub detail: Option<String>,
    pub rest: Vec<String>,
}

/// Writes what became of deliveries. What has ended meanwhile stays, but for triggers that were withdrawn while they were under way: those
/// may have arrived all the same, and then their clears must go, too.
pub fn write(tx: &Tx<'_>, all: &[Written], now: i64) -> Result<(), StoreError> {
    underway(tx, all, now)?;
    let sql = "UPDATE deliveries SET status = ?2, next_at = ?3, attempts = attempts + ?4,
        first_at = CASE WHEN ?4 = 1 THEN COALESCE(first_at, ?5) ELSE first_at END,
        last_at = CASE WHEN ?4 = 1 THEN ?5 ELSE last_at END,
        ended_at = ?6, in_doubt = ?7, digest = ?8, detail = ?9, rest = ?10
        WHERE id = ?1 AND status = 'waiting'";
    tx.many(sql, |many| {
        all.iter().try_for_each(|one| {
            let ended = one.status.is_end().then_some(now);
            let rest = serde_json::to_string(&one.rest).map_err(StoreError::internal)?;
            many.run(params![
                one.id,
                one.status.name(),
                one.next_at,
                i64::from(one.tried),
                now,
                ended,
                one.in_doubt,
                one.digest,
                one.detail,
                rest
            ])
        })
    })
    .map(drop)
}

fn underway(tx: &Tx<'_>, all: &[Written], now: i64) -> Result<(), StoreError> {
    let arrived = |one: &&Written| one.status == Status::Sent || one.in_doubt || one.digest.is_some();
    let told = "UPDATE deliveries SET status = CASE WHEN ?2 = 'sent' THEN ?2 ELSE status END, attempts = attempts + 1,
        first_at = COALESCE(first_at, ?3), last_at = ?3, in_doubt = ?4, digest = ?5
        WHERE id = ?1 AND kind = 'trigger' AND status = 'silenced'";
    let clears = "UPDATE deliveries SET status = 'waiting', ended_at = NULL, detail = NULL, next_at = ?2
        WHERE kind = 'clear' AND status = 'dropped'
        AND (key, service_id) IN (SELECT key, service_id FROM deliveries WHERE id = ?1)";
    for one in all.iter().filter(|one| one.tried).filter(arrived) {
        let params = params![one.id, one.status.name(), now, one.in_doubt, one.digest];
        if tx.execute(told, params)? > 0 {
            tx.execute(clears, params![one.id, now])?;
        }
    }
    Ok(())
}

/// The services that active alerts tell, and how many alerts that are.
pub fn attached(tx: &Tx<'_>) -> Result<BTreeMap<i64, i64>, StoreError> {
    let sql = "SELECT alert_services.service_id AS id, COUNT(*) AS alerts FROM alert_services
        JOIN alerts ON alerts.id = alert_services.alert_id WHERE alerts.active <> 0 GROUP BY alert_services.service_id";
    let all = tx.all(sql, params![], |row| Ok((row.get("id")?, row.get("alerts")?)))?;
    Ok(all.into_iter().collect())
}

/// Those of these deliveries that wait.
pub fn waiting(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<BTreeSet<i64>, StoreError> {
    let sql = format!("SELECT id FROM deliveries WHERE {} AND status = 'waiting'", tx.any("id", 1));
    Ok(tx.all(&sql, params![ids], |row| row.get("id"))?.into_iter().collect())
}

/// A delivery that was sent or given up.
pub struct Ended {
    pub id: i64,
    pub service: i64,
    pub kind: String,
    pub title: String,
    pub status: Status,
    pub detail: Option<String>,
    pub at: i64,
}

/// What was sent or given up since a second, in order.
pub fn ended(tx: &Tx<'_>, since: i64) -> Result<Vec<Ended>, StoreError> {
    let sql = "SELECT id, service_id, service_type, service_title, status, detail, ended_at FROM deliveries
        WHERE ended_at >= ?1 AND status IN ('sent', 'failed', 'expired', 'unsupported') ORDER BY ended_at, id";
    tx.all(sql, params![since], |row| {
        Ok(Ended {
            id: row.get("id")?,
            service: row.get("service_id")?,
            kind: row.get("service_type")?,
            title: row.get("service_title")?,
            status: row.word("deliveries", "status", Status::of)?,
            detail: row.get("detail")?,
            at: row.get("ended_at")?,
        })
    })
}

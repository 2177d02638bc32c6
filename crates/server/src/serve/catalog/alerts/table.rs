//! The tables of alerts, their conditions and the services they notify.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::alert::Alert;
use super::condition::{Condition, Test};
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::catalog::services::table::{self as services, Service};
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::page::{Conditions, Page, PageRequest, page_where};
use crate::serve::store::rows;
use crate::serve::store::tx::{Many, Row, Tx, params};

/// An alert and the services it notifies, as every read of an alert shows them.
pub struct Full {
    pub alert: Alert,
    pub services: Vec<Arc<Service>>,
    /// Where it is being changed, what it was before.
    pub edited: Option<Edited>,
}

/// An alert before a change, and how alerts are evaluated.
pub struct Edited {
    pub before: Alert,
    pub by: Evaluation,
}

impl Full {
    /// Without what is only shown.
    pub fn new(alert: Alert) -> Full {
        Full { alert, services: Vec::new(), edited: None }
    }

    /// About to be changed.
    pub fn edited(self, by: &Evaluation) -> Full {
        let edited = Edited { before: self.alert.clone(), by: by.clone() };
        Full { edited: Some(edited), ..self }
    }
}

/// The columns of the table; conditions and services come from [`complete`].
pub fn from_row(row: &Row<'_>) -> Result<Alert, StoreError> {
    Ok(Alert {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        conditions: Vec::new(),
        services: Vec::new(),
        attributes: row.json("alerts", "attributes")?,
        active: row.get("active")?,
        rearm_seconds: row.get("rearm_seconds")?,
        rearm_per_signal: row.get("rearm_per_signal")?,
        md: row.get("md")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        revision: row.get("revision")?,
        incidents: u64::try_from(row.get::<i64>("incidents")?).map_err(StoreError::internal)?,
    })
}

/// Adds conditions and services to any number of alerts that come from rows, with as many queries as one takes.
pub fn complete(tx: &Tx<'_>, mut alerts: Vec<Alert>) -> Result<Vec<Full>, StoreError> {
    fill(tx, &mut alerts)?;
    // Most alerts notify the same few.
    let ids: BTreeSet<i64> = alerts.iter().flat_map(|alert| alert.services.iter().copied()).collect();
    let known = services::get_all(tx, &Vec::from_iter(ids))?;
    let full = |alert: Alert| {
        let services = alert.services.iter().filter_map(|id| known.get(id).cloned()).collect();
        Full { services, ..Full::new(alert) }
    };
    Ok(alerts.into_iter().map(full).collect())
}

/// Adds conditions and ids of services to alerts that come from rows.
fn fill(tx: &Tx<'_>, alerts: &mut [Alert]) -> Result<(), StoreError> {
    let ids: Vec<i64> = alerts.iter().map(|alert| alert.id).collect();
    let places: HashMap<i64, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let any = tx.any("alert_id", 1);
    let sql = format!("SELECT * FROM conditions WHERE {any} ORDER BY alert_id, position");
    let conditions =
        tx.all(&sql, params![ids], |row| Ok((row.get("alert_id")?, condition_from_row(row)?)))?;
    for (alert, condition) in conditions {
        if let Some(place) = places.get(&alert) {
            alerts[*place].conditions.push(condition);
        }
    }
    let sql =
        format!("SELECT alert_id, service_id FROM alert_services WHERE {any} ORDER BY alert_id, position");
    tx.each(&sql, params![ids], |row| {
        if let Some(place) = places.get(&row.get("alert_id")?) {
            alerts[*place].services.push(row.get("service_id")?);
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}

fn condition_from_row(row: &Row<'_>) -> Result<Condition, StoreError> {
    let above = row.word("conditions", "type", |name| match name {
        "absent" => Some(None),
        "above" => Some(Some(true)),
        "below" => Some(Some(false)),
        _ => None,
    })?;
    let duration: Option<i64> = row.get("duration")?;
    let test = match above {
        None => Test::Absent { duration: duration.unwrap_or_default() },
        Some(above) => Test::Threshold {
            above,
            threshold: row.get("threshold")?,
            function: row.get("summary_function")?,
            duration,
            detect_reset: row.get("detect_reset")?,
        },
    };
    Ok(Condition {
        id: row.get("id")?,
        test,
        metric_name: row.get("metric_name")?,
        source: row.get("source")?,
        tags: row.json("conditions", "tags")?,
        since: row.get("since")?,
    })
}

/// Which alert a path means: a number is an id, anything else a name.
pub fn find(tx: &Tx<'_>, id_or_name: &str) -> Result<Full, Refusal> {
    complete(tx, vec![meant(tx, id_or_name, from_row)?])?.pop().ok_or(Refusal::Missing)
}

/// The same without what is only shown.
pub fn find_bare(tx: &Tx<'_>, id_or_name: &str) -> Result<Full, Refusal> {
    let mut alert = meant(tx, id_or_name, from_row)?;
    fill(tx, std::slice::from_mut(&mut alert))?;
    Ok(Full::new(alert))
}

/// The id of the alert a path means, also when the rest of it cannot be read.
pub fn id_of(tx: &Tx<'_>, id_or_name: &str) -> Result<i64, Refusal> {
    meant(tx, id_or_name, |row| row.get("id"))
}

fn meant<T>(
    tx: &Tx<'_>,
    id_or_name: &str,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<T, Refusal> {
    let found = match id_or_name.parse::<i64>() {
        Ok(id) => tx.one("SELECT * FROM alerts WHERE id = ?1", params![id], row),
        Err(_) => tx.one("SELECT * FROM alerts WHERE key = ?1", params![fold(id_or_name)], row),
    };
    found?.ok_or(Refusal::Missing)
}

/// Writes the alert as it is, inserting it when it has no id yet, and gives the services that it notifies. What is the same as `before` is left as
/// it is kept.
pub fn save(tx: &Tx<'_>, alert: &mut Alert, before: Option<&Alert>) -> Result<Vec<Arc<Service>>, Refusal> {
    let is_new = alert.id == 0;
    alert.id = save_row(tx, alert).map_err(|error| match error {
        StoreError::Taken => Refusal::Taken("name"),
        error => error.into(),
    })?;
    if before.is_none_or(|before| before.conditions != alert.conditions) {
        save_conditions(tx, alert, is_new)?;
    }
    let services = services_of(tx, alert)?;
    if before.is_none_or(|before| before.services != alert.services) {
        save_services(tx, alert, is_new)?;
    }
    Ok(services)
}

fn save_row(tx: &Tx<'_>, alert: &Alert) -> Result<i64, StoreError> {
    let (key, attributes) = (fold(&alert.name), json!(alert.attributes).to_string());
    let Alert { name, description, active, rearm_seconds, rearm_per_signal, md, updated_at, .. } = alert;
    if alert.id == 0 {
        let sql = "INSERT INTO alerts (key, name, description, attributes, active, rearm_seconds, rearm_per_signal, md,
            updated_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id";
        let last = alert.created_at;
        return tx.id(
            sql,
            params![
                key,
                name,
                description,
                attributes,
                active,
                rearm_seconds,
                rearm_per_signal,
                md,
                updated_at,
                last
            ],
        );
    }
    let sql = "UPDATE alerts SET key = ?1, name = ?2, description = ?3, attributes = ?4, active = ?5, rearm_seconds = ?6,
        rearm_per_signal = ?7, md = ?8, updated_at = ?9, revision = revision + 1 WHERE id = ?10 RETURNING id";
    tx.id(
        sql,
        params![
            key,
            name,
            description,
            attributes,
            active,
            rearm_seconds,
            rearm_per_signal,
            md,
            updated_at,
            alert.id
        ],
    )
}

/// A condition that comes with an id this alert has keeps it; any other gets a new one.
fn save_conditions(tx: &Tx<'_>, alert: &mut Alert, is_new: bool) -> Result<(), StoreError> {
    let delete = "DELETE FROM conditions WHERE alert_id = ?1 RETURNING id";
    let owned = if is_new { Vec::new() } else { tx.all(delete, params![alert.id], |row| row.get("id"))? };
    let mut owned: HashSet<i64> = owned.into_iter().collect();
    for condition in &mut alert.conditions {
        condition.id = condition.id.filter(|id| owned.remove(id));
    }
    let (kept, new): (Vec<_>, Vec<_>) =
        (0_i64..).zip(&alert.conditions).partition(|(_, condition)| condition.id.is_some());
    if !kept.is_empty() {
        let sql = "INSERT INTO conditions (alert_id, position, type, metric_name, source, tags, threshold,
            summary_function, duration, detect_reset, since, id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        tx.many(sql, |rows| {
            kept.iter().try_for_each(|(position, condition)| put(rows, alert.id, *position, condition))
        })?;
    }
    if !new.is_empty() {
        let sql = "INSERT INTO conditions (alert_id, position, type, metric_name, source, tags, threshold,
            summary_function, duration, detect_reset, since)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id";
        let made = tx.many(sql, |rows| {
            new.iter().try_for_each(|(position, condition)| put(rows, alert.id, *position, condition))
        })?;
        let new = alert.conditions.iter_mut().filter(|condition| condition.id.is_none());
        new.zip(made).for_each(|(condition, id)| condition.id = Some(id));
    }
    Ok(())
}

/// Inserts a condition, with its id at the end if it has one.
fn put(rows: &mut Many<'_>, alert: i64, position: i64, condition: &Condition) -> Result<(), StoreError> {
    let (threshold, function, duration, detect_reset) = match &condition.test {
        Test::Threshold { threshold, function, duration, detect_reset, .. } => {
            (Some(*threshold), function.as_deref(), *duration, *detect_reset)
        }
        Test::Absent { duration } => (None, None, Some(*duration), None),
    };
    let (kind, Condition { id, metric_name, source, since, .. }) = (condition.test.name(), condition);
    let tags = json!(condition.tags).to_string();
    let values = params![
        alert,
        position,
        kind,
        metric_name,
        source,
        tags,
        threshold,
        function,
        duration,
        detect_reset,
        since,
        id
    ];
    rows.run(if id.is_some() { values } else { &values[..values.len() - 1] })
}

/// The services that an alert is to notify, all of which must be there.
fn services_of(tx: &Tx<'_>, alert: &Alert) -> Result<Vec<Arc<Service>>, Refusal> {
    let known = services::get_all(tx, &alert.services)?;
    let mut services = Vec::with_capacity(alert.services.len());
    for id in &alert.services {
        let service = known.get(id);
        let unknown = || Refusal::field("services", format!("there is no service with id {id}"));
        services.push(Arc::clone(service.ok_or_else(unknown)?));
    }
    Ok(services)
}

fn save_services(tx: &Tx<'_>, alert: &Alert, is_new: bool) -> Result<(), StoreError> {
    if !is_new {
        tx.execute("DELETE FROM alert_services WHERE alert_id = ?1", params![alert.id])?;
    }
    let sql = "INSERT INTO alert_services (alert_id, service_id, position) VALUES (?1, ?2, ?3)";
    tx.many(sql, |rows| {
        let mut placed = (0_i64..).zip(&alert.services);
        placed.try_for_each(|(position, id)| rows.run(params![alert.id, id, position]))
    })
    .map(drop)
}

/// A page of the ids of alerts: of all, or of those of these that are there.
pub fn ids(tx: &Tx<'_>, of: Option<&Vec<i64>>, page: &PageRequest) -> Result<Page<i64>, StoreError> {
    let mut wanted = Conditions::default();
    if let Some(of) = of {
        wanted.add(of, |at| tx.any("id", at));
    }
    page_where(tx, "alerts", wanted, page, |row| row.get("id"))
}

/// The revisions of all alerts, which tell what was changed since they were last looked at.
pub fn revisions(tx: &Tx<'_>) -> Result<HashMap<i64, i64>, StoreError> {
    let all = tx.all("SELECT id, revision FROM alerts", params![], |row| {
        Ok((row.get("id")?, row.get("revision")?))
    })?;
    Ok(all.into_iter().collect())
}

/// The revisions of those of these alerts that are there.
pub fn revisions_of(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<HashMap<i64, i64>, StoreError> {
    let sql = format!("SELECT id, revision FROM alerts WHERE {}", tx.any("id", 1));
    let found = tx.all(&sql, params![ids], |row| Ok((row.get("id")?, row.get("revision")?)))?;
    Ok(found.into_iter().collect())
}

/// Those of these alerts that are there, complete but for what is only shown.
pub fn get_all(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<Vec<Alert>, StoreError> {
    let sql = format!("SELECT * FROM alerts WHERE {} ORDER BY id", tx.any("id", 1));
    let mut alerts = tx.all(&sql, params![ids], from_row)?;
    fill(tx, &mut alerts)?;
    Ok(alerts)
}

/// The same without those that cannot be read, which are logged.
pub fn readable(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<Vec<Alert>, StoreError> {
    match get_all(tx, ids) {
        Err(StoreError::Damaged { .. }) => {}
        found => return found,
    }
    let mut alerts = Vec::with_capacity(ids.len());
    for id in ids {
        match get_all(tx, &vec![*id]) {
            Ok(found) => alerts.extend(found),
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(target: "librato_apply::serve", "the alert {id} is left out: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(alerts)
}

/// The alerts with a condition on the metric of this folded name.
pub fn naming(tx: &Tx<'_>, key: &str) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT DISTINCT alert_id FROM conditions WHERE lower(metric_name) = ?1 ORDER BY alert_id";
    tx.all(sql, params![key], |row| row.get("alert_id"))
}

/// The names of those of these alerts that are there, by their ids.
pub fn names(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = format!("SELECT id, name FROM alerts WHERE {} ORDER BY id", tx.any("id", 1));
    tx.all(&sql, params![ids], |row| Ok((row.get("id")?, row.get("name")?)))
}

/// The alerts that notify a service.
pub fn notifying(tx: &Tx<'_>, service: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT alert_id FROM alert_services WHERE service_id = ?1 ORDER BY alert_id";
    tx.all(sql, params![service], |row| row.get("alert_id"))
}

/// Notes the numbers of the last incidents of alerts.
pub fn count_incidents(tx: &Tx<'_>, last: &[(i64, i64)]) -> Result<(), StoreError> {
    if last.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE alerts SET incidents = ?2 WHERE id = ?1 AND incidents < ?2";
    tx.many(sql, |many| last.iter().try_for_each(|(id, last)| many.run(params![id, last]))).map(drop)
}

/// Says of alerts that they, or their states, are not any more as evaluation knows them.
pub fn revise(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<(), StoreError> {
    let sql = format!("UPDATE alerts SET revision = revision + 1 WHERE {}", tx.any("id", 1));
    tx.execute(&sql, params![ids]).map(drop)
}

/// Deletes the alert with its conditions and its links to services.
pub fn delete(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    rows::delete(tx, "alerts", id).map(drop)
}

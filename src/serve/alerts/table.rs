//! The tables of alerts, their conditions and the services they notify.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;

use super::alert::Alert;
use super::condition::{Condition, Test};
use crate::serve::http::by_id;
use crate::serve::http::problem::Problem;
use crate::serve::names::fold;
use crate::serve::services::table::{self as services, Service};
use crate::serve::store::column;

/// An alert and the services it notifies, as every read of an alert shows them.
pub struct Full {
    pub alert: Alert,
    pub services: Vec<Arc<Service>>,
}

/// The columns of the table; conditions and services come from [`complete`].
pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Alert> {
    Ok(Alert {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        conditions: Vec::new(),
        services: Vec::new(),
        attributes: column::json(row, "alerts", "attributes")?,
        active: row.get("active")?,
        rearm_seconds: row.get("rearm_seconds")?,
        rearm_per_signal: row.get("rearm_per_signal")?,
        md: row.get("md")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// Adds conditions and services to any number of alerts that come from rows, with as many queries as one takes.
pub fn complete(connection: &Connection, mut alerts: Vec<Alert>) -> Result<Vec<Full>, Problem> {
    let ids = json!(alerts.iter().map(|alert| alert.id).collect::<Vec<_>>()).to_string();
    let mut places = HashMap::with_capacity(alerts.len());
    places.extend(alerts.iter().enumerate().map(|(place, alert)| (alert.id, place)));
    let sql = "SELECT * FROM conditions WHERE alert_id IN (SELECT value FROM json_each(?1)) ORDER BY alert_id, position";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([&ids])?;
    while let Some(row) = rows.next()? {
        if let Some(place) = places.get(&row.get("alert_id")?) {
            by_id::claim(row)?;
            alerts[*place].conditions.push(condition_from_row(row)?);
        }
    }
    let known = services_of(connection, &ids)?;
    let mut full: Vec<Full> = alerts.into_iter().map(|alert| Full { alert, services: Vec::new() }).collect();
    let sql =
        "SELECT alert_id, service_id FROM alert_services WHERE alert_id IN (SELECT value FROM json_each(?1))
        ORDER BY alert_id, position";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([&ids])?;
    while let Some(row) = rows.next()? {
        if let (Some(place), Some(service)) = (places.get(&row.get(0)?), known.get(&row.get(1)?)) {
            full[*place].alert.services.push(service.id);
            full[*place].services.push(Arc::clone(service));
        }
    }
    Ok(full)
}

/// What any of the alerts with these ids, a JSON list, notifies; most alerts notify the same few.
fn services_of(connection: &Connection, ids: &str) -> Result<HashMap<i64, Arc<Service>>, Problem> {
    let sql = "SELECT * FROM services WHERE id IN
        (SELECT service_id FROM alert_services WHERE alert_id IN (SELECT value FROM json_each(?1)))";
    let mut select = connection.prepare_cached(sql)?;
    let services = by_id::rows(select.query([ids])?, Service::from_row)?;
    Ok(services.into_iter().map(|service| (service.id, Arc::new(service))).collect())
}

fn complete_one(connection: &Connection, alert: Alert) -> Result<Full, Problem> {
    complete(connection, vec![alert])?.pop().ok_or_else(Problem::not_found)
}

fn condition_from_row(row: &Row<'_>) -> rusqlite::Result<Condition> {
    let above = column::word(row, "conditions", "type", |name| match name {
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
        tags: column::json(row, "conditions", "tags")?,
    })
}

/// Which alert a path means: a number is an id, anything else a name.
pub fn find(connection: &Connection, id_or_name: &str) -> Result<Full, Problem> {
    let found = match id_or_name.parse::<i64>() {
        Ok(id) => connection.prepare_cached("SELECT * FROM alerts WHERE id = ?1")?.query_row([id], from_row),
        Err(_) => {
            let mut select = connection.prepare_cached("SELECT * FROM alerts WHERE key = ?1")?;
            select.query_row([fold(id_or_name)], from_row)
        }
    };
    complete_one(connection, found.optional()?.ok_or_else(Problem::not_found)?)
}

/// The id of the alert a path means, also when the rest of it cannot be read.
pub fn id_of(connection: &Connection, id_or_name: &str) -> Result<i64, Problem> {
    let found = match id_or_name.parse::<i64>() {
        Ok(id) => connection.query_row("SELECT id FROM alerts WHERE id = ?1", [id], |row| row.get(0)),
        Err(_) => {
            connection.query_row("SELECT id FROM alerts WHERE key = ?1", [fold(id_or_name)], |row| row.get(0))
        }
    };
    found.optional()?.ok_or_else(Problem::not_found)
}

/// Writes the alert as it is, inserting it when it has no id yet, and returns it as it reads now.
pub fn save(connection: &Connection, mut alert: Alert) -> Result<Full, Problem> {
    let mut twin = connection.prepare_cached("SELECT 1 FROM alerts WHERE key = ?1 AND id <> ?2")?;
    if twin.exists(params![fold(&alert.name), alert.id])? {
        return Err(Problem::taken("name"));
    }
    alert.id = save_row(connection, &alert)?;
    save_conditions(connection, &mut alert)?;
    let services = save_services(connection, &alert)?;
    Ok(Full { alert, services })
}

fn save_row(connection: &Connection, alert: &Alert) -> Result<i64, Problem> {
    let sql = match alert.id {
        0 => {
            "INSERT INTO alerts (id, key, name, description, attributes, active, rearm_seconds, rearm_per_signal, md,
             created_at, updated_at) VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id"
        }
        _ => {
            "UPDATE alerts SET key = ?2, name = ?3, description = ?4, attributes = ?5, active = ?6, rearm_seconds = ?7,
             rearm_per_signal = ?8, md = ?9, created_at = ?10, updated_at = ?11 WHERE id = ?1 RETURNING id"
        }
    };
    let values = params![
        alert.id,
        fold(&alert.name),
        alert.name,
        alert.description,
        json!(alert.attributes).to_string(),
        alert.active,
        alert.rearm_seconds,
        alert.rearm_per_signal,
        alert.md,
        alert.created_at,
        alert.updated_at,
    ];
    Ok(connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}

/// A condition that comes with an id this alert has keeps it; any other gets a new one.
fn save_conditions(connection: &Connection, alert: &mut Alert) -> Result<(), Problem> {
    let mut owned: HashSet<i64> = connection
        .prepare_cached("SELECT id FROM conditions WHERE alert_id = ?1")?
        .query_map([alert.id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    connection.prepare_cached("DELETE FROM conditions WHERE alert_id = ?1")?.execute([alert.id])?;
    for (position, condition) in (0_i64..).zip(&mut alert.conditions) {
        condition.id = condition.id.filter(|id| owned.remove(id));
        condition.id = Some(insert_condition(connection, alert.id, position, condition)?);
    }
    Ok(())
}

fn insert_condition(
    connection: &Connection,
    alert: i64,
    position: i64,
    condition: &Condition,
) -> Result<i64, Problem> {
    let (threshold, function, duration, detect_reset) = match &condition.test {
        Test::Threshold { threshold, function, duration, detect_reset, .. } => {
            (Some(*threshold), function.as_deref(), *duration, *detect_reset)
        }
        Test::Absent { duration } => (None, None, Some(*duration), None),
    };
    let sql = "INSERT INTO conditions (id, alert_id, position, type, metric_name, source, tags, threshold,
        summary_function, duration, detect_reset) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    connection.prepare_cached(sql)?.execute(params![
        condition.id,
        alert,
        position,
        condition.test.name(),
        condition.metric_name,
        condition.source,
        json!(condition.tags).to_string(),
        threshold,
        function,
        duration,
        detect_reset,
    ])?;
    Ok(connection.last_insert_rowid())
}

fn save_services(connection: &Connection, alert: &Alert) -> Result<Vec<Arc<Service>>, Problem> {
    connection.prepare_cached("DELETE FROM alert_services WHERE alert_id = ?1")?.execute([alert.id])?;
    let sql = "INSERT INTO alert_services (alert_id, service_id, position) VALUES (?1, ?2, ?3)";
    let mut insert = connection.prepare_cached(sql)?;
    let mut services = Vec::with_capacity(alert.services.len());
    for (position, id) in (0_i64..).zip(&alert.services) {
        let Some(service) = services::get(connection, *id)? else {
            return Err(Problem::param("services", format!("there is no service with id {id}")));
        };
        insert.execute([alert.id, *id, position])?;
        services.push(Arc::new(service));
    }
    Ok(services)
}

/// Deletes the alert with its conditions and its links to services.
pub fn delete(connection: &Connection, id: i64) -> Result<(), Problem> {
    connection.execute("DELETE FROM alerts WHERE id = ?1", [id])?;
    Ok(())
}

//! The table of services, and the links between services and alerts as services see them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::settings::Settings;
use crate::serve::http::problem::Problem;
use crate::serve::names::fold;
use crate::serve::store::column;

/// A notification service.
#[derive(Default)]
pub struct Service {
    pub id: i64,
    pub service_type: String,
    pub title: String,
    pub settings: Settings,
}

impl Service {
    /// From a row that has the columns of the table.
    pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Service> {
        Ok(Service {
            id: row.get("id")?,
            service_type: row.get("type")?,
            title: row.get("title")?,
            settings: Settings(column::json(row, "services", "settings")?),
        })
    }
}

pub fn find(connection: &Connection, id: i64) -> Result<Service, Problem> {
    get(connection, id)?.ok_or_else(Problem::not_found)
}

pub fn get(connection: &Connection, id: i64) -> Result<Option<Service>, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM services WHERE id = ?1")?;
    Ok(select.query_row([id], Service::from_row).optional()?)
}

pub fn exists(connection: &Connection, id: i64) -> Result<bool, Problem> {
    Ok(connection.prepare_cached("SELECT 1 FROM services WHERE id = ?1")?.exists([id])?)
}

/// Writes the service, inserting it when it has no id yet.
pub fn save(connection: &Connection, service: &mut Service, now: i64) -> Result<(), Problem> {
    let sql = "INSERT INTO services (id, key, type, title, settings, updated_at)
        VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO UPDATE SET key = excluded.key, type = excluded.type, title = excluded.title,
        settings = excluded.settings, updated_at = excluded.updated_at RETURNING id";
    let values = params![
        service.id,
        fold(&service.title),
        service.service_type,
        service.title,
        service.settings.stored(),
        now,
    ];
    service.id = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    Ok(())
}

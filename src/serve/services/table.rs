//! The table of services, and the links between services and alerts as services see them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::settings::Settings;
use crate::serve::http::problem::Problem;
use crate::serve::names::fold;
use crate::serve::now;

/// A notification service.
pub struct Service {
    pub id: i64,
    pub service_type: String,
    pub title: String,
    pub settings: Settings,
}

impl Service {
    /// Nothing but these keys: lbrt compares what is left without id, type and title.
    pub fn shown(&self) -> Value {
        json!({ "id": self.id, "type": self.service_type, "title": self.title, "settings": self.settings })
    }

    /// From a row that has the columns of the table.
    pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Service> {
        Ok(Service {
            id: row.get("id")?,
            service_type: row.get("type")?,
            title: row.get("title")?,
            settings: serde_json::from_str(row.get_ref("settings")?.as_str()?).unwrap_or_default(),
        })
    }
}

pub fn find(connection: &Connection, id: i64) -> Result<Service, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM services WHERE id = ?1")?;
    select.query_row([id], Service::from_row).optional()?.ok_or_else(Problem::not_found)
}

pub fn exists(connection: &Connection, id: i64) -> Result<bool, Problem> {
    Ok(connection.prepare_cached("SELECT 1 FROM services WHERE id = ?1")?.exists([id])?)
}

/// Inserts and sets the id.
pub fn insert(connection: &Connection, service: &mut Service) -> Result<(), Problem> {
    connection.execute(
        "INSERT INTO services (key, type, title, settings, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            fold(&service.title),
            service.service_type,
            service.title,
            json!(service.settings).to_string(),
            now()
        ],
    )?;
    service.id = connection.last_insert_rowid();
    Ok(())
}

pub fn update(connection: &Connection, service: &Service) -> Result<(), Problem> {
    connection.execute(
        "UPDATE services SET key = ?2, type = ?3, title = ?4, settings = ?5, updated_at = ?6 WHERE id = ?1",
        params![
            service.id,
            fold(&service.title),
            service.service_type,
            service.title,
            json!(service.settings).to_string(),
            now()
        ],
    )?;
    Ok(())
}

/// Deletes, which also detaches it from every alert.
pub fn delete(connection: &Connection, id: i64) -> Result<(), Problem> {
    match connection.execute("DELETE FROM services WHERE id = ?1", [id])? {
        0 => Err(Problem::not_found()),
        _ => Ok(()),
    }
}

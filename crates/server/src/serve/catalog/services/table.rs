//! The table of services, and the links between services and alerts as services see them.

use std::collections::HashMap;
use std::sync::Arc;

use super::settings::Settings;
use crate::serve::changes::by_id;
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx, params};

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
    pub fn from_row(row: &Row<'_>) -> Result<Service, StoreError> {
        Ok(Service {
            id: row.get("id")?,
            service_type: row.get("type")?,
            title: row.get("title")?,
            settings: Settings(row.json("services", "settings")?),
        })
    }
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Service, Refusal> {
    by_id::find(tx, "services", id, Service::from_row)
}

/// Those of `ids` that exist.
pub fn get_all(tx: &Tx<'_>, ids: &[i64]) -> Result<HashMap<i64, Arc<Service>>, StoreError> {
    let sql = format!("SELECT * FROM services WHERE {}", tx.any("id", 1));
    let found = tx.all(&sql, params![ids], Service::from_row)?;
    Ok(found.into_iter().map(|service| (service.id, Arc::new(service))).collect())
}

/// The types and titles of those of `ids` that exist, whatever their settings are.
pub fn titles(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<HashMap<i64, (String, String)>, StoreError> {
    let sql = format!("SELECT id, type, title FROM services WHERE {}", tx.any("id", 1));
    let found =
        tx.all(&sql, params![ids], |row| Ok((row.get("id")?, (row.get("type")?, row.get("title")?))))?;
    Ok(found.into_iter().collect())
}

pub fn exists(tx: &Tx<'_>, id: i64) -> Result<bool, StoreError> {
    rows::exists(tx, "services", id)
}

/// Writes the service, inserting it when it has no id yet.
pub fn save(tx: &Tx<'_>, service: &mut Service, now: i64) -> Result<(), StoreError> {
    let (key, settings) = (fold(&service.title), service.settings.stored());
    let Service { id, service_type, title, .. } = service;
    if *id == 0 {
        let sql = "INSERT INTO services (key, type, title, settings, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
            RETURNING id";
        *id = tx.id(sql, params![key, service_type, title, settings, now])?;
        return Ok(());
    }
    let sql =
        "UPDATE services SET key = ?1, type = ?2, title = ?3, settings = ?4, updated_at = ?5 WHERE id = ?6";
    tx.execute(sql, params![key, service_type, title, settings, now, id]).map(drop)
}

//! The tables of dashboards and the instruments on them.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::serve::changes::Entity;
use crate::serve::changes::by_id;
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx, params};

#[derive(Default)]
pub struct Dashboard {
    pub id: i64,
    pub name: String,
    pub instruments: Vec<i64>,
}

impl Dashboard {
    /// With its instruments even in a list: python-librato indexes them.
    pub fn shown(&self) -> Value {
        let instruments: Value = self.instruments.iter().map(|id| json!({ "id": id })).collect();
        json!({ "id": self.id, "name": self.name, "instruments": instruments })
    }

    /// The columns of the table; instruments come from [`complete`].
    pub fn from_row(row: &Row<'_>) -> Result<Dashboard, StoreError> {
        Ok(Dashboard { id: row.get("id")?, name: row.get("name")?, instruments: Vec::new() })
    }
}

impl Entity for Dashboard {
    const KIND: &'static str = "dashboard";

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        save(tx, self)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(rows::titled(tx, "dashboards", "name", &fold(&self.name), &self.name)?)
    }
}

/// Adds the instruments to any number of dashboards that come from rows.
pub fn complete(tx: &Tx<'_>, mut dashboards: Vec<Dashboard>) -> Result<Vec<Dashboard>, StoreError> {
    let ids: Vec<i64> = dashboards.iter().map(|dashboard| dashboard.id).collect();
    let sql = format!(
        "SELECT dashboard_id, instrument_id FROM dashboard_instruments WHERE {} ORDER BY dashboard_id, position",
        tx.any("dashboard_id", 1)
    );
    let mut instruments: HashMap<i64, Vec<i64>> = HashMap::new();
    tx.each(&sql, params![ids], |row| {
        instruments.entry(row.get("dashboard_id")?).or_default().push(row.get("instrument_id")?);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    for dashboard in &mut dashboards {
        dashboard.instruments = instruments.remove(&dashboard.id).unwrap_or_default();
    }
    Ok(dashboards)
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Dashboard, Refusal> {
    let found = by_id::find(tx, "dashboards", id, Dashboard::from_row)?;
    complete(tx, vec![found])?.pop().ok_or(Refusal::Missing)
}

/// Writes the dashboard, inserting it when it has no id yet.
pub fn save(tx: &Tx<'_>, dashboard: &mut Dashboard) -> Result<(), Refusal> {
    let (key, Dashboard { id, name, instruments }) = (fold(&dashboard.name), dashboard);
    if *id == 0 {
        *id = tx.id("INSERT INTO dashboards (key, name) VALUES (?1, ?2) RETURNING id", params![key, name])?;
    } else {
        tx.execute("UPDATE dashboards SET key = ?1, name = ?2 WHERE id = ?3", params![key, name, id])?;
        tx.execute("DELETE FROM dashboard_instruments WHERE dashboard_id = ?1", params![id])?;
    }
    let known = format!("SELECT id FROM instruments WHERE {}", tx.any("id", 1));
    let known: HashSet<i64> =
        tx.all(&known, params![instruments], |row| row.get("id"))?.into_iter().collect();
    let sql = "INSERT INTO dashboard_instruments (dashboard_id, position, instrument_id) VALUES (?1, ?2, ?3)";
    if let Some(unknown) = instruments.iter().find(|id| !known.contains(id)) {
        return Err(Refusal::field("instruments", format!("there is no instrument with id {unknown}")));
    }
    tx.many(sql, |rows| {
        let mut placed = (0_i64..).zip(&*instruments);
        placed.try_for_each(|(position, instrument)| rows.run(params![id, position, instrument]))
    })?;
    Ok(())
}

//! Dashboards, the predecessors of spaces: `/v1/dashboards`. Each is an ordered list of instruments.

pub mod instruments;
mod table;

use serde_json::Value;

pub use self::table::Dashboard;
use super::changes::crud::Crud;
use super::http::bounds;
use super::http::fields::{Given, Object, Reader, integer};
use super::http::paging::Orders;
use super::http::role::Role;
use super::refusal::Refusal;
use super::store::error::StoreError;
use super::store::tx::{Row, Tx};

impl Crud for Dashboard {
    const TABLE: &'static str = "dashboards";
    const ORDERS: Orders = &[("name", "key")];

    fn from_row(row: &Row<'_>) -> Result<Dashboard, StoreError> {
        Dashboard::from_row(row)
    }

    fn complete(tx: &Tx<'_>, all: Vec<Dashboard>) -> Result<Vec<Dashboard>, StoreError> {
        table::complete(tx, all)
    }

    fn find(tx: &Tx<'_>, id: i64) -> Result<Dashboard, Refusal> {
        table::find(tx, id)
    }

    fn merge(&mut self, _: &Tx<'_>, body: &Object) -> Result<(), Refusal> {
        merge(self, body)
    }

    fn shown(&self, _: Role) -> Value {
        Dashboard::shown(self)
    }
}

/// Instruments come as ids or as objects with an `id`, and replace those there were.
fn merge(dashboard: &mut Dashboard, body: &Object) -> Result<(), Refusal> {
    bounds::check(body, &["name"])?;
    let mut read = Reader::new(body);
    read.name("name", &mut dashboard.name);
    match read.list("instruments") {
        Given::Absent => {}
        Given::Null => dashboard.instruments.clear(),
        Given::Value(sent) => {
            dashboard.instruments.clear();
            for item in sent {
                match integer(item.get("id").unwrap_or(item)) {
                    Ok(id) => dashboard.instruments.push(id),
                    Err(_) => read.errors.add("instruments", "must contain ids of instruments"),
                }
            }
        }
    }
    Ok(read.finish()?)
}

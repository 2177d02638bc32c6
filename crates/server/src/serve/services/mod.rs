//! Notification services: `/v1/services`. Titles need not be unique; settings are checked by type.

use serde_json::{Value, json};

use super::catalog::alerting::deliveries::table as deliveries;
use super::catalog::alerts::table as alerts;
use super::catalog::services::settings;
use super::catalog::services::shown::Shown;
use super::catalog::services::table::{self, Service};
use super::changes::Entity;
use super::changes::crud::Crud;
use super::http::bounds;
use super::http::fields::{Object, Reader};
use super::http::paging::Orders;
use super::http::role::Role;
use super::names::fold;
use super::refusal::{Errors, Refusal};
use super::store::error::StoreError;
use super::store::rows;
use super::store::tx::{Row, Tx};

impl Entity for Service {
    const KIND: &'static str = "service";
    const SECRET: Option<&'static str> = Some("settings");

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.title.clone()
    }

    fn whole(&self) -> Value {
        json!(Shown::to(Role::Admin, self))
    }

    fn save(&mut self, tx: &Tx<'_>, now: i64) -> Result<(), Refusal> {
        Ok(table::save(tx, self, now)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(rows::titled(tx, "services", "title", &fold(&self.title), &self.title)?)
    }
}

/// Deleting one also detaches it from every alert and gives up what it was still to be told.
impl Crud for Service {
    const TABLE: &'static str = "services";
    const ORDERS: Orders = &[("title", "key"), ("updated_at", "updated_at")];
    const NAMED: bool = false;

    fn from_row(row: &Row<'_>) -> Result<Service, StoreError> {
        Service::from_row(row)
    }

    fn find(tx: &Tx<'_>, id: i64) -> Result<Service, Refusal> {
        table::find(tx, id)
    }

    fn merge(&mut self, _: &Tx<'_>, body: &Object) -> Result<(), Refusal> {
        let is_new = self.id == 0;
        merge(self, body, is_new)
    }

    fn shown(&self, role: Role) -> Value {
        json!(Shown::to(role, self))
    }

    fn before_delete(tx: &Tx<'_>, id: i64, now: i64) -> Result<(), Refusal> {
        alerts::revise(tx, &alerts::notifying(tx, id)?)?;
        Ok(deliveries::give_up(tx, id, now)?)
    }
}

/// Lays `body` over `service`: what is absent stays, settings are replaced as a whole.
fn merge(service: &mut Service, body: &Object, is_new: bool) -> Result<(), Refusal> {
    bounds::check(body, &["title"])?;
    let mut read = Reader::new(body);
    if is_new {
        for name in ["type", "title", "settings"] {
            read.require(name);
        }
    }
    if let Some(service_type) = read.text("type").value() {
        service.service_type = service_type;
    }
    read.name("title", &mut service.title);
    let mut in_settings = Errors::default();
    if let Some(sent) = read.object("settings").value() {
        service.settings = settings::read(sent, &mut in_settings);
    }
    if settings::is_type(&service.service_type) {
        settings::check(&service.service_type, &service.settings, &mut in_settings);
    } else if !service.service_type.is_empty() {
        read.errors.add("type", "is not a known type of service");
    }
    read.errors.nest("settings", in_settings);
    read.finish()?;
    bounds::whole(&Shown::to(Role::Admin, &*service))
}

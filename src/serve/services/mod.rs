//! Notification services: `/v1/services`. Titles need not be unique; settings are checked by type.

use axum::extract::State;
use axum::response::Response;

use super::catalog::services::settings;
use super::catalog::services::shown::Shown;
use super::catalog::services::table::{self, Service};
use super::http::answer;
use super::http::auth::Caller;
use super::http::body::{Body, Query, Segments};
use super::http::bounds;
use super::http::by_id;
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::{Errors, Problem};
use super::http::role::Role;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("title", "key"), ("updated_at", "updated_at")];

pub async fn list(
    State(store): State<Store>,
    caller: Caller,
    Query(query): Query,
) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let listed = store.read(move |tx| page.cut(tx, "services", Service::from_row)).await?;
    Ok(answer::ok(&listed.envelope("services", |service: &Service| Shown::to(caller.role, service))))
}

pub async fn create(
    State(store): State<Store>,
    caller: Caller,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = store.now();
    let make = move |tx: &Tx| {
        let mut made = Service::default();
        merge(&mut made, &body, true)?;
        table::save(tx, &mut made, now)?;
        Ok((made.id, Shown::to(caller.role, made)))
    };
    by_id::create(&store, "/v1/services", make).await
}

pub async fn show(
    State(store): State<Store>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    by_id::show(&store, &id, move |tx, id| Ok(Shown::to(caller.role, table::find(tx, id)?))).await
}

pub async fn put(
    State(store): State<Store>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = store.now();
    let write = move |tx: &Tx, id| {
        let mut service = table::find(tx, id)?;
        merge(&mut service, &body, false)?;
        Ok(table::save(tx, &mut service, now)?)
    };
    by_id::change(&store, &id, write).await
}

/// Deletes, which also detaches it from every alert.
pub async fn delete(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&store, &id, "services").await
}

/// Lays `body` over `service`: what is absent stays, settings are replaced as a whole.
fn merge(service: &mut Service, body: &Object, is_new: bool) -> Result<(), Problem> {
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

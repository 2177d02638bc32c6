//! Notification services: `/v1/services`. Titles need not be unique; settings are checked by type.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::catalog::alerting::deliveries::table as deliveries;
use super::catalog::alerts::table as alerts;
use super::catalog::services::settings;
use super::catalog::services::shown::Shown;
use super::catalog::services::table::{self, Service};
use super::changes::{self, Entity, Tags, Terms};
use super::http::answer;
use super::http::auth::Caller;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::{Errors, Problem};
use super::http::role::Role;
use super::names::fold;
use super::store::tx::Tx;
use super::store::{Store, rows};

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

    fn save(&mut self, tx: &Tx<'_>, now: i64) -> Result<(), Problem> {
        Ok(table::save(tx, self, now)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Problem> {
        Ok(rows::titled(tx, "services", "title", &fold(&self.title), &self.title)?)
    }
}

const ORDERS: Orders = &[("title", "key"), ("updated_at", "updated_at")];

pub async fn list(
    State(store): State<Store>,
    caller: Caller,
    tags: Tags,
    Query(query): Query,
) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let cut = move |tx: &Tx| changes::listed(tx, tags, page.cut(tx, "services", Service::from_row)?);
    let listed = store.read(cut).await?;
    Ok(answer::ok(&listed.envelope("services", |service: &Service| Shown::to(caller.role, service))))
}

pub async fn create(State(store): State<Store>, terms: Terms, Body(body): Body) -> Result<Response, Problem> {
    let (role, terms) = (terms.caller.role, terms.over(&body));
    let make = move |_: &Tx| {
        let mut made = Service::default();
        merge(&mut made, &body, true)?;
        Ok(made)
    };
    let show = |made: &Service, location: &str| answer::created(location, &Shown::to(role, made));
    changes::create(&store, terms, "/v1/services".to_owned(), make, table::find, show).await
}

pub async fn show(
    State(store): State<Store>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let (id, role) = (numeric(&id)?, caller.role);
    let show = |service: &Service| answer::ok(&Shown::to(role, service));
    changes::show(&store, move |tx| table::find(tx, id), show).await
}

pub async fn put(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let edit = move |_: &Tx, service: &mut Service| merge(service, &body, false);
    changes::put(&store, terms, move |tx| table::find(tx, id), edit).await
}

/// Deletes, which also detaches it from every alert and gives up what it was still to be told.
pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let (id, now) = (numeric(&id)?, store.now());
    let remove = move |tx: &Tx| {
        alerts::revise(tx, &alerts::notifying(tx, id)?)?;
        deliveries::give_up(tx, id, now)?;
        if rows::delete(tx, "services", id)? { Ok(()) } else { Err(Problem::not_found()) }
    };
    changes::delete(&store, terms, move |tx| table::find(tx, id), remove).await
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

//! Notification services: `/v1/services`. Titles need not be unique; settings are checked by type.

mod settings;
pub mod table;

use axum::extract::State;
use axum::response::Response;

use self::settings::Settings;
use self::table::Service;
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::{Errors, Problem};
use super::router::App;

const ORDERS: Orders = &[("title", "key"), ("updated_at", "updated_at")];

pub async fn list(State(app): State<App>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let listed =
        app.store.read(move |connection| page.cut(connection, "services", Service::from_row)).await?;
    Ok(answer::ok(&listed.envelope("services", Service::shown)))
}

pub async fn create(State(app): State<App>, Body(body): Body) -> Result<Response, Problem> {
    let blank =
        Service { id: 0, service_type: String::new(), title: String::new(), settings: Settings::new() };
    let mut service = merged(blank, &body, true)?;
    let service =
        app.store.write(move |connection| table::insert(connection, &mut service).map(|()| service)).await?;
    Ok(answer::created(&format!("/v1/services/{}", service.id), &service.shown()))
}

pub async fn show(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let service = app.store.read(move |connection| table::find(connection, id)).await?;
    Ok(answer::ok(&service.shown()))
}

pub async fn put(
    State(app): State<App>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let change = move |connection: &_| {
        let service = merged(table::find(connection, id)?, &body, false)?;
        table::update(connection, &service)
    };
    app.store.write(change).await?;
    Ok(answer::no_content())
}

pub async fn delete(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    app.store.write(move |connection| table::delete(connection, id)).await?;
    Ok(answer::no_content())
}

/// Lays `body` over `service`: what is absent stays, settings are replaced as a whole.
fn merged(mut service: Service, body: &Object, is_new: bool) -> Result<Service, Problem> {
    let mut read = Reader::new(body);
    if is_new {
        for name in ["type", "title", "settings"] {
            read.require(name);
        }
    }
    if let Some(service_type) = read.text("type").value() {
        service.service_type = service_type;
    }
    if let Some(title) = read.text("title").value() {
        service.title = title;
    }
    let mut in_settings = Errors::default();
    if let Some(sent) = read.object("settings").value() {
        service.settings = settings::read(sent, &mut in_settings);
    }
    if settings::is_type(&service.service_type) {
        settings::check(&service.service_type, &service.settings, &mut in_settings);
    } else if !service.service_type.is_empty() {
        read.errors.add("type", "is not a known type of service");
    }
    if service.title.trim().is_empty() {
        read.errors.add("title", "is not present");
    }
    read.errors.nest("settings", in_settings);
    read.finish()?;
    Ok(service)
}

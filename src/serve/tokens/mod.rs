//! API tokens and chart tokens: `/v1/api_tokens` and `/v1/charts`. What a role may do is decided where requests are
//! let in.

pub mod charts;
pub mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::{ApiToken, Rights, random_token};
use super::Store;
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::by_id;
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::http::role::Role;
use super::router::App;

/// What `token` is good for; `None` when it is nobody's.
pub async fn rights(store: &Store, token: String) -> Result<Option<Rights>, Problem> {
    store.read(move |connection| table::rights(connection, &token)).await
}

const ORDERS: Orders = &[("id", "id"), ("name", "key")];

pub async fn list(State(app): State<App>, Query(query): Query) -> Result<Response, Problem> {
    listed(&app, &query).await
}

/// One token by id; appoptics-api-go also asks by name and expects a list.
pub async fn show(
    State(app): State<App>,
    Segments(id): Segments<String>,
    Query(mut query): Query,
) -> Result<Response, Problem> {
    if id.parse::<i64>().is_err() {
        query.insert("name".to_owned(), id.into());
        return listed(&app, &query).await;
    }
    by_id::show(&app, &id, |connection, id| Ok(table::find(connection, id)?.shown())).await
}

/// The filter `name` is a whole name or a pattern, never a part of one.
async fn listed(app: &App, query: &Object) -> Result<Response, Problem> {
    let page = Page::read(query, ORDERS)?.by_pattern();
    let cut = move |connection: &_| page.cut(connection, "api_tokens", ApiToken::from_row);
    Ok(answer::ok(&app.store.read(cut).await?.envelope("api_tokens", ApiToken::shown)))
}

pub async fn create(State(app): State<App>, Body(body): Body) -> Result<Response, Problem> {
    let mut read = Reader::new(&body);
    read.require("name");
    read.require("role");
    read.finish()?;
    let now = app.store.now();
    let mut made = ApiToken {
        id: 0,
        name: None,
        token: random_token()?,
        active: true,
        role: Role::Viewer,
        created_at: now,
        updated_at: now,
    };
    merge(&mut made, &body)?;
    let make = move |connection: &_| {
        table::save(connection, &mut made)?;
        Ok((made.id, made.shown()))
    };
    by_id::create(&app, "/v1/api_tokens", make).await
}

/// 200 with the token: appoptics-api-go decodes it.
pub async fn put(
    State(app): State<App>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let now = app.store.now();
    let write = move |connection: &_| {
        let mut token = table::find(connection, id)?;
        merge(&mut token, &body)?;
        token.updated_at = now;
        table::save(connection, &mut token)?;
        Ok(token)
    };
    Ok(answer::ok(&app.store.write(write).await?.shown()))
}

pub async fn delete(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&app, &id, "api_tokens").await
}

/// Lays a body over a token. The token itself is made by the server; attempts to set it are ignored.
fn merge(token: &mut ApiToken, body: &Object) -> Result<(), Problem> {
    bounds::check(body, &["name"])?;
    let mut read = Reader::new(body);
    read.text("name").put(&mut token.name);
    token.active = read.boolean("active").or(token.active, true);
    if let Some(name) = read.text("role").value() {
        match Role::of_token(&name) {
            Some(role) => token.role = role,
            None => read.errors.add("role", "is not one of: admin, recorder, viewer"),
        }
    }
    read.finish()
}

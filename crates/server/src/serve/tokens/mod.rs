//! API tokens and chart tokens: `/v1/api_tokens` and `/v1/charts`. What a role may do is decided where requests are
//! let in.

pub mod charts;
mod known;
pub mod table;

use axum::extract::State;
use axum::response::Response;
use futures_util::future::BoxFuture;

pub use self::known::Tokens;
use self::table::{ApiToken, random_token};
use super::changes::{self, Tags, Terms};
use super::http::answer;
use super::http::auth::{Rights, TokenLookup};
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::http::role::Role;
use super::refusal::Refusal;
use super::store::Store;
use super::store::page::Filter;
use super::store::tx::Tx;

impl TokenLookup for Tokens {
    fn rights(&self, token: String) -> BoxFuture<'_, Result<Option<Rights>, Problem>> {
        Box::pin(async move {
            let asked = self.asks(&token);
            if let Some(known) = self.known(&asked) {
                return Ok(Some(known));
            }
            let found = self.store.read(move |tx: &Tx| Ok::<_, Problem>(table::rights(tx, &token)?)).await?;
            self.remember(&asked, found.as_ref());
            Ok(found)
        })
    }

    fn rights_of(&self, id: i64) -> BoxFuture<'_, Result<Option<Rights>, Problem>> {
        Box::pin(self.store.read(move |tx: &Tx| Ok(table::rights_of(tx, id)?)))
    }
}

const ORDERS: Orders = &[("id", "id"), ("name", "key")];

pub async fn list(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    listed(&store, tags, &query).await
}

/// One token by id; appoptics-api-go also asks by name and expects a list.
pub async fn show(
    State(store): State<Store>,
    tags: Tags,
    Segments(id): Segments<String>,
    Query(mut query): Query,
) -> Result<Response, Problem> {
    if id.parse::<i64>().is_err() {
        query.insert("name".to_owned(), id.into());
        return listed(&store, tags, &query).await;
    }
    let id = numeric(&id)?;
    let show = |token: &ApiToken| answer::ok(&token.shown());
    changes::show(&store, move |tx| table::find(tx, id), show).await
}

/// The filter `name` is a whole name or a pattern, never a part of one.
async fn listed(store: &Store, tags: Tags, query: &Object) -> Result<Response, Problem> {
    let page = Page::read(query, ORDERS)?.filtered(Filter::Pattern("key"));
    let cut = move |tx: &Tx| changes::listed(tx, tags, page.cut(tx, "api_tokens", ApiToken::from_row)?);
    Ok(answer::ok(&store.read(cut).await?.envelope("api_tokens", ApiToken::shown)))
}

pub async fn create(State(store): State<Store>, terms: Terms, Body(body): Body) -> Result<Response, Problem> {
    let terms = terms.over(&body);
    let mut read = Reader::new(&body);
    read.require("name");
    read.require("role");
    read.finish()?;
    let now = store.now();
    let mut new = ApiToken {
        id: 0,
        name: None,
        token: random_token()?,
        active: true,
        role: Role::Viewer,
        created_at: now,
        updated_at: now,
    };
    merge(&mut new, &body)?;
    let show = |made: &ApiToken, location: &str| answer::created(location, &made.shown());
    let make = move |_: &Tx| Ok(new.clone());
    changes::create(&store, terms, "/v1/api_tokens".to_owned(), make, table::find, show).await
}

/// 200 with the token: appoptics-api-go decodes it.
pub async fn put(
    State(store): State<Store>,
    State(tokens): State<Tokens>,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let _changed = tokens.change();
    let id = numeric(&id)?;
    let edit = move |_: &Tx, token: &mut ApiToken| merge(token, &body);
    let show = |token: &ApiToken| answer::ok(&token.shown());
    changes::put_shown(&store, terms, move |tx| table::find(tx, id), edit, show).await
}

pub async fn delete(
    State(store): State<Store>,
    State(tokens): State<Tokens>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let _changed = tokens.change();
    changes::delete_row(&store, terms, &id, "api_tokens", table::find).await
}

/// Lays a body over a token. The token itself is made by the server; attempts to set it are ignored.
fn merge(token: &mut ApiToken, body: &Object) -> Result<(), Refusal> {
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
    Ok(read.finish()?)
}

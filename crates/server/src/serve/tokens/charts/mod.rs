//! Chart tokens, by which an instrument or a dashboard can be shown to others: `/v1/charts`.

mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::ChartToken;
use super::table::random_token;
use crate::serve::changes::by_id;
use crate::serve::changes::{self, Tags, Terms};
use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments};
use crate::serve::http::fields::Reader;
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::Problem;
use crate::serve::refusal::Refusal;
use crate::serve::store::page::Filter;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Store, rows};

const ORDERS: Orders = &[("token", "token")];

pub async fn list(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read_by(&query, ORDERS, "token")?.filtered(Filter::Part(&["token"]));
    let cut = move |tx: &Tx| changes::listed(tx, tags, page.cut(tx, "chart_tokens", ChartToken::from_row)?);
    Ok(answer::ok(&store.read(cut).await?.envelope("charts", ChartToken::shown)))
}

pub async fn create(State(store): State<Store>, terms: Terms, Body(body): Body) -> Result<Response, Problem> {
    let terms = terms.over(&body);
    let mut read = Reader::new(&body);
    let entity_type = read.text("entity_type").value().unwrap_or_default();
    let entities = match entity_type.as_str() {
        "instrument" => "instruments",
        "dashboard" => "dashboards",
        _ => {
            read.errors.add("entity_type", "is not one of: instrument, dashboard");
            "dashboards"
        }
    };
    read.require("entity_id");
    let entity_id = read.integer("entity_id").value().unwrap_or_default();
    read.finish()?;
    let new = ChartToken { id: 0, token: random_token()?, entity_type, entity_id };
    let make = move |tx: &Tx| {
        if !rows::exists(tx, entities, entity_id)? {
            let message = format!("there is no {} with this id", new.entity_type);
            return Err(Refusal::field("entity_id", message));
        }
        Ok(new.clone())
    };
    let find = |tx: &Tx, id: i64| by_id::find(tx, "chart_tokens", id, ChartToken::from_row);
    // Found by its token, not by its id.
    let show =
        |made: &ChartToken, _: &str| answer::created(&format!("/v1/charts/{}", made.token), &made.shown());
    changes::create(&store, terms, "/v1/charts".to_owned(), make, find, show).await
}

pub async fn show(
    State(store): State<Store>,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let find = move |tx: &Tx| table::find(tx, &token)?.ok_or(Refusal::Missing);
    changes::show(&store, find, |found| answer::ok(&found.shown())).await
}

pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let wanted = token.clone();
    let find = move |tx: &Tx| table::find(tx, &wanted)?.ok_or(Refusal::Missing);
    let remove = move |tx: &Tx, _| if table::delete(tx, &token)? { Ok(()) } else { Err(Refusal::Missing) };
    changes::delete(&store, terms, find, remove).await
}

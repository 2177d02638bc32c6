//! Chart tokens, by which an instrument or a dashboard can be shown to others: `/v1/charts`.

mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::ChartToken;
use super::table::random_token;
use crate::serve::changes::{self, Terms};
use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments};
use crate::serve::http::fields::Reader;
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::Problem;
use crate::serve::store::page::Filter;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Store, rows};

const ORDERS: Orders = &[("token", "token")];

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read_by(&query, ORDERS, "token")?.filtered(Filter::Part(&["token"]));
    let cut = move |tx: &Tx| page.cut(tx, "chart_tokens", ChartToken::from_row);
    Ok(answer::ok(&store.read(cut).await?.envelope("charts", ChartToken::shown)))
}

pub async fn create(State(store): State<Store>, terms: Terms, Body(body): Body) -> Result<Response, Problem> {
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
    let new = ChartToken { token: random_token()?, entity_type, entity_id };
    let make = move |tx: &Tx| {
        if !rows::exists(tx, entities, entity_id)? {
            let message = format!("there is no {} with this id", new.entity_type);
            return Err(Problem::param("entity_id", message));
        }
        Ok(new.clone())
    };
    let nothing = |_: &Tx, _: &mut ChartToken| Ok(());
    let (made, _, _) = changes::upsert(&store, terms, |_| Ok(None), make, nothing).await?;
    Ok(answer::created(&format!("/v1/charts/{}", made.token), &made.shown()))
}

pub async fn show(
    State(store): State<Store>,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let read = move |tx: &Tx| table::find(tx, &token)?.ok_or_else(Problem::not_found);
    Ok(answer::ok(&store.read(read).await?.shown()))
}

pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let wanted = token.clone();
    let find = move |tx: &Tx| table::find(tx, &wanted)?.ok_or_else(Problem::not_found);
    let remove = move |tx: &Tx| if table::delete(tx, &token)? { Ok(()) } else { Err(Problem::not_found()) };
    changes::delete(&store, terms, find, remove).await
}

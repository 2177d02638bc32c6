//! Chart tokens, by which an instrument or a dashboard can be shown to others: `/v1/charts`.

use axum::extract::State;
use axum::response::Response;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::table::random_token;
use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments};
use crate::serve::http::fields::Reader;
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

const ORDERS: Orders = &[("token", "token")];

struct ChartToken {
    token: String,
    entity_type: String,
    entity_id: i64,
}

impl ChartToken {
    fn shown(&self) -> Value {
        json!({ "token": self.token, "entity_type": self.entity_type, "entity_id": self.entity_id })
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<ChartToken> {
        Ok(ChartToken {
            token: row.get("token")?,
            entity_type: row.get("entity_type")?,
            entity_id: row.get("entity_id")?,
        })
    }
}

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read_by(&query, ORDERS, "token")?.filtered("instr(token, ?1) > 0");
    let cut = move |connection: &Tx| page.cut(connection, "chart_tokens", ChartToken::from_row);
    Ok(answer::ok(&store.read(cut).await?.envelope("charts", ChartToken::shown)))
}

pub async fn create(State(store): State<Store>, Body(body): Body) -> Result<Response, Problem> {
    let mut read = Reader::new(&body);
    let entity_type = read.text("entity_type").value().unwrap_or_default();
    let table = match entity_type.as_str() {
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
    let made = ChartToken { token: random_token()?, entity_type, entity_id };
    let write = move |connection: &Tx| -> Result<_, Problem> {
        let connection: &Connection = connection;
        if !connection.prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?.exists([entity_id])? {
            return Err(Problem::param(
                "entity_id",
                format!("there is no {} with this id", made.entity_type),
            ));
        }
        let sql = "INSERT INTO chart_tokens (token, entity_type, entity_id) VALUES (?1, ?2, ?3)";
        connection.execute(sql, params![made.token, made.entity_type, made.entity_id])?;
        Ok(made)
    };
    let made = store.write(write).await?;
    Ok(answer::created(&format!("/v1/charts/{}", made.token), &made.shown()))
}

pub async fn show(
    State(store): State<Store>,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let read = move |connection: &Tx| -> Result<_, Problem> {
        let mut select = connection.prepare_cached("SELECT * FROM chart_tokens WHERE token = ?1")?;
        select.query_row([token], ChartToken::from_row).optional()?.ok_or_else(Problem::not_found)
    };
    Ok(answer::ok(&store.read(read).await?.shown()))
}

pub async fn delete(
    State(store): State<Store>,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let write = move |connection: &Tx| match (connection as &Connection)
        .execute("DELETE FROM chart_tokens WHERE token = ?1", [token])?
    {
        0 => Err(Problem::not_found()),
        _ => Ok(()),
    };
    store.write(write).await?;
    Ok(answer::no_content())
}

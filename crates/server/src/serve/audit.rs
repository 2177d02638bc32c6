//! Who changed which definition, when and from where: `/v1/audit`. Reads only; the entries are written where the changes are.

use axum::extract::State;
use axum::response::Response;
use serde_json::value::RawValue;

use super::changes::table::{self, Entry, Search};
use super::http::answer;
use super::http::body::Query;
use super::http::fields::Reader;
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("id", "id")];

/// One entry as it is shown.
#[derive(serde::Serialize)]
struct Shown<'a> {
    id: i64,
    time: i64,
    user: &'a str,
    address: Option<&'a str>,
    kind: &'a str,
    object_id: Option<i64>,
    name: &'a str,
    action: &'a str,
    before: Option<&'a RawValue>,
    after: Option<&'a RawValue>,
}

/// The filters `kind` and `user` are whole words, `name` a part of a name.
pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let mut read = Reader::new(&query);
    let search = Search {
        kind: read.text("kind").value().filter(|kind| !kind.is_empty()),
        user: read.text("user").value().filter(|user| !user.is_empty()),
        start: read.time("start_time").value(),
    };
    read.finish()?;
    let listed = store.query(move |tx: &Tx| page.cut_by(|page| table::search(tx, &search, page))).await?;
    Ok(answer::ok(&listed.envelope("audit", shown)))
}

fn shown(entry: &Entry) -> Shown<'_> {
    Shown {
        id: entry.id,
        time: entry.time,
        user: &entry.user,
        address: entry.address.as_deref(),
        kind: &entry.kind,
        object_id: Some(entry.object).filter(|id| *id != 0),
        name: &entry.name,
        action: &entry.action,
        before: entry.before.as_deref(),
        after: entry.after.as_deref(),
    }
}

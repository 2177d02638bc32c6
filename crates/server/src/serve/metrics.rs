//! Metrics as definitions: how they are listed, changed and deleted. What is read of one by its name is the business of
//! `reading`, what is submitted that of `submit`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::catalog::alerting::edits;
use super::catalog::alerting::evaluation::Evaluation;
use super::catalog::cache::SeriesCache;
use super::catalog::metrics::metric::{Changes, Kind, Metric};
use super::catalog::metrics::table;
use super::changes::{self, Sketch, Tags, Terms, Unconditional};
use super::http::agent::agent;
use super::http::answer;
use super::http::body::{Body, Query, Segments};
use super::http::fields::{self, Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::names::{Choice, NAME_RULE, is_name};
use super::refusal::Refusal;
use super::store::error::StoreError;
use super::store::tx::Tx;
use super::store::{Store, TimeSlice};

const ORDERS: Orders = &[("name", "key")];

pub async fn list(store: &Store, query: &Object, tags: Tags) -> Result<Response, Problem> {
    let page = Page::read(query, ORDERS)?;
    let cut = move |tx: &Tx| changes::listed(tx, tags, page.cut(tx, "metrics", table::from_row)?);
    let listed = store.read(cut).await?;
    Ok(answer::ok(&listed.envelope("metrics", |metric: &Metric| metric)))
}

/// Upsert: 201 with the metric when it is new, which needs its `type`; 204 when it was there.
pub async fn put(
    State(store): State<Store>,
    State(known): State<SeriesCache>,
    terms: Terms,
    Segments(name): Segments<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let agent = agent(&headers);
    let (sent, wanted) = (Arc::new(Changes::read(&body)?), name.clone());
    let changes = Arc::clone(&sent);
    let find = move |tx: &Tx| {
        known.forget(tx)?;
        Ok(table::find(tx, &name)?)
    };
    let make = move |_: &Tx| {
        let kind = changes.kind.ok_or_else(|| Refusal::field("type", "must be set"))?;
        made(&wanted, kind, &changes, agent.as_deref())
    };
    let edit = move |_: &Tx, metric: &mut Metric| sent.apply(metric);
    let (metric, tag, is_new) = changes::upsert(&store, terms, find, make, edit).await?;
    let response = if is_new {
        answer::created(&format!("/v1/metrics/{}", answer::segment(&metric.name)), &metric)
    } else {
        answer::no_content()
    };
    Ok(changes::tagged(response, &tag))
}

/// A metric that is not kept yet.
fn made(name: &str, kind: Kind, changes: &Changes, agent: Option<&str>) -> Result<Metric, Refusal> {
    if !is_name(name) {
        return Err(Refusal::field("name", NAME_RULE));
    }
    let mut metric = Metric::new(name, kind, agent);
    changes.apply(&mut metric)?;
    Ok(metric)
}

pub async fn delete(
    State(store): State<Store>,
    State(known): State<SeriesCache>,
    State(by): State<Evaluation>,
    terms: Terms,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let find = move |tx: &Tx| table::id_of(tx, &name)?.ok_or_else(Problem::not_found);
    let id = store.read(find).await?;
    remove(&store, known, by, terms, vec![id]).await
}

/// Deletes metrics and all that belongs to them. Conditions, which only a single one can have, are looked at in each step, since a
/// large metric goes in several.
async fn remove(
    store: &Store,
    known: SeriesCache,
    by: Evaluation,
    terms: Terms,
    ids: Vec<i64>,
) -> Result<Response, Problem> {
    let now = store.now();
    let step = move |tx: &Tx, ids: &Vec<i64>, turn| -> Result<_, Problem> {
        known.forget(tx)?;
        // Without one nothing is read: what cannot be read can be deleted.
        if (terms.expected.is_some() || terms.only_if_absent)
            && let [id] = **ids
            && let Some(metric) = table::get(tx, id)?
        {
            changes::expect(tx, &terms, &metric)?;
        }
        table::delete_many(tx, ids, turn, |id| {
            let (name, before) = match table::get(tx, id) {
                Ok(Some(metric)) => (Some(metric.name.clone()), Sketch::of(&metric)),
                Ok(None) => return Ok(()),
                // What cannot be read can be deleted.
                Err(StoreError::Damaged { .. }) => (table::name_of(tx, id)?, Sketch::unread(id, "")),
                Err(error) => return Err(error.into()),
            };
            if let Some(name) = name {
                edits::drop_metric(tx, &by, &name, now)?;
            }
            changes::record(tx, &terms, now, "delete", Some(before), None::<&Metric>)
        })
    };
    store.write_chunked(ids, step, drop_last).await?;
    Ok(answer::no_content())
}

/// Takes what a step was through with from the end of the list. Whether nothing is left.
fn drop_last(ids: &mut Vec<i64>, done: usize) -> bool {
    ids.truncate(ids.len() - done);
    ids.is_empty()
}

pub async fn update_many(
    State(store): State<Store>,
    State(known): State<SeriesCache>,
    Unconditional(terms): Unconditional,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = store.now();
    let (chosen, excluded) = chosen(&body)?;
    let sent = Arc::new(Changes::read_flat(&body)?);
    let ids = store.query(move |tx| table::choose(tx, &chosen, &excluded)).await?;
    let step = move |tx: &Tx, ids: &Vec<i64>, slice: TimeSlice| -> Result<_, Problem> {
        known.forget(tx)?;
        let mut changed = 0;
        for id in ids.iter().rev() {
            if let Some(mut metric) = table::get(tx, *id)? {
                let before = Sketch::of(&metric);
                sent.fitting(metric.kind).apply(&mut metric)?;
                table::update(tx, &metric)?;
                changes::record(tx, &terms, now, "change", Some(before), Some(&metric))?;
            }
            changed += 1;
            if slice.is_over() {
                break;
            }
        }
        Ok(changed)
    };
    store.write_chunked(ids, step, drop_last).await?;
    Ok(answer::no_content())
}

/// The choice comes in the body or, from clients that send no body with DELETE, in the query.
pub async fn delete_many(
    State(store): State<Store>,
    State(known): State<SeriesCache>,
    State(by): State<Evaluation>,
    Unconditional(terms): Unconditional,
    Query(mut query): Query,
    Body(body): Body,
) -> Result<Response, Problem> {
    query.extend(body);
    let (chosen, excluded) = chosen(&query)?;
    let ids = store.query(move |tx| table::choose(tx, &chosen, &excluded)).await?;
    remove(&store, known, by, terms, ids).await
}

fn chosen(body: &Object) -> Result<(Choice, Choice), Problem> {
    let mut read = Reader::new(body);
    read.require("names");
    let mut choice = |name| {
        let texts = read.get(name, fields::texts).value().unwrap_or_default();
        let choice = Choice::new(&texts);
        if choice.is_none() {
            read.errors.add(name, Choice::rule());
        }
        choice.unwrap_or_default()
    };
    let (chosen, excluded) = (choice("names"), choice("exclude"));
    read.finish()?;
    Ok((chosen, excluded))
}

//! Alerts: `/v1/alerts`, whether they fire, and the services they notify.

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
pub mod violations;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::catalog::alerting::edits;
use super::catalog::alerting::evaluation::Evaluation;
use super::catalog::alerting::incidents::table as incidents;
use super::catalog::alerts::alert::{Alert, Client, Shown};
use super::catalog::alerts::table::{self, Full};
use super::catalog::metrics::kinds::Kinds;
use super::catalog::services::shown::Shown as ShownService;
use super::catalog::services::table as services;
use super::changes::{self, Tags, Terms, Unconditional};
use super::http::agent::agent;
use super::http::answer;
use super::http::auth::Caller;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::fields::Reader;
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::http::role::Role;
use super::refusal::Refusal;
use super::store::Store;
use super::store::tx::Tx;

/// For so many seconds an alert counts among those that have ceased to fire.
const CLEARED: i64 = 86_400;

const ORDERS: Orders = &[("updated_at", "updated_at")];

pub async fn list(
    State(store): State<Store>,
    view: View,
    tags: Tags,
    Query(query): Query,
) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let mut read = Reader::new(&query);
    let version = read.integer("version").value();
    read.finish()?;
    // Alerts of the deprecated version 1 cannot be made here, so there are none.
    let listed = if version.is_none_or(|version| version == 2) {
        let cut = move |tx: &Tx| {
            let alerts = page.cut(tx, "alerts", table::from_row)?;
            changes::listed(tx, tags, alerts.try_map(|alerts| table::complete(tx, alerts))?)
        };
        store.read(cut).await?
    } else {
        page.empty()
    };
    Ok(answer::ok(&listed.envelope("alerts", |full| view.of(full))))
}

pub async fn create(
    State(store): State<Store>,
    view: View,
    terms: Terms,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (now, terms) = (store.now(), terms.over(&body));
    let make = move |tx: &Tx| {
        let kinds = Kinds::of(tx, &body)?;
        Ok(Full::new(Alert::new(&body, &|name: &str| kinds.kind(name), now)?))
    };
    let find = |tx: &Tx, id: i64| table::find(tx, &id.to_string());
    let show = |made: &Full, location: &str| answer::created(location, &view.of(made));
    changes::create(&store, terms, "/v1/alerts".to_owned(), make, find, show).await
}

pub async fn show(
    State(store): State<Store>,
    view: View,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    changes::show(&store, move |tx| table::find(tx, &id), |full| answer::ok(&view.of(full))).await
}

pub async fn put(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = store.now();
    let edit = move |tx: &Tx, full: &mut Full| {
        let kinds = Kinds::of(tx, &body)?;
        full.alert.merge(&body, &|name: &str| kinds.kind(name), now)
    };
    changes::put(&store, terms, found(id, by), edit).await
}

/// The alert that a path means, about to be changed.
fn found(id: String, by: Evaluation) -> impl Fn(&Tx<'_>) -> Result<Full, Refusal> + Send + 'static {
    move |tx: &Tx| Ok(table::find_bare(tx, &id)?.edited(&by))
}

pub async fn delete(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let (meant, now) = (id.clone(), store.now());
    let remove = move |tx: &Tx, found: Option<Full>| {
        let alert = match found {
            Some(Full { alert, .. }) => alert,
            None => edits::as_far_as_known(tx, table::id_of(tx, &meant)?)?,
        };
        edits::end(tx, &by, &alert, now)?;
        Ok(table::delete(tx, alert.id)?)
    };
    changes::delete(&store, terms, move |tx| table::find_bare(tx, &id), remove).await
}

/// Which alerts fire, and which have ceased to within a day. Ours: with `fired`, when each was last seen to fire, as far as that is kept.
pub async fn all_status(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let since = store.now().saturating_sub(CLEARED);
    let mut read = Reader::new(&query);
    let with_fired = read.boolean("fired").value().unwrap_or(false);
    read.finish()?;
    let look = move |tx: &Tx| -> Result<_, Problem> {
        let fired = with_fired.then(|| incidents::fired(tx)).transpose()?;
        Ok((incidents::firing(tx)?, incidents::cleared(tx, since)?, fired))
    };
    let (firing, cleared, fired) = store.read(look).await?;
    let shown = |all: Vec<(i64, i64)>, key: &str| -> Vec<Value> {
        all.into_iter().map(|(id, at)| json!({ "id": id, key: at })).collect()
    };
    let mut status = json!({
        "firing": shown(firing, "triggered_at"),
        "cleared": shown(cleared, "cleared_at"),
    });
    if let Some(fired) = fired {
        status["fired"] = shown(fired, "fired_at").into();
    }
    Ok(answer::ok(&status))
}

pub async fn status(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let read = move |tx: &Tx| -> Result<_, Problem> {
        let id = table::id_of(tx, &id)?;
        Ok((id, incidents::is_open(tx, id)?))
    };
    let (id, fires) = store.read(read).await?;
    let status = if fires { "triggered" } else { "ok" };
    Ok(answer::ok(&json!({ "alert": { "id": id }, "status": status })))
}

pub async fn clear(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    Unconditional(terms): Unconditional,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let now = store.now();
    let clear = move |tx: &Tx| {
        let full = table::find_bare(tx, &id)?;
        edits::clear(tx, &by, &full.alert, now)?;
        changes::record(tx, &terms, now, "clear", None, Some(&full))
    };
    store.write(clear).await?;
    Ok(answer::no_content())
}

pub async fn attach(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    view: View,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut read = Reader::new(&body);
    read.require("service");
    let wanted = read.integer("service").value().unwrap_or_default();
    read.finish()?;
    let edit = move |tx: &Tx, Full { alert, .. }: &mut Full| {
        if !services::exists(tx, wanted)? {
            return Err(Refusal::field("service", format!("there is no service with id {wanted}")));
        }
        if !alert.services.contains(&wanted) {
            alert.services.push(wanted);
        }
        bounds::few(alert.services.len()).map_err(|message| Refusal::field("services", message))
    };
    let (full, _) = changes::change(&store, terms, found(id, by), edit).await?;
    let service = full.services.iter().find(|service| service.id == wanted);
    let service = service.map(|service| ShownService::to(view.role, service.as_ref()));
    let location = format!("/v1/alerts/{}/services/{wanted}", full.alert.id);
    Ok(answer::created(&location, &service))
}

pub async fn detach(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    terms: Terms,
    Segments((id, service)): Segments<(String, String)>,
) -> Result<Response, Problem> {
    let service = numeric(&service)?;
    let edit = move |_: &Tx, Full { alert, .. }: &mut Full| {
        let at = alert.services.iter().position(|id| *id == service).ok_or(Refusal::Missing)?;
        alert.services.remove(at);
        Ok(())
    };
    changes::put(&store, terms, found(id, by), edit).await
}

/// How the client that asks is shown alerts.
pub struct View {
    role: Role,
    client: Client,
}

impl View {
    fn of<'a>(&self, full: &'a Full) -> Shown<'a> {
        full.alert.shown(&full.services, self.role, self.client)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for View {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<View, Problem> {
        let role = Caller::from_request_parts(parts, state).await?.role;
        let client = Client::from_agent(agent(&parts.headers).as_deref());
        Ok(View { role, client })
    }
}

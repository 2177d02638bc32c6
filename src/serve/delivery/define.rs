//! `POST` and `PUT` of services: as for every kind, and then the log says if messages to the URL would be refused. Nothing more: names
//! change, the operator may allow the target later, and clients of old rely on such services being kept.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use url::Url;

use super::sending::Sending;
use crate::serve::catalog::services::table::Service;
use crate::serve::changes::Terms;
use crate::serve::changes::crud;
use crate::serve::http::body::{Body, Segments};
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;

/// Settings that hold where messages go.
const URLS: [&str; 2] = ["url", "server_url"];

pub async fn create(
    store: State<Store>,
    State(sending): State<Sending>,
    terms: Terms,
    body: Body,
) -> Result<Response, Problem> {
    let refusal = refusal(&sending, &body.0);
    let made = crud::create::<Service>(store, terms, body).await?;
    tell(refusal, "a new one");
    Ok(made)
}

pub async fn put(
    store: State<Store>,
    State(sending): State<Sending>,
    terms: Terms,
    id: Segments<String>,
    body: Body,
) -> Result<Response, Problem> {
    let (refusal, service) = (refusal(&sending, &body.0), id.0.clone());
    let changed = crud::put::<Service>(store, terms, id, body).await?;
    tell(refusal, &service);
    Ok(changed)
}

/// Why messages would not be sent to the URL that a body brings.
fn refusal(sending: &Sending, body: &Object) -> Option<String> {
    let settings = body.get("settings")?.as_object()?;
    let urls = URLS.iter().filter_map(|name| settings.get(*name).and_then(Value::as_str));
    urls.filter_map(|url| sending.refused(&Url::parse(url).ok()?)).next().map(|refusal| refusal.to_string())
}

fn tell(refusal: Option<String>, service: &str) {
    if let Some(refusal) = refusal {
        tracing::warn!(target: "librato_apply::serve", service, refusal, "notifications to this service will be refused");
    }
}

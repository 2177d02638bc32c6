//! Services: whom alerts notify, what became of it, and a test message. Settings are shown as the role may see them, and never more than
//! an operator sees: a page is looked at over shoulders.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::alert::sent as deliveries_of;
use super::copies;
use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, form_token, heading, page};
use super::parts::{ROWS, Tone, chip, filter, nothing, pager, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::visit::Visit;
use crate::serve::http::problem::Problem;
use crate::serve::http::role::{Access, Role};

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

/// The same visit with the eyes of an operator.
fn masked(visit: &Visit) -> Visit {
    let mut masked = visit.clone();
    if masked.caller.role == Role::Admin {
        masked.caller.role = Role::Operator;
    }
    masked
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let wanted = visit.params.text("title");
    let offset = visit.params.offset().to_string();
    let path =
        query("/v1/services", &[("title", wanted), ("offset", &offset), ("length", &ROWS.to_string())]);
    let found = pages.api().get(&masked(visit), &path).await?;
    let rows: Vec<Vec<Markup>> = items(&found, "services")
        .iter()
        .map(|service| {
            vec![
                html! { a href=(address(service)) { (Text(text(service, "title"))) } },
                html! { (Text(text(service, "type"))) },
                settings(service),
            ]
        })
        .collect();
    let content = html! {
        (heading("Services", &html! { "whom alerts notify" }, &filter(visit, "/ui/services", "title", "Title")))
        @if rows.is_empty() {
            (nothing(&html! { @if wanted.is_empty() { "There are no services yet." } @else { "No service has this title." } }))
        } @else {
            section.card { (table("Services", &["Service", "Type", "Settings"], &rows)) }
            (pager(visit, "/ui/services", &found))
        }
    };
    Ok(page(visit, Here::Services, "Services", &content))
}

pub async fn show(State(pages): State<Pages>, visit: Visit, Path(id): Path<String>) -> Response {
    shown(&pages, &visit, &id, None).await.unwrap_or_else(|refused| refused.shown(&visit))
}

/// Sends a test, and says what came of it.
pub async fn test(State(pages): State<Pages>, visit: Visit, Path(id): Path<u32>) -> Response {
    let tested = pages.api().post(&visit, &format!("/v1/services/{id}/test"), &json!({})).await;
    let shown = match tested {
        Ok(outcome) => shown(&pages, &visit, &id.to_string(), Some(&outcome)).await,
        Err(refused) => Err(refused),
    };
    shown.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn shown(pages: &Pages, visit: &Visit, id: &str, tested: Option<&Value>) -> Result<Response, Refused> {
    let id: i64 = id.parse().map_err(|_| Problem::not_found())?;
    let service = pages.api().get(&masked(visit), &format!("/v1/services/{id}")).await?;
    let (id, title) = (id.to_string(), text(&service, "title"));
    let path = query("/v1/deliveries", &[("service", &id), ("sort", "desc"), ("length", "50")]);
    let deliveries = pages.api().get(visit, &path).await?;
    let actions = html! {
        @if visit.may(Access::Administer) {
            form method="post" action=(format!("/ui/services/{id}/test")) { (form_token(visit)) button { "Send a test" } }
        }
    };
    let content = html! {
        (heading(title, &html! { (Text(text(&service, "type"))) }, &actions))
        @if let Some(tested) = tested { (outcome(tested)) }
        @if let Some(circuit) = circuit(&deliveries) {
            div.strip {
                span.firing { "Fails" }
                span {
                    "since " (whole(circuit, "open_since").map(|at| visit.clock.when(at)).unwrap_or_default()) ", so it is only tried now and then: the next time "
                    (whole(circuit, "next_attempt_at").map(|at| visit.clock.ago(at)).unwrap_or_default())
                }
            }
        }
        (card("Settings", &html! { (settings(&service)) (copies::definition(&(pages.definitions().service)(&service))) }))
        (card("Notifications", &deliveries_of(&deliveries, &visit.clock, false)))
    };
    Ok(page(visit, Here::Services, title, &content))
}

/// What is known of its failures, if it fails so often that it is only probed.
fn circuit(deliveries: &Value) -> Option<&Value> {
    let first = items(deliveries, "deliveries").first()?;
    Some(&first["service"]["circuit"]).filter(|circuit| circuit.is_object())
}

fn outcome(tested: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(tested, "messages")
        .iter()
        .map(|message| {
            let outcome = text(message, "outcome");
            let tone = match outcome {
                "sent" => Tone::Good,
                "not_taken" => Tone::Quiet,
                _ => Tone::Bad,
            };
            vec![
                html! { (text(message, "kind")) },
                html! { (chip(tone, &outcome.replace('_', " "))) },
                html! { (Text(text(message, "target"))) },
                html! { @if let Some(status) = whole(message, "status") { (status) " " } (Text(text(message, "detail"))) },
                html! { (whole(message, "milliseconds").unwrap_or_default()) " ms" },
            ]
        })
        .collect();
    let words = if tested["ok"] == true { "The test arrived" } else { "The test did not arrive" };
    html! {
        div role="status" { (card(words, &table("Test", &["Message", "Outcome", "To", "Answer", "Took"], &rows))) }
    }
}

fn settings(service: &Value) -> Markup {
    html! {
        @if let Some(settings) = service["settings"].as_object() {
            dl {
                @for (name, value) in settings {
                    dt { (Text(name)) }
                    dd {
                        @match value.as_str() {
                            Some("[hidden]") => span.muted { "hidden" },
                            Some(text) => (Text(text)),
                            None => code { (Text(&value.to_string())) },
                        }
                    }
                }
            }
        }
    }
}

fn address(service: &Value) -> String {
    format!("/ui/services/{}", whole(service, "id").unwrap_or_default())
}

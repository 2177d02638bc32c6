//! One alert: whether it fires and why, what happened before, who was notified, and how to silence or resolve it.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::alerts::{conditions, state, why};
use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, done, form_token, heading, page};
use super::parts::{Tone, chip, nothing, table};
use super::refused::Refused;
use super::silences::form;
use super::site::Pages;
use super::text::{Text, clean, link};
use super::times::{ago, span, when};
use super::visit::{Sent, Visit};
use super::words;
use crate::serve::http::answer::segment;
use crate::serve::http::role::Access;

pub async fn show(State(pages): State<Pages>, visit: Visit, Path(name): Path<String>) -> Response {
    shown(&pages, &visit, &name).await.unwrap_or_else(|refused| refused.shown(&visit))
}

/// Resolves it by hand.
pub async fn clear(
    State(pages): State<Pages>,
    visit: Visit,
    Path(name): Path<String>,
    sent: Sent,
) -> Response {
    let path = format!("/v1/alerts/{}/clear", segment(&name));
    match pages.api().post(&visit, &path, &json!({})).await {
        Ok(_) => done(&sent.back(&format!("/ui/alerts/{}", segment(&name))), "resolved"),
        Err(refused) => refused.shown(&visit),
    }
}

async fn shown(pages: &Pages, visit: &Visit, name: &str) -> Result<Response, Refused> {
    let api = pages.api();
    let alert = api.get(visit, &format!("/v1/alerts/{}", segment(name))).await?;
    let id = whole(&alert, "id").unwrap_or_default().to_string();
    let path = query("/v1/incidents", &[("alert", &id), ("sort", "desc"), ("length", "20")]);
    let incidents = api.get(visit, &path).await?;
    let path = query("/v1/deliveries", &[("alert", &id), ("sort", "desc"), ("length", "30")]);
    let deliveries = api.get(visit, &path).await?;
    let (open, past): (Vec<&Value>, Vec<&Value>) =
        items(&incidents, "incidents").iter().partition(|incident| text(incident, "status") == "open");
    let name = text(&alert, "name");
    let here = format!("/ui/alerts/{}", segment(name));
    let actions = html! {
        @if visit.may(Access::Clear) && !open.is_empty() {
            form method="post" action=(format!("{here}/clear")) { (form_token(visit)) button { "Resolve" } }
        }
    };
    let runbook = text(&alert["attributes"], "runbook_url");
    let content = html! {
        (heading(name, &html! { (state(&alert, !open.is_empty())) }, &actions))
        @if !text(&alert, "description").is_empty() { p.lead { (Text(text(&alert, "description"))) } }
        @if !runbook.is_empty() { p { "Runbook: " (link(runbook, runbook)) } }
        @for incident in &open { (burning(incident, visit.now)) }
        div.grid {
            (card("Fires when", &facts(&alert)))
            @if visit.may(Access::Clear) { (card("Silence it", &form(visit, name, &here))) }
        }
        (card("Incidents", &history(&past, visit.now)))
        (card("Notifications", &sent(&deliveries, visit.now, true)))
        (card("Try it", &html! {
            p { "How often it would have notified over the past days, as it is and as your files change it:" }
            pre { code { "librato-apply backtest '" (clean(name).replace('\'', "'\\''")) "' --files ." } }
        }))
    };
    Ok(page(visit, Here::Alerts, name, &content))
}

/// An incident that is open.
fn burning(incident: &Value, now: i64) -> Markup {
    html! {
        section.card.trouble {
            h2 {
                "Firing for " (span(now - whole(incident, "opened_at").unwrap_or(now)))
                @if !text(incident, "stream").is_empty() { " on " (Text(text(incident, "stream"))) }
                @if incident["silent"] == true { " " (chip(Tone::Quiet, "silent: nobody is notified")) }
            }
            (why(incident, now, 20))
            p.note { "since " (whole(incident, "opened_at").map(when).unwrap_or_default()) }
        }
    }
}

fn facts(alert: &Value) -> Markup {
    let per_stream = if alert["rearm_per_signal"] == true { ", each stream by itself" } else { "" };
    html! {
        p { (conditions(alert)) }
        dl {
            dt { "Notifies" }
            dd {
                @for (at, service) in items(alert, "services").iter().enumerate() {
                    @if at > 0 { ", " }
                    a href=(format!("/ui/services/{}", whole(service, "id").unwrap_or_default())) { (Text(text(service, "title"))) }
                }
                @if items(alert, "services").is_empty() { "nobody" }
            }
            dt { "Again after" }
            dd { (span(whole(alert, "rearm_seconds").unwrap_or_default())) (per_stream) }
            dt { "Changed" }
            dd { (whole(alert, "updated_at").map(when).unwrap_or_default()) }
        }
    }
}

fn history(past: &[&Value], now: i64) -> Markup {
    let rows: Vec<Vec<Markup>> = past
        .iter()
        .map(|incident| {
            let (opened, closed) =
                (whole(incident, "opened_at").unwrap_or(now), whole(incident, "closed_at").unwrap_or(now));
            vec![
                when(opened),
                html! { (span(closed - opened)) },
                why(incident, closed, 2),
                html! { (words::closed(text(incident, "closed"))) },
            ]
        })
        .collect();
    html! {
        @if rows.is_empty() { (nothing(&html! { "No earlier incidents are known." })) }
        @else { (table("Incidents", &["Began", "Lasted", "Why", "Ended"], &rows)) }
    }
}

/// Notifications, the newest first.
pub fn sent(deliveries: &Value, now: i64, to_service: bool) -> Markup {
    let rows: Vec<Vec<Markup>> = items(deliveries, "deliveries")
        .iter()
        .map(|delivery| {
            let status = text(delivery, "status");
            let tone = match status {
                "sent" => Tone::Good,
                "failed" | "expired" => Tone::Bad,
                "waiting" => Tone::Warn,
                _ => Tone::Quiet,
            };
            let about = if to_service { (&delivery["service"], "title", "services", "id") } else { (&delivery["alert"], "name", "alerts", "name") };
            let (of, shown, pages, key) = about;
            let to = if key == "id" { whole(of, key).unwrap_or_default().to_string() } else { segment(text(of, key)) };
            vec![
                html! { (whole(delivery, "created_at").map(|at| ago(now, at)).unwrap_or_default()) },
                html! { a href=(format!("/ui/{pages}/{to}")) { (Text(text(of, shown))) } },
                html! { (text(delivery, "kind")) },
                html! { (chip(tone, words::delivery(status))) },
                html! {
                    @if let Some(tries) = whole(delivery, "attempts").filter(|tries| *tries > 1) { (tries) " attempts. " }
                    (Text(text(delivery, "detail")))
                    @if let Some(next) = whole(delivery, "next_attempt_at") { @if !text(delivery, "detail").is_empty() { "; " } "next try " (ago(now, next)) }
                },
            ]
        })
        .collect();
    let about = if to_service { "To" } else { "Alert" };
    html! {
        @if rows.is_empty() { (nothing(&html! { "Nothing was sent yet." })) }
        @else { (table("Notifications", &["When", about, "Kind", "What became of it", "Detail"], &rows)) }
    }
}

//! Whether the server does what alerts need.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{list as items, text, whole};
use super::frame::{Here, card, heading, page};
use super::parts::{Tone, chip, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::visit::Visit;
use crate::serve::http::role::Access;

pub async fn show(State(pages): State<Pages>, visit: Visit) -> Response {
    shown(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn shown(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let health = pages.api().get(visit, "/v1/health").await?;
    let mut checks: Vec<_> = items(&health, "checks").iter().collect();
    checks.sort_by_key(|check| {
        ["failing", "warn", "off", "ok"].iter().position(|status| *status == text(check, "status"))
    });
    let rows: Vec<Vec<Markup>> = checks
        .iter()
        .map(|check| {
            vec![
                html! { (text(check, "name")) },
                mark(text(check, "status")),
                html! { (Text(text(check, "message"))) },
            ]
        })
        .collect();
    let off: Vec<&str> = checks
        .iter()
        .filter(|check| text(check, "status") == "off")
        .map(|check| text(check, "name"))
        .collect();
    let heartbeat = &health["heartbeat"];
    let verdict = html! {
        (mark(text(&health, "status")))
        @if !off.is_empty() { " " span.muted { "switched off: " (off.join(", ")) } }
    };
    let content = html! {
        (heading("Health", &verdict, &html! {}))
        section.card { (table("Checks", &["Check", "State", "What is known"], &rows)) }
        (card("Heartbeat", &html! {
            p {
                (mark(text(heartbeat, "status"))) " "
                @if text(heartbeat, "status") == "off" {
                    "Nobody outside would notice if this server were dead. " code { "--heartbeat-url" } " names a service that does."
                }
                @if let Some(last) = whole(heartbeat, "last_answered") { "last answered " (visit.clock.ago(last)) }
                @if !text(heartbeat, "reason").is_empty() { " " (Text(text(heartbeat, "reason"))) }
            }
        }))
        (card("More", &html! {
            @if visit.may(Access::Audit) { p { a href="/ui/changes" { "Who changed what" } ": every change of a definition." } }
            p { "Prometheus reads what the server counts at " code { "/metrics" } ". Version " (env!("CARGO_PKG_VERSION")) "." }
        }))
    };
    Ok(page(visit, Here::Health, "Health", &content))
}

fn mark(status: &str) -> Markup {
    match status {
        "ok" => chip(Tone::Good, "as it should be"),
        "off" => chip(Tone::Quiet, "switched off"),
        "warn" => chip(Tone::Warn, "to be looked at"),
        "stopped" => chip(Tone::Bad, "stopped"),
        _ => chip(Tone::Bad, "failing"),
    }
}

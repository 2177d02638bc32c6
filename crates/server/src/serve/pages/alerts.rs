//! Alerts: those that fire and why, before all others.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, heading, page};
use super::parts::{ROWS, Tone, chip, filter, nothing, pager, table};
use super::refused::Refused;
use super::site::Pages;
use super::spaces::{firing, silenced};
use super::text::Text;
use super::times::{Clock, span};
use super::visit::Visit;
use super::words;
use crate::serve::http::answer::segment;

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let wanted = visit.params.text("name");
    let offset = visit.params.offset().to_string();
    let path = query("/v1/alerts", &[("name", wanted), ("offset", &offset), ("length", &ROWS.to_string())]);
    let found = pages.api().get(visit, &path).await?;
    let open = firing(pages, visit).await?;
    let burning: HashSet<i64> = open.iter().filter_map(|incident| whole(&incident["alert"], "id")).collect();
    let mut alerts: Vec<&Value> = items(&found, "alerts").iter().collect();
    let pending = pending(pages, visit, &alerts).await?;
    alerts.sort_by_key(|alert| (!is_in(&burning, alert), !is_in(&pending, alert), alert["active"] == false));
    let rows: Vec<Vec<Markup>> =
        alerts.iter().map(|alert| row(alert, is_in(&burning, alert), is_in(&pending, alert))).collect();
    let content = html! {
        (heading("Alerts", &html! {}, &filter(visit, "/ui/alerts", "name", "Name")))
        @if !open.is_empty() { (trouble(&open, &visit.clock)) }
        @if rows.is_empty() && wanted.is_empty() {
            (card("No alerts yet", &html! {
                p { "Alerts are defined in files and made by " code { "librato-apply apply" } "; or by any client of the API." }
            }))
        } @else if rows.is_empty() {
            (nothing(&html! { "No alert has a name with “" (Text(wanted)) "” in it." }))
        } @else {
            section.card { (table("Alerts", &["Alert", "State", "Fires when", "Notifies"], &rows)) }
            (pager(visit, "/ui/alerts", &found))
        }
    };
    Ok(page(visit, Here::Alerts, "Alerts", &content))
}

/// Which of these alerts have streams that violate a condition.
async fn pending(pages: &Pages, visit: &Visit, alerts: &[&Value]) -> Result<HashSet<i64>, Refused> {
    let ids: Vec<String> =
        alerts.iter().filter_map(|alert| whole(alert, "id")).map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let path = query("/v1/violations", &[("alerts", &ids.join(","))]);
    let found = pages.api().get(visit, &path).await?;
    let violated = items(&found, "violations").iter().filter(|one| is_pending(one));
    Ok(violated.filter_map(|one| whole(&one["alert"], "id")).collect())
}

/// Whether streams violate a condition.
pub fn is_pending(violations: &Value) -> bool {
    items(violations, "conditions").iter().any(|condition| !items(condition, "streams").is_empty())
}

fn is_in(burning: &HashSet<i64>, alert: &Value) -> bool {
    whole(alert, "id").is_some_and(|id| burning.contains(&id))
}

/// The incidents that are open, each with why.
fn trouble(open: &[Value], clock: &Clock) -> Markup {
    html! {
        section.card.trouble {
            h2 { "Firing now" }
            ul.plain {
                @for incident in open {
                    @let name = text(&incident["alert"], "name");
                    li {
                        div {
                            a.name href=(format!("/ui/alerts/{}", segment(name))) { (Text(name)) }
                            " " span.muted { "for " (span(clock.now - whole(incident, "opened_at").unwrap_or(clock.now))) }
                            @if incident["silent"] == true { " " (chip(Tone::Quiet, "in re-arm")) }
                            (silenced(incident, clock))
                        }
                        (why(incident, clock.now, 3))
                    }
                }
            }
        }
    }
}

/// Why an incident is open: its first violations in words.
pub fn why(incident: &Value, now: i64, most: usize) -> Markup {
    let violations = items(incident, "violations");
    let truncated =
        whole(incident, "violations_truncated").and_then(|left| usize::try_from(left).ok()).unwrap_or(0);
    let more = violations.len().saturating_sub(most) + truncated;
    html! {
        ul.why {
            @for violation in violations.iter().take(most) { li { (words::violation(violation, now)) } }
            @if more > 0 { li.muted { "and " (more) " more" } }
        }
    }
}

fn row(alert: &Value, fires: bool, is_pending: bool) -> Vec<Markup> {
    let name = text(alert, "name");
    vec![
        html! { a href=(format!("/ui/alerts/{}", segment(name))) { (Text(name)) } },
        state(alert, fires, is_pending),
        conditions(alert),
        html! {
            @for (at, service) in items(alert, "services").iter().enumerate() {
                @if at > 0 { ", " }
                (Text(text(service, "title")))
            }
            @if items(alert, "services").is_empty() { span.muted { "nobody" } }
        },
    ]
}

/// Whether it fires, or may soon.
pub fn state(alert: &Value, fires: bool, is_pending: bool) -> Markup {
    match (fires, alert["active"] == false, is_pending) {
        (true, ..) => chip(Tone::Bad, "firing"),
        (_, true, _) => chip(Tone::Quiet, "switched off"),
        (.., true) => chip(Tone::Warn, "pending"),
        (.., false) => chip(Tone::Good, "quiet"),
    }
}

/// All conditions in words.
pub fn conditions(alert: &Value) -> Markup {
    let all = items(alert, "conditions");
    html! {
        @if all.is_empty() { span.muted { "no conditions" } }
        @for (at, condition) in all.iter().enumerate() {
            @if at > 0 { br; span.muted { "and " } }
            (words::condition(condition))
        }
    }
}

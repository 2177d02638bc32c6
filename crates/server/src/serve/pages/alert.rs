//! One alert: whether it fires and why, what happened before, who was notified, and how to silence or resolve it.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::alerts::{conditions, is_pending, state, why};
use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, done, form_token, heading, page};
use super::parts::{Tone, chip, nothing, table};
use super::picture::{Charts, Size};
use super::refused::Refused;
use super::silences::form;
use super::site::Pages;
use super::text::{Text, link};
use super::times::{Clock, span};
use super::visit::{Sent, Visit};
use super::window::Window;
use super::{copies, figure, words};
use crate::pattern;
use crate::serve::drawing::Drawing;
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
    let path = query("/v1/violations", &[("alerts", &id)]);
    let violations = api.get(visit, &path).await?;
    let violations = items(&violations, "violations").first().cloned().unwrap_or_default();
    let silences = api.get(visit, "/v1/silences?status=active&length=100").await?;
    let (open, past): (Vec<&Value>, Vec<&Value>) =
        items(&incidents, "incidents").iter().partition(|incident| text(incident, "status") == "open");
    let name = text(&alert, "name");
    let here = format!("/ui/alerts/{}", segment(name));
    let is_about = |silence: &&Value| pattern::matches(text(silence, "alert"), name);
    let silences: Vec<&Value> = items(&silences, "silences").iter().filter(is_about).collect();
    let is_quiet = silences.iter().any(|silence| matches!(text(silence, "stream"), "" | "*"));
    let window = Window::read(visit, since(&open, visit.clock.now))?.steadily(visit.clock.now);
    let mut charts = Charts::new(items(&alert, "conditions").iter().map(chart).collect(), window, Size::Wide);
    charts.only_alert = whole(&alert, "id");
    if let Some(answer) = charts.taken(pages, visit, Here::Alerts).await? {
        return Ok(answer);
    }
    let (Drawing { scenes, newest_event }, failed) = charts.drawn(pages, visit).await;
    let actions = html! {
        @if visit.may(Access::Clear) && !open.is_empty() && !is_quiet { (for_an_hour(visit, name, &here)) }
        @if visit.may(Access::Clear) && !open.is_empty() {
            form method="post" action=(format!("{here}/clear")) { (form_token(visit)) button { "Resolve" } }
        }
    };
    let runbook = text(&alert["attributes"], "runbook_url");
    let content = html! {
        (heading(name, &html! { (state(&alert, !open.is_empty(), is_pending(&violations))) }, &actions))
        @if !text(&alert, "description").is_empty() { p.lead { (Text(text(&alert, "description"))) } }
        @if !runbook.is_empty() { p { "Runbook: " (link(runbook, runbook)) } }
        @for silence in &silences { (silenced(visit, silence)) }
        @for incident in &open { (burning(incident, &visit.clock)) }
        (window.picker(visit, &here, since(&open, visit.clock.now), newest_event.as_ref()))
        @if let Some(why) = &failed { p.message role="alert" { "The pictures cannot be drawn now: " (why) } }
        @for (place, scene) in scenes.iter().enumerate() {
            section.card.chart { div.top { h2 { (&scene.title) } } (figure::figure(visit, place, scene, false)) }
        }
        @if scenes.iter().any(|scene| !scene.spans.is_empty()) {
            p.note { "Shaded red: it fired. Hatched: a condition is violated, and not yet for long enough." }
        }
        div.grid {
            (card("Fires when", &facts(&alert, &violations, &visit.clock)))
            @if visit.may(Access::Clear) { (card("Silence it", &form(visit, name, &here))) }
        }
        (card("Incidents", &history(&past, &visit.clock)))
        (card("Notifications", &sent(&deliveries, &visit.clock, true)))
        (card("Elsewhere", &html! {
            (copies::definition(&(pages.definitions().alert)(&alert)))
            (copies::commands(&[
                copies::command(&["export", &format!("alert/{name}")]),
                copies::command(&["get", "incidents", name]),
                copies::command(&["backtest", name, "--files", "."]),
            ]))
        }))
    };
    Ok(page(visit, Here::Alerts, name, &content))
}

/// From when on an alert is shown where no one chose: from before it began to fire.
fn since(open: &[&Value], now: i64) -> &'static str {
    let began = open.iter().filter_map(|incident| whole(incident, "opened_at")).min().unwrap_or(now);
    match now.saturating_sub(began) {
        ..18_000 => "-6h",
        18_000..72_000 => "-1d",
        72_000..500_000 => "-7d",
        _ => "-30d",
    }
}

/// What a condition watches, a line for each stream.
fn chart(condition: &Value) -> Value {
    let tags = items(condition, "tags");
    let is_grouped = tags.iter().any(|tag| tag["grouped"] == true);
    let mut stream = json!({
        "metric": text(condition, "metric_name"),
        "source": if text(condition, "source").is_empty() { "*" } else { text(condition, "source") },
        "summary_function": condition["summary_function"],
    });
    if tags.is_empty() || !is_grouped {
        stream["group_function"] = json!("breakout");
    }
    if !tags.is_empty() {
        stream["tags"] = json!(tags);
    }
    json!({"name": words::condition(condition), "type": "line", "streams": [stream]})
}

/// The answer of whoever was woken and knows: no more of it for an hour.
fn for_an_hour(visit: &Visit, alert: &str, back: &str) -> Markup {
    html! {
        form method="post" action="/ui/silences" {
            (form_token(visit))
            input type="hidden" name="to" value=(back);
            input type="hidden" name="alert" value=(alert);
            input type="hidden" name="stream" value="*";
            input type="hidden" name="duration" value="3600";
            input type="hidden" name="why" value="seen, silenced on its page";
            button.primary { "Silence for 1 h" }
        }
    }
}

/// Who made it quiet, why and until when.
fn silenced(visit: &Visit, silence: &Value) -> Markup {
    let until = whole(silence, "end_time").unwrap_or_default();
    html! {
        div.strip.quiet {
            span.name {
                "Silenced"
                @if !matches!(text(silence, "stream"), "" | "*") { " on " (Text(text(silence, "stream"))) }
                " until " (visit.clock.moment_in_zone(until))
            }
            span { (visit.clock.ago(until)) " · " (Text(text(silence, "why"))) " · " (Text(text(silence, "user"))) }
            @if visit.may(Access::Clear) {
                form method="post" action=(format!("/ui/silences/{}/end", whole(silence, "id").unwrap_or_default())) {
                    (form_token(visit))
                    input type="hidden" name="to" value=(visit.path());
                    button { "End it" }
                }
            }
        }
    }
}

/// An incident that is open.
fn burning(incident: &Value, clock: &Clock) -> Markup {
    html! {
        section.card.trouble {
            h2 {
                "Firing for " (span(clock.now - whole(incident, "opened_at").unwrap_or(clock.now)))
                @if !text(incident, "stream").is_empty() { " on " (Text(text(incident, "stream"))) }
                @if incident["silent"] == true { " " (chip(Tone::Quiet, "in re-arm: nobody is notified yet")) }
            }
            (why(incident, clock.now, 20))
            p.note { "since " (whole(incident, "opened_at").map(|at| clock.when(at)).unwrap_or_default()) }
        }
    }
}

/// The conditions, and which streams violate them now.
fn standing(alert: &Value, violations: &Value, clock: &Clock) -> Markup {
    let (all, violated) = (items(alert, "conditions"), items(violations, "conditions"));
    html! {
        @if all.is_empty() { p { (conditions(alert)) } }
        @for (at, condition) in all.iter().enumerate() {
            @let found = violated.iter().find(|found| found["condition_id"] == condition["id"]).unwrap_or(&Value::Null);
            p.condition { @if at > 0 { span.muted { "and " } } (words::condition(condition)) }
            ul.why {
                @for stream in items(found, "streams") {
                    li { (words::standing(stream, whole(condition, "duration").unwrap_or_default(), clock)) }
                }
                @if let Some(more) = whole(found, "streams_truncated").filter(|more| *more > 0) { li.muted { "and " (more) " more" } }
                @if items(found, "streams").is_empty() { li.muted { "no stream violates it" } }
            }
        }
        @if let Some(through) = whole(violations, "through") { p.note { "as of " (clock.when(through)) } }
    }
}

fn facts(alert: &Value, violations: &Value, clock: &Clock) -> Markup {
    let per_stream = if alert["rearm_per_signal"] == true { ", each stream by itself" } else { "" };
    html! {
        (standing(alert, violations, clock))
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
            dd { (whole(alert, "updated_at").map(|at| clock.when(at)).unwrap_or_default()) }
        }
    }
}

fn history(past: &[&Value], clock: &Clock) -> Markup {
    let rows: Vec<Vec<Markup>> = past
        .iter()
        .map(|incident| {
            let (opened, closed) = (
                whole(incident, "opened_at").unwrap_or(clock.now),
                whole(incident, "closed_at").unwrap_or(clock.now),
            );
            vec![
                clock.when(opened),
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
pub fn sent(deliveries: &Value, clock: &Clock, to_service: bool) -> Markup {
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
                html! { (whole(delivery, "created_at").map(|at| clock.ago(at)).unwrap_or_default()) },
                html! { a href=(format!("/ui/{pages}/{to}")) { (Text(text(of, shown))) } },
                html! { (text(delivery, "kind")) },
                html! { (chip(tone, words::delivery(status))) },
                html! {
                    @if let Some(tries) = whole(delivery, "attempts").filter(|tries| *tries > 1) { (tries) " attempts. " }
                    (Text(text(delivery, "detail")))
                    @if let Some(next) = whole(delivery, "next_attempt_at") { @if !text(delivery, "detail").is_empty() { "; " } "next try " (clock.ago(next)) }
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

#[cfg(test)]
mod tests {
    use super::super::times::tests::clock;
    use super::*;

    #[test]
    fn conditions_say_which_streams_violate_them() {
        let condition =
            |id| json!({"id": id, "type": "above", "metric_name": "m", "threshold": 10.0, "duration": 120});
        let alert = json!({"conditions": [condition(1), condition(2)]});
        let stream = json!({"stream": "<b>", "status": "pending", "since": 60, "count": 2, "last_time": 120, "last_value": 30.0});
        let violations = json!({"through": 130, "conditions": [
            {"condition_id": 1, "streams": [], "streams_truncated": 0},
            {"condition_id": 2, "streams": [stream], "streams_truncated": 7},
        ]});
        let page = standing(&alert, &violations, &clock(1_000)).into_string();
        let order = [
            "m above 10 for 2 m",
            "no stream violates it",
            "&lt;b&gt; violates since 00:01:00, 60 of 120 s",
            "and 7 more",
        ];
        let found: Vec<Option<usize>> = order.iter().map(|words| page.find(words)).collect();
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{found:?} {page}");
        assert!(
            standing(&alert, &Value::Null, &clock(1_000))
                .into_string()
                .matches("no stream violates it")
                .count()
                == 2
        );
    }
}

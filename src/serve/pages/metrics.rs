//! Metrics: the list, and of one its attributes, its newest measurements and the alerts that watch it.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, heading, page};
use super::parts::{ROWS, filter, nothing, pager, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::times::{ago, span};
use super::visit::Visit;
use crate::diag::number;
use crate::serve::http::answer::segment;
use crate::serve::http::role::Access;

/// How far back newest measurements are looked for, in what steps, and how many streams are shown.
const BACK: i64 = 3 * 3_600;
const STEP: i64 = 60;
const STREAMS: usize = 100;

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let wanted = visit.params.text("name");
    let offset = visit.params.offset().to_string();
    let path = query("/v1/metrics", &[("name", wanted), ("offset", &offset), ("length", &ROWS.to_string())]);
    let found = pages.api().get(visit, &path).await?;
    let rows: Vec<Vec<Markup>> = items(&found, "metrics")
        .iter()
        .map(|metric| {
            vec![
                html! { a href=(format!("/ui/metrics/{}", segment(text(metric, "name")))) { (Text(text(metric, "name"))) } },
                html! { (text(metric, "type")) },
                html! { (whole(metric, "period").map(span).unwrap_or_default()) },
                html! { (Text(text(metric, "description"))) },
            ]
        })
        .collect();
    let content = html! {
        (heading("Metrics", &html! {}, &filter(visit, "/ui/metrics", "name", "Name")))
        @if rows.is_empty() && wanted.is_empty() {
            (card("No metrics yet", &html! {
                p { "A metric is made by the first measurement of it:" }
                pre { code { "librato-apply submit --gauge hello=1" } }
            }))
        } @else if rows.is_empty() {
            (nothing(&html! { "No metric has a name with “" (Text(wanted)) "” in it." }))
        } @else {
            section.card { (table("Metrics", &["Metric", "Type", "Period", "Description"], &rows)) }
            (pager(visit, "/ui/metrics", &found))
        }
    };
    Ok(page(visit, Here::Metrics, "Metrics", &content))
}

pub async fn show(State(pages): State<Pages>, visit: Visit, Path(name): Path<String>) -> Response {
    shown(&pages, &visit, &name).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn shown(pages: &Pages, visit: &Visit, name: &str) -> Result<Response, Refused> {
    let metric = pages.api().get(visit, &format!("/v1/metrics/{}", segment(name))).await?;
    let name = text(&metric, "name");
    let newest = newest(pages, visit, name).await;
    let alerts = watching(pages, visit, name).await?;
    let content = html! {
        (heading(name, &html! { (text(&metric, "type")) }, &html! {}))
        @if !text(&metric, "description").is_empty() { p.lead { (Text(text(&metric, "description"))) } }
        (card("Newest measurements", &match &newest {
            Ok(rows) if rows.is_empty() => nothing(&html! { "Nothing was measured in the last " (span(BACK)) "." }),
            Ok(rows) => table("Newest measurements", &["Stream", "Value", "When"], rows),
            Err(refused) => html! { p { (refused.message) } },
        }))
        div.grid {
            (card("Definition", &definition(&metric)))
            @if visit.may(Access::ReadIncidents) {
                (card("Alerts on it", &html! {
                    @if alerts.is_empty() { (nothing(&html! { "No alert watches this metric by its name." })) }
                    ul.plain {
                        @for alert in &alerts {
                            li { a href=(format!("/ui/alerts/{}", segment(text(alert, "name")))) { (Text(text(alert, "name"))) } }
                        }
                    }
                }))
            }
        }
        (card("Elsewhere", &html! { pre { code { "librato-apply query '" (super::text::clean(name)) "'" } } }))
    };
    Ok(page(visit, Here::Metrics, name, &content))
}

fn definition(metric: &Value) -> Markup {
    html! {
        dl {
            @if !text(metric, "composite").is_empty() { dt { "Composite" } dd { code { (Text(text(metric, "composite"))) } } }
            @if !text(metric, "display_name").is_empty() { dt { "Shown as" } dd { (Text(text(metric, "display_name"))) } }
            @if let Some(period) = whole(metric, "period") { dt { "Period" } dd { (span(period)) } }
            @for (name, value) in metric["attributes"].as_object().into_iter().flatten() {
                @if !value.is_null() {
                    dt { (Text(&name.replace('_', " "))) }
                    dd { @match value.as_str() { Some(text) => (Text(text)), None => (Text(&value.to_string())) } }
                }
            }
        }
    }
}

/// The newest value of each stream.
async fn newest(pages: &Pages, visit: &Visit, name: &str) -> Result<Vec<Vec<Markup>>, Refused> {
    let path = query(
        &format!("/v1/measurements/{}", segment(name)),
        &[("resolution", &STEP.to_string()), ("duration", &BACK.to_string())],
    );
    let found = pages.api().get(visit, &path).await?;
    let mut rows = Vec::new();
    for series in items(&found, "series").iter().take(STREAMS) {
        let Some(last) = items(series, "measurements").last() else { continue };
        let tags = series["tags"].as_object().into_iter().flatten();
        let tags: Vec<String> =
            tags.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())).collect();
        let stream = if tags.is_empty() { "without tags".to_owned() } else { tags.join(", ") };
        rows.push(vec![
            html! { (Text(&stream)) },
            html! { (last["value"].as_f64().map(number).unwrap_or_default()) },
            html! { (whole(last, "time").map(|at| ago(visit.now, at)).unwrap_or_default()) },
        ]);
    }
    Ok(rows)
}

/// The alerts with a condition on this metric, among the first few hundred.
async fn watching(pages: &Pages, visit: &Visit, name: &str) -> Result<Vec<Value>, Refused> {
    if !visit.may(Access::ReadIncidents) {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for offset in ["0", "100", "200", "300", "400"] {
        let path = query("/v1/alerts", &[("offset", offset), ("length", "100")]);
        let found = pages.api().get(visit, &path).await?;
        let part = items(&found, "alerts");
        let named = |alert: &&Value| items(alert, "conditions").iter().any(|one| words_of(one) == name);
        all.extend(part.iter().filter(named).cloned());
        if part.len() < 100 {
            break;
        }
    }
    Ok(all)
}

fn words_of(condition: &Value) -> &str {
    text(condition, "metric_name")
}

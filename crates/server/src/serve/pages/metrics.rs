//! Metrics: the list, and of one its attributes, its measurements and what uses it.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, heading, page};
use super::measured::{Measured, STREAMS};
use super::parts::{ROWS, filter, nothing, pager, table};
use super::picture::{Charts, Size};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::times::span;
use super::visit::Visit;
use super::window::Window;
use super::{copies, figure, measured, picture};
use crate::serve::drawing::Drawing;
use crate::serve::http::answer::segment;
use crate::serve::http::role::Access;

/// The time that is shown where none is chosen.
const OTHERWISE: &str = "-6h";

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
    let window = Window::read(visit, OTHERWISE)?;
    let source = visit.params.text("source");
    let measured =
        Measured::read(pages, visit, &metric, window).await.map(|measured| measured.narrowed(source));
    if visit.params.text("csv") == "1" {
        return Ok(measured?.csv().file(name));
    }
    let here = format!("/ui/metrics/{}", segment(name));
    let first = visit.params.offset();
    let mut charts = Charts::new(vec![chart(&metric, source)], window.steadily(visit.clock.now), Size::Wide);
    if let (Ok(measured), true) = (&measured, text(&metric, "type") != "composite") {
        charts.only_series = Some(measured.labels().into_iter().skip(first).take(STREAMS).collect());
    }
    if let Some(answer) = charts.taken(pages, visit, Here::Metrics).await? {
        return Ok(answer);
    }
    let (Drawing { scenes, newest_event }, failed) = charts.drawn(pages, visit).await;
    let newest = match &measured {
        Ok(measured) if measured.is_empty() => measured::newest(pages, visit, name).await?,
        _ => None,
    };
    let uses = pages.api().get(visit, &format!("/v1/metrics/{}/uses", segment(name))).await;
    let explore = query(
        "/ui/explore",
        &[("q", name), ("from", visit.params.text("from")), ("to", visit.params.text("to"))],
    );
    let actions =
        html! { (sources(visit)) (picture::toggles(visit, &scenes)) a.button href=(explore) { "Explore" } };
    let content = html! {
        (heading(name, &html! { (text(&metric, "type")) }, &actions))
        @if !text(&metric, "description").is_empty() { p.lead { (Text(text(&metric, "description"))) } }
        (window.picker(visit, &here, OTHERWISE, newest_event.as_ref()))
        @if let Some(why) = &failed { p.message role="alert" { "The picture cannot be drawn now: " (why) } }
        @match &measured {
            Ok(measured) if measured.is_empty() => (card("Measurements", &measured::nothing_then(newest, visit, &here))),
            Ok(measured) => {
                @for (place, scene) in scenes.iter().enumerate() {
                    section.card.chart { div.top { h2 { "Measurements" } } (figure::figure(visit, place, scene, false)) }
                }
                (card("Streams", &html! {
                    (measured.table(&visit.clock, first))
                    (measured::part(visit, measured.count()))
                    p.note { a href=(visit.params.with(&here, "csv", "1")) { "All of them as CSV" } }
                }))
            },
            Err(refused) => (card("Measurements", &html! { p { (refused.message) } })),
        }
        div.grid {
            (card("Definition", &definition(&metric)))
            (card("Used by", &match &uses {
                Ok(uses) => used(uses, visit.may(Access::ReadIncidents)),
                Err(refused) => html! { p { (refused.message) } },
            }))
        }
        (card("Elsewhere", &html! {
            (copies::definition(&(pages.definitions().metric)(&metric)))
            (copies::commands(&[copies::command(&["query", name]), copies::command(&["export", &format!("metric/{name}")])]))
        }))
    };
    Ok(page(visit, Here::Metrics, name, &content))
}

/// A line for each stream; counters lie upon each other unless the metric says otherwise.
fn chart(metric: &Value, source: &str) -> Value {
    let stacked = metric["attributes"]["display_stacked"].as_bool().unwrap_or(metric["type"] == "counter");
    let source = if source.is_empty() { "*" } else { source };
    json!({
        "name": text(metric, "name"),
        "type": if stacked { "stacked" } else { "line" },
        "streams": [{"metric": text(metric, "name"), "source": source, "group_function": "breakout"}],
    })
}

/// The field that narrows the streams.
fn sources(visit: &Visit) -> Markup {
    html! {
        form.filter role="search" method="get" action=(visit.path()) {
            @for (name, value) in visit.params.others(&["source", "offset"]) { input type="hidden" name=(name) value=(value); }
            label { span { "Source" } input type="search" name="source" value=(visit.params.text("source")) placeholder="web* OR !db-1"; }
            button { "Show" }
        }
    }
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

/// The alerts, charts and composites that name the metric.
fn used(uses: &Value, sees_alerts: bool) -> Markup {
    let (alerts, charts, composites) =
        (items(uses, "alerts"), items(uses, "charts"), items(uses, "composites"));
    let metric = |name: &Value| format!("/ui/metrics/{}", segment(name.as_str().unwrap_or_default()));
    html! {
        @if alerts.is_empty() && charts.is_empty() && composites.is_empty() {
            (nothing(&html! { @if sees_alerts { "No alert, chart or composite names it." } @else { "No chart or composite names it." } }))
        }
        ul.plain {
            @for alert in alerts {
                li { "alert " a href=(format!("/ui/alerts/{}", segment(text(alert, "name")))) { (Text(text(alert, "name"))) } }
            }
            @for chart in charts {
                @let id = whole(&chart["space"], "id").unwrap_or_default();
                li { "chart " (Text(text(chart, "name"))) " in " a href=(format!("/ui/spaces/id/{id}")) { (Text(text(&chart["space"], "name"))) } }
            }
            @for name in composites {
                li { "composite " a href=(metric(name)) { (Text(name.as_str().unwrap_or_default())) } }
            }
        }
        @if let Some(more) = whole(uses, "left_out").filter(|more| *more > 0) { p.note { "and " (more) " more" } }
    }
}

//! Spaces: the list of them, and what the charts of one show.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, heading, page};
use super::parts::{ROWS, Tone, chip, filter, nothing, pager, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::{Text, clean};
use super::visit::Visit;
use super::words;
use crate::serve::http::answer::segment;
use crate::serve::http::problem::Problem;
use crate::serve::http::role::Access;

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let api = pages.api();
    let wanted = visit.params.text("name");
    let (offset, length) = (visit.params.offset().to_string(), ROWS.to_string());
    let found = api
        .get(visit, &query("/v1/spaces", &[("name", wanted), ("offset", &offset), ("length", &length)]))
        .await?;
    let firing = firing(pages, visit).await?;
    let mut rows = Vec::new();
    for space in items(&found, "spaces") {
        let id = whole(space, "id").unwrap_or_default();
        let charts = charts(pages, visit, id).await?;
        let metrics = metrics(&charts);
        let troubled: Vec<&Value> = firing.iter().filter(|incident| touches(incident, &metrics)).collect();
        rows.push((troubled.len(), vec![
            html! { a href=(address(space)) { (Text(text(space, "name"))) } },
            html! { (charts.len()) },
            html! {
                @if troubled.is_empty() { span.muted { "none" } } @else {
                    @for incident in troubled {
                        a href=(format!("/ui/alerts/{}", segment(text(&incident["alert"], "name")))) { (chip(Tone::Bad, &clean(text(&incident["alert"], "name")))) } " "
                    }
                }
            },
        ]));
    }
    rows.sort_by_key(|(trouble, _)| std::cmp::Reverse(*trouble));
    let rows: Vec<Vec<Markup>> = rows.into_iter().map(|(_, row)| row).collect();
    let sees_alerts = visit.may(Access::ReadIncidents);
    let columns: &[&str] =
        if sees_alerts { &["Space", "Charts", "Alerts firing"] } else { &["Space", "Charts"] };
    let rows: Vec<Vec<Markup>> =
        rows.into_iter().map(|row| row.into_iter().take(columns.len()).collect()).collect();
    let content = html! {
        (heading("Spaces", &html! {}, &filter(visit, "/ui/", "name", "Name")))
        @if rows.is_empty() && wanted.is_empty() {
            (card("No spaces yet", &html! {
                p { "A space is a page of charts. Spaces are defined in files and made by " code { "librato-apply apply" } "; or by any client of the API." }
            }))
        } @else if rows.is_empty() {
            (nothing(&html! { "No space has a name with “" (Text(wanted)) "” in it." }))
        } @else {
            section.card { (table("Spaces", columns, &rows)) }
            (pager(visit, "/ui/", &found))
        }
    };
    Ok(page(visit, Here::Spaces, "Spaces", &content))
}

pub async fn by_id(State(pages): State<Pages>, visit: Visit, Path(id): Path<String>) -> Response {
    let found = match id.parse::<i64>() {
        Ok(id) => pages.api().get(&visit, &format!("/v1/spaces/{id}")).await,
        Err(_) => Err(Problem::not_found().into()),
    };
    match found {
        Ok(space) => shown(&pages, &visit, &space).await.unwrap_or_else(|refused| refused.shown(&visit)),
        Err(refused) => refused.shown(&visit),
    }
}

/// Names are what people know; where several spaces share one, it is for them to choose.
pub async fn by_name(State(pages): State<Pages>, visit: Visit, Path(name): Path<String>) -> Response {
    named(&pages, &visit, &name).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn named(pages: &Pages, visit: &Visit, name: &str) -> Result<Response, Refused> {
    let mut same = Vec::new();
    for offset in 0.. {
        let offset = (offset * ROWS).to_string();
        let path = query("/v1/spaces", &[("name", name), ("offset", &offset), ("length", &ROWS.to_string())]);
        let found = pages.api().get(visit, &path).await?;
        let all = items(&found, "spaces");
        same.extend(all.iter().filter(|space| text(space, "name") == name).cloned());
        if all.len() < ROWS {
            break;
        }
    }
    match same.as_slice() {
        [] => Err(Problem::not_found().into()),
        [one] => shown(pages, visit, one).await,
        several => {
            let choice = html! {
                (heading(name, &html! { "several spaces have this name" }, &html! {}))
                ul.card.plain { @for space in several {
                    @let id = whole(space, "id").unwrap_or_default();
                    li { a href=(format!("/ui/spaces/id/{id}")) { "the space with the id " (id) } }
                } }
            };
            Ok(page(visit, Here::Spaces, name, &choice))
        }
    }
}

async fn shown(pages: &Pages, visit: &Visit, space: &Value) -> Result<Response, Refused> {
    let charts = charts(pages, visit, whole(space, "id").unwrap_or_default()).await?;
    let metrics = metrics(&charts);
    let firing = firing(pages, visit).await?;
    let troubled: Vec<&Value> = firing.iter().filter(|incident| touches(incident, &metrics)).collect();
    let content = html! {
        (heading(text(space, "name"), &html! { (charts.len()) @if charts.len() == 1 { " chart" } @else { " charts" } }, &html! {}))
        @for incident in troubled { (strip(incident, visit.now)) }
        @if charts.is_empty() { (nothing(&html! { "This space has no charts." })) }
        div.grid { @for chart in &charts { (chart_card(chart)) } }
    };
    Ok(page(visit, Here::Spaces, text(space, "name"), &content))
}

/// One alert that fires, in a line.
pub fn strip(incident: &Value, now: i64) -> Markup {
    let name = text(&incident["alert"], "name");
    let violations = items(incident, "violations");
    html! {
        div.strip {
            span.firing { "Firing" }
            a.name href=(format!("/ui/alerts/{}", segment(name))) { (Text(name)) }
            span {
                @if let Some(first) = violations.first() { (words::violation(first, now)) }
                @if violations.len() > 1 { ", and " (violations.len() - 1) " more" }
            }
        }
    }
}

fn chart_card(chart: &Value) -> Markup {
    let name = match text(chart, "name") {
        "" => "without a name",
        name => name,
    };
    html! {
        section.card.chart {
            h2 { (Text(name)) }
            p.note { (kind(text(chart, "type"))) @if !text(chart, "label").is_empty() { " · " (Text(text(chart, "label"))) } }
            (picture(chart))
            ul.plain { @for stream in items(chart, "streams") { li { (stream_words(stream)) } } }
        }
    }
}

/// The picture of a chart stands here.
fn picture(_: &Value) -> Markup {
    html! {}
}

fn kind(kind: &str) -> &str {
    match kind {
        "stacked" => "stacked areas",
        "bignumber" => "a big number",
        _ => "lines",
    }
}

/// What a stream shows.
fn stream_words(stream: &Value) -> Markup {
    let (metric, composite) = (text(stream, "metric"), text(stream, "composite"));
    html! {
        @if !composite.is_empty() {
            code { (Text(composite)) }
        } @else if text(stream, "type") == "annotation" {
            "events of " (Text(metric))
        } @else {
            a href=(format!("/ui/metrics/{}", segment(metric))) { (Text(metric)) }
            @if !matches!(text(stream, "source"), "" | "*") { " on " (Text(text(stream, "source"))) }
            @if !text(stream, "summary_function").is_empty() { ", " (Text(text(stream, "summary_function"))) }
        }
    }
}

async fn charts(pages: &Pages, visit: &Visit, space: i64) -> Result<Vec<Value>, Refused> {
    let found = pages.api().get(visit, &format!("/v1/spaces/{space}/charts")).await?;
    Ok(match found {
        Value::Array(charts) => charts,
        other => items(&other, "charts").to_vec(),
    })
}

/// The open incidents, as far as the role may see them.
pub async fn firing(pages: &Pages, visit: &Visit) -> Result<Vec<Value>, Refused> {
    if !visit.may(Access::ReadIncidents) {
        return Ok(Vec::new());
    }
    let found = pages.api().get(visit, "/v1/incidents?status=open&length=100").await?;
    Ok(items(&found, "incidents").to_vec())
}

fn metrics(charts: &[Value]) -> Vec<&str> {
    charts.iter().flat_map(|chart| items(chart, "streams")).map(|stream| text(stream, "metric")).collect()
}

fn touches(incident: &Value, metrics: &[&str]) -> bool {
    items(incident, "violations").iter().any(|one| metrics.contains(&text(one, "metric")))
}

fn address(space: &Value) -> String {
    match text(space, "name") {
        // steps that a browser would take out of the path
        "" | "." | ".." => format!("/ui/spaces/id/{}", whole(space, "id").unwrap_or_default()),
        name => format!("/ui/spaces/{}", segment(name)),
    }
}

//! One chart of a space: its picture, what it shows, and the same elsewhere.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, heading, page};
use super::parts::space_address;
use super::picture::{Charts, Size};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::visit::Visit;
use super::window::Window;
use super::{copies, figure, picture};
use crate::picture::Scene;
use crate::serve::drawing::Drawing;
use crate::serve::http::answer::segment;
use crate::serve::http::problem::Problem;

pub async fn show(
    State(pages): State<Pages>,
    visit: Visit,
    Path((space, chart)): Path<(String, String)>,
) -> Response {
    shown(&pages, &visit, &space, &chart).await.unwrap_or_else(|refused| refused.shown(&visit))
}

/// Where a chart is shown alone: by ids, since names of charts need not be unique.
pub fn address(space: i64, chart: &Value) -> String {
    format!("/ui/spaces/id/{space}/{}", whole(chart, "id").unwrap_or_default())
}

async fn shown(pages: &Pages, visit: &Visit, space: &str, chart: &str) -> Result<Response, Refused> {
    let (space, id): (i64, i64) = match (space.parse(), chart.parse()) {
        (Ok(space), Ok(chart)) => (space, chart),
        _ => return Err(Problem::not_found().into()),
    };
    let chart = pages.api().get(visit, &format!("/v1/spaces/{space}/charts/{id}")).await?;
    let space = pages.api().get(visit, &format!("/v1/spaces/{space}")).await?;
    let window = Window::read(visit, picture::SINCE)?.steadily(visit.clock.now);
    let shown = Charts::new(vec![chart.clone()], window, Size::Large);
    if let Some(answer) = shown.taken(pages, visit, Here::Spaces).await? {
        return Ok(answer);
    }
    let (Drawing { scenes, newest_event }, failed) = shown.drawn(pages, visit).await;
    let visit_path = address(whole(&space, "id").unwrap_or_default(), &chart);
    let name = name(&chart);
    let note = html! {
        (kind(text(&chart, "type"))) " in " a href=(space_address(&space)) { (Text(text(&space, "name"))) }
    };
    let content = html! {
        (heading(name, &note, &html! { (picture::source(visit, std::slice::from_ref(&chart))) (picture::toggles(visit, &scenes)) }))
        (window.picker(visit, &visit_path, picture::SINCE, newest_event.as_ref()))
        @if let Some(why) = &failed { p.message role="alert" { "The chart cannot be drawn now: " (why) } }
        @for (place, scene) in scenes.iter().enumerate() { (figure::card(visit, place, scene, None)) }
        (card("Shows", &html! { ul.plain { @for stream in items(&chart, "streams") { li { (stream_words(stream)) } } } }))
        (card("Elsewhere", &html! {
            (copies::definition(&(pages.definitions().space)(&space, std::slice::from_ref(&chart), &BTreeMap::new())))
            (copies::commands(&items(&chart, "streams").iter().map(command).collect::<Vec<_>>()))
        }))
    };
    Ok(page(visit, Here::Spaces, name, &content))
}

/// A chart among others; what it is defined as, where it was not drawn.
pub fn small(visit: &Visit, place: usize, space: i64, chart: &Value, scene: Option<&Scene>) -> Markup {
    let span = ["from", "to", "tz", "source", "events", "limits"].map(|name| (name, visit.params.text(name)));
    let to = query(&address(space, chart), &span);
    html! {
        @if let Some(scene) = scene {
            (figure::card(visit, place, scene, Some(&to)))
        } @else {
            section.card.chart {
                h2 { a href=(to) { (Text(name(chart))) } }
                p.note { (kind(text(chart, "type"))) }
                ul.plain { @for stream in items(chart, "streams") { li { (stream_words(stream)) } } }
            }
        }
    }
}

fn name(chart: &Value) -> &str {
    match text(chart, "name") {
        "" => "without a name",
        name => name,
    }
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

/// The command that asks what a stream shows.
fn command(stream: &Value) -> String {
    let (metric, composite, source) =
        (text(stream, "metric"), text(stream, "composite"), text(stream, "source"));
    if text(stream, "type") == "annotation" {
        return copies::command(&["get", "events", metric]);
    }
    let what = if composite.is_empty() { metric } else { composite };
    match source {
        "" | "*" => copies::command(&["query", what, "--start", "-6h"]),
        source => copies::command(&["query", what, "--source", source, "--start", "-6h"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn streams_are_commands() {
        for (stream, said) in [
            (json!({"metric": "a.b", "source": "*"}), "librato-apply query a.b --start -6h"),
            (
                json!({"metric": "a.b", "source": "web*"}),
                "librato-apply query a.b --source 'web*' --start -6h",
            ),
            (json!({"composite": "s(\"a\", \"*\")"}), "librato-apply query 's(\"a\", \"*\")' --start -6h"),
        ] {
            assert_eq!(command(&stream), said);
        }
    }
}

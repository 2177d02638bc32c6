//! Events: what was annotated, by stream and time.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, heading, page};
use super::parts::{nothing, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::{Text, link};
use super::times::{Clock, span};
use super::visit::Visit;
use super::window::Window;
use crate::serve::http::answer::segment;

/// So many streams are read where none is chosen, and so many events are shown.
const STREAMS: usize = 20;
const EVENTS: usize = 200;

/// The time that is shown where none is chosen.
const OTHERWISE: &str = "-7d";

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let window = Window::read(visit, OTHERWISE)?;
    let Window { from, to } = window;
    let found = pages.api().get(visit, "/v1/annotations?length=100").await?;
    let names: Vec<&str> = items(&found, "annotations").iter().map(|stream| text(stream, "name")).collect();
    let chosen = visit.params.text("stream");
    let read: Vec<&str> =
        if chosen.is_empty() { names.iter().copied().take(STREAMS).collect() } else { vec![chosen] };
    let mut events = Vec::new();
    for name in &read {
        let times = (from.to_string(), to.to_string());
        let path = query(
            &format!("/v1/annotations/{}", segment(name)),
            &[("start_time", &times.0), ("end_time", &times.1)],
        );
        let stream = pages.api().get(visit, &path).await?;
        for (source, of_source) in stream["events"].as_object().into_iter().flatten() {
            events.extend(
                of_source
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|event| ((*name).to_owned(), source.clone(), event.clone())),
            );
        }
    }
    events.sort_by_key(|(.., event)| std::cmp::Reverse(whole(event, "start_time")));
    let more = events.len().saturating_sub(EVENTS);
    events.truncate(EVENTS);
    let rows: Vec<Vec<Markup>> =
        events.iter().map(|(name, source, event)| row(&visit.clock, name, source, event)).collect();
    let content = html! {
        (heading("Events", &html! {}, &form(visit, &names)))
        (window.picker(visit, "/ui/events", OTHERWISE, None))
        @if chosen.is_empty() && names.len() > STREAMS { p.note { "The first " (STREAMS) " streams; choose one for others." } }
        @if rows.is_empty() { (nothing(&html! { "No event lies in this time." })) }
        @else { section.card { (table("Events", &["When", "Event", "Stream", "Source"], &rows)) } }
        @if more > 0 { p.note { (more) " older events are left out; choose a shorter time." } }
    };
    Ok(page(visit, Here::Events, "Events", &content))
}

fn form(visit: &Visit, names: &[&str]) -> Markup {
    let chosen = visit.params.text("stream");
    html! {
        form.filter method="get" action="/ui/events" {
            label { span { "Stream" }
                select name="stream" {
                    option value="" { "all" }
                    @for name in names { option value=(name) selected[*name == chosen] { (super::text::clean(name)) } }
                }
            }
            @for (name, value) in visit.params.others(&["stream"]) { input type="hidden" name=(name) value=(value); }
            button { "Show" }
        }
    }
}

fn row(clock: &Clock, stream: &str, source: &str, event: &Value) -> Vec<Markup> {
    let (start, end) = (whole(event, "start_time").unwrap_or_default(), whole(event, "end_time"));
    vec![
        html! { (clock.when(start)) br; span.muted { (clock.ago(start)) @if let Some(end) = end { ", for " (span(end - start)) } } },
        html! {
            strong { (Text(text(event, "title"))) }
            @if !text(event, "description").is_empty() { br; (Text(text(event, "description"))) }
            @for one in items(event, "links") {
                " " (link(text(one, "href"), if text(one, "label").is_empty() { text(one, "rel") } else { text(one, "label") }))
            }
        },
        html! { a href=(query("/ui/events", &[("stream", stream)])) { (Text(stream)) } },
        html! { @if source != "unassigned" { (Text(source)) } },
    ]
}

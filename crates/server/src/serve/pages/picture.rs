//! Pictures of charts: what the address of a page asks of them, the drawing itself, and each of them taken elsewhere: as a picture, as
//! its numbers, as a table.

use std::collections::BTreeSet;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, text};
use super::frame::{Here, heading, page};
use super::refused::Refused;
use super::site::Pages;
use super::visit::Visit;
use super::window::Window;
use super::{csv, figure, numbers};
use crate::chart::View;
use crate::composite::Labels;
use crate::picture::{self, Kind, Scene, Theme, draw, svg};
use crate::serve::drawing::{Drawing, PictureRequest};
use crate::serve::http::role::Access;

/// Of a plot, and of the number in a card of its own.
const HEIGHT: u32 = 192;
const LARGE_HEIGHT: u32 = 320;
const NUMBER_HEIGHT: u32 = 96;

/// Of a picture that is taken elsewhere.
const TAKEN: (u32, u32) = (800, 240);

/// From when on charts are shown unless someone asks otherwise.
pub const SINCE: &str = "-6h";

/// How large a chart is on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Among others.
    Card,
    /// As wide as the page.
    Wide,
    /// The only one.
    Large,
}

/// Charts that a page shows.
pub struct Charts {
    /// As the API shows them.
    pub all: Vec<Value>,
    pub window: Window,
    pub size: Size,
    /// Limits and times of this alert alone.
    pub only_alert: Option<i64>,
    /// These series alone.
    pub only_series: Option<BTreeSet<Labels>>,
}

impl Charts {
    /// Of a window that is [steady](Window::steadily).
    pub fn new(all: Vec<Value>, window: Window, size: Size) -> Charts {
        Charts { all, window, size, only_alert: None, only_series: None }
    }

    /// As scenes, in their order, fewer where there are more than a page may have; or why they cannot be drawn, for what they are defined
    /// as can be read all the same.
    pub async fn drawn(&self, pages: &Pages, visit: &Visit) -> (Drawing, Option<String>) {
        match self.draw(pages, visit, self.all.clone()).await {
            Ok(drawing) => (drawing, None),
            Err(refused) => (Drawing::default(), Some(refused.message)),
        }
    }

    async fn draw(&self, pages: &Pages, visit: &Visit, charts: Vec<Value>) -> Result<Drawing, Refused> {
        let request = PictureRequest {
            charts,
            view: self.view(visit),
            events: events(visit),
            with_alerts: visit.may(Access::ReadIncidents) && visit.params.text("limits") != "0",
            only_alert: self.only_alert,
            only_series: self.only_series.clone(),
        };
        let mut drawing = pages.drawings().draw(pages.store(), request).await?;
        for scene in
            drawing.scenes.iter_mut().filter(|scene| scene.kind == Kind::Number && self.size == Size::Card)
        {
            (scene.width, scene.height) = (visit.screen.number(), NUMBER_HEIGHT);
        }
        Ok(drawing)
    }

    fn view(&self, visit: &Visit) -> View {
        View {
            window: picture::Window { start: self.window.from, end: self.window.to },
            now: self.window.steady(visit.clock.now),
            kept: 1,
            width: if self.size == Size::Card { visit.screen.card() } else { visit.screen.whole() },
            height: if self.size == Size::Large && !visit.screen.is_narrow() { LARGE_HEIGHT } else { HEIGHT },
            whole: false,
            zone: visit.clock.zone.clone(),
            source: Some(visit.params.text("source").to_owned()).filter(|source| !source.is_empty()),
            tags: visit.params.starting_with("tag."),
            hidden: visit.params.all("hide").map(str::to_owned).collect(),
        }
    }

    /// What is answered where the address asks for one of the charts (`of`, from 0) in another form (`as`).
    pub async fn taken(&self, pages: &Pages, visit: &Visit, here: Here) -> Result<Option<Response>, Refused> {
        let form = visit.params.text("as");
        if form.is_empty() {
            return Ok(None);
        }
        let place: usize = visit.params.text("of").parse().unwrap_or(0);
        let chart = self.all.get(place).cloned();
        let chart =
            chart.ok_or(Refused::new(StatusCode::NOT_FOUND, "The page has fewer charts than that."))?;
        let scenes = self.draw(pages, visit, vec![chart]).await?.scenes;
        let scene = scenes.first().ok_or(Refused::new(StatusCode::NOT_FOUND, "There is nothing to draw."))?;
        let theme = if visit.theme == Some("dark") { Theme::Dark } else { Theme::Light };
        match form {
            "csv" => Ok(Some(numbers::csv(scene).file(&scene.title))),
            "json" => Ok(Some(axum::Json(numbers::json(scene)).into_response())),
            "svg" => Ok(Some(file(
                svg::paint(&draw(&alone(scene)), theme).into_bytes(),
                "image/svg+xml",
                "svg",
                scene,
            ))),
            #[cfg(feature = "png")]
            "png" => {
                let whole = alone(scene);
                let painted =
                    tokio::task::spawn_blocking(move || picture::png::paint(&draw(&whole), theme, 2.0));
                let made = painted.await.ok().flatten();
                let unmade =
                    || Refused::new(StatusCode::SERVICE_UNAVAILABLE, "There is no memory for the picture.");
                Ok(Some(file(made.ok_or_else(unmade)?, "image/png", "png", scene)))
            }
            "table" => Ok(Some(as_table(visit, here, scene))),
            _ => {
                let help = "`as` is csv, json, svg, png or table.";
                Err(Refused::new(StatusCode::BAD_REQUEST, help))
            }
        }
    }
}

/// The same scene for a place without a page around it.
fn alone(scene: &Scene) -> Scene {
    Scene { whole: true, width: TAKEN.0, height: TAKEN.1, ..scene.clone() }
}

fn file(bytes: Vec<u8>, kind: &'static str, ending: &str, scene: &Scene) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = csv::file_name(&scene.title);
    let disposition = HeaderValue::from_str(&format!("inline; filename=\"{name}.{ending}\"")).ok();
    headers.extend(disposition.map(|disposition| (header::CONTENT_DISPOSITION, disposition)));
    response
}

fn as_table(visit: &Visit, here: Here, scene: &Scene) -> Response {
    let back = visit.params.with_all(visit.path(), &[("as", ""), ("of", "")]);
    let content = html! {
        (heading(&scene.title, &html! { (scene.note) }, &html! { a.button href=(back) { "Back to the picture" } }))
        section.card { (figure::table(scene, &visit.clock)) }
    };
    page(visit, here, &scene.title, &content)
}

/// Streams of events that were chosen; nothing where the charts decide.
fn events(visit: &Visit) -> Option<Vec<String>> {
    match visit.params.text("events") {
        "" => None,
        "none" => Some(Vec::new()),
        names => Some(names.split(',').map(|name| name.trim().to_owned()).collect()),
    }
}

/// The field for what stands for `%`, where a chart has it.
pub fn source(visit: &Visit, charts: &[Value]) -> Markup {
    let dynamic = charts
        .iter()
        .flat_map(|chart| items(chart, "streams"))
        .any(|stream| text(stream, "source") == "%" || text(stream, "composite").contains("\"%\""));
    html! {
        @if dynamic {
            form.filter method="get" action=(visit.path()) {
                @for (name, value) in visit.params.others(&["source"]) { input type="hidden" name=(name) value=(value); }
                label { span { "Source" } input name="source" value=(visit.params.text("source")) placeholder="web* OR !db-1"; }
                button { "Show" }
            }
        }
    }
}

/// What charts have beside their series: events of streams and limits of alerts, to be hidden and shown again.
pub fn toggles(visit: &Visit, scenes: &[Scene]) -> Markup {
    let path = visit.path();
    let (no_events, no_limits) = (visit.params.text("events") == "none", visit.params.text("limits") == "0");
    let has_events = no_events || scenes.iter().any(|scene| !scene.events.is_empty());
    let has_limits =
        no_limits || scenes.iter().any(|scene| !scene.limits.is_empty() || !scene.spans.is_empty());
    let any_hidden = visit.params.all("hide").next().is_some();
    html! {
        @if has_events {
            a.button.toggle href=(visit.params.with(path, "events", if no_events { "" } else { "none" })) { "Events" span.muted { @if no_events { " hidden" } @else { " shown" } } }
        }
        @if has_limits && visit.may(Access::ReadIncidents) {
            a.button.toggle href=(visit.params.with(path, "limits", if no_limits { "" } else { "0" })) { "Limits" span.muted { @if no_limits { " hidden" } @else { " shown" } } }
        }
        @if any_hidden { a.button href=(visit.params.with(path, "hide", "")) { "Show all series" } }
    }
}

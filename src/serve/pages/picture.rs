//! Pictures of charts on a page: for which sources its address asks, the drawing itself, its legend and its remarks.

use jiff::tz::TimeZone;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::fields::{list as items, text};
use super::refused::Refused;
use super::site::Pages;
use super::text::{Text, clean};
use super::visit::Visit;
use super::window::Window;
use crate::chart::View;
use crate::picture::number::short_in;
use crate::picture::{self, Kind, Scene, Series, Totals, draw, svg};
use crate::serve::drawing::{self, Wish};
use crate::serve::http::role::Access;

/// The width that pictures are drawn for; a card shows them as wide as it is.
const WIDTH: u32 = 640;
/// Of a plot, and of the number in a card of its own.
const HEIGHT: u32 = 192;
const NUMBER_HEIGHT: u32 = 120;

/// From when on charts are shown unless somebody asks otherwise.
pub const SINCE: &str = "-6h";

/// Rows of a legend; the rest is counted.
const ROWS: usize = 20;

/// The field for what stands for `%`, where a chart has it.
pub fn source(visit: &Visit, path: &str, charts: &[Value]) -> Markup {
    let dynamic = charts
        .iter()
        .flat_map(|chart| items(chart, "streams"))
        .any(|stream| text(stream, "source") == "%" || text(stream, "composite").contains("\"%\""));
    html! {
        @if dynamic {
            form.filter method="get" action=(path) {
                @for name in ["from", "to", "refresh"] {
                    @if !visit.params.text(name).is_empty() { input type="hidden" name=(name) value=(visit.params.text(name)); }
                }
                label { span { "Source" } input name="source" value=(visit.params.text("source")) placeholder="web* OR !db-1"; }
                button { "Show" }
            }
        }
    }
}

/// The charts as scenes, in their order, fewer where there are more than a page may have; or why they cannot be drawn, for what they
/// are defined as can be read all the same.
pub async fn drawn(
    pages: &Pages,
    visit: &Visit,
    charts: &[Value],
    Window { from, to }: Window,
) -> (Vec<Scene>, Option<String>) {
    let events = match visit.params.text("events") {
        "" => None,
        "none" => Some(Vec::new()),
        names => Some(names.split(',').map(|name| name.trim().to_owned()).collect()),
    };
    let view = View {
        window: picture::Window { start: from, end: to },
        now: visit.now,
        kept: 1,
        width: WIDTH,
        height: HEIGHT,
        whole: false,
        zone: TimeZone::UTC,
        source: Some(visit.params.text("source").to_owned()).filter(|source| !source.is_empty()),
        tags: visit.params.starting_with("tag."),
        hidden: Vec::new(),
    };
    let with_alerts = visit.may(Access::ReadIncidents) && visit.params.text("limits") != "0";
    let wish = Wish { charts: charts.to_vec(), view, events, with_alerts };
    match drawing::scenes(pages.store(), wish).await {
        Ok(scenes) => (scenes, None),
        Err(problem) => (Vec::new(), Some(Refused::from(problem).message)),
    }
}

/// One picture with what belongs to it.
pub fn figure(scene: &Scene) -> Markup {
    let mut scene = scene.clone();
    if scene.kind == Kind::Number {
        (scene.width, scene.height) = (WIDTH / 2, NUMBER_HEIGHT);
    }
    let picture = draw(&scene);
    html! {
        p.note { (clean(&scene.note)) }
        figure.picture {
            // All texts of others in it went through the one way into pictures.
            (PreEscaped(svg::inline(&picture)))
            @if scene.kind != Kind::Number { (legend(&scene)) }
        }
        @if !scene.remarks.is_empty() {
            ul.plain.note { @for remark in &scene.remarks { li { (Text(remark)) } } }
        }
    }
}

/// A number of a series, and what it is called.
type Column = (&'static str, fn(&Totals) -> f64);

fn legend(scene: &Scene) -> Markup {
    let columns: [Column; 4] =
        [("Last", |t| t.last), ("Min", |t| t.min), ("Mean", |t| t.mean), ("Max", |t| t.max)];
    // From the top down, as a stack lies.
    let mut all: Vec<&Series> = scene.series.iter().collect();
    if scene.kind == Kind::Stacked {
        all.reverse();
    }
    let unit =
        |series: &Series| scene.axes.get(series.axis).map(|axis| axis.unit.as_str()).unwrap_or_default();
    html! {
        @if !all.is_empty() {
            table.legend aria-label="Series" {
                thead { tr { th scope="col" { "Series" } @for (name, _) in columns { th scope="col" { (name) } } } }
                tbody {
                    @for series in all.iter().take(ROWS) {
                        tr {
                            td data-label="Series" { div { (PreEscaped(svg::swatch(series.hue, scene.kind == Kind::Stacked))) " " (Text(&series.name)) } }
                            @for (name, value) in columns {
                                td data-label=(name) { div { (series.totals.as_ref().map_or_else(|| "–".to_owned(), |totals| short_in(value(totals), unit(series)))) } }
                            }
                        }
                    }
                }
            }
        }
        @if all.len() > ROWS { p.note { "and " (all.len() - ROWS) " more series" } }
    }
}

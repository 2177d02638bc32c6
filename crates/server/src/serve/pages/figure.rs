//! A picture on a page: in its card with a menu, its legend and what there is to say of it; and as a table.

use maud::{Markup, PreEscaped, html};

use super::numbers::{rows, shown};
use super::text::{Text, clean};
use super::times::Clock;
use super::visit::Visit;
use crate::picture::number::{full_in, short_in};
use crate::picture::{Kind, Scene, Series, Totals, draw, svg};

/// Rows of a legend in a card; the rest is counted.
const ROWS: usize = 20;
/// Rows of a legend where it may be long, and of a table.
const MANY: usize = 500;

/// A chart in a card. `place` is which of its page, `to` where it is shown alone.
pub fn card(visit: &Visit, place: usize, scene: &Scene, to: Option<&str>) -> Markup {
    html! {
        section.card.chart.number[scene.kind == Kind::Number] {
            div.top {
                h2 { @if let Some(to) = to { a href=(to) { (Text(&scene.title)) } } @else { (Text(&scene.title)) } }
                (menu(visit, place, scene, to))
            }
            (figure(visit, place, scene, to.is_none()))
        }
    }
}

/// The picture with its note, its legend and its remarks.
pub fn figure(visit: &Visit, place: usize, scene: &Scene, is_alone: bool) -> Markup {
    let picture = draw(scene);
    html! {
        p.note { (clean(&scene.note)) }
        figure.picture {
            // All texts of others in it went through the one way into pictures.
            div.plot data-kind=(if scene.kind == Kind::Number { "number" } else { "chart" }) data-of=(place) data-start=(scene.window.start) data-end=(scene.window.end)
                data-left=(picture.plot.left) data-right=(picture.plot.right) data-top=(picture.plot.top) data-bottom=(picture.plot.bottom) {
                (PreEscaped(svg::inline(&picture)))
            }
            @if scene.kind != Kind::Number { (legend(visit, scene, if is_alone { MANY } else { ROWS })) }
        }
        @if !scene.remarks.is_empty() {
            ul.plain.note { @for remark in &scene.remarks { li { (Text(remark)) } } }
        }
    }
}

/// What else can be done with a picture.
fn menu(visit: &Visit, place: usize, scene: &Scene, to: Option<&str>) -> Markup {
    let place = place.to_string();
    let (start, end) = (scene.window.start.to_string(), scene.window.end.to_string());
    let taken = |form: &str| {
        let what = [
            ("as", form),
            ("of", place.as_str()),
            ("from", start.as_str()),
            ("to", end.as_str()),
            ("refresh", ""),
        ];
        visit.params.with_all(visit.path(), &what)
    };
    html! {
        details.menu {
            summary title="More" { span aria-hidden="true" { "⋯" } span.hidden { "More of " (Text(&scene.title)) } }
            ul.plain {
                @if let Some(to) = to { li { a data-act="large" href=(to) { "Large" } } }
                li { a data-act="table" href=(visit.params.with_all(visit.path(), &[("as", "table"), ("of", &place)])) { "As a table" } }
                li { a download href=(taken("csv")) { "Numbers as CSV" } }
                li { a data-act="numbers" href=(taken("json")) { "Numbers as JSON" } }
                li { a download href=(taken("svg")) { "Picture as SVG" } }
                @if cfg!(feature = "png") { li { a download href=(taken("png")) { "Picture as PNG" } } }
            }
        }
    }
}

/// A number of a series, and what it is called.
type Column = (&'static str, fn(&Totals) -> f64);

fn legend(visit: &Visit, scene: &Scene, most: usize) -> Markup {
    let columns: [Column; 4] =
        [("Last", |t| t.last), ("Min", |t| t.min), ("Mean", |t| t.mean), ("Max", |t| t.max)];
    // From the top down, as a stack lies.
    let mut all: Vec<&Series> = scene.series.iter().collect();
    if scene.kind == Kind::Stacked {
        all.reverse();
    }
    html! {
        @if !all.is_empty() {
            table.legend aria-label="Series" {
                thead { tr { th scope="col" { "Series" } @for (name, _) in columns { th scope="col" { (name) } } } }
                tbody {
                    @for series in all.iter().take(most) {
                        tr.off[series.hidden] data-series=(series.name) {
                            td {
                                a href=(visit.params.toggled(visit.path(), "hide", &series.name)) title=(if series.hidden { "Show it" } else { "Hide it" }) {
                                    (PreEscaped(svg::swatch(series.hue, scene.kind == Kind::Stacked))) " " (Text(&series.name))
                                    @if series.hidden { span.hidden { ", hidden" } }
                                }
                            }
                            @for (_, value) in columns {
                                td { (series.totals.as_ref().map_or_else(|| "–".to_owned(), |totals| short_in(value(totals), unit(scene, series)))) }
                            }
                        }
                    }
                }
            }
        }
        @if all.len() > most { p.note { "and " (all.len() - most) " more series" } }
    }
}

fn unit<'a>(scene: &'a Scene, series: &Series) -> &'a str {
    scene.axes.get(series.axis).map(|axis| axis.unit.as_str()).unwrap_or_default()
}

/// The points, the newest first.
pub fn table(scene: &Scene, clock: &Clock) -> Markup {
    let series = shown(scene);
    let rows = rows(&series);
    html! {
        @if rows.is_empty() { p.nothing { "There are no points in this time." } } @else {
            div.sideways tabindex="0" role="region" aria-label="Points" {
                table.points {
                    caption.hidden { (Text(&scene.title)) }
                    thead { tr { th scope="col" { "Time" } @for one in &series { th scope="col" { (Text(&one.name)) } } } }
                    tbody {
                        @for (time, points) in rows.iter().rev().take(MANY) {
                            tr {
                                th scope="row" { (clock.when(*time)) }
                                @for (point, one) in points.iter().zip(&series) {
                                    td { (point.map_or_else(|| "–".to_owned(), |point| full_in(point.value, unit(scene, one)))) }
                                }
                            }
                        }
                    }
                }
            }
            @if rows.len() > MANY { p.note { "The newest " (MANY) " of " (rows.len()) " times; all of them are in the numbers as CSV." } }
        }
    }
}

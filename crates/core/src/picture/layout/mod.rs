//! From a scene to marks: where everything stands. Order of painting: tints, grid, series, events, limits, writing, feet.

mod axes;
mod beside;
mod board;
#[cfg(test)]
pub use board::extent;
mod legend;
mod lines;
mod number;
mod sheet;

use super::font;
use super::list::{Anchor, Area, Ink, Picture, Reach, Text};
use super::scale::Scale;
use super::scene::{Axis, Kind, Scene, Series};
use super::words;
use board::Board;
use sheet::{LEFT, NAMED, PADDING, Sheet, THIRD};

/// Right of the plot, for names at the ends of lines or a second axis.
const RIGHT: f64 = 58.0;
/// Right of the plot where nothing stands there.
const NARROW: f64 = 12.0;
/// What the plot has at least, where the picture is narrow.
const LEAST: f64 = 40.0;
/// Above the plot.
const TOP: f64 = 16.0;
/// Below the plot.
const BOTTOM: f64 = 22.0;
/// The title of such a picture, and what it notes.
const HEAD: f64 = 40.0;

/// Names stand at the ends of lines in plots of this width.
const NAMED_WIDTH: f64 = 480.0;

/// Axes drawn; what more have shares the last.
const AXES: usize = 3;

/// Most of what is drawn, however much there is.
pub const MOST_SERIES: usize = 1_000;
const WIDTHS: (u32, u32) = (160, 2_400);
const HEIGHTS: (u32, u32) = (60, 1_600);

/// Lays a scene out.
#[must_use]
pub fn draw(scene: &Scene) -> Picture {
    let window = scene.window.sound();
    if window != scene.window {
        return draw(&Scene { window, ..scene.clone() });
    }
    let shown: Vec<&Series> = scene.series.iter().filter(|one| !one.hidden).take(MOST_SERIES).collect();
    let width = f64::from(scene.width.clamp(WIDTHS.0, WIDTHS.1));
    let height = f64::from(scene.height.clamp(HEIGHTS.0, HEIGHTS.1));
    let (outer, head) = if scene.whole { (PADDING, PADDING + HEAD) } else { (0.0, 0.0) };
    let legend = if scene.whole && scene.kind != Kind::Number { legend::height(scene) } else { 0.0 };
    let feet = if scene.whole { legend::foot_height(scene) } else { 0.0 };
    let total = head + TOP + height + BOTTOM + legend + feet;
    let mut board = Board::new(width, total);
    if scene.whole {
        title(&mut board, scene, width);
    }
    let top = head + TOP;
    let mut plot = Area { left: outer + LEFT, top, right: width - outer - NARROW, bottom: top + height };
    let mut axes = Vec::new();
    if scene.kind == Kind::Number {
        plot = Area { left: outer, top: head, right: width - outer, bottom: top + height + BOTTOM };
        number::draw(&mut board, scene, &shown, plot);
    } else {
        let named = is_named(scene, &shown, width);
        let room = right(scene, &shown, named).min(width - 2.0 * outer - LEFT - LEAST).max(0.0);
        plot.right = width - outer - room;
        axes = chart(&mut board, scene, &shown, plot, named);
        if scene.whole {
            legend::draw(&mut board, scene, top + height + BOTTOM);
        }
    }
    if scene.whole {
        legend::foot(&mut board, scene, total);
    }
    let title = font::fit(&font::plain(&scene.title), 15.0, true, 2_000.0);
    Picture { width, height: total, title, summary: words::summary(scene), plot, axes, marks: board.marks }
}

fn title(board: &mut Board, scene: &Scene, width: f64) {
    let most = width - 2.0 * PADDING;
    let fit = |words: &str, size: f64, bold: bool| font::fit(&font::plain(words), size, bold, most);
    let at = |y: f64, words: String, size: f64, bold: bool, ink: Ink| Text {
        x: PADDING,
        y,
        words,
        size,
        bold,
        anchor: Anchor::Start,
        ink,
        halo: false,
    };
    board.write(at(27.0, fit(&scene.title, 15.0, true), 15.0, true, Ink::Text));
    board.write(at(45.0, fit(&scene.note, 12.0, false), 12.0, false, Ink::Muted));
}

/// Whether names stand at the ends of the lines.
fn is_named(scene: &Scene, shown: &[&Series], width: f64) -> bool {
    scene.kind == Kind::Line
        && scene.axes.len() < 2
        && (2..=NAMED).contains(&shown.len())
        && width >= NAMED_WIDTH
}

/// How much room is right of the plot.
fn right(scene: &Scene, shown: &[&Series], named: bool) -> f64 {
    match scene.axes.len() {
        0 | 1 if !named => NARROW + 8.0,
        0 | 1 if !scene.whole => RIGHT,
        // A picture of its own need not share its times with others, so names have the room they need.
        0 | 1 => {
            let longest = shown.iter().map(|one| font::width(&one.name, 11.0, false)).fold(0.0, f64::max);
            (longest + 18.0).clamp(RIGHT, (f64::from(scene.width) / 5.0).max(RIGHT))
        }
        2 => RIGHT,
        _ => RIGHT + THIRD,
    }
}

/// Everything inside the axes, and the axes, of which it says what they reach.
fn chart(board: &mut Board, scene: &Scene, shown: &[&Series], plot: Area, named: bool) -> Vec<Reach> {
    let scales = scales(scene, shown, plot);
    let sheet = Sheet { scene, plot, scales };
    beside::tints(board, &sheet);
    axes::times_grid(board, &sheet);
    if scene.kind == Kind::Stacked {
        // Values can be read off areas only where the grid is above them.
        lines::stack(board, &sheet, shown);
    }
    axes::values_grid(board, &sheet);
    let points = if scene.kind == Kind::Line { lines::lines(board, &sheet, shown) } else { Vec::new() };
    let marks = beside::events(board, &sheet);
    axes::values(board, &sheet);
    axes::times(board, &sheet);
    if named {
        lines::names(board, &sheet, shown);
    }
    beside::limits(board, &sheet, &points);
    beside::event_counts(board, &sheet, &marks);
    beside::feet(board, &sheet);
    let seen = |series: &&Series| series.points.iter().any(|point| sheet.sees(point.time));
    if !shown.iter().any(seen) {
        let (x, y) = (plot.left / 2.0 + plot.right / 2.0, plot.top / 2.0 + plot.bottom / 2.0);
        let words =
            if shown.is_empty() && !scene.series.is_empty() { "all series are hidden" } else { "no points" };
        let words = font::fit(words, 12.0, false, plot.width());
        board.write(Text { size: 12.0, ..board::text(x, y + 4.0, words, Anchor::Middle) });
    }
    let reach = |scale: &Scale| {
        let (low, high) = scale.ends();
        Reach { low, high, log: scale.is_log() }
    };
    sheet.scales.iter().map(reach).collect()
}

fn scales(scene: &Scene, shown: &[&Series], plot: Area) -> Vec<Scale> {
    let plain = [Axis::default()];
    let axes = if scene.axes.is_empty() { &plain[..] } else { &scene.axes };
    let axes = &axes[..axes.len().min(AXES)];
    let most = ((plot.height() / 36.0) as usize).clamp(1, 8);
    let mut out: Vec<Scale> = Vec::new();
    for (place, axis) in axes.iter().enumerate() {
        let log = axis.log && scene.kind != Kind::Stacked;
        let own = |one: &&&Series| one.axis.min(axes.len() - 1) == place;
        let range = match scene.kind {
            Kind::Stacked => lines::stacked_range(&shown.iter().filter(own).copied().collect::<Vec<_>>()),
            Kind::Line | Kind::Number => range(shown.iter().filter(own).copied(), log, scene),
        };
        let range = with_limits(range, scene, place, log);
        let steps = out.first().and_then(|first| first.steps);
        out.push(Scale::of(axis, range, log, scene.kind == Kind::Stacked, most, steps));
    }
    out
}

/// From the least to the greatest value of the window.
fn range<'a>(shown: impl Iterator<Item = &'a Series>, log: bool, scene: &Scene) -> Option<(f64, f64)> {
    let mut out: Option<(f64, f64)> = None;
    for one in shown {
        for point in
            one.points.iter().filter(|point| (scene.window.start..=scene.window.end).contains(&point.time))
        {
            let ends = if one.band { [point.value, point.low, point.high] } else { [point.value; 3] };
            for value in ends.into_iter().filter(|value| value.is_finite() && (!log || *value > 0.0)) {
                let (low, high) = out.unwrap_or((value, value));
                out = Some((low.min(value), high.max(value)));
            }
        }
    }
    out
}

/// A limit widens the axis, but not so far that the data become flat.
fn with_limits(range: Option<(f64, f64)>, scene: &Scene, place: usize, log: bool) -> Option<(f64, f64)> {
    let limits = scene
        .limits
        .iter()
        .filter(|limit| limit.axis == place && limit.value.is_finite() && (!log || limit.value > 0.0));
    let Some((low, high)) = range else {
        // Without values the limits say what the axis is about.
        let values: Vec<f64> = limits.map(|limit| limit.value).filter(|value| value.abs() < 1e300).collect();
        let end = |fold: fn(f64, f64) -> f64| values.iter().copied().reduce(fold);
        let (least, most) = (end(f64::min)?, end(f64::max)?);
        return Some(if log { (least, most) } else { (least.min(0.0), most.max(0.0) * 1.2) });
    };
    let room = (high - low).max(high.abs().max(low.abs()) * 0.5);
    Some(limits.map(|limit| limit.value).fold((low, high), |(least, most), value| {
        if value > most && value <= high + room {
            (least, value)
        } else if value < least && value >= low - room {
            (value, most)
        } else {
            (least, most)
        }
    }))
}

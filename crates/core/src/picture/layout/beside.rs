//! What lies beside the series: times in which alerts fired, events, limits. Shapes are paths, never characters, since fonts lack them.

use super::super::font;
use super::super::list::{Alpha, Anchor, Area, Ink, Paint, Step, Stroke, Text};
use super::super::scene::SpanKind;
use super::board::{Board, extent, line, rect, smooth, text, thin};
use super::sheet::Sheet;

/// Most events and limits that are drawn.
const EVENTS: usize = 500;
const LIMITS: usize = 6;
const SPANS: usize = 500;
/// Markers closer than this become one.
const APART: f64 = 8.0;
/// Between the lines of a hatch.
const HATCH: f64 = 6.0;

/// The part of the plot between two times.
fn column(sheet: &Sheet, from: i64, until: i64) -> Option<Area> {
    let (left, right) = (sheet.x(from).max(sheet.plot.left), sheet.x(until).min(sheet.plot.right));
    (left < right).then_some(Area { left, right, ..sheet.plot })
}

/// Below everything: when alerts fired, when conditions were violated, how long events lasted.
pub fn tints(board: &mut Board, sheet: &Sheet) {
    for event in sheet.scene.events.iter().take(EVENTS) {
        let until = event.end.filter(|end| *end > event.time);
        if let Some(area) = until.and_then(|end| column(sheet, event.time, end)) {
            board.fill(rect(area), Ink::Event, Alpha::Of(0.10), false);
        }
    }
    for span in sheet.scene.spans.iter().take(SPANS) {
        let Some(area) = column(sheet, span.from, span.until) else { continue };
        match span.kind {
            SpanKind::Firing => board.fill(rect(area), Ink::Red, Alpha::Of(0.11), false),
            SpanKind::Violating => {
                let paint = Paint { ink: Ink::Red, alpha: Alpha::Of(0.45) };
                let stroke = Stroke { paint, width: 1.6, dash: None, crisp: false };
                board.stroke(hatch(area), stroke, false);
            }
            SpanKind::Former => {}
        }
    }
}

/// Lines from the lower left to the upper right, cut at the edges.
fn hatch(area: Area) -> Vec<Step> {
    let mut path = Vec::new();
    let step = HATCH * std::f64::consts::SQRT_2;
    // Lines x + y = sum, at the same sums everywhere, so that neighbours join.
    let mut sum = ((area.left + area.top) / step).ceil() * step;
    while sum < area.right + area.bottom {
        let x = (sum - area.bottom).max(area.left);
        let until = (sum - area.top).min(area.right);
        if until - x > 0.8 {
            path.extend(line((x, sum - x), (until, sum - until)));
        }
        sum += step;
    }
    path
}

/// Above everything: a foot below the times in which alerts fired.
pub fn feet(board: &mut Board, sheet: &Sheet) {
    for span in sheet.scene.spans.iter().take(SPANS) {
        let Some(area) = column(sheet, span.from, span.until) else { continue };
        let bottom = area.bottom;
        match span.kind {
            SpanKind::Firing => {
                board.fill(rect(Area { top: bottom - 3.0, bottom, ..area }), Ink::Red, Alpha::Full, false);
            }
            SpanKind::Former => {
                let foot = Area { top: bottom - 9.0, bottom: bottom - 6.0, ..area };
                board.fill(rect(foot), Ink::Muted, Alpha::Full, false);
            }
            SpanKind::Violating => {}
        }
    }
}

/// Where markers of events stand, and for how many.
pub fn events(board: &mut Board, sheet: &Sheet) -> Vec<(f64, usize)> {
    let mut places: Vec<f64> = sheet
        .scene
        .events
        .iter()
        .take(EVENTS)
        .flat_map(|event| [Some(event.time), event.end.filter(|end| *end > event.time)])
        .flatten()
        .filter(|time| sheet.sees(*time))
        .map(|time| sheet.x(time))
        .collect();
    places.sort_by(f64::total_cmp);
    let mut marks: Vec<(f64, usize)> = Vec::new();
    for x in places {
        match marks.last_mut() {
            Some((last, count)) if x - *last < APART => *count += 1,
            _ => marks.push((x, 1)),
        }
    }
    let (mut lines, mut triangles) = (Vec::new(), Vec::new());
    let top = sheet.plot.top;
    for (x, _) in &marks {
        lines.extend(line((*x, top), (*x, sheet.plot.bottom)));
        triangles.extend([
            Step::Move(x - 4.5, top - 6.0),
            Step::Line(x + 4.5, top - 6.0),
            Step::Line(*x, top + 0.5),
            Step::Close,
        ]);
    }
    board.stroke(lines, Stroke { dash: Some((2.0, 3.0)), ..thin(Ink::Event) }, false);
    board.fill(triangles, Ink::Event, Alpha::Full, false);
    marks
}

/// How many events a marker stands for, beside it.
pub fn event_counts(board: &mut Board, sheet: &Sheet, marks: &[(f64, usize)]) {
    for (x, count) in marks.iter().filter(|(_, count)| *count > 1) {
        let mut label = text(x + 6.0, sheet.plot.top - 1.5, count.to_string(), Anchor::Start);
        label.size = 9.0;
        label.ink = Ink::Event;
        board.write(label);
    }
}

/// Limits as dashed lines with their words where there is most room. One that lies beyond is an arrow at the edge.
pub fn limits(board: &mut Board, sheet: &Sheet, points: &[(f64, f64)]) {
    let plot = sheet.plot;
    for limit in sheet.scene.limits.iter().filter(|limit| limit.value.is_finite()).take(LIMITS) {
        let ink = if limit.former { Ink::Muted } else { Ink::Red };
        let words = font::fit(&font::plain(&limit.words), 11.0, true, plot.width() / 2.0);
        let y = sheet.y(limit.axis, limit.value);
        let inside = y >= plot.top - 0.5 && y <= plot.bottom + 0.5;
        if inside {
            let dash = Some(if limit.former { (2.0, 3.0) } else { (5.0, 3.0) });
            board.stroke(line((plot.left, y), (plot.right, y)), Stroke { dash, ..smooth(ink, 1.25) }, false);
            label(board, sheet, &words, y, ink, points);
            continue;
        }
        let (edge, tip, base) = if y < plot.top {
            (plot.top + 8.0, plot.top + 2.0, plot.top + 9.0)
        } else {
            (plot.bottom - 8.0, plot.bottom - 2.0, plot.bottom - 2.0)
        };
        let x = plot.left + 8.0;
        let arrow =
            vec![Step::Move(x - 4.0, edge), Step::Line(x + 4.0, edge), Step::Line(x, tip), Step::Close];
        board.fill(arrow, ink, Alpha::Full, false);
        board.write(of_limit(x + 8.0, base, words, Anchor::Start, ink));
    }
}

fn of_limit(x: f64, y: f64, words: String, anchor: Anchor, ink: Ink) -> Text {
    Text { x, y, words, size: 11.0, bold: true, anchor, ink, halo: true }
}

/// The emptiest of six places along a line.
fn label(board: &mut Board, sheet: &Sheet, words: &str, y: f64, ink: Ink, points: &[(f64, f64)]) {
    let plot = sheet.plot;
    let columns = [
        (plot.left + 6.0, Anchor::Start),
        (plot.left / 2.0 + plot.right / 2.0, Anchor::Middle),
        (plot.right - 6.0, Anchor::End),
    ];
    let places =
        [y - 5.0, y + 12.5].into_iter().flat_map(|base| columns.map(|(x, anchor)| (x, base, anchor)));
    let texts = places.map(|(x, base, anchor)| of_limit(x, base, words.to_owned(), anchor, ink));
    let crowded = |text: &Text| {
        let area = extent(text);
        let crosses = |pair: &&[(f64, f64)]| {
            let [a, b] = pair else { return false };
            a.0.min(b.0) < area.right
                && a.0.max(b.0) > area.left
                && a.1.min(b.1) < area.bottom + 2.0
                && a.1.max(b.1) > area.top - 2.0
        };
        points.windows(2).filter(crosses).count()
    };
    let fits = |text: &Text| plot.holds(&extent(text)) && board.is_free(text);
    let best = texts.into_iter().filter(fits).min_by_key(crowded);
    if let Some(best) = best {
        board.write(best);
    }
}

//! Series inside the plot: lines with their bands and gaps, areas upon each other, names at the ends of lines.

use std::collections::{BTreeMap, BTreeSet};

use super::super::color::Hue;
use super::super::font;
use super::super::gaps::is_gap;
use super::super::list::{Alpha, Anchor, Ink, Paint, Step, Stroke};
use super::super::scene::{Gaps, Point, Series};
use super::board::{Board, extent, line, smooth, text};
use super::sheet::{NAMED, Sheet};

/// From so many series on they are thin and pale, and those of one colour are one path.
const CROWD: usize = 60;
/// Bands of more series would hide each other.
const BANDS: usize = 8;
/// Names at the ends of lines are so far apart.
const APART: f64 = 13.0;

/// What a series shows in the window, in runs without gaps.
fn runs<'a>(sheet: &Sheet, series: &'a Series) -> Vec<Vec<&'a Point>> {
    let scale = sheet.scale(series.axis);
    let mut out: Vec<Vec<&Point>> = Vec::new();
    let mut open = false;
    // One point beyond each end, so that lines reach the edge.
    let points = &series.points;
    let first = points.partition_point(|point| point.time < sheet.scene.window.start).saturating_sub(1);
    let last = (points.partition_point(|point| point.time <= sheet.scene.window.end) + 1).min(points.len());
    for point in points.get(first..last).unwrap_or_default() {
        if !scale.takes(point.value) {
            open = false;
            continue;
        }
        let joined = out
            .last()
            .and_then(|run| run.last())
            .is_some_and(|before| open && !is_gap(series.period, before.time, point.time));
        match out.last_mut() {
            Some(run) if joined => run.push(point),
            _ => out.push(vec![point]),
        }
        open = true;
    }
    out.retain(|run| run.iter().any(|point| sheet.sees(point.time)) || run.len() > 1);
    out
}

/// Whether anything of a series lies where the plot does not show it.
fn is_beyond(sheet: &Sheet, series: &Series, runs: &[Vec<&Point>]) -> bool {
    let window = sheet.scene.window;
    sheet.scale(series.axis).fixed
        || runs.iter().flatten().any(|point| point.time < window.start || point.time > window.end)
}

/// All lines, the last on top. The places of their points, for those who look for room.
pub fn lines(board: &mut Board, sheet: &Sheet, shown: &[&Series]) -> Vec<(f64, f64)> {
    let runs: Vec<Vec<Vec<&Point>>> = shown.iter().map(|series| runs(sheet, series)).collect();
    if shown.len() <= BANDS {
        for (series, runs) in shown.iter().zip(&runs).filter(|(series, _)| series.band) {
            band(board, sheet, series, runs);
        }
    }
    let mut points = Vec::new();
    if shown.len() > CROWD {
        crowd(board, sheet, shown, &runs);
        return points;
    }
    for (series, runs) in shown.iter().zip(&runs) {
        let ink = Ink::Series(series.hue);
        let clip = is_beyond(sheet, series, runs);
        let (mut path, mut dots) = (Vec::new(), Vec::new());
        for run in runs {
            trace(sheet, series, run, &mut path, &mut dots);
        }
        points.extend(path.iter().chain(&dots).filter_map(|step| match step {
            Step::Move(x, y) | Step::Line(x, y) => Some((*x, *y)),
            Step::Close => None,
        }));
        bridges(board, sheet, series, runs, clip);
        board.stroke(path, Stroke { dash: series.hue.dash(), ..smooth(ink, 1.75) }, clip);
        board.stroke(dots, smooth(ink, 4.0), clip);
        beyond(board, sheet, series, runs);
    }
    points
}

/// The line of a run; a point alone is a dot.
fn trace(sheet: &Sheet, series: &Series, run: &[&Point], path: &mut Vec<Step>, dots: &mut Vec<Step>) {
    let at = |point: &Point| (sheet.x(point.time), sheet.y(series.axis, point.value));
    if let [only] = run {
        let (x, y) = at(only);
        dots.extend([Step::Move(x, y), Step::Line(x, y)]);
        return;
    }
    for (i, point) in run.iter().enumerate() {
        let (x, y) = at(point);
        path.push(if i == 0 { Step::Move(x, y) } else { Step::Line(x, y) });
    }
}

/// What joins runs: a line that is seen not to be data, or zero.
fn bridges(board: &mut Board, sheet: &Sheet, series: &Series, runs: &[Vec<&Point>], clip: bool) {
    if series.gaps == Gaps::Break {
        return;
    }
    let mut path = Vec::new();
    for pair in runs.windows(2) {
        let (Some(from), Some(to)) = (pair[0].last(), pair[1].first()) else { continue };
        let at = |point: &Point| (sheet.x(point.time), sheet.y(series.axis, point.value));
        path.extend(line(at(from), at(to)));
    }
    let paint = Paint { ink: Ink::Series(series.hue), alpha: Alpha::Of(0.45) };
    board.stroke(path, Stroke { paint, width: 1.75, dash: Some((4.0, 4.0)), crisp: false }, clip);
}

/// From the least to the greatest sample of each bucket.
fn band(board: &mut Board, sheet: &Sheet, series: &Series, runs: &[Vec<&Point>]) {
    let clip = is_beyond(sheet, series, runs);
    let scale = sheet.scale(series.axis);
    let mut path = Vec::new();
    for run in runs.iter().filter(|run| run.len() > 1) {
        let low = |point: &&Point| if scale.takes(point.low) { point.low } else { scale.floor() };
        let high = |point: &&Point| if scale.takes(point.high) { point.high } else { point.value };
        let above = run.iter().map(|point| (sheet.x(point.time), sheet.y(series.axis, high(point))));
        let below = run.iter().rev().map(|point| (sheet.x(point.time), sheet.y(series.axis, low(point))));
        close(&mut path, above.chain(below));
    }
    board.fill(path, Ink::Series(series.hue), Alpha::Of(0.16), clip);
}

fn close(path: &mut Vec<Step>, corners: impl Iterator<Item = (f64, f64)>) {
    for (i, (x, y)) in corners.enumerate() {
        path.push(if i == 0 { Step::Move(x, y) } else { Step::Line(x, y) });
    }
    path.push(Step::Close);
}

/// A small triangle at the edge where values lie beyond.
fn beyond(board: &mut Board, sheet: &Sheet, series: &Series, runs: &[Vec<&Point>]) {
    if !sheet.scale(series.axis).fixed {
        return;
    }
    let plot = sheet.plot;
    let mut path = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for point in runs.iter().flatten().filter(|point| sheet.sees(point.time)) {
        let (x, y) = (sheet.x(point.time), sheet.y(series.axis, point.value));
        let (edge, tip) = match y {
            y if y < plot.top - 0.5 => (plot.top + 5.0, plot.top),
            y if y > plot.bottom + 0.5 => (plot.bottom - 5.0, plot.bottom),
            _ => continue,
        };
        if x - last >= 9.0 {
            close(&mut path, [(x - 3.5, edge), (x + 3.5, edge), (x, tip)].into_iter());
            last = x;
        }
    }
    board.fill(path, Ink::Series(series.hue), Alpha::Full, true);
}

/// Very many lines.
fn crowd(board: &mut Board, sheet: &Sheet, shown: &[&Series], runs: &[Vec<Vec<&Point>>]) {
    let mut groups: BTreeMap<String, (Ink, bool, Vec<Step>)> = BTreeMap::new();
    for (series, runs) in shown.iter().zip(runs) {
        let ink = Ink::Series(match series.hue {
            Hue::Palette(place) => Hue::Palette(place % 8),
            other => other,
        });
        let group = groups.entry(format!("{ink:?}")).or_insert_with(|| (ink, false, Vec::new()));
        group.1 |= is_beyond(sheet, series, runs);
        let mut dots = Vec::new();
        runs.iter().for_each(|run| trace(sheet, series, run, &mut group.2, &mut dots));
        group.2.append(&mut dots);
    }
    for (ink, clip, path) in groups.into_values() {
        let paint = Paint { ink, alpha: Alpha::Of(0.35) };
        board.stroke(path, Stroke { paint, width: 1.0, dash: None, crisp: false }, clip);
    }
}

/// Names at the right end, pushed apart.
pub fn names(board: &mut Board, sheet: &Sheet, shown: &[&Series]) {
    let plot = sheet.plot;
    let last = |series: &&Series| {
        let point = series
            .points
            .iter()
            .rev()
            .find(|p| sheet.sees(p.time) && sheet.scale(series.axis).takes(p.value))?;
        Some(sheet.y(series.axis, point.value).clamp(plot.top, plot.bottom))
    };
    let mut ends: Vec<(f64, &Series)> =
        shown.iter().take(NAMED).filter_map(|series| Some((last(series)?, *series))).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for i in 1..ends.len() {
        ends[i].0 = ends[i].0.max(ends[i - 1].0 + APART);
    }
    let mut lowest = plot.bottom;
    for (y, _) in ends.iter_mut().rev() {
        *y = y.min(lowest);
        lowest = *y - APART;
    }
    let x = plot.right + 16.0;
    for (y, series) in ends {
        let words = font::fit(&font::plain(&series.name), 11.0, false, board.whole.right - x);
        let mut label = text(x, y + 3.8, words, Anchor::Start);
        label.ink = Ink::Text;
        if board.is_free(&label) && !label.words.is_empty() {
            let from = extent(&label).left - 11.0;
            let stroke = Stroke { crisp: true, ..smooth(Ink::Series(series.hue), 3.0) };
            board.stroke(line((from, y), (from + 7.0, y)), stroke, false);
            board.write(label);
        }
    }
}

/// A layer of a stack at one time.
type Layer = (f64, f64);

/// Layers of series of each axis upon each other: by time, from where to where. Positive values upwards, negative ones downwards.
fn layers(shown: &[&Series], last_axis: usize) -> Vec<BTreeMap<i64, Layer>> {
    let times: BTreeSet<i64> =
        shown.iter().flat_map(|one| one.points.iter().map(|point| point.time)).collect();
    let mut tops: BTreeMap<(usize, i64), (f64, f64)> = BTreeMap::new();
    let mut out = Vec::new();
    for series in shown {
        let mut layer = BTreeMap::new();
        for (time, value) in filled(series, &times) {
            let (up, down) = tops.entry((series.axis.min(last_axis), time)).or_insert((0.0, 0.0));
            let end = if value < 0.0 { down } else { up };
            let from = *end;
            *end += value;
            layer.insert(time, (from, *end));
        }
        out.push(layer);
    }
    out
}

/// The values of a series in a stack, at times where others have values too if its own gaps are filled.
fn filled(series: &Series, times: &BTreeSet<i64>) -> Vec<(i64, f64)> {
    let own: Vec<(i64, f64)> =
        series.points.iter().filter(|p| p.value.is_finite()).map(|p| (p.time, p.value)).collect();
    if series.gaps == Gaps::Break {
        return own;
    }
    let mut out = Vec::new();
    for (i, (time, value)) in own.iter().enumerate() {
        out.push((*time, *value));
        let Some((next, then)) = own.get(i + 1) else { break };
        if !is_gap(series.period, *time, *next) {
            continue;
        }
        for between in times.range(time + 1..*next) {
            // As numbers with fractions, since a service may say any time.
            let share = (*between as f64 - *time as f64) / (*next as f64 - *time as f64);
            let joined = if series.gaps == Gaps::Zero { 0.0 } else { value + (then - value) * share };
            out.push((*between, joined));
        }
    }
    out
}

/// What a stack needs of its axis.
pub fn stacked_range(shown: &[&Series]) -> Option<(f64, f64)> {
    let mut out: Option<(f64, f64)> = None;
    for (_, top) in layers(shown, 0).iter().flat_map(BTreeMap::values) {
        if top.is_finite() {
            let (low, high) = out.unwrap_or((0.0, 0.0));
            out = Some((low.min(*top), high.max(*top)));
        }
    }
    out
}

/// Areas upon each other, each with its edge.
pub fn stack(board: &mut Board, sheet: &Sheet, shown: &[&Series]) {
    let layers = layers(shown, sheet.scales.len() - 1);
    for (series, layer) in shown.iter().zip(&layers) {
        let (mut area, mut edge) = (Vec::new(), Vec::new());
        let mut run: Vec<(f64, f64, f64)> = Vec::new();
        let mut before = None;
        let finish = |run: &mut Vec<(f64, f64, f64)>, area: &mut Vec<Step>, edge: &mut Vec<Step>| {
            // A value alone is as wide as a pixel.
            if let [(x, low, high)] = run[..] {
                *run = vec![(x - 0.5, low, high), (x + 0.5, low, high)];
            }
            if !run.is_empty() {
                let above = run.iter().map(|(x, _, high)| (*x, *high));
                let below = run.iter().rev().map(|(x, low, _)| (*x, *low));
                close(area, above.chain(below));
                for (i, (x, _, high)) in run.iter().enumerate() {
                    edge.push(if i == 0 { Step::Move(*x, *high) } else { Step::Line(*x, *high) });
                }
            }
            run.clear();
        };
        for (time, (from, to)) in layer {
            let seen = (sheet.scene.window.start..=sheet.scene.window.end).contains(time);
            if !seen || !from.is_finite() || !to.is_finite() {
                continue;
            }
            let filled = series.gaps != Gaps::Break;
            if !filled && before.is_some_and(|before| is_gap(series.period, before, *time)) {
                finish(&mut run, &mut area, &mut edge);
            }
            before = Some(*time);
            run.push((sheet.x(*time), sheet.y(series.axis, *from), sheet.y(series.axis, *to)));
        }
        finish(&mut run, &mut area, &mut edge);
        let clip = sheet.scale(series.axis).fixed;
        let ink = Ink::Series(series.hue);
        board.fill(area, ink, Alpha::Area, clip);
        board.stroke(edge, Stroke { dash: series.hue.dash(), ..smooth(ink, 1.5) }, clip);
    }
}

//! A picture of one number: the first series large, up to three more beside it, what its thresholds say, and what it was before.

use super::super::font;
use super::super::gaps::is_gap;
use super::super::list::{Alpha, Anchor, Area, Ink, Step, Text};
use super::super::number::{Form, full, short, short_in};
use super::super::scale::Scale;
use super::super::scene::{Axis, Scene, Series, Strength, Threshold};
use super::board::{Board, smooth};

/// The size of the number, and of its unit.
const LARGE: f64 = 44.0;
const UNIT: f64 = 18.0;
/// More numbers beside the first.
const MORE: usize = 3;
/// The small line below.
const SPARK: f64 = 36.0;

pub fn draw(board: &mut Board, scene: &Scene, shown: &[&Series], area: Area) {
    let value = |series: &Series| series.totals.map(|totals| totals.last).filter(|value| value.is_finite());
    let Some(first) = shown.first() else {
        board.write(of(area.left, area.top + 40.0, "no points".to_owned(), UNIT, false, Ink::Muted));
        return;
    };
    let crossed = value(first).and_then(|value| crossed(scene, value));
    let ink = crossed.map_or(Ink::Text, |threshold| ink(threshold.strength));
    let base = area.top + 42.0;
    let end = large(board, scene, first, value(first), (area.left, base, area.right), ink);
    beside(board, scene, shown, end + 24.0, area, base);
    let words = base + 24.0;
    let mut x = area.left;
    if let Some(threshold) = crossed {
        let triangle = vec![
            Step::Move(x, words),
            Step::Line(x + 9.0, words),
            Step::Line(x + 4.5, words - 8.0),
            Step::Close,
        ];
        board.fill(triangle, ink, Alpha::Full, false);
        let word = of(x + 12.0, words, word(threshold.strength).to_owned(), 12.0, true, ink);
        x += 12.0 + font::width(&word.words, 12.0, true) + 6.0;
        board.write(word);
    }
    let said = font::fit(&said(scene, first, crossed), 12.0, false, area.right - x);
    board.write(of(x, words, said, 12.0, false, if crossed.is_some() { ink } else { Ink::Muted }));
    let top = (area.bottom - SPARK - 6.0).max(words + 8.0);
    spark(board, scene, first, Area { top, bottom: (top + SPARK).min(area.bottom), ..area });
}

fn of(x: f64, y: f64, words: String, size: f64, bold: bool, ink: Ink) -> Text {
    Text { x, y, words, size, bold, anchor: Anchor::Start, ink, halo: false }
}

/// The number and its unit. Where it ends.
fn large(
    board: &mut Board,
    scene: &Scene,
    series: &Series,
    value: Option<f64>,
    (left, base, right): (f64, f64, f64),
    ink: Ink,
) -> f64 {
    let unit = scene.axes.get(series.axis).map(|axis| axis.unit.as_str()).unwrap_or_default();
    let form = Form::of(value.unwrap_or(0.0).abs(), unit);
    let bytes = form.unit != unit;
    let words =
        value.map_or_else(|| "–".to_owned(), |value| short(if bytes { value / form.divisor } else { value }));
    // Smaller where it does not fit.
    let sizes = [LARGE, 34.0, 24.0, 18.0];
    let size =
        sizes.into_iter().find(|size| font::width(&words, *size, true) <= right - left).unwrap_or(12.0);
    let words = font::fit(&words, size, true, right - left);
    // On pages the number takes all of its width, whatever their font.
    let end = left + font::width(&words, size, true) + 6.0;
    board.write(of(left, base, words, size, true, ink));
    let unit = font::fit(&font::plain(&form.unit), UNIT, false, right - end);
    let width = font::width(&unit, UNIT, false);
    board.write(of(end, base, unit, UNIT, false, Ink::Muted));
    end + width
}

/// More series, small, right of the first.
fn beside(board: &mut Board, scene: &Scene, shown: &[&Series], mut x: f64, area: Area, base: f64) {
    for series in shown.iter().skip(1).take(MORE) {
        let unit = scene.axes.get(series.axis).map(|axis| axis.unit.as_str()).unwrap_or_default();
        let words = series.totals.map_or_else(|| "–".to_owned(), |totals| short_in(totals.last, unit));
        let name = font::fit(&font::plain(&series.name), 11.0, false, 96.0);
        let width = font::width(&words, UNIT, true).max(font::width(&name, 11.0, false));
        if x + width > area.right {
            break;
        }
        board.write(of(x, base - 18.0, words, UNIT, true, Ink::Text));
        board.write(of(x, base, name, 11.0, false, Ink::Muted));
        x += width + 16.0;
    }
}

fn crossed(scene: &Scene, value: f64) -> Option<&Threshold> {
    let holds = |threshold: &&Threshold| match threshold.operator {
        '>' => value > threshold.value,
        '<' => value < threshold.value,
        // After rounding to what is shown.
        _ => short(value) == short(threshold.value),
    };
    let of = |strength: Strength| scene.thresholds.iter().filter(move |one| one.strength == strength);
    of(Strength::Red).chain(of(Strength::Yellow)).find(holds)
}

fn ink(strength: Strength) -> Ink {
    match strength {
        Strength::Red => Ink::Red,
        Strength::Yellow => Ink::Amber,
    }
}

fn word(strength: Strength) -> &'static str {
    match strength {
        Strength::Red => "red",
        Strength::Yellow => "yellow",
    }
}

fn in_words(threshold: &Threshold) -> String {
    let verb = match threshold.operator {
        '>' => "above",
        '<' => "below",
        _ => "at",
    };
    format!("{verb} {}", full(threshold.value))
}

/// What is said below: the threshold that is crossed, else the one that could be, else the range.
fn said(scene: &Scene, series: &Series, crossed: Option<&Threshold>) -> String {
    if let Some(threshold) = crossed {
        return in_words(threshold);
    }
    if let Some(threshold) = scene.thresholds.first() {
        return format!("limit: {} {}", word(threshold.strength), in_words(threshold));
    }
    match series.totals {
        Some(totals) if totals.min < totals.max => {
            let unit = scene.axes.get(series.axis).map(|axis| axis.unit.as_str()).unwrap_or_default();
            format!("between {} and {}", short_in(totals.min, unit), short_in(totals.max, unit))
        }
        _ => String::new(),
    }
}

/// What it was before, as a line without axes.
fn spark(board: &mut Board, scene: &Scene, series: &Series, area: Area) {
    let seen = |time: i64| (scene.window.start..=scene.window.end).contains(&time);
    let points: Vec<_> = series.points.iter().filter(|p| seen(p.time) && p.value.is_finite()).collect();
    let values = points.iter().map(|point| point.value);
    let range = values.fold(None, |range: Option<(f64, f64)>, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    if points.len() < 2 || area.height() < 8.0 {
        return;
    }
    let scale = Scale::of(&Axis::default(), range, false, false, 4, None);
    let length = (scene.window.end as f64 - scene.window.start as f64).max(1.0);
    let place = |time: i64, value: f64| {
        let x = area.left + (time as f64 - scene.window.start as f64) / length * (area.width() - 4.0);
        // Where the values are as good as one, no share can be told.
        let share = Some(scale.share(value)).filter(|share| share.is_finite()).unwrap_or(0.0);
        (x, area.bottom - share.clamp(0.0, 1.0) * area.height())
    };
    let hue = Ink::Series(series.hue);
    let (mut edge, mut below) = (Vec::new(), Vec::new());
    let mut start = 0;
    for i in 0..points.len() {
        let next = points.get(i + 1);
        if next.is_some_and(|next| !is_gap(series.period, points[i].time, next.time)) {
            continue;
        }
        let run: Vec<(f64, f64)> = points[start..=i].iter().map(|p| place(p.time, p.value)).collect();
        start = i + 1;
        let (Some(from), Some(to)) = (run.first(), run.last()) else { continue };
        let steps =
            |(i, (x, y)): (usize, &(f64, f64))| if i == 0 { Step::Move(*x, *y) } else { Step::Line(*x, *y) };
        edge.extend(run.iter().enumerate().map(steps));
        below.push(Step::Move(from.0, area.bottom));
        below.extend(run.iter().map(|(x, y)| Step::Line(*x, *y)));
        below.extend([Step::Line(to.0, area.bottom), Step::Close]);
    }
    board.fill(below, hue, Alpha::Of(0.16), false);
    board.stroke(edge, smooth(hue, 1.75), false);
    if let Some(last) = points.last() {
        let (x, y) = place(last.time, last.value);
        board.stroke(vec![Step::Move(x, y), Step::Line(x, y)], smooth(hue, 5.0), false);
    }
}

//! Below a picture that stands for itself: its series with numbers, what has to be said, the time and its zone.

use super::super::font;
use super::super::list::{Alpha, Anchor, Area, Ink, Text};
use super::super::number::short_in;
use super::super::scene::{Kind, Scene, Series, Totals};
use super::super::words;
use super::board::{Board, line, rect, smooth, text, thin};
use super::sheet::PADDING;

/// Rows shown; the rest is counted.
const ROWS: usize = 20;
const ROW: f64 = 20.0;
const HEAD: f64 = 26.0;
/// One line of the foot.
const LINE: f64 = 17.0;
/// Columns of numbers.
const COLUMN: f64 = 62.0;
/// From here on there is room for the least value too.
const WIDE: f64 = 480.0;
const REMARKS: usize = 6;

/// A number of a series, and what it is called.
type Column = (&'static str, fn(&Totals) -> f64);

fn is_shown(scene: &Scene) -> bool {
    !scene.series.is_empty()
}

pub fn height(scene: &Scene) -> f64 {
    if !is_shown(scene) {
        return 0.0;
    }
    let more = if scene.series.len() > ROWS { ROW } else { 0.0 };
    HEAD + ROW * scene.series.len().min(ROWS) as f64 + more + 6.0
}

pub fn foot_height(scene: &Scene) -> f64 {
    12.0 + LINE * (1 + scene.remarks.len().min(REMARKS)) as f64
}

/// The table of series.
pub fn draw(board: &mut Board, scene: &Scene, top: f64) {
    if !is_shown(scene) {
        return;
    }
    let (left, right) = (PADDING, board.whole.right - PADDING);
    let columns: [Column; 4] =
        [("Last", |t| t.last), ("Min", |t| t.min), ("Mean", |t| t.mean), ("Max", |t| t.max)];
    let wide = board.whole.right >= WIDE;
    let columns: Vec<_> = columns.iter().filter(|(name, _)| wide || *name != "Min").collect();
    let column = COLUMN.min((right - left) / (columns.len() as f64 + 2.0));
    let names = right - column * columns.len() as f64;
    let place = |i: usize| right - column * (columns.len() - 1 - i) as f64;
    board.write(text(left, top + 16.0, "Series".to_owned(), Anchor::Start));
    for (i, (name, _)) in columns.iter().enumerate() {
        board.write(text(place(i), top + 16.0, (*name).to_owned(), Anchor::End));
    }
    for (row, series) in in_order(scene).take(ROWS).enumerate() {
        let edge = top + HEAD + ROW * row as f64 - 3.0;
        board.stroke(line((left, edge), (right, edge)), thin(Ink::Grid), false);
        let base = edge + 14.5;
        swatch(board, scene, series, left, base - 4.2);
        let ink = if series.hidden { Ink::Muted } else { Ink::Text };
        let words = font::fit(&name(scene, series), 12.0, false, names - left - 26.0 - 8.0);
        board.write(written(left + 26.0, base, words, Anchor::Start, ink));
        let unit = scene.axes.get(series.axis).map(|axis| axis.unit.as_str()).unwrap_or_default();
        for (i, (_, value)) in columns.iter().enumerate() {
            let words =
                series.totals.as_ref().map_or_else(|| "–".to_owned(), |totals| short_in(value(totals), unit));
            board.write(written(
                place(i),
                base,
                font::fit(&words, 12.0, false, column - 4.0),
                Anchor::End,
                ink,
            ));
        }
    }
    if scene.series.len() > ROWS {
        let edge = top + HEAD + ROW * ROWS as f64 - 3.0;
        let words = format!("and {} more series", scene.series.len() - ROWS);
        board.write(written(left + 26.0, edge + 14.5, words, Anchor::Start, Ink::Muted));
    }
}

/// From the top down, as a stack lies.
fn in_order(scene: &Scene) -> impl Iterator<Item = &Series> {
    let last = scene.series.len();
    let place = move |i: usize| if scene.kind == Kind::Stacked { last - 1 - i } else { i };
    (0..last).filter_map(move |i| scene.series.get(place(i)))
}

/// Where there are several axes, a series says which is its own, and its unit. What has no place among decades is counted.
fn name(scene: &Scene, series: &Series) -> String {
    let mut name = font::plain(&series.name);
    if let left_out @ 1.. = left_out(scene, series) {
        name.push_str(&format!(" · {left_out} not above 0"));
    }
    if scene.axes.len() < 2 {
        return name;
    }
    let place = series.axis.min(scene.axes.len() - 1);
    let side = ["left", "right", "far right"][place.min(2)];
    let unit = font::plain(&scene.axes[place].unit);
    if unit.is_empty() { format!("{name} ({side})") } else { format!("{name} ({side}, {unit})") }
}

/// How many values of the window a logarithmic axis cannot show.
fn left_out(scene: &Scene, series: &Series) -> usize {
    let log = scene.kind == Kind::Line && scene.axes.get(series.axis).is_some_and(|axis| axis.log);
    let seen = scene.window.start..=scene.window.end;
    let count = series.points.iter().filter(|point| seen.contains(&point.time) && point.value <= 0.0).count();
    if log { count } else { 0 }
}

fn written(x: f64, y: f64, words: String, anchor: Anchor, ink: Ink) -> Text {
    Text { size: 12.0, ink, ..text(x, y, words, anchor) }
}

fn swatch(board: &mut Board, scene: &Scene, series: &Series, left: f64, y: f64) {
    let ink = if series.hidden { Ink::Baseline } else { Ink::Series(series.hue) };
    if scene.kind == Kind::Stacked {
        let area = Area { left, top: y - 3.5, right: left + 16.0, bottom: y + 3.5 };
        board.fill(rect(area), ink, Alpha::Full, false);
        return;
    }
    let mut stroke = smooth(ink, 2.5);
    stroke.dash = series.hue.dash().map(|_| (4.0, 2.0)).filter(|_| !series.hidden);
    stroke.crisp = true;
    board.stroke(line((left, y), (left + 16.0, y)), stroke, false);
}

/// Remarks, and the time that is shown.
pub fn foot(board: &mut Board, scene: &Scene, bottom: f64) {
    let most = board.whole.right - 2.0 * PADDING;
    let mut base = bottom - foot_height(scene) + LINE;
    let lines =
        scene.remarks.iter().take(REMARKS).map(|remark| font::plain(remark)).chain([words::range(scene)]);
    for words in lines {
        board.write(written(PADDING, base, font::fit(&words, 12.0, false, most), Anchor::Start, Ink::Muted));
        base += LINE;
    }
}

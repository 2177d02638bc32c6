//! Grid, ticks and what is written at them.

use super::super::font;
use super::super::list::{Anchor, Ink, Step};
use super::super::ticks::{self, TimeTick};
use super::board::{Board, extent, line, text, thin};
use super::sheet::{LEFT, Sheet, THIRD};

/// Pixels from one time to the next, at least.
const APART: f64 = 88.0;

/// A line at each value, and a stronger one at the bottom.
pub fn values_grid(board: &mut Board, sheet: &Sheet) {
    let plot = sheet.plot;
    let mut path = Vec::new();
    for (value, _) in &sheet.scales[0].ticks {
        let y = sheet.y(0, *value);
        if y < plot.bottom - 0.5 {
            path.extend([Step::Move(plot.left, y), Step::Line(plot.right, y)]);
        }
    }
    board.stroke(path, thin(Ink::Grid), false);
    minor(board, sheet);
    board.stroke(line((plot.left, plot.bottom), (plot.right, plot.bottom)), thin(Ink::Baseline), false);
}

/// A line at each time.
pub fn times_grid(board: &mut Board, sheet: &Sheet) {
    let plot = sheet.plot;
    let places =
        time_ticks(sheet).into_iter().map(|tick| sheet.x(tick.time)).filter(|x| *x > plot.left + 0.5);
    let path = places.flat_map(|x| line((x, plot.top), (x, plot.bottom))).collect();
    board.stroke(path, thin(Ink::Grid), false);
}

/// Between decades: short marks at 2 to 9.
fn minor(board: &mut Board, sheet: &Sheet) {
    let (scale, plot) = (&sheet.scales[0], sheet.plot);
    if !scale.is_log() {
        return;
    }
    let mut path = Vec::new();
    for pair in scale.ticks.windows(2) {
        let [(from, _), (to, _)] = pair else { continue };
        if to / from > 11.0 {
            continue;
        }
        for times in 2..10 {
            let y = sheet.y(0, from * f64::from(times));
            path.extend([Step::Move(plot.left, y), Step::Line(plot.left + 4.0, y)]);
        }
    }
    board.stroke(path, thin(Ink::Grid), false);
}

fn time_ticks(sheet: &Sheet) -> Vec<TimeTick> {
    let most = (sheet.plot.width() / APART) as usize;
    let window = sheet.scene.window;
    ticks::times(window.start, window.end, most.max(1), &sheet.scene.zone)
}

/// Times below the plot, kept inside the picture.
pub fn times(board: &mut Board, sheet: &Sheet) {
    for tick in time_ticks(sheet) {
        let mut label = text(sheet.x(tick.time), sheet.plot.bottom + 15.6, tick.label, Anchor::Middle);
        label.bold = tick.strong;
        if tick.strong {
            label.ink = Ink::Text;
        }
        let area = extent(&label);
        label.x += (board.whole.left - area.left).max(0.0) - (area.right - board.whole.right).max(0.0);
        board.write(label);
    }
}

/// Values beside the axes. The top one has the unit, where it fits; else it stands above.
pub fn values(board: &mut Board, sheet: &Sheet) {
    for place in 0..sheet.scales.len() {
        let scale = &sheet.scales[place];
        let label = sheet.scene.axes.get(place).map(|axis| font::plain(&axis.label)).unwrap_or_default();
        let (x, anchor, room) = match place {
            0 => (sheet.plot.left - 7.0, Anchor::End, sheet.plot.left - 7.0),
            1 => (sheet.plot.right + 7.0, Anchor::Start, THIRD - 4.0),
            _ => (sheet.plot.right + 7.0 + THIRD, Anchor::Start, THIRD - 4.0),
        };
        let unit = font::plain(&scale.unit);
        let top = scale.ticks.last().map(|(_, words)| format!("{words} {unit}")).unwrap_or_default();
        let beside = !unit.is_empty() && font::width(&top, 11.0, false) <= room;
        let above = match (label.is_empty(), beside || unit.is_empty()) {
            (true, true) => String::new(),
            (true, false) => unit.clone(),
            (false, _) => label,
        };
        let last = scale.ticks.len().saturating_sub(1);
        for (i, (value, words)) in scale.ticks.iter().enumerate().rev() {
            let y = sheet.y(place, *value);
            if y < sheet.plot.top - 1.0 || y > sheet.plot.bottom + 1.0 {
                continue;
            }
            let words = if i == last && beside { top.clone() } else { words.clone() };
            let mut tick = text(x, y + 3.8, font::fit(&words, 11.0, false, room), anchor);
            if i == last {
                tick.ink = Ink::Text;
            }
            board.write(tick);
        }
        let most = if sheet.scales.len() > 1 { sheet.plot.width() / 2.0 } else { sheet.plot.width() };
        let (x, anchor) = match place {
            0 => (sheet.plot.left - LEFT, Anchor::Start),
            _ => (x - 7.0, Anchor::Start),
        };
        let most = if place == 0 { most } else { (board.whole.right - x).min(most) };
        board.write(text(x, sheet.plot.top - 7.5, font::fit(&above, 11.0, false, most), anchor));
    }
}

//! An answer as a chart in characters that can be read in a log: axes with times and values, a letter for each series, gaps.

use super::super::grid::{Frame, Scale, between};
use super::answer::{Answer, Line};
use super::table::{head, left_out, letter};
use super::time::Clock;
use librato_apply::diag::{counted, number};
use librato_apply::picture::gaps::is_gap;
use librato_apply::picture::{Window, ticks, words};

/// Of the whole chart, so that it fits into the log of a pipeline.
const WIDTH: usize = 96;
const HEIGHT: usize = 16;

/// Series drawn; more could not be told apart.
const MOST: usize = 12;

/// Up to so many series the points are joined.
const JOINED: usize = 3;

/// Where several series meet.
const SEVERAL: char = '#';

/// The chart.
pub fn plot(answer: &Answer, clock: &Clock) -> String {
    let lines = &answer.lines[..answer.lines.len().min(MOST)];
    let mut out = head(answer, clock);
    out.push('\n');
    let values = lines.iter().flat_map(|line| &line.points).map(|point| point.value);
    let scale = Scale::of(values, HEIGHT, 5);
    let labels: Vec<String> = scale.ticks.iter().map(|tick| number(*tick)).collect();
    let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(1);
    let frame = frame(answer, lines, WIDTH - margin - 2);
    let cells = draw(lines, &scale, &frame);
    if let Some(units) = answer.units() {
        out.push_str(&format!("{units:>margin$}\n"));
    }
    for (row, cells) in cells.iter().enumerate() {
        let label = scale.ticks.iter().zip(&labels).find(|(tick, _)| scale.row(**tick) == row);
        let (label, axis) = label.map_or(("", '│'), |(_, label)| (label.as_str(), '┤'));
        let cells: String = cells.iter().collect();
        out.push_str(format!("{label:>margin$} {axis}{cells}").trim_end());
        out.push('\n');
    }
    out.push_str(&time_axis(&frame, margin, clock));
    out.push_str(&legend(answer, lines, &frame, clock));
    out + &left_out(answer, lines.len())
}

/// The time that was asked for, and the beginning of a first period that lies before it.
fn frame(answer: &Answer, lines: &[Line], columns: usize) -> Frame {
    let times = || lines.iter().flat_map(|line| &line.points).map(|point| point.time);
    let start = times().min().unwrap_or(answer.span.start).min(answer.span.start);
    let end = times().max().unwrap_or(answer.span.end).max(answer.span.end);
    Frame { start, end: end.max(start.saturating_add(1)), columns }
}

fn draw(lines: &[Line], scale: &Scale, frame: &Frame) -> Vec<Vec<char>> {
    let mut cells = vec![vec![' '; frame.columns]; HEIGHT];
    if lines.len() <= JOINED {
        lines.iter().for_each(|line| join(line, scale, frame, &mut cells));
    }
    for (i, line) in lines.iter().enumerate() {
        let mark = if lines.len() == 1 { '*' } else { letter(i).chars().next().unwrap_or('*') };
        for point in &line.points {
            let cell = &mut cells[scale.row(point.value)][frame.column(point.time)];
            *cell = if matches!(*cell, ' ' | '·') || *cell == mark { mark } else { SEVERAL };
        }
    }
    cells
}

/// Draws what lies between points that follow each other. A gap stays empty.
fn join(line: &Line, scale: &Scale, frame: &Frame, cells: &mut [Vec<char>]) {
    for pair in line.points.windows(2) {
        let [a, b] = pair else { continue };
        if is_gap(period(line), a.time, b.time) {
            continue;
        }
        let place = |point: &librato_apply::composite::eval::Point| {
            (frame.column(point.time), scale.row(point.value))
        };
        for (column, row) in between(place(a), place(b)) {
            cells[row][column] = '·';
        }
    }
}

fn period(line: &Line) -> Option<i64> {
    i64::try_from(line.period).ok()
}

/// The axis and the times below it.
fn time_axis(frame: &Frame, margin: usize, clock: &Clock) -> String {
    let mut axis = vec!['─'; frame.columns];
    let mut labels = vec![' '; frame.columns + 12];
    let mut free = 0;
    for tick in ticks::times(frame.start, frame.end, frame.columns / 12, &clock.zone) {
        let column = frame.column(tick.time);
        axis[column] = '┬';
        if column >= free {
            let text: Vec<char> = tick.label.chars().collect();
            free = column + text.len() + 1;
            labels.iter_mut().skip(column).zip(text).for_each(|(cell, c)| *cell = c);
        }
    }
    let (axis, labels): (String, String) = (axis.into_iter().collect(), labels.into_iter().collect());
    format!("{:margin$} └{axis}\n{:margin$}  {}\n", "", "", labels.trim_end())
}

fn legend(answer: &Answer, lines: &[Line], frame: &Frame, clock: &Clock) -> String {
    let mut out = String::from("\n");
    for (i, (line, name)) in lines.iter().zip(answer.names()).enumerate() {
        let mark = if lines.len() == 1 { "*".to_owned() } else { letter(i) };
        let units = line.units.as_ref().map(|units| format!(" ({units})")).unwrap_or_default();
        let points = counted(line.points.len(), "point");
        out.push_str(&format!("  {mark}  {name}{units}: {points}{}\n", missing(line, frame, clock)));
    }
    if lines.len() > 1 {
        out.push_str(&format!("  {SEVERAL}  several series\n"));
    }
    out
}

/// Where points are missing, in words.
fn missing(line: &Line, frame: &Frame, clock: &Clock) -> String {
    let day = frame.end - frame.start >= 86_400;
    let show = |time: i64| clock.show(time, if day { "%Y-%m-%d %H:%M" } else { "%H:%M:%S" });
    let times: Vec<i64> = line.points.iter().map(|point| point.time).collect();
    words::missing(&times, period(line), Window { start: frame.start, end: frame.end }, show)
}

#[cfg(test)]
#[path = "plot_tests.rs"]
mod tests;

//! What happened in a test, as a small picture: values against the threshold, and below when they violated, when the condition was
//! met and when services were told.

use std::collections::{BTreeMap, BTreeSet};

use librato_apply::diag::number;
use librato_apply::model::Moment;
use librato_apply::offline::{Failure, Observation, Outcome};
use librato_apply::watch::{Condition, Stream, Test, Transition};

use super::super::grid::{Frame, Scale, between};
use super::case::Case;

/// Of the whole picture.
const WIDTH: usize = 64;
/// Of its values. With the title, the spans, the axis and its times these are ten lines.
const ROWS: usize = 6;

/// Streams drawn, and how their points are marked.
const MARKS: [char; 3] = ['*', 'o', '+'];

/// The picture of the condition that the first failure is about.
pub fn picture(case: &Case<'_>, failures: &[Failure], seen: &Outcome) -> String {
    let place = failures.first().and_then(|failure| failure.conditions.first()).copied().unwrap_or(0);
    let Some(condition) = case.subject.alert.conditions.get(place) else { return String::new() };
    let streams = streams(place, seen);
    if streams.is_empty() {
        return String::new();
    }
    let threshold = match condition.test {
        Test::Threshold { threshold, .. } => Some(threshold),
        Test::Absent { .. } => None,
    };
    let values = points(place, &streams, seen);
    let numbers = values.iter().flatten().map(|(_, value)| *value).chain(threshold);
    let scale = Scale::of(numbers, ROWS, 3);
    let labels: BTreeMap<usize, String> =
        scale.ticks.iter().chain(&threshold).map(|tick| (scale.row(*tick), number(*tick))).collect();
    let margin = labels.values().map(|label| label.chars().count()).max().unwrap_or(1);
    let frame = Frame { start: 0, end: seen.end.max(1), columns: WIDTH.saturating_sub(margin + 2).max(16) };
    let mut out = title(place, condition, &streams);
    for (row, cells) in draw(&values, threshold, &scale, &frame).iter().enumerate() {
        let label = labels.get(&row).map_or("", String::as_str);
        let axis = if label.is_empty() { '│' } else { '┤' };
        let cells: String = cells.iter().collect();
        out.push_str(format!("{label:>margin$} {axis}{cells}").trim_end());
        out.push('\n');
    }
    out.push_str(format!("{:>margin$} │{}", "", spans(place, &streams, seen, &frame)).trim_end());
    out.push('\n');
    out + &axis(&frame, margin, failures)
}

/// The picture in signs that every log can hold.
pub fn ascii(line: &str) -> String {
    let sign = |c| match c {
        '─' => '-',
        '│' | '┤' => '|',
        '└' | '┬' => '+',
        '·' => '.',
        other => other,
    };
    line.chars().map(sign).collect()
}

/// Those that meet the condition at some time, then those that violate it, then the others.
fn streams(place: usize, seen: &Outcome) -> Vec<Stream> {
    let readings = seen.readings.iter().filter(|reading| reading.condition == place);
    let all: BTreeSet<&Stream> = readings.map(|reading| &reading.stream).collect();
    let met: BTreeSet<&Stream> = seen.observations.iter().flat_map(|one| one.met(place)).collect();
    let pending: BTreeSet<&Stream> = seen.observations.iter().flat_map(|one| one.pending(place)).collect();
    let rank = |stream: &Stream| (!met.contains(stream), !pending.contains(stream));
    let mut all: Vec<&Stream> = all.into_iter().collect();
    all.sort_by_key(|stream| rank(stream));
    all.into_iter().take(MARKS.len()).cloned().collect()
}

fn title(place: usize, condition: &Condition, streams: &[Stream]) -> String {
    let metric = &condition.metric;
    let names: Vec<String> = match streams {
        [one] => vec![one.to_string()],
        many => many.iter().zip(MARKS).map(|(stream, mark)| format!("{mark} {stream}")).collect(),
    };
    let text = format!("conditions[{place}] {metric}: {}", names.join(", "));
    let mut short: String = text.chars().take(WIDTH).collect();
    if short.len() < text.len() {
        short.truncate(short.char_indices().rev().nth(2).map_or(0, |(at, _)| at));
        short.push_str("...");
    }
    short + "\n"
}

/// The values of each stream, in order of time.
fn points(place: usize, streams: &[Stream], seen: &Outcome) -> Vec<Vec<(i64, f64)>> {
    let of = |stream: &Stream| {
        let readings = seen.readings.iter().filter(|one| one.condition == place && one.stream == *stream);
        let mut points: Vec<(i64, f64)> =
            readings.filter_map(|reading| Some((reading.t, reading.value?))).collect();
        points.sort_by_key(|(time, _)| *time);
        points
    };
    streams.iter().map(of).collect()
}

fn draw(values: &[Vec<(i64, f64)>], threshold: Option<f64>, scale: &Scale, frame: &Frame) -> Vec<Vec<char>> {
    let mut cells = vec![vec![' '; frame.columns]; ROWS];
    if let Some(threshold) = threshold {
        cells[scale.row(threshold)].fill('─');
    }
    // What lies between two values says less than the threshold.
    for points in values {
        let usual = points.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(0);
        for pair in points.windows(2).filter(|pair| (pair[1].0 - pair[0].0) * 2 <= usual * 3) {
            let at = |(time, value): (i64, f64)| (frame.column(time), scale.row(value));
            for (column, row) in between(at(pair[0]), at(pair[1])) {
                if cells[row][column] == ' ' {
                    cells[row][column] = '·';
                }
            }
        }
    }
    for (points, mark) in values.iter().zip(MARKS) {
        points.iter().for_each(|(time, value)| cells[scale.row(*value)][frame.column(*time)] = mark);
    }
    cells
}

/// `.` where some stream violates, `#` where one meets the condition, `!` where services are told.
fn spans(place: usize, streams: &[Stream], seen: &Outcome, frame: &Frame) -> String {
    let mut cells = vec![' '; frame.columns];
    let is_drawn = |stream: &Stream| streams.contains(stream);
    let sign = |one: &Observation| {
        if one.met(place).any(is_drawn) {
            '#'
        } else if one.pending(place).any(is_drawn) {
            '.'
        } else {
            ' '
        }
    };
    let ends = seen.observations.iter().skip(1).map(|next| frame.column(next.at));
    for (one, end) in seen.observations.iter().zip(ends.chain([frame.columns])) {
        let from = frame.column(one.at);
        cells[from..end.max(from + 1)].fill(sign(one));
    }
    for transition in &seen.transitions {
        if let Transition::Notice(notice) = transition {
            cells[frame.column(notice.at)] = '!';
        }
    }
    cells.into_iter().collect()
}

/// The axis, with `^` at the times of failures, and times below.
fn axis(frame: &Frame, margin: usize, failures: &[Failure]) -> String {
    let mut axis = vec!['─'; frame.columns];
    let mut labels = vec![' '; frame.columns + 8];
    let (step, mut free) = (frame.step(9), 0);
    let mut tick = 0;
    while tick <= frame.end {
        let column = frame.column(tick);
        axis[column] = '┬';
        let text = Moment(tick).to_string();
        if column >= free && column + text.len() <= frame.columns {
            free = column + text.len() + 1;
            labels.iter_mut().skip(column).zip(text.chars()).for_each(|(cell, c)| *cell = c);
        }
        tick = tick.saturating_add(step);
    }
    failures.iter().filter_map(|failure| failure.at).for_each(|at| axis[frame.column(at)] = '^');
    let (axis, labels): (String, String) = (axis.into_iter().collect(), labels.into_iter().collect());
    format!("{:margin$} └{axis}\n{:margin$}  {}\n", "", "", labels.trim_end())
}

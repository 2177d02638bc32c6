//! A run: points of one series in order of time, packed column by column.
//!
//! Its times; then, unless there are none: which points are summaries (0 none, 1 all, 2 those with their bit set); the last values of
//! all; and of the summaries counts, sums, least and greatest values, which of them have squares (likewise), and these. A single value
//! is its last value and nothing else.

use super::{doubles, integers, times};
use crate::serve::tsdb::aggregate::{Aggregate, Point};

/// No point is marked.
const NONE: u8 = 0;

/// Writes points that are sorted by time.
pub fn put(points: &[Point], out: &mut Vec<u8>) {
    times::put(&Vec::from_iter(points.iter().map(|point| point.time)), out);
    put_values(points, out);
}

/// Writes what is known of points but for their times.
pub fn put_values(points: &[Point], out: &mut Vec<u8>) {
    if points.is_empty() {
        return;
    }
    let all = || points.iter().map(|point| &point.stats);
    put_marks(all().map(|stats| !is_single(stats)), points.len(), out);
    doubles::put(&Vec::from_iter(all().map(|stats| stats.last)), out);
    let summaries = Vec::from_iter(all().filter(|stats| !is_single(stats)));
    if summaries.is_empty() {
        return;
    }
    integers::put(&Vec::from_iter(summaries.iter().map(|stats| stats.count.cast_signed())), out);
    doubles::put(&Vec::from_iter(summaries.iter().map(|stats| stats.sum)), out);
    doubles::put(&Vec::from_iter(summaries.iter().map(|stats| stats.min)), out);
    doubles::put(&Vec::from_iter(summaries.iter().map(|stats| stats.max)), out);
    put_marks(summaries.iter().map(|stats| stats.squares.is_some()), summaries.len(), out);
    doubles::put(&Vec::from_iter(summaries.iter().filter_map(|stats| stats.squares)), out);
}

/// The same for single values.
pub fn put_singles(values: &[f64], out: &mut Vec<u8>) {
    if !values.is_empty() {
        out.push(NONE);
        doubles::put(values, out);
    }
}

/// Reads points, sorted by time; `None` where there are none to be read.
pub fn take(rest: &mut &[u8]) -> Option<Vec<Point>> {
    let times = times::take(rest)?;
    take_values(rest, &times)
}

/// Reads what is known of points at these times.
pub fn take_values(rest: &mut &[u8], times: &[i64]) -> Option<Vec<Point>> {
    if times.is_empty() {
        return Some(Vec::new());
    }
    let marks = take_marks(rest, times.len())?;
    let mut last = Vec::with_capacity(times.len());
    doubles::take(rest, times.len(), &mut last)?;
    let mut points: Vec<Point> = times
        .iter()
        .zip(&last)
        .map(|(time, last)| Point { time: *time, stats: Aggregate::single(*last) })
        .collect();
    let number = (0..times.len()).filter(|place| marks.is_set(*place)).count();
    if number == 0 {
        return Some(points);
    }
    let mut counts = Vec::with_capacity(number);
    integers::take(rest, number, &mut |count| counts.push(count.cast_unsigned()))?;
    let mut columns = [const { Vec::new() }; 3];
    for column in &mut columns {
        doubles::take(rest, number, column)?;
    }
    let spread = take_marks(rest, number)?;
    let mut squares = Vec::new();
    doubles::take(rest, (0..number).filter(|place| spread.is_set(*place)).count(), &mut squares)?;
    let mut squares = squares.into_iter();
    let [sums, least, greatest] = &columns;
    let summaries = points.iter_mut().enumerate().filter(|(place, _)| marks.is_set(*place));
    for (place, (_, point)) in summaries.enumerate() {
        point.stats = Aggregate {
            count: counts[place],
            sum: sums[place],
            min: least[place],
            max: greatest[place],
            last: point.stats.last,
            squares: if spread.is_set(place) { squares.next() } else { None },
        };
    }
    Some(points)
}

/// Reads the values of as many points as that, where each is a single one, behind those in `values`; whether they are.
pub fn take_singles(rest: &mut &[u8], count: usize, values: &mut Vec<f64>) -> Option<bool> {
    if count > 0 && !matches!(take_marks(rest, count)?, Marks::None) {
        return Some(false);
    }
    doubles::take(rest, count, values)?;
    Some(true)
}

/// Whether nothing but the last value is needed to know all; zeros differ in their sign.
fn is_single(stats: &Aggregate) -> bool {
    let is_last = |value: f64| value.to_bits() == stats.last.to_bits();
    stats.count == 1
        && [stats.sum, stats.min, stats.max].into_iter().all(is_last)
        && stats.squares.is_some_and(|squares| squares.to_bits() == 0)
}

/// A bit for each of some points.
enum Marks<'a> {
    None,
    All,
    Some(&'a [u8]),
}

impl Marks<'_> {
    fn is_set(&self, place: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Some(bits) => bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1),
        }
    }
}

fn put_marks(marks: impl Iterator<Item = bool>, count: usize, out: &mut Vec<u8>) {
    let mut bits = vec![0_u8; count.div_ceil(8)];
    let mut set = 0;
    for (place, _) in marks.enumerate().filter(|(_, mark)| *mark) {
        bits[place / 8] |= 1 << (place % 8);
        set += 1;
    }
    match set {
        0 => out.push(NONE),
        set if set == count => out.push(1),
        _ => {
            out.push(2);
            out.extend_from_slice(&bits);
        }
    }
}

fn take_marks<'a>(rest: &mut &'a [u8], count: usize) -> Option<Marks<'a>> {
    match *rest.split_off_first()? {
        NONE => Some(Marks::None),
        1 => Some(Marks::All),
        2 => rest.split_off(..count.div_ceil(8)).map(Marks::Some),
        _ => None,
    }
}

//! Functions over each series by itself.
//! They look at points, not at time, except `rate` and `fill`, which go by the period.

use super::super::query::{Each, Filling, Statistic, Windowed};
use super::series::{Point, Series, floor};

/// One series after a function. `fill` needs the stretch of time that was asked for, in epoch seconds, both ends included.
pub(super) fn apply(function: &Each, mut series: Series, start: i64, end: i64) -> Series {
    let points = std::mem::take(&mut series.points);
    let values = || points.iter().map(|point| (point.time, point.value));
    match function {
        Each::Abs => series.with(values().map(|(time, value)| (time, value.abs()))),
        Each::Floor => series.with(values().map(|(time, value)| (time, value.floor()))),
        // Not a zero with a sign.
        Each::Ceiling => series.with(values().map(|(time, value)| (time, value.ceil() + 0.0))),
        Each::Scale(factor) => series.with(values().map(|(time, value)| (time, value * factor))),
        Each::Derive { detect_reset } => {
            // Changes add up over a longer period; their average would say something else.
            series.rollup = Statistic::Sum;
            series.with(points.windows(2).filter_map(|pair| match pair {
                [before, now] => Some((now.time, change(before.value, now.value, *detect_reset))),
                _ => None,
            }))
        }
        Each::Rate(duration) => {
            series.rollup = Statistic::Mean;
            // Periods are far below 2^53.
            let period = series.period as f64;
            series.with(values().map(|(time, value)| (time, value / period * duration)))
        }
        Each::Integrate => {
            let mut total = 0.0;
            series.with(values().map(|(time, value)| {
                total += value;
                (time, total)
            }))
        }
        Each::Window { size, function } => {
            let windows = points.windows((*size).max(1));
            series.with(windows.filter_map(|window| Some((window.last()?.time, windowed(*function, window)))))
        }
        Each::Fill(filling) => {
            series.points = filled(&points, series.period, *filling, start, end);
            series
        }
    }
}

/// How many points `fill` makes of a series.
pub(super) fn grid_points(period: u64, start: i64, end: i64) -> u64 {
    if end < start {
        return 0;
    }
    floor(end, period).abs_diff(floor(start, period)) / period.max(1) + 1
}

fn change(before: f64, now: f64, detect_reset: bool) -> f64 {
    if detect_reset && now < before { now } else { now - before }
}

fn windowed(function: Windowed, window: &[Point]) -> f64 {
    let values = || window.iter().map(|point| point.value);
    // At most 64 points.
    let count = window.len() as f64;
    match function {
        Windowed::Mean => values().sum::<f64>() / count,
        Windowed::Sum => values().sum(),
        Windowed::Min => values().fold(f64::INFINITY, f64::min),
        Windowed::Max => values().fold(f64::NEG_INFINITY, f64::max),
        Windowed::Median => {
            let mut sorted: Vec<f64> = values().collect();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted.len() / 2;
            let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
            if sorted.len() % 2 == 1 {
                at(middle)
            } else {
                f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
            }
        }
    }
}

/// A point for every period of the stretch of time that was asked for; with `last`, from the first point on.
fn filled(points: &[Point], period: u64, filling: Filling, start: i64, end: i64) -> Vec<Point> {
    let mut known = points.iter().peekable();
    let mut last = None;
    let mut out = Vec::new();
    let step = i64::try_from(period).unwrap_or(i64::MAX);
    let mut time = floor(start, period);
    for _ in 0..grid_points(period, start, end) {
        while let Some(point) = known.next_if(|point| point.time <= time) {
            last = Some(*point);
        }
        let value = match (last.filter(|point| point.time == time), filling) {
            (Some(point), _) => Some(point.value),
            (None, Filling::Value(value)) => Some(value),
            (None, Filling::Last) => last.map(|point| point.value),
        };
        out.extend(value.map(|value| Point { time, value }));
        time = time.saturating_add(step);
    }
    out
}

//! The points of many series put together one series after the other, in an array with a place for each period of a stretch of time: each
//! point is added where it belongs, in the order of the series, and nothing has to be sorted.

use super::super::query::Statistic;
use super::series::{Bucket, Point, Series, finite};

/// Places in one grid; what covers more is put together by sorting.
const MOST: usize = 1 << 18;

/// A place for each period.
pub(super) struct Grid {
    start: i64,
    period: i64,
    places: Vec<Bucket>,
}

impl Grid {
    /// One for points at `start` and every `period` seconds after it, up to `end`; `None` where it would be too large.
    pub(super) fn new(start: i64, end: i64, period: u64) -> Option<Self> {
        let period = i64::try_from(period).ok().filter(|period| *period > 0)?;
        let steps = end.checked_sub(start).filter(|span| *span >= 0)? / period;
        let count = usize::try_from(steps).ok().filter(|steps| *steps < MOST)? + 1;
        Some(Self { start, period, places: vec![Bucket::EMPTY; count] })
    }

    /// All points of series of one period; `None` where they are few for the time they cover, or do not lie on a grid.
    pub(super) fn filled(inputs: &[Series]) -> Option<Self> {
        let ends = || inputs.iter().filter_map(|series| series.points.first().zip(series.points.last()));
        let start = ends().map(|(first, _)| first.time).min()?;
        let end = ends().map(|(_, last)| last.time).max()?;
        let mut grid = Self::new(start, end, inputs.first()?.period)?;
        let points: usize = inputs.iter().map(|series| series.points.len()).sum();
        let is_full = grid.places.len() <= 4 * points && inputs.iter().all(|series| grid.add(&series.points));
        is_full.then_some(grid)
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        size_of_val(self.places.as_slice()) as u64
    }

    /// Adds the points of the next series; whether all of them lie on the grid.
    pub(super) fn add(&mut self, points: &[Point]) -> bool {
        let (mut expected, mut at) = (self.start, 0);
        for point in points {
            // Mostly the next one.
            if point.time != expected {
                let Some(behind) = point.time.checked_sub(self.start).filter(|behind| *behind >= 0) else {
                    return false;
                };
                let Ok(place) = usize::try_from(behind / self.period) else { return false };
                if behind % self.period != 0 {
                    return false;
                }
                (expected, at) = (point.time, place);
            }
            let Some(place) = self.places.get_mut(at) else { return false };
            place.add(Bucket::of(point.value));
            expected = expected.saturating_add(self.period);
            at += 1;
        }
        true
    }

    /// A point for each place that has any.
    pub(super) fn points(&self, statistic: Statistic) -> Vec<Point> {
        let times = (0_i64..).map(|step| self.start + step * self.period);
        let taken = times.zip(&self.places).filter(|(_, place)| !place.is_empty());
        finite(taken.map(|(time, place)| (time, place.value(statistic))))
    }
}

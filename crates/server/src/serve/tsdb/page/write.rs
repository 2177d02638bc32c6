//! Writing pages: runs come in order of metrics and series, and fill one page after the other.

use super::{SUM, VERSION, checksum};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::bytes::{put_signed, put_unsigned, zigzag};
use crate::serve::tsdb::codec::{run, times};
use crate::serve::tsdb::tier::Tier;

/// Bytes of a page at most: as many as fit twice into a page of SQLite's with everything around them, and once into one of
/// PostgreSQL's.
pub const LARGEST: usize = 7_900;

/// A run is cut after a multiple of so many points, as the codec packs them together.
const CUT: usize = 128;

/// Version, start, three numbers and the checksum, at most.
const AROUND: usize = 1 + 10 + 3 + 3 + 3 + SUM;

/// A page that is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// The smallest and the largest id of a metric in it.
    pub first: i64,
    pub last: i64,
    pub bytes: Vec<u8>,
}

/// Fills pages of one window.
#[derive(Debug)]
pub struct Pages {
    tier: Tier,
    start: i64,
    largest: usize,
    full: Vec<Written>,
    open: Open,
}

/// A page that is being filled.
#[derive(Debug, Default)]
struct Open {
    /// Each metric with the entries of its runs.
    metrics: Vec<(i64, u64, Vec<u8>)>,
    runs: u64,
    /// Bytes of the directory at most.
    directory: usize,
    bodies: Vec<u8>,
    series: i64,
    /// Those that runs may share.
    times: Vec<i64>,
}

impl Pages {
    pub fn new(tier: Tier, start: i64) -> Pages {
        Pages { tier, start, largest: LARGEST, full: Vec::new(), open: Open::default() }
    }

    /// For what is left of one page, which becomes one again: differences of ids may have grown.
    pub fn of_one(tier: Tier, start: i64) -> Pages {
        Pages { largest: LARGEST + 100, ..Pages::new(tier, start) }
    }

    /// Adds the points of a series, sorted by time and each time once, behind those that were added before.
    pub fn put(&mut self, metric: i64, series: i64, points: &[Point]) {
        let mut rest = points;
        while !rest.is_empty() {
            let most = &rest[..rest.len().min(times::MOST)];
            let taken = self.open.put(metric, series, most, self.largest);
            if taken == 0 {
                self.close();
            }
            rest = &rest[taken..];
        }
    }

    pub fn finish(mut self) -> Vec<Written> {
        self.close();
        self.full
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.full.extend(open.finish(self.tier, self.start));
    }
}

impl Open {
    /// Adds as many of the points as there is room for, and says how many. An empty page takes some of any.
    fn put(&mut self, metric: i64, series: i64, points: &[Point], largest: usize) -> usize {
        let alone = self.runs == 0;
        let room = largest.saturating_sub(AROUND + self.directory + self.bodies.len());
        // The entry of a metric, its number of runs, and that of the run.
        let entry = if self.metrics.last().is_some_and(|last| last.0 == metric) { 0 } else { 10 + 3 };
        let entry = entry + bytes(zigzag(series.wrapping_sub(self.series))) + 3;
        let Some(room) = room.checked_sub(entry).filter(|room| *room > 0 || alone) else { return 0 };
        let mut count = points.len();
        loop {
            let (body, times) = self.body(&points[..count]);
            // Few points always fit into an empty page.
            if body.len() <= room || alone && count <= CUT {
                self.add((metric, series), &body, times, entry);
                return count;
            }
            let fits = (room * count / body.len()).min(count - 1);
            count = fits - fits % CUT;
            if count == 0 {
                if !alone {
                    return 0;
                }
                count = CUT.min(points.len());
            }
        }
    }

    /// The packed run, and its times unless it shares those of another.
    fn body(&self, points: &[Point]) -> (Vec<u8>, Option<Vec<i64>>) {
        let mut body = Vec::with_capacity(16 + 2 * points.len());
        let same = self.times.len() == points.len()
            && self.times.iter().zip(points).all(|(time, point)| *time == point.time);
        let times = (!same).then(|| Vec::from_iter(points.iter().map(|point| point.time)));
        if let Some(times) = &times {
            times::put(times, &mut body);
        }
        run::put_values(points, &mut body);
        (body, times)
    }

    fn add(&mut self, (metric, series): (i64, i64), body: &[u8], times: Option<Vec<i64>>, entry: usize) {
        if self.metrics.last().is_none_or(|last| last.0 != metric) {
            self.metrics.push((metric, 0, Vec::new()));
        }
        if let Some((_, runs, entries)) = self.metrics.last_mut() {
            *runs += 1;
            put_signed(series.wrapping_sub(self.series), entries);
            put_unsigned((body.len() as u64) << 1 | u64::from(times.is_none()), entries);
        }
        self.series = series;
        self.directory += entry;
        self.bodies.extend_from_slice(body);
        self.runs += 1;
        if let Some(times) = times {
            self.times = times;
        }
    }

    fn finish(self, tier: Tier, start: i64) -> Option<Written> {
        let (first, last) = (self.metrics.first()?.0, self.metrics.last()?.0);
        let mut directory = Vec::with_capacity(self.directory);
        let mut before = 0;
        for (metric, runs, entries) in &self.metrics {
            put_unsigned(metric.wrapping_sub(before).cast_unsigned(), &mut directory);
            put_unsigned(*runs, &mut directory);
            directory.extend_from_slice(entries);
            before = *metric;
        }
        let mut bytes = Vec::with_capacity(AROUND + directory.len() + self.bodies.len());
        bytes.push(VERSION);
        put_signed(start, &mut bytes);
        put_unsigned(self.metrics.len() as u64, &mut bytes);
        put_unsigned(self.runs, &mut bytes);
        put_unsigned(directory.len() as u64, &mut bytes);
        bytes.extend_from_slice(&directory);
        bytes.extend_from_slice(&self.bodies);
        let sum = checksum(tier, &bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        Some(Written { first, last, bytes })
    }
}

/// Bytes that a number takes.
fn bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

//! Writing pages: runs come in order of metrics and series, and fill one page after the other.

use super::{SUM, Singles, VERSION, checksum};
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

/// Writes the values of so many points, from one on.
type Values<'a> = &'a dyn Fn(usize, usize, &mut Vec<u8>);

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
        let times = Vec::from_iter(points.iter().map(|point| point.time));
        self.put_run((metric, series), &times, &|from, count, out| {
            run::put_values(&points[from..][..count], out);
        });
    }

    /// The same for single values.
    pub fn put_singles(&mut self, metric: i64, series: i64, Singles { times, values }: &Singles) {
        self.put_run((metric, series), times, &|from, count, out| {
            run::put_singles(&values[from..][..count], out);
        });
    }

    fn put_run(&mut self, series: (i64, i64), times: &[i64], values: Values<'_>) {
        let mut from = 0;
        while from < times.len() {
            let most = &times[from..][..(times.len() - from).min(times::MOST)];
            let taken = self.open.put(series, most, &|count, out| values(from, count, out), self.largest);
            if taken == 0 {
                self.close();
            }
            from += taken;
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
    /// Adds as many of the points at these times as there is room for, and says how many. An empty page takes some of any.
    fn put(
        &mut self,
        (metric, series): (i64, i64),
        times: &[i64],
        values: &dyn Fn(usize, &mut Vec<u8>),
        largest: usize,
    ) -> usize {
        let alone = self.runs == 0;
        let room = largest.saturating_sub(AROUND + self.directory + self.bodies.len());
        // The entry of a metric, its number of runs, and that of the run.
        let entry = if self.metrics.last().is_some_and(|last| last.0 == metric) { 0 } else { 10 + 3 };
        let entry = entry + bytes(zigzag(series.wrapping_sub(self.series))) + 3;
        let Some(room) = room.checked_sub(entry).filter(|room| *room > 0 || alone) else { return 0 };
        let (start, mut count) = (self.bodies.len(), times.len());
        loop {
            let shares = self.times == times[..count];
            if !shares {
                times::put(&times[..count], &mut self.bodies);
            }
            values(count, &mut self.bodies);
            let length = self.bodies.len() - start;
            // Few points always fit into an empty page.
            if length <= room || alone && count <= CUT {
                self.add((metric, series), length, shares, entry);
                if !shares {
                    self.times.clear();
                    self.times.extend_from_slice(&times[..count]);
                }
                return count;
            }
            self.bodies.truncate(start);
            let fits = (room * count / length).min(count - 1);
            count = fits - fits % CUT;
            if count == 0 {
                if !alone {
                    return 0;
                }
                count = CUT.min(times.len());
            }
        }
    }

    /// Notes a run whose body was written.
    fn add(&mut self, (metric, series): (i64, i64), length: usize, shares: bool, entry: usize) {
        if self.metrics.last().is_none_or(|last| last.0 != metric) {
            self.metrics.push((metric, 0, Vec::new()));
        }
        if let Some((_, runs, entries)) = self.metrics.last_mut() {
            *runs += 1;
            put_signed(series.wrapping_sub(self.series), entries);
            put_unsigned((length as u64) << 1 | u64::from(shares), entries);
        }
        self.series = series;
        self.directory += entry;
        self.runs += 1;
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

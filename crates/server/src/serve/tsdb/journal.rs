//! Rows of the journal: the samples of one submission, packed in the order in which they came. Versioned by the first byte;
//! as they are stored they lie in an envelope.
//!
//! Version 2: the number of points, then groups of those that follow each other and are of one metric: its id (as difference to that
//! of the group before), their number, and per point: series id and time (each as difference to the point before), a byte that says
//! which statistics follow, and those as little-endian doubles. Integers are LEB128, signed ones in zigzag order. A point with a single
//! value takes about 11 bytes. Version 1, which is read, has no groups; its points know no metric.

use super::bytes::{put_double, put_signed, put_unsigned, take_double, take_signed, take_unsigned};
use super::sample::{Sample, Spread, Stats};
use super::{Error, envelope};

const VERSION: u8 = 2;
const WITHOUT_METRICS: u8 = 1;

const SUMMARY: u8 = 1;
const MIN: u8 = 2;
const MAX: u8 = 4;
const LAST: u8 = 8;
const SUM_SQUARES: u8 = 16;
const STDDEV: u8 = 32;

/// Samples in one row: what reads some series goes through all of a row that has any of them.
const AT_MOST: usize = 650;

/// Bytes of a row of more than one sample at most, as of a page.
const LARGEST: usize = 7_900;

/// A row that does not stand in the journal yet.
#[derive(Debug)]
pub struct Row {
    /// Of all metrics in it.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub part: i64,
    /// The smallest and the largest id of a series in it.
    pub first: i64,
    pub last: i64,
    /// As it is stored.
    pub block: Vec<u8>,
}

/// As many rows as it takes for samples, in their order where there is one part; of several, each has rows of its own, in which metric
/// follows on metric.
pub fn rows(samples: &[Sample], parts: i64) -> Vec<Row> {
    let mut rows = Vec::with_capacity(samples.len().div_ceil(AT_MOST));
    if parts <= 1 {
        samples.chunks(AT_MOST).for_each(|some| put_rows(some, 0, &mut rows));
        return rows;
    }
    let part = |sample: &Sample| sample.metric.rem_euclid(parts);
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|sample| (part(sample), sample.metric));
    for some in sorted.chunk_by(|a, b| part(a) == part(b)) {
        let of = some.first().map_or(0, part);
        some.chunks(AT_MOST).for_each(|some| put_rows(some, of, &mut rows));
    }
    rows
}

/// One row, or halves where that would be too large.
fn put_rows(samples: &[Sample], part: i64, rows: &mut Vec<Row>) {
    let row = Row::of(samples, part);
    if row.block.len() <= LARGEST || samples.len() < 2 {
        return rows.push(row);
    }
    let (first, second) = samples.split_at(samples.len() / 2);
    put_rows(first, part, rows);
    put_rows(second, part, rows);
}

impl Row {
    fn of(samples: &[Sample], part: i64) -> Row {
        let series = || samples.iter().map(|sample| sample.series);
        let (first, last) = (series().min().unwrap_or_default(), series().max().unwrap_or_default());
        Row { part, first, last, block: envelope::seal(&[], &encode(samples)) }
    }
}

/// All samples in one row, however many; none where there are none.
pub fn row(samples: &[Sample]) -> Option<Row> {
    (!samples.is_empty()).then(|| Row::of(samples, 0))
}

/// The samples of a stored row.
pub fn open(stored: &[u8]) -> Result<Vec<Sample>, Error> {
    decode(envelope::open(&[], stored)?).ok_or(Error::Unreadable)
}

pub fn encode(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + 12 * samples.len());
    out.push(VERSION);
    put_unsigned(samples.len() as u64, &mut out);
    let (mut metric, mut series, mut time) = (0, 0, 0);
    for group in samples.chunk_by(|a, b| a.metric == b.metric) {
        put_signed(group[0].metric.wrapping_sub(metric), &mut out);
        put_unsigned(group.len() as u64, &mut out);
        metric = group[0].metric;
        for sample in group {
            put_signed(sample.series.wrapping_sub(series), &mut out);
            put_signed(sample.time.wrapping_sub(time), &mut out);
            (series, time) = (sample.series, sample.time);
            statistics(&sample.stats, &mut out);
        }
    }
    out
}

fn statistics(stats: &Stats, out: &mut Vec<u8>) {
    match *stats {
        Stats::Single(value) => {
            out.push(0);
            put_double(value, out);
        }
        Stats::Summary { count, sum, min, max, last, spread } => {
            let (spread_flag, spread) = match spread {
                Spread::Unknown => (0, None),
                Spread::SumSquares(value) => (SUM_SQUARES, Some(value)),
                Spread::StdDev(value) => (STDDEV, Some(value)),
            };
            let flag = |value: Option<f64>, bit| if value.is_some() { bit } else { 0 };
            out.push(SUMMARY | flag(min, MIN) | flag(max, MAX) | flag(last, LAST) | spread_flag);
            put_unsigned(count, out);
            for value in [Some(sum), min, max, last, spread].into_iter().flatten() {
                put_double(value, out);
            }
        }
    }
}

/// The samples of one packed row; `None` when it is not one.
pub fn decode(block: &[u8]) -> Option<Vec<Sample>> {
    let (version, mut rest) = block.split_first()?;
    let has_metrics = match *version {
        VERSION => true,
        WITHOUT_METRICS => false,
        _ => return None,
    };
    let count = take_unsigned(&mut rest)?;
    let (mut metric, mut series, mut time) = (0_i64, 0_i64, 0_i64);
    let mut group = if has_metrics { 0 } else { count };
    // Every point takes eleven bytes at least, so a damaged count cannot ask for much memory.
    let mut points = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(rest.len() / 11));
    for left in (1..=count).rev() {
        if group == 0 {
            metric = metric.wrapping_add(take_signed(&mut rest)?);
            group = take_unsigned(&mut rest)?;
            if group == 0 || group > left {
                return None;
            }
        }
        group -= 1;
        series = series.wrapping_add(take_signed(&mut rest)?);
        time = time.wrapping_add(take_signed(&mut rest)?);
        points.push(Sample { metric, series, time, stats: take_statistics(&mut rest)? });
    }
    rest.is_empty().then_some(points)
}

fn take_statistics(rest: &mut &[u8]) -> Option<Stats> {
    let flags = *rest.split_off_first()?;
    if flags & SUMMARY == 0 {
        return take_double(rest).map(Stats::Single);
    }
    let count = take_unsigned(rest)?;
    let sum = take_double(rest)?;
    let mut optional = |bit| if flags & bit == 0 { Some(None) } else { take_double(rest).map(Some) };
    let (min, max, last) = (optional(MIN)?, optional(MAX)?, optional(LAST)?);
    let spread = match (optional(SUM_SQUARES)?, optional(STDDEV)?) {
        (Some(squares), _) => Spread::SumSquares(squares),
        (_, Some(deviation)) => Spread::StdDev(deviation),
        _ => Spread::Unknown,
    };
    Some(Stats::Summary { count, sum, min, max, last, spread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_survive_packing() {
        let summary =
            |min, last, spread| Stats::Summary { count: 300, sum: -1.5, min, max: Some(2.0), last, spread };
        let points = [
            Sample { metric: 7, series: 1, time: 1_700_000_000, stats: Stats::Single(0.1) },
            Sample {
                metric: 7,
                series: 900,
                time: 1_699_999_940,
                stats: summary(Some(1.0), None, Spread::SumSquares(3.0)),
            },
            Sample {
                metric: i64::MIN,
                series: 2,
                time: 0,
                stats: summary(None, Some(f64::MIN), Spread::StdDev(0.5)),
            },
            Sample { metric: 7, series: i64::MAX, time: -5, stats: summary(None, None, Spread::Unknown) },
        ];
        assert_eq!(decode(&encode(&points)).as_deref(), Some(&points[..]));
        assert_eq!(decode(&encode(&[])), Some(vec![]));
        let block = encode(&points);
        assert!((0..block.len()).all(|end| decode(&block[..end]).is_none()), "damage is seen");
    }

    #[test]
    fn a_plain_point_is_small() {
        let points: Vec<_> = (0..1000)
            .map(|n| Sample { metric: 3, series: n, time: 1_700_000_000, stats: Stats::Single(1.0) })
            .collect();
        assert!(encode(&points).len() < 12 * 1000);
        let sizes: Vec<_> = rows(&points, 1).iter().map(|row| row.block.len()).collect();
        assert!(sizes.len() == 2 && sizes.iter().all(|size| *size <= LARGEST), "{sizes:?}");
    }

    #[test]
    fn rows_are_no_larger_than_pages() {
        let spread = Spread::StdDev(0.1);
        let stats =
            Stats::Summary { count: 9, sum: 1.5, min: Some(0.1), max: Some(0.3), last: Some(0.2), spread };
        let points: Vec<_> =
            (0..1000).map(|n| Sample { metric: n % 5, series: n, time: 1_700_000_000, stats }).collect();
        let rows = rows(&points, 1);
        assert!(rows.iter().all(|row| row.block.len() <= LARGEST));
        let read: Vec<_> = rows.iter().flat_map(|row| open(&row.block).unwrap()).collect();
        assert_eq!(read, points, "in their order");
    }

    /// As they were written before rows knew metrics.
    #[test]
    fn rows_of_version_1_are_read() {
        let row = [1, 2, 14, 120, 0, 0, 0, 0, 0, 0, 0, 248, 63, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 64];
        let sample = |series, time, value| Sample { metric: 0, series, time, stats: Stats::Single(value) };
        assert_eq!(decode(&row), Some(vec![sample(7, 60, 1.5), sample(8, 61, 2.0)]));
    }
}

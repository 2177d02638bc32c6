//! Rows of the journal: the samples of one submission, packed in the order in which they came. Versioned by the first byte;
//! as they are stored they lie in an envelope.
//!
//! Version 1: the number of points, then per point: series id and time (each as difference to the point before),
//! a byte that says which statistics follow, and those as little-endian doubles. Integers are LEB128, signed ones
//! in zigzag order. A point with a single value takes about 11 bytes.

use super::bytes::{put_double, put_signed, put_unsigned, take_double, take_signed, take_unsigned};
use super::sample::{Sample, Spread, Stats};
use super::{Error, envelope};

const VERSION: u8 = 1;

const SUMMARY: u8 = 1;
const MIN: u8 = 2;
const MAX: u8 = 4;
const LAST: u8 = 8;
const SUM_SQUARES: u8 = 16;
const STDDEV: u8 = 32;

/// Samples in one row: what reads some series goes through all of a row that has any of them.
const AT_MOST: usize = 1000;

/// A row that does not stand in the journal yet.
#[derive(Debug)]
pub struct Row {
    /// The smallest and the largest id of a series in it.
    pub first: i64,
    pub last: i64,
    /// As it is stored.
    pub block: Vec<u8>,
}

/// As many rows as it takes for samples, in their order.
pub fn rows(samples: &[Sample]) -> Vec<Row> {
    samples.chunks(AT_MOST).map(Row::of).collect()
}

impl Row {
    fn of(samples: &[Sample]) -> Row {
        let series = || samples.iter().map(|sample| sample.series);
        let (first, last) = (series().min().unwrap_or_default(), series().max().unwrap_or_default());
        Row { first, last, block: envelope::seal(&[], &encode(samples)) }
    }
}

/// The samples of a stored row.
pub fn open(stored: &[u8]) -> Result<Vec<Sample>, Error> {
    decode(envelope::open(&[], stored)?).ok_or(Error::Unreadable)
}

pub fn encode(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + 12 * samples.len());
    out.push(VERSION);
    put_unsigned(samples.len() as u64, &mut out);
    let (mut series, mut time) = (0, 0);
    for sample in samples {
        put_signed(sample.series.wrapping_sub(series), &mut out);
        put_signed(sample.time.wrapping_sub(time), &mut out);
        (series, time) = (sample.series, sample.time);
        statistics(&sample.stats, &mut out);
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
    let mut rest = block.strip_prefix(&[VERSION])?;
    let count = take_unsigned(&mut rest)?;
    let (mut series, mut time) = (0_i64, 0_i64);
    // Every point takes eleven bytes at least, so a damaged count cannot ask for much memory.
    let mut points = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(rest.len() / 11));
    for _ in 0..count {
        series = series.wrapping_add(take_signed(&mut rest)?);
        time = time.wrapping_add(take_signed(&mut rest)?);
        points.push(Sample { series, time, stats: take_statistics(&mut rest)? });
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
            Sample { series: 1, time: 1_700_000_000, stats: Stats::Single(0.1) },
            Sample {
                series: 900,
                time: 1_699_999_940,
                stats: summary(Some(1.0), None, Spread::SumSquares(3.0)),
            },
            Sample { series: 2, time: 0, stats: summary(None, Some(f64::MIN), Spread::StdDev(0.5)) },
            Sample { series: i64::MAX, time: -5, stats: summary(None, None, Spread::Unknown) },
        ];
        assert_eq!(decode(&encode(&points)).as_deref(), Some(&points[..]));
        assert_eq!(decode(&encode(&[])), Some(vec![]));
        let block = encode(&points);
        assert!((0..block.len()).all(|end| decode(&block[..end]).is_none()), "damage is seen");
    }

    #[test]
    fn a_plain_point_is_small() {
        let points: Vec<_> =
            (0..1000).map(|n| Sample { series: n, time: 1_700_000_000, stats: Stats::Single(1.0) }).collect();
        assert!(encode(&points).len() < 12 * 1000);
    }
}

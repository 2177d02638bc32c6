//! The packed form of the points of one series over one stretch of time, a block. Versioned by its first byte; as it is
//! stored it lies in an envelope.
//!
//! Version 1: the number of points, then per point: what its distance in time differs from the distance before, with
//! a low bit that tells a summary from a single value; then the value, or flags, count and five statistics. Each
//! double is stored as its difference (exclusive or) to the same statistic of the point before, without the zero
//! bytes at both ends: a regular series of one value takes two bytes a point, any other at most eleven.

use super::aggregate::{Aggregate, Point};
use super::bytes::{put_unsigned, take_unsigned, unzigzag, zigzag};
use super::tier::Tier;
use super::{Error, envelope};

const VERSION: u8 = 1;

/// Which block is meant: its series, its tier and where it begins.
pub type Key = (i64, Tier, i64);

/// A packed block as it is stored under `series`, `resolution` and `start`.
pub fn seal(series: i64, resolution: i64, start: i64, packed: &[u8]) -> Vec<u8> {
    envelope::seal(&[series, resolution, start], packed)
}

/// The points of a stored block.
pub fn open(series: i64, resolution: i64, start: i64, stored: &[u8]) -> Result<Vec<Point>, Error> {
    decode(envelope::open(&[series, resolution, start], stored)?).ok_or(Error::Unreadable)
}

/// Packs points that are sorted by time.
pub fn encode(points: &[Point]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + 8 * points.len());
    out.push(VERSION);
    put_unsigned(points.len() as u64, &mut out);
    let mut before = Before::default();
    for point in points {
        let step = point.time.wrapping_sub(before.time);
        let is_summary = point.stats != Aggregate::single(point.stats.last);
        // A difference of times takes 35 bits, so the shift loses nothing.
        put_unsigned(zigzag(step.wrapping_sub(before.step)) << 1 | u64::from(is_summary), &mut out);
        (before.time, before.step) = (point.time, step);
        before.put(0, point.stats.last, &mut out);
        if is_summary {
            let Aggregate { count, sum, min, max, squares, .. } = point.stats;
            put_unsigned(count << 1 | u64::from(squares.is_some()), &mut out);
            for (slot, value) in [(1, Some(sum)), (2, Some(min)), (3, Some(max)), (4, squares)] {
                if let Some(value) = value {
                    before.put(slot, value, &mut out);
                }
            }
        }
    }
    out
}

/// The points of a block; `None` when it is not one.
pub fn decode(block: &[u8]) -> Option<Vec<Point>> {
    let mut rest = block.strip_prefix(&[VERSION])?;
    let count = usize::try_from(take_unsigned(&mut rest)?).ok()?;
    // Every point takes two bytes at least, so a damaged count cannot ask for much memory.
    let mut points = Vec::with_capacity(count.min(rest.len()));
    let mut before = Before::default();
    for _ in 0..count {
        let head = take_unsigned(&mut rest)?;
        before.step = before.step.wrapping_add(unzigzag(head >> 1));
        before.time = before.time.wrapping_add(before.step);
        let last = before.take(0, &mut rest)?;
        let stats = if head & 1 == 0 {
            Aggregate::single(last)
        } else {
            let head = take_unsigned(&mut rest)?;
            let (sum, min, max) =
                (before.take(1, &mut rest)?, before.take(2, &mut rest)?, before.take(3, &mut rest)?);
            let squares = if head & 1 == 1 { Some(before.take(4, &mut rest)?) } else { None };
            Aggregate { count: head >> 1, sum, min, max, last, squares }
        };
        points.push(Point { time: before.time, stats });
    }
    rest.is_empty().then_some(points)
}

/// What the next point is told as a difference to.
#[derive(Default)]
struct Before {
    time: i64,
    step: i64,
    /// Bits of last, sum, min, max and squares.
    values: [u64; 5],
}

impl Before {
    fn put(&mut self, slot: usize, value: f64, out: &mut Vec<u8>) {
        let Some(kept) = self.values.get_mut(slot) else { return };
        let bits = value.to_bits() ^ *kept;
        *kept = value.to_bits();
        let bytes = bits.to_be_bytes();
        let lead = bits.leading_zeros() as usize / 8;
        let end = 8 - (bits.trailing_zeros() as usize / 8).min(8 - lead);
        out.push((lead << 4 | end) as u8);
        out.extend_from_slice(bytes.get(lead..end).unwrap_or_default());
    }

    fn take(&mut self, slot: usize, rest: &mut &[u8]) -> Option<f64> {
        let head = *rest.split_off_first()?;
        let (lead, end) = (usize::from(head >> 4), usize::from(head & 15));
        let mut bytes = [0; 8];
        let place = bytes.get_mut(lead..end)?;
        place.copy_from_slice(rest.split_off(..place.len())?);
        let kept = self.values.get_mut(slot)?;
        *kept ^= u64::from_be_bytes(bytes);
        Some(f64::from_bits(*kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn regular_points_are_small() {
        let size = |value: fn(i64) -> f64| {
            let points: Vec<_> = (0..60)
                .map(|n| Point { time: 1_700_000_000 + 60 * n, stats: Aggregate::single(value(n)) })
                .collect();
            let block = encode(&points);
            assert_eq!(decode(&block).as_deref(), Some(&points[..]));
            block.len()
        };
        assert!(size(|_| 0.1) < 60 * 2 + 20, "constant: {}", size(|_| 0.1));
        assert!(size(|n| (n % 7) as f64) < 60 * 4 + 20, "small integers: {}", size(|n| (n % 7) as f64));
        assert!(size(|n| (n as f64).sqrt()) < 60 * 10 + 20, "noise: {}", size(|n| (n as f64).sqrt()));
    }

    #[test]
    fn damage_is_seen() {
        let block = encode(&[Point { time: 5, stats: Aggregate::single(1.5) }]);
        for end in 0..block.len() {
            assert_eq!(decode(&block[..end]), None);
        }
        assert_eq!(decode(&[&block[..], &[0]].concat()), None);
        assert_eq!(decode(&[VERSION, 255, 255, 255, 255, 15]), None);
    }

    fn any_point() -> impl Strategy<Value = Point> {
        let finite =
            || prop_oneof![Just(0.0), -1e9..1e9, any::<f64>().prop_filter("finite", |x| x.is_finite())];
        let summary =
            (1..1_u64 << 40, finite(), finite(), finite(), finite(), proptest::option::of(finite()))
                .prop_map(|(count, sum, min, max, last, squares)| Aggregate {
                    count,
                    sum,
                    min,
                    max,
                    last,
                    squares,
                });
        let stats = prop_oneof![finite().prop_map(Aggregate::single), summary];
        (0..253_402_300_800_i64, stats).prop_map(|(time, stats)| Point { time, stats })
    }

    proptest! {
        #[test]
        fn points_survive_packing(mut points in proptest::collection::vec(any_point(), 0..40)) {
            points.sort_by_key(|point| point.time);
            prop_assert_eq!(decode(&encode(&points)), Some(points));
        }
    }
}

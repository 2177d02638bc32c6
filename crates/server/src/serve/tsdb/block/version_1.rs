//! Version 1 of packed points, which files of earlier versions hold: it is read, and written by tests alone.
//!
//! The number of points, then per point: what its distance in time differs from the distance before, with
//! a low bit that tells a summary from a single value; then the value, or flags, count and five statistics. Each
//! double is stored as its difference (exclusive or) to the same statistic of the point before, without the zero
//! bytes at both ends.

use crate::serve::tsdb::aggregate::{Aggregate, Point};
use crate::serve::tsdb::bytes::{take_unsigned, unzigzag};

pub const VERSION: u8 = 1;

/// The points of a block behind its version; `None` when it is not one.
pub fn decode(mut rest: &[u8]) -> Option<Vec<Point>> {
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
    use crate::serve::tsdb::block;
    use crate::serve::tsdb::bytes::{put_unsigned, zigzag};
    use proptest::prelude::*;

    /// As the version that wrote it did.
    fn encode(points: &[Point]) -> Vec<u8> {
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
    }

    proptest! {
        #[test]
        fn points_of_earlier_files_are_read(mut points in proptest::collection::vec(block::tests::any_point(), 0..40)) {
            points.sort_by_key(|point| point.time);
            prop_assert_eq!(block::decode(&encode(&points)), Some(points));
        }
    }
}

//! The packed form of the points of one series over one stretch of time, a block. Versioned by its first byte; as it is
//! stored it lies in an envelope.
//!
//! Version 2 is a run of the codec, version 1 came before it. Nothing writes blocks any more: where files have them they are read, and
//! become pages.

mod version_1;

use super::aggregate::Point;
use super::codec::run;
use super::{Error, envelope};

const VERSION: u8 = 2;

/// A packed block as it is stored under `series`, `resolution` and `start`.
#[cfg(test)]
pub fn seal(series: i64, resolution: i64, start: i64, packed: &[u8]) -> Vec<u8> {
    envelope::seal(&[series, resolution, start], packed)
}

/// The points of a stored block.
pub fn open(series: i64, resolution: i64, start: i64, stored: &[u8]) -> Result<Vec<Point>, Error> {
    decode(envelope::open(&[series, resolution, start], stored)?).ok_or(Error::Unreadable)
}

/// Packs points that are sorted by time.
pub fn encode(points: &[Point]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + 2 * points.len());
    out.push(VERSION);
    run::put(points, &mut out);
    out
}

/// The points of a block; `None` when it is not one.
pub fn decode(block: &[u8]) -> Option<Vec<Point>> {
    match block.split_first()? {
        (&version_1::VERSION, rest) => version_1::decode(rest),
        (&VERSION, mut rest) => run::take(&mut rest).filter(|_| rest.is_empty()),
        _ => None,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::serve::tsdb::aggregate::Aggregate;
    use proptest::prelude::*;

    /// Bytes of sixty points, one a minute.
    fn size(value: fn(i64) -> f64) -> usize {
        let points: Vec<_> = (0..60)
            .map(|n| Point { time: 1_700_000_000 + 60 * n, stats: Aggregate::single(value(n)) })
            .collect();
        let block = encode(&points);
        assert_eq!(decode(&block).as_deref(), Some(&points[..]));
        block.len()
    }

    #[test]
    fn regular_points_are_small() {
        assert!(size(|_| 0.1) < 20, "constant: {}", size(|_| 0.1));
        assert!(size(|n| (n % 7) as f64) < 45, "small integers: {}", size(|n| (n % 7) as f64));
        let walk = |n: i64| (50_000 + (n * n * 37) % 1_001 + 3 * n) as f64 / 100.0;
        assert!(size(walk) < 100, "two decimals: {}", size(walk));
        assert!(size(|n| (n as f64).sqrt()) < 60 * 8, "noise: {}", size(|n| (n as f64).sqrt()));
    }

    #[test]
    fn damage_is_seen() {
        let block = encode(&[Point { time: 5, stats: Aggregate::single(1.5) }]);
        for end in 0..block.len() {
            assert_eq!(decode(&block[..end]), None);
        }
        assert_eq!(decode(&[&block[..], &[0]].concat()), None);
        assert_eq!(decode(&[VERSION, 255, 255, 255, 255, 15]), None);
        assert_eq!(decode(&[VERSION + 1, 0]), None, "of a version to come");
    }

    pub fn any_point() -> impl Strategy<Value = Point> {
        let finite = || {
            prop_oneof![
                Just(0.0),
                Just(-0.0),
                -1e9..1e9,
                (-1_000_000..1_000_000).prop_map(|n| f64::from(n) / 100.0),
                any::<f64>().prop_filter("finite", |x| x.is_finite())
            ]
        };
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
        let stats = prop_oneof![3 => finite().prop_map(Aggregate::single), 1 => summary];
        (0..253_402_300_800_i64, stats).prop_map(|(time, stats)| Point { time, stats })
    }

    /// Points to the bit: zeros are equal whatever their signs.
    pub fn bits(points: &[Point]) -> Vec<(i64, u64, [u64; 4], Option<u64>)> {
        let bits = |Point { time, stats }: &Point| {
            let Aggregate { count, sum, min, max, last, squares } = *stats;
            (*time, count, [sum, min, max, last].map(f64::to_bits), squares.map(f64::to_bits))
        };
        points.iter().map(bits).collect()
    }

    proptest! {
        #[test]
        fn points_survive_packing(
            mut points in proptest::collection::vec(any_point(), 0..300),
            near in any::<bool>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            if near {
                points.iter_mut().for_each(|point| point.time = point.time % 600 * 60);
            }
            points.sort_by_key(|point| point.time);
            let block = encode(&points);
            prop_assert_eq!(decode(&block).map(|points| bits(&points)), Some(bits(&points)));
            prop_assert_eq!(decode(&block[..cut.index(block.len())]), None);
        }

        #[test]
        fn any_bytes_are_read_to_their_end(mut bytes in proptest::collection::vec(any::<u8>(), 1..80)) {
            bytes[0] = VERSION;
            if let Some(points) = decode(&bytes) {
                prop_assert!(points.is_sorted_by_key(|point| point.time));
            }
        }
    }
}

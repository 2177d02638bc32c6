//! How long the buckets of time are that a picture shows one point for.

/// Lengths of buckets in seconds: what divides minutes, hours and days.
const LENGTHS: [u64; 19] = [
    1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800,
    2_419_200,
];

/// The smallest bucket that holds at least `least` seconds and gives each pixel one point at most.
#[must_use]
pub fn bucket(seconds: u64, pixels: u32, least: u64) -> u64 {
    let fits = |length: &u64| *length >= least && seconds / length <= u64::from(pixels.max(1));
    LENGTHS.into_iter().find(fits).unwrap_or_else(|| least.max(LENGTHS[LENGTHS.len() - 1]))
}

/// The next longer bucket: at least twice as long. Nothing after the longest.
pub fn longer(bucket: u64) -> Option<u64> {
    LENGTHS.into_iter().find(|length| *length >= bucket.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_has_one_point_at_most() {
        let day = 86_400;
        let of = |seconds| bucket(seconds, 730, 1);
        assert_eq!([600, 3_600, 6 * 3_600, day, 30 * day].map(of), [1, 5, 30, 120, 3_600]);
        assert_eq!(bucket(3_600, 730, 60), 60);
        assert_eq!(bucket(3_600, 730, 90), 120);
        assert_eq!(bucket(u64::MAX, 1, 1), 2_419_200);
    }

    #[test]
    fn longer_buckets_are_at_least_twice_as_long() {
        assert_eq!([1, 10, 60, 120, 90].map(longer), [Some(5), Some(30), Some(120), Some(300), Some(300)]);
        assert_eq!(longer(2_419_200), None);
    }
}

//! Where points are missing: the one rule by which pictures and charts in characters leave a gap.

/// Whether a point is missing between two times: they lie more than one and a half periods apart. Without a period no one knows.
#[must_use]
pub fn is_gap(period: Option<i64>, before: i64, after: i64) -> bool {
    let Some(period) = period.filter(|period| *period > 0) else { return false };
    i128::from(after) * 2 - i128::from(before) * 2 > i128::from(period) * 3
}

/// A stretch without points, between two that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the first missing point would have been.
    pub from: i64,
    /// For how many seconds points are missing.
    pub long: i64,
}

/// The gaps between times in order.
pub fn gaps(times: impl Iterator<Item = i64>, period: Option<i64>) -> Vec<Gap> {
    let mut before = None;
    let mut out = Vec::new();
    for time in times {
        if let (Some(last), Some(period)) = (before, period)
            && is_gap(Some(period), last, time)
        {
            let long = time.saturating_sub(last).saturating_sub(period);
            out.push(Gap { from: last.saturating_add(period), long });
        }
        before = Some(time);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_more_than_one_and_a_half_periods() {
        assert!(!is_gap(Some(60), 0, 90) && is_gap(Some(60), 0, 91));
        assert!(!is_gap(None, 0, i64::MAX) && !is_gap(Some(0), 0, 1));
        assert!(is_gap(Some(i64::MAX / 2), i64::MIN, i64::MAX));
        assert_eq!(gaps([0, 60, 240, 300].into_iter(), Some(60)), [Gap { from: 120, long: 120 }]);
    }
}

//! The statistics of a stored point and how points come together. Pure; knows neither dialect nor storage.

use super::sample::{Sample, Spread, Stats};

/// What is known of the values of one series at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregate {
    pub count: u64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
    /// Sum of the squared distances from the mean; `None` when a summary came without its spread. Kept instead of
    /// the sum of squares, which loses everything when the mean is large.
    pub squares: Option<f64>,
}

/// An aggregate and its time in epoch seconds: that of a measurement, or the start of the interval it sums up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub time: i64,
    pub stats: Aggregate,
}

impl Aggregate {
    pub fn single(value: f64) -> Aggregate {
        Aggregate { count: 1, sum: value, min: value, max: value, last: value, squares: Some(0.0) }
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// Standard deviation of the population.
    pub fn deviation(&self) -> Option<f64> {
        self.squares.map(|squares| (squares / self.count as f64).sqrt())
    }

    pub fn sum_of_squares(&self) -> Option<f64> {
        self.squares.map(|squares| squares + self.sum * self.sum / self.count as f64)
    }

    /// Takes in `later`, whose last value becomes the last of both.
    pub fn merge(&mut self, later: &Aggregate) {
        let (ours, theirs) = (self.count as f64, later.count as f64);
        let apart = later.mean() - self.mean();
        self.squares = self
            .squares
            .zip(later.squares)
            .map(|(a, b)| a + b + apart * apart * ours * theirs / (ours + theirs));
        // The packed form has 63 bits for it.
        self.count = self.count.saturating_add(later.count).min(u64::MAX >> 1);
        self.sum += later.sum;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
    }
}

/// What a summary leaves out is taken to be its mean.
impl From<Stats> for Aggregate {
    fn from(stats: Stats) -> Aggregate {
        let (count, sum, min, max, last, spread) = match stats {
            Stats::Single(value) => return Aggregate::single(value),
            Stats::Summary { count, sum, min, max, last, spread } => {
                (count.max(1), sum, min, max, last, spread)
            }
        };
        let mean = sum / count as f64;
        let squares = match spread {
            Spread::Unknown => None,
            Spread::SumSquares(squares) => Some((squares - sum * sum / count as f64).max(0.0)),
            Spread::StdDev(deviation) => Some(deviation * deviation * count as f64),
        };
        let or_mean = |value: Option<f64>| value.unwrap_or(mean);
        Aggregate { count, sum, min: or_mean(min), max: or_mean(max), last: or_mean(last), squares }
    }
}

impl From<&Sample> for Point {
    fn from(sample: &Sample) -> Point {
        Point { time: sample.time, stats: sample.stats.into() }
    }
}

/// Points to intervals of `resolution` seconds: sorted by time, one for each interval that has any. Those that are
/// equal in time are merged in the order they came, those of one interval in order of time, so that the last value is
/// the same before and after they are packed.
pub fn downsample(mut points: Vec<Point>, resolution: i64) -> Vec<Point> {
    if !points.is_sorted_by_key(|point| point.time) {
        points.sort_by_key(|point| point.time);
    }
    // What is kept as it came lies on every second.
    if resolution > 1 {
        for point in &mut points {
            point.time -= point.time.rem_euclid(resolution);
        }
    }
    points.dedup_by(|later, kept| {
        let same = later.time == kept.time;
        if same {
            kept.stats.merge(&later.stats);
        }
        same
    });
    // What was read may be a hundred times what is kept.
    if points.len() < points.capacity() / 2 {
        points.shrink_to_fit();
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn merging_is_the_same_as_measuring_all_at_once() {
        let values = [3.0, -1.0, 4.0, 1.5, 9.0, 2.6];
        let mut whole = Aggregate::single(values[0]);
        for value in &values[1..] {
            whole.merge(&Aggregate::single(*value));
        }
        let (mut left, mut right) = (Aggregate::single(3.0), Aggregate::single(1.5));
        left.merge(&Aggregate::single(-1.0));
        left.merge(&Aggregate::single(4.0));
        right.merge(&Aggregate::single(9.0));
        right.merge(&Aggregate::single(2.6));
        left.merge(&right);
        assert_eq!((left.count, left.min, left.max, left.last), (6, -1.0, 9.0, 2.6));
        assert!(close(left.sum, whole.sum) && close(left.squares.unwrap(), whole.squares.unwrap()));
        let squares: f64 = values.iter().map(|value| value * value).sum();
        assert!(close(left.sum_of_squares().unwrap(), squares));
        let mean = whole.mean();
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 6.0;
        assert!(close(left.deviation().unwrap(), variance.sqrt()));
    }

    #[test]
    fn summaries_of_both_dialects() {
        let summary =
            |spread| Stats::Summary { count: 3, sum: 6.0, min: Some(1.0), max: None, last: None, spread };
        let legacy = Aggregate::from(summary(Spread::SumSquares(14.0)));
        assert_eq!((legacy.sum_of_squares(), legacy.min, legacy.max), (Some(14.0), 1.0, 2.0));
        assert_eq!(Aggregate::from(summary(Spread::StdDev(2.0))).deviation(), Some(2.0));
        let mut unknown = Aggregate::from(summary(Spread::Unknown));
        unknown.merge(&legacy);
        assert_eq!((unknown.count, unknown.deviation()), (6, None));
    }

    #[test]
    fn intervals_start_at_multiples_of_the_resolution() {
        let point = |time, value| Point { time, stats: Aggregate::single(value) };
        let points = vec![point(130, 4.0), point(60, 1.0), point(119, 2.0), point(-1, 7.0), point(60, 3.0)];
        let found = downsample(points.clone(), 60);
        let seen: Vec<_> = found.iter().map(|p| (p.time, p.stats.count, p.stats.sum)).collect();
        assert_eq!(seen, [(-60, 1, 7.0), (60, 3, 6.0), (120, 1, 4.0)]);
        assert_eq!(found[1].stats.last, 2.0, "of one interval the latest, not the last to arrive");
        let raw = downsample(points, 1);
        assert_eq!((raw.len(), raw[1].stats.last), (4, 3.0), "equal times are merged in order of arrival");
    }
}

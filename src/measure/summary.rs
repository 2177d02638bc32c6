//! The statistics of many values sent as one measurement. Pure arithmetic; knows no names, times or wire.

/// Several values of one metric in the terms of the API (a "multi-sample" or "complex" measurement).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest, where known.
    pub min: Option<f64>,
    /// The largest, where known.
    pub max: Option<f64>,
    /// The sum of their squares, where known; from it the service works out the standard deviation.
    pub sum_squares: Option<f64>,
    /// The latest, where known. Only tagged measurements have it.
    pub last: Option<f64>,
    /// The standard deviation of the values (of the population), where known. Only tagged measurements have it.
    pub stddev: Option<f64>,
}

impl Summary {
    /// A count and a sum alone.
    pub fn new(count: u64, sum: f64) -> Self {
        Self { count, sum, min: None, max: None, sum_squares: None, last: None, stddev: None }
    }

    /// The summary of one value.
    pub fn of(value: f64) -> Self {
        let one = Some(value);
        let sum_squares = Some(value * value);
        Self { count: 1, sum: value, min: one, max: one, sum_squares, last: one, stddev: None }
    }

    /// Takes in later values. What one of the two does not know, both together do not know either.
    pub fn merge(&mut self, later: &Summary) {
        let both = |a: Option<f64>, b: Option<f64>, f: fn(f64, f64) -> f64| a.zip(b).map(|(a, b)| f(a, b));
        let (ours, theirs) = (self.squares(), later.squares());
        self.sum_squares = both(ours, theirs, |a, b| a + b);
        self.stddev = None;
        self.count = self.count.saturating_add(later.count);
        self.sum += later.sum;
        self.min = both(self.min, later.min, f64::min);
        self.max = both(self.max, later.max, f64::max);
        self.last = later.last;
    }

    /// The sum of squares, also where only the deviation is known.
    pub fn squares(&self) -> Option<f64> {
        let count = self.count as f64;
        let from_deviation = |deviation: f64| deviation * deviation * count + self.sum * self.sum / count;
        self.sum_squares.or_else(|| self.stddev.map(from_deviation)).filter(|squares| squares.is_finite())
    }

    /// The standard deviation, also where only the sum of squares is known.
    pub fn deviation(&self) -> Option<f64> {
        let count = self.count as f64;
        let variance = |squares: f64| squares / count - (self.sum / count).powi(2);
        // Rounding may leave less than nothing.
        let from_squares =
            |squares| Some(variance(squares)).filter(|v| v.is_finite()).map(|v| v.max(0.0).sqrt());
        self.stddev.filter(|deviation| deviation.is_finite()).or_else(|| from_squares(self.sum_squares?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_known_in_both_terms() {
        let mut two = Summary::of(1.0);
        two.merge(&Summary::of(3.0));
        assert_eq!((two.squares(), two.deviation(), two.last), (Some(10.0), Some(1.0), Some(3.0)));
        let told = Summary { stddev: Some(1.0), ..Summary::new(2, 4.0) };
        assert_eq!((told.squares(), told.deviation()), (Some(10.0), Some(1.0)));
        two.merge(&told);
        assert_eq!((two.count, two.sum, two.squares()), (4, 8.0, Some(20.0)));
        assert_eq!((two.min, two.last), (None, None), "what one does not know, both do not know");
    }

    #[test]
    fn what_overflows_is_not_known() {
        assert_eq!(Summary::of(1e200).squares(), None);
        assert_eq!(Summary::of(1e200).deviation(), None);
    }
}

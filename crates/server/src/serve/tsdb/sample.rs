//! A sample as it was submitted, whichever dialect it came in: what was measured when, and its statistics.

/// One measurement of the series with this id, which belongs to the metric with that one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub metric: i64,
    pub series: i64,
    /// Epoch seconds.
    pub time: i64,
    pub stats: Stats,
}

/// The statistics of one stored point. A single value stands for count 1 and sum, min, max and last of that value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stats {
    Single(f64),
    Summary { count: u64, sum: f64, min: Option<f64>, max: Option<f64>, last: Option<f64>, spread: Spread },
}

/// How far the values of a summary lie apart, in the terms of the dialect it came in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    Unknown,
    SumSquares(f64),
    /// Of the population.
    StdDev(f64),
}

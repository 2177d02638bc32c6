//! What is known of values of one time, how they come together, and the statistics of them.

/// A measurement, or several put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Epoch seconds.
    pub time: i64,
    /// How many values.
    pub count: u64,
    /// Their total.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    pub last: f64,
    /// The sum of squared distances from the mean, where it is known.
    pub squares: Option<f64>,
}

impl Sample {
    #[must_use]
    pub fn single(time: i64, value: f64) -> Self {
        Self { time, count: 1, sum: value, min: value, max: value, last: value, squares: Some(0.0) }
    }

    /// Takes in a later one, and keeps its own time.
    pub fn merge(&mut self, later: &Self) {
        let (ours, theirs) = (self.count as f64, later.count as f64);
        let apart = later.mean() - self.mean();
        self.squares = self
            .squares
            .zip(later.squares)
            .map(|(a, b)| a + b + apart * apart * ours * theirs / (ours + theirs));
        self.count = self.count.saturating_add(later.count);
        self.sum += later.sum;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
    }

    /// Their average.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

/// A statistic of what lies in a bucket of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Statistic {
    Average,
    Sum,
    Min,
    Max,
    Count,
    Deviation,
    /// The last reading.
    Last,
    /// How much a counter rose in a period, on average.
    Rise,
    /// How much a gauge changed from one reading to the next, on average.
    Difference,
}

impl Statistic {
    /// By the API's word; nothing for one that only the service knows.
    #[must_use]
    pub fn named(word: &str, is_counter: bool) -> Option<Self> {
        Some(match word {
            "average" | "mean" => Self::Average,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            "stddev" => Self::Deviation,
            "absolute_value" => Self::Last,
            "derivative" if is_counter => Self::Rise,
            "derivative" => Self::Difference,
            _ => return None,
        })
    }

    /// In the note of a chart.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Average => "mean",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
            Self::Deviation => "standard deviation",
            Self::Last => "last reading",
            Self::Rise => "rise",
            Self::Difference => "change",
        }
    }

    /// Whether it lies between the least and the greatest sample it is made of.
    #[must_use]
    pub fn is_between(self) -> bool {
        !matches!(self, Self::Sum | Self::Count | Self::Deviation)
    }

    /// Of samples that are put together; rises and differences are samples by then.
    #[must_use]
    pub fn of(self, all: &Sample) -> Option<f64> {
        let value = match self {
            Self::Average | Self::Rise | Self::Difference => all.mean(),
            Self::Sum => all.sum,
            Self::Min => all.min,
            Self::Max => all.max,
            Self::Count => all.count as f64,
            Self::Last => all.last,
            Self::Deviation => (all.squares? / all.count as f64).max(0.0).sqrt(),
        };
        Some(value).filter(|value| value.is_finite())
    }
}

/// How much a counter rose from one reading to the next; one that fell began again at zero.
#[must_use]
pub fn rise(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}

//! What is measured, series by series: data of the kinds that people send, made anew in the same way each time.

use std::fmt::Write as _;

/// What a series says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Walks about, with two decimals.
    Walk,
    /// Counts up, each series at a pace of its own.
    Counter,
    /// Says the same for ever.
    Constant,
}

/// Series of one shape, all with a point at the same times.
#[derive(Debug, Clone, Copy)]
pub struct Points {
    pub shape: Shape,
    pub series: usize,
    /// Epoch seconds of the first.
    pub start: u64,
    /// Seconds from one to the next.
    pub step: u64,
    pub count: usize,
}

/// How a set of points is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the routes of Librato take them.
    Json,
    /// As a line protocol.
    Lines,
}

impl Points {
    /// The time of the last.
    pub fn end(&self) -> u64 {
        self.start + self.step * (self.count as u64 - 1)
    }

    pub fn all(&self) -> usize {
        self.series * self.count
    }

    /// Bodies of requests, one for each time.
    pub fn bodies(self, form: Form) -> impl Iterator<Item = String> {
        let (mut random, mut values) = (7_u64, vec![50_000_i64; self.series]);
        (0..self.count).map(move |n| {
            for (series, value) in values.iter_mut().enumerate() {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *value = self.shape.next(*value, series, random);
            }
            self.body(form, self.start + self.step * n as u64, &values)
        })
    }

    fn body(&self, form: Form, time: u64, values: &[i64]) -> String {
        let mut text = String::new();
        for (n, value) in values.iter().enumerate() {
            let value = self.shape.text(*value);
            if form == Form::Json {
                let comma = if n > 0 { "," } else { "" };
                write!(text, r#"{comma}{{"name":"day","source":"h{n:04}","value":{value}}}"#).unwrap();
            } else {
                writeln!(text, "day,source=h{n:04} value={value} {time}").unwrap();
            }
        }
        match form {
            Form::Json => format!(r#"{{"measure_time":{time},"gauges":[{text}]}}"#),
            Form::Lines => text,
        }
    }
}

impl Shape {
    /// The next value of a series, in hundredths where it has decimals.
    fn next(self, value: i64, series: usize, random: u64) -> i64 {
        match self {
            Shape::Walk => (value + (random >> 54).cast_signed() - 512).abs(),
            Shape::Counter => value + (1 << (series % 17)) + (random >> 60).cast_signed(),
            Shape::Constant => value,
        }
    }

    fn text(self, value: i64) -> String {
        match self {
            Shape::Walk => format!("{}.{:02}", value / 100, value % 100),
            Shape::Counter | Shape::Constant => value.to_string(),
        }
    }
}

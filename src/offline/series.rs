//! The measurements of a test, as series of samples in order of time.

use std::collections::BTreeMap;

use super::subject::Metric;
use crate::model::{AlertTest, Moment, TestInput, TestSample, TestSummary};
use crate::watch::{Sample, Series, values};

/// One series and its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub metric: String,
    /// Which of its series.
    pub series: Series,
    /// What is known of the metric.
    pub known: Metric,
    /// By second, in order.
    pub samples: Vec<(i64, Sample)>,
    /// The second that the last value is of, or would be, where the last ones are none.
    pub end: i64,
}

/// The series of a test. What cannot be read was reported by its checks, and is left out.
pub fn series(test: &AlertTest, metric: &dyn Fn(&str) -> Metric) -> Vec<Given> {
    test.input
        .iter()
        .map(|input| {
            let known = metric(&input.metric);
            let every = test.every.map(|every| i64::try_from(every.0).unwrap_or(i64::MAX));
            let every = every.or(known.period).unwrap_or(60).max(1);
            let (samples, end) = samples(input, every);
            let series = match &input.tags {
                Some(tags) => Series::Tags(tags.clone()),
                None => Series::Source(input.source.clone()),
            };
            Given { metric: input.metric.clone(), series, known, samples, end }
        })
        .collect()
}

fn samples(input: &TestInput, every: i64) -> (Vec<(i64, Sample)>, i64) {
    let mut by_second: BTreeMap<i64, Sample> = BTreeMap::new();
    let mut add = |at: i64, sample: Sample| {
        by_second.entry(at).and_modify(|before| before.merge(&sample)).or_insert(sample);
    };
    let values = input.values.as_ref().and_then(|written| values(&written.0).ok()).unwrap_or_default();
    let mut end = 0;
    for (value, place) in values.into_iter().zip(0_i64..) {
        end = place.saturating_mul(every);
        value.into_iter().for_each(|value| add(end, Sample::single(value)));
    }
    for (time, sample) in input.at.iter().flatten() {
        let Some(Moment(at)) = Moment::parse(time) else { continue };
        end = end.max(at);
        add(at, of(sample));
    }
    (by_second.into_iter().collect(), end)
}

fn of(sample: &TestSample) -> Sample {
    match *sample {
        TestSample::Single(value) => Sample::single(value),
        TestSample::Several(TestSummary { count, sum, min, max, last }) => {
            let average = sum / count;
            let max = max.unwrap_or(average);
            Sample { count, sum, min: min.unwrap_or(average), max, last: last.unwrap_or(max) }
        }
    }
}

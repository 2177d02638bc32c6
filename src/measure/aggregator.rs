//! Many values condensed into one measurement for each series, before they are sent. Knows the clock only to floor the
//! present to its period.

use std::collections::hash_map::RandomState;

use indexmap::{Equivalent, IndexMap};

use super::batch_sender::{BATCH, BatchSender};
use super::measurement::{Labels, Measurement, MetricType, Reading, Tags};
use super::outcome::{Refused, SubmitError, Submitted};
use super::{Summary, now};
use crate::remote::{RetryPolicy, WriteApi};

/// Count, sum, minimum, maximum and sum of squares of each metric and source or tag set.
///
/// A `period` floors times to its multiples, a `measure_time` sets the time of everything, and both together floor the given
/// time. With neither, values have the time at which they are sent.
///
/// ```
/// use librato_apply::measure::{Aggregator, Reading};
///
/// let mut aggregator = Aggregator::new();
/// aggregator.add("foo", 42.0);
/// aggregator.add("foo", 5.0);
/// let sent = aggregator.measurements();
/// let Reading::Summary(foo) = sent[0].reading else { unreachable!() };
/// assert_eq!((foo.count, foo.min, foo.max, foo.sum), (2, Some(5.0), Some(42.0), 47.0));
/// assert_eq!(sent[0].time, None);
///
/// // With a source, and the present floored to the minute.
/// let mut aggregator = Aggregator::new().source("my.source").period(60);
/// aggregator.add("foo", 42.0);
/// assert_eq!(aggregator.measurements()[0].time.unwrap() % 60, 0);
///
/// // A given time is floored as well.
/// let mut aggregator = Aggregator::new().period(60).measure_time(1419302671);
/// aggregator.add("foo", 42.0);
/// assert_eq!(aggregator.measurements()[0].time, Some(1419302640));
///
/// // Without a period it is taken as it is.
/// let mut aggregator = Aggregator::new().measure_time(1419302671);
/// aggregator.add("foo", 42.0);
/// assert_eq!(aggregator.measurements()[0].time, Some(1419302671));
/// ```
#[derive(Debug, Default)]
pub struct Aggregator {
    labels: Labels,
    period: Option<i64>,
    measure_time: Option<i64>,
    series: IndexMap<Key, Series, RandomState>,
}

/// What values must share to be condensed into one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    metric_type: MetricType,
    labels: Labels,
    time: Option<i64>,
}

/// A [`Key`] that owns nothing, so that looking up costs no memory. Its fields are hashed as those of the key.
#[derive(Hash)]
struct Lookup<'a> {
    name: &'a str,
    metric_type: MetricType,
    labels: &'a Labels,
    time: Option<i64>,
}

impl Equivalent<Key> for Lookup<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.name == key.name
            && self.metric_type == key.metric_type
            && *self.labels == key.labels
            && self.time == key.time
    }
}

/// What is known of the values of one key.
#[derive(Debug)]
struct Series {
    reading: Reading,
    /// For counters, of which the latest reading stays: when that was.
    taken_at: Option<i64>,
    properties: Option<Box<super::Properties>>,
}

impl Aggregator {
    /// Without a source, a period and a time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Values added by name have this source.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.labels = Labels::Source(Some(source.into()));
        self
    }

    /// Values added by name have these tags.
    #[must_use]
    pub fn tags(mut self, tags: Tags) -> Self {
        self.labels = Labels::Tags(tags);
        self
    }

    /// Floors times to multiples of so many seconds; zero is as good as none.
    #[must_use]
    pub fn period(mut self, seconds: u32) -> Self {
        self.period = Some(i64::from(seconds)).filter(|seconds| *seconds > 0);
        self
    }

    /// Gives everything this time, in epoch seconds.
    #[must_use]
    pub fn measure_time(mut self, time: i64) -> Self {
        self.measure_time = Some(time);
        self
    }

    /// Adds a value of a gauge. A value that is not finite would spoil its series and is refused when it is sent.
    pub fn add(&mut self, name: &str, value: f64) {
        let labels = std::mem::take(&mut self.labels);
        self.put(name, MetricType::Gauge, &labels, None, Reading::Value(value), None);
        self.labels = labels;
    }

    /// Adds a measurement with a place and a time of its own. A gauge's values are condensed; of a counter the latest
    /// reading stays.
    pub fn add_measurement(&mut self, measurement: Measurement) {
        let Measurement { name, metric_type, reading, labels, time, properties, .. } = measurement;
        self.put(&name, metric_type, &labels, time, reading, properties);
    }

    fn put(
        &mut self,
        name: &str,
        metric_type: MetricType,
        labels: &Labels,
        taken_at: Option<i64>,
        reading: Reading,
        properties: Option<Box<super::Properties>>,
    ) {
        let time = self.measure_time.or(taken_at).map(|time| self.floor(time));
        if let Some(series) = self.series.get_mut(&Lookup { name, metric_type, labels, time }) {
            return series.take_in(metric_type, reading, taken_at);
        }
        let reading = match (metric_type, reading) {
            (MetricType::Gauge, Reading::Value(value)) => Reading::Summary(Summary::of(value)),
            _ => reading,
        };
        let key = Key { name: name.to_owned(), metric_type, labels: labels.clone(), time };
        self.series.insert(key, Series { reading, taken_at, properties });
    }

    fn floor(&self, time: i64) -> i64 {
        self.period.map_or(time, |period| time.saturating_sub(time.rem_euclid(period)))
    }

    /// How many measurements it would send.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Forgets all values and the time; source and period stay.
    pub fn clear(&mut self) {
        self.series.clear();
        self.measure_time = None;
    }

    /// What it would send, in the order in which the series first came.
    pub fn measurements(&self) -> Vec<Measurement> {
        let present = self.period.map(|_| self.floor(now()));
        let measurement = |(key, series): (&Key, &Series)| Measurement {
            labels: key.labels.clone(),
            time: key.time.or(present),
            properties: series.properties.clone(),
            ..Measurement::new(key.name.clone(), key.metric_type, series.reading)
        };
        self.series.iter().map(measurement).collect()
    }

    /// What it would send; then it is clear.
    pub fn take(&mut self) -> Vec<Measurement> {
        let present = self.period.map(|_| self.floor(now()));
        self.measure_time = None;
        self.take_first(usize::MAX, present)
    }

    /// The first so many; those without a time get this one.
    fn take_first(&mut self, most: usize, present: Option<i64>) -> Vec<Measurement> {
        let measurement = |(key, series): (Key, Series)| Measurement {
            labels: key.labels,
            time: key.time.or(present),
            properties: series.properties,
            ..Measurement::new(key.name, key.metric_type, series.reading)
        };
        self.series.drain(..most.min(self.series.len())).map(measurement).collect()
    }

    /// Sends everything; then it is clear. Values without a time get the present one.
    ///
    /// # Errors
    /// Where something was refused, or could not be sent. The latter is held here, at the time it has now, and sent by the
    /// next call.
    pub async fn submit<A: WriteApi>(&mut self, api: &A) -> Result<Submitted, SubmitError> {
        self.submit_with(api, RetryPolicy::default()).await
    }

    /// As [`Aggregator::submit`], with this patience.
    ///
    /// # Errors
    /// As [`Aggregator::submit`].
    pub async fn submit_with<A: WriteApi>(
        &mut self,
        api: &A,
        retry: RetryPolicy,
    ) -> Result<Submitted, SubmitError> {
        let (sender, present) = (BatchSender::new(retry), Some(self.floor(now())));
        let (mut submitted, mut refused, mut doubtful, mut unclear) =
            (Submitted::default(), Vec::new(), Vec::new(), 0);
        let mut error = None;
        // Batch by batch, so that a caller who does not wait for the end loses sight of one batch at most.
        while error.is_none() && !self.is_empty() {
            let batch = self.take_first(BATCH, present);
            let delivery = sender.deliver(api, &batch).await;
            submitted.add(delivery.submitted);
            unclear += delivery.unclear;
            error = delivery.error;
            let mut batch: Vec<_> = batch.into_iter().map(Some).collect();
            let mut take = |index: usize| batch.get_mut(index).and_then(Option::take);
            let mut told = |list: Vec<(usize, String)>, into: &mut Vec<Refused>| {
                into.extend(list.into_iter().filter_map(|(index, reason)| {
                    take(index).map(|measurement| Refused { measurement, reason })
                }));
            };
            told(delivery.refused, &mut refused);
            told(delivery.doubtful, &mut doubtful);
            let unsent: Vec<Measurement> = delivery.unsent.into_iter().filter_map(take).collect();
            self.put_back(unsent, present);
        }
        if error.is_none() {
            self.measure_time = None;
        }
        if refused.is_empty() && doubtful.is_empty() && error.is_none() {
            return Ok(submitted);
        }
        Err(SubmitError { submitted, refused, doubtful, held: self.len(), unclear, error })
    }

    /// Holds what could not be sent, and everything else with it, at the time it would have been sent with.
    fn put_back(&mut self, unsent: Vec<Measurement>, present: Option<i64>) {
        if unsent.is_empty() {
            return;
        }
        let rest = self.take_first(usize::MAX, present);
        unsent.into_iter().chain(rest).for_each(|measurement| self.add_measurement(measurement));
    }
}

impl Series {
    fn take_in(&mut self, metric_type: MetricType, reading: Reading, taken_at: Option<i64>) {
        if metric_type == MetricType::Counter {
            if taken_at >= self.taken_at {
                *self = Series { reading, taken_at, properties: self.properties.take() };
            }
            return;
        }
        let later = match reading {
            Reading::Value(value) => Summary::of(value),
            Reading::Summary(summary) => summary,
        };
        match &mut self.reading {
            Reading::Summary(summary) => summary.merge(&later),
            Reading::Value(value) => {
                let mut both = Summary::of(*value);
                both.merge(&later);
                self.reading = Reading::Summary(both);
            }
        }
    }
}

#[cfg(test)]
mod tests;

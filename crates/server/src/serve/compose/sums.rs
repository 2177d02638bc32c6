//! Points as samples, those of one interval put together while they come. Pure.

use crate::composite::eval::Sample;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::page::Singles;

pub(super) fn sample(&Point { time, stats }: &Point) -> Sample {
    // Counts are far below 2^53.
    Sample { time, count: stats.count as f64, sum: stats.sum, min: stats.min, max: stats.max }
}

/// Samples that come in order of time, those of one interval put together: what [`aggregate::downsample`](crate::serve::tsdb::aggregate::downsample) makes of points.
pub(super) struct Sums {
    step: i64,
    /// Where the interval behind the last one begins.
    end: i64,
    samples: Vec<Sample>,
}

impl Sums {
    /// With room for as many as there are at most.
    pub(super) fn new(step: i64, most: usize) -> Sums {
        Sums { step, end: i64::MIN, samples: Vec::with_capacity(most) }
    }

    pub(super) fn add(&mut self, sample: Sample) {
        if sample.time < self.end
            && let Some(last) = self.samples.last_mut()
        {
            last.count += sample.count;
            last.sum += sample.sum;
            last.min = last.min.min(sample.min);
            last.max = last.max.max(sample.max);
            return;
        }
        // Mostly the next one, which needs no division.
        let is_next = sample.time < self.end.saturating_add(self.step) && !self.samples.is_empty();
        let time = if is_next { self.end } else { sample.time - sample.time.rem_euclid(self.step) };
        self.end = time.saturating_add(self.step);
        self.samples.push(Sample { time, ..sample });
    }

    /// The same for single values.
    pub(super) fn add_singles(&mut self, Singles { times, values }: &Singles) {
        let (mut times, mut values) = (times.as_slice(), values.as_slice());
        while let (Some((time, later)), Some((value, others))) = (times.split_first(), values.split_first()) {
            self.add(Sample::single(*time, *value));
            (times, values) = (later, others);
            if times.first().is_some_and(|next| *next < self.end) {
                let more = times.iter().take_while(|time| **time < self.end).count();
                let inside;
                (inside, values) = values.split_at(more.min(values.len()));
                self.add_inside(inside);
                times = &times[more..];
            }
        }
    }

    /// Adds single values that fall into the interval of the last sample.
    fn add_inside(&mut self, values: &[f64]) {
        if let Some(last) = self.samples.last_mut() {
            let Sample { mut sum, mut min, mut max, .. } = *last;
            for value in values {
                (sum, min, max) = (sum + value, min.min(*value), max.max(*value));
            }
            *last = Sample { count: last.count + values.len() as f64, sum, min, max, ..*last };
        }
    }

    pub(super) fn finish(mut self) -> Vec<Sample> {
        if self.samples.len() < self.samples.capacity() / 2 {
            self.samples.shrink_to_fit();
        }
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::serve::tsdb::aggregate::{Aggregate, downsample};

    proptest! {
        #[test]
        fn they_are_what_is_put_together_at_once(
            mut values in prop::collection::vec((-10_000..10_000_i64, any::<i16>()), 0..100),
            far in any::<i32>(),
            cut in 1..40_usize,
            step in prop::sample::select(vec![1_i64, 60, 3600, i64::MAX / 4])
        ) {
            values.push((far.into(), 1));
            values.sort_by_key(|value| value.0);
            let points: Vec<_> = values
                .iter()
                .map(|(time, value)| Point { time: *time, stats: Aggregate::single(f64::from(*value) / 10.0) })
                .collect();
            let mut sums = Sums::new(step, points.len());
            points.iter().for_each(|point| sums.add(sample(point)));
            let expected: Vec<_> = downsample(points, step).iter().map(sample).collect();
            prop_assert_eq!(sums.finish(), &expected[..]);
            let mut sums = Sums::new(step, values.len());
            for some in values.chunks(cut) {
                let times = some.iter().map(|value| value.0).collect();
                let values = some.iter().map(|value| f64::from(value.1) / 10.0).collect();
                sums.add_singles(&Singles { times, values });
            }
            prop_assert_eq!(sums.finish(), expected);
        }
    }
}

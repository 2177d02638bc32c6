//! Grouped tags: the points of all members become one per bucket. A bucket closes with the frontier; who has not reported is not in it.
//!
//! Buckets go by the time `t` of points, not by their event time: a member that sends its last ten minutes at once would else put ten
//! values into one bucket, and a sum would jump. So a member whose clock is fast is judged when the others of its bucket are,
//! up to five minutes later than alone: under its own event time it would close the bucket before they have reported.

use std::collections::{BTreeMap, HashMap};

use super::condition::Condition;
use super::matching::Stream;
use super::point::{Point, Reading, Sample};

/// A bucket that members can still join.
#[derive(Debug, Clone, PartialEq)]
struct Bucket {
    u: i64,
    sample: Sample,
    /// The total of the members' differences, as far as there are any.
    change: Option<f64>,
}

/// The buckets of one group.
#[derive(Debug, Clone, PartialEq, Default)]
struct Group {
    /// The newest closed bucket.
    newest: Option<i64>,
    open: BTreeMap<i64, Bucket>,
}

/// The groups of one condition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups {
    groups: HashMap<Stream, Group>,
}

impl Groups {
    /// Adds a closed point of a member, in order of closing; of equals in order of their series. `false` if its bucket is closed.
    pub fn add(&mut self, condition: &Condition, group: &Stream, point: &Point, since: i64) -> bool {
        let start = point.t.div_euclid(condition.width()).saturating_mul(condition.width());
        let group = match self.groups.get_mut(group) {
            Some(group) => group,
            None => self.groups.entry(group.clone()).or_default(),
        };
        if group.newest.is_some_and(|newest| start <= newest) {
            return false;
        }
        // Who was received too late for his own time is judged when he was received.
        let u = if point.u > point.t { start.max(point.u) } else { start };
        let change = condition.is_derivative().then(|| condition.value(point, since)).flatten();
        match group.open.get_mut(&start) {
            Some(bucket) => {
                bucket.u = bucket.u.min(u);
                bucket.sample.merge(&point.sample);
                bucket.change = match (bucket.change, change) {
                    (Some(a), Some(b)) => Some(a + b),
                    (a, b) => a.or(b),
                };
            }
            None => {
                group.open.insert(start, Bucket { u, sample: point.sample, change });
            }
        }
        true
    }

    /// Takes out the buckets that are closed at the end of second `clock`, in no order of groups.
    pub fn close(
        &mut self,
        condition: &Condition,
        place: usize,
        settle: i64,
        clock: i64,
        out: &mut Vec<Reading>,
    ) {
        let wait = condition.width().saturating_add(settle);
        for (stream, group) in &mut self.groups {
            // As points of one series do, buckets close in their order and take the latest event time before them.
            let mut latest = i64::MIN;
            while let Some(entry) = group.open.first_entry() {
                latest = latest.max(entry.get().u);
                if latest.saturating_add(wait) > clock {
                    break;
                }
                let (start, bucket) = entry.remove_entry();
                group.newest = Some(start);
                let whole = Point { u: latest, t: start, sample: bucket.sample, before: None };
                let value =
                    if condition.is_derivative() { bucket.change } else { condition.value(&whole, i64::MIN) };
                let value = value.filter(|value| value.is_finite());
                out.push(Reading { u: latest, t: start, condition: place, stream: stream.clone(), value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::point::Before;
    use crate::watch::{Function, Shape, Streams, Tag, Test};

    fn condition(function: Function) -> Condition {
        let test = Test::Threshold { above: true, threshold: 1.0, duration: None, function };
        let streams = Streams::Tags(vec![Tag { name: "az".into(), grouped: true, ..Tag::default() }]);
        Condition { id: None, metric: "m".into(), streams, test, shape: Shape::default() }
    }

    fn point(t: i64, u: i64, value: f64, before: Option<f64>) -> Point {
        let before = before.map(|x| Before { u: t - 60, t: t - 60, x });
        Point { u, t, sample: Sample::single(value), before }
    }

    /// The readings of one group as (t, u, value), and how many points came too late.
    fn readings(
        function: Function,
        points: &[(i64, Point)],
        end: i64,
    ) -> (Vec<(i64, i64, Option<f64>)>, usize) {
        let (condition, mut groups, mut out, mut late) =
            (condition(function), Groups::default(), Vec::new(), 0);
        for (clock, point) in points {
            groups.close(&condition, 0, 10, clock - 1, &mut out);
            late += usize::from(!groups.add(&condition, &"az=a".into(), point, 0));
        }
        groups.close(&condition, 0, 10, end, &mut out);
        (out.iter().map(|reading| (reading.t, reading.u, reading.value)).collect(), late)
    }

    #[test]
    fn members_of_a_bucket_are_merged_and_then_the_function_applies() {
        let members = [(610, point(600, 600, 1.0, None)), (640, point(630, 630, 5.0, None))];
        for (function, value) in [
            (Function::Average, 3.0),
            (Function::Sum, 6.0),
            (Function::Count, 2.0),
            (Function::Min, 1.0),
            (Function::Max, 5.0),
            (Function::AbsoluteValue, 5.0),
        ] {
            assert_eq!(readings(function, &members, 669).0, []);
            assert_eq!(readings(function, &members, 670), (vec![(600, 600, Some(value))], 0), "{function:?}");
        }
    }

    #[test]
    fn differences_are_taken_before_they_are_summed() {
        let derivative = Function::Derivative { detect_reset: true };
        let members = [(610, point(600, 600, 10.0, Some(4.0))), (611, point(601, 601, 1.0, Some(9.0)))];
        assert_eq!(readings(derivative, &members, 670).0, [(600, 600, Some(6.0))]);
        let first = [(610, point(600, 600, 10.0, None))];
        assert_eq!(readings(derivative, &first, 670).0, [(600, 600, None)]);
    }

    #[test]
    fn who_reports_after_the_bucket_has_closed_is_not_in_it() {
        let points = [
            (610, point(600, 600, 1.0, None)),
            // Received long after, with points of its own that are judged.
            (700, point(610, 690, 8.0, None)),
            (701, point(660, 690, 2.0, None)),
        ];
        assert_eq!(
            readings(Function::Sum, &points, 2_000),
            (vec![(600, 600, Some(1.0)), (660, 690, Some(2.0))], 1)
        );
    }

    #[test]
    fn a_fast_clock_does_not_close_the_bucket_of_the_others() {
        let points = [(510, point(600, 500, 1.0, None)), (640, point(630, 630, 2.0, None))];
        assert_eq!(readings(Function::Sum, &points, 2_000), (vec![(600, 600, Some(3.0))], 0));
    }
}

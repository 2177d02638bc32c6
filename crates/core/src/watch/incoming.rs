//! One series as it comes in: samples of one second merge until their point is closed; points close in order of their time.

use super::alert::Settings;
use super::arrival::{Class, Timing};
use super::condition::{Kind, Shape};
use super::point::{Before, Point, Sample};

/// A point that samples can still change.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Waiting {
    t: i64,
    /// Its own event time; it may have to wait for that of a point before it.
    u: i64,
    class: Class,
    sample: Sample,
}

/// How points come about of the samples of a metric's series; the same for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    kind: Kind,
    timing: Timing,
}

impl Rule {
    /// That of a metric.
    pub fn new(shape: &Shape, settings: &Settings) -> Self {
        let Settings { settle, max_age, .. } = *settings;
        let timing = Timing { width: shape.width(), period: shape.period, settle, max_age };
        Self { kind: shape.kind, timing }
    }

    /// Seconds from the event time of a point until it is closed.
    pub fn open_for(&self) -> i64 {
        self.timing.open_for()
    }
}

/// The open points of one series. A server holds a hundred thousand of them, so what they have in common is not in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Incoming {
    /// In order of time.
    waiting: Vec<Waiting>,
    /// The newest closed point.
    before: Option<Before>,
}

impl Incoming {
    /// Takes a sample of second `t` that was received in second `r`. Points that were closed before `r` go to `closed` first, so that
    /// it makes no difference how often [`Self::close`] is called.
    pub fn add(&mut self, rule: &Rule, t: i64, r: i64, sample: &Sample, closed: &mut Vec<Point>) -> Class {
        self.close(rule, r.saturating_sub(1), closed);
        let class = rule.timing.class(t, r, self.before.map(|before| before.t));
        let Some(u) = rule.timing.event_time(t, r, class) else { return class };
        match self.waiting.binary_search_by_key(&t, |waiting| waiting.t) {
            Ok(at) => {
                let open = &mut self.waiting[at];
                open.sample.merge(sample);
                open.class
            }
            Err(at) => {
                if self.waiting.len() == self.waiting.capacity() {
                    // A vector that grows by itself begins with four and doubles; most series have one open point, and those with a value
                    // a second as many as it takes seconds to close.
                    self.waiting.reserve_exact(1 + self.waiting.len() / 4);
                }
                self.waiting.insert(at, Waiting { t, u, class, sample: *sample });
                class
            }
        }
    }

    /// Closes what no sample can change any more at the end of second `clock`: all samples received in it and before must have been
    /// given.
    ///
    /// A point takes the event time of any before it that still waits, where that is later: a request with the last minute's
    /// samples is judged in their order. This holds whichever of them came first.
    pub fn close(&mut self, rule: &Rule, clock: i64, closed: &mut Vec<Point>) {
        let (mut latest, mut done) = (i64::MIN, 0);
        for waiting in &self.waiting {
            latest = latest.max(waiting.u);
            if latest.saturating_add(rule.open_for()) > clock {
                break;
            }
            done += 1;
            closed.push(Point { u: latest, t: waiting.t, sample: waiting.sample, before: self.before });
            let x = match rule.kind {
                Kind::Counter => Some(waiting.sample.last),
                Kind::Gauge | Kind::Composite { .. } => waiting.sample.average(),
            };
            // Without a value it is still the newest: nothing at or before it can come.
            self.before = Some(Before { u: latest, t: waiting.t, x: x.unwrap_or(f64::NAN) });
        }
        self.waiting.drain(..done);
    }

    /// When the next point closes, if nothing else comes.
    pub fn next_close(&self, rule: &Rule) -> Option<i64> {
        self.waiting.first().map(|first| first.u.saturating_add(rule.open_for()))
    }

    /// The newest closed point.
    pub fn newest(&self) -> Option<&Before> {
        self.before.as_ref()
    }

    /// The clock was set back by so many seconds, and now shows `now`: event times go with it, and what is of times to come is taken
    /// to be of now, or everything would be late until then.
    pub fn set_back(&mut self, by: i64, now: i64) {
        if let Some(before) = &mut self.before {
            (before.u, before.t) = (before.u.saturating_sub(by), before.t.min(now));
        }
        let mut waiting: Vec<Waiting> = Vec::with_capacity(self.waiting.len());
        for one in self.waiting.drain(..) {
            let one = Waiting { u: one.u.saturating_sub(by), t: one.t.min(now), ..one };
            match waiting.last_mut() {
                Some(last) if last.t == one.t => last.sample.merge(&one.sample),
                _ => waiting.push(one),
            }
        }
        self.waiting = waiting;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: Rule =
        Rule { kind: Kind::Gauge, timing: Timing { width: 0, period: None, settle: 10, max_age: 900 } };

    /// Samples (t, r, value) in order of arrival; what closes until the end as (t, u, sum).
    fn closed(rule: Rule, samples: &[(i64, i64, f64)]) -> Vec<(i64, i64, f64)> {
        let (mut incoming, mut closed) = (Incoming::default(), Vec::new());
        for (t, r, value) in samples {
            incoming.add(&rule, *t, *r, &Sample::single(*value), &mut closed);
        }
        incoming.close(&rule, i64::MAX, &mut closed);
        closed.iter().map(|point| (point.t, point.u, point.sample.sum)).collect()
    }

    #[test]
    fn samples_of_one_second_merge_until_it_is_closed() {
        let found = closed(RAW, &[(100, 100, 1.0), (100, 110, 2.0), (100, 111, 4.0), (101, 111, 8.0)]);
        assert_eq!(found, [(100, 100, 3.0), (101, 101, 8.0)], "what came after ten seconds is too late");
    }

    #[test]
    fn a_bucket_is_whole_when_it_closes() {
        let ssa = Rule { timing: Timing { width: 60, period: Some(60), ..RAW.timing }, ..RAW };
        let (mut incoming, mut points) = (Incoming::default(), Vec::new());
        incoming.add(&ssa, 120, 125, &Sample::single(1.0), &mut points);
        incoming.add(&ssa, 120, 185, &Sample::single(2.0), &mut points);
        incoming.close(&ssa, 189, &mut points);
        assert_eq!((points.len(), incoming.next_close(&ssa)), (0, Some(190)));
        incoming.close(&ssa, 190, &mut points);
        assert_eq!((points[0].t, points[0].u, points[0].sample.count), (120, 120, 2.0));
        assert_eq!(incoming.add(&ssa, 120, 191, &Sample::single(9.0), &mut points), Class::Late);
    }

    #[test]
    fn a_request_with_the_last_minute_is_judged_in_order_however_it_is_written() {
        let forwards = [(940, 1_000, 1.0), (970, 1_000, 2.0), (1_000, 1_000, 3.0)];
        let mut backwards = forwards;
        backwards.reverse();
        let expected = [(940, 1_000, 1.0), (970, 1_000, 2.0), (1_000, 1_000, 3.0)];
        assert_eq!(closed(RAW, &forwards), expected);
        assert_eq!(closed(RAW, &backwards), expected);
    }

    #[test]
    fn a_point_waits_for_an_older_one_and_takes_its_event_time() {
        let (mut incoming, mut points) = (Incoming::default(), Vec::new());
        incoming.add(&RAW, 1_000, 1_000, &Sample::single(1.0), &mut points);
        incoming.add(&RAW, 900, 1_005, &Sample::single(2.0), &mut points);
        incoming.close(&RAW, 1_014, &mut points);
        assert!(points.is_empty());
        incoming.close(&RAW, 1_015, &mut points);
        let found: Vec<_> = points.iter().map(|point| (point.t, point.u)).collect();
        assert_eq!(found, [(900, 1_005), (1_000, 1_005)]);
        assert_eq!(points[1].before, Some(Before { u: 1_005, t: 900, x: 2.0 }));
    }

    #[test]
    fn a_fast_clock_is_judged_when_it_is_received() {
        let found = closed(RAW, &[(1_200, 1_000, 1.0), (1_260, 1_060, 2.0)]);
        assert_eq!(found, [(1_200, 1_000, 1.0), (1_260, 1_060, 2.0)]);
    }
}

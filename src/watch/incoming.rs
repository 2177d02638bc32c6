//! One series as it comes in: samples of one second merge until their point is closed; points close in order of their time.

use super::arrival::{Class, Timing};
use super::condition::Kind;
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

/// The open points of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    kind: Kind,
    timing: Timing,
    /// In order of time.
    waiting: Vec<Waiting>,
    /// The newest closed point.
    before: Option<Before>,
}

impl Incoming {
    /// A series nothing is known of yet.
    pub fn new(kind: Kind, timing: Timing) -> Self {
        Self { kind, timing, waiting: Vec::new(), before: None }
    }

    /// Takes a sample of second `t` that was received in second `r`. Points that were closed before `r` go to `closed` first, so that
    /// it makes no difference how often [`Self::close`] is called.
    pub fn add(&mut self, t: i64, r: i64, sample: &Sample, closed: &mut Vec<Point>) -> Class {
        self.close(r.saturating_sub(1), closed);
        let class = self.timing.class(t, r, self.before.map(|before| before.t));
        let Some(u) = self.timing.event_time(t, r, class) else { return class };
        match self.waiting.binary_search_by_key(&t, |waiting| waiting.t) {
            Ok(at) => {
                let open = &mut self.waiting[at];
                open.sample.merge(sample);
                open.class
            }
            Err(at) => {
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
    pub fn close(&mut self, clock: i64, closed: &mut Vec<Point>) {
        let (mut latest, mut done) = (i64::MIN, 0);
        for waiting in &self.waiting {
            latest = latest.max(waiting.u);
            if latest.saturating_add(self.timing.open_for()) > clock {
                break;
            }
            done += 1;
            closed.push(Point { u: latest, t: waiting.t, sample: waiting.sample, before: self.before });
            let x = match self.kind {
                Kind::Counter => Some(waiting.sample.last),
                Kind::Gauge | Kind::Composite { .. } => waiting.sample.average(),
            };
            // Without a value it is still the newest: nothing at or before it can come.
            self.before = Some(Before { u: latest, t: waiting.t, x: x.unwrap_or(f64::NAN) });
        }
        self.waiting.drain(..done);
    }

    /// When the next point closes, if nothing else comes.
    pub fn next_close(&self) -> Option<i64> {
        self.waiting.first().map(|first| first.u.saturating_add(self.timing.open_for()))
    }

    /// Takes over a closed point from storage after a restart, in order of time.
    pub fn prime(&mut self, point: &Before) {
        self.before = Some(*point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: Timing = Timing { width: 0, period: None, settle: 10, max_age: 900 };

    /// Samples (t, r, value) in order of arrival; what closes until the end as (t, u, sum).
    fn closed(timing: Timing, samples: &[(i64, i64, f64)]) -> Vec<(i64, i64, f64)> {
        let (mut incoming, mut closed) = (Incoming::new(Kind::Gauge, timing), Vec::new());
        for (t, r, value) in samples {
            incoming.add(*t, *r, &Sample::single(*value), &mut closed);
        }
        incoming.close(i64::MAX, &mut closed);
        closed.iter().map(|point| (point.t, point.u, point.sample.sum)).collect()
    }

    #[test]
    fn samples_of_one_second_merge_until_it_is_closed() {
        let found = closed(RAW, &[(100, 100, 1.0), (100, 110, 2.0), (100, 111, 4.0), (101, 111, 8.0)]);
        assert_eq!(found, [(100, 100, 3.0), (101, 101, 8.0)], "what came after ten seconds is too late");
    }

    #[test]
    fn a_bucket_is_whole_when_it_closes() {
        let ssa = Timing { width: 60, period: Some(60), ..RAW };
        let (mut incoming, mut points) = (Incoming::new(Kind::Gauge, ssa), Vec::new());
        incoming.add(120, 125, &Sample::single(1.0), &mut points);
        incoming.add(120, 185, &Sample::single(2.0), &mut points);
        incoming.close(189, &mut points);
        assert_eq!((points.len(), incoming.next_close()), (0, Some(190)));
        incoming.close(190, &mut points);
        assert_eq!((points[0].t, points[0].u, points[0].sample.count), (120, 120, 2.0));
        assert_eq!(incoming.add(120, 191, &Sample::single(9.0), &mut points), Class::Late);
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
        let (mut incoming, mut points) = (Incoming::new(Kind::Gauge, RAW), Vec::new());
        incoming.add(1_000, 1_000, &Sample::single(1.0), &mut points);
        incoming.add(900, 1_005, &Sample::single(2.0), &mut points);
        incoming.close(1_014, &mut points);
        assert!(points.is_empty());
        incoming.close(1_015, &mut points);
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

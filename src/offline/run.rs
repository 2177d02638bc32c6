//! An alert over series that are all at hand: second by second where something may happen, in event time.
//! Knows nothing of what is expected.

use std::collections::BTreeSet;

use super::composites::{self, Point};
use super::coverage::Coverage;
use super::series::Given;
use super::subject::Subject;
use crate::composite::Problem;
use crate::watch::{Feed, Reading, Sample, Settings, Status, Stream, Transition};

/// What happens, beside what is measured.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The first second; the alert is made just before it.
    pub start: i64,
    /// When someone clears the alert.
    pub clears: BTreeSet<i64>,
    /// Up to when it goes on, at least.
    pub until: i64,
}

/// What the alert is like at a second, when everything up to it has happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The second.
    pub at: i64,
    /// Whether an incident is open.
    pub triggered: bool,
    /// What is remembered of the streams of each condition, in order of their keys.
    pub conditions: Vec<Vec<(Stream, Status)>>,
}

impl Observation {
    /// The streams that meet a condition.
    pub fn met(&self, place: usize) -> impl Iterator<Item = &Stream> {
        self.streams(place, |status| matches!(status, Status::Met { .. } | Status::Held { .. }))
    }

    /// The streams that violate it, but not for long enough.
    pub fn pending(&self, place: usize) -> impl Iterator<Item = &Stream> {
        self.streams(place, |status| matches!(status, Status::Pending { .. }))
    }

    fn streams(&self, place: usize, wanted: fn(&Status) -> bool) -> impl Iterator<Item = &Stream> {
        let all = self.conditions.get(place).into_iter().flatten();
        all.filter(move |(_, status)| wanted(status)).map(|(stream, _)| stream)
    }
}

/// The seconds something is wanted to be known of.
pub type Moments = BTreeSet<i64>;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// At the moments that were asked for; with all of them, at every second at which something may have happened.
    pub observations: Vec<Observation>,
    /// What happened, in order.
    pub transitions: Vec<Transition>,
    /// Whether each condition was met, and left again.
    pub coverage: Vec<Coverage>,
    /// What the conditions saw, with all observations only.
    pub readings: Vec<Reading>,
    /// The last second.
    pub end: i64,
}

/// Evaluates an alert. With `all`, everything on the way is kept, for who wants to show it.
///
/// # Errors
/// Where a composite has no answer.
pub fn run(
    subject: &Subject,
    given: &[Given],
    script: &Script,
    wanted: &Moments,
    all: bool,
) -> Result<Outcome, Problem> {
    let last = |all: &BTreeSet<i64>| all.last().copied().unwrap_or(script.start);
    let end = given.iter().map(|given| given.end).max().unwrap_or(script.start);
    let end = end.max(script.until).max(last(wanted)).max(last(&script.clears));
    let inputs = Inputs::new(subject, given, script.start, end)?;
    let mut seconds: BTreeSet<i64> = inputs.samples.iter().flat_map(|one| [one.t, one.r]).collect();
    seconds.extend(inputs.results.iter().map(|point| point.t));
    seconds.extend(wanted.iter().chain(&script.clears).chain([&end]));
    seconds.retain(|second| (script.start..=end).contains(second));

    let mut walk = Walk::new(subject, inputs, script.start, all);
    for second in seconds {
        walk.come_to(second);
        if script.clears.contains(&second) {
            walk.clear(second);
        }
        if all || wanted.contains(&second) {
            walk.observe(second);
        }
    }
    let readings = if all { walk.stage.feed.take_readings() } else { Vec::new() };
    Ok(Outcome { end, readings, ..walk.outcome })
}

/// All that is measured, and what composites make of it.
pub(super) struct Inputs<'a> {
    /// In the order they are received in.
    samples: Vec<Arrival<'a>>,
    results: Vec<Point>,
}

impl<'a> Inputs<'a> {
    /// From a second up to another one.
    ///
    /// # Errors
    /// Where a composite has no answer.
    pub fn new(subject: &Subject, given: &'a [Given], start: i64, end: i64) -> Result<Self, Problem> {
        let mut results: Vec<Point> = Vec::new();
        for worked in &subject.composites {
            results.extend(composites::points(worked, given, start, end).map_err(Problem::from)?);
        }
        let mut samples: Vec<Arrival<'_>> = given.iter().flat_map(arrivals).collect();
        samples.sort_by_key(|arrival| arrival.r);
        Ok(Self { samples, results })
    }
}

/// The machine, and what it will be given.
pub(super) struct Stage<'a> {
    feed: Feed,
    arrivals: std::iter::Peekable<std::vec::IntoIter<Arrival<'a>>>,
    delay: i64,
}

impl<'a> Stage<'a> {
    /// An alert that is made just before a second.
    pub fn new(subject: &Subject, inputs: Inputs<'a>, start: i64) -> Self {
        let settings = Settings::offline();
        let mut feed = Feed::new(subject.alert.clone(), settings, start.saturating_sub(1));
        feed.keep_readings();
        for point in &inputs.results {
            feed.result(point.place, &point.series, point.t, point.value);
        }
        let delay = subject.alert.delay(&settings);
        Self { feed, arrivals: inputs.samples.into_iter().peekable(), delay }
    }

    /// Comes to the end of a second of event time: what happened, and what conditions saw that was not taken before.
    pub fn come_to(&mut self, second: i64) -> (Vec<Transition>, Vec<Reading>) {
        (self.step(second), self.feed.take_readings())
    }

    fn step(&mut self, second: i64) -> Vec<Transition> {
        let clock = second.saturating_add(self.delay);
        while let Some(Arrival { given, t, r, sample }) = self.arrivals.next_if(|arrival| arrival.r <= clock)
        {
            self.feed.sample(&given.metric, &given.series, t, r, &sample);
        }
        self.feed.tick(clock)
    }
}

/// A sample on its way.
struct Arrival<'a> {
    given: &'a Given,
    /// The second it is of: the beginning of its period, where the service aggregates.
    t: i64,
    /// The second it is received in.
    r: i64,
    sample: Sample,
}

fn arrivals(given: &Given) -> impl Iterator<Item = Arrival<'_>> {
    let width = if given.known.aggregate { given.known.period.unwrap_or(60).max(1) } else { 1 };
    given.samples.iter().map(move |(r, sample)| Arrival {
        given,
        t: r.div_euclid(width).saturating_mul(width),
        r: *r,
        sample: *sample,
    })
}

struct Walk<'a> {
    stage: Stage<'a>,
    all: bool,
    outcome: Outcome,
}

impl<'a> Walk<'a> {
    fn new(subject: &Subject, inputs: Inputs<'a>, start: i64, all: bool) -> Self {
        let coverage = vec![Coverage::default(); subject.alert.conditions.len()];
        let outcome = Outcome { coverage, ..Outcome::default() };
        Self { stage: Stage::new(subject, inputs, start), all, outcome }
    }

    /// Comes to a second of event time, and before it to all at which something happens by itself.
    fn come_to(&mut self, second: i64) {
        while let Some(wake) = self.stage.feed.state().next_wake(&self.stage.feed.context()) {
            let wake = wake.max(self.stage.feed.state().through() + 1);
            if wake >= second {
                break;
            }
            self.step(wake);
            if self.all {
                self.observe(wake);
            }
        }
        self.step(second);
    }

    fn step(&mut self, second: i64) {
        self.outcome.transitions.extend(self.stage.step(second));
        let (state, ctx) = (self.stage.feed.state(), self.stage.feed.context());
        for (place, coverage) in self.outcome.coverage.iter_mut().enumerate() {
            coverage.see(state.statuses(&ctx, place));
        }
    }

    fn clear(&mut self, second: i64) {
        let transitions = self.stage.feed.clear(second);
        self.outcome.transitions.extend(transitions);
        // What someone does is no way in which a condition is left.
        self.outcome.coverage.iter_mut().for_each(Coverage::forget);
    }

    fn observe(&mut self, second: i64) {
        let (state, ctx) = (self.stage.feed.state(), self.stage.feed.context());
        let conditions = (0..self.outcome.coverage.len()).map(|place| state.statuses(&ctx, place));
        let observation =
            Observation { at: second, triggered: state.is_triggered(), conditions: conditions.collect() };
        self.outcome.observations.push(observation);
    }
}

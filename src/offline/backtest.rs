//! An alert over what was really measured: the incidents there would have been, how long, how bad, and how often services would have
//! been told. What cannot be told from rolled-up data is counted apart. Pure; someone else has read the past.

use std::collections::{BTreeMap, BTreeSet};

use super::covered;
use super::fidelity::{self, Fidelity, Known};
use super::history::{History, Span};
use super::run::{Inputs, Stage};
use super::subject::Subject;
use crate::composite::Problem;
use crate::watch::{Condition, Message, Notice, Stream, Test, Transition};

/// So long before the beginning the alert begins to watch: runs that lead into it are known, and absent streams were seen.
pub const WARM_UP: i64 = 3_600 + 900;

/// How far the machine is driven at once. It makes no difference to what happens, only to what is held in memory.
const STRIDE: i64 = 3_600;

/// An incident there would have been.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// When it would have opened.
    pub opened: i64,
    /// When it would have closed; it did not before the end otherwise.
    pub closed: Option<i64>,
    /// Whether it was open when the time in question began.
    pub before: bool,
    /// The streams that services would have been told of.
    pub streams: BTreeSet<Stream>,
    /// Which one it is about, where each has incidents of its own.
    pub scope: Option<Stream>,
    /// The value farthest beyond the threshold.
    pub peak: Option<f64>,
    /// Notifications within the time in question: of the trigger and its repetitions.
    pub notifications: usize,
    /// Whether services would have been told that it is over, within that time.
    pub cleared: bool,
    /// Whether the data can tell that it would have been there.
    pub sure: bool,
}

impl Incident {
    /// Its part of a stretch of time.
    pub fn within(&self, span: Span) -> Span {
        let closed = self.closed.map_or(span.end, |closed| closed.saturating_sub(1).min(span.end));
        Span { start: self.opened.max(span.start), end: closed }
    }

    /// Whether the other is the same one under another definition: at the same time, of the same stream.
    pub fn meets(&self, other: &Self) -> bool {
        let end = |one: &Self| one.closed.unwrap_or(i64::MAX);
        let streams = self.scope.is_none() || other.scope.is_none() || self.scope == other.scope;
        streams
            && self.opened < end(other).max(other.opened + 1)
            && other.opened < end(self).max(self.opened + 1)
    }
}

/// Numbers of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// How many there are.
    pub incidents: usize,
    /// How often each service would have been told that the alert triggers, repetitions included.
    pub notifications: usize,
    /// How often that it is over.
    pub clears: usize,
    /// Seconds that the longest one lasts.
    pub longest: i64,
    /// Seconds in which at least one is open.
    pub firing: i64,
}

/// What would have come of an alert.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backtest {
    /// The time that could be evaluated; none where nothing is comparable, or nothing was read.
    pub span: Option<Span>,
    /// What is known of each condition over the time that was asked for, warm-up left out.
    pub known: Vec<Known>,
    /// In order of time.
    pub incidents: Vec<Incident>,
    /// The parts of that time for which there are measurements, in order.
    pub covered: Vec<Span>,
    /// The places of conditions that no stream was measured for, although all was read: none of them could be met.
    pub blind: Vec<usize>,
}

/// So much of the time may be without measurements, and it counts as a whole: one part in this many.
const MISSING: i64 = 100;

impl Backtest {
    /// The numbers of what is sure.
    pub fn totals(&self) -> Totals {
        self.count(|incident| incident.sure)
    }

    /// The numbers of what cannot be told from the data.
    pub fn unsure(&self) -> Totals {
        self.count(|incident| !incident.sure)
    }

    /// Seconds for which there are measurements.
    pub fn seconds_covered(&self) -> i64 {
        self.covered.iter().map(Span::seconds).sum()
    }

    /// Whether there are measurements for so little of the time that it must be said.
    pub fn is_partly_covered(&self) -> bool {
        let seconds = self.span.map_or(0, |span| span.seconds());
        seconds - self.seconds_covered() > seconds / MISSING
    }

    /// In which share of the time that measurements cover incidents were open, from 0 to 1; none where they cover nothing.
    pub fn share(&self) -> Option<f64> {
        let (span, seconds) = (self.span?, self.seconds_covered());
        let (mut firing, mut counted) = (0, i64::MIN);
        for incident in self.incidents.iter().filter(|incident| incident.sure) {
            let Span { start, end } = incident.within(span);
            firing += covered::within(&self.covered, Span { start: start.max(counted), end });
            counted = counted.max(end.saturating_add(1));
        }
        (seconds > 0).then(|| firing as f64 / seconds as f64)
    }

    fn count(&self, wanted: impl Fn(&Incident) -> bool) -> Totals {
        let Some(span) = self.span else { return Totals::default() };
        let mut totals = Totals::default();
        let mut counted = i64::MIN;
        for incident in self.incidents.iter().filter(|incident| wanted(incident)) {
            let Span { start, end } = incident.within(span);
            totals.incidents += 1;
            totals.notifications += incident.notifications;
            totals.clears += usize::from(incident.cleared);
            totals.longest = totals.longest.max(end - start + 1);
            totals.firing += (end - start.max(counted) + 1).max(0);
            counted = counted.max(end + 1);
        }
        totals
    }
}

/// Evaluates an alert over the past.
///
/// # Errors
/// Where a composite has no answer.
pub fn backtest(subject: &Subject, histories: &[History], asked: Span) -> Result<Backtest, Problem> {
    let made = asked.start.saturating_sub(WARM_UP);
    let all = fidelity::known(subject, histories, made, asked.end);
    let unusable = |one: &&Known| matches!(one.fidelity, Fidelity::Incomparable | Fidelity::Unread);
    // What is coarse or missing lies before what is not: only the time after the last of it is one piece.
    let from = all.iter().filter(unusable).map(|one| one.stretch.end + 1).max().unwrap_or(made);
    let span = Span { start: asked.start.max(from), end: asked.end };
    let known = all.iter().filter(|one| one.stretch.end >= asked.start).copied().map(|mut one| {
        one.stretch.start = one.stretch.start.max(asked.start);
        one
    });
    let mut found = Backtest { span: Some(span), known: known.collect(), ..Backtest::default() };
    if span.start > span.end {
        found.span = None;
        return Ok(found);
    }
    let given_to = covered::given(subject, histories, span);
    found.covered = covered::all(&given_to);
    let is_read =
        |place: usize| all.iter().all(|one| one.condition != place || one.fidelity != Fidelity::Unread);
    let nothing = given_to.iter().enumerate().filter(|(_, given)| given.nothing);
    found.blind = nothing.map(|(place, _)| place).filter(|place| is_read(*place)).collect();
    let mut seen = Seen::new(subject, &all, span);
    let meant = |one: &&History| subject.reads(&one.metric);
    let given: Vec<_> = histories.iter().filter(meant).flat_map(|one| one.given(from, asked.end)).collect();
    let inputs = Inputs::new(subject, &given, from, asked.end)?;
    let mut stage = Stage::new(subject, inputs, from);
    let mut second = from;
    loop {
        second = second.saturating_add(STRIDE).min(asked.end);
        let (transitions, readings) = stage.come_to(second);
        for reading in readings {
            let condition = &subject.alert.conditions[reading.condition];
            if let Some(value) = reading.value.filter(|value| violates(condition, *value)) {
                seen.values.entry(reading.stream).or_default().push((reading.t, reading.condition, value));
            }
        }
        transitions.into_iter().for_each(|transition| seen.take(transition));
        if second >= asked.end {
            break;
        }
    }
    found.incidents = seen.finish();
    Ok(found)
}

fn violates(condition: &Condition, value: f64) -> bool {
    match condition.test {
        Test::Threshold { above: true, threshold, .. } => value > threshold,
        Test::Threshold { above: false, threshold, .. } => value < threshold,
        Test::Absent { .. } => false,
    }
}

/// An incident in the making.
struct Making {
    incident: Incident,
    /// The first violating second of its first streams.
    begin: i64,
}

/// What was seen so far.
struct Seen<'a> {
    subject: &'a Subject,
    known: &'a [Known],
    span: Span,
    open: BTreeMap<u64, Making>,
    done: Vec<Making>,
    /// Values that violate, with their time and condition.
    values: BTreeMap<Stream, Vec<(i64, usize, f64)>>,
}

impl<'a> Seen<'a> {
    fn new(subject: &'a Subject, known: &'a [Known], span: Span) -> Self {
        Self { subject, known, span, open: BTreeMap::new(), done: Vec::new(), values: BTreeMap::new() }
    }

    fn take(&mut self, transition: Transition) {
        match transition {
            Transition::Opened { incident, stream, at, violations, .. } => {
                let begin = violations.iter().map(|violation| violation.begin).min().unwrap_or(at);
                let unsure = |one: &Known| {
                    let stretch = one.stretch;
                    one.fidelity == Fidelity::Unknown && begin <= stretch.end && at >= stretch.start
                };
                let made = Incident {
                    opened: at,
                    closed: None,
                    before: at < self.span.start,
                    streams: violations.into_iter().map(|violation| violation.stream).collect(),
                    scope: stream,
                    peak: None,
                    notifications: 0,
                    cleared: false,
                    sure: !self.known.iter().any(unsure),
                };
                self.open.insert(incident, Making { incident: made, begin });
            }
            Transition::Closed { incident, at, .. } => {
                let Some(mut making) = self.open.remove(&incident) else { return };
                making.incident.closed = Some(at);
                if at > self.span.start {
                    self.done.push(making);
                }
            }
            Transition::Notice(notice) => self.notice(notice),
        }
    }

    fn notice(&mut self, notice: Notice) {
        // Without services no one is told.
        let counts = notice.at >= self.span.start && !self.subject.services.is_empty();
        match notice.message {
            Message::Trigger { violations, .. } => {
                let Some(making) = self.open.get_mut(&notice.incident) else { return };
                making.incident.notifications += usize::from(counts);
                making.incident.streams.extend(violations.into_iter().map(|violation| violation.stream));
            }
            // Its incident was closed just before.
            Message::Clear(_) => {
                if let Some(making) = self.done.last_mut().filter(|_| counts) {
                    making.incident.cleared = true;
                }
            }
        }
    }

    fn finish(mut self) -> Vec<Incident> {
        let open = std::mem::take(&mut self.open).into_values();
        let mut all: Vec<Making> = std::mem::take(&mut self.done).into_iter().chain(open).collect();
        self.values.values_mut().for_each(|values| values.sort_by_key(|(time, ..)| *time));
        for making in &mut all {
            making.incident.peak = self.peak(making);
        }
        let mut incidents: Vec<Incident> = all.into_iter().map(|making| making.incident).collect();
        incidents.sort_by(|a, b| (a.opened, &a.scope).cmp(&(b.opened, &b.scope)));
        incidents
    }

    /// The worst value under the first condition that has any.
    fn peak(&self, making: &Making) -> Option<f64> {
        let end = making.incident.closed.unwrap_or(i64::MAX);
        let mut worst: Option<(usize, f64)> = None;
        for values in making.incident.streams.iter().filter_map(|stream| self.values.get(stream)) {
            let first = values.partition_point(|(time, ..)| *time < making.begin);
            for (_, place, value) in values[first..].iter().take_while(|(time, ..)| *time < end) {
                let above =
                    matches!(self.subject.alert.conditions[*place].test, Test::Threshold { above: true, .. });
                let worse = worst.is_none_or(|(held, so_far)| {
                    place < &held || place == &held && if above { *value > so_far } else { *value < so_far }
                });
                if worse {
                    worst = Some((*place, *value));
                }
            }
        }
        worst.map(|(_, value)| value)
    }
}

//! One alert while it is evaluated: its state, and the readings that its frontier has not come to.

use std::sync::Arc;

use crate::serve::catalog::alerts::alert::Alert;
use crate::watch::{
    self, AlertState, Context, Groups, Outage, Point, Reading, Settings, Silence, Stream, Streams, Transition,
};

/// An alert.
#[derive(Debug)]
pub struct Seat {
    pub alert: Arc<Alert>,
    pub watched: Arc<watch::Alert>,
    pub state: AlertState,
    /// Seconds that its frontier is behind the clock.
    delay: i64,
    readings: Vec<Reading>,
    /// One for each condition.
    groups: Vec<Option<Groups>>,
    /// Points of members of groups, since the last second that was looked at.
    members: Vec<Member>,
    /// The event time at which something may happen.
    next: i64,
    /// What is not written yet.
    pub transitions: Vec<Transition>,
    /// Whether its state is another than the one that is kept.
    pub changed: bool,
    /// The streams of each condition.
    pub streams: Vec<usize>,
    pub pairs: usize,
}

/// A point of a member of a group.
#[derive(Debug)]
struct Member {
    second: i64,
    series: i64,
    place: usize,
    stream: Stream,
    point: Point,
}

/// What is passed on to an alert.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    pub place: usize,
    pub series: i64,
    pub stream: &'a Stream,
    pub second: i64,
    pub point: &'a Point,
    /// The newest event time of the series that was passed on before.
    pub hot: i64,
    /// Whether a tagged series repeats this one.
    pub twice: bool,
}

impl Seat {
    pub fn new(
        alert: Arc<Alert>,
        watched: Arc<watch::Alert>,
        state: AlertState,
        settings: &Settings,
    ) -> Seat {
        let conditions = &watched.conditions;
        let groups = conditions.iter().map(|one| one.streams.is_grouped().then(Groups::default)).collect();
        Seat {
            delay: watched.delay(settings),
            readings: Vec::new(),
            groups,
            members: Vec::new(),
            next: i64::MIN,
            transitions: Vec::new(),
            changed: false,
            streams: vec![0; conditions.len()],
            pairs: 0,
            alert,
            watched,
            state,
        }
    }

    /// Takes a closed point; whether it was kept. A normal value of a stream that is at rest changes nothing.
    pub fn pass(&mut self, passed: &Passed<'_>) -> bool {
        let Passed { place, point, stream, .. } = *passed;
        let Some(condition) = self.watched.conditions.get(place) else { return false };
        if passed.twice && condition.streams == Streams::All {
            return false;
        }
        if condition.streams.is_grouped() {
            let Passed { second, series, .. } = *passed;
            self.members.push(Member { second, series, place, stream: stream.clone(), point: *point });
            return true;
        }
        let value = condition.value(point, self.state.since(place));
        let is_applied = self.readings.is_empty() || passed.hot <= self.state.through();
        let is_normal = !condition.is_absent() && !value.is_some_and(|value| condition.is_violated_by(value));
        if is_normal && is_applied && self.state.is_at_rest(place, stream) {
            return false;
        }
        self.put(Reading { u: point.u, t: point.t, condition: place, stream: stream.clone(), value });
        true
    }

    pub fn put(&mut self, reading: Reading) {
        self.next = self.next.min(reading.u);
        self.readings.push(reading);
    }

    /// Brings groups to the end of a second.
    pub fn close_groups(&mut self, settings: &Settings, clock: i64) {
        if self.groups.iter().all(Option::is_none) {
            return;
        }
        let mut members = std::mem::take(&mut self.members);
        // Groups want points in the order they closed in.
        members.sort_by_key(|one| (one.second, one.point.t, one.series));
        let mut readings = Vec::new();
        for (place, condition) in self.watched.conditions.iter().enumerate() {
            let since = self.state.since(place);
            let Some(groups) = &mut self.groups[place] else { continue };
            for one in members.iter().filter(|one| one.place == place) {
                groups.close(condition, place, settings.settle, one.second - 1, &mut readings);
                groups.add(condition, &one.stream, &one.point, since);
            }
            groups.close(condition, place, settings.settle, clock, &mut readings);
        }
        members.clear();
        self.members = members;
        readings.into_iter().for_each(|reading| self.put(reading));
    }

    /// Takes over what happened before its frontier.
    pub fn prime(&mut self, settings: &Settings, silences: &[Silence]) {
        let through = self.state.through();
        let before: Vec<Reading> = self.readings.extract_if(.., |reading| reading.u <= through).collect();
        let ctx = Context { alert: &self.watched, settings, silences };
        self.state.prime(&ctx, &before);
        self.next = i64::MIN;
    }

    /// Comes to the end of a second. Whether something happened that is to be written at once.
    pub fn advance(&mut self, settings: &Settings, silences: &[Silence], clock: i64) -> bool {
        let to = clock.saturating_sub(self.delay);
        if !self.transitions.is_empty() || self.next > to {
            return !self.transitions.is_empty();
        }
        let ctx = Context { alert: &self.watched, settings, silences };
        self.transitions = self.state.advance(&ctx, to, &mut self.readings);
        self.changed |= self.state.take_changed();
        let wake = self.state.next_wake(&ctx).unwrap_or(i64::MAX);
        self.next = self.readings.iter().map(|reading| reading.u).min().unwrap_or(i64::MAX).min(wake);
        self.pairs = self.state.pairs();
        !self.transitions.is_empty()
    }

    /// Silences are others than before.
    pub fn look_again(&mut self) {
        self.next = i64::MIN;
    }

    pub fn outage(&mut self, settings: &Settings, outage: Outage) {
        let ctx = Context { alert: &self.watched, settings, silences: &[] };
        self.state.outage(&ctx, outage);
        self.changed |= self.state.take_changed();
        self.next = i64::MIN;
    }

    /// The clock was set back by so many seconds, and is now at `now`.
    pub fn set_back(&mut self, settings: &Settings, by: i64, now: i64) {
        let ctx = Context { alert: &self.watched, settings, silences: &[] };
        self.state.set_back(&ctx, by, now);
        for reading in &mut self.readings {
            (reading.u, reading.t) = (reading.u.saturating_sub(by), reading.t.min(now));
        }
        // Buckets of times to come would wait for them.
        self.groups.iter_mut().flatten().for_each(|groups| *groups = Groups::default());
        self.members.clear();
        self.changed = true;
        self.next = i64::MIN;
    }
}

//! The state of one alert, and the loop that applies what happens to it in order of event time.

use std::collections::BTreeMap;

use super::agenda::{Agenda, Subject};
use super::alert::{Alert, Settings};
use super::incident::Incident;
use super::matching::Stream;
use super::notice::{How, Transition};
use super::outage::Outage;
use super::pair::{Phase, Seen, Status};
use super::point::Reading;
use super::silence::Silence;
use super::tracks::{Effect, Tracks, fresh};

/// What holds while readings are applied.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The definition.
    pub alert: &'a Alert,
    /// What the operator decided.
    pub settings: &'a Settings,
    /// Every silence that has not ended long ago.
    pub silences: &'a [Silence],
}

impl Context<'_> {
    pub(super) fn delay(&self) -> i64 {
        self.alert.delay(self.settings)
    }

    /// Whether a stream is silenced at an event time.
    pub(super) fn is_silenced(&self, stream: &Stream, at: i64) -> bool {
        let clock = at.saturating_add(self.delay());
        self.silences.iter().any(|silence| silence.covers(&self.alert.name, stream, clock))
    }
}

/// Everything that is remembered of one alert. Streams that are ok take nothing.
#[derive(Debug, Clone)]
pub struct AlertState {
    /// Everything up to this event time has been applied.
    pub(super) through: i64,
    /// The number of the next incident.
    pub(super) next: u64,
    /// The last clear: nothing at or before it opens an incident.
    pub(super) cleared: i64,
    /// After an edit: nothing opens before something later was applied.
    pub(super) gate: Option<i64>,
    /// Whether each condition is met.
    pub(super) firing: bool,
    /// Whether every stream that is to have an incident has one.
    pub(super) complete: bool,
    pub(super) conditions: Vec<Tracks>,
    /// Those that are open: of the alert, or of a stream.
    pub(super) incidents: BTreeMap<Option<Stream>, Incident>,
    /// The last triggers, likewise.
    pub(super) last: BTreeMap<Option<Stream>, i64>,
    pub(super) outages: Vec<Outage>,
    pub(super) agenda: Agenda,
    /// Whether the gate or an outage changed since it was last looked at.
    pub(super) changed: bool,
}

impl AlertState {
    /// An alert that is made, or switched on, at second `at` of the clock: readings after it count.
    pub fn new(alert: &Alert, at: i64) -> Self {
        Self {
            through: at,
            next: 1,
            cleared: i64::MIN,
            gate: None,
            firing: false,
            complete: false,
            conditions: fresh(alert, at),
            incidents: BTreeMap::new(),
            last: BTreeMap::new(),
            outages: Vec::new(),
            agenda: Agenda::default(),
            changed: true,
        }
    }

    /// An alert of which nothing was kept, since nothing of it was pending, met or open at second `through`: each of its conditions
    /// watches since its second of `since`, and the next incident is number `next`. [`Self::prime`] is to follow.
    pub fn quiet(alert: &Alert, since: &[i64], through: i64, next: u64) -> Self {
        let mut state = Self { next, ..Self::new(alert, through) };
        for (tracks, since) in state.conditions.iter_mut().zip(since) {
            *tracks = Tracks::new(*since);
        }
        state
    }

    /// The number of the next incident.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The frontier when it was last advanced.
    pub fn through(&self) -> i64 {
        self.through
    }

    /// When a condition began to watch, for differences: nothing before it is a predecessor.
    pub fn since(&self, condition: usize) -> i64 {
        self.conditions.get(condition).map_or(i64::MAX, |tracks| tracks.since)
    }

    /// Goes on from a later frontier, up to which nothing is known to have happened that is not in it.
    pub fn resume(&mut self, through: i64) {
        self.through = self.through.max(through);
    }

    /// Whether a normal reading of a stream changes nothing: nothing is remembered of it, and nothing waits for a reading. Those that
    /// are still to be applied are not looked at.
    pub fn is_at_rest(&self, condition: usize, stream: &Stream) -> bool {
        let rests = |tracks: &Tracks| !tracks.runs.contains_key(stream);
        self.gate.is_none() && self.conditions.get(condition).is_some_and(rests)
    }

    /// Whether what [`Self::pages`] gives is another since this was last asked, but for how far it has come.
    pub fn take_changed(&mut self) -> bool {
        let mut changed = std::mem::take(&mut self.changed);
        self.conditions.iter_mut().for_each(|tracks| changed |= std::mem::take(&mut tracks.changed));
        changed
    }

    /// Whether anything is remembered of streams of a condition.
    pub fn remembers(&self, condition: usize) -> bool {
        self.conditions
            .get(condition)
            .is_some_and(|tracks| !(tracks.runs.is_empty() && tracks.seen.is_empty()))
    }

    /// How many streams are remembered under all conditions, apart from those that were only seen.
    pub fn pairs(&self) -> usize {
        let silent = |tracks: &Tracks| tracks.seen.values().filter(|seen| seen.met.is_some()).count();
        self.conditions.iter().map(|tracks| tracks.runs.len() + silent(tracks)).sum()
    }

    fn open_gate(&mut self) {
        self.gate = None;
        self.changed = true;
    }

    /// Whether an incident is open.
    pub fn is_triggered(&self) -> bool {
        !self.incidents.is_empty()
    }

    /// The open incidents: of the alert as a whole, or of streams.
    pub fn incidents(&self) -> impl Iterator<Item = (Option<&Stream>, &Incident)> {
        self.incidents.iter().map(|(stream, incident)| (stream.as_ref(), incident))
    }

    /// What is remembered of the streams of a condition, in order of their keys.
    pub fn statuses(&self, ctx: &Context<'_>, condition: usize) -> Vec<(Stream, Status)> {
        match (self.conditions.get(condition), ctx.alert.conditions.get(condition)) {
            (Some(tracks), Some(condition)) => tracks.statuses(condition, &self.outages, ctx.delay()),
            _ => Vec::new(),
        }
    }

    /// Time and value of the last reading of a stream, if anything is remembered of it.
    pub fn last(&self, condition: usize, stream: &Stream) -> Option<(i64, f64)> {
        let tracks = self.conditions.get(condition)?;
        let run = tracks.runs.get(stream).map(|run| (run.last, run.value));
        run.or_else(|| tracks.seen.get(stream).map(|seen| (seen.u, seen.value)))
    }

    /// The event time at which something may happen without any reading.
    pub fn next_wake(&self, ctx: &Context<'_>) -> Option<i64> {
        let ends = ctx.silences.iter().map(|silence| silence.ends.saturating_sub(ctx.delay()));
        let end = ends.filter(|end| *end > self.through).min();
        self.agenda.next().map(|(time, _)| time).into_iter().chain(end).min()
    }

    /// Moves the frontier to `to` and applies all readings up to it, which are taken out of `readings`; those that were applied
    /// before are dropped, so that replaying too much does no harm. The readings of later seconds stay.
    pub fn advance(&mut self, ctx: &Context<'_>, to: i64, readings: &mut Vec<Reading>) -> Vec<Transition> {
        let mut out = Vec::new();
        let to = to.max(self.through);
        let mut due: Vec<Reading> = readings.extract_if(.., |reading| reading.u <= to).collect();
        due.retain(|reading| reading.u > self.through && reading.condition < self.conditions.len());
        if ctx.alert.is_watched() {
            due.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
            self.apply(ctx, to, &due, &mut out);
        }
        self.through = to;
        out
    }

    fn apply(&mut self, ctx: &Context<'_>, to: i64, readings: &[Reading], out: &mut Vec<Transition>) {
        let ends = self.silence_ends(ctx, to);
        let mut ends = ends.iter().copied().peekable();
        let mut groups = readings.chunk_by(|a, b| (a.u, a.t) == (b.u, b.t)).peekable();
        loop {
            // At one second: readings, deadlines, ends of silences, notifications.
            let reading = groups.peek().and_then(|group| group.first()).map(|first| (first.u, 0));
            let end = ends.peek().map(|end| (*end, 2));
            let entry = self
                .agenda
                .next()
                .map(|(time, subject)| (time.max(self.through), if subject.is_of_streams() { 1 } else { 3 }));
            let Some((at, rank)) = reading.into_iter().chain(end).chain(entry).min() else { break };
            if at > to {
                break;
            }
            match rank {
                0 => {
                    let effects = self.take(ctx, groups.next().unwrap_or_default());
                    self.decide(ctx, at, &effects, How::Normal, out);
                }
                1 => {
                    let effects = self.pass_deadlines(ctx, at);
                    self.decide(ctx, at, &effects, How::Normal, out);
                }
                2 => {
                    ends.next();
                    self.end_silences(ctx, at, out);
                }
                _ => self.look_again(ctx, at, out),
            }
        }
    }

    /// Applies the readings of one second.
    fn take(&mut self, ctx: &Context<'_>, group: &[Reading]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for reading in group {
            if self.gate.is_some_and(|gate| reading.u > gate) {
                self.open_gate();
            }
            let Some(condition) = ctx.alert.conditions.get(reading.condition) else { continue };
            let tracks = &mut self.conditions[reading.condition];
            if let Some(effect) = tracks.apply(condition, reading, self.cleared) {
                if condition.is_absent() {
                    self.arm_silence(ctx, reading.condition, &effect.stream, reading.u);
                }
                effects.push(effect);
            }
        }
        effects
    }

    /// Puts down when a stream that was seen is to be looked at. A deadline that an outage has moved may come nearer with a reading
    /// after it, though never nearer than the duration from now, `at`.
    pub(super) fn arm_silence(&mut self, ctx: &Context<'_>, place: usize, stream: &Stream, at: i64) {
        let (Some(tracks), Some(condition)) =
            (self.conditions.get_mut(place), ctx.alert.conditions.get(place))
        else {
            return;
        };
        let Some(seen) = tracks.seen.get(stream).copied() else { return };
        let due = match (seen.met, seen.held) {
            (_, Some(until)) => until,
            (Some(_), None) => return,
            (None, None) => {
                let nearest = at.saturating_add(condition.duration());
                nearest.min(tracks.deadline(&seen, condition, &self.outages, ctx.delay()))
            }
        };
        if seen.armed.is_none_or(|armed| due < armed) {
            self.agenda.put(due, Subject::Silence(place, stream.clone()));
            if let Some(seen) = tracks.seen.get_mut(stream) {
                seen.armed = Some(due);
            }
        }
    }

    /// Looks at the streams whose entries are due at a second.
    fn pass_deadlines(&mut self, ctx: &Context<'_>, at: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((time, subject)) = self.agenda.next() {
            if time > at || !subject.is_of_streams() {
                break;
            }
            let Some((time, subject)) = self.agenda.pop() else { break };
            match subject {
                Subject::Silence(place, stream) => {
                    effects.extend(self.pass_deadline(ctx, time, at, place, &stream));
                }
                Subject::Held(place, stream) => effects.extend(self.end_hold(time, place, &stream)),
                Subject::Gate => {
                    // A stream that is absent sends nothing that could be applied: a minute of its silence counts as much.
                    let absent = ctx.alert.conditions.iter().zip(&self.conditions);
                    if absent.into_iter().any(|(condition, tracks)| condition.is_absent() && tracks.met > 0) {
                        self.open_gate();
                    }
                }
                Subject::Due(..) | Subject::Stale(..) => {}
            }
        }
        effects
    }

    fn pass_deadline(
        &mut self,
        ctx: &Context<'_>,
        time: i64,
        at: i64,
        place: usize,
        stream: &Stream,
    ) -> Option<Effect> {
        let (tracks, condition) = (self.conditions.get_mut(place)?, ctx.alert.conditions.get(place)?);
        let seen: Seen = *tracks.seen.get(stream)?;
        if seen.armed != Some(time) {
            return None;
        }
        let deadline = tracks.deadline(&seen, condition, &self.outages, ctx.delay());
        let was_met = seen.met.is_some();
        let mut after = Seen { armed: None, ..seen };
        if was_met {
            // Without a hold it was met all along; at its end, only by the new duration.
            let ends = seen.held.is_some_and(|until| until <= at);
            if ends {
                after.held = None;
                after.met = (deadline <= at).then_some(deadline);
            }
        } else if deadline <= at {
            after.met = Some(at);
        }
        tracks.changed |= was_met || after.met.is_some();
        if !was_met && after.met.is_some() && at <= self.cleared {
            // It would have been dismissed by the clear, had it been absent by then.
            tracks.seen.remove(stream);
            return None;
        }
        tracks.seen.insert(stream.clone(), after);
        let is_met = after.met.is_some();
        tracks.met = tracks.met + usize::from(is_met) - usize::from(was_met);
        if is_met && self.gate.is_some_and(|gate| at > gate) {
            self.open_gate();
        }
        self.arm_silence(ctx, place, stream, at);
        (is_met != was_met).then(|| Effect { stream: stream.clone(), was_met, is_met })
    }

    /// No reading has decided on a stream that was met before an edit.
    fn end_hold(&mut self, time: i64, place: usize, stream: &Stream) -> Option<Effect> {
        let tracks = self.conditions.get_mut(place)?;
        if tracks.runs.get(stream)?.phase != Phase::Held(time) {
            return None;
        }
        tracks.runs.remove(stream);
        tracks.changed = true;
        tracks.met -= 1;
        Some(Effect { stream: stream.clone(), was_met: true, is_met: false })
    }
}

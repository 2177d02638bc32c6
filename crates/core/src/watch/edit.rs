//! Edits and ends. An edit by itself never opens an incident and never repeats a notification.

use super::agenda::Subject;
use super::alert::Alert;
use super::condition::Condition;
use super::decide::next_check;
use super::matching::Stream;
use super::notice::{How, Transition};
use super::outage::{Outage, deadline};
use super::pair::Phase;
use super::state::{AlertState, Context};
use super::tracks::{Tracks, fresh};
use crate::pattern::same;

/// A stream that is held met is given up after so long at least.
const HOLD: i64 = 600;

/// An edit moves no deadline nearer than this. A stream that by a shorter duration is absent already becomes so a minute later:
/// else the edit itself would open the incident.
const FLOOR: i64 = 60;

impl AlertState {
    /// The alert was `old` until second `at`; `ctx` has what it is now.
    pub fn edit(&mut self, ctx: &Context<'_>, old: &Alert, at: i64) -> Vec<Transition> {
        if !ctx.alert.is_watched() {
            return self.end(ctx.alert, at);
        }
        let mut out = Vec::new();
        if !old.is_watched() {
            self.conditions = fresh(ctx.alert, at);
            return out;
        }
        let pairs = pairing(&old.conditions, &ctx.alert.conditions);
        let same = |(new, old_place): (&Condition, &Option<usize>)| {
            old_place.is_some_and(|place| old.conditions[place].is_same(new))
        };
        let unchanged =
            old.conditions.len() == pairs.len() && ctx.alert.conditions.iter().zip(&pairs).all(same);
        let mut tracks: Vec<Option<Tracks>> =
            std::mem::take(&mut self.conditions).into_iter().map(Some).collect();
        for (new, place) in ctx.alert.conditions.iter().zip(&pairs) {
            let kept = place.and_then(|place| Some((&old.conditions[place], tracks.get_mut(place)?.take()?)));
            self.conditions.push(match kept {
                Some((old, kept)) if old.is_same(new) => kept,
                Some((old, kept)) if old.watches_same(new) => {
                    redefined(kept, new, at, &self.outages, ctx.delay())
                }
                _ => Tracks::new(at),
            });
        }
        if !unchanged || old.per_signal != ctx.alert.per_signal {
            self.gate = Some(at);
            self.complete = false;
        }
        if old.rearm() != ctx.alert.rearm() {
            // What was news before would else be told by the edit.
            let told = self.incidents.values_mut().filter(|incident| incident.triggered.is_some());
            told.for_each(|incident| incident.news = false);
            // What has re-armed stays so: a state that was stored meanwhile does not know of it any more.
            self.last.retain(|_, last| last.saturating_add(old.rearm()) > at);
        }
        self.rebuild_agenda(ctx, at);
        self.close_left(ctx, at, How::Normal, &mut out);
        out
    }

    /// The alert was switched off or deleted, or lost its last condition, at second `at`.
    pub fn end(&mut self, alert: &Alert, at: i64) -> Vec<Transition> {
        let mut out = Vec::new();
        self.close_all(at, How::Manual, &mut out);
        let (through, next) = (self.through, self.next);
        // Numbers of incidents are never used twice.
        *self = Self { through, next, ..Self::new(alert, at) };
        out
    }

    /// Someone cleared the alert at second `at`. Open incidents close; violating readings after it open new ones at once, and streams
    /// that are absent count as unseen.
    pub fn clear(&mut self, at: i64) -> Vec<Transition> {
        let mut out = Vec::new();
        self.close_all(at, How::Manual, &mut out);
        self.conditions.iter_mut().for_each(Tracks::clear);
        self.cleared = self.cleared.max(at);
        (self.firing, self.complete) = (false, false);
        out
    }

    /// A metric and all its series were deleted at second `at`.
    pub fn drop_metric(&mut self, ctx: &Context<'_>, metric: &str, at: i64) -> Vec<Transition> {
        let mut out = Vec::new();
        for (condition, tracks) in ctx.alert.conditions.iter().zip(&mut self.conditions) {
            if same(&condition.metric, metric) {
                let floor = tracks.floor;
                *tracks = Tracks { floor, ..Tracks::new(at) };
            }
        }
        self.close_left(ctx, at, How::Auto, &mut out);
        out
    }

    /// The last trigger of an open incident was withdrawn, since all it said is silenced now: the end of the silence is to say it.
    pub fn withhold(&mut self, incident: u64) {
        let open = self.incidents.values_mut().filter(|open| open.number == incident);
        open.for_each(|open| open.withheld = true);
    }

    /// A trigger of event time `at` reached no one, and never will: the next incident need not wait for re-arm to pass.
    pub fn unheard(&mut self, stream: Option<&str>, at: i64) {
        let scope = stream.map(Stream::from);
        if self.last.get(&scope) == Some(&at) {
            self.last.remove(&scope);
        }
    }

    /// No one could report from one second of the clock to another.
    pub fn outage(&mut self, ctx: &Context<'_>, outage: Outage) {
        if outage.length() == 0 {
            return;
        }
        self.changed = true;
        // Whoever is stopped again before the end of an outage is stored tells of it again.
        if let Some(last) = self.outages.last_mut().filter(|last| outage.from < last.to) {
            *last = Outage { from: last.from.min(outage.from), to: last.to.max(outage.to) };
            return;
        }
        // Deadlines are only put later, which the agenda finds out by itself. Outages that no deadline can depend on any more are
        // forgotten.
        let longest = ctx.alert.conditions.iter().map(Condition::duration).max().unwrap_or(0);
        let reach: i64 = self.outages.iter().map(|outage| outage.length() + longest).sum();
        let oldest = self.through.saturating_sub(reach + longest + ctx.delay());
        self.outages.retain(|outage| outage.to >= oldest);
        self.outages.push(outage);
    }

    /// Closes what has no reason to be open any more, and opens nothing.
    fn close_left(&mut self, ctx: &Context<'_>, at: i64, how: How, out: &mut Vec<Transition>) {
        self.firing = self.conditions.iter().all(|tracks| tracks.met > 0);
        if !self.firing {
            self.complete = false;
            self.close_all(at, how, out);
        }
        let scopes: Vec<_> = self.incidents.keys().flatten().cloned().collect();
        for stream in scopes {
            if !self.is_met_by(&stream) {
                self.close(&Some(stream), at, how, out);
            }
        }
        for scope in self.incidents.keys().cloned().collect::<Vec<_>>() {
            self.arm(ctx, &scope, at);
        }
    }

    /// Puts down everything that has to be looked at again.
    pub(super) fn rebuild_agenda(&mut self, ctx: &Context<'_>, at: i64) {
        self.agenda.clear();
        for place in 0..self.conditions.len() {
            let tracks = &mut self.conditions[place];
            for (stream, run) in &tracks.runs {
                if let Phase::Held(until) = run.phase {
                    self.agenda.put(until, Subject::Held(place, stream.clone()));
                }
            }
            tracks.seen.values_mut().for_each(|seen| seen.armed = None);
            let streams: Vec<_> = tracks.seen.keys().cloned().collect();
            streams.iter().for_each(|stream| self.arm_silence(ctx, place, stream, at));
        }
        if let Some(gate) = self.gate {
            self.agenda.put(gate.saturating_add(FLOOR), Subject::Gate);
        }
        for (scope, incident) in &mut self.incidents {
            incident.armed = None;
            let check = next_check(incident.opened, at);
            self.agenda.put(check, Subject::Stale(incident.number, scope.clone()));
        }
        for scope in self.incidents.keys().cloned().collect::<Vec<_>>() {
            self.arm(ctx, &scope, at);
        }
    }
}

/// A condition that asks something else of the same streams: runs begin again, and what is met stays so until it is decided.
fn redefined(mut tracks: Tracks, new: &Condition, at: i64, outages: &[Outage], delay: i64) -> Tracks {
    let latest = at.saturating_add(new.duration().max(HOLD));
    if new.is_absent() {
        tracks.floor = at.saturating_add(FLOOR);
        for seen in tracks.seen.values_mut().filter(|seen| seen.met.is_some()) {
            let due = deadline(seen.u, seen.interval, new.duration(), outages, delay);
            // What is absent by the new duration, too, stays so.
            seen.held = (due > at).then(|| due.max(tracks.floor).min(latest));
        }
        return tracks;
    }
    tracks.since = at;
    tracks.runs.retain(|_, run| run.is_met());
    for run in tracks.runs.values_mut() {
        let until = if let Phase::Held(until) = run.phase { until.min(latest) } else { latest };
        run.phase = Phase::Held(until);
    }
    tracks
}

/// Which old condition each new one continues: that of its id, else an equal one, else one that watches the same streams for
/// the same type of violation. Clients that write alerts back without ids mean the same conditions.
pub(super) fn pairing(old: &[Condition], new: &[Condition]) -> Vec<Option<usize>> {
    let mut pairs: Vec<Option<usize>> = vec![None; new.len()];
    let rules: [fn(&Condition, &Condition) -> bool; 3] = [
        |old, new| new.id.is_some() && new.id == old.id,
        |old, new| old.is_same(new),
        Condition::watches_same,
    ];
    for rule in rules {
        for (place, new) in new.iter().enumerate() {
            let free = |at: &usize| !pairs.contains(&Some(*at)) && rule(&old[*at], new);
            if pairs[place].is_none() {
                pairs[place] = (0..old.len()).find(free);
            }
        }
    }
    pairs
}

//! Incidents: when they open and close, and when services are told.

use std::collections::BTreeSet;

use super::agenda::Subject;
use super::incident::Incident;
use super::matching::Stream;
use super::notice::{How, Message, Notice, Transition, Violation};
use super::state::{AlertState, Context};
use super::tracks::Effect;

/// Without a reading for so long an incident ends by itself.
const STALE: i64 = 10 * 86_400;

/// How often it is looked whether an incident does. In hours from its opening, so that restarts make no difference: streams come and
/// go, and the newest reading with them.
const CHECK: i64 = 3_600;

/// The first second after `at` at which an incident is looked at.
pub(super) fn next_check(opened: i64, at: i64) -> i64 {
    let passed = at.saturating_sub(opened).max(0) / CHECK;
    opened.saturating_add((passed + 1) * CHECK)
}

/// So many streams are listed in a notice.
const LISTED: usize = 100;

impl AlertState {
    /// Opens and closes incidents after streams have changed, and says what is due.
    pub(super) fn decide(
        &mut self,
        ctx: &Context<'_>,
        at: i64,
        effects: &[Effect],
        how: How,
        out: &mut Vec<Transition>,
    ) {
        self.firing = ctx.alert.is_watched() && self.conditions.iter().all(|tracks| tracks.met > 0);
        if !self.firing {
            self.complete = false;
            self.close_all(at, how, out);
            return;
        }
        let recovered: BTreeSet<_> = effects
            .iter()
            .filter(|effect| effect.was_met && !effect.is_met && !self.is_met_by(&effect.stream))
            .map(|effect| Some(effect.stream.clone()))
            .collect();
        recovered.iter().for_each(|scope| self.close(scope, at, how, out));
        let mut touched: BTreeSet<Option<Stream>> = BTreeSet::new();
        for effect in effects.iter().filter(|effect| effect.is_news()) {
            for scope in [None, Some(effect.stream.clone())] {
                let Some(incident) = self.incidents.get_mut(&scope) else { continue };
                if ctx.is_silenced(&effect.stream, at) {
                    incident.withheld = true;
                } else {
                    incident.news = true;
                }
                touched.insert(scope);
            }
        }
        if self.gate.is_none() {
            for scope in self.wanted(ctx, effects) {
                self.open(ctx, &scope, at, out);
                touched.insert(scope);
            }
        } else {
            self.complete = false;
        }
        for scope in touched {
            self.notify_if_due(ctx, &scope, at, out);
        }
    }

    /// The incidents that are to open. One keeps its scope while it is open: an alert that is changed to incidents of streams, or
    /// back, first ends those it has.
    fn wanted(&mut self, ctx: &Context<'_>, effects: &[Effect]) -> BTreeSet<Option<Stream>> {
        if !ctx.alert.per_signal {
            return if self.incidents.is_empty() { BTreeSet::from([None]) } else { BTreeSet::new() };
        }
        if self.incidents.contains_key(&None) {
            return BTreeSet::new();
        }
        let streams: BTreeSet<Option<Stream>> = if self.complete {
            effects.iter().filter(|effect| effect.is_met).map(|effect| Some(effect.stream.clone())).collect()
        } else {
            self.conditions.iter().flat_map(|tracks| tracks.met_streams().cloned().map(Some)).collect()
        };
        self.complete = true;
        streams.into_iter().filter(|scope| !self.incidents.contains_key(scope)).collect()
    }

    fn open(&mut self, ctx: &Context<'_>, scope: &Option<Stream>, at: i64, out: &mut Vec<Transition>) {
        let rearm = ctx.alert.rearm();
        let incident = Incident::new(self.next, at, rearm);
        self.next += 1;
        let silent = self.last.get(scope).is_some_and(|last| at < last.saturating_add(rearm));
        let (violations, truncated) = listed(self.violations(scope));
        let stream = scope.clone();
        out.push(Transition::Opened { incident: incident.number, stream, at, silent, violations, truncated });
        self.agenda.put(next_check(at, at), Subject::Stale(incident.number, scope.clone()));
        self.incidents.insert(scope.clone(), incident);
    }

    pub(super) fn close(&mut self, scope: &Option<Stream>, at: i64, how: How, out: &mut Vec<Transition>) {
        let Some(incident) = self.incidents.remove(scope) else { return };
        out.push(Transition::Closed {
            incident: incident.number,
            stream: scope.clone(),
            at,
            how,
            notified: incident.triggered.is_some(),
        });
        if !incident.services.is_empty() {
            out.push(Transition::Notice(Notice {
                incident: incident.number,
                stream: scope.clone(),
                seq: incident.seq,
                at,
                services: incident.services,
                message: Message::Clear(how),
            }));
        }
    }

    pub(super) fn close_all(&mut self, at: i64, how: How, out: &mut Vec<Transition>) {
        while let Some(scope) = self.incidents.keys().next().cloned() {
            self.close(&scope, at, how, out);
        }
    }

    /// Sends a trigger if one is due, and puts down when the next one is.
    pub(super) fn notify_if_due(
        &mut self,
        ctx: &Context<'_>,
        scope: &Option<Stream>,
        at: i64,
        out: &mut Vec<Transition>,
    ) {
        if self.due(ctx, scope).is_some_and(|due| due <= at) {
            self.trigger(ctx, scope, at, out);
        }
        self.arm(ctx, scope, at);
    }

    fn due(&self, ctx: &Context<'_>, scope: &Option<Stream>) -> Option<i64> {
        let absent = self.conditions.iter().any(|tracks| match scope {
            None => !tracks.seen.is_empty() && tracks.met > 0,
            Some(stream) => tracks.seen.get(stream).is_some_and(|seen| seen.met.is_some()),
        });
        let (incident, last) = (self.incidents.get(scope)?, self.last.get(scope).copied());
        let mut due = incident.due(ctx.settings.gather, ctx.alert.rearm(), last, absent)?;
        if incident.triggered.is_some() && !incident.news {
            // Silence is no news while no one listens, and what was not repeated then is not made up for.
            for outage in &self.outages {
                if outage.from.saturating_sub(ctx.delay()) < due && due < outage.to {
                    due = outage.to.saturating_add(incident.interval.max(ctx.alert.rearm()));
                }
            }
        }
        Some(due)
    }

    pub(super) fn arm(&mut self, ctx: &Context<'_>, scope: &Option<Stream>, at: i64) {
        let Some(due) = self.due(ctx, scope).map(|due| due.max(at)) else { return };
        let Some(incident) = self.incidents.get_mut(scope) else { return };
        if incident.armed.is_none_or(|armed| due < armed) {
            incident.armed = Some(due);
            self.agenda.put(due, Subject::Due(incident.number, scope.clone()));
        }
    }

    /// Sends what is violated now, leaving out what is silenced.
    fn trigger(&mut self, ctx: &Context<'_>, scope: &Option<Stream>, at: i64, out: &mut Vec<Transition>) {
        let all = self.violations(scope);
        let (silenced, open): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|violation| ctx.is_silenced(&violation.stream, at));
        let Some(incident) = self.incidents.get_mut(scope) else { return };
        let again = incident.triggered.is_some();
        let withheld = !silenced.is_empty();
        let is_silenced = open.is_empty() && withheld;
        if is_silenced {
            // Once is enough; re-arm does not start.
            let said = std::mem::replace(&mut incident.muted, true);
            (incident.news, incident.withheld) = (false, true);
            if said {
                return;
            }
        } else {
            incident.trigger(at, ctx.alert.rearm(), &ctx.alert.services, withheld);
            self.last.insert(scope.clone(), at);
        }
        let (violations, truncated) = listed(if is_silenced { silenced } else { open });
        let seq = incident.seq;
        incident.seq += 1;
        out.push(Transition::Notice(Notice {
            incident: incident.number,
            stream: scope.clone(),
            seq,
            at,
            services: ctx.alert.services.clone(),
            message: Message::Trigger { violations, truncated, again, silenced: is_silenced },
        }));
    }

    /// Everything that violates now, of all streams or of one, in order of streams.
    fn violations(&self, scope: &Option<Stream>) -> Vec<Violation> {
        let mut found = Vec::new();
        for (place, tracks) in self.conditions.iter().enumerate() {
            match scope {
                None => {
                    found.extend(tracks.met_streams().filter_map(|stream| tracks.violation(place, stream)));
                }
                Some(stream) => found.extend(tracks.violation(place, stream)),
            }
        }
        found.sort_unstable_by(|a, b| (&a.stream, a.condition).cmp(&(&b.stream, b.condition)));
        found
    }

    pub(super) fn is_met_by(&self, stream: &Stream) -> bool {
        self.conditions.iter().any(|tracks| tracks.is_met_by(stream))
    }

    /// An entry of the agenda about an incident is due.
    pub(super) fn look_again(&mut self, ctx: &Context<'_>, at: i64, out: &mut Vec<Transition>) {
        match self.agenda.pop() {
            Some((time, Subject::Due(number, scope))) => {
                let Some(incident) = self.incidents.get_mut(&scope) else { return };
                if incident.number == number && incident.armed == Some(time) {
                    incident.armed = None;
                    self.notify_if_due(ctx, &scope, at, out);
                }
            }
            Some((_, Subject::Stale(number, scope)))
                if self.incidents.get(&scope).is_some_and(|incident| incident.number == number) =>
            {
                self.end_if_stale(&scope, at, out);
            }
            _ => {}
        }
    }

    fn end_if_stale(&mut self, scope: &Option<Stream>, at: i64, out: &mut Vec<Transition>) {
        let newest = self.conditions.iter().flat_map(|tracks| {
            let streams =
                tracks.met_streams().filter(|stream| scope.as_ref().is_none_or(|one| one == *stream));
            streams.filter_map(|stream| tracks.last_reading(stream))
        });
        let ends = newest.max().map_or(at, |newest| newest.saturating_add(STALE));
        if ends > at {
            let Some(incident) = self.incidents.get(scope) else { return };
            let check = next_check(incident.opened, at);
            self.agenda.put(check, Subject::Stale(incident.number, scope.clone()));
            return;
        }
        // Its streams are given up: ok, or unseen.
        self.conditions.iter_mut().for_each(|tracks| tracks.forget_met(scope.as_ref()));
        self.close(scope, at, How::Auto, out);
        self.firing = self.conditions.iter().all(|tracks| tracks.met > 0);
        if !self.firing {
            self.complete = false;
            self.close_all(at, How::Normal, out);
        }
    }

    /// The event times at which silences end that may concern this alert.
    pub(super) fn silence_ends(&self, ctx: &Context<'_>, to: i64) -> BTreeSet<i64> {
        let ends = ctx.silences.iter().map(|silence| silence.ends.saturating_sub(ctx.delay()));
        ends.filter(|end| (self.through + 1..=to).contains(end)).collect()
    }

    /// Tells what silences have kept back that end now: at once, whatever was said before.
    pub(super) fn end_silences(&mut self, ctx: &Context<'_>, at: i64, out: &mut Vec<Transition>) {
        let clock = at.saturating_add(ctx.delay());
        let ended: Vec<_> = ctx.silences.iter().filter(|silence| silence.ends == clock).collect();
        let waiting: Vec<_> = self
            .incidents
            .iter()
            .filter(|(_, incident)| incident.withheld)
            .map(|(scope, _)| scope.clone())
            .collect();
        for scope in waiting {
            let released = self.violations(&scope).iter().any(|violation| {
                let before = ended.iter().any(|s| s.covers(&ctx.alert.name, &violation.stream, clock - 1));
                before && !ctx.is_silenced(&violation.stream, at)
            });
            if released {
                if let Some(incident) = self.incidents.get_mut(&scope) {
                    incident.news = true;
                }
                self.trigger(ctx, &scope, at, out);
                self.arm(ctx, &scope, at);
            }
        }
    }
}

/// As many as are listed, and how many streams are left out.
fn listed(mut violations: Vec<Violation>) -> (Vec<Violation>, usize) {
    let groups = || violations.chunk_by(|a, b| a.stream == b.stream).map(<[Violation]>::len);
    let kept = groups().take(LISTED).sum();
    let truncated = groups().skip(LISTED).count();
    violations.truncate(kept);
    (violations, truncated)
}

//! Steps of the clock: what is remembered of an alert where the clock is set back. No transition comes of it by itself.

use super::agenda::Agenda;
use super::outage::Outage;
use super::pair::Phase;
use super::state::{AlertState, Context};

impl AlertState {
    /// The clock was set back by so many seconds and now shows `now`. Event times go back with it, so what runs keeps its remaining
    /// length. The times of readings are those of their senders, who had no part in it: they are only kept from lying in times to
    /// come.
    pub fn set_back(&mut self, ctx: &Context<'_>, by: i64, now: i64) {
        let back = |time: i64| time.saturating_sub(by);
        self.through = back(self.through);
        self.cleared = back(self.cleared);
        self.gate = self.gate.map(back);
        for tracks in &mut self.conditions {
            (tracks.since, tracks.floor) = (back(tracks.since), back(tracks.floor));
            for run in tracks.runs.values_mut() {
                (run.u, run.since, run.last) = (back(run.u), run.since.min(now), run.last.min(now));
                if let Phase::Held(until) = run.phase {
                    run.phase = Phase::Held(back(until));
                }
            }
            for seen in tracks.seen.values_mut() {
                (seen.u, seen.met, seen.held) = (back(seen.u), seen.met.map(back), seen.held.map(back));
            }
        }
        for incident in self.incidents.values_mut() {
            incident.opened = back(incident.opened);
            incident.triggered = incident.triggered.map(back);
        }
        self.last.values_mut().for_each(|last| *last = back(*last));
        for outage in &mut self.outages {
            *outage = Outage { from: back(outage.from), to: back(outage.to) };
        }
        self.agenda = Agenda::default();
        self.rebuild_agenda(ctx, self.through);
        self.changed = true;
    }
}

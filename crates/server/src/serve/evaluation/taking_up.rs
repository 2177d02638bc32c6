//! Taking up alerts: what is stored of them (`loading`) gets its seats and its series, at the start, after edits, and where metrics are
//! not any more what they were.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::engine::{ALL_STREAMS, Engine, STREAMS};
use super::index::{Index, Pair, Watched};
use super::loading::{self, History, Loaded, Question, Watcher};
use super::places::Place;
use super::seat::{Passed, Seat};
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::catalog::alerts::watched::Watched as Known;
use crate::serve::names::fold;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// How long taking up alerts may take.
const LOADING: Duration = Duration::from_secs(600);

impl Engine {
    /// Finds the metrics that are not any more what they were; their alerts are taken up again.
    pub(super) async fn find_changed_metrics(&mut self) -> Result<(), StoreError> {
        let names: Vec<String> = self.names.keys().cloned().collect();
        let job = move |tx: &Tx| Known::of_names(tx, &names);
        let known = self.store.read(job).await?;
        for (name, alerts) in &self.names {
            let (before, now) = (self.index.metric_named(name).map(|metric| &metric.known), known.get(name));
            let composite = self.composites.known(name);
            if before.or(composite) == now {
                continue;
            }
            self.reload.extend(alerts);
            if before.is_some_and(|before| now.is_none_or(|now| now.id != before.id)) {
                self.dropped.insert(name.clone());
            }
        }
        Ok(())
    }

    /// Takes up alerts, all of its groups or some, from what is stored.
    pub(super) async fn take_up(&mut self, ids: Option<Vec<i64>>) -> Result<(), StoreError> {
        let question = Question {
            by: self.by.clone(),
            until: self.cursor.clone(),
            clock: self.done,
            now: self.clock.now(),
            settings: self.settings,
            share: self.share.clone(),
            steps: self.steps(),
            dropped: self.dropped.clone(),
            most: STREAMS,
        };
        let store = self.store.clone().with_read_time(LOADING);
        let asked = ids.clone();
        let job = move |tx: &Tx| {
            let mut revisions = alerts::revisions(tx)?;
            revisions.retain(|alert, _| question.share.has(*alert));
            let all = || revisions.keys().copied().collect::<BTreeSet<i64>>().into_iter().collect();
            let ids = asked.clone().unwrap_or_else(all);
            Ok::<_, StoreError>((loading::load(tx, &question, &ids)?, revisions))
        };
        let (loaded, revisions) = store.query(job).await?;
        match &ids {
            None => {
                self.index = Index::default();
                self.seats.clear();
                self.free.clear();
                self.composites.clear();
                self.ids.clear();
                self.names.clear();
                self.revisions = revisions;
            }
            Some(ids) => {
                self.leave(ids);
                for id in ids {
                    match revisions.get(id) {
                        Some(revision) => self.revisions.insert(*id, *revision),
                        None => self.revisions.remove(id),
                    };
                }
            }
        }
        self.dropped.clear();
        if !self.gained.is_empty() {
            self.gained.clear();
            // Whoever has these groups next finds what became of the time until now, and does not do it again.
            self.written = i64::MIN;
        }
        match &ids {
            Some(ids) => self.reload.retain(|id| !ids.contains(id)),
            None => self.reload.clear(),
        }
        self.seat(loaded);
        Ok(())
    }

    /// Alerts are about to be taken up again, or are gone.
    pub(super) fn leave(&mut self, ids: &[i64]) {
        let mut seats = HashSet::new();
        let mut names = HashSet::new();
        for id in ids {
            let Some(at) = self.ids.remove(id) else { continue };
            let Some(seat) = self.seats.get_mut(at as usize).and_then(Option::take) else { continue };
            seats.insert(at);
            self.free.push(at);
            for condition in &seat.watched.conditions {
                let name = fold(&condition.metric);
                if let Some(alerts) = self.names.get_mut(&name) {
                    alerts.remove(id);
                    if alerts.is_empty() {
                        self.names.remove(&name);
                    }
                }
                names.insert(name);
            }
        }
        self.index.leave(&names, &seats);
        self.composites.leave(&seats);
        self.left.extend(names);
    }

    /// Gives alerts their seats, and their series those who watch them.
    fn seat(&mut self, loaded: Loaded) {
        let Loaded { alerts, metrics, series, left_out } = loaded;
        for (name, known) in &metrics {
            let before = self.index.metric_named(name).filter(|metric| metric.known != *known);
            if let Some(before) = before {
                if before.known.id != known.id {
                    self.dropped.insert(name.clone());
                }
                self.index.forget(name);
                // Whoever else watches it has to find its series again.
                self.reload.extend(self.names.get(name).into_iter().flatten());
            }
        }
        let mut taken = Vec::with_capacity(alerts.len());
        for one in alerts {
            let seat = self.free.pop().unwrap_or(self.seats.len() as u32);
            if seat as usize == self.seats.len() {
                self.seats.push(None);
            }
            for (place, condition) in (0..).zip(&one.watched.conditions) {
                let name = fold(&condition.metric);
                let pair = Pair { seat, place };
                match metrics.get(&name) {
                    Some(known) if known.composite.is_some() => self.composites.enter(&name, known, pair),
                    Some(known) => self.index.enter(&name, known, pair, &self.settings),
                    None => {}
                }
                self.names.entry(name).or_default().insert(one.alert.id);
            }
            self.ids.insert(one.alert.id, seat);
            self.revisions.insert(one.alert.id, one.alert.revision);
            let mut new = Seat::new(one.alert, one.watched, one.state, &self.settings);
            new.transitions = one.transitions;
            new.changed = new.state.take_changed();
            self.seats[seat as usize] = Some(new);
            taken.push(seat);
        }
        self.figures.left_out(left_out);
        for history in series {
            self.take_history(history, &taken);
        }
        let swept = std::mem::take(&mut self.left);
        self.index.sweep(&swept);
        for at in &taken {
            let Some(Some(seat)) = self.seats.get_mut(*at as usize) else { continue };
            seat.close_groups(&self.settings, self.done);
            seat.prime(&self.settings, &self.silences);
        }
    }

    /// Gives alerts that are taken up what one of their series had lately.
    fn take_history(&mut self, history: History, taken: &[u32]) {
        let History { id, metric, series, watchers, incoming, closed } = history;
        let mut watched = Watched::default();
        for one in &watchers {
            let Some(Some(seat)) = self.seats.get_mut(taken[one.alert] as usize) else { continue };
            seat.streams[one.place] += 1;
            watched.add(Pair { seat: taken[one.alert], place: one.place as u32 }, &one.stream);
        }
        if self.index.place(id) == Place::Unknown && self.index.len() >= ALL_STREAMS {
            self.figures.left_out(1);
            return;
        }
        let Some((slot, is_new)) = self.index.track(&metric, id, &series, watched) else { return };
        if is_new {
            self.index.prime(slot, incoming);
        }
        let Some(tracked) = self.index.tracked_mut(slot) else { return };
        let newest = tracked.newest().unwrap_or(i64::MIN);
        let twice = tracked.twice;
        let mut hot = i64::MIN;
        // What is still open comes when it closes.
        for (second, point) in closed.iter().filter(|(_, point)| point.t <= newest) {
            let mut kept = false;
            for Watcher { alert, place, stream } in &watchers {
                let Some(Some(seat)) = self.seats.get_mut(taken[*alert] as usize) else { continue };
                let (place, second, series) = (*place, *second, id);
                kept |= seat.pass(&Passed { place, series, stream, second, point, hot, twice });
            }
            if kept {
                hot = hot.max(point.u);
            }
        }
        tracked.hot = tracked.hot.max(hot);
    }
}

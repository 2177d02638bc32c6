//! Evaluating composites on behalf of conditions, and passing their results on to them.

use std::time::Instant;

use super::composites::{Due, Key};
use super::engine::Engine;
use super::index::Pair;
use crate::composite::Labels;
use crate::serve::compose;
use crate::serve::store::tx::Tx;
use crate::watch::{Reading, Series};

impl Engine {
    /// Evaluates what has new results, and passes these on.
    pub(super) async fn evaluate_composites(&mut self, clock: i64) {
        if self.composites.look(self.store.clock().ran()) {
            self.figures.slowed();
        }
        for due in self.composites.due(clock, self.settings.settle) {
            let Due { key, start, end } = due;
            let (period, from) = (key.1, self.needed_from(&key).unwrap_or(start).min(start));
            let (text, began) = (key.0.clone(), Instant::now());
            let job = move |tx: &Tx| compose::evaluated(tx, &text, (from, end - 1), period, end);
            let outcome = self.store.query(job).await;
            self.composites.took += began.elapsed();
            match outcome {
                Ok(results) => self.pass_results(&key, end, &results),
                Err(problem) if problem.is_passing() => self.figures.failed(),
                Err(problem) => self.cannot_evaluate(&key, end, &problem.told()),
            }
        }
    }

    /// From which event time on those need results that have had none yet.
    fn needed_from(&self, key: &Key) -> Option<i64> {
        let fresh = &self.composites.all.get(key)?.fresh;
        let seats = fresh.iter().filter_map(|pair| self.seats.get(pair.seat as usize)?.as_ref());
        seats.map(|seat| seat.state.history_from(&seat.watched)).min()
    }

    fn pass_results(&mut self, key: &Key, end: i64, results: &[(Labels, Vec<(i64, f64)>)]) {
        let Some(one) = self.composites.all.get_mut(key) else { return };
        let fresh = std::mem::take(&mut one.fresh);
        let (before, period) = (one.newest.unwrap_or(i64::MIN), key.1);
        one.end = Some(end);
        one.told = false;
        let pairs = one.pairs.clone();
        let mut newest = before;
        for (labels, points) in results {
            let series = Series::of_labels(labels);
            for Pair { seat, place } in &pairs {
                let is_fresh = fresh.contains(&Pair { seat: *seat, place: *place });
                let Some(Some(seat)) = self.seats.get_mut(*seat as usize) else { continue };
                let place = *place as usize;
                let Some(stream) = seat.watched.conditions[place].streams.stream_of(&series) else {
                    continue;
                };
                // What is not whole yet will be the next time.
                for (t, value) in points.iter().filter(|(t, _)| t + period <= end) {
                    if is_fresh {
                        seat.put(Reading {
                            u: *t,
                            t: *t,
                            condition: place,
                            stream: stream.clone(),
                            value: Some(*value),
                        });
                    } else if *t > before {
                        // It may come later than its frontier, where composites are evaluated less often.
                        let u = (*t).max(end - period);
                        seat.put(Reading {
                            u,
                            t: *t,
                            condition: place,
                            stream: stream.clone(),
                            value: Some(*value),
                        });
                    }
                }
            }
            newest = points.iter().filter(|(t, _)| t + period <= end).map(|(t, _)| *t).fold(newest, i64::max);
        }
        if let Some(one) = self.composites.all.get_mut(key) {
            one.newest = Some(newest);
        }
        for pair in fresh {
            if let Some(Some(seat)) = self.seats.get_mut(pair.seat as usize) {
                seat.prime(&self.settings, &[]);
            }
        }
    }

    /// The condition stays as it is.
    fn cannot_evaluate(&mut self, key: &Key, end: i64, why: &str) {
        self.figures.failed();
        let Some(one) = self.composites.all.get_mut(key) else { return };
        one.end = Some(end);
        if !std::mem::replace(&mut one.told, true) {
            tracing::error!(target: "librato_apply::serve", definition = key.0, "a composite that alerts watch cannot be evaluated, so they stay as they are: {why}");
        }
    }
}

//! What the engine writes: what happened, at once; states that changed and the clock, every few seconds. What cannot be written is kept
//! and tried again, and its alerts wait for it. Nothing is written of alerts whose group was given to another server.

use std::sync::Arc;

use super::engine::Engine;
use super::seat::Seat;
use crate::serve::catalog::alerting::clock::{self, Written};
use crate::serve::catalog::alerting::record::{Recorded, record};
use crate::serve::catalog::alerting::states::Kept;
use crate::serve::cluster::Token;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::watch::Context;

/// Alerts in one transaction.
const TOGETHER: usize = 500;

/// How often states and the clock are written, in milliseconds.
const EVERY: i64 = 5_000;

/// The first pause after a write that failed, and the longest, in milliseconds.
const PAUSE: i64 = 1_000;
const LONGEST_PAUSE: i64 = 60_000;

impl Engine {
    /// Writes what happened. Alerts of which it could not be written wait until it can be.
    pub(super) async fn commit(&mut self) {
        if self.store.clock().ran() < self.rest.0 {
            return;
        }
        let happened = |seat: &Seat| !seat.transitions.is_empty();
        let seats = self.those(happened);
        for some in seats.chunks(TOGETHER) {
            if !self.write(some).await {
                return;
            }
        }
    }

    /// Writes states and clock, if it is time.
    pub(super) async fn write_states_in_turn(&mut self) {
        let ran = self.store.clock().ran();
        if ran >= self.rest.0
            && (self.written == i64::MIN || ran - self.written >= EVERY)
            && !self.ids.is_empty()
        {
            self.write_states().await;
        }
    }

    /// Writes the states that changed, and then the clock, which says that there are no others.
    pub(super) async fn write_states(&mut self) {
        let seats = self.those(|seat| seat.changed && seat.transitions.is_empty());
        for some in seats.chunks(TOGETHER) {
            if !self.write(some).await {
                return;
            }
        }
        let waits =
            !self.reload.is_empty() || self.seats.iter().flatten().any(|seat| !seat.transitions.is_empty());
        if waits {
            return;
        }
        let written = Written { clock: self.done(), wall: self.store.now() };
        let (groups, of) = (self.settled(), self.share.of);
        let Some(tokens) = self.tokens(groups.iter().copied()) else { return };
        let write = move |tx: &Tx| {
            Token::fence_all(&tokens, tx)?;
            clock::write(tx, &groups, of, written)
        };
        match self.store.write(write).await {
            Ok(()) => self.written = self.store.clock().ran(),
            Err(error) => self.failed(&error),
        }
    }

    fn those(&self, which: impl Fn(&Seat) -> bool) -> Vec<u32> {
        let seats = (0..).zip(&self.seats);
        seats.filter_map(|(at, seat)| seat.as_ref().filter(|seat| which(seat)).map(|_| at)).collect()
    }

    /// Writes what is new of some alerts in one transaction. Whether it could.
    async fn write(&mut self, seats: &[u32]) -> bool {
        let mut batch = Vec::with_capacity(seats.len());
        for seat in seats.iter().filter_map(|at| self.seats.get(*at as usize)?.as_ref()) {
            let ctx = Context { alert: &seat.watched, settings: &self.settings, silences: &[] };
            match Kept::of(&seat.state, &ctx) {
                Ok(kept) => batch.push(Recorded {
                    alert: Arc::clone(&seat.alert),
                    watched: Arc::clone(&seat.watched),
                    transitions: seat.transitions.clone(),
                    state: kept,
                }),
                Err(error) => {
                    self.failed(&error);
                    return false;
                }
            }
        }
        let mut terms = self.by.terms(self.store.now());
        // Who has the original notifies.
        terms.notify &= !self.store.is_unadopted_copy();
        let Some(tokens) = self.tokens(batch.iter().map(|one| one.alert.id)) else { return false };
        let write = move |tx: &Tx| {
            Token::fence_all(&tokens, tx)?;
            record(tx, &terms, &batch)
        };
        match self.store.write(write).await {
            Ok(stale) => {
                // What was worked out of an alert that someone has changed meanwhile is void.
                self.reload.extend(&stale);
                for at in seats {
                    if let Some(Some(seat)) = self.seats.get_mut(*at as usize)
                        && !stale.contains(&seat.alert.id)
                    {
                        self.figures.happened(&seat.transitions);
                        #[cfg(test)]
                        self.log.extend(seat.transitions.iter().cloned());
                        seat.transitions.clear();
                        seat.changed = false;
                    }
                }
                self.rest = (i64::MIN, 0);
                true
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    fn failed(&mut self, error: &StoreError) {
        if let StoreError::Superseded = error {
            // What another server has got is gone with the next round, and the rest can be written then.
            self.figures.failed();
            return;
        }
        let pause = (2 * self.rest.1).clamp(PAUSE, LONGEST_PAUSE);
        self.rest = (self.store.clock().ran() + pause, pause);
        self.figures.failed();
        // What is only repeated was told where it was found.
        if !matches!(error, StoreError::Trouble { cause: None, .. } | StoreError::Unavailable) {
            tracing::error!(target: "librato_apply::serve", %error, "what happened to alerts cannot be written; it is tried again");
        }
    }
}

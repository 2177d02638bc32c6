//! What a queue and its batches on their way share. One lock, never held while waiting.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Semaphore;

use super::options::Options;
use crate::measure::Measurement;
use crate::measure::batch_sender::{BatchSender, Delivery};
use crate::measure::outcome::{Refused, SubmitError, Submitted};
use crate::remote::{ApiError, WriteApi};

/// What outlives a single call of a queue.
pub(super) struct Shared<A> {
    api: A,
    pub(super) options: Options,
    sender: BatchSender,
    /// One permit for each batch that may be on its way.
    room: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Measurement>,
    /// Counts how often `waiting` was emptied, so that a timer knows whether what it was set for is still there.
    emptied: u64,
    on_their_way: usize,
    submitted: Submitted,
    refused: Vec<Refused>,
    doubtful: Vec<Refused>,
    /// Why something could not be sent. Until someone asks for it, nothing more is sent.
    error: Option<ApiError>,
    unclear: u64,
}

impl<A> fmt::Debug for Shared<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let (waiting, on_their_way) = (state.waiting.len(), state.on_their_way);
        write!(f, "Shared({waiting} waiting, {on_their_way} on their way)")
    }
}

impl<A> Shared<A> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn held(&self) -> usize {
        self.state().waiting.len()
    }

    pub(super) fn on_their_way(&self) -> usize {
        self.state().on_their_way
    }

    pub(super) fn take_all(&self) -> Vec<Measurement> {
        let mut state = self.state();
        state.emptied += 1;
        state.waiting.drain(..).collect()
    }

    /// Allows sending again after a failure.
    pub(super) fn forgive(&self) {
        let mut state = self.state();
        (state.error, state.unclear) = (None, 0);
    }

    /// What was taken since the last time it was asked.
    pub(super) fn submitted(&self) -> Submitted {
        std::mem::take(&mut self.state().submitted)
    }

    /// What went wrong since the last time it was asked. A failure stays until it is forgiven; what was taken is left to
    /// be told by `submit` while the queue is `still_adding`.
    pub(super) fn problem(&self, still_adding: bool) -> Option<SubmitError> {
        let mut state = self.state();
        if state.refused.is_empty() && state.doubtful.is_empty() && state.error.is_none() {
            return None;
        }
        Some(SubmitError {
            submitted: if still_adding { Submitted::default() } else { std::mem::take(&mut state.submitted) },
            refused: std::mem::take(&mut state.refused),
            doubtful: std::mem::take(&mut state.doubtful),
            held: if state.error.is_some() { state.waiting.len() } else { 0 },
            unclear: state.unclear,
            error: state.error.clone(),
        })
    }
}

impl<A: WriteApi + Clone + 'static> Shared<A> {
    pub(super) fn new(api: A, options: Options) -> Self {
        let room = Arc::new(Semaphore::new(options.in_flight));
        let sender = BatchSender::new(options.retry);
        Self { api, options, sender, room, state: Mutex::default() }
    }

    /// Puts a measurement in; whether it is time to submit. Sets the timer where there is one.
    pub(super) fn push(self: &Arc<Self>, measurement: Measurement) -> bool {
        let mut state = self.state();
        state.waiting.push_back(measurement);
        if let (Some(age), 1) = (self.options.auto_submit_age, state.waiting.len()) {
            let (shared, set_for) = (Arc::downgrade(self), state.emptied);
            tokio::spawn(async move {
                tokio::time::sleep(age).await;
                if let Some(shared) = shared.upgrade().filter(|shared| shared.state().emptied == set_for) {
                    shared.start().await;
                }
            });
        }
        self.options.auto_submit_count.is_some_and(|count| state.waiting.len() >= count)
    }

    /// Sends what is waiting, batch by batch, waiting for room; stops where something could not be sent.
    pub(super) async fn start(self: &Arc<Self>) {
        loop {
            // The semaphore is never closed, so there is nothing to do about the error.
            let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else { return };
            let Some(batch) = self.next_batch() else { return };
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                let delivery = shared.sender.deliver(&shared.api, &batch).await;
                shared.record(batch, delivery);
                drop(permit);
            });
        }
    }

    fn next_batch(&self) -> Option<Vec<Measurement>> {
        let mut state = self.state();
        if state.error.is_some() || state.waiting.is_empty() {
            return None;
        }
        let size = state.waiting.len().min(self.options.batch);
        let batch: Vec<_> = state.waiting.drain(..size).collect();
        state.on_their_way += size;
        state.emptied += u64::from(state.waiting.is_empty());
        Some(batch)
    }

    fn record(&self, batch: Vec<Measurement>, delivery: Delivery) {
        let mut state = self.state();
        state.on_their_way -= batch.len();
        state.submitted.add(delivery.submitted);
        state.unclear += delivery.unclear;
        if delivery.error.is_some() {
            state.error = delivery.error;
        }
        let mut batch: Vec<_> = batch.into_iter().map(Some).collect();
        let mut take = |index: usize| batch.get_mut(index).and_then(Option::take);
        for (index, reason) in delivery.refused {
            state.refused.extend(take(index).map(|measurement| Refused { measurement, reason }));
        }
        for (index, reason) in delivery.doubtful {
            state.doubtful.extend(take(index).map(|measurement| Refused { measurement, reason }));
        }
        for measurement in delivery.unsent.into_iter().rev().filter_map(take) {
            state.waiting.push_front(measurement);
        }
    }

    /// Waits until nothing is on its way.
    pub(super) async fn landed(&self) {
        let all = u32::try_from(self.options.in_flight).unwrap_or(u32::MAX);
        let _ = self.room.acquire_many(all).await;
    }
}

//! A lane: batches in order over one connection, each stored exactly once as long as the process lives. Of a batch whose answer did not come
//! it finds out what became of it before it goes on; it never cancels one, since a commit that is cancelled while it waits for a standby
//! is a success with a warning.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::journal::{Batch, Journal, Settled};
use super::queue::{Fate, Queue};
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::connection::Connection;
use crate::serve::store::postgres::session::Session;
use crate::serve::store::postgres::shared::Shared;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::sample::Sample;

/// How long the end waits for a database that does not answer.
const CLOSING: Duration = Duration::from_secs(10);

/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Lane {
    shared: Arc<Shared>,
    journal: &'static dyn Journal,
    node: Arc<str>,
    closing: Arc<AtomicBool>,
    connection: Option<Connection>,
    /// Its number, and that of its last batch.
    numbers: Option<(i64, i64)>,
}

impl Lane {
    pub fn new(
        shared: Arc<Shared>,
        journal: &'static dyn Journal,
        node: Arc<str>,
        closing: Arc<AtomicBool>,
    ) -> Lane {
        Lane { shared, journal, node, closing, connection: None, numbers: None }
    }

    /// Stores what waits in the queue, until it is closed.
    pub fn run(mut self, queue: &Queue) {
        while let Some(group) = queue.take() {
            let store = AssertUnwindSafe(|| self.store(&group.samples, group.epoch));
            let fate = catch_unwind(store).unwrap_or_else(|_| {
                (self.connection, self.numbers) = (None, None);
                tracing::error!(target: "librato_apply::serve", "a lane panicked; it begins anew");
                Fate::Unknown
            });
            group.answer(fate);
            let pause = self.shared.condition.pressure.pause();
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
    }

    /// Stores samples, or finds out that they are not.
    pub fn store(&mut self, samples: &[Sample], epoch: i64) -> Fate {
        let (begun, mut in_doubt, mut pause) = (Instant::now(), false, Duration::from_millis(20));
        loop {
            let outcome = self.attempt(samples, epoch, &mut in_doubt);
            match outcome {
                Ok(Some(fate)) => return fate,
                Ok(None) => {}
                Err(error) => {
                    self.connection = None;
                    self.shared.condition.flow.retries.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(target: "librato_apply::serve", %error, "a batch of measurements was not stored; it is tried again");
                }
            }
            if !in_doubt && begun.elapsed() > self.shared.pool.patience() {
                return Fate::Failed;
            }
            if self.closing.load(Ordering::Acquire) && begun.elapsed() > CLOSING {
                self.numbers = None;
                return if in_doubt { Fate::Unknown } else { Fate::Failed };
            }
            thread::sleep(pause);
            pause = (2 * pause).min(PAUSE);
        }
    }

    /// One attempt. `in_doubt` is whether one before it may have stored them, or may still do so.
    fn attempt(
        &mut self,
        samples: &[Sample],
        epoch: i64,
        in_doubt: &mut bool,
    ) -> Result<Option<Fate>, StoreError> {
        let journal = self.journal;
        let (lane, last) = self.connect()?;
        if *in_doubt {
            let settled = self.settle(lane, last + 1, in_doubt)?;
            let counts = &self.shared.condition.flow.settled;
            let (count, fate) = match settled {
                Settled::Stored => (&counts.stored, Some(Fate::Stored)),
                // It is attempted again, unless the time for that is over.
                Settled::NotStored { .. } => (&counts.not_stored, None),
                Settled::Gone => (&counts.gone, Some(Fate::Unknown)),
            };
            count.fetch_add(1, Ordering::Relaxed);
            return Ok(fate);
        }
        *in_doubt = true;
        let begun = Instant::now();
        let second = self.shared.condition.clock.second_set();
        let batch = Batch { lane, seq: last + 1, epoch, samples, second };
        if self.statement(|tx| journal.append(tx, &batch))? {
            self.numbers = Some((lane, last + 1));
            self.shared.condition.flow.stored(samples.len(), begun.elapsed());
            return Ok(Some(Fate::Stored));
        }
        Ok(match self.settle(lane, last + 1, in_doubt)? {
            Settled::Stored => Some(Fate::Stored),
            // The lane is as it was left, so it is the epoch that is not.
            Settled::NotStored { .. } => {
                self.shared.condition.flow.stale.fetch_add(1, Ordering::Relaxed);
                Some(Fate::Stale)
            }
            Settled::Gone => None,
        })
    }

    /// Finds out what became of a batch.
    fn settle(&mut self, lane: i64, seq: i64, in_doubt: &mut bool) -> Result<Settled, StoreError> {
        let journal = self.journal;
        let settled = self.statement(|tx| journal.settle(tx, lane, seq))?;
        *in_doubt = false;
        self.numbers = match settled {
            Settled::Stored => Some((lane, seq)),
            Settled::NotStored { last } => Some((lane, last)),
            Settled::Gone => None,
        };
        Ok(settled)
    }

    /// Sees to a connection and to the lane. Its number, and that of its last batch.
    fn connect(&mut self) -> Result<(i64, i64), StoreError> {
        if self.connection.as_ref().is_none_or(Connection::is_closed) {
            self.connection = Some(self.shared.pool.open()?);
        }
        if let Some(numbers) = self.numbers {
            return Ok(numbers);
        }
        let (journal, node) = (self.journal, Arc::clone(&self.node));
        let lane = self.statement(|tx| journal.open(tx, &node))?;
        Ok(*self.numbers.insert((lane, 0)))
    }

    /// A statement that is a transaction. A success that the database warns of is none.
    fn statement<T>(&self, run: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection.as_ref().ok_or(StoreError::Unavailable)?;
        connection.forget_errors();
        let tx = Tx::on_postgres(Session(connection), self.shared.condition.aging());
        let outcome = run(&tx);
        self.shared.condition.statements.fetch_add(tx.statements(), Ordering::Relaxed);
        if connection.is_warned() { Err(StoreError::Unknown) } else { outcome }
    }
}

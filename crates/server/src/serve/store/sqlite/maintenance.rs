//! The thread that keeps the file in order: now and then it works out a step over a snapshot and has the writer write
//! it, as long as there is any, in transactions between those of the requests. What the work is, the jobs know.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::contents::{Job, Worked};
use super::file::Held;
use super::open_error::OpenError;
use super::writer::Writer;
use crate::serve::store::condition::Condition;
use crate::serve::store::error::StoreError;

/// How often the thread looks for something to do.
const PAUSE: Duration = Duration::from_secs(1);

/// The most of them that are left out after failures.
const LONGEST_REST: u32 = 60;

pub struct Maintenance {
    stop: Sender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Maintenance {
    /// Without a `reader`, the snapshots are the writer's.
    pub fn start(
        writer: Arc<Writer>,
        reader: Option<Held>,
        jobs: Vec<Arc<dyn Job>>,
        condition: Arc<Condition>,
    ) -> Result<Maintenance, OpenError> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("store-maintenance".to_owned())
            .spawn(move || work(&writer, reader.as_ref(), jobs, &condition, &stopped))
            .map_err(OpenError::Thread)?;
        Ok(Maintenance { stop, thread: Mutex::new(Some(thread)) })
    }

    /// Does what is to be done before the file is closed, then ends the thread.
    pub fn close(&self) {
        let _ = self.stop.send(());
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// A job with the pauses that it is left alone for.
struct Kept {
    job: Arc<dyn Job>,
    rest: Rest,
}

fn work(
    writer: &Writer,
    reader: Option<&Held>,
    jobs: Vec<Arc<dyn Job>>,
    condition: &Condition,
    stopped: &Receiver<()>,
) {
    let mut jobs: Vec<Kept> = jobs.into_iter().map(|job| Kept { job, rest: Rest::default() }).collect();
    let mut closing = false;
    while !closing {
        closing = !matches!(stopped.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout));
        for kept in &mut jobs {
            closing = kept.turn(writer, reader, condition, closing, stopped);
        }
    }
}

impl Kept {
    /// Does what is due, all of it when `closing`. Whether the store is closing.
    fn turn(
        &mut self,
        writer: &Writer,
        reader: Option<&Held>,
        condition: &Condition,
        mut closing: bool,
        stopped: &Receiver<()>,
    ) -> bool {
        if self.tick(writer, reader).inspect_err(failed).is_err() {
            condition.failures.fetch_add(1, Ordering::Relaxed);
        }
        let mut late = false;
        while closing || self.rest.is_over() {
            // What a step that fails did not do stays to be done.
            let done = match self.next(writer, reader, closing, late) {
                Ok(None) => break,
                Ok(Some(Worked { writes, behind })) => {
                    late = behind;
                    writes.into_iter().all(|write| writer.run_blocking(write).inspect_err(failed).is_ok())
                }
                Err(error) => {
                    failed(&error);
                    false
                }
            };
            if !done {
                condition.failures.fetch_add(1, Ordering::Relaxed);
                self.rest.lengthen();
                break;
            }
            self.rest = Rest::default();
            if let Some(reader) = reader {
                checkpoint(reader);
            }
            if !closing && stopped.try_recv().is_ok() {
                closing = true;
            }
        }
        if let Some(write) = self.job.remember(closing) {
            let _ = writer.run_blocking(write).inspect_err(failed);
        }
        closing
    }

    fn next(
        &self,
        writer: &Writer,
        reader: Option<&Held>,
        closing: bool,
        behind: bool,
    ) -> Result<Option<Worked>, StoreError> {
        match reader {
            Some(reader) if !behind => {
                let snapshot = reader.unchecked_transaction()?;
                catch_unwind(AssertUnwindSafe(|| self.job.step(&snapshot, closing)))
                    .unwrap_or_else(|_| Err(StoreError::internal("a step of the maintenance panicked")))
            }
            // On the writer's time requests wait, and so come no faster than they are worked off.
            _ => {
                let job = Arc::clone(&self.job);
                writer.run_blocking(move |connection| job.step(connection, closing))
            }
        }
    }

    fn tick(&self, writer: &Writer, reader: Option<&Held>) -> Result<(), StoreError> {
        match reader {
            Some(reader) => Ok(self.job.tick(reader)?),
            None => {
                let job = Arc::clone(&self.job);
                writer.run_blocking(move |connection| Ok(job.tick(connection)?))
            }
        }
    }
}

fn failed(error: &StoreError) {
    // What is only repeated was told where it was found.
    if !matches!(error, StoreError::Trouble { cause: None, .. } | StoreError::Unavailable) {
        tracing::error!(target: "librato_apply::serve", %error, "the data file is not kept in order");
    }
}

/// Pauses that are left out after a step failed, twice as many each time: the log should not fill with it.
#[derive(Default)]
struct Rest {
    all: u32,
    left: u32,
}

impl Rest {
    fn lengthen(&mut self) {
        self.all = (2 * self.all + 1).min(LONGEST_REST);
        self.left = self.all;
    }

    fn is_over(&mut self) -> bool {
        let over = self.left == 0;
        self.left = self.left.saturating_sub(1);
        over
    }
}

/// Copies the write-ahead log into the file as far as no one reads it, so that the writer, which does the same after its
/// commits, finds little left to copy.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::debug!(target: "librato_apply::serve", %error, "cannot checkpoint");
    }
}

//! The thread that keeps the file in order: now and then it works out a step over a snapshot and has the writer write
//! it, as long as there is any, in transactions between those of the requests. What the work is, `maintenance` knows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::file::Held;
use super::maintenance::Maintenance;
use super::open_error::OpenError;
use super::writer::Writer;
use crate::serve::store::error::StoreError;

/// How often the thread looks for something to do.
const PAUSE: Duration = Duration::from_secs(1);

/// The most of them that are left out after failures.
const LONGEST_REST: u32 = 60;

/// What is done with the writer's connection.
pub type Write = Box<dyn FnOnce(&Connection) -> Result<(), StoreError> + Send>;

/// A bounded step as it was worked out.
pub struct Worked {
    /// Write it, in several transactions. Nobody but this thread may have changed what it rests on.
    pub writes: Vec<Write>,
    /// Whether requests make work faster than it is done here.
    pub behind: bool,
}

pub struct Upkeep {
    stop: Sender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Upkeep {
    /// Without a `reader`, the snapshots are the writer's.
    pub fn start(
        writer: Arc<Writer>,
        reader: Option<Held>,
        maintenance: Maintenance,
    ) -> Result<Upkeep, OpenError> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("store-upkeep".to_owned())
            .spawn(move || work(&writer, reader.as_ref(), &Arc::new(maintenance), &stopped))
            .map_err(OpenError::Thread)?;
        Ok(Upkeep { stop, thread: Mutex::new(Some(thread)) })
    }

    /// Does what is to be done before the file is closed, then ends the thread.
    pub fn close(&self) {
        let _ = self.stop.send(());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn work(writer: &Writer, reader: Option<&Held>, maintenance: &Arc<Maintenance>, stopped: &Receiver<()>) {
    let next = |closing: bool, behind: bool| match reader {
        Some(reader) if !behind => {
            let snapshot = reader.unchecked_transaction()?;
            catch_unwind(AssertUnwindSafe(|| maintenance.step(&snapshot, closing)))
                .unwrap_or_else(|_| Err(StoreError::internal("a step of the upkeep panicked")))
        }
        // On the writer's time requests wait, and so come no faster than they are worked off.
        _ => {
            let maintenance = Arc::clone(maintenance);
            writer.run_blocking(move |connection| maintenance.step(connection, closing))
        }
    };
    let (mut closing, mut rest) = (false, Rest::default());
    while !closing {
        let mut late = false;
        closing = !matches!(stopped.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout));
        tick(writer, reader, maintenance);
        while closing || rest.is_over() {
            // What a step that fails did not do stays to be done.
            let done = match next(closing, late) {
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
                maintenance.condition.failures.fetch_add(1, Ordering::Relaxed);
                rest.lengthen();
                break;
            }
            rest = Rest::default();
            if let Some(reader) = reader {
                checkpoint(reader);
            }
            if !closing && stopped.try_recv().is_ok() {
                closing = true;
            }
        }
        if let Some(write) = maintenance.remember(closing) {
            let _ = writer.run_blocking(write).inspect_err(failed);
        }
    }
}

fn tick(writer: &Writer, reader: Option<&Held>, maintenance: &Arc<Maintenance>) {
    let ticked = match reader {
        Some(reader) => maintenance.tick(reader).map_err(StoreError::from),
        None => {
            let maintenance = Arc::clone(maintenance);
            writer.run_blocking(move |connection| Ok(maintenance.tick(connection)?))
        }
    };
    if ticked.inspect_err(failed).is_err() {
        maintenance.condition.failures.fetch_add(1, Ordering::Relaxed);
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

/// Copies the write-ahead log into the file as far as nobody reads it, so that the writer, which does the same after its
/// commits, finds little left to copy.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::debug!(target: "librato_apply::serve", %error, "cannot checkpoint");
    }
}

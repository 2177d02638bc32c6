//! The thread that keeps the file in order: now and then it works out a step over a snapshot and has the writer write
//! it, as long as there is any, in transactions between those of the requests. What the work is it does not know.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::file::Held;
use super::open::OpenError;
use super::writer::Writer;
use crate::serve::http::problem::Problem;

/// How often the thread looks for something to do.
const PAUSE: Duration = Duration::from_secs(1);

/// Works out the next bounded step, given whether the file is about to be closed; nothing when nothing is left to do.
pub type Step = fn(&Connection, bool) -> Result<Option<Worked>, Problem>;

/// What is done with the writer's connection.
pub type Write = Box<dyn FnOnce(&Connection) -> Result<(), Problem> + Send>;

/// A step as it was worked out.
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
    pub fn start(writer: Arc<Writer>, reader: Option<Held>, step: Step) -> Result<Upkeep, OpenError> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("store-upkeep".to_owned())
            .spawn(move || work(&writer, reader.as_ref(), step, &stopped))
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

fn work(writer: &Writer, reader: Option<&Held>, step: Step, stopped: &Receiver<()>) {
    let next = |closing: bool, behind: bool| match reader {
        Some(reader) if !behind => {
            let snapshot = reader.unchecked_transaction()?;
            catch_unwind(AssertUnwindSafe(|| step(&snapshot, closing)))
                .unwrap_or_else(|_| Err(Problem::internal("a step of the upkeep panicked")))
        }
        // On the writer's time requests wait, and so come no faster than they are worked off.
        _ => writer.run_blocking(move |connection| step(connection, closing)),
    };
    let mut closing = false;
    while !closing {
        let mut late = false;
        closing = !matches!(stopped.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout));
        // A step that fails was logged; what it did not do stays to be done.
        while let Ok(Some(Worked { writes, behind })) = next(closing, late)
            && writes.into_iter().all(|write| writer.run_blocking(write).is_ok())
        {
            late = behind;
            if let Some(reader) = reader {
                checkpoint(reader);
            }
            if !closing && stopped.try_recv().is_ok() {
                closing = true;
            }
        }
    }
}

/// Copies the write-ahead log into the file as far as nobody reads it, so that the writer, which does the same after its
/// commits, finds little left to copy.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::debug!(target: "librato_apply::serve", %error, "cannot checkpoint");
    }
}

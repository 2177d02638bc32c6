//! The thread that keeps the file in order: now and then it has the writer do a step of work, as long as there is
//! any, each in a transaction of its own between those of the requests. What the work is it does not know.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::open::OpenError;
use super::writer::Writer;
use crate::serve::http::problem::Problem;

/// How often the thread looks for something to do.
const PAUSE: Duration = Duration::from_secs(1);

/// One bounded step, given whether the file is about to be closed; tells whether there may be more to do.
pub type Step = fn(&Connection, bool) -> Result<bool, Problem>;

pub struct Upkeep {
    stop: Sender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Upkeep {
    pub fn start(writer: Arc<Writer>, step: Step) -> Result<Upkeep, OpenError> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("store-upkeep".to_owned())
            .spawn(move || work(&writer, step, &stopped))
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

fn work(writer: &Writer, step: Step, stopped: &Receiver<()>) {
    let mut closing = false;
    while !closing {
        closing = !matches!(stopped.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout));
        // A step that fails was logged; what it did not do stays to be done.
        while writer.run_blocking(move |connection| step(connection, closing)).unwrap_or(false) {
            if !closing && stopped.try_recv().is_ok() {
                closing = true;
            }
        }
    }
}

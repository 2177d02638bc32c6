//! Reads rows in a thread of its own and hands them over in chunks. Whenever it may have to wait for input it holds nothing,
//! so that slow input is sent as it comes and stopping loses nothing.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use librato_apply::measure::BATCH;
use librato_apply::measure::read::{Format, ReadError, Row, Rows};
use tokio::sync::mpsc;

/// How many chunks may wait to be taken.
const AHEAD: usize = 8;

/// Rows in the order of their lines.
pub type Chunk = Result<Vec<Row>, ReadError>;

/// A thread that reads.
pub struct Reader {
    /// What was read. Ends with the input, or after an error.
    pub chunks: mpsc::Receiver<Chunk>,
    stop: Arc<AtomicBool>,
    idle: Arc<AtomicBool>,
}

impl Reader {
    /// Starts to read. The thread ends with the input; one that waits for input ends with the process.
    pub fn start(input: Box<dyn Read + Send>, format: Option<Format>) -> Self {
        let (sender, chunks) = mpsc::channel(AHEAD);
        let (stop, idle) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let signals = (Arc::clone(&stop), Arc::clone(&idle));
        std::thread::spawn(move || read(Rows::new(input, format), &sender, &signals.0, &signals.1));
        Self { chunks, stop, idle }
    }

    /// Asks it to end after what is read already.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Whether it waits for input, and everything it read was taken.
    pub fn is_idle(&self) -> bool {
        // In this order: it hands over what it holds before it says that it waits.
        self.idle.load(Ordering::SeqCst) && self.chunks.is_empty()
    }
}

fn read(
    mut rows: Rows<Box<dyn Read + Send>>,
    chunks: &mpsc::Sender<Chunk>,
    stop: &AtomicBool,
    idle: &AtomicBool,
) {
    let mut held = Vec::with_capacity(BATCH);
    loop {
        let may_block = rows.may_block();
        if (may_block && !held.is_empty()) || held.len() == BATCH {
            let full = std::mem::replace(&mut held, Vec::with_capacity(BATCH));
            if chunks.blocking_send(Ok(full)).is_err() {
                return;
            }
        }
        if may_block && stop.load(Ordering::SeqCst) {
            return;
        }
        idle.store(may_block, Ordering::SeqCst);
        let row = rows.next_row();
        idle.store(false, Ordering::SeqCst);
        match row {
            Ok(Some(row)) => held.push(row),
            Ok(None) => {
                let _ = chunks.blocking_send(Ok(held));
                return;
            }
            Err(error) => {
                // Whoever listens no more has said why.
                let _ = chunks.blocking_send(Ok(held));
                let _ = chunks.blocking_send(Err(error));
                return;
            }
        }
    }
}

//! How far a command has come, which decides what a Ctrl-C means.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How far a command has come, which decides what a Ctrl-C means. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Stage(Arc<AtomicU8>);

const LOOKING: u8 = 0;
const SENDING: u8 = 1;
const LISTENING: u8 = 2;

impl Stage {
    /// From now on something is sent that may have been done when it is broken off.
    pub fn sends(&self) {
        self.0.store(SENDING, Ordering::SeqCst);
    }

    /// From now on the command hears Ctrl-C itself.
    pub fn listens(&self) {
        self.0.store(LISTENING, Ordering::SeqCst);
    }

    /// What a Ctrl-C comes to now; nothing where the command hears it itself.
    pub fn broken_off(&self) -> Option<&'static str> {
        match self.0.load(Ordering::SeqCst) {
            LOOKING => Some("interrupted: nothing was changed"),
            SENDING => Some("interrupted: what was being sent may have been done all the same"),
            _ => None,
        }
    }
}

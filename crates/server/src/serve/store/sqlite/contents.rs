//! What lies in a data file, as far as the store has to keep it in order and to examine it without knowing what it is.

use std::sync::Arc;

use rusqlite::Connection;

use super::report::Report;
use crate::serve::store::condition::Condition;
use crate::serve::store::error::StoreError;
use crate::serve::store::opening::Opening;
use crate::serve::tsdb::aging::Aging;

/// What is done with the writer's connection.
pub type Write = Box<dyn FnOnce(&Connection) -> Result<(), StoreError> + Send>;

/// A bounded step as it was worked out.
pub struct Worked {
    /// Write it, in several transactions. No one but the maintenance may have changed what it rests on.
    pub writes: Vec<Write>,
    /// Whether requests make work faster than it is done here.
    pub behind: bool,
}

/// Keeps something in order, step by step, on a thread of the store.
pub trait Job: Send + Sync {
    /// Asked before every look at what is due.
    fn tick(&self, connection: &Connection) -> rusqlite::Result<()>;

    /// The next step of what is due, or of all there is when `closing`, worked out over a snapshot.
    fn step(&self, connection: &Connection, closing: bool) -> Result<Option<Worked>, StoreError>;

    /// What is to be written when nothing is due any more for now.
    fn remember(&self, closing: bool) -> Option<Write>;
}

/// A part of the examination of a file; what is wrong is added to the report.
pub type Examination = fn(&Connection, &mut Report) -> rusqlite::Result<()>;

/// Begins a job over a file that is open; the operator may vouch for the clock.
pub type Begin = fn(&Connection, Arc<Condition>, bool) -> rusqlite::Result<Arc<dyn Job>>;

/// What whoever opens or examines a file has to know of what is in it.
pub struct Contents {
    /// How what is in it ages, from now on as whoever opens it decides.
    pub aging: fn(&Connection, &Opening) -> Result<Aging, StoreError>,
    pub jobs: &'static [Begin],
    pub examinations: &'static [Examination],
}

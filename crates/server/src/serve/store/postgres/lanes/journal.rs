//! What lanes ask of whoever knows the journal.

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::sample::Sample;

/// A batch of a lane.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub lane: i64,
    /// Its number: one more than that of the batch before, of the same lane.
    pub seq: i64,
    /// That of the database in which its samples were resolved.
    pub epoch: i64,
    pub samples: &'a [Sample],
    /// The second in which it is received, where the clock of the database does not say.
    pub second: Option<i64>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Stored,
    /// It is not stored and will never be, since numbers go on behind this one.
    NotStored {
        last: i64,
    },
    /// The lane is not there any more.
    Gone,
}

/// The statements of lanes, each of which is a transaction.
pub trait Journal: Send + Sync {
    /// Makes a lane of a server. Its number.
    fn open(&self, tx: &Tx<'_>, node: &str) -> Result<i64, StoreError>;

    /// Stores a batch, if the one before it was the last and the epoch is the one in which it was resolved. Whether it is stored.
    fn append(&self, tx: &Tx<'_>, batch: &Batch<'_>) -> Result<bool, StoreError>;

    /// Waits for a copy of a batch that is under way, and finds out what became of it. One that comes later does nothing.
    fn settle(&self, tx: &Tx<'_>, lane: i64, seq: i64) -> Result<Settled, StoreError>;
}

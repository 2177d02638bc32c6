//! Why data were not moved, with what to do about it.

use crate::serve::store::OpenError;
use crate::serve::store::error::StoreError;

/// Why something was not moved. What was stays; the same migration can go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The target is in use.
    #[error("the target holds data already (in {0}); choose one that is empty")]
    NotEmpty(&'static str),
    /// Another migration was broken off.
    #[error(
        "a migration of other data into this target was broken off; go on with that one, or choose an empty target"
    )]
    Another,
    /// Servers use one of the two.
    #[error("{0} is in use by {1}; stop what serves it first")]
    InUse(String, String),
    /// Something in the source cannot be read.
    #[error(
        "something in the source cannot be read; `serve check` says what, and a server over it sets it aside"
    )]
    Damaged,
    /// One of the two cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An older version wrote it.
    #[error(
        "the source holds blocks of an older version; serve it until `librato_apply_blocks_to_migrate` is 0"
    )]
    Blocks,
    /// It is not the same.
    #[error("what was moved is not what was there: {0}; this target must not be used")]
    Differs(String),
    /// One of the two failed meanwhile.
    #[error("{place} failed: {why}. What was moved stays; run the same again to go on")]
    Failed {
        /// Which.
        place: String,
        /// What was said.
        why: String,
    },
    /// A fault of the program.
    #[error("opening the data panicked")]
    Panicked,
}

impl MigrateError {
    pub(super) fn failed(place: &str, error: &StoreError) -> MigrateError {
        let why = match error {
            StoreError::Unavailable => "it does not answer".to_owned(),
            StoreError::Busy => "others use it, for longer than can be waited".to_owned(),
            StoreError::Unknown => "it broke off in the middle of a commit".to_owned(),
            other => other.to_string(),
        };
        MigrateError::Failed { place: place.to_owned(), why }
    }
}

//! Where data are moved from and to, opened so that nothing else is done with them.

use std::fmt;
use std::path::PathBuf;

use super::error::MigrateError;
use super::table;
use crate::serve::data;
#[cfg(feature = "postgres")]
use crate::serve::series::postgres::whole;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Data, OpenError, Opening, Report, Store};
#[cfg(feature = "postgres")]
use crate::serve::store::{Postgres, SetupError, Upgraded, postgres};

/// A file, or a database that servers share.
#[derive(Debug, Clone)]
pub enum Place {
    /// A data file.
    File(PathBuf),
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    Database(Box<Postgres>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "postgres")]
            Place::Database(database) => write!(f, "{database}"),
        }
    }
}

impl Place {
    /// Examines the data, of a database while servers use it. Blocks for as long as reading all of them takes.
    ///
    /// # Errors
    /// Where they cannot be examined, as [`check`](crate::serve::check).
    pub fn check(&self) -> Result<Report, OpenError> {
        match self {
            Place::File(path) => data::check(path),
            #[cfg(feature = "postgres")]
            Place::Database(database) => data::check_database(database),
        }
    }

    /// Takes away from the tables of a database what only older programs use, and lets rows be written as this one does. With `adopt`, what is in a
    /// copy is the original from now on. Blocks.
    ///
    /// # Errors
    /// Where it is a file, cannot be reached, has nothing of ours, or older servers use it.
    #[cfg(feature = "postgres")]
    pub fn upgrade(&self, adopt: bool) -> Result<Upgraded, OpenError> {
        match self {
            Place::File(path) => Err(SetupError::Nothing(path.display().to_string()).into()),
            Place::Database(database) => Ok(postgres::upgrade(database, adopt)?),
        }
    }

    /// What data are moved from, which are whole: all measurements are in pages then.
    pub(super) async fn source(&self) -> Result<Opened, MigrateError> {
        let opened = self.open(Opening::default()).await?;
        if !opened.read(table::has_journal).await? {
            return Ok(opened);
        }
        match self {
            Place::File(path) => {
                // As a server does that stops.
                let path = path.clone();
                blocking(move || {
                    opened.store.close();
                    Store::open(&Data::File(path)).map(|store| store.close())
                })
                .await?;
                self.open(Opening::default()).await
            }
            #[cfg(feature = "postgres")]
            Place::Database(_) => {
                let now = opened.store.now();
                while opened.write(move |tx| whole::compact_some(tx, now)).await? {}
                Ok(opened)
            }
        }
    }

    /// What data are moved to, and may have been moved to in part.
    pub(super) async fn target(&self) -> Result<Opened, MigrateError> {
        self.open(Opening { migrating: true, ..Opening::default() }).await
    }

    async fn open(&self, opening: Opening) -> Result<Opened, MigrateError> {
        let place = self.clone();
        let store = blocking(move || match &place {
            Place::File(path) => Store::still(path, opening),
            #[cfg(feature = "postgres")]
            Place::Database(database) => Store::still_on(database, opening),
        })
        .await?;
        let opened = Opened { store, name: self.to_string() };
        let others = opened.read(|tx| tx.others()).await?;
        if others.is_empty() { Ok(opened) } else { Err(MigrateError::InUse(opened.name, others.join(", "))) }
    }
}

/// Data that are open; what fails there is told with where that was.
#[derive(Clone)]
pub(super) struct Opened {
    pub store: Store,
    name: String,
}

impl Opened {
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, MigrateError> {
        self.store.read(job).await.map_err(|error| self.failed(&error))
    }

    /// The same for what may take long.
    pub async fn query<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, MigrateError> {
        self.store.query(job).await.map_err(|error| self.failed(&error))
    }

    pub async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, MigrateError> {
        self.store.write(job).await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &StoreError) -> MigrateError {
        MigrateError::failed(&self.name, error)
    }
}

async fn blocking<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, MigrateError> {
    let opened = tokio::task::spawn_blocking(open).await;
    Ok(opened.map_err(|_| MigrateError::Panicked)??)
}

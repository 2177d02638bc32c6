//! Where data are moved from and to, opened so that nothing else is done with them.

use std::fmt;
use std::path::PathBuf;

use super::error::MigrateError;
use super::table;
use crate::serve::data;
#[cfg(feature = "postgres")]
use crate::serve::series::postgres::whole;
#[cfg(feature = "postgres")]
use crate::serve::store::Postgres;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Data, OpenError, Report, Store};

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

    /// What data are moved from: all measurements are in pages then.
    pub(super) async fn source(&self) -> Result<Store, MigrateError> {
        let store = self.open().await?;
        if !store.read(|tx: &Tx| table::has_journal(tx)).await? {
            return Ok(store);
        }
        match self {
            Place::File(path) => {
                // As a server does that stops.
                let path = path.clone();
                blocking(move || {
                    store.close();
                    Store::open(&Data::File(path)).map(|store| store.close())
                })
                .await?;
                self.open().await
            }
            #[cfg(feature = "postgres")]
            Place::Database(_) => {
                let now = store.now();
                while store.write(move |tx: &Tx| whole::compact_some(tx, now)).await? {}
                Ok(store)
            }
        }
    }

    /// What data are moved to.
    pub(super) async fn open(&self) -> Result<Store, MigrateError> {
        let place = self.clone();
        let store = blocking(move || match &place {
            Place::File(path) => Store::still(path),
            #[cfg(feature = "postgres")]
            Place::Database(database) => Store::still_on(database),
        })
        .await?;
        let others = store.read(|tx: &Tx| tx.others()).await?;
        if others.is_empty() {
            Ok(store)
        } else {
            Err(MigrateError::InUse(self.to_string(), others.join(", ")))
        }
    }
}

async fn blocking<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, MigrateError> {
    let opened = tokio::task::spawn_blocking(open).await;
    Ok(opened.map_err(|error| MigrateError::Store(error.to_string()))??)
}

//! The series of the store and their points: what is kept of them, and where ([`points::Points`]). Knows nothing of HTTP or of the two dialects of queries.

pub mod points;
pub mod sqlite;

use self::points::Points;
use self::sqlite::Sqlite;
use super::store::error::StoreError;
use super::store::tx::Tx;

/// The points that a transaction sees.
///
/// # Errors
/// When the database of the transaction has none.
pub fn of<'t>(tx: &'t Tx<'_>) -> Result<impl Points + 't, StoreError> {
    let session = tx.sqlite().ok_or_else(|| StoreError::internal("no points in this database"))?;
    Ok(Sqlite(session.0))
}

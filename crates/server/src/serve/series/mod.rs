//! The series of the store and their points: what is kept of them, and where ([`points::Points`]). Knows nothing of HTTP or of the two dialects of queries.

pub mod aging;
#[cfg(test)]
mod aging_tests;
pub mod points;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
pub mod whole;

use self::points::{Cursor, Points};
use self::sqlite::Sqlite;
use super::store::Store;
use super::store::error::StoreError;
use super::store::tx::{Engine, Tx};

/// The points that a transaction sees.
pub fn of<'t>(tx: &'t Tx<'_>) -> Box<dyn Points + 't> {
    match tx.engine() {
        Engine::Sqlite(session) => Box::new(Sqlite(session.0)),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => Box::new(postgres::Postgres::new(tx)),
    }
}

/// Says how far `holder` has read the journal, or that it follows it no more: compaction waits for those who follow.
pub async fn follow(store: &Store, holder: &str, cursor: Option<&Cursor>) -> Result<(), StoreError> {
    store.condition().followed.set(cursor.map_or(i64::MAX, |cursor| cursor.last(sqlite::LANE)));
    if !store.is_shared() {
        return Ok(());
    }
    let (holder, cursor, now) = (holder.to_owned(), cursor.cloned(), store.now());
    store.make(move |tx| of(tx).note_tail(&holder, cursor.as_ref(), now)).await
}

//! The series of the store and their points: what is kept of them, and where ([`points::Points`]). Knows nothing of HTTP or of the two dialects of queries.

pub mod aging;
#[cfg(test)]
mod aging_tests;
pub mod points;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;

use self::points::Points;
use self::sqlite::Sqlite;
use super::store::tx::{Engine, Tx};

/// The points that a transaction sees.
pub fn of<'t>(tx: &'t Tx<'_>) -> Box<dyn Points + 't> {
    match tx.engine() {
        Engine::Sqlite(session) => Box::new(Sqlite(session.0)),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => Box::new(postgres::Postgres::new(tx)),
    }
}

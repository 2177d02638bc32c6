//! The mark of a transaction: a row that it writes last, by which it is known what became of it where the answer to its commit did not come.
//! The number that PostgreSQL gives a transaction would not do: one that is lost in a failover leaves its number to another.

use tokio_postgres::SimpleQueryMessage;

use super::connection::Connection;
use crate::serve::store::error::StoreError;

/// The second it is by the clock of the database.
const NOW: &str = "CAST(floor(extract(epoch FROM now())) AS BIGINT)";

/// That of one transaction.
#[derive(Debug, Clone, Copy)]
pub struct Mark(i64);

impl Mark {
    /// Another one than any before.
    pub fn new() -> Result<Mark, StoreError> {
        let random = getrandom::u64();
        let id = random.map_err(|_| StoreError::internal("this machine has no source of randomness"))?;
        Ok(Mark(id.cast_signed()))
    }

    /// Leaves the mark and commits, in one way to the database and back. Where nothing was written there is nothing to be known.
    pub fn commit(self) -> String {
        let Mark(id) = self;
        format!(
            "INSERT INTO commits (id, made_at, kept) SELECT {id}, {NOW}, 1 WHERE pg_current_xact_id_if_assigned() IS NOT NULL; COMMIT"
        )
    }

    /// Finds out whether the transaction was carried out. One that was not never will be: whichever comes second waits for the first, and fails
    /// where that has left the row. It writes in either case, so that a standby that commits wait for has all that was before.
    pub fn settle(self, connection: &Connection) -> Result<bool, StoreError> {
        let Mark(id) = self;
        let sql = format!(
            "INSERT INTO commits (id, made_at, kept) VALUES ({id}, {NOW}, 0)
            ON CONFLICT (id) DO UPDATE SET made_at = excluded.made_at RETURNING kept"
        );
        // To the end of the transaction, which a warning comes before that only one machine has it.
        let answer = connection.wait(connection.client().simple_query(&sql))?;
        let kept = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get("kept"),
            _ => None,
        });
        if connection.is_warned() { Err(StoreError::Unknown) } else { Ok(kept == Some("1")) }
    }
}

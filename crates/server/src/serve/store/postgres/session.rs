//! Statements and rows of PostgreSQL as [`Tx`](crate::serve::store::tx::Tx) needs them: the parts of the dialect that differ from
//! one database to the other.

use std::ops::ControlFlow;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use tokio_postgres::{Client, Row, Statement};

use super::connection::Connection;
use super::values::{Bound, Found, Owned};
use crate::serve::budget::{self, Exceeded};
use crate::serve::store::error::StoreError;
use crate::serve::store::value::{Param, Stored, memory};

/// One connection inside a transaction.
#[derive(Clone, Copy)]
pub struct Session<'c>(pub &'c Connection);

/// A statement that is run for many rows, which go together.
pub struct Many<'c> {
    session: Session<'c>,
    statement: Statement,
    rows: Vec<Vec<Owned>>,
}

/// The row at hand.
#[derive(Clone, Copy)]
pub struct Record<'r>(pub &'r Row);

impl<'c> Session<'c> {
    /// The largest id that a table has given.
    pub fn last_id(self, table: &str) -> Result<i64, StoreError> {
        let mut last = 0;
        let sql = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(?1, 'id')), 0) AS last";
        self.each(sql, &[&table], |row| {
            if let Stored::Integer(id) = row.get("last")? {
                last = id;
            }
            Ok::<_, StoreError>(ControlFlow::Break(()))
        })?;
        Ok(last)
    }

    /// Has a table give larger ids than this.
    pub fn ids_begin_after(self, table: &str, id: i64) -> Result<(), StoreError> {
        if id <= self.last_id(table)? {
            return Ok(());
        }
        let set = "SELECT setval(pg_get_serial_sequence(?1, 'id'), ?2)";
        self.each(set, &[&table, &id], |_| Ok::<_, StoreError>(ControlFlow::Continue(())))
    }

    /// How many rows were changed.
    pub fn execute(self, sql: &str, params: &[&dyn Param]) -> Result<u64, StoreError> {
        let statement = self.0.prepare(sql)?;
        self.0.wait(self.0.client().execute_raw(&statement, bound(params)))
    }

    /// Gives `row` one row after the other until it breaks off. Another statement has to wait for the last of them, or it would
    /// wait for ever.
    pub fn each<E: From<StoreError>>(
        self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(Record<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let statement = self.0.prepare(sql)?;
        let rows = self.0.wait(self.0.client().query_raw(&statement, bound(params)))?;
        let _reading = self.0.reading();
        let mut rows = pin!(rows);
        while let Some(found) = self.0.await_row(rows.try_next())? {
            if row(Record(&found))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub fn many(self, sql: &str) -> Result<Many<'c>, StoreError> {
        Ok(Many { session: self, statement: self.0.prepare(sql)?, rows: Vec::new() })
    }
}

impl Many<'_> {
    pub fn run(&mut self, params: &[&dyn Param]) {
        self.rows.push(params.iter().map(|param| Owned::of(param.value())).collect());
    }

    /// Sends the rows, all before the first is answered. The ids that the statement returns, if it does.
    pub fn done(self) -> Result<Vec<i64>, StoreError> {
        /// Sent together: enough that a round trip does not count.
        const TOGETHER: usize = 1000;
        let Many { session: Session(connection), statement, rows } = self;
        let mut ids = Vec::new();
        for some in rows.chunks(TOGETHER) {
            let answers = some.iter().map(|row| answer(connection.client(), &statement, row));
            // The first that fails says why; those after it only that it did.
            let answers = async { join_all(answers).await.into_iter().collect() };
            let answers: Vec<Vec<Row>> = connection.wait(answers)?;
            for row in answers.iter().flatten() {
                if let Stored::Integer(id) = Record(row).get("id")? {
                    ids.push(id);
                }
            }
        }
        Ok(ids)
    }
}

/// Tables whose rows are given ids, and are told apart by them.
pub const TABLES_WITH_IDS: &str = "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.columns
    WHERE table_schema = 'librato_apply' AND column_name = 'id' AND is_identity = 'YES' ORDER BY name";

/// The names of others of us.
pub const OTHERS: &str = "SELECT DISTINCT application_name AS name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'librato-apply%'
    AND application_name <> current_setting('application_name') ORDER BY name";

/// SQL that asks whether the value of `column` is in the list that is the parameter `at`.
pub fn any(column: &str, at: usize) -> String {
    format!("{column} = ANY(?{at})")
}

/// SQL that asks whether the parameter `at` is a part of `text`.
pub fn contains(text: &str, at: usize) -> String {
    format!("strpos({text}, ?{at}) > 0")
}

fn bound<'a>(params: &'a [&'a dyn Param]) -> Vec<Bound<'a>> {
    params.iter().map(|param| Bound(param.value())).collect()
}

async fn answer(
    client: &Client,
    statement: &Statement,
    row: &[Owned],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let params = row.iter().map(|value| Bound(value.value()));
    client.query_raw(statement, params).await?.try_collect().await
}

impl<'r> Record<'r> {
    pub fn get(self, column: &str) -> Result<Stored<'r>, StoreError> {
        self.0.try_get(column).map(|Found(stored)| stored).map_err(StoreError::internal)
    }

    /// Claims the memory that the row takes.
    pub fn claim(self) -> Result<(), Exceeded> {
        let texts = (0..self.0.len()).filter_map(|column| match self.0.try_get(column) {
            Ok(Found(Stored::Text(text))) => Some(text.as_bytes()),
            _ => None,
        });
        budget::hold(memory(texts))
    }
}

//! One transaction, and the only SQL that the chapters of the API see. A statement has one text for every database: its
//! parameters are `?1`, `?2` and so on, rows are read by the names of columns, and what the dialects do not share is asked of
//! the transaction ([`Tx::any`], [`Tx::contains`]).
//!
//! A database across a network takes a round trip for each statement, so there is none in a loop over what a user sent.

use std::cell::Cell;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::sqlite::session::{self, Record, Session};
use super::value::Column;
pub use super::value::Param;
use crate::serve::budget;

/// The parameters of a statement, by their places.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::serve::store::tx::Param),*] as &[&dyn $crate::serve::store::tx::Param]
    };
}
pub(in crate::serve) use params;

/// A transaction. What a job does in it may be done once more, from the beginning, when the database asks for that.
pub struct Tx<'c> {
    engine: Engine<'c>,
    statements: Cell<u64>,
}

#[derive(Clone, Copy)]
enum Engine<'c> {
    Sqlite(Session<'c>),
}

impl<'c> Tx<'c> {
    pub fn on_sqlite(session: Session<'c>) -> Tx<'c> {
        Tx { engine: Engine::Sqlite(session), statements: Cell::new(0) }
    }

    /// What `series/sqlite` works on; nothing where the database is another one.
    pub fn sqlite(&self) -> Option<Session<'c>> {
        match self.engine {
            Engine::Sqlite(session) => Some(session),
        }
    }

    /// Statements so far.
    pub fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// Runs a statement that gives no rows. How many rows it changed.
    pub fn execute(&self, sql: &str, params: &[&dyn Param]) -> Result<u64, StoreError> {
        match self.counted() {
            Engine::Sqlite(session) => session.execute(sql, params),
        }
    }

    /// The id that a statement returns which writes one row, and which ends in `RETURNING id`.
    pub fn id(&self, sql: &str, params: &[&dyn Param]) -> Result<i64, StoreError> {
        let id = self.one(sql, params, |row| row.get("id"))?;
        id.ok_or_else(|| StoreError::internal("a row that was written has no id"))
    }

    /// The first row, if there is one.
    pub fn one<T>(
        &self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.rows(sql, params, |first| {
            found = Some(row(first)?);
            Ok::<_, StoreError>(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// All rows, whose memory is claimed.
    pub fn all<T>(
        &self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.rows(sql, params, |one| {
            one.claim()?;
            all.push(row(one)?);
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// Gives `row` one row after the other until it breaks off or the job must end. Whoever keeps something of a row
    /// [claims](Row::claim) it.
    pub fn each<E: From<StoreError>>(
        &self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.rows(sql, params, |one| {
            budget::proceed().map_err(StoreError::from)?;
            row(one)
        })
    }

    /// Whether there is any row.
    pub fn exists(&self, sql: &str, params: &[&dyn Param]) -> Result<bool, StoreError> {
        Ok(self.one(sql, params, |_| Ok(()))?.is_some())
    }

    /// Runs a statement once for each of many rows, all together where that saves round trips. The ids that it returns, in
    /// order, if it ends in `RETURNING id`.
    pub fn many(
        &self,
        sql: &str,
        rows: impl FnOnce(&mut Many<'_>) -> Result<(), StoreError>,
    ) -> Result<Vec<i64>, StoreError> {
        match self.counted() {
            Engine::Sqlite(session) => {
                let mut many = Many(session.many(sql)?);
                rows(&mut many)?;
                Ok(many.0.done())
            }
        }
    }

    /// SQL that asks whether `column` is in a list of integers or texts, which is the parameter `at`.
    pub fn any(&self, column: &str, at: usize) -> String {
        match self.engine {
            Engine::Sqlite(_) => session::any(column, at),
        }
    }

    /// SQL that asks whether the parameter `at` is a part of `text`.
    pub fn contains(&self, text: &str, at: usize) -> String {
        match self.engine {
            Engine::Sqlite(_) => session::contains(text, at),
        }
    }

    fn rows<E: From<StoreError>>(
        &self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        match self.counted() {
            Engine::Sqlite(session) => session.each(sql, params, |record| row(&Row(record))),
        }
    }

    fn counted(&self) -> Engine<'c> {
        self.statements.set(self.statements.get() + 1);
        self.engine
    }
}

/// A statement that is run for many rows.
pub struct Many<'c>(session::Many<'c>);

impl Many<'_> {
    pub fn run(&mut self, params: &[&dyn Param]) -> Result<(), StoreError> {
        self.0.run(params)
    }
}

/// The row at hand; what is read of it by name.
pub struct Row<'r>(Record<'r>);

impl<'r> Row<'r> {
    pub fn get<T: Column<'r>>(&self, column: &str) -> Result<T, StoreError> {
        T::of(self.0.get(column)?)
            .ok_or_else(|| StoreError::internal(format!("{column} holds a value of another type")))
    }

    /// The JSON in `column` of a row of `table`.
    pub fn json<T: DeserializeOwned>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StoreError> {
        // What serde says of a text never quotes more of it than a word of another type.
        serde_json::from_str(self.get(column)?).map_err(|error: serde_json::Error| {
            let (line, place) = (error.line(), error.column());
            let why = format!("it is not the JSON that belongs there (line {line} column {place})");
            self.damaged(table, column, why)
        })
    }

    /// A word in `column` of a row of `table`, as `known` understands it.
    pub fn word<T>(
        &self,
        table: &'static str,
        column: &'static str,
        known: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let why = || "it is none of the words that belong there".to_owned();
        known(self.get(column)?).ok_or_else(|| self.damaged(table, column, why()))
    }

    /// Claims the memory that the row takes as an object and as the values that are shown of it.
    pub fn claim(&self) -> Result<(), StoreError> {
        Ok(self.0.claim()?)
    }

    fn damaged(&self, table: &'static str, column: &'static str, why: String) -> StoreError {
        StoreError::Damaged { table, column, id: self.get("id").ok(), why }
    }
}

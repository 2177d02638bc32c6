//! One transaction, and the only SQL that the chapters of the API see. A statement has one text for every database: its
//! parameters are `?1`, `?2` and so on, rows are read by the names of columns, and what the dialects do not share is asked of
//! the transaction ([`Tx::any`], [`Tx::contains`]).
//!
//! A database across a network takes a round trip for each statement, so there is none in a loop over what a user sent.

use std::cell::Cell;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::lists::Lists;
#[cfg(feature = "postgres")]
use super::postgres::session as postgres;
use super::sqlite::session as sqlite;
use super::value::{Column, Stored, Value};
pub use super::value::{Held, Param};
use crate::serve::budget;
use crate::serve::tsdb::aging::Aging;

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
    aging: Aging,
    lists: Option<&'c Lists>,
    statements: Cell<u64>,
}

/// What a transaction works on.
#[derive(Clone, Copy)]
pub enum Engine<'c> {
    Sqlite(sqlite::Session<'c>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Session<'c>),
}

impl<'c> Tx<'c> {
    /// Over measurements that age like this.
    pub fn on_sqlite(session: sqlite::Session<'c>, aging: Aging) -> Tx<'c> {
        Tx { engine: Engine::Sqlite(session), aging, lists: None, statements: Cell::new(0) }
    }

    #[cfg(feature = "postgres")]
    pub fn on_postgres(session: postgres::Session<'c>, aging: Aging) -> Tx<'c> {
        Tx { engine: Engine::Postgres(session), aging, lists: None, statements: Cell::new(0) }
    }

    /// The same with what is remembered of lists.
    #[cfg(feature = "postgres")]
    pub fn remembering(self, lists: Option<&'c Lists>) -> Tx<'c> {
        Tx { lists, ..self }
    }

    /// What is remembered of lists, where the database gives them states.
    pub fn lists(&self) -> Option<&'c Lists> {
        self.lists
    }

    /// What it works on, for `series`, which has tables of its own in each database.
    pub fn engine(&self) -> Engine<'c> {
        self.engine
    }

    /// How the measurements age that it sees.
    pub fn aging(&self) -> Aging {
        self.aging
    }

    /// A connection of SQLite; nothing where the database is another one.
    #[cfg(test)]
    pub fn sqlite(&self) -> Option<sqlite::Session<'c>> {
        match self.engine {
            Engine::Sqlite(session) => Some(session),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => None,
        }
    }

    /// Into how many parts measurements are divided.
    pub fn parts(&self) -> i64 {
        match self.engine {
            Engine::Sqlite(_) => 1,
            #[cfg(feature = "postgres")]
            Engine::Postgres(session) => session.0.parts(),
        }
    }

    /// How often was changed what makes remembered facts wrong, where other servers may change it; nothing where this is the only one.
    pub fn epoch(&self) -> Result<Option<i64>, StoreError> {
        match self.engine {
            Engine::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => self.one("SELECT epoch FROM catalog", &[], |row| row.get("epoch")),
        }
    }

    /// Makes others see that what they remember is wrong, once this is committed.
    pub fn end_epoch(&self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => self.execute("UPDATE catalog SET epoch = epoch + 1", &[]).map(drop),
        }
    }

    /// Statements so far.
    pub fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// Runs a statement that gives no rows. How many rows it changed.
    pub fn execute(&self, sql: &str, params: &[&dyn Param]) -> Result<u64, StoreError> {
        storable(params)?;
        match self.counted() {
            Engine::Sqlite(session) => session.execute(sql, params),
            #[cfg(feature = "postgres")]
            Engine::Postgres(session) => session.execute(sql, params),
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
                let mut many = Many(Each::Sqlite(session.many(sql)?));
                rows(&mut many)?;
                many.done()
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(session) => {
                let mut many = Many(Each::Postgres(session.many(sql)?));
                rows(&mut many)?;
                many.done()
            }
        }
    }

    /// What else uses the database now, by the names that servers give themselves.
    pub fn others(&self) -> Result<Vec<String>, StoreError> {
        match self.engine {
            // The file is locked.
            Engine::Sqlite(_) => Ok(Vec::new()),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => self.all(postgres::OTHERS, &[], |row| row.get("name")),
        }
    }

    /// The largest id that a table has given, whether its row is still there or not.
    pub fn last_id(&self, table: &str) -> Result<i64, StoreError> {
        match self.counted() {
            Engine::Sqlite(session) => session.last_id(table),
            #[cfg(feature = "postgres")]
            Engine::Postgres(session) => session.last_id(table),
        }
    }

    /// Has a table give larger ids than this from now on.
    pub fn ids_begin_after(&self, table: &str, id: i64) -> Result<(), StoreError> {
        match self.counted() {
            Engine::Sqlite(session) => session.ids_begin_after(table, id),
            #[cfg(feature = "postgres")]
            Engine::Postgres(session) => session.ids_begin_after(table, id),
        }
    }

    /// SQL that asks whether `column` is in a list of integers or texts, which is the parameter `at`.
    pub fn any(&self, column: &str, at: usize) -> String {
        match self.engine {
            Engine::Sqlite(_) => sqlite::any(column, at),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => postgres::any(column, at),
        }
    }

    /// SQL that asks whether the parameter `at` is a part of `text`.
    pub fn contains(&self, text: &str, at: usize) -> String {
        match self.engine {
            Engine::Sqlite(_) => sqlite::contains(text, at),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => postgres::contains(text, at),
        }
    }

    fn rows<E: From<StoreError>>(
        &self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        storable(params)?;
        match self.counted() {
            Engine::Sqlite(session) => session.each(sql, params, |record| row(&Row(Record::Sqlite(record)))),
            #[cfg(feature = "postgres")]
            Engine::Postgres(session) => {
                session.each(sql, params, |record| row(&Row(Record::Postgres(record))))
            }
        }
    }

    fn counted(&self) -> Engine<'c> {
        self.statements.set(self.statements.get() + 1);
        self.engine
    }
}

/// A text with U+0000 is no text to some databases, so it is none to any.
fn storable(params: &[&dyn Param]) -> Result<(), StoreError> {
    let has_nul = |text: &str| text.as_bytes().contains(&0);
    let cannot = params.iter().any(|param| match param.value() {
        Value::Text(text) => has_nul(text),
        Value::Texts(texts) => texts.iter().any(|text| has_nul(text)),
        _ => false,
    });
    if cannot { Err(StoreError::Unstorable) } else { Ok(()) }
}

/// A statement that is run for many rows.
pub struct Many<'c>(Each<'c>);

enum Each<'c> {
    Sqlite(sqlite::Many<'c>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Many<'c>),
}

impl Many<'_> {
    pub fn run(&mut self, params: &[&dyn Param]) -> Result<(), StoreError> {
        storable(params)?;
        match &mut self.0 {
            Each::Sqlite(many) => many.run(params),
            #[cfg(feature = "postgres")]
            Each::Postgres(many) => {
                many.run(params);
                Ok(())
            }
        }
    }

    fn done(self) -> Result<Vec<i64>, StoreError> {
        match self.0 {
            Each::Sqlite(many) => Ok(many.done()),
            #[cfg(feature = "postgres")]
            Each::Postgres(many) => many.done(),
        }
    }
}

/// The row at hand; what is read of it by name.
pub struct Row<'r>(Record<'r>);

#[derive(Clone, Copy)]
enum Record<'r> {
    Sqlite(sqlite::Record<'r>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Record<'r>),
}

impl<'r> Record<'r> {
    fn get(self, column: &str) -> Result<Stored<'r>, StoreError> {
        match self {
            Record::Sqlite(record) => record.get(column),
            #[cfg(feature = "postgres")]
            Record::Postgres(record) => record.get(column),
        }
    }
}

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
        Ok(match self.0 {
            Record::Sqlite(record) => record.claim(),
            #[cfg(feature = "postgres")]
            Record::Postgres(record) => record.claim(),
        }?)
    }

    fn damaged(&self, table: &'static str, column: &'static str, why: String) -> StoreError {
        StoreError::Damaged { table, column, id: self.get("id").ok(), why }
    }
}

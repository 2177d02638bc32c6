//! Statements and rows of SQLite as [`Tx`](crate::serve::store::tx::Tx) needs them: the parts of the dialect that differ from
//! one database to the other, and what SQLite's errors mean.

use std::ops::ControlFlow;

use rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, Params, params_from_iter};

use crate::serve::budget::{self, Exceeded};
use crate::serve::store::error::{StoreError, Trouble};
use crate::serve::store::value::{Param, Stored, Value, memory};

/// One connection inside a transaction.
#[derive(Clone, Copy)]
pub struct Session<'c>(pub &'c Connection);

/// A statement that is run many times over, each time at once.
pub struct Many<'c> {
    statement: CachedStatement<'c>,
    ids: Vec<i64>,
}

impl Many<'_> {
    pub fn run(&mut self, params: &[&dyn Param]) -> Result<(), StoreError> {
        if self.statement.column_count() == 0 {
            self.statement.execute(bound(params))?;
        } else {
            self.ids.push(self.statement.query_row(bound(params), |row| row.get("id"))?);
        }
        Ok(())
    }

    pub fn done(self) -> Vec<i64> {
        self.ids
    }
}

/// The row at hand.
#[derive(Clone, Copy)]
pub struct Record<'r>(pub &'r rusqlite::Row<'r>);

impl<'c> Session<'c> {
    /// The largest id that a table has given.
    pub fn last_id(self, table: &str) -> Result<i64, StoreError> {
        let mut last = 0;
        self.each("SELECT seq FROM sqlite_sequence WHERE name = ?1", &[&table], |row| {
            if let Stored::Integer(id) = row.get("seq")? {
                last = id;
            }
            Ok::<_, StoreError>(ControlFlow::Break(()))
        })?;
        Ok(last)
    }

    /// Has a table give larger ids than this.
    pub fn ids_begin_after(self, table: &str, id: i64) -> Result<(), StoreError> {
        let update = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if self.execute(update, &[&table, &id])? == 0 {
            self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", &[&table, &id])?;
        }
        Ok(())
    }

    /// How many rows were changed.
    pub fn execute(self, sql: &str, params: &[&dyn Param]) -> Result<u64, StoreError> {
        Ok(self.prepare(sql)?.execute(bound(params))? as u64)
    }

    /// Gives `row` one row after the other until it breaks off.
    pub fn each<E: From<StoreError>>(
        self,
        sql: &str,
        params: &[&dyn Param],
        mut row: impl FnMut(Record<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(bound(params)).map_err(StoreError::from)?;
        while let Some(found) = rows.next().map_err(StoreError::from)? {
            if row(Record(found))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub fn many(self, sql: &str) -> Result<Many<'c>, StoreError> {
        Ok(Many { statement: self.prepare(sql)?, ids: Vec::new() })
    }

    fn prepare(self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        Ok(self.0.prepare_cached(sql)?)
    }
}

/// SQL that asks whether the value of `column` is in the list that is the parameter `at`.
pub fn any(column: &str, at: usize) -> String {
    format!("{column} IN (SELECT value FROM json_each(?{at}))")
}

/// SQL that asks whether the parameter `at` is a part of `text`.
pub fn contains(text: &str, at: usize) -> String {
    format!("instr({text}, ?{at}) > 0")
}

fn bound<'a>(params: &'a [&'a dyn Param]) -> impl Params + 'a {
    params_from_iter(params.iter().map(|param| param.value()))
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer(value.into()),
            Value::Integer(value) => ValueRef::Integer(value),
            Value::Real(value) => ValueRef::Real(value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
            Value::Integers(values) => return Ok(serde_json::json!(values).to_string().into()),
            Value::Texts(values) => return Ok(serde_json::json!(values).to_string().into()),
            Value::Blobs(_) => {
                return Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no lists of bytes".into()));
            }
        }))
    }
}

impl<'r> Record<'r> {
    pub fn get(self, column: &str) -> Result<Stored<'r>, StoreError> {
        Ok(match self.0.get_ref(column)? {
            ValueRef::Null => Stored::Null,
            ValueRef::Integer(value) => Stored::Integer(value),
            ValueRef::Real(value) => Stored::Real(value),
            ValueRef::Text(value) => Stored::Text(std::str::from_utf8(value).map_err(StoreError::internal)?),
            ValueRef::Blob(value) => Stored::Bytes(value),
        })
    }

    /// Claims the memory that the row takes.
    pub fn claim(self) -> Result<(), Exceeded> {
        let columns = 0..self.0.as_ref().column_count();
        let texts = columns.filter_map(|column| match self.0.get_ref(column) {
            Ok(ValueRef::Text(text)) => Some(text),
            _ => None,
        });
        budget::hold(memory(texts))
    }
}

impl Trouble {
    /// What an error says about the file; nothing when it says that something else is wrong.
    pub fn of(error: &rusqlite::Error) -> Option<Trouble> {
        match error.sqlite_error_code()? {
            ErrorCode::DiskFull => Some(Trouble::Full),
            ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen => {
                Some(Trouble::Refused)
            }
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            // Only the budget of the job at hand interrupts, and it stays used up.
            return StoreError::Exceeded(budget::ending().unwrap_or(Exceeded::Abandoned));
        }
        if matches!(&error, rusqlite::Error::SqliteFailure(failure, _)
            if failure.extended_code == SQLITE_CONSTRAINT_UNIQUE)
        {
            return StoreError::Taken;
        }
        match Trouble::of(&error) {
            Some(trouble) => StoreError::Trouble { trouble, cause: Some(error.to_string()) },
            None => StoreError::internal(error),
        }
    }
}

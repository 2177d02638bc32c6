//! Properties of the data file as a whole, each under a key of its own: how it was left, when it was last written,
//! what it is a copy of. Knows their types, not their meaning.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::serve::store::MIGRATING;

/// The process that has the file open. It is there as long as no one closed the file.
pub const OPENED_BY: Property<u32> = Property::new("opened_by");

/// When the file was copied from another one, in epoch seconds, until it is said to be the original.
pub const COPIED_AT: Property<i64> = Property::new("copied_at");

/// How far others have been moved into the file, until all have been.
pub const MIGRATION: Property<String> = Property::new(MIGRATING);

/// One property and the type of its value, which is kept as text.
#[derive(Debug)]
pub struct Property<T> {
    key: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: Display + FromStr> Property<T> {
    /// The property under `key`, which must stay what it is: files remember it.
    pub const fn new(key: &'static str) -> Property<T> {
        Property { key, value: PhantomData }
    }

    /// Its value; `None` when it was never set. What is not a `T` is an error, never a default.
    pub fn get(&self, connection: &Connection) -> rusqlite::Result<Option<T>> {
        let sql = "SELECT value FROM file_properties WHERE key = ?1";
        let text: Option<String> =
            connection.prepare_cached(sql)?.query_row([self.key], |row| row.get(0)).optional()?;
        let read = |text: String| {
            text.parse().map_err(|_| {
                let message = format!("the property {} of the file cannot be read", self.key);
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, message.into())
            })
        };
        text.map(read).transpose()
    }

    pub fn set(&self, connection: &Connection, value: &T) -> rusqlite::Result<()> {
        let sql = "INSERT INTO file_properties (key, value) VALUES (?1, ?2)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        connection.prepare_cached(sql)?.execute(params![self.key, value.to_string()])?;
        Ok(())
    }

    pub fn remove(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached("DELETE FROM file_properties WHERE key = ?1")?.execute([self.key])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::store::sqlite::scratch;

    #[test]
    fn a_property_has_one_value_of_its_type() {
        let (connection, number) = (scratch(), Property::<i64>::new("a number"));
        assert_eq!(number.get(&connection).unwrap(), None);
        for value in [7, -8] {
            number.set(&connection, &value).unwrap();
            assert_eq!(number.get(&connection).unwrap(), Some(value));
        }
        connection.execute("UPDATE file_properties SET value = '7x'", []).unwrap();
        let error = number.get(&connection).unwrap_err().to_string();
        assert!(error.contains("the property a number of the file cannot be read"), "{error}");
        number.remove(&connection).unwrap();
        assert_eq!(number.get(&connection).unwrap(), None);
    }
}

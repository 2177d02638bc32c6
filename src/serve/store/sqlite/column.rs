//! Stored values that have a form of their own. One that does not have it is an error that says where it stands, never
//! an empty value: that would be written back.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// Every column that holds JSON, but for the labels of series, which have a checksum: its table, its name, the type of what is in it. `serve check` goes through them.
pub const JSON: [(&str, &str, &str); 9] = [
    ("metrics", "attributes", "object"),
    ("events", "links", "array"),
    ("services", "settings", "object"),
    ("alerts", "attributes", "object"),
    ("conditions", "tags", "array"),
    ("charts", "body", "object"),
    ("streams_of_charts", "body", "object"),
    ("instruments", "attributes", "object"),
    ("snapshots", "subject", "object"),
];

/// The JSON in `column` of a row of `table`.
pub fn json<T: DeserializeOwned>(row: &Row<'_>, table: &str, column: &str) -> rusqlite::Result<T> {
    // What serde says of a text never quotes more of it than a word of another type.
    let read = serde_json::from_str(row.get_ref(column)?.as_str()?);
    read.map_err(|error: serde_json::Error| {
        let (line, place) = (error.line(), error.column());
        unreadable(
            row,
            table,
            column,
            &format!("it is not the JSON that belongs there (line {line} column {place})"),
        )
    })
}

/// A word in `column` of a row of `table`, as `known` understands it.
pub fn word<T>(
    row: &Row<'_>,
    table: &str,
    column: &str,
    known: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    known(row.get_ref(column)?.as_str()?)
        .ok_or_else(|| unreadable(row, table, column, "it is none of the words that belong there"))
}

fn unreadable(row: &Row<'_>, table: &str, column: &str, why: &str) -> rusqlite::Error {
    let id = row.get::<_, i64>("id").map_or_else(|_| "a row".to_owned(), |id| format!("row {id}"));
    let message = format!("{column} in {id} of {table} cannot be read: {why}; `serve check` lists all such");
    let at = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, message.into())
}

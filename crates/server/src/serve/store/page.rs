//! One page of a list, cut out of a table whose rows have ids.

use super::error::StoreError;
use super::tx::{Param, Row, Tx, params};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    pub offset: i64,
    pub length: i64,
    /// The column to sort by, never null; rows that are alike in it are sorted by id.
    pub order: &'static str,
    pub descending: bool,
    /// What is looked for, folded, and where.
    pub filter: Option<(String, Filter)>,
}

/// Where a text is looked for.
#[derive(Debug, Clone, Copy)]
pub enum Filter {
    /// As a part of any of these columns, or of what SQL makes of them.
    Part(&'static [&'static str]),
    /// As the whole of this column, with `*` for any run of characters.
    Pattern(&'static str),
}

/// What there is.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// How many rows the filter lets through.
    pub found: i64,
    pub total: i64,
}

impl Filter {
    /// The condition on the parameter `?1`, and its value.
    fn sql(self, tx: &Tx<'_>, text: &str) -> (String, String) {
        match self {
            Filter::Part(columns) => {
                let parts: Vec<String> = columns.iter().map(|column| tx.contains(column, 1)).collect();
                (parts.join(" OR "), text.to_owned())
            }
            Filter::Pattern(column) => (is_like(column, 1), like(text)),
        }
    }
}

/// Conditions on the rows of a list, all of which must hold.
#[derive(Default)]
pub struct Conditions<'a> {
    sql: Vec<String>,
    params: Vec<&'a dyn Param>,
}

impl<'a> Conditions<'a> {
    /// Adds the condition that `sql` says of the parameter at the place it is told.
    pub fn add(&mut self, value: &'a dyn Param, sql: impl FnOnce(usize) -> String) {
        self.params.push(value);
        self.sql.push(sql(self.params.len()));
    }

    /// Adds a condition without a parameter.
    pub fn hold(&mut self, sql: &str) {
        self.sql.push(sql.to_owned());
    }
}

/// The page of those rows of `table` on which the conditions hold, in the order of their ids.
pub fn page_where<'a, T>(
    tx: &Tx<'_>,
    table: &str,
    Conditions { sql, mut params }: Conditions<'a>,
    request: &'a PageRequest,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let filter = if sql.is_empty() { String::new() } else { format!("WHERE {}", sql.join(" AND ")) };
    let number = |row: &Row<'_>| row.get::<i64>("number");
    let count = format!("SELECT count(*) AS number FROM {table}");
    let total = tx.one(&count, params![], number)?.unwrap_or(0);
    let found = tx.one(&format!("{count} {filter}"), &params, number)?.unwrap_or(0);
    let (direction, at) = (if request.descending { "DESC" } else { "ASC" }, params.len());
    params.extend([&request.length as &dyn Param, &request.offset]);
    let (length, offset) = (at + 1, at + 2);
    let select =
        format!("SELECT * FROM {table} {filter} ORDER BY id {direction} LIMIT ?{length} OFFSET ?{offset}");
    Ok(Page { items: tx.all(&select, &params, row)?, found, total })
}

/// SQL that asks whether `column`, folded, is like the parameter `at`, a pattern made by [`like`].
pub fn is_like(column: &str, at: usize) -> String {
    format!(r"{column} LIKE ?{at} ESCAPE '\'")
}

/// A folded text with `*` for any run of characters, as [`is_like`] wants it.
pub fn like(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    escaped.replace('*', "%")
}

/// The page of `table`. Its counts and its rows belong together.
pub fn page<T>(
    tx: &Tx<'_>,
    table: &str,
    request: &PageRequest,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let PageRequest { offset, length, order, descending, filter } = request;
    let direction = if *descending { "DESC" } else { "ASC" };
    let order = format!("ORDER BY {order} {direction}, id ASC");
    let number = |row: &Row<'_>| row.get::<i64>("number");
    let count = format!("SELECT count(*) AS number FROM {table}");
    let total = tx.one(&count, params![], number)?.unwrap_or_default();
    let Some((text, filter)) = filter else {
        let select = format!("SELECT * FROM {table} {order} LIMIT ?1 OFFSET ?2");
        return Ok(Page { items: tx.all(&select, params![length, offset], row)?, found: total, total });
    };
    let (condition, text) = filter.sql(tx, text);
    let count = format!("{count} WHERE {condition}");
    let found = tx.one(&count, params![text], number)?.unwrap_or_default();
    let select = format!("SELECT * FROM {table} WHERE {condition} {order} LIMIT ?2 OFFSET ?3");
    Ok(Page { items: tx.all(&select, params![text, length, offset], row)?, found, total })
}

//! One page of a list, cut out of a table whose rows have ids.

use super::error::StoreError;
use super::tx::{Row, Tx, params};

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
            Filter::Pattern(column) => {
                let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
                (format!(r"{column} LIKE ?1 ESCAPE '\'"), escaped.replace('*', "%"))
            }
        }
    }
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

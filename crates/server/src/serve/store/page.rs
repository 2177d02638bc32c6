//! One page of a list, cut out of a table whose rows have ids.

use super::error::StoreError;
use super::lists::{List, Lists, Place};
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
                (format!("({})", parts.join(" OR ")), text.to_owned())
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

    /// Adds that rows come behind a place of their list.
    fn behind(&mut self, place: &'a Place, List { order, descending, .. }: &List) {
        self.params.extend([&place.order as &dyn Param, &place.id]);
        let (at, id) = (self.params.len() - 1, self.params.len());
        // The first comparison is one that an index serves.
        let (from, beyond) = if *descending { ("<=", "<") } else { (">=", ">") };
        self.sql.push(format!("{order} {from} ?{at} AND ({order} {beyond} ?{at} OR id > ?{id})"));
    }

    /// What reads the rows of a list on which they hold, some of them in its order.
    fn select(
        &mut self,
        List { table, order, descending, .. }: &List,
        length: &'a i64,
        skipped: &'a i64,
    ) -> String {
        let (filter, at) = (self.filter(), self.params.len());
        self.params.extend([length as &dyn Param, skipped]);
        let (direction, limit, skip) = (if *descending { "DESC" } else { "ASC" }, at + 1, at + 2);
        format!(
            "SELECT * FROM {table} {filter} ORDER BY {order} {direction}, id ASC LIMIT ?{limit} OFFSET ?{skip}"
        )
    }

    fn filter(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!("WHERE {}", self.sql.join(" AND ")) }
    }
}

/// The page of those rows of `table` on which the conditions hold, in the order of their ids.
pub fn page_where<'a, T>(
    tx: &Tx<'_>,
    table: &str,
    mut wanted: Conditions<'a>,
    request: &'a PageRequest,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let total = count(tx, table, &Conditions::default())?;
    let found = count(tx, table, &wanted)?;
    let filter = wanted.filter();
    let (direction, at) = (if request.descending { "DESC" } else { "ASC" }, wanted.params.len());
    wanted.params.extend([&request.length as &dyn Param, &request.offset]);
    let (length, offset) = (at + 1, at + 2);
    let select =
        format!("SELECT * FROM {table} {filter} ORDER BY id {direction} LIMIT ?{length} OFFSET ?{offset}");
    Ok(Page { items: tx.all(&select, &wanted.params, row)?, found, total })
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
    mut row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let PageRequest { offset, length, order, descending, filter } = request;
    let filter = filter.as_ref().map(|(text, filter)| filter.sql(tx, text));
    let list = List { table: table.to_owned(), order, descending: *descending, filter };
    let mut wanted = Conditions::default();
    if let Some((condition, text)) = &list.filter {
        wanted.add(text, |_| condition.clone());
    }
    let counted = Counted::of(tx, &list)?;
    let (found, total) = counts(tx, &list, counted.as_ref(), &wanted)?;
    let place = counted.as_ref().and_then(|counted| counted.lists.place(&list, counted.state, *offset));
    let skipped = offset - place.as_ref().map_or(0, |(before, _)| *before);
    if let Some((_, place)) = &place {
        wanted.behind(place, &list);
    }
    let select = wanted.select(&list, length, &skipped);
    let mut last = None;
    let items = tx.all(&select, &wanted.params, |one| {
        if counted.is_some() {
            last = Some(Place { order: one.get(order)?, id: one.get("id")? });
        }
        row(one)
    })?;
    if let Some(Counted { lists, state, .. }) = counted {
        let place = last.map(|place| (offset + items.len() as i64, place));
        lists.learn(list, state, found, place);
    }
    Ok(Page { items, found, total })
}

/// How many rows of a list are wanted, and how many there are; counted where neither the database nor we know.
fn counts(
    tx: &Tx<'_>,
    list: &List,
    counted: Option<&Counted<'_>>,
    wanted: &Conditions<'_>,
) -> Result<(i64, i64), StoreError> {
    let total = match counted {
        Some(counted) => counted.total,
        None => count(tx, &list.table, &Conditions::default())?,
    };
    let known = counted.and_then(|counted| counted.lists.found(list, counted.state));
    let found = match known {
        _ if list.filter.is_none() => total,
        Some(found) => found,
        None => count(tx, &list.table, wanted)?,
    };
    Ok((found, total))
}

/// What the database says of a list without reading it, and what is remembered of lists.
struct Counted<'c> {
    lists: &'c Lists,
    total: i64,
    state: i64,
}

impl<'c> Counted<'c> {
    fn of(tx: &Tx<'c>, list: &List) -> Result<Option<Counted<'c>>, StoreError> {
        let Some(lists) = tx.lists() else { return Ok(None) };
        let sql =
            "SELECT CAST(sum(n) AS BIGINT) AS total, CAST(sum(state) % 9007199254740992 AS BIGINT) AS state
            FROM counts WHERE kind = ?1";
        let counted = |row: &Row<'_>| {
            let total: Option<i64> = row.get("total")?;
            total.map(|total| Ok(Counted { lists, total, state: row.get("state")? })).transpose()
        };
        Ok(tx.one(sql, params![list.table], counted)?.flatten())
    }
}

fn count(tx: &Tx<'_>, table: &str, wanted: &Conditions<'_>) -> Result<i64, StoreError> {
    let count = format!("SELECT count(*) AS number FROM {table} {}", wanted.filter());
    Ok(tx.one(&count, &wanted.params, |row| row.get("number"))?.unwrap_or(0))
}

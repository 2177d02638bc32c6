//! Pages of a list: the parameters that choose one, the SQL that cuts it, the `query` object that describes it.

use rusqlite::{Connection, Row, params};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::by_id;
use super::fields::{Object, Reader};
use super::problem::Problem;
use crate::serve::names::fold;

/// Both the default and the maximum of `length`.
const LONGEST: i64 = 100;

/// What a list can be sorted by: the value of `orderby` and the SQL for it; the first is the default.
pub type Orders = &'static [(&'static str, &'static str)];

/// One page of one list, as asked for.
pub struct Page {
    offset: i64,
    length: i64,
    order: String,
    /// A substring of the name, folded.
    name: Option<String>,
    /// The SQL that looks for it, as `?1`.
    filter: &'static str,
}

impl Page {
    /// Reads `offset`, `length` (or `limit`), `orderby`, `sort` and the substring filter `name`.
    pub fn read(query: &Object, orders: Orders) -> Result<Page, Problem> {
        Page::read_by(query, orders, "name")
    }

    /// Like [`Page::read`], with the filter in the parameter `filter`.
    pub fn read_by(query: &Object, orders: Orders, filter: &str) -> Result<Page, Problem> {
        let mut read = Reader::new(query);
        let offset = read.integer("offset").value().unwrap_or(0);
        let limit = read.integer("limit").value();
        let length = read.integer("length").value().or(limit).unwrap_or(LONGEST);
        let orderby = read.text("orderby").value().filter(|text| !text.is_empty());
        let sort = read.text("sort").value().filter(|text| !text.is_empty());
        let name = read.text(filter).value().filter(|text| !text.is_empty()).map(|name| fold(&name));
        if offset < 0 {
            read.errors.add("offset", "must not be negative");
        }
        if length < 0 {
            read.errors.add("length", "must not be negative");
        }
        let chosen = match orderby {
            None => orders.first(),
            Some(wanted) => orders.iter().find(|(name, _)| *name == wanted),
        };
        let direction = match sort.as_deref() {
            None | Some("asc") => Some("ASC"),
            Some("desc") => Some("DESC"),
            Some(_) => None,
        };
        if chosen.is_none() {
            let names: Vec<_> = orders.iter().map(|(name, _)| *name).collect();
            read.errors.add("orderby", format!("is not one of: {}", names.join(", ")));
        }
        if direction.is_none() {
            read.errors.add("sort", "is not one of: asc, desc");
        }
        read.finish()?;
        let (_, column) = chosen.copied().unwrap_or(("id", "id"));
        let order = format!("{column} {}, id ASC", direction.unwrap_or("ASC"));
        Ok(Page { offset, length: length.min(LONGEST), order, name, filter: "instr(key, ?1) > 0" })
    }

    /// Filters by `sql` instead, in which `?1` is what is looked for, folded.
    pub fn filtered(mut self, sql: &'static str) -> Page {
        self.filter = sql;
        self
    }

    /// Takes the filter for a whole name in which `*` stands for any run of characters.
    pub fn by_pattern(mut self) -> Page {
        let escaped = |name: &str| name.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        self.name = self.name.map(|name| escaped(&name).replace('*', "%"));
        self.filtered(r"key LIKE ?1 ESCAPE '\'")
    }

    /// Turns the name filter off, for the lists that have none.
    pub fn without_name(mut self) -> Page {
        self.name = None;
        self
    }

    /// Cuts this page out of `table`, whose column `key` holds the folded name. Must run inside one transaction,
    /// so that the counts and the rows belong together.
    pub fn cut<T>(
        &self,
        connection: &Connection,
        table: &str,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Listed<T>, Problem> {
        let count = format!("SELECT count(*) FROM {table}");
        let total = connection.prepare_cached(&count)?.query_row([], |row| row.get(0))?;
        let (filter, found) = match &self.name {
            None => ("?1 IS NULL", total),
            Some(name) => {
                let count = format!("{count} WHERE {}", self.filter);
                (self.filter, connection.prepare_cached(&count)?.query_row([name], |row| row.get(0))?)
            }
        };
        let select =
            format!("SELECT * FROM {table} WHERE {filter} ORDER BY {} LIMIT ?2 OFFSET ?3", self.order);
        let mut select = connection.prepare_cached(&select)?;
        let items = by_id::rows(select.query(params![self.name, self.length, self.offset])?, row)?;
        Ok(Listed { items, found, total, offset: self.offset })
    }

    /// The page of a list that has no entries at all.
    pub fn empty<T>(&self) -> Listed<T> {
        Listed { items: Vec::new(), found: 0, total: 0, offset: self.offset }
    }
}

/// A page together with the counts its pagers stop at: some at `found`, python-librato 3 at `total`.
pub struct Listed<T> {
    pub items: Vec<T>,
    found: i64,
    total: i64,
    offset: i64,
}

impl<T> Listed<T> {
    /// The same page with what `turn` makes of its items: as many, in the same order.
    pub fn try_map<U>(
        self,
        turn: impl FnOnce(Vec<T>) -> Result<Vec<U>, Problem>,
    ) -> Result<Listed<U>, Problem> {
        Ok(Listed { items: turn(self.items)?, found: self.found, total: self.total, offset: self.offset })
    }

    /// `{"query": …, "<key>": […]}`; `length` is the number of items actually returned.
    pub fn envelope<'a, S: Serialize>(
        &'a self,
        key: &'static str,
        shown: impl Fn(&'a T) -> S,
    ) -> impl Serialize {
        let items: Vec<S> = self.items.iter().map(shown).collect();
        let query = Counts { found: self.found, length: items.len(), offset: self.offset, total: self.total };
        Envelope { key, query, items }
    }
}

#[derive(serde::Serialize)]
struct Counts {
    found: i64,
    length: usize,
    offset: i64,
    total: i64,
}

struct Envelope<S> {
    key: &'static str,
    query: Counts,
    items: Vec<S>,
}

impl<S: Serialize> Serialize for Envelope<S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("query", &self.query)?;
        map.serialize_entry(self.key, &self.items)?;
        map.end()
    }
}

//! Pages of a list: the parameters that choose one, and the `query` object that describes it. The cutting is the store's.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::fields::{Object, Reader};
use super::problem::Problem;
use crate::serve::names::fold;
use crate::serve::store::error::StoreError;
use crate::serve::store::page::{self, Filter, PageRequest};
use crate::serve::store::tx::{Row, Tx};

/// Both the default and the maximum of `length`.
const LONGEST: i64 = 100;

/// What a list can be sorted by: the value of `orderby` and the column it means; the first is the default.
pub type Orders = &'static [(&'static str, &'static str)];

/// One page of one list, as asked for.
pub struct Page(PageRequest);

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
        let descending = match sort.as_deref() {
            None | Some("asc") => Some(false),
            Some("desc") => Some(true),
            Some(_) => None,
        };
        if chosen.is_none() {
            let names: Vec<_> = orders.iter().map(|(name, _)| *name).collect();
            read.errors.add("orderby", format!("is not one of: {}", names.join(", ")));
        }
        if descending.is_none() {
            read.errors.add("sort", "is not one of: asc, desc");
        }
        read.finish()?;
        let (_, order) = chosen.copied().unwrap_or(("id", "id"));
        let filter = name.map(|name| (name, Filter::Part(&["key"])));
        let descending = descending.unwrap_or_default();
        Ok(Page(PageRequest { offset, length: length.min(LONGEST), order, descending, filter }))
    }

    /// Looks for the name elsewhere than in the column `key`, which holds it folded.
    pub fn filtered(mut self, by: Filter) -> Page {
        self.0.filter = self.0.filter.map(|(text, _)| (text, by));
        self
    }

    /// Turns the name filter off, for the lists that have none.
    pub fn without_name(mut self) -> Page {
        self.0.filter = None;
        self
    }

    /// Cuts this page out of `table`.
    pub fn cut<T>(
        &self,
        tx: &Tx<'_>,
        table: &str,
        row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Listed<T>, StoreError> {
        let page::Page { items, found, total } = page::page(tx, table, &self.0, row)?;
        Ok(Listed { items, tags: Vec::new(), found, total, offset: self.0.offset })
    }

    /// Cuts this page as `cut` does.
    pub fn cut_by<T>(
        &self,
        cut: impl FnOnce(&PageRequest) -> Result<page::Page<T>, StoreError>,
    ) -> Result<Listed<T>, StoreError> {
        let page::Page { items, found, total } = cut(&self.0)?;
        Ok(Listed { items, tags: Vec::new(), found, total, offset: self.0.offset })
    }

    /// The page of a list that has no entries at all.
    pub fn empty<T>(&self) -> Listed<T> {
        Listed { items: Vec::new(), tags: Vec::new(), found: 0, total: 0, offset: self.0.offset }
    }
}

/// A page together with the counts its pagers stop at: some at `found`, python-librato 3 at `total`.
pub struct Listed<T> {
    pub items: Vec<T>,
    /// The tag of each, where they are asked for; else none.
    tags: Vec<String>,
    found: i64,
    total: i64,
    offset: i64,
}

impl<T> Listed<T> {
    /// The same page with what `turn` makes of its items: as many, in the same order.
    pub fn try_map<U, E>(self, turn: impl FnOnce(Vec<T>) -> Result<Vec<U>, E>) -> Result<Listed<U>, E> {
        let Listed { items, tags, found, total, offset } = self;
        Ok(Listed { items: turn(items)?, tags, found, total, offset })
    }

    /// The same page with the tags of its items.
    pub fn tagged(self, tags: Vec<String>) -> Listed<T> {
        Listed { tags, ..self }
    }

    /// `{"query": …, "<key>": […]}`; `length` is the number of items actually returned.
    pub fn envelope<'a, S: Serialize>(
        &'a self,
        key: &'static str,
        shown: impl Fn(&'a T) -> S,
    ) -> impl Serialize {
        let items = tagged(self.items.iter().map(shown), &self.tags);
        let query = Counts { found: self.found, length: items.len(), offset: self.offset, total: self.total };
        Envelope { key, query, items }
    }
}

/// What is listed, each with its tag where there are tags.
pub fn tagged<S: Serialize>(items: impl Iterator<Item = S>, tags: &[String]) -> Vec<Tagged<'_, S>> {
    items.enumerate().map(|(at, shown)| Tagged { shown, tag: tags.get(at).map(String::as_str) }).collect()
}

/// An object that is listed, and its tag where tags are asked for.
pub struct Tagged<'a, S> {
    shown: S,
    tag: Option<&'a str>,
}

impl<S: Serialize> Serialize for Tagged<'_, S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        #[derive(serde::Serialize)]
        struct With<'a, S> {
            #[serde(flatten)]
            shown: &'a S,
            // as `wire::entity_tags` calls it
            etag: &'a str,
        }
        match self.tag {
            None => self.shown.serialize(serializer),
            Some(etag) => With { shown: &self.shown, etag }.serialize(serializer),
        }
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

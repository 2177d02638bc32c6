//! Reading a whole paginated collection, and knowing that it was the whole.
//! Pages after the first are fetched concurrently; a collection that changed meanwhile is read again.
//! Knows the page envelope, not what is listed.
use std::collections::HashSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::remote::ApiError;
use crate::wire::{Query, TextPage};

/// What the API gives at most in one page.
const PAGE_LENGTH: u64 = 100;
/// How often a collection is read before giving up on its standing still.
const ATTEMPTS: u32 = 3;

/// A paginated collection and how to tell its entries apart.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The collection below `/v1`, e.g. `/alerts`.
    pub path: String,
    /// Where the entries stand in the answer, e.g. `alerts`.
    pub key: &'static str,
    /// Filters, e.g. `("name", "web")`; paging and order are added.
    pub query: Vec<(String, String)>,
    /// The field to order by (ascending) where the API allows one: `name` for metrics, annotations and
    /// spaces, `title` for services. Alerts know only `updated_at`.
    pub order: Option<&'static str>,
    /// What makes an entry one of a kind: its id, or its name with case folded. `None` is an error of the
    /// service's.
    pub identity: fn(&Value) -> Option<String>,
    /// Whether each entry is to say which state it is in, as services do that can refuse a change meant for another state.
    pub tagged: bool,
}

/// What one reading of a collection came to.
enum Reading<T> {
    Whole(Vec<T>),
    /// Counts that do not agree: someone wrote meanwhile.
    Moving {
        found: u64,
        distinct: u64,
    },
}

/// One page: what was made of its entries, and what tells them apart.
#[derive(Debug)]
pub struct Part<T> {
    /// What the page says of the whole; a bare array says nothing.
    pub query: Option<Query>,
    /// What makes each entry one of a kind, and the entry.
    pub items: Vec<(String, T)>,
}

impl Listing {
    /// Reads the collection, up to `concurrency` pages at once, until it stands still. `page` gets the one that begins at an offset.
    pub(super) async fn fetch<T, F>(
        &self,
        page: impl Fn(u64) -> F,
        concurrency: usize,
        pause: Duration,
    ) -> Result<Vec<T>, ApiError>
    where
        F: Future<Output = Result<Part<T>, ApiError>>,
    {
        let mut attempt = 1;
        loop {
            match fetch_once(&page, concurrency).await? {
                Reading::Whole(items) => return Ok(items),
                Reading::Moving { found, distinct } if attempt == ATTEMPTS => {
                    return Err(ApiError::Incomplete { path: self.path.clone(), found, distinct });
                }
                Reading::Moving { found, distinct } => {
                    tracing::debug!(
                        path = self.path,
                        found,
                        distinct,
                        "the listing changed while it was read"
                    );
                    tokio::time::sleep(pause * attempt).await;
                    attempt += 1;
                }
            }
        }
    }

    /// What asks for the page that begins at an offset.
    pub(super) fn page_at(&self, offset: u64) -> Vec<(&str, String)> {
        let mut query: Vec<(&str, String)> =
            self.query.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        query.extend([("offset", offset.to_string()), ("length", PAGE_LENGTH.to_string())]);
        if let Some(field) = self.order {
            query.extend([("orderby", field.to_owned()), ("sort", "asc".to_owned())]);
        }
        query
    }

    /// Reads a page, entry by entry. Inside, what is wrong with a page that is JSON.
    pub(super) fn read_page<T>(
        &self,
        body: &[u8],
        each: impl Fn(Value, &RawValue) -> T,
    ) -> serde_json::Result<Result<Part<T>, String>> {
        let TextPage { query, items } = match TextPage::read(body, self.key)? {
            Ok(page) => page,
            Err(detail) => return Ok(Err(detail)),
        };
        let mut read = Vec::with_capacity(items.len());
        for text in items {
            let entry: Value = serde_json::from_str(text.get())?;
            let Some(identity) = (self.identity)(&entry) else {
                return Ok(Err(format!("an entry of `{}` has no identity", self.key)));
            };
            read.push((identity, each(entry, text)));
        }
        Ok(Ok(Part { query, items: read }))
    }

    pub(super) fn unreadable(&self, detail: String) -> ApiError {
        ApiError::Decode { path: self.path.clone(), detail }
    }
}

async fn fetch_once<T, F>(page: &impl Fn(u64) -> F, concurrency: usize) -> Result<Reading<T>, ApiError>
where
    F: Future<Output = Result<Part<T>, ApiError>>,
{
    let first = page(0).await?;
    let (mut progress, step) = (Progress::from(0), first.items.len() as u64);
    let (mut items, mut stage) = progress.take(first);
    // Some services give shorter pages than they are asked for, so the first one sets the step.
    let found = progress.found();
    let offsets = (1..).map(|page: u64| page * step).take_while(|offset| *offset < found);
    let mut pages = stream::iter(offsets).map(page).buffered(concurrency);
    while stage == Stage::More
        && let Some(page) = pages.try_next().await?
    {
        let fresh;
        (fresh, stage) = progress.take(page);
        items.extend(fresh);
    }
    Ok(match stage {
        Stage::Whole => Reading::Whole(items),
        Stage::Moved { found, distinct } => Reading::Moving { found, distinct },
        Stage::More => Reading::Moving { found, distinct: progress.distinct() },
    })
}

/// How far a collection has been read, page by page in the order of the offsets.
#[derive(Debug)]
pub struct Progress {
    start: u64,
    /// What the first page said.
    found: Option<u64>,
    /// How many entries came, and which of them are different ones. One that moved between pages while they were read comes twice.
    came: u64,
    seen: HashSet<String>,
}

/// What a collection is known to be after a page of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There are pages left.
    More,
    /// All of it was read.
    Whole,
    /// What the pages say does not agree: someone wrote meanwhile.
    Moved {
        /// How many entries there should be.
        found: u64,
        /// How many different ones came.
        distinct: u64,
    },
}

impl Progress {
    /// Nothing read so far, and the first page begins at an offset.
    pub fn from(start: u64) -> Self {
        Self { start, found: None, came: 0, seen: HashSet::new() }
    }

    /// Takes the next page; what of it is new, and how far that is.
    pub fn take<T>(&mut self, page: Part<T>) -> (Vec<T>, Stage) {
        let Part { query, items } = page;
        let (came, is_first) = (items.len() as u64, self.found.is_none());
        let new = items.into_iter().filter(|(identity, _)| self.seen.insert(identity.clone()));
        let fresh: Vec<T> = new.map(|(_, item)| item).collect();
        self.came += came;
        let said = query.map(|query| query.found.saturating_sub(self.start));
        // A bare array is not paginated: it is the whole.
        if said.is_none() && is_first {
            return (fresh, Stage::Whole);
        }
        let (found, distinct) = (*self.found.get_or_insert(said.unwrap_or_default()), self.distinct());
        // A page that brings nothing new, however often it is asked for, would go on for ever.
        let stands = said == Some(found) && (!fresh.is_empty() || found == 0);
        let stage = match stands {
            true if self.came < found => Stage::More,
            true if distinct == found => Stage::Whole,
            _ => Stage::Moved { found, distinct },
        };
        (fresh, stage)
    }

    /// How many entries there are from the first page on; none that is known of where nothing says so.
    fn found(&self) -> u64 {
        self.found.unwrap_or(0)
    }

    fn distinct(&self) -> u64 {
        self.seen.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(found: Option<u64>, items: &[&'static str]) -> Part<&'static str> {
        let query = found.map(|found| Query { found, total: None, offset: None, length: None });
        Part { query, items: items.iter().map(|item| ((*item).to_owned(), *item)).collect() }
    }

    fn read(start: u64, pages: &[Part<&'static str>]) -> (Vec<&'static str>, Stage) {
        let (mut progress, mut items, mut stage) = (Progress::from(start), Vec::new(), Stage::More);
        for page in pages {
            assert_eq!(stage, Stage::More, "a page after the end");
            let fresh;
            (fresh, stage) = progress.take(Part { query: page.query, items: page.items.clone() });
            items.extend(fresh);
        }
        (items, stage)
    }

    #[test]
    fn pages_are_read_until_they_are_the_whole_or_do_not_agree() {
        let moved = |found, distinct| Stage::Moved { found, distinct };
        let some = Some(3);
        assert_eq!(read(0, &[part(None, &["a", "b"])]), (vec!["a", "b"], Stage::Whole));
        assert_eq!(read(0, &[part(Some(0), &[])]), (vec![], Stage::Whole));
        assert_eq!(read(0, &[part(some, &["a", "b"])]), (vec!["a", "b"], Stage::More));
        assert_eq!(
            read(0, &[part(some, &["a", "b"]), part(some, &["c"])]),
            (vec!["a", "b", "c"], Stage::Whole)
        );
        // From an offset on there are fewer.
        assert_eq!(read(1, &[part(some, &["b", "c"])]), (vec!["b", "c"], Stage::Whole));
        assert_eq!(read(9, &[part(some, &[])]), (vec![], Stage::Whole));
        // One that moved between the pages hides another one.
        assert_eq!(read(0, &[part(some, &["a", "b"]), part(some, &["b"])]).1, moved(3, 2));
        assert_eq!(read(0, &[part(some, &["a", "b"]), part(Some(4), &["c"])]).1, moved(3, 3));
        assert_eq!(read(0, &[part(some, &["a", "b"]), part(None, &["c"])]).1, moved(3, 3));
        assert_eq!(read(0, &[part(some, &[])]).1, moved(3, 0));
        assert_eq!(read(0, &[part(some, &["a"]), part(some, &["a"])]).1, moved(3, 1));
        assert_eq!(read(0, &[part(Some(1), &["a", "b"])]).1, moved(1, 2));
    }
}

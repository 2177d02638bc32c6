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
    /// Counts that do not agree: somebody wrote meanwhile.
    Moving {
        found: u64,
        distinct: u64,
    },
}

/// One page: what was made of its entries, and what tells them apart.
pub(super) struct Part<T> {
    query: Option<Query>,
    items: Vec<(String, T)>,
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
    let mut seen = Distinct { identities: HashSet::new(), items: Vec::new() };
    let step = first.items.len() as u64;
    seen.add(first.items);
    // A bare array is not paginated: it is the whole.
    let Some(query) = first.query else {
        return Ok(Reading::Whole(seen.items));
    };
    let found = query.found;
    if step > 0 {
        // Some services give shorter pages than they are asked for, so the first one sets the step.
        let offsets = (1..).map(|page: u64| page * step).take_while(|offset| *offset < found);
        let mut pages = stream::iter(offsets).map(page).buffered(concurrency);
        while let Some(page) = pages.try_next().await? {
            let agrees = page.query.is_some_and(|query| query.found == found);
            let before = seen.count();
            seen.add(page.items);
            // A page that brings nothing new, however often it is asked for, would go on for ever.
            if !agrees || seen.count() == before {
                return Ok(Reading::Moving { found, distinct: seen.count() });
            }
        }
    }
    let distinct = seen.count();
    Ok(if distinct == found { Reading::Whole(seen.items) } else { Reading::Moving { found, distinct } })
}

/// The entries so far, each once. An entry that moved between pages while they were read comes twice.
struct Distinct<T> {
    identities: HashSet<String>,
    items: Vec<T>,
}

impl<T> Distinct<T> {
    fn add(&mut self, items: Vec<(String, T)>) {
        for (identity, item) in items {
            if self.identities.insert(identity) {
                self.items.push(item);
            }
        }
    }

    fn count(&self) -> u64 {
        self.items.len() as u64
    }
}

//! Reading a whole paginated collection, and knowing that it was the whole.
//! Pages after the first are fetched concurrently; a collection that changed meanwhile is read again.
//! Knows the page envelope, not what is listed.
use std::collections::HashSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::remote::{ApiError, ReadApi};
use crate::wire::Page;

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
}

/// What one reading of a collection came to.
enum Reading {
    Whole(Vec<Value>),
    /// Counts that do not agree: somebody wrote meanwhile.
    Moving {
        found: u64,
        distinct: u64,
    },
}

impl Listing {
    /// Reads the collection through `api`, up to `concurrency` pages at once, until it stands still.
    pub(super) async fn fetch(
        &self,
        api: &impl ReadApi,
        concurrency: usize,
        pause: Duration,
    ) -> Result<Vec<Value>, ApiError> {
        let mut attempt = 1;
        loop {
            match self.fetch_once(api, concurrency).await? {
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

    async fn fetch_once(&self, api: &impl ReadApi, concurrency: usize) -> Result<Reading, ApiError> {
        let first = self.page(api, 0).await?;
        let mut seen = Distinct { listing: self, identities: HashSet::new(), items: Vec::new() };
        let step = first.items.len() as u64;
        seen.add(first.items)?;
        // A bare array is not paginated: it is the whole.
        let Some(query) = first.query else {
            return Ok(Reading::Whole(seen.items));
        };
        let found = query.found;
        if step > 0 {
            // Some services give shorter pages than they are asked for, so the first one sets the step.
            let offsets = (1..).map(|page: u64| page * step).take_while(|offset| *offset < found);
            let mut pages = stream::iter(offsets).map(|offset| self.page(api, offset)).buffered(concurrency);
            while let Some(page) = pages.try_next().await? {
                let agrees = page.query.is_some_and(|query| query.found == found);
                let before = seen.count();
                seen.add(page.items)?;
                // A page that brings nothing new, however often it is asked for, would go on for ever.
                if !agrees || seen.count() == before {
                    return Ok(Reading::Moving { found, distinct: seen.count() });
                }
            }
        }
        let distinct = seen.count();
        Ok(if distinct == found { Reading::Whole(seen.items) } else { Reading::Moving { found, distinct } })
    }

    async fn page(&self, api: &impl ReadApi, offset: u64) -> Result<Page, ApiError> {
        let mut query: Vec<(&str, String)> =
            self.query.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        query.extend([("offset", offset.to_string()), ("length", PAGE_LENGTH.to_string())]);
        if let Some(field) = self.order {
            query.extend([("orderby", field.to_owned()), ("sort", "asc".to_owned())]);
        }
        let body = api.get(&self.path, &query).await?;
        Page::read(body, self.key).map_err(|detail| self.unreadable(detail))
    }

    fn unreadable(&self, detail: String) -> ApiError {
        ApiError::Decode { path: self.path.clone(), detail }
    }
}

/// The entries so far, each once. An entry that moved between pages while they were read comes twice.
struct Distinct<'a> {
    listing: &'a Listing,
    identities: HashSet<String>,
    items: Vec<Value>,
}

impl Distinct<'_> {
    fn add(&mut self, items: Vec<Value>) -> Result<(), ApiError> {
        for item in items {
            let Some(identity) = (self.listing.identity)(&item) else {
                return Err(self
                    .listing
                    .unreadable(format!("an entry of `{}` has no identity", self.listing.key)));
            };
            if self.identities.insert(identity) {
                self.items.push(item);
            }
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        self.items.len() as u64
    }
}

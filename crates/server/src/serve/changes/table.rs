//! What is kept of changes: the keys of requests that may come again, and the audit.

use serde_json::value::RawValue;

use crate::serve::store::error::StoreError;
use crate::serve::store::page::{Conditions, Page, PageRequest, page_where};
use crate::serve::store::tx::{Row, Tx, params};

/// How long a request with a key is known again, in seconds.
pub const KEYS_KEPT: i64 = 24 * 3600;

/// The key with which tags are made, as schema 7 put it into the file.
pub fn tag_key(tx: &Tx<'_>) -> Result<String, StoreError> {
    let found =
        tx.one("SELECT value FROM file_properties WHERE key = 'tag_key'", params![], |row| row.get("value"))?;
    found.ok_or_else(|| StoreError::internal("the file has no key for tags"))
}

/// A request that may come again.
pub struct Request<'a> {
    pub account: &'a [u8; 32],
    pub path: &'a str,
    pub key: &'a str,
}

/// What a request with a key made.
pub struct Known {
    pub digest: Vec<u8>,
    pub object: i64,
}

/// What the request made when it came before, unless that is too long ago.
pub fn known(tx: &Tx<'_>, request: &Request<'_>, now: i64) -> Result<Option<Known>, StoreError> {
    let Request { account, path, key } = request;
    let sql = "SELECT digest, object_id FROM idempotency_keys
        WHERE account = ?1 AND path = ?2 AND request_key = ?3 AND made_at > ?4";
    tx.one(sql, params![account, path, key, now - KEYS_KEPT], |row| {
        Ok(Known { digest: row.get::<&[u8]>("digest")?.to_vec(), object: row.get("object_id")? })
    })
}

/// Remembers a request, in place of one that is too old.
pub fn remember(
    tx: &Tx<'_>,
    request: &Request<'_>,
    digest: &[u8; 32],
    object: i64,
    now: i64,
) -> Result<(), StoreError> {
    let Request { account, path, key } = request;
    tx.execute(
        "DELETE FROM idempotency_keys WHERE account = ?1 AND path = ?2 AND request_key = ?3",
        params![account, path, key],
    )?;
    let sql = "INSERT INTO idempotency_keys (account, path, request_key, digest, object_id, made_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.execute(sql, params![account, path, key, digest, object, now]).map(drop)
}

/// One change, as the audit has it.
pub struct Entry {
    pub id: i64,
    pub time: i64,
    pub user: String,
    pub address: Option<String>,
    pub kind: String,
    pub object: i64,
    pub name: String,
    pub action: String,
    /// JSON, without what is secret.
    pub before: Option<Box<RawValue>>,
    pub after: Option<Box<RawValue>>,
}

impl Entry {
    pub fn from_row(row: &Row<'_>) -> Result<Entry, StoreError> {
        Ok(Entry {
            id: row.get("id")?,
            time: row.get("made_at")?,
            user: row.get("made_by")?,
            address: row.get("address")?,
            kind: row.get("kind")?,
            object: row.get("object_id")?,
            name: row.get("name")?,
            action: row.get("action")?,
            before: some(row.json("audit", "before_change")?),
            after: some(row.json("audit", "after_change")?),
        })
    }
}

/// In place of an object that is not there.
const NOTHING: &str = "{}";

fn some(object: Box<RawValue>) -> Option<Box<RawValue>> {
    Some(object).filter(|object| object.get() != NOTHING)
}

/// Writes an entry, whose id is given to it.
pub fn record(tx: &Tx<'_>, entry: &Entry, key: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (made_at, made_by, address, kind, object_id, name, key, action, before_change, after_change)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let Entry { time, user, address, kind, object, name, action, before, after, .. } = entry;
    let [before, after] = [before, after].map(|object| object.as_deref().map_or(NOTHING, RawValue::get));
    tx.execute(sql, params![time, user, address, kind, object, name, key, action, before, after]).map(drop)
}

/// Which entries are wanted, beside the part of the name that a page asks for.
pub struct Search {
    pub kind: Option<String>,
    pub user: Option<String>,
    /// The earliest time.
    pub start: Option<i64>,
}

/// A page of the audit.
pub fn search(tx: &Tx<'_>, search: &Search, page: &PageRequest) -> Result<Page<Entry>, StoreError> {
    let mut wanted = Conditions::default();
    for (column, value) in [("kind", &search.kind), ("made_by", &search.user)] {
        if let Some(value) = value {
            wanted.add(value, |at| format!("{column} = ?{at}"));
        }
    }
    if let Some(start) = &search.start {
        wanted.add(start, |at| format!("made_at >= ?{at}"));
    }
    if let Some((name, _)) = &page.filter {
        wanted.add(name, |at| tx.contains("key", at));
    }
    page_where(tx, "audit", wanted, page, Entry::from_row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::store::scratch;

    #[test]
    fn a_key_is_known_for_a_day_and_may_then_be_used_again() {
        let scratch = scratch();
        let tx = scratch.tx();
        let request = Request { account: &[1; 32], path: "/v1/alerts", key: "k" };
        let object = |now| known(&tx, &request, now).unwrap().map(|known| known.object);
        remember(&tx, &request, &[0; 32], 7, 1000).unwrap();
        assert_eq!(object(1000 + KEYS_KEPT - 1), Some(7));
        assert_eq!(object(1000 + KEYS_KEPT), None, "whether or not it is still kept");
        remember(&tx, &request, &[0; 32], 8, 1000 + KEYS_KEPT).unwrap();
        assert_eq!(object(1000 + KEYS_KEPT), Some(8));
    }
}

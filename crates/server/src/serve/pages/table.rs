//! What is kept of sessions: the key that seals them, and those that were ended before their time.

use std::collections::BTreeMap;

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

const KEY: &str = "session_key";
const ENDED: &str = "ended_sessions";

/// Sessions by their nonces, and until when they have to be known as ended.
pub type Ended = BTreeMap<String, i64>;

fn property(tx: &Tx<'_>, key: &str) -> Result<Option<String>, StoreError> {
    tx.one("SELECT value FROM file_properties WHERE key = ?1", params![key], |row| row.get("value"))
}

/// The key, if there is one yet.
pub fn key(tx: &Tx<'_>) -> Result<Option<String>, StoreError> {
    property(tx, KEY)
}

/// Keeps `new` as the key unless there is one; the key from then on.
pub fn make_key(tx: &Tx<'_>, new: &str) -> Result<Option<String>, StoreError> {
    let sql = "INSERT INTO file_properties (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING";
    tx.execute(sql, params![KEY, new])?;
    key(tx)
}

/// Those that were ended.
pub fn ended(tx: &Tx<'_>) -> Result<Ended, StoreError> {
    property(tx, ENDED)?
        .map_or_else(|| Ok(Ended::new()), |kept| serde_json::from_str(&kept).map_err(StoreError::internal))
}

/// Ends one, and forgets those that are over by themselves.
pub fn end(tx: &Tx<'_>, nonce: &str, until: i64, now: i64) -> Result<(), StoreError> {
    let mut all = ended(tx)?;
    all.retain(|_, until| *until >= now);
    all.insert(nonce.to_owned(), until);
    let text = serde_json::to_string(&all).map_err(StoreError::internal)?;
    let sql = "INSERT INTO file_properties (key, value) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, params![ENDED, text]).map(drop)
}

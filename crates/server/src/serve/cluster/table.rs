//! The tables of servers and of leases, which are there only in databases that servers share, and so are asked in the words of these. All
//! times are milliseconds by the clock of the database, at which a transaction began.

use super::node::Node;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

/// The time.
const NOW: &str = "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)";

/// A lease that was given.
pub struct Lease {
    pub name: String,
    pub token: i64,
}

/// Notes that a server is there.
pub fn seen(tx: &Tx<'_>, id: i64, node: &Node, level: i64) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO nodes (id, name, version, level, url, credentials, begun, seen)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, {NOW}, {NOW}) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen"
    );
    let version = env!("CARGO_PKG_VERSION");
    tx.execute(&sql, params![id, node.name, version, level, node.url, node.credentials]).map(drop)
}

/// It is there no more.
pub fn gone(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM nodes WHERE id = ?1", params![id]).map(drop)
}

/// Keeps the leases that a server has of these for `time` from now on; the others it has not.
pub fn renew(tx: &Tx<'_>, id: i64, names: &Vec<String>, time: i64) -> Result<Vec<Lease>, StoreError> {
    let which = tx.any("name", 2);
    let sql =
        format!("UPDATE leases SET until = {NOW} + ?3 WHERE holder = ?1 AND {which} RETURNING name, token");
    tx.all(&sql, params![id, names, time], given)
}

/// Takes those of these leases that nobody keeps, and that no transaction goes by that is still under way.
pub fn acquire(tx: &Tx<'_>, id: i64, names: &Vec<String>, time: i64) -> Result<Vec<Lease>, StoreError> {
    let which = tx.any("name", 2);
    let free = format!("{which} AND (holder IS NULL OR until < {NOW})");
    let make = "INSERT INTO leases (name, token, until, waiting)
        SELECT name, 0, 0, 0 FROM unnest(CAST(?1 AS TEXT[])) AS name ORDER BY name ON CONFLICT (name) DO NOTHING";
    tx.execute(make, params![names])?;
    let sql = format!(
        "UPDATE leases SET holder = ?1, token = token + 1, until = {NOW} + ?3
        WHERE name IN (SELECT name FROM leases WHERE {free} FOR UPDATE SKIP LOCKED) RETURNING name, token"
    );
    tx.all(&sql, params![id, names, time], given)
}

fn given(row: &Row<'_>) -> Result<Lease, StoreError> {
    Ok(Lease { name: row.get("name")?, token: row.get("token")? })
}

/// Lets others have these leases, as far as the server has them.
pub fn give_back(tx: &Tx<'_>, id: i64, names: &Vec<String>) -> Result<(), StoreError> {
    let sql =
        format!("UPDATE leases SET holder = NULL, until = 0 WHERE holder = ?1 AND {}", tx.any("name", 2));
    tx.execute(&sql, params![id, names]).map(drop)
}

/// Whether this is still the last token of a lease; no other is given until the transaction ends. Does not wait for who keeps the lease, since
/// that changes no column of a key.
pub fn is_held(tx: &Tx<'_>, name: &str, token: i64) -> Result<bool, StoreError> {
    let sql = "SELECT token FROM leases WHERE name = ?1 AND token = ?2 FOR KEY SHARE";
    tx.exists(sql, params![name, token])
}

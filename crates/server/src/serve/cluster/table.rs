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
    /// Whether another server had it, and was not heard any more.
    pub taken_over: bool,
}

/// How far behind a duty is, by what was last told of it.
pub struct Behind {
    pub name: String,
    pub millis: i64,
}

/// Notes that a server is there. The clock of the database, now.
pub fn seen(
    tx: &Tx<'_>,
    id: i64,
    name: &str,
    node: &Node,
    duties: &str,
    level: i64,
) -> Result<i64, StoreError> {
    let sql = format!(
        "INSERT INTO nodes (id, name, version, level, url, credentials, duties, begun, seen)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, {NOW}, {NOW}) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, duties = excluded.duties
        RETURNING CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS clock"
    );
    let version = env!("CARGO_PKG_VERSION");
    let params = params![id, name, version, level, node.url, node.credentials, duties];
    let clock = tx.one(&sql, params, |row| row.get("clock"))?;
    clock.ok_or_else(|| StoreError::internal("the database tells no time"))
}

/// The word by which a server says that it notifies.
pub const NOTIFY: &str = "notify";

/// Servers that were heard lately.
#[derive(Debug, Default)]
pub struct Nodes {
    pub all: i64,
    /// Those that let others in than this one does.
    pub strangers: i64,
    /// Those beside this one that notify. A program that knows no such word does.
    pub notifying: i64,
}

/// The servers that were heard less than `gone` ago, beside the one with this id and these credentials.
pub fn nodes(tx: &Tx<'_>, id: i64, credentials: &str, gone: i64) -> Result<Nodes, StoreError> {
    let notifies = tx.contains("coalesce(duties, ?4)", 4);
    let sql = format!(
        "SELECT COUNT(*) AS nodes, COUNT(CASE WHEN credentials <> ?1 THEN 1 END) AS strangers,
            COUNT(CASE WHEN id <> ?3 AND {notifies} THEN 1 END) AS notifying
        FROM nodes WHERE seen > {NOW} - ?2"
    );
    let counts = tx.one(&sql, params![credentials, gone, id, NOTIFY], |row| {
        let (all, strangers) = (row.get("nodes")?, row.get("strangers")?);
        Ok(Nodes { all, strangers, notifying: row.get("notifying")? })
    })?;
    Ok(counts.unwrap_or_default())
}

/// Into how many groups alerts are divided, which have a clock each, and how many servers that were heard less than `gone` ago have this `word`
/// among what they do.
pub fn division(tx: &Tx<'_>, word: &str, gone: i64) -> Result<(i64, i64), StoreError> {
    let does = tx.contains("coalesce(duties, '')", 1);
    let sql = format!(
        "SELECT (SELECT count(*) FROM alert_clock) AS groups,
            (SELECT count(*) FROM nodes WHERE seen > {NOW} - ?2 AND {does}) AS servers"
    );
    let counts = tx.one(&sql, params![word, gone], |row| Ok((row.get("groups")?, row.get("servers")?)))?;
    counts.ok_or_else(|| StoreError::internal("the database counts no groups of alerts"))
}

/// What a server does has changed.
pub fn does(tx: &Tx<'_>, id: i64, duties: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE nodes SET duties = ?2 WHERE id = ?1", params![id, duties]).map(drop)
}

/// It is there no more.
pub fn gone(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM nodes WHERE id = ?1", params![id]).map(drop)
}

/// Keeps the leases that a server has of these for `time` from now on, and notes how far `behind` they are; the others it has not.
pub fn renew(
    tx: &Tx<'_>,
    id: i64,
    names: &Vec<String>,
    behind: &Vec<i64>,
    time: i64,
) -> Result<Vec<Lease>, StoreError> {
    let sql = format!(
        "UPDATE leases SET until = {NOW} + ?3, done = CASE WHEN had.behind < 0 THEN done ELSE {NOW} - had.behind END
        FROM unnest(CAST(?2 AS TEXT[]), CAST(?4 AS BIGINT[])) AS had (name, behind)
        WHERE leases.name = had.name AND holder = ?1 RETURNING leases.name AS name, token, FALSE AS taken_over"
    );
    tx.all(&sql, params![id, names, time, behind], given)
}

/// How far behind duties are that anybody has done.
pub fn behind(tx: &Tx<'_>) -> Result<Vec<Behind>, StoreError> {
    let sql = format!("SELECT name, {NOW} - done AS behind FROM leases WHERE done IS NOT NULL");
    tx.all(&sql, params![], |row| Ok(Behind { name: row.get("name")?, millis: row.get("behind")? }))
}

/// Takes up to `most` of these leases that nobody keeps, and that no transaction goes by that is still under way.
pub fn acquire(
    tx: &Tx<'_>,
    id: i64,
    names: &Vec<String>,
    time: i64,
    most: usize,
) -> Result<Vec<Lease>, StoreError> {
    let which = tx.any("name", 2);
    let make = "INSERT INTO leases (name, token, until, waiting)
        SELECT name, 0, 0, 0 FROM unnest(CAST(?1 AS TEXT[])) AS name ORDER BY name ON CONFLICT (name) DO NOTHING";
    tx.execute(make, params![names])?;
    let sql = format!(
        "UPDATE leases SET holder = ?1, token = leases.token + 1, until = {NOW} + ?3
        FROM (SELECT name, holder FROM leases WHERE {which} AND (holder IS NULL OR until < {NOW}) LIMIT ?4 FOR UPDATE SKIP LOCKED) AS free
        WHERE leases.name = free.name
        RETURNING leases.name AS name, leases.token AS token, coalesce(free.holder <> ?1, FALSE) AS taken_over"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    tx.all(&sql, params![id, names, time, most], given)
}

fn given(row: &Row<'_>) -> Result<Lease, StoreError> {
    Ok(Lease { name: row.get("name")?, token: row.get("token")?, taken_over: row.get("taken_over")? })
}

/// Lets others have these leases, as far as the server has them.
pub fn give_back(tx: &Tx<'_>, id: i64, names: &Vec<String>) -> Result<(), StoreError> {
    let sql =
        format!("UPDATE leases SET holder = NULL, until = 0 WHERE holder = ?1 AND {}", tx.any("name", 2));
    tx.execute(&sql, params![id, names]).map(drop)
}

/// Whether this is the last token of a lease now.
pub fn is_last(tx: &Tx<'_>, name: &str, token: i64) -> Result<bool, StoreError> {
    tx.exists("SELECT token FROM leases WHERE name = ?1 AND token = ?2", params![name, token])
}

/// Those of these leases of which these are still the last tokens; no other is given until the transaction ends. Does not wait for who keeps
/// them, since that changes no column of a key.
pub fn held(tx: &Tx<'_>, names: &Vec<String>, tokens: &Vec<i64>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT leases.name AS name FROM leases
        JOIN unnest(CAST(?1 AS TEXT[]), CAST(?2 AS BIGINT[])) AS had (name, token)
            ON leases.name = had.name AND leases.token = had.token FOR KEY SHARE OF leases";
    tx.all(sql, params![names, tokens], |row| row.get("name"))
}

//! The tables of snapshots, of the jobs that draw them, and of their pictures.

use serde_json::{Value, json};

use super::options::Place;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

/// What pictures may take together, in bytes, and how long they are kept, in seconds. The oldest go first.
const ROOM: i64 = 256_000_000;
const KEPT: i64 = 30 * 86_400;

/// Snapshots that wait to be drawn.
pub const WAITING: i64 = 1_000;

#[derive(Clone)]
pub struct Snapshot {
    pub id: i64,
    pub job: i64,
    pub subject: Value,
    pub duration: i64,
    /// Epoch seconds.
    pub end_time: i64,
    pub created_at: i64,
    pub updated_at: i64,
    /// What cannot be guessed in the address of its picture; none as long as there is no picture.
    pub key: Option<String>,
}

impl Snapshot {
    pub fn shown(&self, place: &Place) -> Value {
        json!({
            "href": place.absolute(&format!("/v1/snapshots/{}", self.id)),
            "job_href": place.absolute(&format!("/v1/jobs/{}", self.job)),
            "image_href": self.key.as_ref().and_then(|key| place.image(self.id, key)),
            "duration": self.duration,
            "end_time": text(self.end_time),
            "created_at": text(self.created_at),
            "updated_at": text(self.updated_at),
            "subject": self.subject,
        })
    }

    pub fn from_row(row: &Row<'_>) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            id: row.get("id")?,
            job: row.get("job_id")?,
            subject: row.json("snapshots", "subject")?,
            duration: row.get("duration")?,
            end_time: row.get("end_time")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            key: None,
        })
    }
}

/// RFC 3339 in UTC.
fn text(time: i64) -> String {
    jiff::Timestamp::from_second(time).map_or_else(|_| String::new(), |time| time.to_string())
}

/// How many wait to be drawn.
pub fn waiting(tx: &Tx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) AS n FROM jobs WHERE state = 'queued'";
    Ok(tx.one(sql, params![], |row| row.get("n"))?.unwrap_or_default())
}

/// Inserts the snapshot and a job for it, and gives it back with their ids.
pub fn insert(tx: &Tx<'_>, new: &Snapshot) -> Result<Snapshot, StoreError> {
    let job = tx.id("INSERT INTO jobs (state) VALUES ('queued') RETURNING id", params![])?;
    let Snapshot { subject, duration, end_time, created_at, updated_at, .. } = new;
    let sql = "INSERT INTO snapshots (job_id, subject, duration, end_time, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
    let id = tx.id(sql, params![job, subject.to_string(), duration, end_time, created_at, updated_at])?;
    Ok(Snapshot { id, job, ..new.clone() })
}

/// The address of the picture, where there is one.
pub fn key(tx: &Tx<'_>, id: i64) -> Result<Option<String>, StoreError> {
    tx.one("SELECT key FROM pictures WHERE snapshot_id = ?1", params![id], |row| row.get("key"))
}

/// The picture of a snapshot.
pub fn picture(tx: &Tx<'_>, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
    tx.one("SELECT png FROM pictures WHERE snapshot_id = ?1", params![id], |row| row.get("png"))
}

/// The picture at an address.
pub fn picture_at(tx: &Tx<'_>, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    tx.one("SELECT png FROM pictures WHERE key = ?1", params![key], |row| row.get("png"))
}

/// What was being drawn when the server ended waits again.
pub fn wait_again(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE jobs SET state = 'queued' WHERE state = 'working'", params![]).map(drop)
}

/// Takes the one that has waited longest.
pub fn take(tx: &Tx<'_>) -> Result<Option<Snapshot>, StoreError> {
    let sql = "SELECT s.* FROM jobs j JOIN snapshots s ON s.job_id = j.id WHERE j.state = 'queued' ORDER BY j.id LIMIT 1";
    let found = tx.one(sql, params![], Snapshot::from_row)?;
    if let Some(snapshot) = &found {
        tx.execute("UPDATE jobs SET state = 'working' WHERE id = ?1", params![snapshot.job])?;
    }
    Ok(found)
}

/// Keeps the picture of one that was taken, under an address, and lets older ones go.
pub fn finish(tx: &Tx<'_>, one: &Snapshot, key: &str, png: &[u8], now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE jobs SET state = 'complete' WHERE id = ?1 AND state = 'working'";
    if tx.execute(sql, params![one.job])? == 0 {
        return Ok(());
    }
    let bytes = i64::try_from(png.len()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO pictures (snapshot_id, key, made_at, bytes, png) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![one.id, key, now, bytes, png])?;
    tx.execute("UPDATE snapshots SET updated_at = ?2 WHERE id = ?1", params![one.id, now])?;
    tx.execute("DELETE FROM pictures WHERE made_at < ?1", params![now.saturating_sub(KEPT)])?;
    let sql = "SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) AS n FROM pictures";
    let mut held: i64 = tx.one(sql, params![], |row| row.get("n"))?.unwrap_or_default();
    while held > ROOM {
        let sql = "SELECT snapshot_id, bytes FROM pictures ORDER BY snapshot_id LIMIT 1";
        let oldest: Option<(i64, i64)> =
            tx.one(sql, params![], |row| Ok((row.get("snapshot_id")?, row.get("bytes")?)))?;
        let Some((oldest, bytes)) = oldest else { break };
        tx.execute("DELETE FROM pictures WHERE snapshot_id = ?1", params![oldest])?;
        held -= bytes;
    }
    Ok(())
}

/// Keeps a picture that no one asked for by the API, under an address.
pub fn keep(tx: &Tx<'_>, of: &Snapshot, key: &str, png: &[u8]) -> Result<(), StoreError> {
    let made = insert(tx, of)?;
    tx.execute("UPDATE jobs SET state = 'working' WHERE id = ?1", params![made.job])?;
    finish(tx, &made, key, png, made.created_at)
}

/// The address of a picture of this subject, among the newest ones.
pub fn kept(tx: &Tx<'_>, subject: &Value) -> Result<Option<String>, StoreError> {
    let sql = "SELECT p.key FROM (SELECT id, subject FROM snapshots ORDER BY id DESC LIMIT 1000) s
        JOIN pictures p ON p.snapshot_id = s.id WHERE s.subject = ?1 LIMIT 1";
    tx.one(sql, params![subject.to_string()], |row| row.get("key"))
}

/// Notes why there will be no picture.
pub fn fail(tx: &Tx<'_>, one: &Snapshot, why: &str) -> Result<(), StoreError> {
    let sql = "UPDATE jobs SET state = 'failed', output = ?2 WHERE id = ?1 AND state = 'working'";
    tx.execute(sql, params![one.job, why]).map(drop)
}

/// The space of a chart.
pub fn space_of(tx: &Tx<'_>, chart: i64) -> Result<Option<i64>, StoreError> {
    tx.one("SELECT space_id FROM charts WHERE id = ?1", params![chart], |row| row.get("space_id"))
}

/// The name of an instrument.
pub fn instrument(tx: &Tx<'_>, id: i64) -> Result<Option<String>, StoreError> {
    tx.one("SELECT name FROM instruments WHERE id = ?1", params![id], |row| row.get("name"))
}

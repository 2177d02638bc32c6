//! The tables of snapshots and of the jobs that render them.

use serde_json::{Value, json};

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

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
}

impl Snapshot {
    pub fn shown(&self) -> Value {
        json!({
            "href": format!("/v1/snapshots/{}", self.id),
            "job_href": format!("/v1/jobs/{}", self.job),
            "image_href": null,
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
        })
    }
}

/// RFC 3339 in UTC.
fn text(time: i64) -> String {
    jiff::Timestamp::from_second(time).map_or_else(|_| String::new(), |time| time.to_string())
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

//! The table of silences.

use super::silence::{Phase, Silence};
use crate::serve::catalog::alerting::clock::Clock;
use crate::serve::changes::by_id;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::page::{Conditions, Page, PageRequest, page_where};
use crate::serve::store::tx::{Row, Tx, params};

/// How long after its end evaluation has to know of a silence: it may be behind, or take up what it had before a restart.
const SEEN_AFTER: i64 = 2 * 86_400;

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> Result<Silence, StoreError> {
    Ok(Silence {
        id: row.get("id")?,
        alert: row.get("alert")?,
        stream: row.get("stream")?,
        starts: row.get("starts")?,
        ends: row.get("ends")?,
        by: row.get("made_by")?,
        why: row.get("why")?,
        created_at: row.get("created_at")?,
        ended_at: row.get("ended_at")?,
    })
}

/// The silence of this id.
pub fn find(tx: &Tx<'_>, id: i64) -> Result<Silence, Refusal> {
    by_id::find(tx, "silences", id, from_row)
}

/// Inserts a silence, whose id is given back.
pub fn insert(tx: &Tx<'_>, silence: &Silence) -> Result<i64, StoreError> {
    let sql = "INSERT INTO silences (alert, stream, starts, ends, made_by, why, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
    let Silence { alert, stream, starts, ends, by, why, created_at, .. } = silence;
    tx.id(sql, params![alert, stream, starts, ends, by, why, created_at])
}

/// Ends a silence now: in the second after what evaluation may have decided already, so that it sees the end.
pub fn end(tx: &Tx<'_>, id: i64, now: i64) -> Result<(), StoreError> {
    let ahead = Clock::read(tx)?.written.furthest().filter(|clock| *clock > now);
    // Clocks are written down every five seconds.
    let end = ahead.map_or(now, |clock| clock.saturating_add(5)).saturating_add(1);
    let sql =
        "UPDATE silences SET ends = CASE WHEN ends > ?2 THEN ?2 ELSE ends END, ended_at = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, end, now]).map(drop)
}

/// Which silences are wanted, beside the part of the pattern that a page asks for.
pub struct Search {
    pub phase: Option<Phase>,
    pub now: i64,
}

/// A page of silences.
pub fn search(tx: &Tx<'_>, search: &Search, page: &PageRequest) -> Result<Page<Silence>, StoreError> {
    let mut wanted = Conditions::default();
    match search.phase {
        None => {}
        Some(Phase::Pending) => {
            wanted.add(&search.now, |at| format!("starts > ?{at} AND ended_at IS NULL"));
        }
        Some(Phase::Active) => {
            wanted.add(&search.now, |at| format!("starts <= ?{at} AND ends > ?{at} AND ended_at IS NULL"));
        }
        Some(Phase::Ended) => {
            wanted.add(&search.now, |at| format!("(ends <= ?{at} OR ended_at IS NOT NULL)"));
        }
    }
    if let Some((alert, _)) = &page.filter {
        wanted.add(alert, |at| tx.contains("lower(alert)", at));
    }
    page_where(tx, "silences", wanted, page, from_row)
}

/// Every silence that has not ended long ago.
pub fn watched(tx: &Tx<'_>, now: i64) -> Result<Vec<Silence>, StoreError> {
    let sql = "SELECT * FROM silences WHERE ends > ?1 ORDER BY id";
    tx.all(sql, params![now.saturating_sub(SEEN_AFTER)], from_row)
}

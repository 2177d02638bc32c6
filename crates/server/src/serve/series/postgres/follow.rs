//! Following the journal. Ids become visible out of order, so whoever goes by `id > last` loses rows. Lanes commit in order: where a
//! transaction sees the number of a lane, it sees everything up to it.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use super::table::{JOURNAL, all_parts};
use crate::serve::series::points::{Cursor, Received, Tail};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::journal;
use crate::serve::tsdb::sample::Sample;

/// Seconds after which nobody waits for someone who follows the journal and was not seen since.
pub const GONE: i64 = 6;

/// Seconds that rows of the journal wait to be read.
pub const UNREAD: i64 = 60;

/// What was appended behind `after`, whole batches, as many as lie in about `most` bytes.
pub fn tail(
    tx: &Tx<'_>,
    after: &Cursor,
    most: usize,
    wanted: &dyn Fn(i64) -> bool,
) -> Result<Tail, StoreError> {
    let ends = end(tx)?;
    let mut tail = Tail { missed: has_missed(tx, after)?, ..Tail::default() };
    // Lanes that are gone are forgotten.
    let begins: BTreeMap<i64, i64> = ends.lanes().map(|(lane, _)| (lane, after.last(lane))).collect();
    let until = until(tx, &begins, &ends, most)?;
    let (lanes, froms): (Vec<i64>, Vec<i64>) = begins.iter().unzip();
    let untils: Vec<i64> = lanes.iter().map(|lane| until.last(*lane)).collect();
    let sql = "SELECT id, received_at, block
        FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[])) AS read (lane, behind, until)
        JOIN journal ON part = ANY(?4) AND journal.lane = read.lane AND journal.seq > read.behind AND journal.seq <= read.until
        ORDER BY id";
    tx.each(sql, params![lanes, froms, untils, all_parts(tx)], |row| {
        let bytes: &[u8] = row.get("block")?;
        tail.bytes += bytes.len();
        match journal::open(bytes) {
            Ok(mut samples) => {
                samples.retain(|sample| wanted(sample.series));
                if !samples.is_empty() {
                    tail.rows.push(Received { at: row.get("received_at")?, samples });
                }
            }
            Err(_) => damage::note(JOURNAL, row.get("id")?),
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    tail.next = until;
    Ok(tail)
}

/// How far `most` bytes reach: the batches that came first, of each lane those that follow each other.
fn until(tx: &Tx<'_>, begins: &BTreeMap<i64, i64>, ends: &Cursor, most: usize) -> Result<Cursor, StoreError> {
    let (lanes, froms): (Vec<i64>, Vec<i64>) = begins.iter().unzip();
    let sql = "SELECT journal.lane, journal.seq, CAST(sum(octet_length(block)) AS BIGINT) AS bytes
        FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[])) AS read (lane, behind)
        JOIN journal ON part = ANY(?3) AND journal.lane = read.lane AND journal.seq > read.behind
        GROUP BY journal.lane, journal.seq ORDER BY min(id)";
    let mut until: Cursor = begins.iter().map(|(lane, from)| (*lane, *from)).collect();
    let (mut bytes, mut is_all) = (0, true);
    tx.each(sql, params![lanes, froms, all_parts(tx)], |row| {
        if bytes >= most {
            is_all = false;
            return Ok(ControlFlow::Break(()));
        }
        bytes += usize::try_from(row.get::<i64>("bytes")?).unwrap_or(usize::MAX);
        until.advance(row.get("lane")?, row.get("seq")?);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(if is_all { ends.clone() } else { until })
}

/// Whether rows behind a cursor are in no journal any more.
fn has_missed(tx: &Tx<'_>, after: &Cursor) -> Result<bool, StoreError> {
    let sql = "SELECT lane, max(seq) AS seq FROM compacted GROUP BY lane";
    let left: Vec<(i64, i64)> = tx.all(sql, params![], |row| Ok((row.get("lane")?, row.get("seq")?)))?;
    Ok(left.into_iter().any(|(lane, seq)| seq > after.last(lane)))
}

/// Where each lane ends.
pub fn end(tx: &Tx<'_>) -> Result<Cursor, StoreError> {
    let all =
        tx.all("SELECT lane, seq FROM lanes", params![], |row| Ok((row.get("lane")?, row.get("seq")?)))?;
    Ok(all.into_iter().collect())
}

/// Goes through the rows up to `until`.
pub fn waiting(
    tx: &Tx<'_>,
    until: &Cursor,
    wanted: &dyn Fn(i64) -> bool,
    each: &mut dyn FnMut(i64, &Sample),
) -> Result<(), StoreError> {
    let (lanes, seqs): (Vec<i64>, Vec<i64>) = until.lanes().unzip();
    let sql = "SELECT id, received_at, block
        FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[])) AS read (lane, until)
        JOIN journal ON part = ANY(?3) AND journal.lane = read.lane AND journal.seq <= read.until ORDER BY id";
    tx.each(sql, params![lanes, seqs, all_parts(tx)], |row| {
        let Ok(samples) = journal::open(row.get("block")?) else {
            damage::note(JOURNAL, row.get("id")?);
            return Ok(ControlFlow::Continue(()));
        };
        let at = row.get("received_at")?;
        samples.iter().filter(|sample| wanted(sample.series)).for_each(|sample| each(at, sample));
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}

/// Notes how far someone has read, or that it reads no more.
pub fn note(tx: &Tx<'_>, holder: &str, cursor: Option<&Cursor>, now: i64) -> Result<(), StoreError> {
    let Some(cursor) = cursor else {
        return tx.execute("DELETE FROM tails WHERE holder = ?1", params![holder]).map(drop);
    };
    let (lanes, seqs): (Vec<i64>, Vec<i64>) = cursor.lanes().unzip();
    let sql = "INSERT INTO tails (holder, seen, lanes, seqs) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (holder) DO UPDATE SET seen = excluded.seen, lanes = excluded.lanes, seqs = excluded.seqs";
    tx.execute(sql, params![holder, now, lanes, seqs]).map(drop)
}

/// Notes up to where rows of each lane have left the journal of a part.
pub fn note_compacted(tx: &Tx<'_>, part: i64, last: &HashMap<i64, i64>) -> Result<(), StoreError> {
    let (lanes, seqs): (Vec<i64>, Vec<i64>) = last.iter().unzip();
    let sql = "INSERT INTO compacted (part, lane, seq)
        SELECT CAST(?1 AS BIGINT), lane, seq FROM unnest(CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[])) AS new (lane, seq)
        ON CONFLICT (part, lane) DO UPDATE SET seq = greatest(compacted.seq, excluded.seq)";
    tx.execute(sql, params![part, lanes, seqs]).map(drop)
}

/// Forgets lanes that nobody has used for a day, and who has not followed for as long.
pub fn forget(tx: &Tx<'_>, now: i64) -> Result<(), StoreError> {
    let before = now - 86_400;
    let sql = "DELETE FROM lanes WHERE lane <> 0 AND used_at < ?1
        AND NOT EXISTS (SELECT 1 FROM journal WHERE part = ANY(?2) AND journal.lane = lanes.lane)";
    tx.execute(sql, params![before, all_parts(tx)])?;
    tx.execute("DELETE FROM tails WHERE seen < ?1", params![before])?;
    let sql =
        "DELETE FROM compacted WHERE NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.lane = compacted.lane)";
    tx.execute(sql, params![]).map(drop)
}

//! What waits in the journal to be compacted, and where that is due. To know it one goes through all of the journal, so one server at a time does,
//! for all of them.

use std::ops::ControlFlow;

use super::compact::Time;
use super::table;
use crate::serve::store::error::StoreError;
use crate::serve::store::flow::Waiting;
use crate::serve::store::tx::{Tx, params};

/// The journal of a part is compacted when it has grown to this many bytes, or when its oldest row is this many seconds old.
const GROWN: i64 = 2 << 20;
const OLD: i64 = 30;

/// What waits in the journal, as whichever server looked last has found it. Where that was `every` milliseconds ago, by a clock that is at
/// `wall`, it is looked now, and the parts come along in which it is to be compacted; one server looks at a time.
pub fn look(tx: &Tx<'_>, now: Time, wall: i64, every: i64) -> Result<(Waiting, Vec<i64>), StoreError> {
    // Who looked in times to come did so before the clock was set back.
    let turn = "UPDATE waiting SET looked_at = ?1 FROM (SELECT id FROM waiting
            WHERE looked_at <= ?2 OR looked_at > ?1 FOR UPDATE SKIP LOCKED) AS due
        WHERE waiting.id = due.id RETURNING waiting.id AS id";
    if tx.exists(turn, params![wall, wall.saturating_sub(every)])? {
        let (waiting, parts) = due(tx, now)?;
        let [count, bytes] =
            [waiting.rows, waiting.bytes].map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        let note = "UPDATE waiting SET count = ?1, bytes = ?2, oldest = ?3";
        tx.execute(note, params![count, bytes, waiting.oldest])?;
        return Ok((waiting, parts));
    }
    let known = tx.one("SELECT count, bytes, oldest FROM waiting", params![], |row| {
        let [rows, bytes] = [row.get::<i64>("count")?, row.get("bytes")?].map(i64::unsigned_abs);
        Ok(Waiting { rows, bytes, oldest: row.get("oldest")? })
    })?;
    Ok((known.unwrap_or_default(), Vec::new()))
}

/// What waits in the journal, and the parts in which it is to be compacted.
fn due(tx: &Tx<'_>, now: Time) -> Result<(Waiting, Vec<i64>), StoreError> {
    let sql = "SELECT part, count(*) AS count, CAST(sum(octet_length(block)) AS BIGINT) AS bytes,
            min(received_at) AS oldest, max(received_at) AS newest
        FROM journal WHERE part = ANY(?1) GROUP BY part ORDER BY part";
    let (mut waiting, mut due) = (Waiting::default(), Vec::new());
    tx.each(sql, params![table::all_parts(tx)], |row| {
        let (oldest, newest): (i64, i64) = (row.get("oldest")?, row.get("newest")?);
        let bytes: i64 = row.get("bytes")?;
        waiting.rows += row.get::<i64>("count")?.unsigned_abs();
        waiting.bytes += bytes.unsigned_abs();
        waiting.oldest = Some(waiting.oldest.map_or(oldest, |known| known.min(oldest)));
        // One that was received in times to come was so before the clock was set back.
        let young = oldest > now.wall - OLD && newest <= now.wall;
        if bytes >= GROWN || !young {
            due.push(row.get("part")?);
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok((waiting, due))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::append::Lanes;
    use super::super::append_tests::sample;
    use super::*;
    use crate::serve::store::Opening;
    use crate::serve::store::postgres::lanes::{Batch, Journal as _};
    use crate::serve::store::postgres::tests::{another, store_with};
    use crate::serve::tsdb::aging::Aging;

    #[test]
    fn one_server_looks_and_all_know() {
        let Some((store, address)) = store_with(Opening::default()) else { return };
        let other = another(&address);
        store.rest();
        other.rest();
        let samples = [sample(1), sample(3)];
        store
            .apart(|tx| {
                let lane = Lanes.open(tx, "n")?;
                let batch = Batch { lane, seq: 1, epoch: 0, samples: &samples, second: Some(1_000) };
                Lanes.append(tx, &batch)
            })
            .unwrap();
        let time = Time { wall: 2_000, horizon: 2_000, aging: Aging::default() };
        let looks = |at: i64| move |tx: &Tx<'_>| look(tx, time, at, 900);
        store.apart(|tx| tx.execute("UPDATE waiting SET looked_at = 0", params![])).unwrap();
        let (waiting, parts) = store.apart(looks(2_000_000)).unwrap();
        assert_eq!((waiting.rows, waiting.oldest), (2, Some(1_000)));
        assert_eq!(parts, [0, 1], "both are old");
        for at in [2_000_000, 2_000_899] {
            assert_eq!(other.apart(looks(at)).unwrap(), (waiting, Vec::new()), "it was looked before");
        }
        assert_eq!(other.apart(looks(2_000_900)).unwrap(), (waiting, vec![0, 1]));
        assert_eq!(store.apart(looks(2_000_000)).unwrap().1, [0, 1], "the clock was set back");
    }
}

//! What happens to measurements after they were accepted: the journal is compacted into blocks, and blocks that outlived their
//! resolution are rolled up or dropped. Decides what is due and reads it; in steps, each worked out over a snapshot. That is
//! sound because nobody else writes blocks.

use rusqlite::{Connection, params};

use super::damage::Origin;
use super::table::block_of;
use super::watermark;
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::compaction::{Compaction, Work};
use crate::serve::tsdb::sample::Sample;
use crate::serve::tsdb::tier::{TIERS, Tier};
use crate::serve::tsdb::watermark::Watermark;
use crate::serve::tsdb::{block, journal};

/// The journal is compacted when it has grown to this many bytes, about 190,000 points, as many at a time, or when its oldest
/// row is this many seconds old: every step that has points for a block reads it and writes it again, so the more of them
/// come together the better; but every read has to go through what waits.
const GROWN: usize = 2 << 20;
const OLD: i64 = 30;

/// Rows that somebody who follows the journal has not read wait so many seconds, and so many bytes.
const UNREAD: i64 = 60;
const MOST_UNREAD: i64 = 64 << 20;

/// When so many rows of the journal wait for a later step, submissions come faster than they are compacted.
const BEHIND: i64 = 4096;
/// Blocks rolled up in one step.
const ROLLED: i64 = 500;

/// When a step is taken, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// By the clock, as rows of the journal are marked.
    pub wall: i64,
    /// By which measurements age; see `horizon`.
    pub horizon: i64,
    /// The last row of the journal that was read by who follows it.
    pub followed: i64,
}

/// The next step of what is due at `now`, all of the journal being due when `closing`; nothing when nothing is. What is
/// damaged is noted and left to be set aside.
pub fn step(connection: &Connection, now: Time, closing: bool) -> Result<Option<Work>, StoreError> {
    if let Some(work) = compact(connection, now, closing)? {
        return Ok(Some(work));
    }
    if closing {
        return Ok(None);
    }
    TIERS.into_iter().find_map(|tier| roll_up(connection, tier, now.horizon).transpose()).transpose()
}

/// The time at which the next block ages; nothing when there is none.
pub fn next_due(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT min(start) FROM blocks WHERE resolution = ?1")?;
    let mut next = None;
    for tier in TIERS {
        let oldest: Option<i64> = select.query_row([tier.resolution], |row| row.get(0))?;
        next = next.into_iter().chain(oldest.map(|start| tier.due(start))).min();
    }
    Ok(next)
}

/// Packs the oldest rows of the journal, when that is due or `anyway`.
fn compact(connection: &Connection, now: Time, anyway: bool) -> Result<Option<Work>, StoreError> {
    let reached = watermark::get(connection)?;
    let until = if anyway || reached.row > 0 { i64::MAX } else { readable(connection, now)? };
    let found = oldest(connection, reached, until)?;
    let Some(Oldest { samples, bytes, first, last }) = found else { return Ok(None) };
    // One that was received in times to come was so before the clock was set back.
    let young = first > now.wall - OLD && first <= now.wall;
    if !anyway && reached.row == 0 && bytes < GROWN && young {
        return Ok(None);
    }
    let mut compaction = Compaction::over(|key| block_of(connection, key));
    let blocks = compaction.compact(&samples, now.horizon)?;
    let (_, dropped) = compaction.finish();
    let newest: i64 = connection
        .prepare_cached("SELECT ifnull(max(id), 0) FROM journal")?
        .query_row([], |row| row.get(0))?;
    let behind = newest - last > BEHIND;
    Ok(Some(Work { blocks, compacted: Some(last), behind, dropped, ..Work::default() }))
}

/// The last row that may be compacted. What is unread waits, but not until the journal has grown too long.
fn readable(connection: &Connection, now: Time) -> Result<i64, StoreError> {
    let sql = "SELECT ifnull(min(received_at), ?2), ifnull(sum(length(block)), 0) FROM journal WHERE id > ?1";
    if now.followed == i64::MAX {
        return Ok(i64::MAX);
    }
    let (oldest, bytes): (i64, i64) = connection
        .prepare_cached(sql)?
        .query_row([now.followed, now.wall], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let waited = now.wall - oldest > UNREAD || bytes > MOST_UNREAD;
    Ok(if waited { i64::MAX } else { now.followed })
}

/// The oldest rows of the journal, without what is in blocks already.
struct Oldest {
    samples: Vec<Sample>,
    bytes: usize,
    /// When the first of them was received.
    first: i64,
    /// The id of the last.
    last: i64,
}

/// As many rows as are compacted together, of which the last may be large by itself; or those that a step left half done.
fn oldest(connection: &Connection, reached: Watermark, until: i64) -> Result<Option<Oldest>, StoreError> {
    let sql = "SELECT id, received_at, block FROM journal WHERE id <= ?1 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([until])?;
    let mut oldest: Option<Oldest> = None;
    while oldest.as_ref().is_none_or(|oldest| match reached.row {
        0 => oldest.bytes < GROWN,
        half_done => oldest.last < half_done,
    }) && let Some(row) = rows.next()?
    {
        let (id, received_at) = (row.get(0)?, row.get(1)?);
        let packed = row.get_ref(2)?.as_blob().map_err(StoreError::internal)?;
        let mut samples = journal::open(packed).unwrap_or_else(|_| {
            damage::note(Origin::Journal.table(), id);
            Vec::new()
        });
        samples.retain(|sample| !reached.is_past(id, sample.series));
        let oldest =
            oldest.get_or_insert(Oldest { samples: Vec::new(), bytes: 0, first: received_at, last: id });
        oldest.samples.append(&mut samples);
        oldest.bytes += packed.len();
        oldest.last = id;
    }
    Ok(oldest)
}

/// Moves expired blocks of `tier` to the next one; nothing when there are none.
fn roll_up(connection: &Connection, tier: Tier, now: i64) -> Result<Option<Work>, StoreError> {
    let sql = "SELECT id, series_id, start, block FROM blocks WHERE resolution = ?1 AND start < ?2
        ORDER BY start, series_id LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![tier.resolution, tier.expired_before(now), ROLLED])?;
    let (mut compaction, mut expired) = (Compaction::over(|key| block_of(connection, key)), Vec::new());
    while let Some(row) = rows.next()? {
        let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
        let (id, series) = (row.get("id")?, row.get("series_id")?);
        let Ok(points) = block::open(series, tier.resolution, row.get("start")?, packed) else {
            damage::note(Origin::Blocks.table(), id);
            continue;
        };
        compaction.roll_up(series, tier, points)?;
        expired.push(id);
    }
    if expired.is_empty() {
        return Ok(None);
    }
    let (blocks, dropped) = compaction.finish();
    Ok(Some(Work { blocks, expired, dropped, ..Work::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::series::points::{Points as _, Reader};
    use crate::serve::series::sqlite::{Sqlite, testing, write};
    use crate::serve::store::sqlite::scratch;
    use crate::serve::tsdb::aggregate::{Point, downsample};
    use crate::serve::tsdb::compaction::Part;
    use crate::serve::tsdb::labels::Labels;
    use crate::serve::tsdb::range::TimeRange;

    const BORN: i64 = 1_699_999_200;
    const DAY: i64 = 86_400;

    fn submit(connection: &Connection, now: i64, values: &[(&str, i64, f64)]) {
        let value = |(source, time, value): &(&str, i64, f64)| {
            (Labels::Source(Some((*source).to_owned())), *time, *value)
        };
        testing::submit(connection, "m", now, &values.iter().map(value).collect::<Vec<_>>());
    }

    fn at(now: i64) -> Time {
        Time { wall: now, horizon: now, followed: i64::MAX }
    }

    fn write(connection: &Connection, parts: Vec<Part>) {
        parts.into_iter().for_each(|part| write::write(connection, &part).unwrap());
    }

    fn drain(connection: &Connection, now: i64, closing: bool) {
        while let Some(work) = step(connection, at(now), closing).unwrap() {
            write(connection, work.parts());
        }
    }

    /// What can be read of the first metric, all series together.
    fn read(connection: &Connection, resolution: i64) -> Vec<Point> {
        let (points, time) = (Sqlite(connection), TimeRange { start: 0, end: i64::MAX / 2 });
        let series = points.series(1).unwrap();
        let wanted = series.iter().map(|series| series.id).collect();
        let mut reader = Reader::new(&points, &wanted, time).unwrap();
        let points = series.iter().flat_map(|series| reader.points(series.id, resolution).unwrap());
        downsample(points.collect(), resolution)
    }

    fn rows(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn sums(points: &[Point]) -> Vec<(i64, u64, f64, f64, f64)> {
        points.iter().map(|p| (p.time, p.stats.count, p.stats.sum, p.stats.min, p.stats.max)).collect()
    }

    #[test]
    fn a_year_passes() {
        let connection = scratch();
        for hour in 0..20 {
            let start = BORN + 3600 * hour;
            let values: Vec<_> =
                (0..120).map(|n| (["a", "b"][n % 2], start + 30 * n as i64, n as f64)).collect();
            submit(&connection, start, &values);
            if hour % 2 == 0 {
                drain(&connection, start + OLD, false);
            }
        }
        let (raw, minutes, hours) = (read(&connection, 1), read(&connection, 60), read(&connection, 3600));
        assert_eq!((raw.len(), hours.len()), (20 * 120, 20));
        let end = BORN + 20 * 3600;
        for (days, packed) in [(0, 0), (1, 1), (3, 60), (9, 900), (34, 900), (50, 3600), (360, 3600)] {
            drain(&connection, end + days * DAY, false);
            assert_eq!(sums(&read(&connection, 3600)), sums(&hours), "after {days} days");
            if packed < 2 {
                assert_eq!(sums(&read(&connection, 1)), sums(&raw), "after {days} days");
            }
            if packed <= 60 {
                assert_eq!(sums(&read(&connection, 60)), sums(&minutes), "after {days} days");
            }
            let sql = "SELECT ifnull(max(resolution), 0) FROM blocks";
            let coarsest: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
            assert_eq!(coarsest, packed.max(1), "after {days} days");
        }
        drain(&connection, end + 400 * DAY, false);
        assert_eq!((read(&connection, 1).len(), rows(&connection, "blocks")), (0, 0));
        assert_eq!(rows(&connection, "series"), 2, "a series may wake up again");
    }

    #[test]
    fn late_measurements_join_what_was_rolled_up() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("a", BORN + 5, 2.0)]);
        drain(&connection, BORN + 5 * DAY, false);
        submit(&connection, BORN + 5 * DAY, &[("a", BORN + 20, 6.0), ("a", BORN - 400 * DAY, 1.0)]);
        assert_eq!(read(&connection, 1).len(), 3, "not packed yet");
        drain(&connection, BORN + 5 * DAY, true);
        assert_eq!(sums(&read(&connection, 1)), [(BORN, 3, 9.0, 1.0, 6.0)]);
    }

    #[test]
    fn the_journal_waits_until_it_is_due() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0)]);
        drain(&connection, BORN + OLD - 1, false);
        assert_eq!((rows(&connection, "journal"), rows(&connection, "blocks")), (1, 0));
        drain(&connection, BORN + OLD, false);
        assert_eq!((rows(&connection, "journal"), rows(&connection, "blocks")), (0, 1));
        submit(&connection, BORN + 100, &[("a", BORN + 60, 1.0)]);
        drain(&connection, BORN + 100, true);
        assert_eq!((rows(&connection, "journal"), rows(&connection, "blocks")), (0, 1));
        assert_eq!(read(&connection, 1).len(), 2);
    }

    /// What somebody still has to read waits, but not for long.
    #[test]
    fn what_is_unread_is_not_compacted_at_once() {
        let connection = scratch();
        (0..3).for_each(|n| submit(&connection, BORN, &[("a", BORN + n, 1.0)]));
        let left = |now: i64, followed: i64| {
            let now = Time { followed, ..at(now) };
            while let Some(work) = step(&connection, now, false).unwrap() {
                write(&connection, work.parts());
            }
            rows(&connection, "journal")
        };
        assert_eq!(left(BORN + OLD, 0), 3);
        assert_eq!(left(BORN + OLD, 2), 1);
        assert_eq!(left(BORN + UNREAD, 2), 1);
        assert_eq!(left(BORN + UNREAD + 1, 2), 0);
        assert_eq!(read(&connection, 1).len(), 3);
        submit(&connection, BORN + 100, &[("a", BORN + 100, 1.0)]);
        assert_eq!(left(BORN + 100 + OLD, i64::MAX), 0, "nobody follows");
    }

    /// What is written in parts can be read whole after each of them, also when the rest is worked out anew.
    #[test]
    fn compaction_is_resumed_where_it_broke_off() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0), ("a", BORN, 3.0), ("c", BORN, 4.0)]);
        submit(&connection, BORN, &[("b", BORN, 5.0), ("a", BORN + 1, 6.0)]);
        let mut whole = read(&connection, 60);
        for parts in [3, 2] {
            let mut made = compact(&connection, at(BORN), true).unwrap().unwrap().parts_of(1);
            assert_eq!(made.len(), parts);
            write::write(&connection, &made.remove(0)).unwrap();
            assert_eq!((rows(&connection, "journal"), sums(&read(&connection, 60))), (2, sums(&whole)));
        }
        submit(&connection, BORN, &[("a", BORN, 7.0)]);
        whole = read(&connection, 60);
        assert_eq!(whole[0].stats.count, 7);
        for left in [1, 0] {
            // What came meanwhile waits, though it would be due.
            write(&connection, compact(&connection, at(BORN), true).unwrap().unwrap().parts_of(1));
            assert_eq!((rows(&connection, "journal"), sums(&read(&connection, 60))), (left, sums(&whole)));
        }
        assert!(compact(&connection, at(BORN), true).unwrap().is_none());
        assert_eq!(rows(&connection, "blocks"), 3);
    }

    /// Between the snapshot a step is worked out over and its writing, others write.
    #[test]
    fn what_happens_meanwhile_is_not_lost_and_does_not_come_back() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0)]);
        let parts = step(&connection, at(BORN), true).unwrap().unwrap().parts();
        submit(&connection, BORN, &[("a", BORN, 5.0)]);
        write(&connection, parts);
        assert_eq!(sums(&read(&connection, 60)), [(BORN, 3, 8.0, 1.0, 5.0)]);
        let parts = step(&connection, at(BORN), true).unwrap().unwrap().parts();
        testing::delete(&connection, 1);
        write(&connection, parts);
        assert_eq!((rows(&connection, "journal"), rows(&connection, "blocks")), (0, 0));
    }

    /// Ids of blocks come back, unlike those of series.
    #[test]
    fn what_is_deleted_during_a_roll_up_takes_nothing_of_others_along() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0)]);
        drain(&connection, BORN, true);
        let parts = step(&connection, at(BORN + 3 * DAY), false).unwrap().unwrap().parts();
        connection.execute("DELETE FROM series WHERE id = 2", []).unwrap();
        write(&connection, parts);
        assert_eq!(sums(&read(&connection, 60)), [(BORN, 1, 1.0, 1.0, 1.0)]);
    }

    #[test]
    fn a_deleted_metric_leaves_nothing() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0)]);
        drain(&connection, BORN, true);
        submit(&connection, BORN, &[("a", BORN + 1, 1.0)]);
        testing::delete(&connection, 1);
        submit(&connection, BORN, &[("a", BORN + 2, 1.0)]);
        drain(&connection, BORN, true);
        let kept: Vec<(i64, i64)> = {
            let mut select = connection.prepare("SELECT series_id, start FROM blocks").unwrap();
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!((kept.len(), kept[0].0), (1, 2), "only that of the metric's second life");
    }
}

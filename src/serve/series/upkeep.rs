//! What happens to measurements after they were accepted: the journal is folded into packed blocks, and blocks that
//! outlived their resolution are rolled up or dropped. In steps, each worked out over a snapshot and then written in one
//! transaction that is short, so that submissions hardly wait. That is sound because nobody else writes blocks.

use std::collections::BTreeMap;
use std::mem;

use rusqlite::{Connection, params};

use super::aggregate::{Point, downsample};
use super::pack;
use super::table::{block_of, damaged, put_block};
use super::tier::{TIERS, Tier, tier_of, windows};
use crate::serve::http::problem::Problem;
use crate::serve::submit::block;
use crate::serve::submit::journal::{self, Row};

/// The journal is folded when it has grown to this many bytes, about 190,000 points, as many at a time, or when its oldest
/// row is this many seconds old: every step that has points for a block reads it and writes it again, so the more of them
/// come together the better; but every read has to go through what waits.
const GROWN: usize = 2 << 20;
const OLD: i64 = 30;

/// When so many rows of the journal wait for a later step, submissions come faster than they are folded.
const BEHIND: i64 = 4096;
/// Blocks written by one step, some ten milliseconds, for which the writer can do nothing else.
const WRITTEN: usize = 2048;
/// Blocks rolled up in one step.
const ROLLED: i64 = 500;

/// The outcome of a step, to be written as it is.
#[derive(Default)]
pub struct Work {
    blocks: Vec<(Key, Vec<u8>)>,
    /// Ids of blocks that were rolled up.
    expired: Vec<i64>,
    folded: Option<Folded>,
    /// Whether much waits for later steps.
    pub behind: bool,
}

/// Rows of the journal that are in blocks now.
struct Folded {
    /// The id of the last.
    last: i64,
    /// When it was received.
    received_at: i64,
    /// What stays of them, for series whose blocks wait for the next step.
    rest: Vec<Row>,
}

/// Which block is meant: its series, its tier and where it begins.
type Key = (i64, Tier, i64);

/// The next step of what is due at `now`, all of the journal being due when `closing`; nothing when nothing is.
pub fn step(connection: &Connection, now: i64, closing: bool) -> Result<Option<Work>, Problem> {
    if let Some(work) = fold(connection, now, closing, WRITTEN)? {
        return Ok(Some(work));
    }
    if closing {
        return Ok(None);
    }
    TIERS.into_iter().find_map(|tier| roll_up(connection, tier, now).transpose()).transpose()
}

impl Work {
    /// Writes what was worked out. Blocks of series that were deleted since are left out: their ids never come back.
    pub fn write(self, connection: &Connection) -> Result<(), Problem> {
        for ((series, tier, start), block) in &self.blocks {
            put_block(connection, *series, *tier, *start, block)?;
        }
        for id in &self.expired {
            connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id])?;
        }
        if let Some(Folded { last, received_at, rest }) = &self.folded {
            connection.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([last])?;
            // Before everything that came later, so that each series stays in order of arrival.
            for (row, id) in rest.iter().rev().zip((i64::MIN..=*last).rev()) {
                row.insert(connection, Some(id), *received_at)?;
            }
        }
        Ok(())
    }
}

/// Packs the oldest rows of the journal, when that is due or `anyway`, into about `most` blocks.
fn fold(connection: &Connection, now: i64, anyway: bool, most: usize) -> Result<Option<Work>, Problem> {
    let Some(Oldest { packed, first, last, received_at }) = oldest(connection)? else { return Ok(None) };
    let bytes: usize = packed.iter().map(Vec::len).sum();
    if !anyway && bytes < GROWN && first > now - OLD {
        return Ok(None);
    }
    let mut points = Vec::with_capacity(bytes / 11);
    for block in &packed {
        points.append(&mut block::decode(block).ok_or_else(|| damaged("the journal"))?);
    }
    // Each series by itself, in order of arrival.
    let mut order: Vec<(i64, usize)> =
        points.iter().enumerate().map(|(index, point)| (point.series, index)).collect();
    // The stable sort makes use of the order that is there: clients send their series one after the other.
    order.sort();
    let mut pending = Pending::over(connection);
    let mut rest = Vec::new();
    for one in order.chunk_by(|(a, _), (b, _)| a == b) {
        let points = one.iter().map(|(_, index)| &points[*index]);
        if pending.blocks.len() < most {
            let kept = |point: &block::Point| Point { time: point.time, stats: point.stats.into() };
            pending.place(one[0].0, points.map(kept).collect(), now)?;
        } else {
            rest.extend(points.copied());
        }
    }
    let waiting: i64 = connection
        .prepare_cached("SELECT ifnull(max(id), 0) FROM journal")?
        .query_row([], |row| row.get(0))?;
    let folded = Some(Folded { last, received_at, rest: journal::rows(&rest) });
    let behind = waiting - last > BEHIND;
    Ok(Some(Work { blocks: pending.packed(), folded, behind, ..Work::default() }))
}

/// The oldest rows of the journal.
struct Oldest {
    packed: Vec<Vec<u8>>,
    /// When the first of them was received.
    first: i64,
    /// The id of the last, and when it was received.
    last: i64,
    received_at: i64,
}

/// As many rows as are folded together, and the last may be large by itself.
fn oldest(connection: &Connection) -> Result<Option<Oldest>, Problem> {
    let mut select = connection.prepare_cached("SELECT id, received_at, block FROM journal ORDER BY id")?;
    let mut rows = select.query([])?;
    let (mut oldest, mut bytes): (Option<Oldest>, usize) = (None, 0);
    while bytes < GROWN
        && let Some(row) = rows.next()?
    {
        let (last, received_at, block): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        bytes += block.len();
        let oldest =
            oldest.get_or_insert(Oldest { packed: Vec::new(), first: received_at, last, received_at });
        (oldest.last, oldest.received_at) = (last, received_at);
        oldest.packed.push(block);
    }
    Ok(oldest)
}

/// Moves expired blocks of `tier` to the next one; nothing when there are none.
fn roll_up(connection: &Connection, tier: Tier, now: i64) -> Result<Option<Work>, Problem> {
    let sql = "SELECT id, series_id, block FROM blocks WHERE resolution = ?1 AND start < ?2
        ORDER BY start, series_id LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![tier.resolution, tier.expired_before(now), ROLLED])?;
    let (mut pending, mut expired) = (Pending::over(connection), Vec::new());
    while let Some(row) = rows.next()? {
        let packed = row.get_ref("block")?.as_blob().map_err(Problem::internal)?;
        let points = pack::decode(packed).ok_or_else(|| damaged("a block"))?;
        if let Some((next, parts)) = tier.roll_up(points) {
            for (start, points) in parts {
                pending.lay((row.get("series_id")?, next, start), points)?;
            }
        }
        expired.push(row.get("id")?);
    }
    let work = Work { blocks: pending.packed(), expired, ..Work::default() };
    Ok((!work.expired.is_empty()).then_some(work))
}

/// Blocks as they will be.
struct Pending<'a> {
    connection: &'a Connection,
    blocks: BTreeMap<Key, Vec<Point>>,
}

impl<'a> Pending<'a> {
    fn over(connection: &'a Connection) -> Pending<'a> {
        Pending { connection, blocks: BTreeMap::new() }
    }

    /// Puts points where their age belongs: late ones straight among those that were rolled up before them.
    fn place(&mut self, series: i64, points: Vec<Point>, now: i64) -> Result<(), Problem> {
        let mut by_tier: BTreeMap<Tier, Vec<Point>> = BTreeMap::new();
        for point in points {
            if let Some(tier) = tier_of(point.time, now) {
                by_tier.entry(tier).or_default().push(point);
            }
        }
        for (tier, points) in by_tier {
            for (start, points) in windows(tier, downsample(points, tier.resolution)) {
                self.lay((series, tier, start), points)?;
            }
        }
        Ok(())
    }

    /// Lays points over those of a block.
    fn lay(&mut self, key: Key, mut points: Vec<Point>) -> Result<(), Problem> {
        if let Some(there) = self.blocks.get_mut(&key) {
            there.append(&mut points);
            return Ok(());
        }
        let (series, tier, start) = key;
        let there = match block_of(self.connection, series, tier, start)? {
            Some(mut there) => {
                there.append(&mut points);
                there
            }
            None => points,
        };
        self.blocks.insert(key, there);
        Ok(())
    }

    fn packed(&mut self) -> Vec<(Key, Vec<u8>)> {
        let packed =
            |(key, points): (Key, Vec<Point>)| (key, pack::encode(&downsample(points, key.1.resolution)));
        mem::take(&mut self.blocks).into_iter().map(packed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::fields::Object;
    use crate::serve::metrics::{self, metric::Kind};
    use crate::serve::series::table::{Reader, Span, of_metric};
    use crate::serve::store::scratch;
    use crate::serve::submit::known::Known;
    use crate::serve::submit::sample::{Labels, Sample, Stats};

    const BORN: i64 = 1_699_999_200;
    const DAY: i64 = 86_400;

    fn submit(connection: &Connection, now: i64, values: &[(&str, i64, f64)]) {
        let sample = |(source, time, value): &(&str, i64, f64)| Sample {
            metric: "m".to_owned(),
            kind: Kind::Gauge,
            labels: Labels::Source(Some((*source).to_owned())),
            time: *time,
            stats: Stats::Single(*value),
            properties: Object::new(),
        };
        let samples: Vec<_> = values.iter().map(sample).collect();
        journal::append(connection, &samples, None, &Known::default(), now).unwrap();
    }

    fn drain(connection: &Connection, now: i64, closing: bool) {
        while let Some(work) = step(connection, now, closing).unwrap() {
            work.write(connection).unwrap();
        }
    }

    /// What can be read of the first metric, all series together.
    fn read(connection: &Connection, resolution: i64) -> Vec<Point> {
        let series = of_metric(connection, 1).unwrap();
        let wanted = series.iter().map(|series| series.id).collect();
        let mut reader = Reader::new(connection, &wanted, Span { start: 0, end: i64::MAX / 2 }).unwrap();
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

    #[test]
    fn what_is_too_much_for_one_step_waits() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0), ("a", BORN, 3.0), ("c", BORN, 4.0)]);
        submit(&connection, BORN, &[("b", BORN, 5.0), ("a", BORN + 1, 6.0)]);
        let whole = read(&connection, 60);
        for left in [1, 1, 0] {
            fold(&connection, BORN, true, 1).unwrap().unwrap().write(&connection).unwrap();
            assert_eq!((rows(&connection, "journal"), sums(&read(&connection, 60))), (left, sums(&whole)));
        }
        assert!(fold(&connection, BORN, true, 1).unwrap().is_none());
        assert_eq!(rows(&connection, "blocks"), 3);
    }

    /// Between the snapshot a step is worked out over and its writing, others write.
    #[test]
    fn what_happens_meanwhile_is_not_lost_and_does_not_come_back() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0)]);
        let work = step(&connection, BORN, true).unwrap().unwrap();
        submit(&connection, BORN, &[("a", BORN, 5.0)]);
        work.write(&connection).unwrap();
        assert_eq!(sums(&read(&connection, 60)), [(BORN, 3, 8.0, 1.0, 5.0)]);
        let work = step(&connection, BORN, true).unwrap().unwrap();
        metrics::table::delete(&connection, 1).unwrap();
        work.write(&connection).unwrap();
        assert_eq!((rows(&connection, "journal"), rows(&connection, "blocks")), (0, 0));
    }

    #[test]
    fn a_deleted_metric_leaves_nothing() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0)]);
        drain(&connection, BORN, true);
        submit(&connection, BORN, &[("a", BORN + 1, 1.0)]);
        metrics::table::delete(&connection, 1).unwrap();
        submit(&connection, BORN, &[("a", BORN + 2, 1.0)]);
        drain(&connection, BORN, true);
        let kept: Vec<(i64, i64)> = {
            let mut select = connection.prepare("SELECT series_id, start FROM blocks").unwrap();
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!((kept.len(), kept[0].0), (1, 2), "only that of the metric's second life");
    }
}

//! What happens to measurements after they were accepted: the journal is folded into packed blocks, and blocks that
//! outlived their resolution are rolled up or dropped. In steps that take one turn each, and a transaction, so that
//! submissions wait for one step at most.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::aggregate::{Point, downsample};
use super::pack;
use super::table::{damaged, merge};
use super::tier::{TIERS, Tier, tier_of, windows};
use crate::serve::http::problem::Problem;
use crate::serve::store::Turn;
use crate::serve::submit::block;

/// The journal is folded when it has grown to this many bytes, or when its oldest row is this many seconds old: the
/// longer it waits, the more points of one series are packed at once, and the more every read has to go through.
const GROWN: i64 = 4 << 20;
const OLD: i64 = 30;

/// Bytes of journal folded in one step, about 20,000 points, unless its oldest row is larger by itself.
const FOLDED: usize = 256 << 10;
/// Blocks rolled up in one step.
const ROLLED: i64 = 500;

/// Points of the journal, each series in order of arrival.
type BySeries = BTreeMap<i64, Vec<block::Point>>;

/// Does one step of what is due at `now`, all of the journal being due when `closing`. Whether there may be more.
pub fn step(connection: &Connection, now: i64, closing: bool) -> Result<bool, Problem> {
    if closing || is_due(connection, now)? {
        // Nobody waits for what is done before the file is closed.
        let turn = if closing { Turn::whole() } else { Turn::begin() };
        return fold(connection, now, turn);
    }
    for tier in TIERS {
        if roll_up(connection, tier, now, Turn::begin())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_due(connection: &Connection, now: i64) -> Result<bool, Problem> {
    let sql = "SELECT count(*) > 0 AND (sum(length(block)) >= ?1 OR min(received_at) <= ?2) FROM journal";
    Ok(connection.prepare_cached(sql)?.query_row([GROWN, now - OLD], |row| row.get(0))?)
}

/// Packs the oldest rows of the journal and takes them out of it. What the turn is too short for stays as one row.
fn fold(connection: &Connection, now: i64, turn: Turn) -> Result<bool, Problem> {
    let (mut series, last) = oldest(connection)?;
    let Some(last) = last else { return Ok(false) };
    while let Some((id, points)) = series.pop_first() {
        // A metric may have been deleted since; its ids never come back.
        if connection.prepare_cached("SELECT 1 FROM series WHERE id = ?1")?.exists([id])? {
            let kept = |point: block::Point| Point { time: point.time, stats: point.stats.into() };
            place(connection, id, points.into_iter().map(kept).collect(), now)?;
        }
        if turn.is_over() {
            break;
        }
    }
    let mut done = last;
    if !series.is_empty() {
        let rest: Vec<block::Point> = series.into_values().flatten().collect();
        let sql = "UPDATE journal SET block = ?2 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![last, block::encode(&rest)])?;
        done -= 1;
    }
    connection.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([done])?;
    Ok(true)
}

/// The points of the oldest rows of the journal, and the id of the last of these rows.
fn oldest(connection: &Connection) -> Result<(BySeries, Option<i64>), Problem> {
    let mut select = connection.prepare_cached("SELECT id, block FROM journal ORDER BY id")?;
    let mut rows = select.query([])?;
    let (mut bytes, mut last) = (0, None);
    let mut series = BySeries::new();
    while bytes < FOLDED
        && let Some(row) = rows.next()?
    {
        let packed = row.get_ref("block")?.as_blob().map_err(Problem::internal)?;
        for point in block::decode(packed).ok_or_else(|| damaged("the journal"))? {
            series.entry(point.series).or_default().push(point);
        }
        bytes += packed.len();
        last = Some(row.get::<_, i64>("id")?);
    }
    Ok((series, last))
}

/// Puts points where their age belongs: late ones straight among those that were rolled up before them.
fn place(connection: &Connection, series: i64, points: Vec<Point>, now: i64) -> Result<(), Problem> {
    let mut by_tier: BTreeMap<Tier, Vec<Point>> = BTreeMap::new();
    for point in points {
        if let Some(tier) = tier_of(point.time, now) {
            by_tier.entry(tier).or_default().push(point);
        }
    }
    for (tier, points) in by_tier {
        for (start, points) in windows(tier, downsample(points, tier.resolution)) {
            merge(connection, series, tier, start, points)?;
        }
    }
    Ok(())
}

/// Moves expired blocks of `tier` to the next one. Whether any was.
fn roll_up(connection: &Connection, tier: Tier, now: i64, turn: Turn) -> Result<bool, Problem> {
    let sql = "SELECT id, series_id, block FROM blocks WHERE resolution = ?1 AND start < ?2
        ORDER BY start, series_id LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let expired: Vec<(i64, i64, Vec<u8>)> = select
        .query_map(params![tier.resolution, tier.expired_before(now), ROLLED], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (id, series, block) in &expired {
        let points = pack::decode(block).ok_or_else(|| damaged("a block"))?;
        if let Some((next, parts)) = tier.roll_up(points) {
            for (start, points) in parts {
                merge(connection, *series, next, start, points)?;
            }
        }
        connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id])?;
        if turn.is_over() {
            break;
        }
    }
    Ok(!expired.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::fields::Object;
    use crate::serve::metrics::{self, metric::Kind};
    use crate::serve::series::table::{Reader, Span, of_metric};
    use crate::serve::store::scratch;
    use crate::serve::submit::journal;
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
        journal::append(connection, &samples, None, now).unwrap();
    }

    fn drain(connection: &Connection, now: i64, closing: bool) {
        while step(connection, now, closing).unwrap() {}
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
    fn what_a_turn_is_too_short_for_waits() {
        let connection = scratch();
        submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0), ("a", BORN, 3.0), ("c", BORN, 4.0)]);
        submit(&connection, BORN, &[("b", BORN, 5.0), ("a", BORN + 1, 6.0)]);
        let whole = read(&connection, 60);
        for left in [1, 1, 0] {
            assert!(fold(&connection, BORN, Turn::over()).unwrap());
            assert_eq!((rows(&connection, "journal"), sums(&read(&connection, 60))), (left, sums(&whole)));
        }
        assert!(!fold(&connection, BORN, Turn::over()).unwrap());
        assert_eq!(rows(&connection, "blocks"), 3);
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

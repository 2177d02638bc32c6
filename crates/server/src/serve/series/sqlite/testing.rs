//! What tests of these tables put into them.

use rusqlite::{Connection, params};

use super::compact::{Time, step};
use super::{Sqlite, write};
use crate::serve::series::points::Points as _;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::{Sample, Stats};
use crate::serve::tsdb::tier::Tier;
use crate::serve::tsdb::{block, journal};

/// Submits values of a metric, which is made where there is none, as one request does that is received at `now`.
pub fn submit(connection: &Connection, metric: &str, now: i64, values: &[(Labels, i64, f64)]) {
    let sql = "INSERT INTO metrics (key, name, type, attributes) VALUES (?1, ?1, 'gauge', '{}') ON CONFLICT DO NOTHING";
    connection.execute(sql, [metric]).unwrap();
    let id = "SELECT id FROM metrics WHERE key = ?1";
    let metric: i64 = connection.query_row(id, params![metric], |row| row.get(0)).unwrap();
    let points = Sqlite(connection);
    let sample = |(labels, time, value): &(Labels, i64, f64)| Sample {
        metric,
        series: points.find_or_create(&[(metric, labels)]).unwrap()[0],
        time: *time,
        stats: Stats::Single(*value),
    };
    let samples: Vec<_> = values.iter().map(sample).collect();
    points.append(&journal::rows(&samples, 1), now).unwrap();
}

/// A block as files have it that were written before there were pages.
pub fn put_block(connection: &Connection, series: i64, tier: Tier, points: &[Point]) {
    let start = points[0].time - points[0].time.rem_euclid(3600.max(tier.span / 4));
    let block = block::seal(series, tier.resolution, start, &block::encode(points));
    let sql = "INSERT INTO blocks (series_id, resolution, start, block) VALUES (?1, ?2, ?3, ?4)";
    connection.execute(sql, params![series, tier.resolution, start, block]).unwrap();
}

/// As the chapter of metrics deletes one.
pub fn delete(connection: &Connection, metric: i64) {
    connection.execute("DELETE FROM metrics WHERE id = ?1", [metric]).unwrap();
}

/// Packs all of the journal, as it is done when the file is closed.
pub fn compact(connection: &Connection, now: i64) {
    compact_by(connection, now, Aging::default());
}

fn compact_by(connection: &Connection, now: i64, aging: Aging) {
    while let Some(work) =
        step(connection, Time { wall: now, horizon: now, aging, followed: i64::MAX }, true).unwrap()
    {
        write::write(connection, &work).unwrap();
    }
}

/// Packs all of the journal, and merges and rolls up what is due.
pub fn tidy(connection: &Connection, now: i64, aging: Aging) {
    compact_by(connection, now, aging);
    while let Some(work) =
        step(connection, Time { wall: now, horizon: now, aging, followed: i64::MAX }, false).unwrap()
    {
        write::write(connection, &work).unwrap();
    }
}

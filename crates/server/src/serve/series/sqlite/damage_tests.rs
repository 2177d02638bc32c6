//! Damaged pages, blocks and rows of the journal among whole ones: they are set aside by name and the rest goes on.

use proptest::prelude::*;
use rusqlite::Connection;

use super::compact::{Time, step};
use super::damage::{all_set_aside, set_aside};
use super::origin::Origin;
use super::{Sqlite, testing, write};
use crate::serve::series::points::{Points as _, Reader};
use crate::serve::store::damage::{Damage, watch};
use crate::serve::store::sqlite::scratch;
use crate::serve::tsdb::aggregate::{Aggregate, Point};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::{Labels, Series};
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::tier::TIERS;

const BORN: i64 = 1_699_999_200;
const DAY: i64 = 86_400;

fn submit(connection: &Connection, now: i64, source: &str, value: f64) {
    submit_as(connection, now, Labels::Source(Some(source.to_owned())), value);
}

fn submit_as(connection: &Connection, now: i64, labels: Labels, value: f64) {
    testing::submit(connection, "web.ms", now, &[(labels, now, value)]);
}

/// As it lies in a file of before there were pages.
fn put_block(connection: &Connection, source: &str, value: f64) {
    submit(connection, BORN, source, value);
    connection.execute("DELETE FROM journal", []).unwrap();
    let series = of_metric(connection).last().unwrap().id;
    testing::put_block(
        connection,
        series,
        TIERS[0],
        &[Point { time: BORN, stats: Aggregate::single(value) }],
    );
}

fn of_metric(connection: &Connection) -> Vec<Series> {
    Sqlite(connection).series(1).unwrap()
}

fn damage(origin: Origin, row: i64) -> Damage {
    Damage { table: origin.table(), row }
}

/// As the maintenance does it: what is noted is set aside, then the step is written.
fn maintain(connection: &Connection, now: i64, closing: bool) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let (work, damaged) = watch(|| {
            step(
                connection,
                Time { wall: now, horizon: now, aging: Aging::default(), followed: i64::MAX },
                closing,
            )
            .unwrap()
        });
        let none = damaged.is_empty();
        told.extend(damaged.into_iter().filter_map(|damage| set_aside(damage, connection, now).unwrap()));
        match work {
            Some(work) => write::write(connection, &work).unwrap(),
            None if none => return told,
            None => {}
        }
    }
}

/// The sum of what can be read of each source, and what is found damaged on the way.
fn sums(connection: &Connection) -> (Vec<f64>, Vec<Damage>) {
    watch(|| {
        let series = of_metric(connection);
        let wanted = series.iter().map(|series| series.id).collect();
        let (points, time) = (Sqlite(connection), TimeRange { start: 0, end: i64::MAX / 2 });
        let mut reader = Reader::new(&points, &wanted, time).unwrap();
        let mut sum = |id| reader.points(id, 60).unwrap().iter().map(|point| point.stats.sum).sum();
        series.iter().map(|series| sum(series.id)).collect()
    })
}

fn spoil(connection: &Connection, table: &str, row: i64) {
    let sql = format!("UPDATE {table} SET block = substr(block, 1, length(block) - 3) WHERE id = ?1");
    assert_eq!(connection.execute(&sql, [row]).unwrap(), 1);
}

#[test]
fn a_damaged_block_is_set_aside_and_its_series_goes_on() {
    let connection = scratch();
    for (source, value) in [("a", 1.0), ("b", 2.0), ("c", 4.0)] {
        put_block(&connection, source, value);
    }
    spoil(&connection, "blocks", 2);
    assert_eq!(sums(&connection), (vec![1.0, 0.0, 4.0], vec![damage(Origin::Blocks, 2)]));
    for (source, value) in [("a", 10.0), ("b", 20.0), ("c", 40.0)] {
        submit(&connection, BORN + 1, source, value);
    }
    let told = maintain(&connection, BORN + 40, false);
    let expected =
        "row 2 of blocks, web.ms b from 2023-11-14T22:00:00Z on at 1 s, does not match its checksum";
    assert_eq!(told, [expected]);
    assert_eq!(all_set_aside(&connection).unwrap(), [expected]);
    assert_eq!(sums(&connection), (vec![11.0, 20.0, 44.0], vec![]));
    // Its bytes are kept, also when the next tier takes the rest.
    assert!(maintain(&connection, BORN + 3 * DAY, false).is_empty());
    assert_eq!(sums(&connection), (vec![11.0, 20.0, 44.0], vec![]));
    let kept: Vec<u8> = connection.query_row("SELECT bytes FROM damaged", [], |row| row.get(0)).unwrap();
    assert!(!kept.is_empty());
}

#[test]
fn a_damaged_block_does_not_stop_the_ageing_of_others() {
    let connection = scratch();
    for (source, value) in [("a", 1.0), ("b", 2.0)] {
        put_block(&connection, source, value);
    }
    spoil(&connection, "blocks", 1);
    assert_eq!(maintain(&connection, BORN + 400 * DAY, false).len(), 1);
    let left = "SELECT (SELECT count(*) FROM blocks) + (SELECT count(*) FROM pages)";
    let left: i64 = connection.query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

/// Where a page is damaged its window is incomplete; other windows and what comes later are not.
#[test]
fn a_damaged_page_is_set_aside_and_the_rest_goes_on() {
    let connection = scratch();
    for (day, value) in [(1, 1.0), (0, 2.0)] {
        submit(&connection, BORN - day * DAY, "a", value);
        submit(&connection, BORN - day * DAY, "b", value);
    }
    maintain(&connection, BORN, true);
    spoil(&connection, "pages", 2);
    assert_eq!(sums(&connection), (vec![1.0, 1.0], vec![damage(Origin::Pages, 2)]));
    submit(&connection, BORN, "a", 4.0);
    let expected =
        "row 2 of pages, series of web.ms from 2023-11-14T20:00:00Z on at 1 s, does not match its checksum";
    // Whoever merges it or reads it comes across it.
    assert!(maintain(&connection, BORN, true).is_empty());
    let (found, noted) = sums(&connection);
    assert_eq!(found, [5.0, 1.0]);
    let told: Vec<_> =
        noted.into_iter().filter_map(|one| set_aside(one, &connection, BORN).unwrap()).collect();
    assert_eq!(told, [expected]);
    assert_eq!(all_set_aside(&connection).unwrap(), [expected]);
    assert!(maintain(&connection, BORN + 3 * DAY, false).is_empty());
    assert_eq!(sums(&connection), (vec![5.0, 1.0], vec![]));
}

/// What is left of a layer is merged and ages as ever.
#[test]
fn a_layer_without_its_first_page_is_one_all_the_same() {
    let connection = scratch();
    let submit = |time: i64| {
        for n in 0..2_000 {
            let labels = Labels::Source(Some(format!("s{n}")));
            testing::submit(&connection, "web.ms", BORN, &[(labels, time, 0.1 * n as f64)]);
        }
    };
    submit(BORN);
    maintain(&connection, BORN, true);
    let pages: i64 = connection.query_row("SELECT count(*) FROM pages", [], |row| row.get(0)).unwrap();
    assert!(pages > 1, "{pages}");
    spoil(&connection, "pages", 1);
    submit(BORN + 1);
    assert_eq!(maintain(&connection, BORN + DAY, false).len(), 1);
    assert!(maintain(&connection, BORN + 500 * DAY, false).is_empty());
    let pages: i64 = connection.query_row("SELECT count(*) FROM pages", [], |row| row.get(0)).unwrap();
    assert_eq!(pages, 0);
}

#[test]
fn a_damaged_row_of_the_journal_is_set_aside_and_the_rest_is_compacted() {
    let connection = scratch();
    for (source, value) in [("a", 1.0), ("b", 2.0), ("c", 4.0)] {
        submit(&connection, BORN, source, value);
    }
    spoil(&connection, "journal", 2);
    assert_eq!(sums(&connection), (vec![1.0, 0.0, 4.0], vec![damage(Origin::Journal, 2)]));
    let told = maintain(&connection, BORN, true);
    let expected =
        "row 2 of journal, measurements received at 2023-11-14T22:00:00Z, does not match its checksum";
    assert_eq!(told, [expected]);
    assert_eq!(sums(&connection), (vec![1.0, 0.0, 4.0], vec![]));
    let rows = "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM damaged)";
    let rows: (i64, i64) = connection.query_row(rows, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(rows, (0, 1));
}

#[test]
fn a_block_under_a_wrong_key_is_not_believed() {
    let connection = scratch();
    put_block(&connection, "a", 1.0);
    put_block(&connection, "b", 2.0);
    connection.execute("DELETE FROM blocks WHERE series_id = 2", []).unwrap();
    connection.execute("UPDATE blocks SET series_id = 2", []).unwrap();
    assert_eq!(sums(&connection).0, [0.0, 0.0]);
}

/// A byte that changed gives no other series and no error, and is named.
#[test]
fn every_flipped_bit_of_labels_and_their_dialect_is_noticed() {
    let connection = scratch();
    submit(&connection, BORN, "a", 1.0);
    submit(&connection, BORN, "Web-1.eu", 2.0);
    let tags = Labels::Tags([("host".to_owned(), "h1".to_owned())].into());
    submit_as(&connection, BORN, tags, 4.0);
    maintain(&connection, BORN, true);
    let whole = of_metric(&connection);
    for (row, column) in [(2, "labels"), (2, "dialect"), (3, "labels"), (3, "dialect")] {
        let get = format!("SELECT CAST({column} AS BLOB) FROM series WHERE id = ?1");
        let stored: Vec<u8> = connection.query_row(&get, [row], |row| row.get(0)).unwrap();
        assert!(!stored.is_empty());
        for bit in 0..8 * stored.len() {
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            connection.execute_batch("SAVEPOINT flip").unwrap();
            let put = format!("UPDATE series SET {column} = CAST(?2 AS TEXT) WHERE id = ?1");
            connection.execute(&put, rusqlite::params![row, flipped]).unwrap();
            let (found, noted) = watch(|| of_metric(&connection));
            let others: Vec<_> = whole.iter().filter(|one| one.id != row).cloned().collect();
            let damage = damage(Origin::Series, row);
            assert_eq!((found, noted), (others, vec![damage]), "bit {bit} of {column} {row}");
            let told = set_aside(damage, &connection, BORN).unwrap().unwrap();
            let name = if row == 2 { "web-1.eu" } else { "{\"host\":\"h1\"}" };
            assert_eq!(
                told,
                format!("row {row} of series, web.ms {name}, its labels do not match their checksum")
            );
            assert_eq!(all_set_aside(&connection).unwrap(), [told]);
            assert!(set_aside(damage, &connection, BORN).unwrap().is_none(), "once");
            let (_, noted) = watch(|| of_metric(&connection));
            assert_eq!(noted, []);
            connection.execute_batch("ROLLBACK TO flip; RELEASE flip").unwrap();
        }
    }
}

/// The points of a series without a name stay until they age; who sends for it again has a series of its name again.
#[test]
fn a_series_whose_labels_were_set_aside_begins_anew() {
    let connection = scratch();
    submit(&connection, BORN, "a", 1.0);
    submit(&connection, BORN, "b", 2.0);
    maintain(&connection, BORN, true);
    for times in 1..=2 {
        let sql = "UPDATE series SET labels = 'c' WHERE labels = 'b' AND dialect = 'source'";
        assert_eq!(connection.execute(sql, []).unwrap(), 1);
        let (found, noted) = sums(&connection);
        assert_eq!(found, [1.0]);
        for damage in noted {
            set_aside(damage, &connection, BORN).unwrap();
        }
        submit(&connection, BORN, "b", 4.0);
        assert_eq!(sums(&connection), (vec![1.0, 4.0], vec![]));
        maintain(&connection, BORN, true);
        let series: i64 = connection.query_row("SELECT count(*) FROM series", [], |row| row.get(0)).unwrap();
        assert_eq!(series, 2 + times);
    }
    maintain(&connection, BORN + 400 * DAY, false);
    assert_eq!(all_set_aside(&connection).unwrap().len(), 2);
    testing::delete(&connection, 1);
    assert!(all_set_aside(&connection).unwrap().is_empty());
}

#[test]
fn what_was_set_aside_goes_with_its_metric() {
    let connection = scratch();
    put_block(&connection, "a", 1.0);
    spoil(&connection, "blocks", 1);
    let damage = damage(Origin::Blocks, 1);
    assert!(set_aside(damage, &connection, BORN).unwrap().is_some());
    assert!(set_aside(damage, &connection, BORN).unwrap().is_none(), "it is gone already");
    testing::delete(&connection, 1);
    assert!(all_set_aside(&connection).unwrap().is_empty());
}

/// A step of the world: time, a measurement, damage to some row.
#[derive(Debug, Clone)]
enum Event {
    Submit(usize),
    Passes(i64),
    Spoil(Origin, usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0..3_usize).prop_map(Event::Submit),
        3 => (1..20 * DAY).prop_map(Event::Passes),
        1 => (prop_oneof![Just(Origin::Pages), Just(Origin::Journal)], any::<usize>())
            .prop_map(|(origin, row)| Event::Spoil(origin, row)),
    ];
    proptest::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is damaged at whatever time: the maintenance goes on, nothing is counted twice, and what is missing stands
    /// in what was set aside.
    #[test]
    fn damage_takes_nothing_else_along(events in events()) {
        let connection = scratch();
        let (mut now, mut sent, mut spoilt) = (BORN, 0.0, false);
        for event in events {
            match event {
                Event::Submit(source) => {
                    submit(&connection, now, ["a", "b", "c"][source], 1.0);
                    sent += 1.0;
                }
                // Nothing outlives the last tier.
                Event::Passes(time) if now + time < BORN + 300 * DAY => {
                    now += time;
                    maintain(&connection, now, false);
                }
                Event::Passes(_) => {}
                Event::Spoil(origin, row) => {
                    let sql = format!("SELECT id FROM {} ORDER BY id", origin.table());
                    let mut select = connection.prepare(&sql).unwrap();
                    let rows: Vec<i64> =
                        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
                    if !rows.is_empty() {
                        spoil(&connection, origin.table(), rows[row % rows.len()]);
                        spoilt = true;
                    }
                }
            }
        }
        maintain(&connection, now, true);
        // What only a reader comes across is set aside on its word.
        let (found, damaged) = sums(&connection);
        for damage in damaged {
            set_aside(damage, &connection, now).unwrap();
        }
        prop_assert_eq!(sums(&connection), (found.clone(), vec![]));
        let found: f64 = found.iter().sum();
        prop_assert!(found <= sent);
        prop_assert!(spoilt || found == sent, "{found} of {sent}");
        prop_assert_eq!(spoilt, !all_set_aside(&connection).unwrap().is_empty());
        let journal: i64 = connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(journal, 0);
    }
}

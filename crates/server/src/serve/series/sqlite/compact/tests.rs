//! What becomes of measurements in the course of time, and that it can be read all along.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;

use super::*;
use crate::serve::series::points::{Points as _, Reader};
use crate::serve::series::sqlite::{Sqlite, testing, write};
use crate::serve::store::sqlite::scratch;
use crate::serve::tsdb::aggregate::{Aggregate, downsample};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::page::Singles;
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
    Time { wall: now, horizon: now, aging: Aging::default(), followed: i64::MAX }
}

fn drain(connection: &Connection, now: i64, closing: bool) {
    while let Some(work) = step(connection, at(now), closing).unwrap() {
        write::write(connection, &work).unwrap();
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
        let values: Vec<_> = (0..120).map(|n| (["a", "b"][n % 2], start + 30 * n as i64, n as f64)).collect();
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
        let sql = "SELECT ifnull(max(tier), 0) FROM pages";
        let coarsest: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(coarsest, packed.max(1), "after {days} days");
    }
    drain(&connection, end + 400 * DAY, false);
    assert_eq!((read(&connection, 1).len(), rows(&connection, "pages")), (0, 0));
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
    assert_eq!((rows(&connection, "journal"), rows(&connection, "pages")), (1, 0));
    drain(&connection, BORN + OLD, false);
    assert_eq!((rows(&connection, "journal"), rows(&connection, "pages")), (0, 1));
    submit(&connection, BORN + 100, &[("a", BORN + 60, 1.0)]);
    drain(&connection, BORN + 100, true);
    assert_eq!((rows(&connection, "journal"), rows(&connection, "pages")), (0, 2));
    assert_eq!(read(&connection, 1).len(), 2);
}

/// What someone still has to read waits, but not for long.
#[test]
fn what_is_unread_is_not_compacted_at_once() {
    let connection = scratch();
    (0..3).for_each(|n| submit(&connection, BORN, &[("a", BORN + n, 1.0)]));
    let left = |now: i64, followed: i64| {
        let now = Time { followed, ..at(now) };
        while let Some(work) = step(&connection, now, false).unwrap() {
            write::write(&connection, &work).unwrap();
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

/// Whatever comes when, layers are few, and nothing changes but for the better.
#[test]
fn layers_are_merged_while_their_window_is_open_and_when_it_is_over() {
    let connection = scratch();
    for n in 0..200 {
        submit(&connection, BORN + n, &[("a", BORN + n / 2, n as f64), ("b", BORN - 14_400, 1.0)]);
        let before = read(&connection, 1);
        drain(&connection, BORN + n, true);
        drain(&connection, BORN + n, false);
        assert_eq!(read(&connection, 1), before, "{n}");
        assert!(rows(&connection, "pages") <= 2 * 15, "{} pages", rows(&connection, "pages"));
    }
    let whole = read(&connection, 1);
    assert_eq!(whole[1].stats.last, 1.0, "what came last of one time");
    assert_eq!((whole.len(), whole[0].stats.count), (101, 200));
    drain(&connection, BORN + DAY, false);
    assert_eq!((read(&connection, 1), rows(&connection, "pages")), (whole, 2));
}

/// Blocks of older files are read, become pages some at a time, and stay older than what comes meanwhile.
#[test]
fn blocks_become_pages() {
    let connection = scratch();
    let names = ["a", "b", "c"];
    submit(&connection, BORN, &names.map(|name| (name, BORN, 0.0)));
    connection.execute("DELETE FROM journal", []).unwrap();
    let single = |time, value| Point { time, stats: Aggregate::single(value) };
    for series in 1..=3 {
        for hour in 0..5 {
            let start = BORN - 3600 * hour;
            testing::put_block(
                &connection,
                series,
                TIERS[0],
                &[single(start + 1, 1.0), single(start + 60, 2.0)],
            );
        }
        testing::put_block(&connection, series, TIERS[1], &[single(BORN - 4 * DAY, 5.0)]);
        testing::put_block(&connection, series, TIERS[3], &[single(BORN - 100 * DAY, 6.0)]);
    }
    submit(&connection, BORN + 70, &[("a", BORN + 60, 3.0)]);
    let whole = read(&connection, 1);
    assert_eq!((whole.len(), whole[11].stats.count, whole[11].stats.last), (12, 4, 2.0));
    assert_eq!(read(&connection, 60).iter().map(|point| point.stats.count).sum::<u64>(), 37);
    drain(&connection, BORN + 70, true);
    assert_eq!(
        (rows(&connection, "blocks"), read(&connection, 1)),
        (21, whole.clone()),
        "while it is closed"
    );
    let mut steps = 0;
    while let Some(work) = step(&connection, at(BORN + 70), false).unwrap() {
        assert!(work.dropped == 0);
        write::write(&connection, &work).unwrap();
        assert_eq!(read(&connection, 1), whole);
        steps += 1;
    }
    assert!(steps >= 4, "{steps}");
    assert_eq!(rows(&connection, "blocks"), 0);
    assert_eq!(read(&connection, 1), whole);
}

/// Between the snapshot a step is worked out over and its writing, others write.
#[test]
fn what_happens_meanwhile_is_not_lost_and_does_not_come_back() {
    let connection = scratch();
    submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0)]);
    let work = step(&connection, at(BORN), true).unwrap().unwrap();
    submit(&connection, BORN, &[("a", BORN, 5.0)]);
    write::write(&connection, &work).unwrap();
    assert_eq!(sums(&read(&connection, 60)), [(BORN, 3, 8.0, 1.0, 5.0)]);
    let work = step(&connection, at(BORN), true).unwrap().unwrap();
    testing::delete(&connection, 1);
    write::write(&connection, &work).unwrap();
    drain(&connection, BORN, false);
    assert_eq!((rows(&connection, "journal"), rows(&connection, "pages")), (0, 0));
}

/// Ids of pages come back, unlike those of series.
#[test]
fn what_is_deleted_during_a_roll_up_takes_nothing_of_others_along() {
    let connection = scratch();
    submit(&connection, BORN, &[("a", BORN, 1.0), ("b", BORN, 2.0)]);
    drain(&connection, BORN, true);
    let work = step(&connection, at(BORN + 3 * DAY), false).unwrap().unwrap();
    connection.execute("DELETE FROM series WHERE id = 2", []).unwrap();
    write::write(&connection, &work).unwrap();
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
    drain(&connection, BORN, false);
    let mut select = connection.prepare("SELECT tier, start, block FROM pages").unwrap();
    let kept: Vec<(i64, i64, Vec<u8>)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let kept: Vec<_> = kept
        .iter()
        .flat_map(|(tier, start, page)| pages::open(*tier, *start, page).unwrap().1)
        .map(|place| place.series)
        .collect();
    assert_eq!(kept, [2], "only that of the metric's second life");
    assert_eq!(rows(&connection, "metrics_gone"), 0);
}

/// What is beside it in its pages stays.
#[test]
fn a_metric_goes_out_of_the_pages_of_others() {
    let connection = scratch();
    let value = |n: i64| (Labels::Source(None), BORN + n, n as f64);
    for metric in ["m", "n", "o"] {
        testing::submit(&connection, metric, BORN, &(0..5).map(value).collect::<Vec<_>>());
    }
    drain(&connection, BORN, true);
    testing::delete(&connection, 2);
    drain(&connection, BORN, false);
    let (resolution, start, page): (i64, i64, Vec<u8>) = connection
        .query_row("SELECT tier, start, block FROM pages", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let (_, places) = pages::open(resolution, start, &page).unwrap();
    assert_eq!(places.iter().map(|place| place.metric).collect::<Vec<_>>(), [1, 3]);
    let points = Sqlite(&connection);
    let mut packed = points.packed(&[3].into(), TimeRange::ALWAYS).unwrap();
    assert_eq!(packed.points(3).unwrap().len(), 5);
}

/// Where one series is wanted of many the few pages that lead to it are read; what is found is what reading all of them finds.
#[test]
fn one_series_is_found_among_many() {
    let connection = scratch();
    for (metric, times) in [("m", 3), ("n", 1), ("o", 2)] {
        for round in 0..times {
            let values: Vec<_> = (0..3_000)
                .map(|n| {
                    (
                        Labels::Source(Some(format!("{n}"))),
                        BORN + round + n % 50,
                        (n * n % 1_013) as f64 / 7.0,
                    )
                })
                .collect();
            testing::submit(&connection, metric, BORN, &values);
            let name = Labels::Source(Some("long".to_owned()));
            let values: Vec<_> =
                (0..5_000).map(|n| (name.clone(), BORN + n, (n * n % 10_007) as f64 / 7.0)).collect();
            testing::submit(&connection, metric, BORN, &values);
            drain(&connection, BORN, true);
        }
    }
    assert!(rows(&connection, "pages") > 40, "{}", rows(&connection, "pages"));
    let points = Sqlite(&connection);
    let ids: Vec<i64> = (1..=3).flat_map(|metric| points.series(metric).unwrap()).map(|one| one.id).collect();
    let mut all = points.packed(&ids.iter().copied().collect(), TimeRange::ALWAYS).unwrap();
    for (at, id) in ids.iter().enumerate() {
        let whole = all.points(*id).unwrap();
        if at % 37 == 0 || whole.len() > 100 || at + 2 > ids.len() {
            assert!(!whole.is_empty());
            let mut alone = points.packed(&[*id].into(), TimeRange::ALWAYS).unwrap();
            assert_eq!(alone.points(*id).unwrap(), whole, "{id}");
            let mut two = points.packed(&[*id, ids[at / 2]].into(), TimeRange::ALWAYS).unwrap();
            assert_eq!(two.points(*id).unwrap(), whole, "{id} of two");
        }
    }
}

/// Something that happens to what is stored.
#[derive(Debug, Clone)]
enum Event {
    /// Values of a metric and a source, so many seconds before now.
    Submit(Vec<(usize, usize, i64, i32)>),
    Passes(i64),
    Compact,
    Delete(usize),
    /// The last step was not written.
    Lose,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let age = prop_oneof![4 => 0..90_i64, 1 => 0..30_000_i64];
    let values = prop::collection::vec((0..3_usize, 0..4_usize, age, -9..9), 1..12);
    let event = prop_oneof![
        12 => values.prop_map(Event::Submit),
        4 => (1..4_000_i64).prop_map(Event::Passes),
        6 => Just(Event::Compact),
        1 => (0..3_usize).prop_map(Event::Delete),
        2 => Just(Event::Lose),
    ];
    prop::collection::vec(event, 1..80)
}

const METRICS: [&str; 3] = ["m", "n", "o"];
const SOURCES: [&str; 4] = ["a", "b", "c", "d"];

/// Whole numbers, so that sums do not depend on the order in which they are made.
type Model = BTreeMap<(usize, usize), BTreeMap<i64, Aggregate>>;

fn take(model: &mut Model, key: (usize, usize), time: i64, value: f64) {
    let value = Aggregate::single(value);
    model.entry(key).or_default().entry(time).and_modify(|all| all.merge(&value)).or_insert(value);
}

/// What can be read of every series of every metric there is.
fn all(connection: &Connection) -> Model {
    let points = Sqlite(connection);
    let mut model = Model::new();
    for (place, metric) in METRICS.iter().enumerate() {
        let id = "SELECT id FROM metrics WHERE key = ?1";
        let Ok(id) = connection.query_row(id, [metric], |row| row.get(0)) else { continue };
        let series = points.series(id).unwrap();
        let wanted = series.iter().map(|series| series.id).collect();
        for range in [TimeRange::ALWAYS, TimeRange { start: BORN + 3600, end: BORN + 13 * 3600 }] {
            singles_are_points(&points, &wanted, range);
        }
        let mut reader = Reader::new(&points, &wanted, TimeRange::ALWAYS).unwrap();
        for one in series {
            let Labels::Source(Some(name)) = &one.labels else { continue };
            let source = SOURCES.iter().position(|source| source == name).unwrap();
            let found = reader.points(one.id, 1).unwrap().into_iter().map(|point| (point.time, point.stats));
            model.insert((place, source), found.collect());
        }
    }
    model.retain(|_, points| !points.is_empty());
    model
}

/// What is read column by column is what is read point by point.
fn singles_are_points(points: &Sqlite<'_>, wanted: &HashSet<i64>, range: TimeRange) {
    let mut singles = Singles::default();
    let mut by_column = points.packed(wanted, range).unwrap();
    let mut by_point = points.packed(wanted, range).unwrap();
    for series in wanted {
        if by_column.singles(*series, &mut singles).unwrap() {
            let mut expected = by_point.points(*series).unwrap();
            expected.sort_by_key(|point| point.time);
            let single =
                |(time, value): (&i64, &f64)| Point { time: *time, stats: Aggregate::single(*value) };
            let found: Vec<Point> = singles.times.iter().zip(&singles.values).map(single).collect();
            assert_eq!(found, expected);
        }
    }
}

fn plain(model: &Model) -> Vec<((usize, usize), i64, [f64; 5])> {
    let values = |stats: &Aggregate| [stats.count as f64, stats.sum, stats.min, stats.max, stats.last];
    model
        .iter()
        .flat_map(|(key, all)| all.iter().map(move |(time, stats)| (*key, *time, values(stats))))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes when and is compacted, merged, deleted or only begun: what can be read is what was sent, what came last of one
    /// time is its last value, and of what was deleted nothing is left in the end.
    #[test]
    fn what_can_be_read_is_what_was_sent(older in prop::collection::vec((0..4_usize, 1..12_i64), 0..12), events in events()) {
        let (connection, mut now, mut model) = (scratch(), BORN + 13 * 3600, Model::new());
        let submit = |now: i64, metric: usize, source: usize, time: i64, value: f64| {
            let labels = Labels::Source(Some(SOURCES[source].to_owned()));
            testing::submit(&connection, METRICS[metric], now, &[(labels, time, value)]);
        };
        // What a file of before has, under the first metric.
        (0..4).for_each(|source| submit(BORN, 0, source, BORN, 0.0));
        connection.execute("DELETE FROM journal", []).unwrap();
        for (source, hour) in older.into_iter().collect::<BTreeSet<_>>() {
            let points = [1, 60, 61].map(|second| (BORN + 3600 * hour + second, second as f64));
            let block = points.map(|(time, value)| Point { time, stats: Aggregate::single(value) });
            testing::put_block(&connection, source as i64 + 1, TIERS[0], &block);
            points.iter().for_each(|(time, value)| take(&mut model, (0, source), *time, *value));
        }
        for event in events {
            match event {
                Event::Submit(values) => {
                    for (metric, source, age, value) in values {
                        submit(now, metric, source, now - age, f64::from(value));
                        take(&mut model, (metric, source), now - age, f64::from(value));
                    }
                }
                // Everything stays raw.
                Event::Passes(time) => now = (now + time).min(BORN + 2 * DAY),
                Event::Compact => {
                    drain(&connection, now, true);
                    drain(&connection, now, false);
                }
                Event::Delete(metric) => {
                    connection.execute("DELETE FROM metrics WHERE key = ?1", [METRICS[metric]]).unwrap();
                    model.retain(|(of, _), _| *of != metric);
                }
                Event::Lose => drop(step(&connection, at(now), true).unwrap()),
            }
            prop_assert_eq!(plain(&all(&connection)), plain(&model));
        }
        drain(&connection, now, true);
        drain(&connection, now, false);
        prop_assert_eq!(plain(&all(&connection)), plain(&model));
        prop_assert_eq!((rows(&connection, "blocks"), rows(&connection, "metrics_gone")), (0, 0));
        let mut select = connection.prepare("SELECT tier, start, block FROM pages").unwrap();
        let stored = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        for page in stored {
            let (tier, start, bytes): (i64, i64, Vec<u8>) = page.unwrap();
            for place in pages::open(tier, start, &bytes).unwrap().1 {
                let id = "SELECT count(*) FROM series WHERE id = ?1 AND metric_id = ?2";
                let known: i64 = connection.query_row(id, [place.series, place.metric], |row| row.get(0)).unwrap();
                prop_assert_eq!(known, 1, "{:?}", place);
            }
        }
    }
}

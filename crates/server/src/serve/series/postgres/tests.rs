//! The same submissions and the same passing of time in both databases: what is read is the same at any moment.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::compact::{self, Time};
use super::table;
use crate::serve::series;
use crate::serve::series::aging;
use crate::serve::series::points::Reader;
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::tests::store_with;
use crate::serve::store::tx::{Tx, params};
use crate::serve::store::{Opening, Scratch, Store, scratch};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::sample::{Sample, Stats};

const BORN: i64 = 1_699_999_200;
const METRICS: i64 = 5;

#[derive(Debug, Clone)]
enum Step {
    /// Samples of metric, source, age and value.
    Submit(Vec<(i64, usize, i64, f64)>),
    /// The journal is compacted, and windows are merged, rolled up and dropped.
    Tidy,
    Passes(i64),
    Forget(i64),
    /// Measurements are kept for another time.
    Keep(&'static str),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let age = prop_oneof![4 => 0..7200_i64, 1 => 0..40_000_000_i64];
    let sample = (1..=METRICS, 0..3_usize, age, (-1000..1000_i32).prop_map(f64::from));
    let step = prop_oneof![
        5 => proptest::collection::vec(sample, 1..60).prop_map(Step::Submit),
        3 => Just(Step::Tidy),
        1 => (1..4_000_000_i64).prop_map(Step::Passes),
        1 => (1..=METRICS).prop_map(Step::Forget),
        1 => prop_oneof![Just("1s=2d"), Just("1s=4h,60s=1d,900s=8d,3600s=32d"), Just("1s=30d,60s=60d,900s=90d")].prop_map(Step::Keep),
    ];
    proptest::collection::vec(step, 1..25)
}

fn source(n: usize) -> Labels {
    Labels::Source(["a", "b"].get(n).map(|name| (*name).to_owned()))
}

/// What a step does to what both have: series and the journal.
fn apply(tx: &Tx<'_>, step: &Step, now: i64) -> Result<(), StoreError> {
    let points = series::of(tx);
    match step {
        Step::Submit(all) => {
            let mut samples = Vec::new();
            for (metric, at, age, value) in all {
                let series = points.find_or_create(&[(*metric, &source(*at))])?[0];
                samples.push(Sample {
                    metric: *metric,
                    series,
                    time: now - age,
                    stats: Stats::Single(*value),
                });
            }
            points.append(&journal::rows(&samples, tx.parts()), now)
        }
        Step::Forget(metric) => {
            while !points.forget(*metric, 2)? {}
            Ok(())
        }
        Step::Keep(retention) => {
            let wanted = retention.parse().map_err(StoreError::Internal)?;
            aging::change(tx, wanted, now).map(drop)
        }
        Step::Tidy | Step::Passes(_) => Ok(()),
    }
}

fn metrics(tx: &Tx<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO metrics (key, name, type, attributes) VALUES (?1, ?1, 'gauge', '{}') RETURNING id";
    (1..=METRICS).try_for_each(|n| tx.id(sql, params![format!("m{n}")]).map(drop))
}

/// Every series of every metric by what it is called, with its points at this resolution.
fn read(tx: &Tx<'_>, resolution: i64) -> Result<Vec<(i64, Labels, Vec<Point>)>, StoreError> {
    let points = series::of(tx);
    let mut all = Vec::new();
    for metric in 1..=METRICS {
        let series = points.series(metric)?;
        let wanted = series.iter().map(|one| one.id).collect();
        let mut reader = Reader::new(&*points, &wanted, TimeRange::ALWAYS)?;
        for one in series {
            all.push((metric, one.labels, reader.points(one.id, resolution)?));
        }
    }
    Ok(all)
}

/// Points come together in other groups in each, so that sums of squares differ by what doubles cannot hold; values are whole, so
/// that nothing else does.
fn same(
    found: &[(i64, Labels, Vec<Point>)],
    expected: &[(i64, Labels, Vec<Point>)],
) -> Result<(), TestCaseError> {
    let series = |all: &[(i64, Labels, Vec<Point>)]| -> Vec<_> {
        all.iter().map(|(metric, labels, points)| (*metric, labels.clone(), points.len())).collect()
    };
    prop_assert_eq!(series(found), series(expected));
    let points =
        |all: &[(i64, Labels, Vec<Point>)]| all.iter().flat_map(|one| one.2.clone()).collect::<Vec<_>>();
    for (mut one, mut other) in points(found).into_iter().zip(points(expected)) {
        let [a, b] = [&mut one, &mut other].map(|point| point.stats.squares.take().unwrap_or(f64::NAN));
        prop_assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()) || (a.is_nan() && b.is_nan()), "{a} {b}");
        prop_assert_eq!(one, other);
    }
    Ok(())
}

async fn tidy(store: &Store, now: i64) {
    let aging = store.read(aging::read).await.unwrap();
    let time = Time { wall: now + 1000, horizon: now, aging };
    for part in 0..METRICS + 1 {
        while store.write(move |tx: &Tx| compact::compact(tx, part, time)).await.unwrap().is_some() {}
    }
    for part in store.read(table::parts).await.unwrap() {
        loop {
            let due = store.read(move |tx: &Tx| compact::windows_due(tx, part, time)).await.unwrap();
            let mut done = false;
            for window in due {
                done |= store
                    .write(move |tx: &Tx| compact::tidy(tx, part, window, time))
                    .await
                    .unwrap()
                    .is_some();
            }
            if !done {
                break;
            }
        }
    }
}

fn tidy_sqlite(scratch: &Scratch, now: i64) {
    let aging = aging::read(&scratch.tx()).unwrap();
    series::sqlite::testing::tidy(scratch, now, aging);
}

async fn hold(store: &Store, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let scratch = scratch();
    let empty =
        "TRUNCATE series, sources, journal, pages, parts, metrics, retention RESTART IDENTITY CASCADE";
    store.write(move |tx: &Tx| tx.execute(empty, params![])).await.unwrap();
    store.write(metrics).await.unwrap();
    metrics(&scratch.tx()).unwrap();
    let mut now = BORN;
    for step in steps {
        apply(&scratch.tx(), &step, now).unwrap();
        let (applied, at) = (step.clone(), now);
        store.write(move |tx: &Tx| apply(tx, &applied, at)).await.unwrap();
        match step {
            Step::Tidy => {
                tidy(store, now).await;
                tidy_sqlite(&scratch, now);
            }
            Step::Passes(time) => now += time,
            Step::Submit(_) | Step::Forget(_) | Step::Keep(_) => {}
        }
        let found = store.read(|tx: &Tx| read(tx, 3600)).await.unwrap();
        same(&found, &read(&scratch.tx(), 3600).unwrap())?;
    }
    tidy(store, now).await;
    tidy_sqlite(&scratch, now);
    let found = store.read(|tx: &Tx| read(tx, 1)).await.unwrap();
    same(&found, &read(&scratch.tx(), 1).unwrap())
}

#[test]
fn both_databases_hold_the_same_points() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some((store, _)) = store_with(Opening::default()) else { return };
    // Where a late point comes to lie depends on when others were compacted.
    store.rest();
    let usual = ProptestConfig::default();
    let config =
        ProptestConfig { cases: usual.cases / 25, failure_persistence: None, max_shrink_iters: 300, ..usual };
    let mut runner = TestRunner::new(config);
    runner.run(&steps(), |steps| runtime.block_on(hold(&store, steps))).unwrap();
}

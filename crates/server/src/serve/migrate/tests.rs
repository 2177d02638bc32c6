//! From a file into PostgreSQL and back, whole and broken off.

use super::*;
use crate::serve::store::Store;
use crate::serve::store::postgres::test_server;
use crate::serve::store::tx::params;
use crate::serve::store::{Connecting, OpenError, Opening, Postgres, SetupError};
use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::{Sample, Stats};
use crate::serve::{Data, series};

fn database() -> Option<Place> {
    let address = test_server::empty()?;
    let database = Postgres::new(&address, &Connecting::default()).unwrap().that_may_forget();
    Some(Place::Database(Box::new(database)))
}

/// A file with metrics of which some are gone, measurements of several windows, and an alert.
async fn file(path: &std::path::Path) {
    let store = Store::open(&Data::File(path.to_owned())).unwrap();
    let now = store.now();
    store
        .write(move |tx: &Tx| {
            for n in 0..20 {
                let sql = "INSERT INTO metrics (key, name, type, attributes) VALUES (?1, ?1, 'gauge', '{}') RETURNING id";
                let metric = tx.id(sql, params![format!("m{n}")])?;
                let points = series::of(tx);
                for source in ["a", "b"] {
                    let labels = Labels::Source(Some(source.to_owned()));
                    let series = points.find_or_create(&[(metric, &labels)])?[0];
                    let sample = |at: i64| {
                        let stats = Stats::Single(0.1 * at as f64);
                        Sample { metric, series, time: now - at * 977, stats }
                    };
                    let samples: Vec<Sample> = (0..100).map(sample).collect();
                    points.append(&journal::rows(&samples, tx.parts()), now)?;
                }
            }
            let alert = "INSERT INTO alerts (key, name, attributes, active, rearm_seconds, rearm_per_signal, md, created_at, updated_at)
                VALUES ('a', 'a', '{}', 1, 600, 0, 0, 5, 6) RETURNING id";
            let alert = tx.id(alert, params![])?;
            let condition = "INSERT INTO conditions (alert_id, position, type, metric_name, tags, threshold)
                VALUES (?1, 0, 'above', 'm1', '[]', 2.5)";
            tx.execute(condition, params![alert])?;
            tx.execute("DELETE FROM metrics WHERE key = 'm19'", params![]).map(drop)
        })
        .await
        .unwrap();
    store.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_into_a_database_and_back_is_the_same() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("a.db"), dir.path().join("b.db"));
    file(&first).await;
    let (first, second) = (Place::File(first), Place::File(second));
    let there = migrate(&first, &database, |_| ()).await.unwrap();
    assert!(there.points >= 3800 && there.rows > 60 && !there.resumed, "{there:?}");
    let back = migrate(&database, &second, |_| ()).await.unwrap();
    assert_eq!((back.points, back.rows), (there.points, there.rows));
    // As after one that was killed at its end, before it said so.
    let again = migrate(&first, &database, |_| ()).await.unwrap();
    assert!(again.already && !there.already && again.points == there.points, "{again:?}");
    // Ids never come back, also those of what was deleted before.
    for place in [&database, &second] {
        let store = place.target().await.unwrap().store;
        let sql =
            "INSERT INTO metrics (key, name, type, attributes) VALUES ('n', 'n', 'gauge', '{}') RETURNING id";
        assert_eq!(store.write(move |tx: &Tx| tx.id(sql, params![])).await.unwrap(), 21, "{place}");
        store.close();
    }
    let refused = migrate(&first, &database, |_| ()).await.unwrap_err();
    assert!(matches!(refused, MigrateError::NotEmpty("metrics")), "{refused}");
}

async fn run(place: &Place, sql: &'static str) {
    let store = place.target().await.unwrap().store;
    store.write(move |tx: &Tx| tx.execute(sql, params![])).await.unwrap();
    store.close();
}

/// How many clocks of the file 77 there are, the first, the last, its wall time, and whether all hold notifications back.
async fn clocks(place: &Place) -> (i64, [i64; 3], bool) {
    let store = place.target().await.unwrap().store;
    let sql =
        "SELECT count(*) AS n, min(clock) AS first, max(clock) AS last, max(wall) AS wall, min(held) AS held
        FROM alert_clock WHERE file = 77";
    let read = move |tx: &Tx| {
        let row = |row: &crate::serve::store::tx::Row<'_>| {
            let clocks = [row.get("first")?, row.get("last")?, row.get("wall")?];
            Ok((row.get("n")?, clocks, row.get("held")?))
        };
        tx.one(sql, params![], row)
    };
    let found = store.read(read).await.unwrap().unwrap();
    store.close();
    found
}

/// A file has one group of alerts, and a database many: all of these begin where the one was, and the one where the last of these was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_go_on_from_where_the_last_group_of_them_was() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("a.db"), dir.path().join("b.db"));
    file(&first).await;
    let (first, second) = (Place::File(first), Place::File(second));
    run(&first, "UPDATE alert_clock SET file = 77, clock = 500, wall = 501, held = 1").await;
    migrate(&first, &database, |_| ()).await.unwrap();
    assert_eq!(clocks(&database).await, (64, [500, 500, 501], true));
    run(&database, "UPDATE alert_clock SET clock = 600 + id, wall = 700 + id WHERE id <> 9").await;
    migrate(&database, &second, |_| ()).await.unwrap();
    assert_eq!(clocks(&second).await, (1, [500, 500, 501], true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_told_with_where_and_what_to_do() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    file(&path).await;
    let to = database.target().await.unwrap();
    to.write(|tx| tx.execute("DROP TABLE silences", params![]).map(drop)).await.unwrap();
    to.store.close();
    let failed = migrate(&Place::File(path), &database, |_| ()).await.unwrap_err().to_string();
    let place = database.to_string();
    assert!(failed.starts_with(&format!("{place} failed: relation \"silences\" does not exist")), "{failed}");
    assert!(failed.ends_with("run the same again to go on"), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_broken_off_goes_on_and_others_do_not() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("a.db"), dir.path().join("b.db"));
    file(&path).await;
    file(&other).await;
    // Measurements are not moved twice, wherever it is broken off.
    for step in 0..1000 {
        let from = Place::File(path.clone()).source().await.unwrap();
        let to = database.target().await.unwrap();
        let told = std::cell::Cell::new(0);
        let done = {
            let tells = |_: &str| told.set(told.get() + 1);
            let moving = moved(&from, &to, &tells);
            let mut moving = std::pin::pin!(moving);
            std::future::poll_fn(|cx| match moving.as_mut().poll(cx) {
                std::task::Poll::Pending if told.get() > 2 + step % 5 => std::task::Poll::Ready(None),
                other => other.map(Some),
            })
            .await
        };
        from.store.close();
        to.store.close();
        match done {
            None => assert!(step < 900, "it comes to no end"),
            Some(done) => {
                let done = done.unwrap();
                assert!(done.resumed && done.points >= 3800, "{done:?} after {step}");
                break;
            }
        }
        if step == 3 {
            let refused = migrate(&Place::File(other.clone()), &database, |_| ()).await.unwrap_err();
            assert!(matches!(refused, MigrateError::Another), "{refused}");
            // Neither a server nor another migration takes it for all there is.
            let refused = migrate(&database, &Place::File(other.clone()), |_| ()).await.unwrap_err();
            assert!(refused.to_string().contains("run the same `serve migrate` again"), "{refused}");
            let Place::Database(target) = &database else { unreachable!() };
            let refused = Store::connect(target, Opening::default()).err().unwrap();
            assert!(matches!(refused, OpenError::Setup(SetupError::Migrating)), "{refused}");
        }
    }
    let kept = database.target().await.unwrap().store;
    assert_eq!(kept.read(|tx: &Tx| Mark::of(tx)).await.unwrap(), None);
    kept.close();
}

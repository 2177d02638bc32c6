//! Lanes over a PostgreSQL of this test program: whatever breaks, what is acknowledged is stored once.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::append::Lanes;
use super::upkeep;
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::lanes::{Batch, Journal, Settled};
use crate::serve::store::postgres::tests::{fresh, store_with, target};
use crate::serve::store::tx::{Tx, params};
use crate::serve::store::{Opening, Store};
use crate::serve::tsdb::journal;
use crate::serve::tsdb::sample::{Sample, Stats};

/// A sample that can be told from all others.
pub fn sample(number: i64) -> Sample {
    Sample { metric: number % 3, series: number, time: 0, stats: Stats::Single(0.0) }
}

/// How often each sample is in the journal.
pub fn stored(tx: &Tx<'_>) -> Result<HashMap<i64, usize>, StoreError> {
    let mut counts = HashMap::new();
    tx.each("SELECT block FROM journal", params![], |row| {
        for one in journal::open(row.get("block")?).unwrap() {
            *counts.entry(one.series).or_default() += 1;
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

/// Breaks what it is asked, each time in another way.
#[derive(Default)]
struct Breaking {
    asked: AtomicU32,
}

impl Breaking {
    fn breaks<T>(&self, tx: &Tx<'_>, run: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let end = "SELECT pg_terminate_backend(pg_backend_pid())";
        match self.asked.fetch_add(1, Ordering::Relaxed) % 7 {
            1 => drop(tx.exists(end, params![])),
            3 => {
                let done = run();
                let _ = tx.exists(end, params![]);
                return done.and(Err(StoreError::Unavailable));
            }
            5 => {
                // A success that is none.
                let done = run();
                tx.execute("DO $$ BEGIN RAISE WARNING 'as the test wants it'; END $$", params![])?;
                return done;
            }
            _ => {}
        }
        run()
    }
}

impl Journal for Breaking {
    fn open(&self, tx: &Tx<'_>, node: &str) -> Result<i64, StoreError> {
        self.breaks(tx, || Lanes.open(tx, node))
    }

    fn append(&self, tx: &Tx<'_>, batch: &Batch<'_>) -> Result<bool, StoreError> {
        self.breaks(tx, || Lanes.append(tx, batch))
    }

    fn settle(&self, tx: &Tx<'_>, lane: i64, seq: i64) -> Result<Settled, StoreError> {
        self.breaks(tx, || Lanes.settle(tx, lane, seq))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_stored_once_whatever_breaks() {
    let Some(address) = fresh() else { return };
    let breaking: &'static Breaking = Box::leak(Box::default());
    let store = Store::start_on(&target(&address), Opening::default(), upkeep::begin, breaking).unwrap();
    store.rest();
    let writers = (0..6_i64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for request in 0..8 {
                let numbers = (writer * 8 + request) * 10..;
                let samples = numbers.take(10).map(sample).collect();
                assert!(store.append(samples, 0).await.unwrap());
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let found = store.read(stored).await.unwrap();
    assert!(breaking.asked.load(Ordering::Relaxed) > 7, "each break was tried");
    assert_eq!(found, (0..480).map(|number| (number, 1)).collect());
}

#[tokio::test]
async fn a_copy_of_a_batch_that_comes_late_does_nothing() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    let lane = store.make(|tx: &Tx| Lanes.open(tx, "n")).await.unwrap();
    let send = |seq, number| {
        let samples = [sample(number)];
        move |tx: &Tx| Lanes.append(tx, &Batch { lane, seq, epoch: 0, samples: &samples, second: None })
    };
    assert!(store.make(send(1, 1)).await.unwrap());
    assert!(!store.make(send(1, 1)).await.unwrap(), "a copy");
    let settle = |seq| move |tx: &Tx| Lanes.settle(tx, lane, seq);
    for _ in 0..2 {
        assert_eq!(store.make(settle(1)).await.unwrap(), Settled::Stored);
    }
    for _ in 0..2 {
        assert_eq!(store.make(settle(2)).await.unwrap(), Settled::NotStored { last: 3 });
    }
    assert!(!store.make(send(2, 2)).await.unwrap(), "it was given up");
    assert!(store.make(send(4, 4)).await.unwrap());
    assert_eq!(store.read(stored).await.unwrap(), [(1, 1), (4, 1)].into());
}

/// Whoever settles waits for a copy that is under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_waited_for() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    let lane = store.make(|tx: &Tx| Lanes.open(tx, "n")).await.unwrap();
    let (sent, is_sent) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel();
    let goes_on = parking_lot::Mutex::new(goes_on);
    let job = move |tx: &Tx| {
        let stored = Lanes.append(tx, &Batch { lane, seq: 1, epoch: 0, samples: &[sample(1)], second: None });
        sent.send(()).unwrap();
        goes_on.lock().recv().unwrap();
        stored
    };
    let slow = {
        let store = store.clone();
        tokio::spawn(async move { store.make(job).await })
    };
    tokio::task::spawn_blocking(move || is_sent.recv().unwrap()).await.unwrap();
    let settled = {
        let store = store.clone();
        tokio::spawn(async move { store.make(move |tx: &Tx| Lanes.settle(tx, lane, 1)).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!settled.is_finished());
    go_on.send(()).unwrap();
    assert!(slow.await.unwrap().unwrap());
    assert_eq!(settled.await.unwrap().unwrap(), Settled::Stored);
}

#[tokio::test]
async fn what_was_resolved_before_a_metric_changed_is_not_stored() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    assert!(store.append(vec![sample(1)], 0).await.unwrap());
    store.write(|tx: &Tx| tx.end_epoch()).await.unwrap();
    assert!(!store.append(vec![sample(2)], 0).await.unwrap());
    assert!(store.append(vec![sample(3)], 1).await.unwrap());
    assert_eq!(store.read(stored).await.unwrap(), [(1, 1), (3, 1)].into());
}

/// A lane that nobody used for long is forgotten, and made again.
#[tokio::test]
async fn a_lane_that_is_gone_is_made_again() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    let mut expected = HashMap::new();
    for number in 0..16 {
        // So many that each lane has one.
        if number == 8 {
            let sql = "DELETE FROM lanes WHERE lane <> 0";
            assert!(store.write(move |tx: &Tx| tx.execute(sql, params![])).await.unwrap() > 0);
        }
        assert!(store.append(vec![sample(number)], 0).await.unwrap());
        expected.insert(number, 1);
    }
    assert_eq!(store.read(stored).await.unwrap(), expected);
}

/// Nothing waits for ever for a database that is gone, and what is refused is not stored.
#[tokio::test]
async fn requests_wait_with_patience_and_no_longer() {
    let Some((store, address)) = store_with(Opening::default()) else { return };
    // What is compacted is not in the journal any more.
    store.rest();
    let store = Arc::new(store);
    assert!(store.append(vec![sample(1)], 0).await.unwrap());
    let (_, database) = address.rsplit_once('/').unwrap();
    let server = crate::serve::store::postgres::test_server::server().unwrap();
    server.sql("postgres", &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"));
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    server.sql("postgres", &end);
    let begun = std::time::Instant::now();
    let waiting: Vec<_> = (0..6)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(vec![sample(10 + n)], 0).await })
        })
        .collect();
    for one in waiting {
        assert!(matches!(
            one.await.unwrap(),
            Err(StoreError::Busy | StoreError::Unavailable | StoreError::Unknown)
        ));
    }
    assert!(begun.elapsed().as_secs() < 40, "{:?}", begun.elapsed());
    server.sql("postgres", &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"));
    let mut tries = 0..100;
    while !store.append(vec![sample(2)], 0).await.unwrap_or(false) {
        tries.next().expect("it comes back");
    }
    let found = store.read(stored).await.unwrap();
    assert_eq!((found.get(&1), found.get(&2), found.values().max()), (Some(&1), Some(&1), Some(&1)));
}

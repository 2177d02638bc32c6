//! Whoever follows the journal reads each sample once, while several write and others compact.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::append_tests::sample;
use super::compact::{self, Time};
use super::follow;
use crate::serve::series;
use crate::serve::series::points::{Cursor, Tail};
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::tests::store_with;
use crate::serve::store::tx::{Tx, params};
use crate::serve::store::{Opening, Store};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::journal;

async fn tail(store: &Store, after: &Cursor, most: usize) -> Tail {
    let after = after.clone();
    store.read(move |tx: &Tx| series::of(tx).tail(&after, most, &|_| true)).await.unwrap()
}

fn numbers(tail: &Tail) -> Vec<i64> {
    tail.rows.iter().flat_map(|row| &row.samples).map(|one| one.series).collect()
}

/// Compacts all parts that anything may be taken from, at a second after which nothing waits for its time.
async fn compact(store: &Store, wall: i64) -> usize {
    let mut done = 0;
    for part in 0..3 {
        let step =
            move |tx: &Tx| compact::compact(tx, part, Time { wall, horizon: wall, aging: Aging::default() });
        // One that locks what another has locked tries again later.
        done += usize::from(store.make(step).await.unwrap().is_some());
    }
    done
}

async fn note(store: &Store, cursor: Option<Cursor>, now: i64) {
    store.make(move |tx: &Tx| series::of(tx).note_tail("t", cursor.as_ref(), now)).await.unwrap();
}

/// Samples in a transaction of other things, which commits when it is told to.
fn held(store: &Store, number: i64) -> (mpsc::Sender<()>, mpsc::Receiver<()>, tokio::task::JoinHandle<()>) {
    let (go_on, goes_on) = mpsc::channel::<()>();
    let (sent, is_sent) = mpsc::channel();
    let (store, goes_on) = (store.clone(), parking_lot::Mutex::new(goes_on));
    let job = move |tx: &Tx| {
        series::of(tx).append(&journal::rows(&[sample(number)], tx.parts()), 0)?;
        sent.send(()).unwrap();
        goes_on.lock().recv().unwrap();
        Ok::<_, StoreError>(())
    };
    let task = tokio::spawn(async move { store.make(job).await.unwrap() });
    (go_on, is_sent, task)
}

/// The control: by ids, a row is lost. By lanes, none is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_by_ids_loses_what_becomes_visible_late() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    store.rest();
    let by_id = |last: i64| {
        let sql = "SELECT id, block FROM journal WHERE id > ?1 ORDER BY id";
        move |tx: &Tx| {
            tx.all(sql, params![last], |row| {
                let samples = journal::open(row.get("block")?).unwrap();
                Ok((row.get::<i64>("id")?, samples.iter().map(|one| one.series).collect::<Vec<_>>()))
            })
        }
    };
    let (go_on, is_sent, task) = held(&store, 1);
    tokio::task::spawn_blocking(move || is_sent.recv().unwrap()).await.unwrap();
    assert!(store.append(vec![sample(2)], 0).await.unwrap());
    let (first, ids) =
        (tail(&store, &Cursor::default(), usize::MAX).await, store.read(by_id(0)).await.unwrap());
    assert_eq!(
        (numbers(&first), ids.iter().flat_map(|row| row.1.clone()).collect::<Vec<_>>()),
        (vec![2], vec![2])
    );
    go_on.send(()).unwrap();
    task.await.unwrap();
    let (second, lost) =
        (tail(&store, &first.next, usize::MAX).await, store.read(by_id(ids[0].0)).await.unwrap());
    assert_eq!((numbers(&second), lost.len()), (vec![1], 0), "row 1 has the smaller id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sample_is_read_once_while_others_write_and_compact() {
    const WRITERS: i64 = 4;
    const REQUESTS: i64 = 60;
    let Some((store, _)) = store_with(Opening::default()) else { return };
    store.rest();
    let now = store.now();
    note(&store, Some(Cursor::default()), now).await;
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for request in 0..REQUESTS {
                let first = (writer * REQUESTS + request) * 5;
                let samples: Vec<_> = (first..first + 5).map(sample).collect();
                if writer == 0 {
                    let rows = Arc::new(journal::rows(&samples, store.parts()));
                    store.make(move |tx: &Tx| series::of(tx).append(&rows, now)).await.unwrap();
                } else {
                    assert!(store.append(samples, 0).await.unwrap());
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let is_over = Arc::new(AtomicBool::new(false));
    let compactor = {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut done = 0;
            while !is_over.load(Ordering::Relaxed) {
                done += compact(&store, now).await;
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            done
        })
    };
    let (mut cursor, mut seen, mut turns) = (Cursor::default(), HashMap::<i64, usize>::new(), 0);
    let all = (WRITERS * REQUESTS * 5) as usize;
    let begun = std::time::Instant::now();
    while seen.len() < all && begun.elapsed().as_secs() < 60 {
        // A few bytes at a time, so that batches wait for the next turn.
        let more = tail(&store, &cursor, 200).await;
        assert!(!more.missed, "compaction waits for those who read");
        numbers(&more).into_iter().for_each(|number| *seen.entry(number).or_default() += 1);
        cursor = more.next;
        note(&store, Some(cursor.clone()), now).await;
        turns += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(compactor.await.unwrap() > 0 && turns > 1);
    let last = tail(&store, &cursor, usize::MAX).await;
    assert_eq!((numbers(&last), last.missed), (vec![], false));
    assert_eq!(BTreeMap::from_iter(seen), (0..all as i64).map(|number| (number, 1)).collect());
}

#[tokio::test]
async fn compaction_waits_for_who_reads_and_not_for_ever() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    store.rest();
    let now = store.now();
    assert!(store.append(vec![sample(0)], 0).await.unwrap());
    let read = tail(&store, &Cursor::default(), usize::MAX).await;
    assert!(store.append(vec![sample(3)], 0).await.unwrap());
    note(&store, Some(read.next.clone()), now).await;
    assert_eq!(compact(&store, now).await, 1, "what was read");
    assert_eq!(compact(&store, now).await, 0, "what was not");
    assert_eq!(numbers(&tail(&store, &read.next, usize::MAX).await), [3]);
    // Who was not seen is not waited for, nor who is, for longer than a minute.
    let later = now + follow::UNREAD + 5;
    note(&store, Some(read.next.clone()), later).await;
    assert_eq!(compact(&store, later).await, 1);
    assert!(tail(&store, &read.next, usize::MAX).await.missed);
    assert!(store.append(vec![sample(6)], 0).await.unwrap());
    let missed = tail(&store, &read.next, usize::MAX).await;
    assert_eq!((numbers(&missed), missed.missed), (vec![6], true));
    note(&store, Some(read.next), now).await;
    assert_eq!(compact(&store, now + follow::GONE).await, 1, "it was not seen for so long");
    note(&store, None, now).await;
    let after = tail(&store, &missed.next, usize::MAX).await;
    assert_eq!((numbers(&after), after.missed), (vec![], false));
}

/// What waits up to a cursor is what neither pages hold nor the tail gives.
#[tokio::test]
async fn what_waits_goes_up_to_the_cursor() {
    let Some((store, _)) = store_with(Opening::default()) else { return };
    store.rest();
    assert!(store.append(vec![sample(0)], 0).await.unwrap());
    compact(&store, store.now()).await;
    assert!(store.append(vec![sample(3)], 0).await.unwrap());
    let until = store.read(|tx: &Tx| series::of(tx).end()).await.unwrap();
    assert!(store.append(vec![sample(6)], 0).await.unwrap());
    let asked = until.clone();
    let waiting = move |tx: &Tx| {
        let mut found = Vec::new();
        series::of(tx).waiting(&asked, &|_| true, &mut |_, one| found.push(one.series))?;
        Ok::<_, StoreError>(found)
    };
    assert_eq!(store.read(waiting).await.unwrap(), [3]);
    assert_eq!(numbers(&tail(&store, &until, usize::MAX).await), [6]);
}

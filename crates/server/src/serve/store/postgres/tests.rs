//! Transactions over a PostgreSQL of this test program: those that meet, lose their connection or go on after an error; setting up;
//! what is not taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::tx::{Tx, params};
use super::super::{Connecting, Opening, Postgres, SetupError, Store, StoreError};
use super::test_server;
use crate::serve::store::OpenError;

pub fn target(address: &str) -> Postgres {
    Postgres::new(address, &Connecting::default()).unwrap().that_may_forget()
}

fn connect(address: &str) -> Store {
    Store::connect(&target(address), Opening::default()).unwrap()
}

/// A store of its own for a test, and its address.
fn store() -> Option<(Store, String)> {
    store_with(Opening::default())
}

/// The address of a database of its own for a test.
pub fn fresh() -> Option<String> {
    test_server::fresh(|model| connect(model).close())
}

pub fn store_with(opening: Opening) -> Option<(Store, String)> {
    let address = fresh()?;
    Some((Store::connect(&target(&address), opening).unwrap(), address))
}

/// Another server of the same database.
pub fn another(address: &str) -> Store {
    connect(address)
}

async fn make(store: &Store, name: &'static str) -> Result<i64, StoreError> {
    let sql = "INSERT INTO streams (key, name) VALUES (?1, ?1) RETURNING id";
    store.write(move |tx: &Tx| tx.id(sql, params![name])).await
}

async fn count(store: &Store) -> i64 {
    let sql = "SELECT count(*) AS n FROM streams";
    store.read(move |tx: &Tx| tx.one(sql, params![], |row| row.get("n"))).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_is_read_and_written_by_many_at_once_nothing_is_lost() {
    let Some((store, _)) = store() else { return };
    make(&store, "n").await.unwrap();
    let add = |tx: &Tx| {
        let read = "SELECT coalesce(display_name, '0') AS n FROM streams WHERE key = 'n'";
        let n: String = tx.one(read, params![], |row| row.get("n"))?.unwrap();
        let more = (n.parse::<i64>().unwrap() + 1).to_string();
        tx.execute("UPDATE streams SET display_name = ?1 WHERE key = 'n'", params![more]).map(drop)
    };
    let writers = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                store.write(add).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let sql = "SELECT display_name AS n FROM streams";
    let found: Option<String> =
        store.read(move |tx: &Tx| tx.one(sql, params![], |row| row.get("n"))).await.unwrap();
    assert_eq!(found.as_deref(), Some("100"));
}

/// Without a statement nothing is begun, so there is nothing to be ended.
#[tokio::test]
async fn a_job_that_asks_nothing_is_done() {
    let Some((store, _)) = store() else { return };
    for _ in 0..3 {
        assert_eq!(store.write(|_: &Tx| Ok::<_, StoreError>(1)).await.unwrap(), 1);
        assert_eq!(store.read(|_: &Tx| Ok::<_, StoreError>(2)).await.unwrap(), 2);
        let fails = |_: &Tx| Err::<(), _>(StoreError::Taken);
        assert!(matches!(store.write(fails).await, Err(StoreError::Taken)));
    }
    make(&store, "n").await.unwrap();
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn a_transaction_whose_connection_breaks_is_done_again() {
    let Some((store, _)) = store() else { return };
    let times = Arc::new(AtomicU32::new(0));
    let tried = Arc::clone(&times);
    let job = move |tx: &Tx| {
        tx.execute("INSERT INTO streams (key, name) VALUES ('a', 'a')", params![])?;
        if tried.fetch_add(1, Ordering::Relaxed) < 3 {
            tx.exists("SELECT pg_terminate_backend(pg_backend_pid())", params![])?;
        }
        tx.exists("SELECT 1", params![])?;
        Ok::<_, StoreError>(())
    };
    store.write(job).await.unwrap();
    assert_eq!((times.load(Ordering::Relaxed), count(&store).await), (4, 1));
    let times = AtomicU32::new(0);
    let read = move |tx: &Tx| {
        if times.fetch_add(1, Ordering::Relaxed) < 2 {
            tx.exists("SELECT pg_terminate_backend(pg_backend_pid())", params![])?;
        }
        tx.exists("SELECT 1 FROM streams", params![])
    };
    assert!(store.read(read).await.unwrap());
}

#[tokio::test]
async fn what_must_be_unique_is_taken_once_and_a_job_that_goes_on_after_an_error_is_no_success() {
    let Some((store, _)) = store() else { return };
    make(&store, "a").await.unwrap();
    assert!(matches!(make(&store, "a").await, Err(StoreError::Taken)));
    let careless = |tx: &Tx| {
        let _ = tx.execute("INSERT INTO streams (key, name) VALUES ('a', 'a')", params![]);
        Ok::<_, StoreError>(())
    };
    assert!(matches!(store.write(careless).await, Err(StoreError::Internal(_))));
    make(&store, "b").await.unwrap();
    assert_eq!(count(&store).await, 2, "the connection is sound");
}

#[tokio::test]
async fn statements_do_not_wait_for_ever_among_the_rows_of_others() {
    let Some((store, _)) = store() else { return };
    make(&store, "a").await.unwrap();
    let nested = |tx: &Tx| tx.all("SELECT * FROM streams", params![], |_| tx.exists("SELECT 1", params![]));
    assert!(matches!(store.read(nested).await, Err(StoreError::Internal(_))));
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn texts_that_no_database_holds_are_refused_by_all() {
    let Some((postgres, _)) = store() else { return };
    for store in [postgres, Store::open(&super::super::Data::Memory).unwrap()] {
        assert!(matches!(make(&store, "a\0").await, Err(StoreError::Unstorable)));
    }
}

#[tokio::test]
async fn tables_that_change_under_prepared_statements_are_no_matter() {
    let Some((store, address)) = store() else { return };
    make(&store, "a").await.unwrap();
    let all =
        |tx: &Tx| tx.all("SELECT * FROM streams ORDER BY id", params![], |row| row.get::<String>("name"));
    assert_eq!(store.read(all).await.unwrap(), ["a"]);
    let (_, database) = address.rsplit_once('/').unwrap();
    let change = "ALTER TABLE librato_apply.streams ADD COLUMN newer BIGINT";
    test_server::server().unwrap().sql(database, change);
    assert_eq!(store.read(all).await.unwrap(), ["a"]);
}

#[test]
fn servers_that_begin_together_make_the_tables_once() {
    let Some(address) = test_server::empty() else { return };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| connect(&address).close());
        }
    });
}

#[test]
fn a_database_that_forgets_or_is_of_others_is_refused() {
    let Some(address) = test_server::empty() else { return };
    let refused = |target: &Postgres| match Store::connect(target, Opening::default()) {
        Err(OpenError::Setup(error)) => error,
        other => panic!("{other:?}"),
    };
    let strict = Postgres::new(&address, &Connecting::default()).unwrap();
    assert!(matches!(refused(&strict), SetupError::Forgets { setting: "fsync", .. }));
    let (_, database) = address.rsplit_once('/').unwrap();
    let server = test_server::server().unwrap();
    server.sql(database, "CREATE SCHEMA librato_apply; CREATE TABLE librato_apply.other (a BIGINT)");
    assert!(matches!(refused(&target(&address)), SetupError::NotOurs));
    server.sql(database, "DROP TABLE librato_apply.other");
    connect(&address).close();
    server.sql(database, "UPDATE librato_apply.meta SET oldest_reader = 99");
    assert!(matches!(refused(&target(&address)), SetupError::Newer { oldest: 99, .. }));
    let gone = target("postgres://nobody@127.0.0.1:1/canary?password=canary2");
    let told = refused(&gone).to_string();
    assert!(told.contains("127.0.0.1") && !told.contains("canary2"), "{told}");
}

//! Jobs that fail, panic, take too long, or lose their callers; and the end of the store.

use super::error::Trouble;
use super::tx::params;
use super::*;
use crate::serve::budget::{self, Exceeded};

/// What a chapter may fail with.
#[derive(Debug)]
enum Own {
    NotFound,
    Store(StoreError),
}

impl From<StoreError> for Own {
    fn from(error: StoreError) -> Own {
        Own::Store(error)
    }
}

impl Failure for Own {
    fn trouble(&self) -> Option<Trouble> {
        if let Own::Store(error) = self { error.trouble() } else { None }
    }
}

fn insert(name: &'static str) -> impl Fn(&Tx<'_>) -> Result<(), StoreError> + Send {
    move |tx| tx.execute("INSERT INTO streams (key, name) VALUES (?1, ?1)", params![name]).map(drop)
}

async fn names(store: &Store) -> Vec<String> {
    let read = |tx: &Tx| tx.all("SELECT name FROM streams ORDER BY name", params![], |row| row.get("name"));
    store.read(read).await.unwrap()
}

fn both() -> (tempfile::TempDir, [Store; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let file = Data::File(dir.path().join("a.db"));
    (dir, [Data::Memory, file].map(|data| Store::open(&data).unwrap()))
}

/// With PostgreSQL, where it is.
fn all() -> (tempfile::TempDir, Vec<Store>) {
    let (dir, both) = both();
    #[cfg(all(unix, feature = "postgres"))]
    let more = postgres::tests::store_with(Opening::default()).map(|(store, _)| store);
    #[cfg(not(all(unix, feature = "postgres")))]
    let more = None;
    (dir, both.into_iter().chain(more).collect())
}

/// Jobs that share a commit with one that fails or panics are not touched by it.
#[tokio::test]
async fn a_job_takes_back_only_its_own_changes() {
    let (_dir, stores) = all();
    for store in stores {
        let failing = |tx: &Tx| {
            insert("lost")(tx)?;
            Err::<(), _>(Own::NotFound)
        };
        let panicking = |tx: &Tx| {
            insert("lost too")(tx)?;
            if tx.statements() == 0 { Ok::<_, Own>(()) } else { panic!("on purpose") }
        };
        let (a, b, c, d) = tokio::join!(
            store.write(insert("a")),
            store.write(failing),
            store.write(panicking),
            store.write(insert("b")),
        );
        assert!(a.is_ok() && matches!(b, Err(Own::NotFound)) && c.is_err() && d.is_ok());
        assert_eq!(names(&store).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_panicking_read_leaves_the_store_usable() {
    let (_dir, stores) = all();
    for store in stores {
        for _ in 0..10 {
            let read =
                |tx: &Tx| if tx.statements() > 0 { Ok::<_, StoreError>(()) } else { panic!("on purpose") };
            assert!(store.read(read).await.is_err());
        }
        assert!(names(&store).await.is_empty());
    }
}

/// A caller that hangs up takes its connection with it until the job has ended, and no longer.
#[tokio::test]
async fn readers_survive_callers_that_hang_up() {
    let (_dir, stores) = all();
    for store in stores {
        for _ in 0..50 {
            let read = store.read(|tx: &Tx| tx.exists("SELECT 1", params![]));
            let _ = futures_util::future::select(Box::pin(read), Box::pin(tokio::task::yield_now())).await;
        }
        assert!(names(&store).await.is_empty());
    }
}

/// A statement that would take a minute, and a loop that would take for ever.
#[tokio::test]
async fn reads_end_in_time() {
    let (_dir, stores) = all();
    for store in stores {
        let store = store.with_read_time(Duration::from_millis(20));
        let counting = |tx: &Tx| {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
                SELECT count(*) FROM n";
            tx.exists(sql, params![])
        };
        let endless = |_: &Tx| -> Result<bool, StoreError> {
            loop {
                budget::proceed()?;
            }
        };
        for outcome in [store.query(counting).await, store.read(endless).await] {
            let late = Exceeded::Time(Duration::from_millis(20));
            assert!(
                matches!(outcome, Err(StoreError::Exceeded(exceeded)) if exceeded == late),
                "{outcome:?}"
            );
        }
        assert!(names(&store).await.is_empty(), "the next one has time of its own");
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let (_dir, stores) = all();
    for store in stores {
        let queued = tokio::spawn({
            let store = store.clone();
            async move { store.write(insert("a")).await }
        });
        tokio::task::yield_now().await;
        store.close();
        assert!(queued.await.unwrap().is_ok());
        assert!(store.write(insert("b")).await.is_err());
        assert!(store.read(|_: &Tx| Ok::<_, StoreError>(())).await.is_err());
    }
}

/// A full disk is a reason that is told, and passes.
#[tokio::test]
async fn a_full_disk_is_told_until_there_is_room() {
    let (_dir, stores) = both();
    for store in stores {
        let pages = |most: &'static str| {
            move |tx: &Tx| -> Result<(), StoreError> {
                let connection = tx.sqlite().unwrap().0;
                Ok(connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))?)
            }
        };
        let large = |tx: &Tx| {
            let sql = "INSERT INTO streams (key, name) VALUES (hex(zeroblob(50000)), 'large')";
            tx.execute(sql, params![]).map(drop)
        };
        store.write(insert("a")).await.unwrap();
        store.write(pages("1")).await.unwrap();
        assert!(store.unready().is_none());
        let refused = store.write(large).await.unwrap_err();
        assert_eq!(refused.trouble(), Some(Trouble::Full));
        assert!(store.unready().is_some());
        assert_eq!(names(&store).await, ["a"]);
        store.write(pages("1000000")).await.unwrap();
        assert!(store.unready().is_some(), "nothing was written yet");
        store.write(large).await.unwrap();
        assert!(store.unready().is_none());
    }
}

//! Jobs that fail, panic, take too long, or lose their callers; and the end of the store.

use super::*;

fn insert(name: &'static str) -> impl FnOnce(&Connection) -> Result<(), Problem> + Send {
    move |connection| {
        connection.execute("INSERT INTO streams (key, name) VALUES (?1, ?1)", [name])?;
        Ok(())
    }
}

async fn names(store: &Store) -> Vec<String> {
    let read = |connection: &Connection| {
        let mut select = connection.prepare("SELECT name FROM streams ORDER BY name")?;
        Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    };
    store.read(read).await.unwrap()
}

fn both() -> (tempfile::TempDir, [Store; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let file = Data::File(dir.path().join("a.db"));
    (dir, [Data::Memory, file].map(|data| Store::open(&data).unwrap()))
}

/// Jobs that share a commit with one that fails or panics are not touched by it.
#[tokio::test]
async fn a_job_takes_back_only_its_own_changes() {
    let (_dir, stores) = both();
    for store in stores {
        let failing = |connection: &Connection| {
            insert("lost")(connection)?;
            Err::<(), _>(Problem::not_found())
        };
        let panicking = |connection: &Connection| {
            insert("lost too")(connection)?;
            if connection.is_autocommit() { Ok(()) } else { panic!("on purpose") }
        };
        let (a, b, c, d) = tokio::join!(
            store.write(insert("a")),
            store.write(failing),
            store.write(panicking),
            store.write(insert("b")),
        );
        assert!(a.is_ok() && b.is_err() && c.is_err() && d.is_ok());
        assert_eq!(names(&store).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_panicking_read_leaves_the_store_usable() {
    let (_dir, stores) = both();
    for store in stores {
        for _ in 0..10 {
            let read = |connection: &Connection| {
                if connection.is_busy() { Ok(()) } else { panic!("on purpose") }
            };
            assert!(store.read(read).await.is_err());
        }
        assert!(names(&store).await.is_empty());
    }
}

/// A caller that hangs up takes its connection with it until the job has ended, and no longer.
#[tokio::test]
async fn readers_survive_callers_that_hang_up() {
    let (_dir, stores) = both();
    for store in stores {
        for _ in 0..50 {
            let read = store
                .read(|connection| Ok(connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?));
            let _ = futures_util::future::select(Box::pin(read), Box::pin(tokio::task::yield_now())).await;
        }
        assert!(names(&store).await.is_empty());
    }
}

/// A statement that would take a minute, and a loop that would take for ever.
#[tokio::test]
async fn reads_end_in_time() {
    let (_dir, stores) = both();
    for store in stores {
        let store = store.with_read_time(Duration::from_millis(20));
        let counting = |connection: &Connection| {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)
                SELECT count(*) FROM n";
            Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
        };
        let endless = |_: &Connection| -> Result<i64, Problem> {
            loop {
                budget::proceed()?;
            }
        };
        for outcome in [store.query(counting).await, store.read(endless).await] {
            let text = format!("{:?}", outcome.unwrap_err());
            assert!(text.contains("400") && text.contains("longer than 0.02 s"), "{text}");
        }
        assert!(names(&store).await.is_empty(), "the next one has time of its own");
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let (_dir, stores) = both();
    for store in stores {
        let queued = tokio::spawn({
            let store = store.clone();
            async move { store.write(insert("a")).await }
        });
        tokio::task::yield_now().await;
        store.close();
        assert!(queued.await.unwrap().is_ok());
        assert!(store.write(insert("b")).await.is_err());
        assert!(store.read(|_| Ok(())).await.is_err());
    }
}

/// A full disk is a reason that is told, and passes.
#[tokio::test]
async fn a_full_disk_is_told_until_there_is_room() {
    let (_dir, stores) = both();
    for store in stores {
        let pages = |most: &'static str| {
            move |connection: &Connection| {
                Ok(connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))?)
            }
        };
        let large = |connection: &Connection| {
            let sql = "INSERT INTO streams (key, name) VALUES (hex(zeroblob(50000)), 'large')";
            Ok(connection.execute(sql, []).map(drop)?)
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

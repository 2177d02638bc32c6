//! Commits whose answer does not come: cut off on the way, before or after the server has carried them out or in the midst of that. Each job is
//! done once, and whoever asked gets what it made.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::super::tx::{Tx, params};
use super::super::{Opening, Store, StoreError};
use super::test_server;
use super::tests::{fresh, target};

/// What becomes of a statement about marks: the end of a transaction, or the question what became of one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// It does not arrive.
    Lost,
    /// Its answer does not.
    Unanswered,
    /// The client is gone before the server has carried it out.
    Left,
    /// It arrives when the client has found out that it did not, and done the job again.
    Late,
}

/// A way to the database on which statements meet their fates, one after the other; all others pass.
struct Way {
    port: u16,
    ahead: Arc<Ahead>,
}

/// What is to come.
#[derive(Default)]
struct Ahead {
    fates: Mutex<VecDeque<Fate>>,
    /// Statements about marks that passed.
    passed: AtomicU32,
}

impl Way {
    fn to(socket: PathBuf) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ahead = Arc::<Ahead>::default();
        let way = Way { port, ahead: Arc::clone(&ahead) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = UnixStream::connect(&socket).unwrap();
                let deaf = Arc::<AtomicBool>::default();
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&deaf));
                thread::spawn(move || answers(back.0, back.1, &back.2));
                let ahead = Arc::clone(&ahead);
                thread::spawn(move || statements(client, server, &deaf, &ahead));
            }
        });
        way
    }
}

/// Carries what the server says, until nobody is to hear it.
fn answers(mut server: UnixStream, mut client: TcpStream, deaf: &AtomicBool) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        if deaf.load(Ordering::Acquire) {
            // It is carried out now.
            break;
        }
        if client.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    // The server is left alone with what it still does.
    while let Ok(1..) = server.read(&mut bytes) {}
}

/// Carries what the client asks.
fn statements(mut client: TcpStream, mut server: UnixStream, deaf: &AtomicBool, ahead: &Ahead) {
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        let asked = &bytes[..count];
        let is_marked = String::from_utf8_lossy(asked).contains("INSERT INTO commits");
        let fate = ahead.fates.lock().pop_front_if(|_| is_marked);
        match fate {
            None => {
                if server.write_all(asked).is_err() {
                    break;
                }
                ahead.passed.fetch_add(is_marked.into(), Ordering::Relaxed);
                continue;
            }
            Some(Fate::Lost) => {
                let _ = server.shutdown(Shutdown::Both);
            }
            Some(Fate::Unanswered) => {
                deaf.store(true, Ordering::Release);
                server.write_all(asked).unwrap();
            }
            Some(Fate::Left) => {
                server.write_all(asked).unwrap();
                let _ = client.shutdown(Shutdown::Both);
            }
            Some(Fate::Late) => {
                let passed = ahead.passed.load(Ordering::Relaxed);
                let _ = client.shutdown(Shutdown::Both);
                // The question, and the commit that was tried again.
                while ahead.passed.load(Ordering::Relaxed) < passed + 2 {
                    thread::sleep(Duration::from_millis(1));
                }
                server.write_all(asked).unwrap();
            }
        }
        return;
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// A store at the other end of a way, which alone uses its database.
fn store() -> Option<(Store, Way, String)> {
    let address = fresh()?;
    let (_, database) = address.rsplit_once('/').unwrap();
    let way = Way::to(test_server::server().unwrap().socket());
    let target = target(&format!("postgres://postgres@127.0.0.1:{}/{database}", way.port));
    let store = Store::connect(&target, Opening::default()).unwrap();
    store.rest();
    Some((store, way, database.to_owned()))
}

/// Makes a row, of which there can be any number. How often that was tried is counted.
fn makes(tried: Arc<AtomicU32>) -> impl Fn(&Tx<'_>) -> Result<i64, StoreError> + Send + 'static {
    move |tx: &Tx<'_>| {
        tried.fetch_add(1, Ordering::Relaxed);
        let sql =
            "INSERT INTO services (key, type, title, settings, updated_at) VALUES ('a', 'mail', 'a', '{}', 0)
            RETURNING id";
        tx.id(sql, params![])
    }
}

/// Waits until the database has nothing more to do.
fn rests(database: &str) {
    let busy = format!(
        "SELECT count(*) FROM pg_stat_activity
        WHERE datname = '{database}' AND state <> 'idle' AND pid <> pg_backend_pid()"
    );
    let mut tries = 0..1000;
    while test_server::server().unwrap().sql(database, &busy) != "0" {
        tries.next().expect("a transaction does not end");
        thread::sleep(Duration::from_millis(10));
    }
}

async fn ids(store: &Store) -> Vec<i64> {
    let sql = "SELECT id FROM services";
    store.read(move |tx: &Tx<'_>| tx.all(sql, params![], |row| row.get("id"))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_does_not_come_is_carried_out_once() {
    use Fate::{Late, Left, Lost, Unanswered};
    let Some((store, way, database)) = store() else { return };
    // A commit takes a while, so that who leaves does so in the midst of it.
    let slow = "CREATE FUNCTION librato_apply.rests() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER rests AFTER INSERT ON librato_apply.services DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION librato_apply.rests()";
    test_server::server().unwrap().sql(&database, slow);
    let cases: [(&[Fate], u32); 9] = [
        (&[Lost], 2),
        (&[Unanswered], 1),
        (&[Left], 1),
        (&[Late], 2),
        // What became of it has to be asked more than once.
        (&[Unanswered, Lost], 1),
        (&[Unanswered, Unanswered, Left], 1),
        (&[Lost, Unanswered], 2),
        (&[Lost, Left, Unanswered], 2),
        (&[Lost, Lost, Unanswered, Unanswered], 2),
    ];
    let mut made = Vec::new();
    for (fates, times) in cases {
        for locking in [false, true] {
            way.ahead.fates.lock().extend(fates);
            let tried = Arc::<AtomicU32>::default();
            let job = makes(Arc::clone(&tried));
            let id = if locking { store.make(job).await } else { store.write(job).await };
            made.push(id.unwrap_or_else(|error| panic!("{fates:?}: {error}")));
            assert_eq!(tried.load(Ordering::Relaxed), times, "{fates:?}");
            assert!(way.ahead.fates.lock().is_empty(), "{fates:?}");
            rests(&database);
            assert_eq!(ids(&store).await, made, "{fates:?}");
        }
    }
    let settled = &store.condition().settled;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert_eq!((count(&settled.stored), count(&settled.not_stored)), (8, 10));
}

/// As of a commit that was cancelled while it waited for a standby.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_warned_of_is_asked_about() {
    let Some((store, ..)) = store() else { return };
    let tried = Arc::<AtomicU32>::default();
    let make = makes(Arc::clone(&tried));
    let job = move |tx: &Tx<'_>| {
        tx.execute("DO $$ BEGIN RAISE WARNING 'as the test wants it'; END $$", params![])?;
        make(tx)
    };
    let id = store.write(job).await.unwrap();
    assert_eq!((ids(&store).await, tried.load(Ordering::Relaxed)), (vec![id], 1));
    assert_eq!(store.condition().settled.stored.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_writes_leaves_a_mark_and_nobody_else() {
    let Some((store, ..)) = store() else { return };
    let marks = "SELECT count(*) AS n FROM commits WHERE kept = 1";
    let count = || store.read(move |tx: &Tx<'_>| tx.one(marks, params![], |row| row.get::<i64>("n")));
    let before = count().await.unwrap().unwrap();
    store.write(|tx: &Tx<'_>| tx.exists("SELECT 1 FROM services", params![])).await.unwrap();
    assert_eq!(count().await.unwrap(), Some(before));
    store.write(makes(Arc::default())).await.unwrap();
    assert_eq!(count().await.unwrap(), Some(before + 1));
}

/// Where the database does not come back nobody can know, and nobody waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_found_out_is_not_known() {
    let Some((store, way, database)) = store() else { return };
    way.ahead.fates.lock().push_back(Fate::Unanswered);
    let server = test_server::server().unwrap();
    let closes = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false");
    let begun = Instant::now();
    let job = move |tx: &Tx<'_>| {
        let made = makes(Arc::default())(tx);
        server.sql("postgres", &closes);
        made
    };
    assert!(matches!(store.write(job).await, Err(StoreError::Unknown)));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    server.sql("postgres", &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"));
    assert_eq!(ids(&store).await.len(), 1, "it was carried out");
}

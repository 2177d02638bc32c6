//! Copies of a file that is being written as fast as it goes: what was acknowledged before the copy began is in it, and
//! the server does not wait. Also when the server or the copying process is killed meanwhile.
//!
//! BACKUPS=50 in the environment asks for more rounds than the usual four.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::file::PROGRAM;
use super::kill::{Written, alerts, compare, measurements, post, random};
use crate::server::{Server, TOKEN, USER, check, client, fresh};

/// Series that get a measurement in every request, beside the one by which it is known.
const SERIES: usize = 999;

#[derive(Clone, Default)]
struct Ledger {
    measurements: Written,
    alerts: Written,
}

type Shared = Arc<Mutex<Ledger>>;

/// What happens while a copy is made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Round {
    Undisturbed,
    ServerKilled,
    CopyKilled,
    OverHttp,
}

const ROUNDS: [Round; 4] = [Round::Undisturbed, Round::ServerKilled, Round::CopyKilled, Round::OverHttp];

fn rounds() -> usize {
    std::env::var("BACKUPS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS.len())
}

/// Until the server is gone: a thousand measurements a request, one of them under a name of its own.
async fn submit(host: String, mark: String, ledger: Shared) {
    let client = client();
    let bulk: Vec<Value> = (0..SERIES)
        .map(|host| json!({"name": "bulk", "value": host, "tags": {"host": format!("h{host}")}}))
        .collect();
    for n in 0.. {
        let name = format!("{mark}.{n}");
        let mut items = bulk.clone();
        items.push(json!({"name": "m", "value": 1, "tags": {"n": &name}}));
        ledger.lock().unwrap().measurements.sent.insert(name.clone());
        if !post(&client, &host, "measurements", &json!({ "measurements": items }), 202).await {
            return;
        }
        ledger.lock().unwrap().measurements.acknowledged.insert(name);
    }
}

async fn create(host: String, mark: String, ledger: Shared) {
    let client = client();
    for n in 0.. {
        let name = format!("{mark}.{n}");
        ledger.lock().unwrap().alerts.sent.insert(name.clone());
        let condition = json!({"type": "above", "metric_name": "m", "threshold": n});
        if !post(&client, &host, "alerts", &json!({"name": name, "conditions": [condition]}), 201).await {
            return;
        }
        ledger.lock().unwrap().alerts.acknowledged.insert(name);
    }
}

fn start_backup(data: &Path, copy: &Path) -> Child {
    let mut command = Command::new(PROGRAM);
    command
        .args(["serve", "backup"])
        .args([data, copy])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn download(server: &Server, copy: &Path) {
    let mut answer =
        client().get(server.url("/v1/backup")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut file = std::fs::File::create(copy).unwrap();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        file.write_all(&chunk).unwrap();
    }
}

fn size(data: &Path, end: &str) -> u64 {
    std::fs::metadata(PathBuf::from(format!("{}{end}", data.display()))).map_or(0, |found| found.len())
}

/// Serves the copy and compares what is in it with what must and what may be there.
async fn compare_copy(copy: &Path, before: &Ledger, after: &Ledger) -> String {
    let (sound, report) = check(copy);
    assert!(sound, "{report}");
    let server = Server::start(copy, &["-q"]);
    let of = |before: &Written, after: &Written| Written {
        acknowledged: before.acknowledged.clone(),
        sent: after.sent.clone(),
    };
    let stored = measurements(&server).await;
    let requests = compare("requests", &of(&before.measurements, &after.measurements), &stored);
    let alerts = compare("alerts", &of(&before.alerts, &after.alerts), &alerts(&server).await);
    format!("{requests}; {alerts}")
}

async fn round(number: usize, data: &Path, copy: &Path, ledger: &Shared) -> String {
    let kind = ROUNDS[number % ROUNDS.len()];
    let mut server = Server::start(data, &["-q"]);
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            tokio::spawn(submit(server.host.clone(), format!("r{number}.s{writer}"), Arc::clone(ledger)))
        })
        .chain((0..2).map(|writer| {
            tokio::spawn(create(server.host.clone(), format!("r{number}.a{writer}"), Arc::clone(ledger)))
        }))
        .collect();
    let acknowledged =
        |ledger: &Ledger| (ledger.measurements.acknowledged.len(), ledger.alerts.acknowledged.len());
    let first = acknowledged(&ledger.lock().unwrap());
    let under_way = |(requests, alerts)| requests >= first.0 + 3 && alerts >= first.1 + 3;
    while !under_way(acknowledged(&ledger.lock().unwrap())) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_micros(random(300_000))).await;
    let before = ledger.lock().unwrap().clone();
    let (log, began) = (size(data, "-wal"), Instant::now());
    if kind == Round::OverHttp {
        download(&server, copy).await;
    } else {
        let mut backup = start_backup(data, copy);
        if kind != Round::Undisturbed {
            tokio::time::sleep(Duration::from_micros(random(60_000))).await;
        }
        match kind {
            Round::ServerKilled => server.kill(),
            Round::CopyKilled => {
                // It may have been quicker, and then there is a whole copy.
                let _ = backup.kill();
                backup.wait().unwrap();
                if !copy.exists() {
                    backup = start_backup(data, copy);
                }
            }
            Round::Undisturbed | Round::OverHttp => {}
        }
        let done = tokio::task::spawn_blocking(move || backup.wait_with_output().unwrap()).await.unwrap();
        assert!(copy.exists(), "round {number}, {kind:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let (took, grown) = (began.elapsed(), size(data, "-wal").saturating_sub(log));
    let after = ledger.lock().unwrap().clone();
    server.kill();
    for writer in writers {
        writer.await.unwrap();
    }
    let meanwhile = after.measurements.acknowledged.len() - before.measurements.acknowledged.len();
    let found = compare_copy(copy, &before, &after).await;
    format!(
        "round {number}, {kind:?}: copied {:.1} MB in {} ms, {meanwhile} requests of 1000 measurements meanwhile, \
         the log of {:.1} MB grew by {:.1} MB; of what came before: {found}",
        size(copy, "") as f64 / 1e6,
        took.as_millis(),
        log as f64 / 1e6,
        grown as f64 / 1e6,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_under_load_holds_all_that_was_acknowledged_before() {
    let (dir, data) = fresh();
    let ledger = Shared::default();
    for number in 0..rounds() {
        let place = tempfile::tempdir_in(dir.path()).unwrap();
        let copy = place.path().join("copy.db");
        let said = round(number, &data, &copy, &ledger).await;
        let _ = writeln!(std::io::stderr(), "{said}");
        let left: Vec<_> =
            std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name.to_string_lossy().starts_with("copy.db")), "{left:?}");
    }
    let (sound, report) = check(&data);
    assert!(sound, "{report}");
}

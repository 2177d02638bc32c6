//! Data files that were not closed, lost a part, or lie on a full disk.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::json;

use crate::server::{Server, TOKEN, USER, check, client, fresh};

/// Starts a server that must refuse to start, and returns what it says.
fn refused(data: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data"]).arg(data);
    let child =
        command.env("LIBRATO_TOKEN", TOKEN).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let (id, (send, ended)) = (child.id(), channel());
    std::thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(Duration::from_secs(60)) else {
        let _ = Command::new("kill").arg(id.to_string()).status();
        panic!("it serves what it should refuse");
    };
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn post(server: &Server, route: &str, body: &serde_json::Value) -> u16 {
    let request = client().post(server.url(route)).basic_auth(USER, Some(TOKEN)).json(body);
    request.send().await.unwrap().status().as_u16()
}

async fn killed(data: &Path, alerts: usize) {
    let mut server = Server::start(data, &[]);
    for n in 0..alerts {
        assert_eq!(post(&server, "/v1/alerts", &json!({ "name": format!("a{n}") })).await, 201);
    }
    server.kill();
}

async fn stopped(data: &Path) -> String {
    let mut server = Server::start(data, &[]);
    // Once it answers it can be asked to stop.
    assert!(client().get(server.url("/healthz")).send().await.unwrap().status().is_success());
    server.ask_to_stop();
    server.wait();
    server.log()
}

#[tokio::test]
async fn a_file_that_was_not_closed_is_noticed() {
    let (_dir, data) = fresh();
    assert!(!stopped(&data).await.contains("not closed"));
    killed(&data, 3).await;
    assert!(stopped(&data).await.contains("a.db was not closed by the process that had it open"));
    assert!(!stopped(&data).await.contains("not closed"));
}

#[tokio::test]
async fn a_log_that_is_missing_or_damaged_is_noticed() {
    let (dir, data) = fresh();
    let log = dir.path().join("a.db-wal");
    killed(&data, 20).await;
    assert!(check(&data).0);
    let whole = std::fs::read(&log).unwrap();
    // The log begins with frames of the start; a third of it is well before its end.
    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 1;
    std::fs::write(&log, damaged).unwrap();
    let (sound, report) = check(&data);
    assert!(!sound && report.contains("stand behind a damaged part of it and are lost"), "{report}");
    std::fs::remove_file(&log).unwrap();
    let (sound, report) = check(&data);
    assert!(sound && report.contains("note: its write-ahead log (-wal) is missing"), "{report}");
    assert!(stopped(&data).await.contains("its write-ahead log (-wal) is missing though nobody closed it"));
    assert!(!check(&data).1.contains("is missing"));
}

#[tokio::test]
async fn a_damaged_log_is_kept_and_told_at_start() {
    let (dir, data) = fresh();
    let log = dir.path().join("a.db-wal");
    killed(&data, 20).await;
    let mut damaged = std::fs::read(&log).unwrap();
    let third = damaged.len() / 3;
    damaged[third] ^= 1;
    std::fs::write(&log, &damaged).unwrap();
    assert!(stopped(&data).await.contains("a copy of the log is kept as"));
    assert_eq!(std::fs::read(dir.path().join("a.db-wal.damaged")).unwrap(), damaged);
}

#[tokio::test]
async fn a_file_that_lost_its_end_is_refused() {
    let (_dir, data) = fresh();
    stopped(&data).await;
    let whole = std::fs::read(&data).unwrap();
    for length in [whole.len() - 1, whole.len() / 2, 4096, 50, 1] {
        std::fs::write(&data, &whole[..length]).unwrap();
        let said = refused(&data);
        assert!(said.contains("is cut short") && said.contains("restore a backup"), "{length}: {said}");
        assert_eq!(std::fs::read(&data).unwrap(), &whole[..length], "a refused file was changed");
    }
    // Emptied while its log still stands beside it.
    std::fs::write(&data, &whole).unwrap();
    killed(&data, 1).await;
    std::fs::write(&data, "").unwrap();
    assert!(refused(&data).contains("is cut short"));
}

/// The size of a page of SQLite.
const PAGE: usize = 4096;

/// The pages that the write-ahead log holds: after a header of 32 bytes come frames, which begin with the number of their page.
fn pages_in_log(data: &Path) -> BTreeSet<usize> {
    let log = std::fs::read(format!("{}-wal", data.display())).unwrap();
    let number = |frame: &[u8]| u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
    log[32..].chunks_exact(24 + PAGE).map(number).collect()
}

#[tokio::test]
async fn a_damaged_file_that_was_not_closed_is_refused() {
    let (_dir, data) = fresh();
    stopped(&data).await;
    killed(&data, 1).await;
    let mut bytes = std::fs::read(&data).unwrap();
    let newer = pages_in_log(&data);
    // The last one of which the log holds nothing newer, which would mend it.
    let page = (1..=bytes.len() / PAGE).rev().find(|page| !newer.contains(page)).unwrap();
    bytes[(page - 1) * PAGE..page * PAGE].fill(0x5a);
    std::fs::write(&data, bytes).unwrap();
    let said = refused(&data);
    assert!(said.contains("is damaged") && said.contains(".recover"), "{said}");
}

/// On a disk of its own, which only root can make.
#[tokio::test]
async fn what_is_not_needed_can_be_deleted_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=24m", "none"];
    let mounted = Command::new("mount").args(mount).arg(dir.path()).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("CONFORMANCE").is_none_or(|declared| declared != "required"),
            "mounting needs root"
        );
        let _ = writeln!(std::io::stderr(), "SKIPPED: mounting needs root");
        return;
    }
    let outcome = tokio::spawn(fill(dir.path().join("a.db"))).await;
    let _ = Command::new("umount").arg("-l").arg(dir.path()).status();
    outcome.unwrap();
}

async fn fill(data: std::path::PathBuf) {
    let server = Server::start(&data, &[]);
    let get = async |route: &str| {
        let request = client().get(server.url(route)).basic_auth(USER, Some(TOKEN));
        request.send().await.unwrap()
    };
    // The reserve is taken once the server has settled.
    while !data.with_file_name("a.db-reserve").exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let long = "x".repeat(60_000);
    let event = json!({ "title": "t", "description": long });
    let mut stored = 0;
    let last = loop {
        let request =
            client().post(server.url("/v1/annotations/s")).basic_auth(USER, Some(TOKEN)).json(&event);
        let answer = request.send().await.unwrap();
        match answer.status().as_u16() {
            201 => stored += 1,
            _ => break answer,
        }
    };
    assert_eq!((last.status().as_u16(), last.headers()["retry-after"].to_str().unwrap()), (507, "30"));
    assert!(last.text().await.unwrap().contains("the disk is full"));
    let ready = client().get(server.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
    assert!(client().get(server.url("/healthz")).send().await.unwrap().status().is_success());
    assert!(get("/metrics").await.text().await.unwrap().contains("\nlibrato_apply_file_writable 0\n"));
    assert_eq!(get("/v1/annotations/s/1").await.status().as_u16(), 200, "{stored}");
    let request = client().delete(server.url("/v1/annotations/s")).basic_auth(USER, Some(TOKEN));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 204);
    // There is room in the file now.
    while post(&server, "/v1/annotations/s", &event).await != 201 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(client().get(server.url("/readyz")).send().await.unwrap().status().is_success());
}

//! What happened to alerts cannot be written for a while, since somebody else holds the file: nobody is told of what is not kept, and once
//! it can be written everybody is. On a full disk, on which clients are refused, it is written in the room that is kept for that.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::kill::post;
use crate::server::{Server, TOKEN, USER, client, fresh};
use crate::sinks::Sink;

/// A server whose alert waits long enough for something to go wrong meanwhile.
async fn started(data: &Path, sink: &Sink, settle: &str) -> Server {
    let server = Server::start(data, &["--alert-settle", settle, "--notify-allow", "127.0.0.1"]);
    let settings = json!({ "url": format!("http://{}/webhook", sink.address) });
    let service = json!({ "type": "webhook", "title": "w", "settings": settings });
    assert!(post(&client(), &server.host, "services", &service, 201).await);
    let condition = json!({ "type": "above", "metric_name": "m", "threshold": 10 });
    let alert = json!({ "name": "a", "conditions": [condition], "services": [1] });
    assert!(post(&client(), &server.host, "alerts", &alert, 201).await);
    server
}

async fn submit(server: &Server, value: i32) {
    let body = json!({ "gauges": [{ "name": "m", "value": value }] });
    assert!(post(&client(), &server.host, "metrics", &body, 200).await);
}

async fn get(server: &Server, path: &str) -> String {
    let request = client().get(server.url(path)).basic_auth(USER, Some(TOKEN));
    request.send().await.unwrap().text().await.unwrap()
}

/// Waits until what happened could not be written.
async fn fails(server: &Server) {
    let counted = "librato_apply_alert_evaluation_failures_total ";
    for _ in 0..1200 {
        let page = get(server, "/metrics").await;
        let count = page.lines().find_map(|line| line.strip_prefix(counted));
        if count.is_some_and(|count| count != "0") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("everything could be written: {}", server.log());
}

/// Nobody was told; from now on it can be written, and the alert ends as any other.
async fn told(server: &Server, sink: &Sink) {
    let (_, trigger) = sink.next();
    ends(server, sink, &trigger.payload().unwrap()).await;
}

async fn ends(server: &Server, sink: &Sink, trigger: &Value) {
    assert_eq!(trigger["violations"]["unassigned"][0]["value"], 11.0, "{trigger}");
    submit(server, 1).await;
    let (verdict, clear) = sink.next();
    assert_eq!(verdict.unwrap(), ("webhook", true));
    assert_eq!(clear.payload().unwrap()["incident_key"], trigger["incident_key"]);
    let incidents: Value = serde_json::from_str(&get(server, "/v1/incidents").await).unwrap();
    assert_eq!(incidents["incidents"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_waits_while_somebody_else_writes_the_file() {
    let (_dir, data) = fresh();
    let sink = Sink::open();
    let server = started(&data, &sink, "2").await;
    submit(&server, 11).await;
    let other = rusqlite::Connection::open(&data).unwrap();
    other.execute_batch("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
    fails(&server).await;
    assert!(sink.waiting().is_none());
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    told(&server, &sink).await;
    server.stop();
}

/// On a disk of its own, which only root can make.
#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told_although_the_disk_is_full() {
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
    let mounted = Mounted(dir);
    full(mounted.0.path().join("a.db")).await;
}

/// A disk that goes with its value, also when a test fails.
struct Mounted(tempfile::TempDir);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

async fn full(data: std::path::PathBuf) {
    let sink = Sink::open();
    let server = started(&data, &sink, "10").await;
    // The reserve is taken once the server has settled.
    while !data.with_file_name("a.db-reserve").exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    submit(&server, 11).await;
    let event = json!({ "title": "t", "description": "x".repeat(60_000) });
    let status = async |event: &Value| {
        let request = client().post(server.url("/v1/annotations/s")).basic_auth(USER, Some(TOKEN));
        request.json(event).send().await.unwrap().status().as_u16()
    };
    while status(&event).await == 201 {}
    // What is small may still find a place.
    while status(&json!({ "title": "t" })).await == 201 {}
    let trigger = sink.next().1.payload().unwrap();
    assert_eq!(status(&json!({ "title": "t" })).await, 507, "the disk was full all the time");
    let request = client().delete(server.url("/v1/annotations/s")).basic_auth(USER, Some(TOKEN));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 204);
    ends(&server, &sink, &trigger).await;
    server.stop();
}

//! What the server takes in, how small it keeps it and how fast it gives it back. Prints figures and judges nothing:
//! `cargo test --release --test server serve_figures -- --ignored --nocapture`.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::harness::{self, Api, credentials};
use librato_apply::serve::{Data, Options, Store, router};
use serde_json::json;

const STREAMS: i64 = 300;
/// A day, minute by minute.
const TIMES: i64 = 1440;

fn open(path: &Path) -> Arc<Api> {
    let store = Store::open(&Data::File(path.to_owned())).unwrap();
    Arc::new(Api { router: router(store, credentials(), &Options::default()) })
}

/// Sends `bodies` to `path` with eight requests in flight.
async fn send_all(api: &Arc<Api>, path: &'static str, bodies: Vec<String>) -> f64 {
    let (start, bodies) = (Instant::now(), Arc::new(bodies));
    let senders = (0..8).map(|sender| {
        let (api, bodies) = (Arc::clone(api), Arc::clone(&bodies));
        tokio::spawn(async move {
            for body in bodies.iter().skip(sender).step_by(8) {
                let status = api.post(path, body).await.status;
                assert!(status == 200 || status == 202, "{status}");
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    start.elapsed().as_secs_f64()
}

async fn timed(api: &Api, what: &str, path: &str) {
    let (mut best, mut size) = (f64::MAX, 0);
    for _ in 0..5 {
        let start = Instant::now();
        let body = api.get(path).await.expect(200);
        best = best.min(start.elapsed().as_secs_f64());
        size = body.to_string().len();
    }
    println!("{what}: {:.2} ms, {size} bytes", best * 1000.0);
}

#[ignore = "prints figures and takes its time"]
#[tokio::test(flavor = "multi_thread")]
async fn figures() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let api = open(&path);
    let base = harness::epoch() / 60 * 60 - 60 * TIMES;
    // Response times with two decimals that wander.
    let value =
        |stream: i64, time: i64| ((stream * 7919 + time * time * 31) % 5000 + stream * 10) as f64 / 100.0;
    let batch = |time: i64| {
        let one = |stream| json!({"name": "m", "value": value(stream, time), "tags": {"host": format!("h{stream}")}});
        json!({"time": base + 60 * time, "measurements": (0..STREAMS).map(one).collect::<Vec<_>>()})
            .to_string()
    };
    let points = (STREAMS * TIMES) as f64;
    let seconds = send_all(&api, "/v1/measurements", (0..TIMES).map(batch).collect()).await;
    println!("{points} points in batches of {STREAMS}, 8 in flight: {:.0} points/s", points / seconds);
    let single = (0..4000)
        .map(|n| json!({"gauges": {"s": {"value": n, "source": format!("w{}", n % 50)}}}).to_string());
    let seconds = send_all(&api, "/v1/metrics", single.collect()).await;
    println!("4000 requests of one point, 8 in flight: {:.0} requests/s", 4000.0 / seconds);
    let day = format!("resolution=60&start_time={base}");
    timed(&api, "one stream, 1440 points, just written", &format!("/v1/measurements/m?{day}&tags[host]=h7"))
        .await;
    let start = Instant::now();
    drop(api);
    println!("close: {:.2} s", start.elapsed().as_secs_f64());
    let file = rusqlite::Connection::open(&path).unwrap();
    let sql = "SELECT count(*), sum(length(block)) FROM pages";
    let (pages, bytes): (i64, i64) = file.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    println!("{pages} pages, {:.2} bytes/point", bytes as f64 / points);
    println!("file: {:.2} bytes/point", std::fs::metadata(&path).unwrap().len() as f64 / points);
    file.execute_batch("VACUUM").unwrap();
    drop(file);
    println!(
        "file without free pages: {:.2} bytes/point",
        std::fs::metadata(&path).unwrap().len() as f64 / points
    );
    let api = open(&path);
    timed(&api, "one stream, 1440 points", &format!("/v1/measurements/m?{day}&tags[host]=h7")).await;
    timed(&api, "one hour of one stream", "/v1/measurements/m?resolution=60&duration=3600&tags[host]=h7")
        .await;
    timed(
        &api,
        "300 streams to one, 1440 points",
        &format!("/v1/measurements/m?{day}&group_by=*&group_by_function=sum"),
    )
    .await;
    timed(&api, "first page of 300 streams", &format!("/v1/measurements/m?{day}")).await;
    metrics(&api).await;
    alerts(&api).await;
    much_at_once(&api).await;
    println!("memory at most: {} MB", peak_mb());
}

async fn metrics(api: &Arc<Api>) {
    let many = (0..100).map(|n| {
        let gauges = (0..1000).map(|m| json!({"name": format!("n{n:03}.{m:03}"), "value": 1}));
        json!({"gauges": gauges.collect::<Vec<_>>()}).to_string()
    });
    let seconds = send_all(api, "/v1/metrics", many.collect()).await;
    println!("100000 new metrics in batches of 1000: {:.0} /s", 100_000.0 / seconds);
    pages(api, "metrics", 100_000, "099.9").await;
}

async fn alerts(api: &Arc<Api>) {
    let alert = |n: i64| {
        let condition =
            json!({"type": "above", "metric_name": format!("m{n}"), "threshold": n, "duration": 300});
        json!({"name": format!("team{:02}.alert.{n:05}", n % 50), "conditions": [condition]}).to_string()
    };
    let start = Instant::now();
    for n in 0..10_000 {
        api.post("/v1/alerts", &alert(n)).await.expect(201);
    }
    println!("10000 alerts one after the other: {:.0} /s", 10_000.0 / start.elapsed().as_secs_f64());
    pages(api, "alerts", 10_000, "team07").await;
}

/// A page of ten and one of a hundred, at both ends of a list and of what a filter finds in it.
async fn pages(api: &Api, list: &str, count: i64, filter: &str) {
    for length in [10, 100] {
        timed(api, &format!("first {length} of {count} {list}"), &format!("/v1/{list}?length={length}"))
            .await;
        let deep = format!("/v1/{list}?length={length}&offset={}", count - length);
        timed(api, &format!("last {length} of {count} {list}"), &deep).await;
        let filtered = format!("/v1/{list}?length={length}&name={filter}");
        timed(api, &format!("first {length} of {count} {list} called {filter}"), &filtered).await;
    }
}

/// What one large request costs, and how long another write waits for it.
async fn much_at_once(api: &Arc<Api>) {
    let gauges = (0..50_000).map(|n| json!({"name": format!("once.{n:05}"), "value": 1, "source": "a"}));
    let body = json!({"gauges": gauges.collect::<Vec<_>>()}).to_string();
    beside_others(api, "50000 new metrics in one request", async |api| {
        api.post("/v1/metrics", &body).await.expect(200);
    })
    .await;
    beside_others(api, "delete 150000 metrics by a pattern", async |api| {
        api.delete("/v1/metrics?names=*&exclude=m").await.expect(204);
    })
    .await;
}

async fn beside_others(api: &Arc<Api>, what: &str, work: impl AsyncFnOnce(&Api)) {
    let (other, done) = (Arc::clone(api), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&done);
    let waiting = tokio::spawn(async move {
        let (mut longest, mut writes) = (0.0_f64, 0);
        while !ended.load(Ordering::Relaxed) {
            let start = Instant::now();
            other.post("/v1/metrics", r#"{"gauges":{"m":{"value":1}}}"#).await.expect(200);
            longest = longest.max(start.elapsed().as_secs_f64());
            writes += 1;
        }
        (longest, writes)
    });
    let start = Instant::now();
    work(api).await;
    done.store(true, Ordering::Relaxed);
    let (longest, writes) = waiting.await.unwrap();
    println!(
        "{what}: {:.2} s; {writes} other writes meanwhile, of which one waited {:.0} ms",
        start.elapsed().as_secs_f64(),
        longest * 1000.0
    );
}

/// Of this process, requests and answers included; zero where the system does not tell.
fn peak_mb() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

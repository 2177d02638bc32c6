//! Measurements through a connection that is cut, delayed and refused: nothing lost, and what may be doubled is counted.
#![allow(clippy::print_stderr)] // figures

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cli::{self, Server, TOKEN, USER};
use crate::fault_proxy::{Fault, FaultProxy};
use librato_apply::measure::{Measurement, Options, Queue, Submitted};
use librato_apply::remote::{Client, Config, Endpoint, RetryPolicy};
use secrecy::SecretString;

/// Every fault that may pass, with what it does: nothing of it arrives, all of it does, or nobody knows.
const FAULTS: [(Fault, Arrives); 11] = [
    (Fault::Refuse, Arrives::Not),
    (Fault::CutBeforeForward, Arrives::Not),
    (Fault::CutAfterExecuted, Arrives::Twice),
    (Fault::LateExecute, Arrives::Twice),
    (Fault::Delay(Duration::from_millis(50)), Arrives::Once),
    (Fault::TooManyRequests { retry_after: None }, Arrives::Once),
    (Fault::TooManyRequests { retry_after: Some(0) }, Arrives::Once),
    (Fault::Unavailable503 { html: false }, Arrives::Not),
    (Fault::Unavailable503 { html: true }, Arrives::Not),
    (Fault::HtmlErrorPage(500), Arrives::Not),
    (Fault::BadGatewayAfterExecuted, Arrives::Twice),
];

/// What a fault does to a batch that is sent again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Arrives {
    /// Once, which the client knows.
    Once,
    /// Once, which the client cannot know.
    Not,
    /// Twice, which the client cannot know.
    Twice,
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn client(proxy: &FaultProxy) -> Client {
    let endpoint = Endpoint::parse(&format!("http://{}", proxy.addr()), true).unwrap();
    let config = Config::new(endpoint, USER, SecretString::from(TOKEN));
    Client::new(Config { timeout: Duration::from_secs(2), retry: RetryPolicy::quick(), ..config }).unwrap()
}

/// How many measurements of a metric are there, and their sum.
fn total(server: &Server, metric: &str) -> (u64, f64) {
    let path = format!("/v1/metrics/{metric}?start_time={}&resolution=1&summarize_time=true", now() - 9000);
    let record = server.call("GET", &path, "").1["measurements"]["unassigned"][0].take();
    (record["count"].as_u64().unwrap(), record["sum"].as_f64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_loses_nothing_and_counts_what_may_be_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("a.db"));
    for (number, (fault, arrives)) in FAULTS.into_iter().enumerate() {
        // The second and the third request of each run meet the fault.
        let proxy =
            FaultProxy::start(server.addr, move |info| matches!(info.index, 1 | 2).then_some(fault)).await;
        let options = Options { retry: RetryPolicy::quick(), in_flight: 3, ..Options::default() };
        let queue = Queue::with(client(&proxy), options);
        let (metric, time) = (format!("m{number}"), now());
        for n in 0..1000_i32 {
            let measurement = Measurement::gauge(&metric, f64::from(n)).measure_time(time - i64::from(n));
            queue.add(measurement).await.unwrap();
        }
        let Submitted { accepted, twice } = queue.submit().await.unwrap();
        proxy.drained().await;
        let (count, _) = total(&server, &metric);
        assert_eq!(accepted, 1000, "{fault:?}");
        match arrives {
            Arrives::Once => assert_eq!((twice, count), (0, 1000), "{fault:?}"),
            Arrives::Not => assert_eq!((twice > 0, count), (true, 1000), "{fault:?}"),
            Arrives::Twice => assert!(twice > 0 && count > 1000 && count <= 1000 + 2 * twice, "{fault:?}"),
        }
        proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_gauge_doubles_count_and_sum_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("a.db"));
    let proxy =
        FaultProxy::start(server.addr, |info| (info.index == 0).then_some(Fault::CutAfterExecuted)).await;
    let queue = Queue::with(client(&proxy), Options { retry: RetryPolicy::quick(), ..Options::default() });
    // Without times: the queue gives them one, or the repetition would be a measurement of its own.
    queue.add(Measurement::gauge("g", 2.0)).await.unwrap();
    queue.add(Measurement::counter("c", 5.0)).await.unwrap();
    assert_eq!(queue.submit().await.unwrap(), Submitted { accepted: 2, twice: 2 });
    let read = |metric: &str| {
        let path = format!("/v1/metrics/{metric}?start_time={}&resolution=1", now() - 100);
        server.call("GET", &path, "").1["measurements"]["unassigned"].take()
    };
    let gauge = read("g");
    assert_eq!(gauge.as_array().unwrap().len(), 1);
    let field = |name: &str| gauge[0][name].as_f64().unwrap();
    assert_eq!((field("count"), field("sum")), (2.0, 4.0));
    assert_eq!((field("value"), field("min"), field("max")), (2.0, 2.0, 2.0));
    let counter = read("c");
    assert_eq!((counter.as_array().unwrap().len(), &counter[0]["value"]), (1, &serde_json::json!(5.0)));
}

/// Runs the real program over a file; exit code, stdout, and the most memory it had in KiB.
fn submit(endpoint: &str, file: &Path) -> (Option<i32>, String, u64) {
    let mut child = cli::Cli::new(file.parent().unwrap())
        .env("LIBRATO_ENDPOINT", endpoint)
        .env("LIBRATO_USER", USER)
        .env("LIBRATO_TOKEN", TOKEN)
        .command
        .args(["submit", "--timeout", "2s", "--from"])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let Ok(text) = std::fs::read_to_string(&status) else { continue };
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        peak = peak.max(kib);
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), peak)
}

/// The number before some words of a report, 0 where they are not there.
fn number(report: &str, words: &str) -> u64 {
    let before = report.split_once(words).map(|(before, _)| before);
    before.and_then(|before| before.split_whitespace().last()?.parse().ok()).unwrap_or(0)
}

fn lines(path: &Path, count: i64) {
    let (time, mut file) = (now(), std::io::BufWriter::new(std::fs::File::create(path).unwrap()));
    let mut line = String::new();
    for n in 0..count {
        line.clear();
        writeln!(line, "big {} {}", n % 100, time - n % 3000).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Sends `count` measurements through a proxy that spoils every so manieth request, and prints figures.
async fn stream_through_faults(count: i64, spoil_each: usize) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("a.db"));
    let spoil = move |index: usize| spoil_each > 0 && index % spoil_each == spoil_each - 1;
    let fault = move |index: usize| match index / spoil_each % 5 {
        0 => Fault::CutAfterExecuted,
        1 => Fault::Unavailable503 { html: true },
        2 => Fault::Refuse,
        3 => Fault::Delay(Duration::from_millis(300)),
        _ => Fault::TooManyRequests { retry_after: None },
    };
    let proxy =
        FaultProxy::start(server.addr, move |info| spoil(info.index).then(|| fault(info.index))).await;
    let endpoint = if spoil_each > 0 { format!("http://{}", proxy.addr()) } else { server.endpoint() };
    let file = dir.path().join("lines");
    lines(&file, count);
    let begun = Instant::now();
    let (code, report, peak) = tokio::task::spawn_blocking(move || submit(&endpoint, &file)).await.unwrap();
    let took = begun.elapsed();
    let (there, _) = total(&server, "big");
    eprintln!("{count} lines, {there} there, {took:?}, client peak {peak} KiB\n{report}");
    let sent = u64::try_from(count).unwrap();
    assert_eq!((code, number(&report, " measurements to")), (Some(0), sent));
    let twice = number(&report, " of these may have arrived twice");
    assert!((sent..=sent + twice).contains(&there), "{there} of {sent}, {twice} perhaps twice");
    assert_eq!(spoil_each > 0, twice > 0);
    // Reading the whole file, or holding what was sent, would take more.
    assert!(peak < 60_000, "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_through_faults_loses_nothing() {
    stream_through_faults(30_000, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run it with `cargo test --test command submit_faults -- --ignored --nocapture`"]
async fn a_million_arrive() {
    stream_through_faults(1_000_000, 0).await;
    stream_through_faults(1_000_000, 50).await;
}

//! `serve` with ten thousand alerts of two conditions each over a hundred thousand series, beside a server that has the same series and no
//! alerts: what is taken a second, what memory a watched series needs, what the alerts cost at rest, how soon a listener hears of a value
//! that crosses a threshold, and how long a start takes.
//!
//! Both servers take measurements of the second they are sent in, as emitters do; none of these crosses a threshold. They are measured by
//! turns, each for longer than an alert waits, so that what a second costs later is in the figures. What is judged is processor time, since
//! the load has to share the machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::Effort;
use crate::http::{Kept, request};
use crate::ingest::{Load, MINUTES, series};
use crate::process::middle;
use crate::service::Service;
use crate::table::{Figure, Row, Table};

const ALERTS: usize = 10_000;
/// Ten for each alert.
const SERIES: usize = 100_000;
const BATCH: usize = 300;
const CONNECTIONS: usize = 8;

/// A load goes on for so long before it is counted, which is longer than an alert waits for values that are on their way, and then for
/// so long.
const WARM: Duration = Duration::from_secs(12);
const COUNTED: Duration = Duration::from_secs(10);

/// Alerts with a listener of their own, since a service hears of one thing a second; for a server at rest, and for one under load.
const PROBES: usize = 200;
/// Between two values that cross a threshold.
const BETWEEN: Duration = Duration::from_millis(47);

pub fn run(effort: Effort, table: &mut Table) {
    let listener = Listener::open();
    let more = ["--notify-allow", "127.0.0.1"];
    let (mut with, without) = (Service::with(&more), Service::with(&more));
    let live = Live::new();
    live.once(with.host());
    live.once(without.host());
    define(with.host(), listener.address);
    thread::sleep(WARM);

    memory("at rest", &with, &without, table);
    idle(&with, &without, table);
    ingestion(effort, &live, &with, &without, table);
    thread::sleep(2 * WARM);
    memory("after that load", &with, &without, table);
    delays(&live, &with, &listener, table);
    starts(effort, &mut with, table);
}

/// What an evaluated alert waits for goes on while the other server is measured, but is long over when that one is counted.
fn ingestion(effort: Effort, live: &Live, with: &Service, without: &Service, table: &mut Table) {
    let (mut watched, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..(2 * effort.runs).saturating_sub(1).max(2) {
        watched.push(live.rate(with));
        alone.push(live.rate(without));
    }
    let half = |figures: &[(u64, u64)], of: fn(&(u64, u64)) -> u64| middle(figures.iter().map(of)) as f64;
    let cost = |figures: &[(u64, u64)]| Figure::Time(Duration::from_nanos(half(figures, |one| one.1) as u64));
    eprintln!(
        "    (measurements/s, processor ns for a thousand) by turns, with alerts {watched:?}, without {alone:?}"
    );
    table.add(
        Row::new(
            "alerts: processor time for 1,000 measurements, 10,000 alerts over 100,000 series",
            cost(&watched),
        )
        .goal(Figure::Time(Duration::from_nanos((half(&alone, |one| one.1) * 1.15) as u64)))
        .limit(cost(&alone), "the same without alerts, by turns"),
    );
    table.add(
        Row::new("alerts: measurements taken meanwhile", Figure::Rate(half(&watched, |one| one.0)))
            .limit(Figure::Rate(half(&alone, |one| one.0)), "the same without alerts, by turns"),
    );
}

fn memory(when: &str, with: &Service, without: &Service, table: &mut Table) {
    let more = with.resident().saturating_sub(without.resident());
    table.add(
        Row::new(
            format!("alerts: memory for each watched series, {when}, alerts and all"),
            Figure::Bytes(more / SERIES as u64),
        )
        .goal(Figure::Bytes(900)),
    );
}

fn idle(with: &Service, without: &Service, table: &mut Table) {
    const WATCHED: Duration = Duration::from_secs(20);
    let before = [with, without].map(Service::cpu);
    thread::sleep(WATCHED);
    let used =
        [with.cpu() - before[0], without.cpu() - before[1]].map(|used| used / WATCHED.as_secs() as u32);
    table.add(
        Row::new("alerts: processor time in a second at rest", Figure::Time(used[0]))
            .goal(Figure::millis(2.0))
            .limit(Figure::Time(used[1]), "the same without alerts"),
    );
}

fn delays(live: &Live, with: &Service, listener: &Listener, table: &mut Table) {
    let goal = Figure::Time(Duration::from_secs(12));
    let mut add = |when: &str, mut delays: Vec<Duration>| {
        delays.sort();
        let (half, most) = (delays[delays.len() / 2], delays[(delays.len() * 99).div_ceil(100) - 1]);
        table.add(Row::new(format!("alerts: until a listener hears, {when}, median"), Figure::Time(half)));
        table.add(
            Row::new(format!("alerts: the same, 99 % within, of {}", delays.len()), Figure::Time(most))
                .goal(goal),
        );
    };
    add("at rest", listener.probe(with.host(), 0..PROBES));
    let stop = AtomicBool::new(false);
    let delays = thread::scope(|scope| {
        scope.spawn(|| live.send(with.host(), &stop));
        thread::sleep(WARM);
        let delays = listener.probe(with.host(), PROBES..2 * PROBES);
        stop.store(true, Ordering::SeqCst);
        delays
    });
    add("under that load", delays);
}

/// Killed and started again, with a day of a tenth of the series in its file.
fn starts(effort: Effort, with: &mut Service, table: &mut Table) {
    let minutes = MINUTES / effort.divide;
    Load::new(minutes).send(with.host(), 0..minutes);
    let begun = Instant::now();
    with.kill_and_start(&["--notify-allow", "127.0.0.1"]);
    table.add(Row::new(
        "alerts: a start with all that and a day's measurements",
        Figure::Time(begun.elapsed()),
    ));
    let wanted = format!("librato_apply_alerts_evaluated {}\n", ALERTS + 2 * PROBES);
    let mut kept = Kept::to(with.host());
    while !String::from_utf8_lossy(&kept.exchange(&request("GET", "/metrics", ""))).contains(&wanted) {
        assert!(begun.elapsed() < Duration::from_secs(600), "alerts are never evaluated");
        thread::sleep(Duration::from_millis(20));
    }
    table.add(
        Row::new("alerts: the same, until they are evaluated", Figure::Time(begun.elapsed()))
            .goal(Figure::Time(Duration::from_secs(5))),
    );
}

/// Alerts over ten series each, none of which ever violates anything, and those that are probed.
fn define(host: &str, listener: SocketAddr) {
    let mut kept = Kept::to(host);
    for n in 0..2 * PROBES {
        let settings = json!({ "url": format!("http://{listener}/{n}") });
        let service = json!({ "type": "webhook", "title": format!("probe {n}"), "settings": settings });
        kept.exchange(&request("POST", "/v1/services", &service.to_string()));
        let condition = json!({ "type": "above", "metric_name": "load.probe", "source": format!("probe-{n}"), "threshold": 10 });
        let alert = json!({ "name": format!("probe.{n}"), "conditions": [condition], "services": [n + 1] });
        kept.exchange(&request("POST", "/v1/alerts", &alert.to_string()));
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut kept = Kept::to(host);
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= ALERTS {
                        return;
                    }
                    let (metric, source) = series(10 * n);
                    let sources = format!("{}*", &source[..source.len() - 1]);
                    let one = |kind: &str, threshold: f64| json!({ "type": kind, "metric_name": metric, "source": sources, "threshold": threshold });
                    let conditions = [one("above", 1e9), one("below", -1e9)];
                    let alert = json!({ "name": format!("load.alert.{n}"), "conditions": conditions });
                    kept.exchange(&request("POST", "/v1/alerts", &alert.to_string()));
                }
            });
        }
    });
}

/// Measurements of now.
struct Live {
    batches: Vec<Vec<u8>>,
}

impl Live {
    fn new() -> Live {
        let one = |n: usize| {
            let (name, source) = series(n);
            format!(r#"{{"name":"{name}","source":"{source}","value":{}.25}}"#, n * 7919 % 1000)
        };
        let batch = |first: usize| {
            let gauges: Vec<String> = (first..SERIES.min(first + BATCH)).map(one).collect();
            request(
                "POST",
                "/v1/metrics",
                &format!(r#"{{"measure_time":0000000000,"gauges":[{}]}}"#, gauges.join(",")),
            )
        };
        Live { batches: (0..SERIES).step_by(BATCH).map(batch).collect() }
    }

    /// Every series once.
    fn once(&self, host: &str) {
        let mut kept = Kept::to(host);
        self.batches.iter().for_each(|batch| self.exchange(&mut kept, batch));
    }

    fn exchange(&self, kept: &mut Kept, batch: &[u8]) {
        let mut request = batch.to_vec();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let at = request.windows(10).position(|window| window == b"0000000000").unwrap();
        request[at..at + 10].copy_from_slice(time.as_bytes());
        kept.exchange(&request);
    }

    /// As fast as it goes over all connections, until `stop`; how many requests, and counted from when it is asked.
    fn send(&self, host: &str, stop: &AtomicBool) {
        self.count(host, stop, &AtomicUsize::new(0));
    }

    fn count(&self, host: &str, stop: &AtomicBool, done: &AtomicUsize) {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut kept = Kept::to(host);
                    while !stop.load(Ordering::SeqCst) {
                        let batch = next.fetch_add(1, Ordering::SeqCst) % self.batches.len();
                        self.exchange(&mut kept, &self.batches[batch]);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    /// Measurements a second, once it has gone on for a while, and the server's processor time for a thousand, in nanoseconds.
    fn rate(&self, service: &Service) -> (u64, u64) {
        let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            scope.spawn(|| self.count(service.host(), &stop, &done));
            thread::sleep(WARM);
            let (before, begun, used) = (done.load(Ordering::SeqCst), Instant::now(), service.cpu());
            thread::sleep(COUNTED);
            let (requests, used) = (done.load(Ordering::SeqCst) - before, service.cpu() - used);
            let took = begun.elapsed();
            stop.store(true, Ordering::SeqCst);
            let thousands = (requests * BATCH) as f64 / 1_000.0;
            ((thousands * 1_000.0 / took.as_secs_f64()) as u64, (used.as_nanos() as f64 / thousands) as u64)
        })
    }
}

/// Whoever is notified.
struct Listener {
    address: SocketAddr,
    /// Which probe was heard of, and when.
    heard: Receiver<(usize, Instant)>,
}

impl Listener {
    fn open() -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, heard) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || hear(stream, &sender));
            }
        });
        Listener { address, heard }
    }

    /// Sends a value that crosses the threshold of each probe; the times from its acknowledgement to the first attempt.
    fn probe(&self, host: &str, probes: std::ops::Range<usize>) -> Vec<Duration> {
        let mut kept = Kept::to(host);
        let mut sent = std::collections::HashMap::new();
        for n in probes {
            let body =
                json!({ "gauges": [{ "name": "load.probe", "source": format!("probe-{n}"), "value": 100 }] });
            kept.exchange(&request("POST", "/v1/metrics", &body.to_string()));
            sent.insert(n, Instant::now());
            thread::sleep(BETWEEN);
        }
        let mut delays = Vec::new();
        while !sent.is_empty() {
            let (n, at) = self.heard.recv_timeout(Duration::from_secs(120)).expect("nobody was notified");
            // What is told again is not the first attempt.
            delays.extend(sent.remove(&n).map(|sent| at.saturating_duration_since(sent)));
        }
        delays
    }
}

fn hear(stream: TcpStream, sender: &Sender<(usize, Instant)>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut probe) = (String::new(), 0, None);
        loop {
            line.clear();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap();
                }
                Some(_) => {}
                None if line.trim_end().is_empty() => break,
                None => probe = line.split([' ', '/']).nth(2).and_then(|n| n.parse().ok()),
            }
        }
        let at = Instant::now();
        if stream.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        let answered = stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
        if answered.is_err() || probe.is_none_or(|probe| sender.send((probe, at)).is_err()) {
            return;
        }
    }
}

//! `serve` taking measurements: a day of many series, minute by minute, over eight connections, by a client on the same processors.
//! Every answer comes after the measurements are on the disk.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::Effort;
use crate::http::{Kept, request};
use crate::service::{Service, scratch};
use crate::table::{Figure, Row, Table};

const BATCH: usize = 300;
const CONNECTIONS: usize = 8;
/// Series in all; the last batch of a minute is short.
pub const SERIES: usize = 10_000;
const SOURCES: usize = 100;
/// A day's minutes.
pub const MINUTES: usize = 1440;
/// What the server makes of a batch for its journal: a head, and eleven bytes a measurement.
const ROW: usize = 8 + 11 * BATCH;

pub fn run(effort: Effort, table: &mut Table) {
    let minutes = MINUTES / 5 / effort.divide;
    let service = Service::start();
    let load = Load::new(minutes);
    // The series come into being first: their names are written once, the measurements go on for ever.
    load.send(service.host(), 0..1);
    let sent = load.send(service.host(), 1..minutes);
    let alone = journal_alone();
    table.add(
        Row::new("serve: measurements taken, 300 a request, 8 connections", Figure::Rate(sent.rate()))
            .goal(Figure::Rate(250_000.0))
            .limit(Figure::Rate(alone), "SQLite writing the same rows, 8 a commit"),
    );
    table.add(Row::new("serve: the same, median of a request", Figure::Time(sent.quantile(0.5))));
    table.add(
        Row::new("serve: the same, 99 % of the requests within", Figure::Time(sent.quantile(0.99)))
            .goal(Figure::millis(50.0)),
    );
    table.add(Row::new("serve: the same, peak memory of the server", Figure::Bytes(service.peak())));
}

/// The requests of a load: batches of series, each with several sets of values.
pub struct Load {
    /// Epoch seconds of the first round.
    pub start: u64,
    /// Seconds from one round to the next.
    step: u64,
    series: usize,
    batches: Vec<[Vec<u8>; 4]>,
}

/// What a load came to.
pub struct Sent {
    measurements: usize,
    took: Duration,
    /// Of each request, in order of size.
    times: Vec<Duration>,
}

impl Load {
    /// One that ends a minute ago, minute by minute.
    pub fn new(minutes: usize) -> Load {
        Load::of(SERIES, begun(minutes), 60, body)
    }

    /// The same as lines, as other databases take them.
    pub fn lines(minutes: usize) -> Load {
        Load::of(SERIES, begun(minutes), 60, lines)
    }

    /// So many series, from a time on, so many seconds apart.
    pub fn wide(series: usize, start: u64, step: u64) -> Load {
        Load::of(series, start, step, body)
    }

    fn of(series: usize, start: u64, step: u64, body: fn(Range<usize>, usize) -> Vec<u8>) -> Load {
        let batch = |first| [0, 1, 2, 3].map(|set| body(first..series.min(first + BATCH), set));
        Load { start, step, series, batches: (0..series).step_by(BATCH).map(batch).collect() }
    }

    /// Sends the batches of these rounds.
    pub fn send(&self, host: &str, rounds: Range<usize>) -> Sent {
        let (next, begun) = (AtomicUsize::new(rounds.start * self.batches.len()), Instant::now());
        let end = rounds.end * self.batches.len();
        let mut times: Vec<Duration> = thread::scope(|scope| {
            let all: Vec<_> =
                (0..CONNECTIONS).map(|_| scope.spawn(|| self.connection(host, &next, end))).collect();
            all.into_iter().flat_map(|one| one.join().unwrap()).collect()
        });
        times.sort();
        Sent { measurements: rounds.len() * self.series, took: begun.elapsed(), times }
    }

    fn connection(&self, host: &str, next: &AtomicUsize, end: usize) -> Vec<Duration> {
        let (mut kept, mut times) = (Kept::to(host), Vec::new());
        loop {
            let job = next.fetch_add(1, Ordering::SeqCst);
            if job >= end {
                return times;
            }
            let (round, batch) = (job / self.batches.len(), job % self.batches.len());
            let mut request = self.batches[batch][round % 4].clone();
            let time = (self.start + self.step * round as u64).to_string();
            let mut rest = &mut request[..];
            while let Some(at) = rest.windows(10).position(|window| window == b"0000000000") {
                rest[at..at + 10].copy_from_slice(time.as_bytes());
                rest = &mut rest[at + 10..];
            }
            let begun = Instant::now();
            kept.exchange(&request);
            times.push(begun.elapsed());
        }
    }
}

/// Epoch seconds of the first of so many minutes that end a minute ago.
pub fn begun(minutes: usize) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    now / 60 * 60 - 60 * minutes as u64 - 60
}

impl Sent {
    /// How many there were.
    pub fn measurements(&self) -> usize {
        self.measurements
    }

    fn rate(&self) -> f64 {
        self.measurements as f64 / self.took.as_secs_f64()
    }

    fn quantile(&self, share: f64) -> Duration {
        self.times[((self.times.len() - 1) as f64 * share) as usize]
    }
}

/// The metric and the source of a series.
pub fn series(n: usize) -> (String, String) {
    (format!("load.metric.{:03}", n / SOURCES), format!("host-{:03}", n % SOURCES))
}

/// What is measured of a series, in hundredths.
fn value(n: usize, set: usize) -> usize {
    (n * 7919 + set * 104_729) % 100_000
}

/// A batch as lines; the ten zeros of each become its time.
fn lines(batch: Range<usize>, set: usize) -> Vec<u8> {
    let one = |n: usize| {
        let ((name, source), value) = (series(n), value(n, set));
        format!("{name},source={source} value={}.{:02} 0000000000", value / 100, value % 100)
    };
    let lines: Vec<String> = batch.map(one).collect();
    request("POST", "/write?precision=s", &lines.join("\n"))
}

/// One batch; the ten zeros become its time.
fn body(batch: Range<usize>, set: usize) -> Vec<u8> {
    let one = |n: usize| {
        let ((name, source), value) = (series(n), value(n, set));
        format!(r#"{{"name":"{name}","source":"{source}","value":{}.{:02}}}"#, value / 100, value % 100)
    };
    let gauges: Vec<String> = batch.map(one).collect();
    let body = format!(r#"{{"measure_time":0000000000,"gauges":[{}]}}"#, gauges.join(","));
    request("POST", "/v1/metrics", &body)
}

/// Measurements a second that SQLite alone makes durable, in the server's rows and with its settings.
fn journal_alone() -> f64 {
    const COMMITS: usize = 400;
    let directory = scratch();
    let connection = Connection::open(directory.path().join("alone.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE journal (id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, block BLOB NOT NULL);",
        )
        .unwrap();
    let row: Vec<u8> = (0..ROW).map(|n| (n * 31 % 251) as u8).collect();
    let mut insert = connection.prepare("INSERT INTO journal (received_at, block) VALUES (?1, ?2)").unwrap();
    let begun = Instant::now();
    for _ in 0..COMMITS {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..CONNECTIONS {
            insert.execute((1_700_000_000, &row)).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    (COMMITS * CONNECTIONS * BATCH) as f64 / begun.elapsed().as_secs_f64()
}

//! `serve` with more and more series: what one costs as there are ten and a hundred times as many. A day by the hour of each.

use std::thread;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::http::{Kept, request};
use crate::ingest::{Load, begun, series};
use crate::process::middle;
use crate::service::Service;
use crate::table::{Figure, Row, Table};

const HOURS: usize = 24;
/// Requests of which the median is taken.
const ASKED: usize = 50;
/// After so long the journal is compacted.
const SETTLED: Duration = Duration::from_secs(40);

pub fn run(effort: Effort, table: &mut Table) {
    for count in [10_000, 100_000, 1_000_000] {
        of(count / effort.divide, table);
    }
}

fn of(count: usize, table: &mut Table) {
    let mut service = Service::start();
    let mut add = |what: &str, figure| table.add(Row::new(format!("growth: {count} series: {what}"), figure));
    let (empty, load) = (service.resident(), Load::wide(count, begun(60 * HOURS), 3600));
    let each = |service: &Service, hours: std::ops::Range<usize>| {
        let (before, all) = (service.cpu(), u32::try_from(count * hours.len()).unwrap());
        load.send(service.host(), hours);
        Figure::Time((service.cpu() - before) / all)
    };
    add("processor for a new one", each(&service, 0..1));
    add("processor for a measurement", each(&service, 1..HOURS));
    thread::sleep(SETTLED);
    add("memory for each, at rest", Figure::Bytes(service.resident().saturating_sub(empty) / count as u64));
    add("peak memory of the server", Figure::Bytes(service.peak()));
    let mut kept = Kept::to(service.host());
    let one = middle((0..ASKED).map(|n| {
        let (name, source) = series(n * 7919 % count);
        let path = format!("/v1/metrics/{name}?source={source}&resolution=1&start_time={}", load.start);
        let begun = Instant::now();
        let answer = kept.exchange(&request("GET", &path, ""));
        assert!(answer.len() > 20 * HOURS, "{}", String::from_utf8_lossy(&answer));
        begun.elapsed()
    }));
    add("a day of one of them", Figure::Time(one));
    for (what, offset) in
        [("the first 100 metrics", 0), ("the last 100 metrics", (count / 100).max(100) - 100)]
    {
        let path = format!("/v1/metrics?offset={offset}&length=100");
        let listed = middle((0..ASKED).map(|_| {
            let begun = Instant::now();
            kept.exchange(&request("GET", &path, ""));
            begun.elapsed()
        }));
        add(what, Figure::Time(listed));
    }
    let begun = Instant::now();
    service.kill_and_start(&[]);
    add("a start after a kill", Figure::Time(begun.elapsed()));
    add("bytes of the file for each", Figure::Bytes(service.stopped() / count as u64));
}

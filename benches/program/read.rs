//! `serve` answering: one series out of many, one page out of many.

use std::time::{Duration, Instant};

use crate::Effort;
use crate::files::Objects;
use crate::http::{Kept, request};
use crate::ingest::{Load, MINUTES, SERIES, series};
use crate::process::{middle, once};
use crate::service::{Service, client};
use crate::table::{Figure, Row, Table};

/// Requests of which the median is taken.
const ASKED: usize = 200;

pub fn run(effort: Effort, table: &mut Table) {
    one_series(effort, table);
    one_page(table);
}

fn one_series(effort: Effort, table: &mut Table) {
    let (service, minutes) = (Service::start(), MINUTES / effort.divide);
    let load = Load::new(minutes);
    load.send(service.host(), 0..minutes);
    let mut kept = Kept::to(service.host());
    let mut ask = |n: usize| {
        let (name, source) = series(n * 7919 % SERIES);
        let path = format!("/v1/metrics/{name}?source={source}&resolution=60&start_time={}", load.start);
        kept.exchange(&request("GET", &path, "")).len()
    };
    let shortest = (0..10).map(&mut ask).min().unwrap();
    assert!(shortest > minutes * 30, "not all minutes are in an answer of {shortest} bytes");
    table.add(
        Row::new(format!("serve: {minutes} points of 1 of {SERIES} series"), Figure::Time(timed(&mut ask)))
            .goal(Figure::millis(2.0))
            .limit(Figure::Time(nothing(&service)), "GET /healthz"),
    );
}

fn one_page(table: &mut Table) {
    const ALERTS: usize = 10_000;
    let service = Service::start();
    Objects { alerts: ALERTS, metrics: 100, services: 20, ..Objects::default() }
        .write(service.directory(), 10);
    let mut apply = client(service.host());
    apply.args(["apply", "--auto-approve", "--parallelism", "64", "--quiet"]).arg(service.directory());
    once(&apply);
    let mut kept = Kept::to(service.host());
    let page = |n: usize| {
        let offset = n * 7919 % (ALERTS - 100);
        kept.exchange(&request("GET", &format!("/v1/alerts?offset={offset}&length=100"), "")).len()
    };
    table.add(
        Row::new(format!("serve: a page of 100 of {ALERTS} alerts"), Figure::Time(timed(page)))
            .goal(Figure::millis(2.0))
            .limit(Figure::Time(nothing(&service)), "GET /healthz"),
    );
}

/// What a request costs that asks for nothing.
fn nothing(service: &Service) -> Duration {
    let mut kept = Kept::to(service.host());
    timed(|_| kept.exchange(&request("GET", "/healthz", "")).len())
}

fn timed(mut ask: impl FnMut(usize) -> usize) -> Duration {
    middle((0..ASKED).map(|n| {
        let begun = Instant::now();
        assert!(ask(n) > 0);
        begun.elapsed()
    }))
}

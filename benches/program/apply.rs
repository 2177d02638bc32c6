//! `apply`: reading, then writing eight at a time. What it costs beyond the round trips is ours.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Effort;
use crate::files::Objects;
use crate::process::once;
use crate::service::{Service, client};
use crate::table::{Figure, Row, Table};
use crate::wire::{DELAY, Wire};

/// As many as the program writes at once unless it is told otherwise.
const TOGETHER: usize = 8;

pub fn run(effort: Effort, table: &mut Table) {
    let count = 1000 / effort.divide.min(2);
    let service = Service::start();
    let directory = service.directory();
    let around = Objects { metrics: 100, services: 10, ..Objects::default() };
    around.write(directory, 1);
    once(&apply(service.host(), directory));

    let wire = Wire::to(service.host(), DELAY);
    let all = Objects { alerts: count, ..around };
    all.write(directory, 1);
    let used = once(&apply(&wire.host(), directory));
    let limit = DELAY * rounds(count);
    table.add(
        Row::new(
            format!("apply: create {count} alerts, 50 ms, {TOGETHER} at a time"),
            Figure::Time(used.wall),
        )
        .goal(Figure::Time(limit.mul_f64(1.1)))
        .limit(Figure::Time(limit), "the writes alone"),
    );

    Objects { changed: 100, ..all }.write(directory, 1);
    wire.take_requests();
    let used = once(&apply(&wire.host(), directory));
    // Alerts, metrics and services are listed, a hundred a page.
    let pages = count.div_ceil(100) as u64 + 2;
    table.add(
        Row::new("apply: change 100 alerts, requests", Figure::Requests(wire.take_requests()))
            .goal(Figure::Requests(pages + 100))
            .limit(Figure::Requests(pages + 100), "one a page, one a write"),
    );
    let limit: Duration = DELAY * (rounds(100) + 2);
    table.add(
        Row::new("apply: change 100 alerts, 50 ms", Figure::Time(used.wall))
            .goal(Figure::Time(limit.mul_f64(1.1)))
            .limit(Figure::Time(limit), "two round trips to read, and the writes"),
    );
}

fn rounds(writes: usize) -> u32 {
    writes.div_ceil(TOGETHER) as u32
}

fn apply(host: &str, directory: &Path) -> Command {
    let mut command = client(host);
    command.args(["apply", "--auto-approve", "--quiet"]).arg(directory);
    command
}

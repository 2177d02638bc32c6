//! `plan` where there is nothing to do: most runs of most pipelines.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Effort;
use crate::files::Objects;
use crate::process::{Used, median, once};
use crate::service::{Service, client};
use crate::table::{Figure, Row, Table};
use crate::wire::{DELAY, Wire};

pub fn run(effort: Effort, table: &mut Table) {
    let team = Objects { alerts: 1000, metrics: 1000, streams: 20, services: 20, ..Objects::default() };
    thousand(effort, team, table);
    for objects in [10_000, 100_000 / effort.divide] {
        let many = Objects {
            alerts: objects / 2,
            metrics: objects / 2,
            streams: 20,
            services: 20,
            ..Objects::default()
        };
        large(effort, objects, many, table);
    }
}

fn thousand(effort: Effort, team: Objects, table: &mut Table) {
    let service = applied(team);
    let far = Wire::to(service.host(), DELAY);
    let used = median(effort.runs, || plan(&far.host(), service.directory()));
    far.take_requests();
    once(&plan(&far.host(), service.directory()));
    let what = "plan: 1000 alerts + 1000 metrics, nothing to do";
    table.add(
        Row::new(format!("{what}, requests"), Figure::Requests(far.take_requests()))
            .goal(Figure::Requests(24))
            .limit(Figure::Requests(pages(team)), "one a page of 100"),
    );
    table.add(
        Row::new(format!("{what}, 50 ms a request"), Figure::Time(used.wall))
            .goal(Figure::Time(DELAY * 3))
            .limit(Figure::Time(2 * DELAY), "a first page tells of the others: two round trips"),
    );
    table.add(Row::new(format!("{what}, peak memory"), Figure::Bytes(used.peak)).goal(Figure::megabytes(16)));
    let near = median(effort.runs, || plan(service.host(), service.directory()));
    table.add(Row::new(format!("{what}, no delay"), Figure::Time(near.wall)).goal(Figure::millis(60.0)));
    table.add(Row::new(format!("{what}, processor time"), Figure::Time(near.cpu)));
}

/// Time, memory and requests must not grow faster than the objects: they are given for each thousand.
fn large(effort: Effort, objects: usize, many: Objects, table: &mut Table) {
    let service = applied(many);
    let wire = Wire::to(service.host(), Duration::ZERO);
    let used: Used = median(effort.runs.min(3), || plan(service.host(), service.directory()));
    once(&plan(&wire.host(), service.directory()));
    let (what, thousands) = (format!("plan: {objects} objects"), (objects / 1000) as u32);
    table.add(
        Row::new(format!("{what}, requests"), Figure::Requests(wire.take_requests()))
            .limit(Figure::Requests(pages(many)), "one a page of 100"),
    );
    table.add(Row::new(format!("{what}, time per 1000"), Figure::Time(used.wall / thousands)));
    table.add(Row::new(format!("{what}, processor time per 1000"), Figure::Time(used.cpu / thousands)));
    table.add(Row::new(
        format!("{what}, peak memory per 1000"),
        Figure::Bytes(used.peak / u64::from(thousands)),
    ));
}

/// A server on which everything is as the files beside its data say.
fn applied(objects: Objects) -> Service {
    let service = Service::start();
    objects.write(service.directory(), 20);
    let mut apply = client(service.host());
    apply.args(["apply", "--auto-approve", "--parallelism", "64", "--quiet"]).arg(service.directory());
    once(&apply);
    service
}

fn plan(host: &str, directory: &Path) -> Command {
    let mut command = client(host);
    command.args(["plan", "--detailed-exitcode"]).arg(directory);
    command
}

fn pages(objects: Objects) -> u64 {
    let Objects { alerts, metrics, streams, services, .. } = objects;
    [alerts, metrics, streams, services].map(|count| count.div_ceil(100) as u64).iter().sum()
}

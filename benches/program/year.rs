//! A data file with all that is kept of ten thousand series: a year by the hour, a month by the quarter of an hour, a week by the minute.
//! Sent as somebody does who moves in with a history: how large it is, how long a start takes, and how long its examination.

use std::time::Instant;

use crate::Effort;
use crate::ingest::{Load, SERIES, begun};
use crate::process::once;
use crate::service::{Service, program};
use crate::table::{Figure, Row, Table};

const DAY: usize = 86_400;

pub fn run(effort: Effort, table: &mut Table) {
    let mut service = Service::start();
    // Seconds from one point to the next, and the days back from which and to which there are any.
    for (step, from, to) in [(3600, 364, 32), (900, 32, 8), (60, 8, 0)] {
        let (from, rounds) = (from / effort.divide, (from - to) / effort.divide * DAY / step);
        let start = begun(from * DAY / 60);
        Load::wide(SERIES, start, step as u64).send(service.host(), 0..rounds);
    }
    let mut add =
        |what: &str, figure| table.add(Row::new(format!("a year of {SERIES} series: {what}"), figure));
    add("peak memory of the server that took it", Figure::Bytes(service.peak()));
    let begun = Instant::now();
    service.kill_and_start(&[]);
    add("a start after a kill", Figure::Time(begun.elapsed()));
    add("memory of that server", Figure::Bytes(service.resident()));
    service.stop();
    add("the file", Figure::Bytes(service.bytes()));
    let mut check = program();
    check.args(["serve", "--check"]).arg(service.file());
    let used = once(&check);
    add("serve --check", Figure::Time(used.wall));
    add("serve --check, processor", Figure::Time(used.cpu));
    add("serve --check, peak memory", Figure::Bytes(used.peak));
}

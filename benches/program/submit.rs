//! `submit --from FILE`: measurements from a file, beside a client of the same API that others wrote.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Effort;
use crate::process::{median, once};
use crate::python_librato;
use crate::service::{Service, TOKEN, USER, client};
use crate::table::{Figure, Row, Table};
use crate::wire::{DELAY, Wire};

const BATCH: usize = 300;
const TOGETHER: usize = 8;
/// Measurements that the other client sends: it needs some seconds for these.
const FEW: usize = 30_000;

pub fn run(effort: Effort, table: &mut Table) {
    let service = Service::start();
    let directory = service.directory();
    let (many, gauges) = (directory.join("many.txt"), 100_000);
    write(&many, gauges);
    let far = Wire::to(service.host(), DELAY);
    let used = median(effort.runs.min(3), || submit(&far.host(), &many));
    let limit = DELAY * gauges.div_ceil(BATCH).div_ceil(TOGETHER) as u32;
    table.add(
        Row::new(
            format!("submit: {gauges} gauges, {BATCH} a batch, {TOGETHER} in flight, 50 ms"),
            Figure::Time(used.wall),
        )
        .goal(Figure::Time(limit.mul_f64(1.15)))
        .limit(Figure::Time(limit), "the round trips"),
    );
    let used = median(effort.runs.min(3), || submit(service.host(), &many));
    let rate = gauges as f64 / used.wall.as_secs_f64();
    table.add(Row::new("submit: the same, no delay", Figure::Rate(rate)));
    table.add(Row::new("submit: the same, processor time of the client", Figure::Time(used.cpu)));
    if let Some(theirs) = theirs(&service) {
        table.add(Row::new("submit: python-librato 0.8.6, no delay", Figure::Rate(theirs)));
        table.add(
            Row::new("submit: times as fast as python-librato", Figure::Times(rate / theirs))
                .goal(Figure::Times(3.0)),
        );
    }
    let endless = 10_000_000 / effort.divide;
    write(&many, endless);
    let used = once(&submit(service.host(), &many));
    table.add(
        Row::new(format!("submit: {endless} lines, peak memory"), Figure::Bytes(used.peak))
            .goal(Figure::megabytes(30)),
    );
    table.add(Row::new(
        format!("submit: {endless} lines"),
        Figure::Rate(endless as f64 / used.wall.as_secs_f64()),
    ));
}

fn submit(host: &str, file: &Path) -> Command {
    let mut command = client(host);
    command.args(["submit", "--quiet", "--from"]).arg(file);
    command
}

/// `name value time` lines, over an hour.
fn write(file: &Path, lines: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut out = BufWriter::new(std::fs::File::create(file).unwrap());
    for n in 0..lines {
        let (metric, time) = (n % 100, now - 3600 + (n * 3600 / lines) as u64);
        writeln!(out, "load.metric.{metric:03} {}.{} {time}", n % 1000, n % 10).unwrap();
    }
    out.flush().unwrap();
}

/// Gauges a second by python-librato; `None` where it cannot be installed.
fn theirs(service: &Service) -> Option<f64> {
    let home = match python_librato::install() {
        Ok(home) => home,
        Err(reason) => {
            eprintln!("    left out: {reason}");
            return None;
        }
    };
    let python = |count: usize| {
        let mut command = Command::new("python3");
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/program/python_submit.py"))
            .env("PYTHONPATH", &home)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("BENCH_HOST", service.host())
            .env("BENCH_COUNT", count.to_string())
            .env("LIBRATO_USER", USER)
            .env("LIBRATO_TOKEN", TOKEN);
        once(&command).wall
    };
    // Its start is not held against it.
    let (start, all) = (python(0), python(FEW));
    Some(FEW as f64 / all.saturating_sub(start).as_secs_f64())
}

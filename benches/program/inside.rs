//! The parts that a whole run is made of, alone and in memory.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use librato_apply::composite::eval::{Limits as Work, Request, Sample, Stored, Window, evaluate};
use librato_apply::composite::{Labels, SOURCE, Statistic, compile};
use librato_apply::diag::Report;
use librato_apply::diff::{self, scope::View};
use librato_apply::load::{self, Loaded};
use librato_apply::model::State;
use librato_apply::plan::{self, Limits};
use librato_apply::resolve::{self, Outside};
use librato_apply::serve::packing::{pack, unpack};

use crate::Effort;
use crate::files::Objects;
use crate::process::middle;
use crate::service::scratch;
use crate::table::{Figure, Row, Table};

/// Series and points of each: a day's minutes.
const SERIES: usize = 1000;
const MINUTES: usize = 1440;

pub fn run(effort: Effort, table: &mut Table) {
    compare(effort, table);
    evaluate_composite(effort, table);
    packing(effort, table);
}

fn timed<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    middle((0..runs).map(|_| {
        let begun = Instant::now();
        black_box(work());
        begun.elapsed()
    }))
}

struct Nowhere;

impl Outside for Nowhere {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &Path, _: &str) -> Result<String, String> {
        Err("there are no files".to_owned())
    }
}

fn compare(effort: Effort, table: &mut Table) {
    let objects = 100_000 / effort.divide;
    let directory = scratch();
    let all = Objects { alerts: objects / 2, metrics: objects / 2, services: 20, ..Objects::default() };
    all.write(directory.path(), 50);
    let Loaded { mut files, documents, .. } =
        load::load(&[directory.path().to_owned()], &mut std::io::empty());
    let (desired, report) = resolve::resolve(documents, &mut files, &resolve::Options::default(), &Nowhere);
    assert!(!report.has_errors() && desired.objects.len() == objects + 20);
    let actual: State =
        desired.objects.iter().map(|(address, given)| (address.clone(), given.resource.clone())).collect();
    let (limits, duplicates, view) = (Limits::lifted(), BTreeMap::new(), View::default());
    let both = timed(effort.runs, || {
        let diff = diff::diff(&desired, &actual, &view);
        assert_eq!(diff.unchanged, objects + 20);
        let input = plan::Input {
            target: String::new(),
            desired: &desired,
            actual: &actual,
            duplicates: &duplicates,
            diff,
            limits: &limits,
            files: &files,
        };
        plan::build(input, &mut Report::default())
    });
    let equal = timed(effort.runs, || {
        desired.objects.iter().filter(|(address, given)| actual.get(address) == Some(&given.resource)).count()
    });
    table.add(
        Row::new(format!("inside: diff and plan of {objects} unchanged objects"), Figure::Time(both))
            .goal(Figure::millis(300.0))
            .limit(Figure::Time(equal), "looking each up and finding it equal"),
    );
}

fn evaluate_composite(effort: Effort, table: &mut Table) {
    let stored: Vec<Stored> = (0..SERIES)
        .map(|n| Stored {
            metric: "shop.requests".to_owned(),
            labels: Labels::from([(SOURCE.to_owned(), format!("web{n}"))]).into(),
            period: Some(60),
            interval: 1,
            samples: (0..MINUTES).map(|m| Sample::single(60 * m as i64, (n * m % 1000) as f64)).collect(),
        })
        .collect();
    let query = compile(r#"sum(s("shop.requests", "web*"))"#).unwrap();
    let window = Window { start: 0, end: 86_399, resolution: 60, summarize: Statistic::Mean, source: None };
    let evaluated = timed(effort.runs, || {
        let mut fetch = |_: &Request<'_>| Ok(stored.clone());
        evaluate(&query, &mut fetch, &window, Work::default()).unwrap()
    });
    let copied = timed(effort.runs, || stored.clone());
    table.add(
        Row::new(format!("inside: a sum over {SERIES} series of {MINUTES} points"), Figure::Time(evaluated))
            .limit(Figure::Time(copied), "copying the samples"),
    );
}

fn packing(effort: Effort, table: &mut Table) {
    // Response times with two decimals that wander.
    let point = |n: usize| (1_700_000_000 + 60 * n as i64, ((n * n * 31) % 5000) as f64 / 100.0);
    let points: Vec<(i64, f64)> = (0..MINUTES).map(point).collect();
    let block = pack(&points);
    assert_eq!(unpack(&block).as_deref(), Some(&points[..]));
    let rate = |time: Duration| Figure::Rate((SERIES * MINUTES) as f64 / time.as_secs_f64());
    let packed = timed(effort.runs, || (0..SERIES).map(|_| pack(black_box(&points)).len()).sum::<usize>());
    let unpacked = timed(effort.runs, || (0..SERIES).filter_map(|_| unpack(black_box(&block))).count());
    table.add(Row::new("inside: points packed", rate(packed)));
    table.add(Row::new("inside: points unpacked", rate(unpacked)));
    table.add(
        Row::new("inside: a day's minutes, packed", Figure::Bytes(block.len() as u64))
            .limit(Figure::Bytes(16 * MINUTES as u64), "a time and a double each"),
    );
}

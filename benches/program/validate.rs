//! `validate` of large files. The least it could take is the YAML parser alone going through the same text.

use std::hint::black_box;
use std::time::Instant;

use serde_yaml::granit_parser::Parser;

use crate::Effort;
use crate::files::Objects;
use crate::process::{median, middle};
use crate::service::{program, scratch};
use crate::table::{Figure, Row, Table};

pub fn run(effort: Effort, table: &mut Table) {
    let directory = scratch();
    Objects { alerts: 10_000, services: 20, ..Objects::default() }.write(directory.path(), 50);
    let used = median(effort.runs, || {
        let mut command = program();
        command.arg("validate").arg(directory.path());
        command
    });
    let texts: Vec<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let parser = middle((0..effort.runs).map(|_| {
        let begun = Instant::now();
        for text in &texts {
            black_box(Parser::new_from_str(text).filter(Result::is_ok).count());
        }
        begun.elapsed()
    }));
    let limit = (Figure::Time(parser), "the parser's events on one core");
    table.add(
        Row::new("validate: 10,000 alerts in 50 files", Figure::Time(used.wall))
            .goal(Figure::millis(500.0))
            .limit(limit.0, limit.1),
    );
    table.add(Row::new("validate: the same, processor time", Figure::Time(used.cpu)).limit(limit.0, limit.1));
    table.add(Row::new("validate: the same, peak memory", Figure::Bytes(used.peak)));
}

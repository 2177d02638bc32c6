//! What every call pays: starting, and the size of the program on the disk.

use std::process::Command;

use crate::Effort;
use crate::process::median;
use crate::service::program;
use crate::table::{Figure, Row, Table};

pub fn run(effort: Effort, table: &mut Table) {
    let runs = effort.runs * 4;
    let nothing = median(runs, || Command::new("true"));
    let version = median(runs, || {
        let mut command = program();
        command.arg("--version");
        command
    });
    table.add(
        Row::new("start: --version", Figure::Time(version.wall))
            .goal(Figure::millis(5.0))
            .limit(Figure::Time(nothing.wall), "starting `true`"),
    );
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_librato-apply")).unwrap().len();
    table.add(Row::new("start: size of the program", Figure::Bytes(size)).goal(Figure::megabytes(26)));
}

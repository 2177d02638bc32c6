//! How fast the program is, and how far that is from what is possible: `just bench`, or
//! `cargo bench --bench program -- [--quick] [WORD…]`. Prints a table and judges nothing; figures of a busy machine are noise.
//! The workloads say what they measure; this file only lists and runs them.

// A workload that cannot be set up has no figures: it may stop at the first surprise, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod alerts;
mod apply;
mod beside;
mod build;
mod draw;
mod files;
mod growth;
mod http;
mod ingest;
mod inside;
mod plan;
mod points;
mod process;
#[path = "../../tests/support/python_librato.rs"]
mod python_librato;
mod read;
mod service;
mod side;
mod start;
mod submit;
mod table;
mod validate;
mod wire;
mod year;

use std::panic::{AssertUnwindSafe, catch_unwind};

use table::Table;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often a program is run for the median of its figures.
    runs: usize,
    /// What the large workloads are divided by.
    divide: usize,
}

type Workload = fn(Effort, &mut Table);

/// What takes many minutes, and runs only when asked for.
const LONG: &[&str] = &["build", "growth", "year"];

/// By the word that asks for it.
const WORKLOADS: &[(&str, Workload)] = &[
    ("start", start::run),
    ("validate", validate::run),
    ("inside", inside::run),
    ("draw", draw::run),
    ("plan", plan::run),
    ("apply", apply::run),
    ("submit", submit::run),
    ("read", read::run),
    ("ingest", ingest::run),
    ("beside", beside::run),
    ("alerts", alerts::run),
    ("growth", growth::run),
    ("year", year::run),
    ("build", build::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, rest @ ..] = arguments.as_slice()
        && mode == process::MODE
    {
        return process::watch(rest);
    }
    // Cargo says `--bench` to benches; tests of all targets run this too, and must not wait for it.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return println!("figures are made by: cargo bench --bench program");
    }
    build::release();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let effort = if quick { Effort { runs: 1, divide: 10 } } else { Effort { runs: 5, divide: 1 } };
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let mut table = Table::default();
    for (name, workload) in WORKLOADS {
        let asked = words.iter().any(|word| word == name);
        if asked || words.is_empty() && !LONG.contains(name) {
            eprintln!("{name} …");
            // One that fails says why itself, and leaves the others their figures.
            let _ = catch_unwind(AssertUnwindSafe(|| workload(effort, &mut table)));
        }
    }
    println!("{table}");
}

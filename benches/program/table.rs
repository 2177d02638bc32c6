//! Rows of figures: what was asked for, what is possible, what was measured. Knows nothing of how it was measured.

use std::fmt;
use std::time::Duration;

/// A figure with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// Less is better.
    Time(Duration),
    /// Bytes of memory or disk; less is better.
    Bytes(u64),
    /// Less is better.
    Requests(u64),
    /// Things a second; more is better.
    Rate(f64),
    /// How many times something else; more is better.
    Times(f64),
}

use Figure::{Bytes, Rate, Requests, Time, Times};

impl Figure {
    pub fn millis(value: f64) -> Figure {
        Time(Duration::from_secs_f64(value / 1000.0))
    }

    pub fn megabytes(value: u64) -> Figure {
        Bytes(value * 1_000_000)
    }

    fn value(self) -> f64 {
        match self {
            Time(value) => value.as_secs_f64(),
            Bytes(value) | Requests(value) => value as f64,
            Rate(value) | Times(value) => value,
        }
    }

    fn more_is_better(self) -> bool {
        matches!(self, Rate(_) | Times(_))
    }

    fn meets(self, goal: Figure) -> bool {
        if self.more_is_better() { self.value() >= goal.value() } else { self.value() <= goal.value() }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Time(time) if time < Duration::from_micros(10) => write!(f, "{} ns", time.as_nanos()),
            Time(time) if time < Duration::from_millis(10) => {
                write!(f, "{:.2} ms", time.as_secs_f64() * 1000.0)
            }
            Time(time) if time < Duration::from_secs(10) => {
                write!(f, "{:.0} ms", time.as_secs_f64() * 1000.0)
            }
            Time(time) => write!(f, "{:.1} s", time.as_secs_f64()),
            Bytes(bytes) if bytes < 100_000 => write!(f, "{:.1} kB", bytes as f64 / 1e3),
            Bytes(bytes) => write!(f, "{:.1} MB", bytes as f64 / 1e6),
            Requests(count) => write!(f, "{count} requests"),
            Rate(rate) => write!(f, "{rate:.0} /s"),
            Times(times) => write!(f, "{times:.2} x"),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    workload: String,
    goal: Option<Figure>,
    limit: Option<(Figure, &'static str)>,
    measured: Figure,
}

impl Row {
    pub fn new(workload: impl Into<String>, measured: Figure) -> Row {
        Row { workload: workload.into(), goal: None, limit: None, measured }
    }

    /// What was asked for.
    pub fn goal(mut self, goal: Figure) -> Row {
        self.goal = Some(goal);
        self
    }

    /// What is possible at best, and why.
    pub fn limit(mut self, limit: Figure, why: &'static str) -> Row {
        self.limit = Some((limit, why));
        self
    }
}

/// All rows, in the order they were added.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Also says the row at once, since the whole takes minutes.
    pub fn add(&mut self, row: Row) {
        eprintln!("    {}: {}", row.workload, row.measured);
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["workload", "goal", "limit", "measured", "of limit", "the limit is"].map(str::to_owned);
        let lines: Vec<[String; 6]> = std::iter::once(heads).chain(self.rows.iter().map(cells)).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        for line in &lines {
            let [workload, rest @ .., why] = line;
            write!(f, "{workload:<w$}", w = width(0))?;
            for (column, cell) in rest.iter().enumerate() {
                write!(f, "  {cell:>w$}", w = width(column + 1))?;
            }
            writeln!(f, "  {why}")?;
        }
        write!(f, "! a goal that was missed")
    }
}

fn cells(row: &Row) -> [String; 6] {
    let missed = row.goal.is_some_and(|goal| !row.measured.meets(goal));
    let bound = if row.measured.more_is_better() { ">=" } else { "<=" };
    [
        row.workload.clone(),
        row.goal.map(|goal| format!("{bound} {goal}")).unwrap_or_default(),
        row.limit.map(|(limit, _)| limit.to_string()).unwrap_or_default(),
        format!("{}{}", row.measured, if missed { " !" } else { "" }),
        row.limit
            .map(|(limit, _)| format!("{:.2}", row.measured.value() / limit.value()))
            .unwrap_or_default(),
        row.limit.map_or("", |(_, why)| why).to_owned(),
    ]
}

//! The arguments of `backtest`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::parse::parse_seconds;
use super::{Inputs, Reading};

/// `backtest`
#[derive(Debug, Args)]
pub struct Backtest {
    /// Only alerts whose names match; `*` stands for any run of characters. Without one, all that the files declare.
    #[arg(value_name = "ALERT-GLOB")]
    pub alerts: Vec<String>,
    /// Where the definitions are: files, or directories.
    #[arg(long, value_name = "PATH", num_args = 1.., default_value = ".")]
    pub files: Vec<PathBuf>,
    /// Take the definitions of the service alone, and read no files.
    #[arg(long, conflicts_with_all = ["files", "vars", "var_strings", "var_files", "allow_env", "strict"])]
    pub from_service: bool,
    /// Only alerts that the files would change or make.
    #[arg(long, conflicts_with = "from_service")]
    pub changed: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// From when: `-7d` (also h, m, w), seconds since the epoch, or `2026-11-22T10:00:00Z`.
    #[arg(long, value_name = "TIME", default_value = "-7d", allow_hyphen_values = true)]
    pub start: String,
    /// Until when, in the same forms.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub end: String,
    /// Fail where an alert would have notified more often than this.
    #[arg(long, value_name = "N")]
    pub max_notifications: Option<usize>,
    /// Try several values: `conditions[0].threshold=400..1200:100`, or `.duration=1m..10m:1m`. One alert, two sweeps at most.
    #[arg(long, value_name = "FIELD=FROM..TO:STEP")]
    pub sweep: Vec<String>,
    /// Name the most sensitive value of the sweep that would have notified no more often than this.
    #[arg(long, value_name = "N", requires = "sweep")]
    pub at_most: Option<usize>,
    /// How many requests may be made for measurements.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub max_requests: usize,
    /// How many measurements may be read.
    #[arg(long, value_name = "N", default_value_t = 5_000_000)]
    pub max_points: usize,
    /// How long reading measurements may take: `120`, `2m`.
    #[arg(long = "time-limit", value_name = "TIME", value_parser = parse_seconds, default_value = "120s")]
    pub time_limit: u64,
    /// How to print what came of it.
    #[arg(long, value_enum, default_value_t = BacktestFormat::Text)]
    pub format: BacktestFormat,
}

impl Backtest {
    /// What to read, as other commands are told it.
    pub fn inputs(&self) -> Inputs {
        Inputs { paths: self.files.clone(), reading: self.reading.clone() }
    }
}

/// How to print a backtest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BacktestFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a comment of a pull request.
    Markdown,
}

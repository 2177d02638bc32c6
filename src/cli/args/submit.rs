//! `submit` as it is typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::parse_seconds;
use crate::cli::complete::names::objects;

/// Shown below the flags.
pub const INPUT: &str = "\
Input is JSON lines, CSV with a header, or plain lines; the first line tells which:
  {\"name\": \"site.ms\", \"value\": 312, \"measure_time\": 1700000000, \"source\": \"web-1\"}
  name,value,time,tags.region
  site.ms 312 1700000000 region=eu

Exit codes: 0 everything was taken; 4 some was not; 1 nothing was; 130 interrupted.";

/// `submit`
#[derive(Debug, Args)]
pub struct Submit {
    /// The metric.
    #[arg(required_unless_present = "from", requires = "value", add = ArgValueCompleter::new(objects))]
    pub name: Option<String>,
    /// The value.
    #[arg(allow_negative_numbers = true)]
    pub value: Option<f64>,
    /// What the metric is. Where it exists already, this must be what it is: a counter needs `--type counter` every time.
    #[arg(long = "type", value_enum, default_value_t = MetricKind::Gauge)]
    pub kind: MetricKind,
    /// Where the value was taken. With --from: where a line does not say.
    #[arg(long, conflicts_with = "tags")]
    pub source: Option<String>,
    /// A tag; makes this a tagged measurement. With --from: where a line has neither tags nor a source.
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    pub tags: Vec<String>,
    /// When it was taken: epoch seconds, RFC 3339, or relative such as -5m; default now. With --from: where a line does
    /// not say.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub time: Option<String>,
    /// How often the metric is reported, when it does not exist yet: `60s`. With --aggregate: one measurement of each series
    /// for each so many seconds.
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub period: Option<u64>,
    /// What the metric measures, when it does not exist yet.
    #[arg(long, conflicts_with = "from")]
    pub description: Option<String>,
    /// Its name in charts, when it does not exist yet.
    #[arg(long, conflicts_with = "from")]
    pub display_name: Option<String>,
    /// Send the measurements in a file, one a line, or of standard input (`-`) as they come.
    #[arg(long, value_name = "FILE", conflicts_with = "name", help_heading = "Many measurements")]
    pub from: Option<PathBuf>,
    /// How the lines are written; by default the first one tells.
    #[arg(long, value_enum, value_name = "FORMAT", requires = "from", help_heading = "Many measurements")]
    pub input_format: Option<InputFormat>,
    /// Send count, sum, minimum and maximum of each series instead of every value; of a counter the latest reading.
    #[arg(long, requires = "from", help_heading = "Many measurements")]
    pub aggregate: bool,
    /// Write what was refused or could not be sent to this file, as JSON lines that --from reads.
    #[arg(long, value_name = "FILE", requires = "from", help_heading = "Many measurements")]
    pub keep: Option<PathBuf>,
}

/// What a submitted metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricKind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only grows.
    Counter,
}

/// How input lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// One JSON object a line, with the API's field names.
    Json,
    /// Comma separated, under a header of the API's field names; a tag is a column `tags.NAME`.
    Csv,
    /// `name value [time] [tag=value…]`.
    Plain,
}

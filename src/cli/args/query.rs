//! `query` as it is typed.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use crate::cli::complete::names::objects;

/// `query`
#[derive(Debug, Args)]
pub struct Query {
    /// The name of a metric, or a composite: `sum(s("hits", "*"))`.
    #[arg(value_name = "NAME|COMPOSITE", add = ArgValueCompleter::new(objects))]
    pub what: String,
    /// From when: `-8h` (also m, d, w), seconds since the epoch, or `2026-11-22T10:00:00Z`.
    #[arg(long, value_name = "TIME", default_value = "-1h", allow_hyphen_values = true)]
    pub start: String,
    /// Until when, in the same forms.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub end: String,
    /// How far points are apart: `60`, `5m`, `1h`. Without it, so far that a chart can show them; series with longer periods
    /// keep these.
    #[arg(long, value_name = "TIME", value_parser = super::parse_seconds)]
    pub resolution: Option<u64>,
    /// Only this source, or those a pattern matches; in a composite, what `%` stands for.
    #[arg(long, value_name = "PATTERN")]
    pub source: Option<String>,
    /// Only series with this tag; in a composite, what `%` stands for there. Can be repeated.
    #[arg(long = "tag", value_name = "NAME=PATTERN", conflicts_with = "source")]
    pub tags: Vec<String>,
    /// Show how the answer comes about: what each part matched, and how many points each step made. The definition is
    /// evaluated here, over series that are read from the service.
    #[arg(long)]
    pub explain: bool,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
    /// The time zone of what is printed, and of times given without one: `Europe/Berlin`.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub time_zone: String,
}

/// How to print an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// Times down, series across.
    Table,
    /// For machines.
    Json,
    /// For spreadsheets.
    Csv,
    /// A chart in characters.
    Plot,
}

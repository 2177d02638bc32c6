//! `query` as it is typed.

use std::path::PathBuf;

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
    /// Where to write the answer: a file, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The width of a picture, in CSS pixels; a PNG has twice as many of its own.
    #[arg(long, value_name = "PIXELS", default_value_t = 800, value_parser = clap::value_parser!(u32).range(160..=2400))]
    pub width: u32,
    /// The colours of a picture.
    #[arg(long, value_enum, default_value_t = Colors::Light)]
    pub theme: Colors,
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
    /// A picture for pages and documents.
    Svg,
    /// A picture for chats and mails.
    #[cfg(feature = "png")]
    Png,
}

impl QueryFormat {
    /// Whether a picture is drawn, which has room for every sample of a period.
    pub fn is_picture(self) -> bool {
        match self {
            Self::Table | Self::Json | Self::Csv | Self::Plot => false,
            Self::Svg => true,
            #[cfg(feature = "png")]
            Self::Png => true,
        }
    }
}

/// The colours of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colors {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

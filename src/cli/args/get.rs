//! The flags of `get`.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::kind::Kind;
use crate::cli::complete::names::objects;

/// `get`
#[derive(Debug, Args)]
pub struct Get {
    /// What to show, singular or plural.
    #[arg(value_enum, value_name = "KIND")]
    pub kind: Kind,
    /// The name, or a pattern such as `web.*`; all of the kind without one.
    #[arg(add = ArgValueCompleter::new(objects))]
    pub name: Option<String>,
    /// The one with this id.
    #[arg(long)]
    pub id: Option<u64>,
    /// How to print; a table by default, and all that is known of an object that is named.
    #[arg(long, value_enum)]
    pub format: Option<GetFormat>,
    /// Of incidents, deliveries and silences: only those in this state, such as `open`, `waiting` or `active`.
    #[arg(long, value_name = "STATUS", help_heading = "Alerts")]
    pub status: Option<String>,
    /// Of deliveries: only those to this service.
    #[arg(long, value_name = "SERVICE", help_heading = "Alerts")]
    pub service: Option<String>,
    /// Of incidents: stay, and show each that opens or closes.
    #[arg(short, long, help_heading = "Alerts")]
    pub watch: bool,
    /// Of events, measurements, the audit, incidents and deliveries: from when on; a week back for the last two. Epoch seconds, RFC 3339, or so long ago: `-8h`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Time")]
    pub start: Option<String>,
    /// Of events and measurements: until when.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Time")]
    pub end: Option<String>,
    /// Of events and measurements: how many of each source; of the audit how many in all, the newest. 20 where no --start is given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Time")]
    pub count: Option<u64>,
    /// Of measurements: one for so many seconds (`60`, `5m`); by default each for itself.
    #[arg(long, value_name = "TIME", value_parser = super::parse_seconds, help_heading = "Time")]
    pub resolution: Option<u64>,
    /// Of events and measurements: only this source, or a pattern; can be repeated.
    #[arg(long = "source", value_name = "SOURCE", help_heading = "Time")]
    pub sources: Vec<String>,
}

/// How to print objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GetFormat {
    /// The main fields, one object a line; cut to the width of a terminal.
    Table,
    /// Everything, for machines.
    Json,
    /// Everything, for people and machines.
    Yaml,
}

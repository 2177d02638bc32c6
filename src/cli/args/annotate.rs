//! `annotate` as it is typed.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::Format;
use crate::cli::complete::names::objects;

/// `annotate`
#[derive(Debug, Args)]
pub struct Annotate {
    /// The annotation stream; it comes into being with its first event.
    #[arg(add = ArgValueCompleter::new(objects))]
    pub stream: String,
    /// What happened. With --close: a new title.
    #[arg(long, required_unless_present = "close")]
    pub title: Option<String>,
    /// More about it.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Where it happened.
    #[arg(long, conflicts_with = "close")]
    pub source: Option<String>,
    /// When it began: epoch seconds, RFC 3339, or relative such as -5m; default now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "close")]
    pub start: Option<String>,
    /// When it ended; by default it has not. With --close: default now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub end: Option<String>,
    /// A link, such as `build=https://ci.example.org/42,Build 42`. Can be repeated.
    #[arg(long = "link", value_name = "REL=HREF[,LABEL]")]
    pub links: Vec<String>,
    /// End the event with this id, and change what else is given.
    #[arg(long, value_name = "ID")]
    pub close: Option<u64>,
    /// How to print the event; as text it is its id alone.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

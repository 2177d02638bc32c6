//! The flags of `silence` and `unsilence`.

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCompleter;

use super::parse::parse_length;
use crate::cli::complete::names::objects;

/// `silence`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("length").required(true).args(["for_", "until"])))]
pub struct Silence {
    /// The alerts: a name, or a pattern such as `web.*`.
    #[arg(value_name = "ALERT", add = ArgValueCompleter::new(objects))]
    pub alert: String,
    /// Only these streams of them: a source, `name=value` pairs of tags, or a pattern.
    #[arg(long, value_name = "STREAM", default_value = "*")]
    pub stream: String,
    /// How long: `30m`, `2h30m`, `1d`; 30 days at most.
    #[arg(long = "for", id = "for_", value_name = "TIME", value_parser = parse_length)]
    pub duration: Option<i64>,
    /// Until when; epoch seconds, RFC 3339, or in so long: `+8h`.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// From when on; now without it.
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Why, for those who wonder.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// `unsilence`
#[derive(Debug, Args)]
pub struct Unsilence {
    /// Silences by their id, which `get silences` shows, or by the alert as it was silenced.
    #[arg(value_name = "ID|ALERT", required = true)]
    pub silences: Vec<String>,
}

//! `export` as it is typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `export`
#[derive(Debug, Args)]
pub struct Export {
    /// Only these objects: a kind (`alerts`), or a kind and a pattern (`alert/web.*`). A space comes with its charts.
    #[arg(value_name = "KIND/GLOB")]
    pub targets: Vec<String>,
    /// Whose rules are meant, where the endpoint is a ruler: `settings.prometheus.owner` of the definitions.
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// Where definitions are written.
#[derive(Debug, Args)]
pub struct Output {
    /// Write files into this directory instead of one stream to standard output.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to divide the objects among the files.
    #[arg(long, value_enum, default_value_t = Split::Kind, requires = "out")]
    pub split: Split,
    /// Overwrite files that exist.
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// How objects are divided among files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// A file for each kind: `alerts.yaml`.
    Kind,
    /// A file for all that begins alike, up to the first dot: `web.yaml` for `web.slow`. Services and spaces have their own.
    Prefix,
}

//! The flags that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::parse::parse_time;
use crate::cli::complete::places::endpoints;

/// Flags that every command takes, before or after it.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The service: `https://host`, or `embedded:PATH` for a file of the built-in server; for `plan`, `apply` and `export` also a ruler,
    /// `mimir+https://host` or `cortex+https://host` [env: LIBRATO_ENDPOINT].
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection", add = ArgValueCompleter::new(endpoints))]
    pub endpoint: Option<String>,
    /// The account [env: LIBRATO_USER, LIBRATO_EMAIL, LIBRATO_USERNAME].
    #[arg(long, global = true, value_name = "USER", help_heading = "Connection")]
    pub user: Option<String>,
    /// A file that holds the API token; without it LIBRATO_TOKEN is read. A token is never an argument.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    pub token_file: Option<PathBuf>,
    /// Whose rules are meant on a ruler that keeps those of several [env: LIBRATO_TENANT].
    #[arg(long, global = true, value_name = "TENANT", help_heading = "Connection")]
    pub tenant: Option<String>,
    /// How long one request may take: `10s`, `500ms`, `1m`.
    #[arg(long, global = true, value_name = "TIME", default_value = "10s", value_parser = parse_time, help_heading = "Connection")]
    pub timeout: Duration,
    /// How long to wait for a service that answers nothing at all; then what is left is not tried.
    #[arg(long, global = true, value_name = "TIME", default_value = "60s", value_parser = parse_time, help_heading = "Connection")]
    pub give_up_after: Duration,
    /// How many writes may be under way at once.
    #[arg(long, global = true, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Connection")]
    pub parallelism: u16,
    /// Certificates (PEM) to trust beside those of the system.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    pub ca_file: Option<PathBuf>,
    /// Allow `http://` to hosts other than this machine: the token then crosses the network unprotected.
    #[arg(long, global = true, help_heading = "Connection")]
    pub allow_insecure_http: bool,
    /// Send credentials to an endpoint that only the files name.
    #[arg(long, global = true, help_heading = "Connection")]
    pub trust_settings_endpoint: bool,
    /// When to use colour; NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub color: Color,
    /// Say only what went wrong, and the result; nothing where all there is to say is that it was done.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Say more, such as what is tried again; twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Show no progress.
    #[arg(long, global = true, help_heading = "Output")]
    pub no_progress: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

//! The arguments of what tells of the format of the files.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::super::explain::paths;

/// `schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Which one.
    #[arg(value_enum, default_value_t = SchemaOf::Config)]
    pub of: SchemaOf,
}

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The way to it, such as alerts.conditions.duration, or the code of a problem; without one, a whole file.
    #[arg(value_name = "FIELD", add = ArgValueCompleter::new(paths))]
    pub field: Option<String>,
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The files.
    Config,
    /// Files of variables, `*.vars.yaml`.
    Vars,
    /// `plan --format json`.
    Plan,
    /// `apply --format json`.
    Outcome,
    /// `query --format json`.
    Query,
    /// The file of `serve --config`.
    #[cfg(feature = "serve")]
    Serve,
    /// `test --format json`.
    Test,
    /// `backtest --format json`.
    Backtest,
    /// `render prometheus --format json`.
    Fidelity,
}

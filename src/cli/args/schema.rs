//! The arguments of what tells of the format of the files.

use clap::{Args, ValueEnum};

/// `schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Which one.
    #[arg(value_enum, default_value_t = SchemaOf::Config)]
    pub of: SchemaOf,
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The files.
    Config,
    /// `plan --format json`.
    Plan,
    /// `apply --format json`.
    Outcome,
    /// `query --format json`.
    Query,
}

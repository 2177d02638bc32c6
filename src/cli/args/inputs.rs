//! What several commands read, and how they print.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to read.
#[derive(Debug, Args)]
pub struct Inputs {
    /// Files, directories (all *.yaml and *.yml below), or `-` for standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
}

/// How to read it.
#[derive(Debug, Clone, Default, Args)]
pub struct Reading {
    /// Set a variable; the value is read as YAML.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Set a variable to a text.
    #[arg(long = "var-string", value_name = "NAME=TEXT")]
    pub var_strings: Vec<String>,
    /// Read variables from a file; a later file wins over an earlier one, --var over both.
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<PathBuf>,
    /// Let files show this variable of the environment by ${env.NAME}; those called LIBRATO_VAR_… they always may.
    /// LIBRATO_ALLOW_ENV holds more of them, with commas between.
    #[arg(long, value_name = "NAME")]
    pub allow_env: Vec<String>,
    /// Treat warnings as errors.
    #[arg(long)]
    pub strict: bool,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

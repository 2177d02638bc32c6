//! `import` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    pub tool: Tool,
}

/// The other tool.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// From Terraform, with the providers librato and appoptics: the output of `terraform show -json`, or configurations.
    #[command(
        after_help = "The output of `terraform show -json` (of a state, or of a plan file) holds every value. Of configurations what is \
        literal is read: locals, count, for_each and modules below the directory included; variables that are set from outside are not."
    )]
    Terraform(Files),
    /// From lbrt: the Ruby files that `lbrt alert export`, `lbrt service export` and `lbrt space export` write.
    Lbrt(Files),
}

/// What to read.
#[derive(Debug, Args)]
pub struct Files {
    /// Files, directories (all *.tf below, for lbrt all *.rb), or `-` for standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

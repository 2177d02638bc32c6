//! `import` as it is typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    /// The other tool.
    pub tool: Tool,
    /// Files, directories (all *.tf below, for lbrt all *.rb), or `-` for standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// Tools whose definitions are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// The output of `terraform show -json`, which holds every value; or configurations, of which variables that are set from
    /// outside are not known. Providers librato and appoptics.
    Terraform,
    /// The Ruby files that `lbrt alert export`, `lbrt service export` and `lbrt space export` write.
    Lbrt,
}

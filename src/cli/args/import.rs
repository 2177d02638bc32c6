//! `import` as it is typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    /// The other tool.
    pub tool: Tool,
    /// Files, directories (all *.tf below with their *.auto.tfvars, for lbrt all *.rb), or `-` for standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Terraform: give a variable a value, which counts before those of files.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Terraform: read values of variables from a file, as from terraform.tfvars and *.auto.tfvars in a directory.
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// Tools whose definitions are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// States (terraform.tfstate, or the output of `terraform show -json`), which hold every value; or configurations, as far as
    /// they can be worked out. Providers librato and appoptics.
    Terraform,
    /// The Ruby files that `lbrt alert export`, `lbrt service export` and `lbrt space export` write.
    Lbrt,
}

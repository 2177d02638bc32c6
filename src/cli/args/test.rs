//! The arguments of `test`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, Inputs};

/// `test`
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    pub inputs: Inputs,
    /// Run only the tests whose names match; `*` stands for any run of characters. Can be repeated.
    #[arg(long, value_name = "GLOB")]
    pub filter: Vec<String>,
    /// Print the names of the tests, and run none.
    #[arg(long)]
    pub list: bool,
    /// Fail where an alert has no test, or a condition is never met or never left.
    #[arg(long, conflicts_with_all = ["filter", "list"])]
    pub require_coverage: bool,
    /// How to print what came of them.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also write what came of them in the form of JUnit.
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub junit: Option<PathBuf>,
}

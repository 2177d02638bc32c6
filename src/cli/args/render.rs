//! The arguments of `render`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Format, Inputs};

/// `render`
#[derive(Debug, Args)]
pub struct Render {
    #[command(subcommand)]
    pub command: RenderCommand,
}

/// For which system.
#[derive(Debug, Subcommand)]
pub enum RenderCommand {
    /// Rules for Prometheus, Mimir, Cortex or VictoriaMetrics, and configuration for Alertmanager, with a report of what they mean.
    #[command(
        after_help = "Exit codes: 0 rendered; 1 mistakes in the files; 2 --check: the directory differs; 3 refused by --deny, or a file \
        that is not ours is in the way; 4 something has no counterpart, or files of an earlier run are left over; 64 wrong usage."
    )]
    Prometheus(RenderPrometheus),
}

/// `render prometheus`
#[derive(Debug, Args)]
pub struct RenderPrometheus {
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where the files go; without it, the rules are printed as one document.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write nothing, and exit with 2 where the directory does not hold what would be written.
    #[arg(long, requires = "out")]
    pub check: bool,
    /// Delete files of earlier runs that are no longer rendered.
    #[arg(long, requires = "out")]
    pub prune_files: bool,
    /// Refuse what does not mean exactly the same.
    #[arg(long, value_enum, value_name = "approximate")]
    pub deny: Option<RenderDeny>,
    /// Which tests for promtool are rendered.
    #[arg(long, value_enum, default_value_t = RenderTests::Auto)]
    pub tests: RenderTests,
    /// Who the definitions belong to; wins over settings.prometheus.owner.
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// 2 for Prometheus 2, 3 for Prometheus 3, Mimir, Cortex and VictoriaMetrics; wins over settings.prometheus.engine.
    #[arg(long, value_name = "2|3", value_parser = clap::value_parser!(u32).range(2..=3))]
    pub engine: Option<u32>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderDeny {
    /// Objects that mean nearly the same.
    Approximate,
}

/// Which tests are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderTests {
    /// None.
    None,
    /// Those of the files.
    Written,
    /// Those, and for each alert the shortest run that fires and one that just does not.
    Auto,
}

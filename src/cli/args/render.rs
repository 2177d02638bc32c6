//! The arguments of `render`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Inputs;

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
    /// Who evaluates the rules, where that makes a difference.
    #[arg(long = "for", value_enum, value_name = "vmalert")]
    pub evaluated_by: Option<RenderFor>,
    /// Ask this Prometheus how often the alerts would have fired in the last seven days; with PROMETHEUS_USER, PROMETHEUS_TOKEN and
    /// PROMETHEUS_TENANT where it asks for them.
    #[arg(long, value_name = "URL")]
    pub evidence: Option<String>,
    /// Write secrets into alertmanager.yml, which the owner alone may read then, in place of the names of files.
    #[arg(long, requires = "out")]
    pub inline_secrets: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = RenderFormat::Text)]
    pub format: RenderFormat,
}

/// Who evaluates rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderFor {
    /// vmalert, which writes recorded series aside.
    Vmalert,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For comments on pull requests.
    Markdown,
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

//! The command line as it is typed. Doc comments are the help text; there is no logic here.

mod annotate;
pub mod backtest;
pub mod delete;
mod deny;
pub mod examples;
mod export;
pub mod get;
mod global;
mod import;
mod inputs;
pub mod kind;
pub mod notify;
pub mod parse;
pub mod query;
#[cfg(test)]
mod reference;
pub mod render;
pub mod resolve;
pub mod schema;
mod serve;
pub mod shape;
pub mod silence;
mod submit;
pub mod test;

use std::path::PathBuf;
use std::time::Duration;

pub use annotate::Annotate;
pub use deny::Deny;
pub use export::{Export, Output, Split};
pub use global::{Color, Global};
pub use import::{Import, Tool};
pub use inputs::{Format, Inputs, Reading};
#[cfg(feature = "serve")]
pub use serve::Reaching;
pub use serve::ServeCommand;
pub use submit::{InputFormat, MetricKind, Submit};

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;

use self::deny::parse_deny;
use self::parse::{parse_evidence, parse_seconds, parse_time, parse_web};
use super::complete::names::{commands, declared};

/// Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.
///
/// Definitions are YAML files: metrics, composites, annotation streams, notification services, alerts, spaces and charts. `plan` shows
/// what would change on the service, `apply` changes it, `serve` is a compatible service of its own.
#[derive(Debug, Parser)]
#[command(name = "librato-apply", version, propagate_version = true, subcommand_required = true)]
#[command(
    after_help = "Exit codes: 0 done, or nothing to do; 1 error; 2 changes pending (plan --detailed-exitcode); \
    3 refused by a safety rule; 4 done in part, or something exists twice; 64 wrong usage; 130 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a small commented project that plans and applies at once.
    Init(Init),
    /// Check files as far as can be known without the service.
    Validate(Validate),
    /// Run the tests of alerts: made-up measurements in, what the alerts do out. Needs no service and no secrets.
    Test(test::Test),
    /// Look how often alerts would have notified over the past days, as they are and as the files change them. Only reads.
    Backtest(backtest::Backtest),
    /// Show what would change. Nothing is written.
    Plan(Plan),
    /// Plan, confirm, and write.
    Apply(Apply),
    /// Write what the service has as definitions.
    Export(Export),
    /// Turn definitions of another tool into ours. Nothing is run and nothing is sent.
    Import(Import),
    /// Say the same as the files in the language of another system. Nothing is sent, and no secret is needed.
    Render(render::Render),
    /// Ask for the data of a metric or of a composite.
    Query(query::Query),
    /// Send one measurement, or many out of a file or stream.
    #[command(after_help = submit::INPUT)]
    Submit(Submit),
    /// Post an event to an annotation stream, such as a deployment, or end one.
    Annotate(Annotate),
    /// List or show what the service has.
    Get(get::Get),
    /// Delete single objects by their exact names.
    Delete(delete::Delete),
    /// Clear a triggered alert.
    Resolve(resolve::Resolve),
    /// Try a notification service out, or show who would be paged.
    Notify(notify::Notify),
    /// Notify no one of some alerts for a time.
    Silence(silence::Silence),
    /// End silences before their time.
    Unsilence(silence::Unsilence),
    /// Run a compatible server over one file.
    Serve(Serve),
    /// Print the JSON Schema of the files, or of a JSON plan, outcome or answer.
    Schema(schema::Schema),
    /// Tell what a field of the files means, what it takes and what is below it.
    Explain(schema::Explain),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print a manual page, or write all of them.
    Man(Man),
}

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// Where; made if it does not exist. Default is the working directory, of an example a directory of its name.
    pub dir: Option<PathBuf>,
    /// Write one of the examples instead: `quickstart`, one file with comments; `shop`, a larger one in several files, which
    /// uses a service of `platform`.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(super::examples::ALL.map(|example| example.name)))]
    pub example: Option<String>,
}

/// `validate`
#[derive(Debug, Args)]
pub struct Validate {
    #[command(flatten)]
    pub inputs: Inputs,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How to print a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For one comment of a pull request, bounded in size.
    Markdown,
    /// A page that stands alone, with pictures of the --evidence: for an artifact of a pipeline.
    Html,
}

/// How to print the outcome of an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ApplyFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// A page that stands alone, as `plan --format html` with what became of it.
    Html,
}

/// What plan and apply share.
#[derive(Debug, Args)]
pub struct Planning {
    #[command(flatten)]
    pub inputs: Inputs,
    /// How many objects may be deleted or replaced; default 10, or what the settings say.
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<u32>,
    /// Allow deleting metrics and annotation streams with their data.
    #[arg(long)]
    pub delete_data: bool,
    /// Refuse what makes paging weaker: alerts that are removed, switched off, narrower, later or notify fewer people,
    /// and changes of which that cannot be told (weaker-alerts); or alerts that are made or changed and would have notified
    /// more than N times (noisy-alerts=N, which looks for --evidence).
    #[arg(long, value_name = "weaker-alerts|noisy-alerts=N", value_parser = parse_deny)]
    pub deny: Vec<Deny>,
    /// Say what measurements tell of the changes: how often alerts notified, and would have; what is lost with metrics; which
    /// charts show nothing. Looks 7 days back, or so far: `1h` to `31d`. At most 200 requests.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "7d", value_parser = parse_evidence)]
    pub evidence: Option<i64>,
    /// How long looking for evidence may take.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_time)]
    pub evidence_timeout: Duration,
    /// Only these objects, and what they use that does not exist yet; `alert/web.*`. Can be repeated.
    #[arg(long = "target", value_name = "KIND/GLOB", add = ArgValueCompleter::new(declared))]
    pub targets: Vec<String>,
    /// A file with the key that saved plans are sealed with, so that one user plans and another applies; without it
    /// LIBRATO_PLAN_KEY, and without that the token.
    #[arg(long, value_name = "FILE")]
    pub plan_key_file: Option<PathBuf>,
}

impl Planning {
    /// How far back evidence is looked for; it is, too, where it decides.
    pub fn evidence_length(&self) -> Option<i64> {
        self.evidence.or_else(|| self.most_notifications().map(|_| 7 * 86_400))
    }

    /// How often an alert may have notified.
    pub fn most_notifications(&self) -> Option<usize> {
        let most = |deny: &Deny| if let Deny::NoisyAlerts(most) = deny { Some(*most) } else { None };
        self.deny.iter().filter_map(most).min()
    }
}

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub planning: Planning,
    /// How to print the plan.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub format: PlanFormat,
    /// Also write the plan as a page (--format html) into this file, whatever is printed.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where people will find that page: the comment of --format markdown links to it.
    #[arg(long, value_name = "URL", value_parser = parse_web)]
    pub report_url: Option<url::Url>,
    /// Name what the service has, of the kinds that the files speak of, and the files do not.
    #[arg(long)]
    pub unmanaged: bool,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Save the plan, to be written by apply --plan exactly as it is. It holds no secrets.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `apply`
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    pub planning: Planning,
    /// Do not ask.
    #[arg(long)]
    pub auto_approve: bool,
    /// Write what plan --out saved, and nothing else; no PATH is read.
    #[arg(long = "plan", value_name = "FILE", conflicts_with_all = ["paths", "vars", "var_strings", "var_files", "targets", "max_deletes", "delete_data", "deny", "evidence"])]
    pub saved: Option<PathBuf>,
    /// Where to write down what will be changed or deleted, as it was before.
    #[arg(long, value_name = "DIR", default_value = ".librato-apply/backups")]
    pub backup_dir: PathBuf,
    /// Do not write down what will be changed or deleted.
    #[arg(long)]
    pub no_backup: bool,
    /// Before anything is written, keep the whole configuration of a ruler's Alertmanager that routes are written into, with all secrets in it,
    /// in this new file, which the owner alone may read.
    #[arg(long, value_name = "FILE")]
    pub backup_document: Option<PathBuf>,
    /// Wait until a ruler has evaluated what was written, at most so long (`2m`), and say what fails there.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub wait: Option<Duration>,
    /// How to print the outcome.
    #[arg(long, value_enum, default_value_t = ApplyFormat::Text)]
    pub format: ApplyFormat,
}

/// `serve`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Serve {
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// A YAML file with these options and more; a flag wins over the environment, and that over the file [env: LIBRATO_SERVE_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// As it was called before: `serve check FILE`.
    #[arg(long, hide = true, value_name = "FILE")]
    #[cfg_attr(feature = "serve", arg(conflicts_with_all = ["data", "listen", "credentials", "tls_cert", "accept_clock"]))]
    pub check: Option<PathBuf>,
    /// The options of the table.
    #[cfg(feature = "serve")]
    #[command(flatten)]
    pub flags: crate::cli::settings::Flags,
    /// What a build without a server is told all the same.
    #[cfg(not(feature = "serve"))]
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<String>,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct Man {
    /// The page of this command; without it the page of the program.
    #[arg(value_name = "COMMAND", add = ArgValueCompleter::new(commands))]
    pub command: Option<String>,
    /// Write all pages into this directory, such as ~/.local/share/man/man1.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}

//! The names that can be completed: of objects on the service, and of those in the files. Asked for amid typing, so there
//! is one second for it, and no name where that is not enough.

use std::ffi::OsStr;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{ArgMatches, Command, FromArgMatches};
use clap_complete::CompletionCandidate;
use librato_apply::model;

use crate::cli::args::kind::Kind;
use crate::cli::args::{Global, Inputs};
use crate::cli::endpoint::Access;
use crate::cli::ui::Ui;
use crate::cli::{inputs, remote};

/// How long people wait for a Tab.
const PATIENCE: Duration = Duration::from_secs(1);

/// The words before the one that is typed, where the shell does not give them as arguments.
static WORDS: OnceLock<Vec<String>> = OnceLock::new();

/// The command line that the words belong to.
static COMMAND: OnceLock<fn() -> Command> = OnceLock::new();

/// Completes words of this command line.
pub fn of(command: fn() -> Command) {
    let _ = COMMAND.set(command);
}

/// Remembers the words before the one that is typed.
pub fn begin(words: &[String]) {
    let _ = WORDS.set(words.to_owned());
}

/// The commands.
pub fn commands(typed: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(typed), Some(command)) = (typed.to_str(), COMMAND.get()) else { return Vec::new() };
    let command = command();
    let names = command.get_subcommands().map(|sub| sub.get_name().to_owned());
    names.filter(|name| name.starts_with(typed)).map(CompletionCandidate::new).collect()
}

/// Names of objects on the service, of the kind that the words before speak of.
pub fn objects(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else { return Vec::new() };
    let names = asked_for().and_then(|(kind, global)| from_service(kind, global, typed)).unwrap_or_default();
    names.into_iter().filter(|name| name.starts_with(typed)).map(CompletionCandidate::new).collect()
}

/// `KIND/NAME` of what the files declare.
pub fn declared(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else { return Vec::new() };
    let names = match typed.contains('/') {
        true => from_files().unwrap_or_default(),
        false => model::Kind::ALL.iter().map(|kind| format!("{kind}/")).collect(),
    };
    names.into_iter().filter(|name| name.starts_with(typed)).map(CompletionCandidate::new).collect()
}

/// What the words before the one that is typed come to.
fn typed_so_far() -> Option<(String, ArgMatches)> {
    let words = WORDS.get().cloned().unwrap_or_else(|| {
        let words: Vec<String> = std::env::args().skip_while(|word| word != "--").skip(1).collect();
        let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok());
        let before = index.unwrap_or(words.len().saturating_sub(1)).min(words.len());
        words[..before].to_vec()
    });
    let matches = COMMAND.get()?().ignore_errors(true).try_get_matches_from(words).ok()?;
    matches.subcommand().map(|(name, matches)| (name.to_owned(), matches.clone()))
}

fn asked_for() -> Option<(Kind, Global)> {
    let (command, matches) = typed_so_far()?;
    let kind = match command.as_str() {
        "query" | "submit" => Kind::Metrics,
        "annotate" => Kind::Annotations,
        "resolve" | "silence" => Kind::Alerts,
        _ => match *matches.get_one::<Kind>("kind")? {
            Kind::Measurements => Kind::Metrics,
            Kind::Events => Kind::Annotations,
            Kind::Incidents | Kind::Deliveries | Kind::Silences => Kind::Alerts,
            kind => kind,
        },
    };
    Some((kind, Global::from_arg_matches(&matches).ok()?))
}

fn from_service(kind: Kind, mut global: Global, part: &str) -> Option<Vec<String>> {
    (global.quiet, global.verbose, global.timeout) = (true, 0, global.timeout.min(PATIENCE));
    let ui = Ui::new(&global);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let asked = remote::with_service(&global, &ui, Access::Read, async |client, _| {
        Ok(remote::list(client, kind, part).await?)
    });
    let found = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
    // What is still under way is no one's any more.
    runtime.shutdown_background();
    Some(found.ok()?.ok()?.into_iter().map(|entry| entry.name).collect())
}

fn from_files() -> Option<Vec<String>> {
    let (_, matches) = typed_so_far()?;
    let global = Global::from_arg_matches(&matches).ok()?;
    let given = Inputs::from_arg_matches(&matches).ok()?;
    if given.paths.iter().any(|path| path.as_os_str() == "-") {
        return None;
    }
    let read = inputs::read(&given, true, &Ui::new(&global)).ok()?;
    Some(
        read.desired
            .objects
            .iter()
            .map(|(address, declaration)| format!("{}/{address}", declaration.kind))
            .collect(),
    )
}

//! `get`: what the service has, as a table or as documents. Secrets are masked before anything is made of them.

pub mod alerting;
pub mod asked;
mod audit;
mod columns;
mod document;
mod masked;
mod missing;
mod series;
mod states;
mod text;
mod watch;
pub mod why;

use anyhow::Context;
use globset::{Glob, GlobBuilder};
use librato_apply::client::{Error, Identity, Interval};
use librato_apply::diag::printable;
use librato_apply::remote::Client;
use serde_json::Value;

use super::args::Global;
use super::args::get::{Get, GetFormat};
use super::args::kind::Kind;
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::progress::waiting;
use super::remote::{self, Entry};
use super::table::Table;
use super::ui::Ui;

pub use columns::time;
pub use missing::{missing, not_called, with_help};

/// Shows what is asked for.
pub async fn get(args: &Get, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    alerting::check(args)?;
    if alerting::are(args.kind) {
        return alerting::show(args, global, ui).await;
    }
    check(args)?;
    let interval = series::interval(args)?;
    let (shown, states) = remote::with_service(global, ui, Access::Read, async |client, target| {
        let what = format!("reading {target}");
        let shown = waiting(ui, &what, find(client, args, &interval))
            .await
            .with_context(|| format!("cannot read {target}"))??;
        let states = match args.format {
            None | Some(GetFormat::Table) if args.kind == Kind::Alerts => states::read(client).await,
            _ => states::States::default(),
        };
        Ok((shown, states))
    })
    .await?;
    let Shown { mut objects, named } = shown;
    objects.iter_mut().for_each(masked::mask);
    states.put_into(&mut objects);
    match args.format {
        Some(GetFormat::Json) => ui.document(&document::json(args.kind, &objects)?),
        Some(GetFormat::Yaml) => ui.document(&document::yaml(args.kind, &objects)?),
        None if named && objects.len() == 1 => ui.out(&document::details(&objects)?),
        Some(GetFormat::Table) | None if objects.is_empty() => {
            ui.say(&nothing(args));
        }
        Some(GetFormat::Table) | None => {
            let (header, rows) = columns::of(args.kind, &objects);
            ui.out(&Table { header, rows }.render(ui.width()));
        }
    }
    Ok(Exit::Done)
}

/// What is said where nothing was found: of what it was, and where else to look.
fn nothing(args: &Get) -> String {
    let kinds = args.kind.plural();
    match (args.kind, args.name.as_deref().map(printable)) {
        (Kind::Measurements, Some(name)) => format!(
            "No measurements of {name} without tags in this time; those with tags are shown by: librato-apply query {name}"
        ),
        (Kind::Events, Some(stream)) => format!("No events of {stream} in this time."),
        (Kind::Audit, _) => "Nobody changed what is asked for, as far as the audit goes back.".to_owned(),
        (_, Some(pattern)) => format!("No {kinds} fit {pattern}."),
        _ => format!("There are no {kinds}."),
    }
}

/// What was found, and whether it was one object that was asked for.
struct Shown {
    objects: Vec<Value>,
    named: bool,
}

/// Flags that make no sense for this kind.
fn check(args: &Get) -> Result<(), Stop> {
    let timed =
        args.start.is_some() || args.end.is_some() || args.count.is_some() || !args.sources.is_empty();
    let series = matches!(args.kind, Kind::Events | Kind::Measurements | Kind::Audit);
    if (timed && !series) || (args.resolution.is_some() && args.kind != Kind::Measurements) {
        let message = format!("{} have no times to choose by", args.kind.plural());
        return Err(Stop::usage(
            message,
            "--start, --end, --count and --source are for events and measurements, --start and --count for the audit, --resolution is for measurements",
        ));
    }
    if args.start.is_some() && args.end.is_some() && args.count.is_some() {
        let hint = "leave one of them out";
        return Err(Stop::usage("--start, --end and --count do not go together", hint));
    }
    match (args.kind, &args.name, args.id) {
        (Kind::Measurements, None, _) => {
            Err(Stop::usage("measurements of which metric?", "get measurements METRIC --start -1h"))
        }
        (Kind::Events, None, _) => {
            Err(Stop::usage("events of which annotation stream?", "get events STREAM --start -1d"))
        }
        (Kind::Snapshots, _, None) => Err(Stop::usage("snapshots cannot be listed", "get snapshot --id ID")),
        (Kind::Events, Some(_), _) => Ok(()),
        (_, Some(_), Some(_)) => Err(Stop::usage("a name and an id are given", "leave one of them out")),
        (kind, None, Some(_)) if !remote::has_ids(kind) => {
            let message = format!("{} have no ids", kind.plural());
            Err(Stop::usage(message, format!("give the name: get {} NAME", kind.argument())))
        }
        _ => Ok(()),
    }
}

/// Errors of reading are the outer ones, which say of what; those that choose an exit code the inner ones.
async fn find(client: &Client, args: &Get, interval: &Interval) -> anyhow::Result<anyhow::Result<Shown>> {
    let named = |objects| Ok(Ok(Shown { objects, named: true }));
    match (args.kind, &args.name, args.id) {
        (Kind::Measurements, Some(name), _) => {
            let found = there(series::measurements(client, name, interval).await)?;
            Ok(found
                .map(|objects| Shown { objects, named: false })
                .ok_or_else(|| unknown(Kind::Metrics, name)))
        }
        (Kind::Events, Some(stream), Some(id)) => named(vec![series::event(client, stream, id).await?]),
        (Kind::Events, Some(stream), None) => {
            let found = there(series::events(client, stream, interval).await)?;
            Ok(found
                .map(|objects| Shown { objects, named: false })
                .ok_or_else(|| unknown(Kind::Annotations, stream)))
        }
        (Kind::Audit, ..) => {
            let wanted = match audit::wanted(args) {
                Ok(wanted) => wanted,
                Err(stop) => return Ok(Err(stop.into())),
            };
            let found = there(audit::read(client, &wanted).await)?;
            Ok(found.map(|objects| Shown { objects, named: false }).ok_or_else(no_audit))
        }
        (kind, _, Some(id)) => match remote::numbered(client, kind, id).await? {
            Some(entry) => named(remote::completed(client, kind, vec![entry]).await?),
            None => Ok(Err(missing(kind, &format!("with the id {id}"), None))),
        },
        (kind, None, None) => {
            let objects = in_order(remote::list(client, kind, "").await?);
            Ok(Ok(Shown { objects, named: false }))
        }
        (kind, Some(name), None) => by_name(client, kind, name).await,
    }
}

/// What makes a name a pattern.
pub const SIGNS: [char; 4] = ['*', '?', '[', '{'];

/// One object of this very name, or all that a pattern fits.
async fn by_name(client: &Client, kind: Kind, name: &str) -> anyhow::Result<anyhow::Result<Shown>> {
    // A name may look like a pattern.
    let exact = remote::called(client, kind, name).await?;
    if !exact.is_empty() {
        return Ok(Ok(Shown { objects: remote::completed(client, kind, exact).await?, named: true }));
    }
    if !name.contains(SIGNS) {
        let all = remote::list(client, kind, "").await?;
        let missing = not_called(kind, name, &all);
        return Ok(Err(if kind == Kind::Charts && !name.contains('/') {
            by_space(missing, name)
        } else {
            missing
        }));
    }
    let glob = match glob(kind, name) {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => {
            let message = format!("`{}` is not a pattern: {}", printable(name), error.kind());
            return Ok(Err(Stop::usage(message, "patterns look like web.*").into()));
        }
    };
    // Everything the pattern fits contains what stands before its first sign.
    let part = name.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default();
    let mut found = remote::list(client, kind, part).await?;
    found.retain(|entry| glob.is_match(&entry.name));
    Ok(Ok(Shown { objects: in_order(found), named: false }))
}

/// A chart is named with its space in front.
fn by_space(missing: anyhow::Error, name: &str) -> anyhow::Error {
    let name = printable(name);
    with_help(
        missing,
        format!("charts are named SPACE/CHART: `get charts '{name}*/*'` lists those of spaces that begin so"),
    )
}

/// By name, whatever order the service has; the charts of a space in the order in which it shows them.
fn in_order(mut entries: Vec<Entry>) -> Vec<Value> {
    let name = |entry: &Entry| entry.raw["space"].as_str().unwrap_or(&entry.name).to_owned();
    entries.sort_by_cached_key(name);
    entries.into_iter().map(|entry| entry.raw).collect()
}

fn glob(kind: Kind, pattern: &str) -> Result<Glob, globset::Error> {
    let folded = remote::collection(kind).is_some_and(|of| of.identity == Identity::FoldedName);
    GlobBuilder::new(pattern).case_insensitive(folded).build()
}

/// What was read; `None` where the service says that it is not there.
fn there<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if error.is_not_found() => Ok(None),
        read => read.map(Some),
    }
}

fn no_audit() -> anyhow::Error {
    let help = vec!["the built-in server does, for those whose role is operator or admin".to_owned()];
    Stop { exit: Exit::Error, message: "this service keeps no audit".to_owned(), help }.into()
}

fn unknown(kind: Kind, name: &str) -> anyhow::Error {
    missing(kind, &format!("called \"{}\"", printable(name)), None)
}

//! What alerts came to: incidents, deliveries and silences, as far as a service keeps them. They are found by their alert,
//! not by names of their own.

use librato_apply::diag::printable;
use librato_apply::pattern;
use librato_apply::remote::Client;
use serde_json::Value;

use super::asked::Asked;
use super::missing::not_called;
use super::{columns, document, watch};
use crate::cli::args::Global;
use crate::cli::args::get::{Get, GetFormat};
use crate::cli::args::kind::Kind;
use crate::cli::endpoint::Access;
use crate::cli::exit::{Exit, Stop};
use crate::cli::progress::waiting;
use crate::cli::table::Table;
use crate::cli::ui::Ui;
use crate::cli::{remote, time};

/// How far back is looked where nothing is said: a week.
const BACK: i64 = 7 * 86_400;

/// Whether they are things of this kind.
pub fn are(kind: Kind) -> bool {
    matches!(kind, Kind::Incidents | Kind::Deliveries | Kind::Silences)
}

/// Flags that mean nothing to them, or only to them.
pub fn check(args: &Get) -> Result<(), Stop> {
    let kinds = args.kind.plural();
    if !are(args.kind) {
        return match args.status.is_some() || args.service.is_some() || args.watch {
            true => Err(Stop::usage(
                format!("{kinds} have no such states"),
                "--status, --service and --watch are for incidents, deliveries and silences",
            )),
            false => Ok(()),
        };
    }
    let series = args.end.is_some() || args.count.is_some() || args.resolution.is_some();
    if series || !args.sources.is_empty() || args.start.is_some() && args.kind == Kind::Silences {
        return Err(Stop::usage(format!("{kinds} are not chosen so"), "give an alert, or --status"));
    }
    if args.id.is_some() {
        return Err(Stop::usage(
            format!("{kinds} are not chosen by ids"),
            "give the alert: its name, or a pattern",
        ));
    }
    if args.service.is_some() && args.kind != Kind::Deliveries {
        return Err(Stop::usage(format!("{kinds} are of no service"), "--service is for deliveries"));
    }
    if args.watch && args.kind != Kind::Incidents {
        return Err(Stop::usage(format!("{kinds} cannot be watched"), "--watch is for incidents"));
    }
    if args.watch && args.format == Some(GetFormat::Yaml) {
        return Err(Stop::usage(
            "what is watched has no end, and so is no YAML document",
            "--format json has a line for each change",
        ));
    }
    Ok(())
}

/// Shows them, or each that comes.
pub async fn show(args: &Get, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let asked = Asked { kind: args.kind, query: query(args, time::now())? };
    remote::with_service(global, ui, Access::Read, async |client, target| {
        if args.watch {
            return watch::watch(client, &asked, args.format == Some(GetFormat::Json), ui).await;
        }
        let what = format!("reading {target}");
        let mut found =
            waiting(ui, &what, asked.read(client)).await.map_err(|error| asked.explained(error))?;
        let mut ended = 0;
        if args.kind == Kind::Silences {
            let named = |found: &Value| {
                let alert = found["alert"].as_str().unwrap_or_default();
                args.name
                    .as_deref()
                    .is_none_or(|name| pattern::same(name, alert) || pattern::matches(name, alert))
            };
            found.retain(named);
            let all = found.len();
            found.retain(|found| args.status.is_some() || found["status"] != "ended");
            ended = all - found.len();
        } else if found.is_empty() {
            unknown(client, args).await?;
        }
        match args.format {
            Some(GetFormat::Json) => ui.document(&document::json(args.kind, &found)?),
            Some(GetFormat::Yaml) => ui.document(&document::yaml(args.kind, &found)?),
            Some(GetFormat::Table) | None if found.is_empty() => ui.say(&nothing(args, ended)),
            Some(GetFormat::Table) | None => {
                let (header, rows) = columns::of(args.kind, &found);
                ui.out(&Table { header, rows }.render(ui.width()));
            }
        }
        Ok(Exit::Done)
    })
    .await
}

/// Where nothing was found of an alert or a service, it may be misspelt.
async fn unknown(client: &Client, args: &Get) -> anyhow::Result<()> {
    for (kind, name) in [(Kind::Alerts, &args.name), (Kind::Services, &args.service)] {
        let Some(name) = name.as_deref().filter(|name| !name.contains('*') && name.parse::<u64>().is_err())
        else {
            continue;
        };
        let Ok(all) = remote::list(client, kind, "").await else { continue };
        if !all.iter().any(|entry| pattern::same(name, &entry.name)) {
            return Err(not_called(kind, name, &all));
        }
    }
    Ok(())
}

fn nothing(args: &Get, ended: usize) -> String {
    let of = args.name.as_deref().map(|name| format!(" of {}", printable(name))).unwrap_or_default();
    let when = match (args.kind, &args.start) {
        (Kind::Silences, _) => "",
        (_, Some(_)) => " in this time",
        (_, None) => " in the last 7 days",
    };
    let more = match ended {
        0 => String::new(),
        _ => format!(
            " {} ended: --status ended shows them.",
            if ended == 1 { "One has".to_owned() } else { format!("{ended} have") }
        ),
    };
    format!("There are no {}{of}{when}.{more}", args.kind.plural())
}

fn query(args: &Get, now: i64) -> Result<Vec<(String, String)>, Stop> {
    let mut query = Vec::new();
    if let Some(status) = &args.status {
        query.push(("status".to_owned(), status.clone()));
    }
    if args.kind == Kind::Silences {
        return Ok(query);
    }
    let start = args.start.as_ref().map(|text| time::parse(text, now, "--start")).transpose()?;
    // What is watched is what is open now, and what comes.
    let back = if args.watch { now } else { now - BACK };
    query.push(("start_time".to_owned(), start.unwrap_or(back).to_string()));
    let more = [("alert", &args.name), ("service", &args.service)];
    query.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))));
    Ok(query)
}

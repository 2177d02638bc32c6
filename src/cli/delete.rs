//! `delete`: single objects by their exact names. Everything is looked up and judged before the first one goes.

use anyhow::Context;
use librato_apply::client::{Alert, Object};
use librato_apply::diag::printable;
use librato_apply::model::ALERT_STREAM;
use librato_apply::remote::{ApiError, Call, Client, Method, ReadApi, WriteApi, segment};
use librato_apply::wire::lenient;

use super::args::Global;
use super::args::delete::Delete;
use super::args::kind::Kind;
use super::confirm;
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::get::{SIGNS, missing, not_called, with_help};
use super::progress::waiting;
use super::remote::{self, Entry};
use super::target::Target;
use super::ui::Ui;

/// Deletes what is named.
pub async fn delete(args: &Delete, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    check(args)?;
    if !args.auto_approve {
        confirm::check_that_somebody_can_answer("look with `get` first, then give --auto-approve")?;
    }
    remote::with_service(global, ui, Access::Change, async |client, target| {
        let what = format!("reading {target}");
        let chosen = waiting(ui, &what, chosen(client, args)).await?;
        judge(client, args, &chosen).await?;
        if !args.auto_approve {
            ask(args, &chosen, target, ui)?;
        }
        ui.stage.sends();
        remove(client, args.kind, &chosen, ui).await
    })
    .await
}

/// What makes no sense to ask for.
fn check(args: &Delete) -> Result<(), Stop> {
    let kind = args.kind;
    match (kind, args.id, args.names.as_slice()) {
        (Kind::Measurements | Kind::Snapshots | Kind::Audit, ..) => Err(Stop::usage(
            format!("{} cannot be deleted", kind.plural()),
            "measurements go with their metric: delete metric NAME",
        )),
        (Kind::Incidents | Kind::Deliveries, ..) => Err(Stop::usage(
            format!("{} cannot be deleted", kind.plural()),
            "the server forgets them after 90 days",
        )),
        (Kind::Silences, ..) => Err(Stop::usage("silences are ended, not deleted", "unsilence ID")),
        (Kind::Events, Some(_), [_]) => Ok(()),
        (Kind::Events, ..) => {
            Err(Stop::usage("which event?", "give its stream and its id: delete event STREAM --id ID"))
        }
        (kind, None, []) => Err(Stop::usage(
            format!("which {}?", kind.noun()),
            format!("give its name: delete {} NAME; or its id: --id ID", kind.argument()),
        )),
        (_, Some(_), [_, ..]) => Err(Stop::usage("a name and an id are given", "leave one of them out")),
        (kind, Some(_), []) if !remote::has_ids(kind) => {
            let message = format!("{} have no ids", kind.plural());
            Err(Stop::usage(message, format!("give the name: delete {} NAME", kind.argument())))
        }
        _ => Ok(()),
    }
}

/// All that is named, each there exactly once.
async fn chosen(client: &Client, args: &Delete) -> anyhow::Result<Vec<Entry>> {
    let kind = args.kind;
    if let Some(id) = args.id {
        let found = match (kind, args.names.first()) {
            (Kind::Events, Some(stream)) => event(client, stream, id).await?,
            _ => remote::numbered(client, kind, id).await?,
        };
        return Ok(vec![found.ok_or_else(|| missing(kind, &format!("with the id {id}"), None))?]);
    }
    let mut chosen: Vec<Entry> = Vec::new();
    for name in &args.names {
        let mut found = remote::called(client, kind, name).await?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => {
                if !chosen.iter().any(|other| other.path == one.path) {
                    chosen.push(one);
                }
            }
            (None, _) => {
                let all = remote::list(client, kind, "").await?;
                let missing = not_called(kind, name, &all);
                if !name.contains(SIGNS) {
                    return Err(missing);
                }
                let (kinds, name) = (kind.plural(), printable(name));
                return Err(with_help(
                    missing,
                    format!("exact names only; `get {kinds} '{name}'` lists them"),
                ));
            }
            (Some(last), false) => {
                found.push(last);
                return Err(ambiguous("delete", kind, name, &found).into());
            }
        }
    }
    Ok(chosen)
}

async fn event(client: &Client, stream: &str, id: u64) -> Result<Option<Entry>, ApiError> {
    let path = format!("/annotations/{}/{id}", segment(stream));
    match client.get(&path, &[]).await {
        Ok(raw) if lenient::id(&raw["id"]) != Some(id) => Ok(None),
        Ok(raw) => {
            let name = lenient::text(&raw["title"]).unwrap_or_default().to_owned();
            Ok(Some(Entry { name, id: Some(id), path, raw }))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Several objects have the name: no one but the user can know which is meant.
pub fn ambiguous(command: &str, kind: Kind, name: &str, found: &[Entry]) -> Stop {
    let mut ids: Vec<u64> = found.iter().filter_map(|entry| entry.id).collect();
    ids.sort_unstable();
    let which = if command == "delete" { format!("delete {}", kind.argument()) } else { command.to_owned() };
    let help = ids.first().map(|id| format!("say which one is meant: librato-apply {which} --id {id}"));
    let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let (count, plural) = (found.len(), kind.plural());
    let message = format!("{count} {plural} are called \"{}\": ids {ids}", printable(name));
    Stop { exit: Exit::Refused, message, help: help.into_iter().collect() }
}

/// The safety rules.
async fn judge(client: &Client, args: &Delete, chosen: &[Entry]) -> anyhow::Result<()> {
    let refuse =
        |message: String, help: &str| Stop { exit: Exit::Refused, message, help: vec![help.to_owned()] };
    let names = |entries: &[&Entry]| {
        entries.iter().map(|entry| printable(&entry.name)).collect::<Vec<_>>().join(", ")
    };
    if args.kind == Kind::Annotations && chosen.iter().any(|entry| entry.name == ALERT_STREAM) {
        let message = format!("the service keeps what alerts did in {ALERT_STREAM}: it is never deleted");
        return Err(refuse(message, "leave it out").into());
    }
    let with_data: Vec<&Entry> = chosen.iter().filter(|entry| data(args.kind, entry).is_some()).collect();
    if let (Some(first), false) = (with_data.first(), args.delete_data) {
        let lost = data(args.kind, first).unwrap_or_default();
        let message = format!("{} would be deleted {lost}, which nothing brings back", names(&with_data));
        return Err(refuse(message, "give --delete-data if that is meant").into());
    }
    if args.kind == Kind::Services {
        let users = users(client, chosen).await?;
        if !users.is_empty() {
            let message = format!("still used by the alerts {}", users.join(", "));
            return Err(refuse(message, "take it out of these alerts first").into());
        }
    }
    Ok(())
}

/// What is lost with an object, beyond its definition.
fn data(kind: Kind, entry: &Entry) -> Option<&'static str> {
    match kind {
        Kind::Metrics if entry.raw["type"] != "composite" => Some("with all its measurements"),
        Kind::Annotations => Some("with all its events"),
        _ => None,
    }
}

/// The alerts that notify one of these services.
async fn users(client: &Client, services: &[Entry]) -> anyhow::Result<Vec<String>> {
    let alerts = client.list(&Alert::COLLECTION.listing(Alert::COLLECTION.path.into())).await;
    let alerts = alerts.context("cannot find out which alerts use it")?;
    let uses = |alert: &&serde_json::Value| {
        let used = alert["services"].as_array().into_iter().flatten();
        let mut used =
            used.filter_map(|service| lenient::id(service).or_else(|| lenient::id(&service["id"])));
        used.any(|id| services.iter().any(|service| service.id == Some(id)))
    };
    Ok(alerts.iter().filter(uses).filter_map(|alert| lenient::text(&alert["name"]).map(printable)).collect())
}

fn ask(args: &Delete, chosen: &[Entry], target: &Target, ui: &Ui) -> anyhow::Result<()> {
    for entry in chosen {
        let lost = data(args.kind, entry).map(|lost| format!(", {lost}")).unwrap_or_default();
        ui.complain(&format!("  - delete {}{lost}", title(args.kind, entry)));
    }
    confirm::ask(&format!("Delete this from {target}?"), "nothing was deleted", ui)
}

/// `alert "web.slow"`, with the id where there is one.
pub fn title(kind: Kind, entry: &Entry) -> String {
    let id = entry.id.map(|id| format!(" (id {id})")).unwrap_or_default();
    format!("{} \"{}\"{id}", kind.noun(), printable(&entry.name))
}

async fn remove(client: &Client, kind: Kind, chosen: &[Entry], ui: &Ui) -> anyhow::Result<Exit> {
    let (mut deleted, mut failed) = (0, 0);
    for entry in chosen {
        let call = Call { method: Method::Delete, path: entry.path.clone(), body: None };
        match client.with_retry(|| client.send(&call)).await {
            Ok(_) => {
                deleted += 1;
                ui.done(&format!("Deleted {}.\n", title(kind, entry)));
            }
            // It was there a moment ago: an attempt whose answer was lost has done it, or someone else has.
            Err(error) if error.is_not_found() => {
                deleted += 1;
                ui.done(&format!("Deleted {}: it is gone.\n", title(kind, entry)));
            }
            Err(error) => {
                failed += 1;
                ui.error(
                    &format!("{} was not deleted: {}", title(kind, entry), printable(&error.to_string())),
                    &[],
                );
            }
        }
    }
    Ok(match (deleted, failed) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Error,
        _ => Exit::Partial,
    })
}

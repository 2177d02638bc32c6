//! `notify`: tries a service out, and shows who would be paged by what is held back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use librato_apply::diag::{counted, printable};
use librato_apply::pattern;
use librato_apply::remote::{ApiError, Call, Client, Listing, Method, WriteApi};
use serde_json::{Map, Value, json};

use super::args::Global;
use super::args::kind::Kind;
use super::args::notify::{Notify, NotifyCommand, NotifyTest};
use super::delete::ambiguous;
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::get::{missing, not_called};
use super::remote::{self, Entry};
use super::target::Target;
use super::ui::Ui;

/// The server waits for the far end twice, 15 s each, or longer for a mail to many.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does what was asked for.
pub async fn notify(args: &Notify, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    match &args.command {
        NotifyCommand::Test(args) => test(args, global, ui).await,
        NotifyCommand::Plan => plan(global, ui).await,
    }
}

async fn test(args: &NotifyTest, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let global = Global { timeout: global.timeout.max(PATIENCE), ..global.clone() };
    remote::with_service(&global, ui, Access::Change, async |client, target| {
        let service = find(client, args).await?;
        let mut body = Map::from_iter([("clear".to_owned(), json!(!args.no_clear))]);
        if let Some(alert) = &args.alert {
            check_alert(client, alert).await?;
            body.insert("alert".to_owned(), json!(alert));
        }
        let call = Call {
            method: Method::Post,
            path: format!("{}/test", service.path),
            body: Some(Value::Object(body)),
        };
        ui.stage.sends();
        let reply = client.send(&call).await.map_err(|error| match error.status() {
            Some(404 | 405 | 501) => no_route(target),
            _ => anyhow::Error::from(error),
        })?;
        let answer = reply.body.ok_or_else(|| no_route(target))?;
        let title =
            format!("service \"{}\" ({})", printable(&service.name), word(&answer["service"]["type"]));
        ui.out(&format!("Test of {title} on {target}:\n"));
        for message in answer["messages"].as_array().into_iter().flatten() {
            ui.out(&line(message));
        }
        Ok(if answer["ok"] == true { Exit::Done } else { Exit::Error })
    })
    .await
}

/// The alert that a test seems to be about has to be there.
async fn check_alert(client: &Client, name: &str) -> anyhow::Result<()> {
    let all = remote::list(client, Kind::Alerts, "").await?;
    if all.iter().any(|entry| pattern::same(name, &entry.name)) || name.parse::<u64>().is_ok() {
        return Ok(());
    }
    Err(not_called(Kind::Alerts, name, &all))
}

fn no_route(target: &Target) -> anyhow::Error {
    let message = format!("{target} has no route that sends test messages; `librato-apply serve` has");
    let help = vec!["trigger an alert by submitting a measurement that violates it".to_owned()];
    Stop { exit: Exit::Error, message, help }.into()
}

/// What came of one message, on one line.
fn line(message: &Value) -> String {
    let outcome = match word(&message["outcome"]).as_str() {
        "sent" => "taken".to_owned(),
        "refused" => "REFUSED".to_owned(),
        "unavailable" if message["status"].is_u64() => "NOT TAKEN".to_owned(),
        "unavailable" => "NOT REACHED".to_owned(),
        "not_configured" => "NOT SENT".to_owned(),
        "unsupported" => "UNSUPPORTED".to_owned(),
        "not_taken" => "not sent".to_owned(),
        other => other.to_owned(),
    };
    let target = message["target"].as_str().map(|host| format!(" by {}", printable(host)));
    let status = message["status"].as_u64().map(|status| format!(", status {status}"));
    let took = message["milliseconds"].as_u64().filter(|_| target.is_some());
    let took = took.map(|time| format!(", {time} ms"));
    let detail = message["detail"].as_str().filter(|text| !text.is_empty());
    let detail = detail.map(|text| format!(": {}", printable(text)));
    let parts = [target, status, took, detail].map(|part| part.unwrap_or_else(String::new));
    format!("  {:<7}  {outcome}{}\n", word(&message["kind"]), parts.concat())
}

/// A text of an answer, made harmless.
fn word(value: &Value) -> String {
    printable(value.as_str().unwrap_or("?"))
}

async fn find(client: &Client, args: &NotifyTest) -> anyhow::Result<Entry> {
    if let Some(id) = args.id {
        let found = remote::numbered(client, Kind::Services, id).await?;
        return found.ok_or_else(|| missing(Kind::Services, &format!("with the id {id}"), None));
    }
    let name = args.name.as_deref().unwrap_or("");
    let mut found = remote::called(client, Kind::Services, name).await?;
    match (found.len(), found.pop()) {
        (1, Some(service)) => Ok(service),
        (_, Some(last)) => {
            found.push(last);
            Err(ambiguous("notify test", Kind::Services, name, &found).into())
        }
        (_, None) => {
            let all = remote::list(client, Kind::Services, "").await?;
            Err(not_called(Kind::Services, name, &all))
        }
    }
}

/// Who would be told, by service, and of what.
async fn plan(global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    remote::with_service(global, ui, Access::Read, async |client, target| {
        let none = |error: ApiError| match error.is_not_found() {
            true => {
                let message = format!("{target} keeps no list of deliveries; `librato-apply serve` does");
                anyhow::Error::from(Stop { exit: Exit::Error, message, help: Vec::new() })
            }
            false => error.into(),
        };
        let held = list(client, "deliveries", ("status", "held")).await.map_err(none)?;
        let open = list(client, "incidents", ("status", "open")).await.map_err(none)?;
        let open: BTreeSet<&str> = open.iter().filter_map(|one| one["incident_key"].as_str()).collect();
        let told = |one: &&Value| {
            one["kind"] == "trigger" && one["incident_key"].as_str().is_some_and(|key| open.contains(key))
        };
        let mut services: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for one in held.iter().filter(told) {
            let service = (word(&one["service"]["title"]), word(&one["service"]["type"]));
            services.entry(service).or_default().insert(word(&one["alert"]["name"]));
        }
        if services.is_empty() {
            ui.done(&format!("Nobody would be paged by what {target} holds back.\n"));
            return Ok(Exit::Done);
        }
        for ((title, kind), alerts) in &services {
            ui.out(&format!(
                "service \"{title}\" ({kind}) would be told of {}:\n",
                counted(alerts.len(), "alert")
            ));
            alerts.iter().for_each(|alert| ui.out(&format!("  {alert}\n")));
        }
        ui.say("`serve --notify` or `serve adopt` lets them go");
        Ok(Exit::Done)
    })
    .await
}

async fn list(client: &Client, key: &'static str, filter: (&str, &str)) -> Result<Vec<Value>, ApiError> {
    use librato_apply::remote::ReadApi;

    let query = vec![(filter.0.to_owned(), filter.1.to_owned())];
    let identity = |entry: &Value| entry["id"].as_u64().map(|id| id.to_string());
    let listing = Listing { path: format!("/{key}"), key, query, order: None, identity, tagged: false };
    client.list(&listing).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let failing = json!({"kind": "trigger", "outcome": "unavailable", "target": "x", "status": 500, "milliseconds": 3});
        assert_eq!(line(&failing), "  trigger  NOT TAKEN by x, status 500, 3 ms\n");
        let taken = json!({"kind": "trigger", "outcome": "sent", "target": "hooks.slack.com", "status": 200,
            "milliseconds": 143, "detail": null});
        assert_eq!(line(&taken), "  trigger  taken by hooks.slack.com, status 200, 143 ms\n");
        let refused = json!({"kind": "clear", "outcome": "refused", "target": "x", "status": 404,
            "milliseconds": 3, "detail": "no\u{1b}[31m"});
        assert!(line(&refused).starts_with("  clear    REFUSED by x, status 404, 3 ms: no"));
        assert!(!line(&refused).contains('\u{1b}'));
        let unsent = json!({"kind": "trigger", "outcome": "not_configured", "milliseconds": 0,
            "detail": "no mail relay is configured"});
        assert_eq!(line(&unsent), "  trigger  NOT SENT: no mail relay is configured\n");
    }
}

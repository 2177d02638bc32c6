//! What alerts came to: incidents, deliveries and silences, as far as a service keeps them. They are found by their alert,
//! not by names of their own.

use librato_apply::diag::printable;
use librato_apply::pattern;
use librato_apply::remote::{ApiError, Client, Listing, ReadApi};
use librato_apply::wire::lenient;
use serde_json::Value;

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
        if args.kind == Kind::Silences {
            let named = |found: &Value| {
                let alert = found["alert"].as_str().unwrap_or_default();
                args.name
                    .as_deref()
                    .is_none_or(|name| pattern::same(name, alert) || pattern::matches(name, alert))
            };
            found.retain(|found| named(found) && (args.status.is_some() || found["status"] != "ended"));
        }
        match args.format {
            Some(GetFormat::Json) => ui.document(&document::json(args.kind, &found)?),
            Some(GetFormat::Yaml) => ui.document(&document::yaml(args.kind, &found)?),
            Some(GetFormat::Table) | None if found.is_empty() => ui.say(&nothing(args)),
            Some(GetFormat::Table) | None => {
                let (header, rows) = columns::of(args.kind, &found);
                ui.out(&Table { header, rows }.render(ui.width()));
            }
        }
        Ok(Exit::Done)
    })
    .await
}

fn nothing(args: &Get) -> String {
    let of = args.name.as_deref().map(|name| format!(" of {}", printable(name))).unwrap_or_default();
    let when = match (args.kind, &args.start) {
        (Kind::Silences, _) => "",
        (_, Some(_)) => " in this time",
        (_, None) => " in the last 7 days",
    };
    format!("There are no {}{of}{when}.", args.kind.plural())
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

/// What is asked for, again and again where it is watched.
pub struct Asked {
    kind: Kind,
    query: Vec<(String, String)>,
}

impl Asked {
    /// The open incidents of an alert.
    pub fn open(alert: u64) -> Asked {
        let query = [("alert", alert.to_string()), ("status", "open".to_owned())];
        Asked { kind: Kind::Incidents, query: query.map(|(key, value)| (key.to_owned(), value)).into() }
    }

    /// All of them, oldest first.
    ///
    /// # Errors
    /// Where the service does not say it.
    pub async fn read(&self, client: &Client) -> Result<Vec<Value>, ApiError> {
        let identity = |raw: &Value| lenient::id(&raw["id"]).map(|id| id.to_string());
        let key = self.kind.plural();
        let (path, query) = (format!("/{key}"), self.query.clone());
        client.list(&Listing { path, key, query, order: None, identity, tagged: false }).await
    }

    /// A service that has no such thing says only that there is nothing of that name.
    pub fn explained(&self, error: ApiError) -> anyhow::Error {
        if !error.is_not_found() {
            return error.into();
        }
        let message = format!("this service keeps no {}", self.kind.plural());
        let help = vec!["`librato-apply serve` does; the API that others speak has none".to_owned()];
        Stop { exit: Exit::Error, message, help }.into()
    }
}

/// Why an incident opened: `web.ms above 800: web1 912, web2 850`.
pub fn why(incident: &Value) -> String {
    let mut causes: Vec<(String, Vec<String>)> = Vec::new();
    for violation in incident["violations"].as_array().into_iter().flatten() {
        let threshold = columns::text(&violation["threshold"]);
        let words =
            [&columns::text(&violation["metric"]), &columns::text(&violation["condition_type"]), &threshold];
        let cause = words.into_iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        let value = match violation["condition_type"].as_str() {
            Some("absent") => String::new(),
            _ => columns::text(&violation["value"]),
        };
        let stream = format!("{} {value}", columns::text(&violation["stream"])).trim().to_owned();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, streams)) => streams.push(stream),
            None => causes.push((cause, vec![stream])),
        }
    }
    let mut words: Vec<String> =
        causes.into_iter().map(|(cause, streams)| format!("{cause}: {}", streams.join(", "))).collect();
    match incident["violations_truncated"].as_u64() {
        Some(more) if more > 0 => words.push(format!("and {more} more")),
        _ => {}
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_incident_says_why_by_condition() {
        let violation = |stream: &str, kind: &str, threshold: Value, value: f64| json!({"stream": stream, "metric": "web.ms", "condition_type": kind, "threshold": threshold, "value": value});
        let incident = json!({"violations": [
            violation("web1", "above", json!(800.0), 912.5),
            violation("web2", "above", json!(800.0), 850.0),
            violation("web3", "absent", json!(null), 3.0),
        ], "violations_truncated": 2});
        assert_eq!(why(&incident), "web.ms above 800: web1 912.5, web2 850; web.ms absent: web3; and 2 more");
        assert_eq!(why(&json!({})), "");
    }
}

//! Which alerts are triggered, and when they last were, who was not told of it, and whether they are silenced, for a table. What a service
//! does not say is left out.

use std::collections::BTreeMap;

use librato_apply::pattern;
use librato_apply::remote::{Client, ReadApi};
use librato_apply::wire::lenient;
use serde_json::Value;

use super::asked::Asked;
use super::columns;
use crate::cli::args::kind::Kind;
use crate::cli::unevaluated;

/// The states of alerts by their ids, in words.
#[derive(Default)]
pub struct States {
    by_id: BTreeMap<u64, String>,
    /// That of all others.
    others: Option<&'static str>,
    /// When each last fired, where the service says it.
    fired: Option<BTreeMap<u64, String>>,
    /// Silences that are on.
    silences: Vec<Value>,
}

/// Asks the service.
pub async fn read(client: &Client) -> States {
    // Others may take no parameter that they do not know.
    let tells = client.asks_the_built_in_server() && !client.leaves_alerts_unevaluated();
    let query = if tells { vec![("fired", "true".to_owned())] } else { Vec::new() };
    let Ok(found) = client.get("/alerts/status", &query).await else { return States::default() };
    let mut states = States { others: Some("ok"), ..States::default() };
    if client.leaves_alerts_unevaluated() {
        states.others = Some(unevaluated::STATUS);
    }
    for (list, time, word) in
        [("cleared", "cleared_at", "ok, cleared"), ("firing", "triggered_at", "triggered")]
    {
        for entry in found[list].as_array().into_iter().flatten() {
            if let Some(id) = lenient::id(&entry["id"]) {
                let since = columns::time(&entry[time]);
                states.by_id.insert(id, format!("{word} {since}").trim_end().to_owned());
            }
        }
    }
    states.fired = found["fired"].as_array().map(|fired| {
        let one = |entry: &Value| Some((lenient::id(&entry["id"])?, columns::time(&entry["fired_at"])));
        fired.iter().filter_map(one).collect()
    });
    if !tells {
        return states;
    }
    if !states.by_id.is_empty() {
        for incident in also(client, Kind::Incidents, "open").await {
            let heard = columns::heard(&incident);
            if let Some(state) =
                lenient::id(&incident["alert"]["id"]).and_then(|id| states.by_id.get_mut(&id))
                && !state.contains(&heard)
            {
                state.push_str(&heard);
            }
        }
    }
    states.silences = also(client, Kind::Silences, "active").await;
    states
}

/// What there is of a kind; nothing where the service does not say it.
async fn also(client: &Client, kind: Kind, status: &str) -> Vec<Value> {
    let query = vec![("status".to_owned(), status.to_owned())];
    // The states of alerts are worth showing without it.
    let Ok(found) = Asked { kind, query }.read(client).await else { return Vec::new() };
    found
}

impl States {
    /// Writes them into the alerts.
    pub fn put_into(&self, alerts: &mut [Value]) {
        for alert in alerts.iter_mut().filter(|_| self.others.is_some()) {
            let known = lenient::id(&alert["id"]).and_then(|id| self.by_id.get(&id).map(String::as_str));
            if let Some(fired) = &self.fired {
                let last = lenient::id(&alert["id"]).and_then(|id| fired.get(&id)).map_or("", String::as_str);
                alert[columns::FIRED] = last.into();
            }
            let silenced = self.silenced(alert["name"].as_str().unwrap_or_default());
            alert[columns::STATE] = format!("{}{silenced}", known.or(self.others).unwrap_or_default()).into();
        }
    }

    /// Until when an alert is silenced, and whether only some of its streams are.
    fn silenced(&self, name: &str) -> String {
        let of = |silence: &&Value| pattern::matches(silence["alert"].as_str().unwrap_or_default(), name);
        let whole = |silence: &&Value| silence["stream"] == "*";
        let end = |silence: &Value| silence["end_time"].as_i64();
        let all = || self.silences.iter().filter(of);
        match (all().filter(whole).max_by_key(|one| end(one)), all().max_by_key(|one| end(one))) {
            (Some(one), _) => format!(", silenced until {}", columns::time(&one["end_time"])),
            (None, Some(one)) => format!(", partly silenced until {}", columns::time(&one["end_time"])),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_says_that_it_is_silenced() {
        let silence =
            |alert: &str, stream: &str, end: i64| json!({"alert": alert, "stream": stream, "end_time": end});
        let silences = vec![
            silence("web.*", "*", 1_700_000_000),
            silence("web.slow", "web1", 1_800_000_000),
            silence("db.slow", "db1", 1_700_000_000),
        ];
        let states = States { others: Some("ok"), silences, ..States::default() };
        let mut alerts = ["web.slow", "db.slow", "other"].map(|name| json!({"id": 1, "name": name}));
        states.put_into(&mut alerts);
        let said = alerts.map(|alert| alert[columns::STATE].as_str().unwrap().to_owned());
        assert_eq!(
            said,
            [
                "ok, silenced until 2023-11-14T22:13:20Z",
                "ok, partly silenced until 2023-11-14T22:13:20Z",
                "ok"
            ]
        );
    }
}

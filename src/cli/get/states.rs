//! Which alerts are triggered, and when they last were, for a table. What a service does not say is left out.

use std::collections::BTreeMap;

use librato_apply::remote::{Client, ReadApi};
use librato_apply::wire::lenient;
use serde_json::Value;

use super::columns;
use crate::cli::unevaluated;

/// The states of alerts by their ids, in words.
#[derive(Default)]
pub struct States {
    by_id: BTreeMap<u64, String>,
    /// That of all others.
    others: Option<&'static str>,
    /// When each last fired, where the service says it.
    fired: Option<BTreeMap<u64, String>>,
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
    states
}

impl States {
    /// Writes them into the alerts.
    pub fn put_into(&self, alerts: &mut [Value]) {
        for alert in alerts.iter_mut().filter(|_| self.others.is_some()) {
            let known = lenient::id(&alert["id"]).and_then(|id| self.by_id.get(&id).map(String::as_str));
            alert[columns::STATE] = known.or(self.others).into();
            if let Some(fired) = &self.fired {
                let last = lenient::id(&alert["id"]).and_then(|id| fired.get(&id)).map_or("", String::as_str);
                alert[columns::FIRED] = last.into();
            }
        }
    }
}

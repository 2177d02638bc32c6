//! A message as the JSON that services of the original were handed, which webhooks still get. Pure.

use serde_json::{Map, Value, json};

use super::message::{Message, Test, Violation, What};
use super::text::{blocks, duration, rest};

/// What is known of the alert: every key is always there.
pub(super) fn alert(message: &Message) -> Value {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let alert = &message.alert;
    json!({"id": alert.id, "name": alert.name, "version": 2,
        "description": text(&alert.description), "runbook_url": text(&alert.runbook_url)})
}

/// A trigger or a clear, with `kept` of the streams.
pub(super) fn payload(message: &Message, kept: usize) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut put = |name: &str, value: Value| _ = payload.insert(name.to_owned(), value);
    put("alert", alert(message));
    put("account", message.account.clone().into());
    put("trigger_time", message.at.into());
    put("incident_key", message.key.clone().into());
    match message.what {
        What::Trigger { .. } => {
            put("conditions", conditions(message));
            put("violations", violations(message, kept));
            let rest = rest(message, kept);
            if rest > 0 {
                put("violations_truncated", rest.into());
            }
            put("triggered_by_user_test", message.test.into());
        }
        What::Clear { how } => put("clear", json!(how)),
    }
    payload
}

/// The keys that the original named, of those that a condition has.
fn conditions(message: &Message) -> Value {
    let of = |condition: &Value| {
        let named = ["id", "type", "threshold", "duration"].into_iter();
        let known = named.filter_map(|key| Some((key.to_owned(), condition.get(key)?.clone())));
        Value::Object(known.collect())
    };
    message.conditions.iter().map(of).collect()
}

fn violations(message: &Message, kept: usize) -> Value {
    let mut streams = Map::new();
    for block in blocks(message).into_iter().take(kept) {
        let all = block.violations.iter().map(|one| violation(message, one)).collect();
        streams.insert(block.stream.to_owned(), all);
    }
    Value::Object(streams)
}

/// Only where a condition asks for a time did several values count.
fn violation(message: &Message, one: &Violation) -> Value {
    let mut shown = json!({"metric": one.metric, "value": one.value, "recorded_at": one.recorded_at,
        "condition_violated": one.condition_id});
    if one.test != Test::Absent && duration(message, one).is_some() {
        (shown["count"], shown["begin"], shown["end"]) = (one.count.into(), one.begin.into(), one.end.into());
    }
    shown
}

//! What a PUT replaces as a whole, laid over what was read of it: what did not change is sent as it was, and what we do not know of
//! an item, at whatever depth, stays with it.

use serde_json::Value;

use crate::diff::Origins;
use crate::diff::items::pair_edited;
use crate::model::{Condition, MASKED, Resource, ServiceSettings, Threshold, is_worked_out};
use crate::remote::decode::{
    self, conditions_in_order, fitting, lift_condition, lift_stream, lift_threshold,
};

/// An update as far as lists are concerned.
pub(super) struct Edit<'a> {
    /// What was compared.
    pub before: &'a Resource,
    /// What it becomes.
    pub after: &'a Resource,
    /// Of which items of `before` those of `after` are made.
    pub origins: &'a Origins,
}

impl Edit<'_> {
    /// All conditions of an alert. One that changes keeps its id. Where no file can say them and none does, they stay.
    pub fn conditions(&self, raw: &Value) -> Vec<Value> {
        let raw = conditions_in_order(raw);
        let Some(want) = list(self.after, "conditions") else { return raw.into_iter().cloned().collect() };
        let have: Vec<Value> =
            raw.iter().map(|raw| fitting::<Condition>(&lift_condition(raw)).unwrap_or_default()).collect();
        let mut laid = self.items("conditions", &want, &have, &raw);
        // Two words for one thing.
        for condition in laid.iter_mut().filter_map(Value::as_object_mut).filter(|it| it.contains_key("type"))
        {
            condition.shift_remove("condition_type");
        }
        laid
    }

    /// All streams of a chart. Ids, and the types it works out, the service makes again.
    pub fn streams(&self, raw: &Value) -> Vec<Value> {
        let (raw, want) = (decode::streams(raw), list(self.after, "streams").unwrap_or_default());
        let have: Vec<Value> = raw.iter().map(|raw| lift_stream(raw)).collect();
        let mut laid = self.items("streams", &want, &have, &raw);
        for stream in laid.iter_mut().filter_map(Value::as_object_mut) {
            stream.retain(|key, value| key != "id" && !(key == "type" && is_worked_out(value)));
        }
        laid
    }

    /// All thresholds of a chart.
    pub fn thresholds(&self, raw: &Value) -> Vec<Value> {
        let raw: Vec<&Value> = raw["thresholds"].as_array().into_iter().flatten().collect();
        let want = list(self.after, "thresholds").unwrap_or_default();
        let have: Vec<Value> =
            raw.iter().map(|raw| fitting::<Threshold>(&lift_threshold(raw)).unwrap_or_default()).collect();
        self.items("thresholds", &want, &have, &raw)
    }

    /// All settings of a service; `raw` are those it has.
    ///
    /// # Errors
    /// The name of one that stays and was only ever seen masked.
    pub fn settings(&self, raw: &Value) -> Result<Value, String> {
        let want = self.after.fields().shift_remove("settings").unwrap_or_default();
        let laid = lay(&want, &fitting::<ServiceSettings>(raw).unwrap_or_default(), raw);
        match laid.as_object().into_iter().flatten().find(|(_, value)| holds(value, MASKED)) {
            Some((name, _)) => Err(name.clone()),
            None => Ok(laid),
        }
    }

    /// The wanted items, each laid over the raw one it is made of. `have` are these as a file would say them.
    fn items(&self, field: &str, want: &[Value], have: &[Value], raw: &[&Value]) -> Vec<Value> {
        let laid = |(want, origin): (&Value, Option<usize>)| {
            let there = origin.and_then(|h| have.get(h).zip(raw.get(h)));
            there.map_or_else(|| want.clone(), |(have, raw)| lay(want, have, raw))
        };
        want.iter().zip(self.origins(field, want, have)).map(laid).collect()
    }

    /// Of which of the items there each wanted one is made.
    fn origins(&self, field: &str, want: &[Value], have: &[Value]) -> Vec<Option<usize>> {
        if want == have {
            return (0..want.len()).map(Some).collect();
        }
        let known = self.origins.get(field).filter(|origins| origins.len() == want.len());
        match known {
            Some(origins) if list(self.before, field).is_some_and(|before| before == have) => {
                origins.to_vec()
            }
            // What was compared was read before, by whoever saved the plan, or could not be understood as a whole.
            _ => {
                let pairs = pair_edited(field, want, have, self.after.spec());
                pairs.iter().filter(|pair| pair.want.is_some()).map(|pair| pair.have).collect()
            }
        }
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(map) => map.values().any(|item| holds(item, text)),
        _ => false,
    }
}

fn list(after: &Resource, field: &str) -> Option<Vec<Value>> {
    match after.fields().shift_remove(field) {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    }
}

/// What is wanted over what was read, of which `have` is as much as a file can say.
fn lay(want: &Value, have: &Value, raw: &Value) -> Value {
    match (want, have, raw) {
        _ if want == have => raw.clone(),
        (Value::Object(want), Value::Object(have), Value::Object(raw)) => {
            let mut laid = raw.clone();
            laid.retain(|key, _| want.contains_key(key) || !have.contains_key(key));
            for (key, value) in want {
                let value = match (have.get(key), raw.get(key)) {
                    (Some(have), Some(raw)) => lay(value, have, raw),
                    _ => value.clone(),
                };
                laid.insert(key.clone(), value);
            }
            Value::Object(laid)
        }
        (Value::Array(want), Value::Array(have), Value::Array(raw)) => {
            let one = |want: &Value| {
                let found = have.iter().zip(raw).find(|(have, _)| answers(want, have));
                found.map_or_else(|| want.clone(), |(have, raw)| lay(want, have, raw))
            };
            want.iter().map(one).collect()
        }
        _ => want.clone(),
    }
}

/// Whether one of two tags, or of their values, is the other one.
fn answers(want: &Value, have: &Value) -> bool {
    let name = |of: &Value| of["name"].as_str().map(str::to_lowercase);
    want == have || name(want).is_some() && name(want) == name(have)
}

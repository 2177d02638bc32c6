//! A chart of the wire in the vocabulary of the files, whatever form its values have.
//! What we cannot understand of a stream is left out of it, so that the other streams stay comparable.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::known::{fitting, lift_tags, pick};
use crate::model::{Kind, Resource, Stream, Threshold, is_worked_out, keys_of};
use crate::wire::lenient;

/// The fields of a chart; `spaces` gives names to the ids of spaces.
pub(super) fn lift_chart(raw: &Value, spaces: &BTreeMap<u64, String>) -> Map<String, Value> {
    let mut fields = pick(raw, Resource::keys(Kind::Chart));
    // These are read in ways of their own.
    ["related_space", "streams", "thresholds"].iter().for_each(|key| _ = fields.shift_remove(*key));
    // lbrt sends the type under this name, and some services may give it back.
    if let (None, Some(alias)) = (fields.get("type"), raw.get("chart_type")) {
        fields.insert("type".into(), alias.clone());
    }
    if let Some(id) = lenient::id(&raw["related_space"]) {
        let name = spaces.get(&id).cloned().unwrap_or_else(|| format!("#{id}"));
        fields.insert("related_space".into(), name.into());
    }
    fields.insert("streams".into(), streams(raw).iter().map(|raw| lift_stream(raw)).collect());
    let thresholds: Vec<Value> = list(&raw["thresholds"]).iter().map(lift_threshold).collect();
    if !thresholds.is_empty() {
        fields.insert("thresholds".into(), thresholds.into());
    }
    fields
}

/// The raw streams of a chart in their order.
pub fn streams(chart: &Value) -> Vec<&Value> {
    list(&chart["streams"]).iter().collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A raw stream with the keys we know.
pub fn lift_stream(raw: &Value) -> Value {
    let mut fields = pick(raw, keys_of::<Stream>());
    // Form posts leave blanks where nothing was chosen.
    let blank =
        |key: &str, value: &Value| *value == "" && !matches!(key, "name" | "units_short" | "units_long");
    fields.retain(|key, value| !blank(key, value));
    // A composite selects and groups by itself; clients send these all the same.
    if fields.contains_key("composite") {
        ["source", "tags", "group_function"].iter().for_each(|key| _ = fields.shift_remove(*key));
    }
    // What the service works out by itself no one need write.
    if fields.get("type").is_some_and(is_worked_out) {
        fields.shift_remove("type");
    }
    lift_tags(&mut fields);
    // Every key of a stream may be left out.
    fitting::<Stream>(&Value::Object(fields)).unwrap_or_else(|| Value::Object(Map::new()))
}

/// A raw threshold with the keys we know.
pub fn lift_threshold(raw: &Value) -> Value {
    Value::Object(pick(raw, keys_of::<Threshold>()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Collection;
    use crate::remote::decode::decode;

    #[test]
    fn a_chart_is_lifted_whatever_form_its_values_have() {
        let raw = json!({"id": 9, "name": "C", "chart_type": "stacked", "min": "0", "max": null, "space_id": 5, "related_space": "5",
            "thresholds": [{"operator": ">", "value": "5", "type": "red"}], "use_log_yaxis": "true",
            "streams": [
                {"id": 1, "type": "gauge", "metric": "m", "source": "", "group_function": ["median"], "color": "#AABBCC", "tags": {},
                 "period": "60", "composite": null, "odd": 1},
                {"id": 3, "type": "annotation", "metric": "deploys", "group_function": "median"},
                {"id": 2, "type": "composite", "composite": "s(\"m\",\"%\")", "source": "*", "metric": ""}]});
        let spaces = BTreeMap::from([(5, "Shop".to_owned())]);
        assert_eq!(
            Value::Object(decode(Collection::Charts, &raw, &spaces).unwrap().fields()),
            json!({"min": 0.0, "use_log_yaxis": true, "type": "stacked", "related_space": "Shop",
                "streams": [{"metric": "m", "color": "#AABBCC", "period": 60},
                    {"type": "annotation", "metric": "deploys", "group_function": "median"}, {"composite": "s(\"m\",\"%\")"}],
                "thresholds": [{"operator": ">", "value": 5.0, "type": "red"}]})
        );
    }
}

//! What is found in values, by the schema.

use serde_json::json;

use super::*;
use crate::model::strict_schema;

#[allow(clippy::needless_pass_by_value)] // Literals read better without a borrow.
fn findings(definition: &str, value: Value) -> Vec<String> {
    let mut findings = Vec::new();
    Rules::of(&strict_schema()).check(&value, definition, &mut findings);
    findings.iter().map(|f| format!("{} {}: {} {}", f.code, f.route, f.message, f.help.join(" "))).collect()
}

#[test]
fn all_mistakes_of_an_alert_are_found_at_once() {
    let found = findings(
        "AlertEntry",
        json!({"descripton": "x", "active": "yes", "rearm_seconds": true, "services": "ops", "id": 7, "conditions": [
            {"type": "abov", "metric_name": 5, "threshold": "5"},
            {"metric_name": "m", "summary_function": "mean", "tags": [{"values": [1]}]},
            "x",
        ]}),
    );
    assert_eq!(
        found,
        [
            "unknown-field descripton: `descripton` is not a field here did you mean `description`?",
            "wrong-type active: expected `true` or `false`, found text \
             `yes`, `no`, `on` and `off` are text: write `true` or `false`, without quotes",
            "wrong-type rearm_seconds: expected a whole number or text, found a boolean write whole seconds, or a duration such as `60s`, `5m` or `1h`",
            "wrong-type services: expected a list, found text write a list: `[ … ]`, or items that begin with `- `",
            "unknown-field id: `id` is not a field here the service makes it; leave it out",
            "unknown-value conditions[0].type: this is none of the words this program knows: `above`, `below`, `absent` did you mean `above`?",
            "wrong-type conditions[0].metric_name: expected text, found a whole number put it in quotes",
            "wrong-type conditions[0].threshold: expected a number, found text a number has neither quotes nor a leading zero, here or where the value comes from",
            "unknown-value conditions[1].summary_function: this is none of the words this program knows: `min`, `max`, `average`, \
             `sum`, `count`, `derivative`, `absolute_value` did you mean `average`?",
            "wrong-type conditions[1].tags[0].values[0]: expected text, found a whole number put it in quotes",
            "missing-field conditions[1].tags[0]: `name` is missing here ",
            "missing-field conditions[1]: `type` is missing here one of `above`, `below`, `absent`",
            "wrong-type conditions[2]: expected a map, found text write its fields: `{ type: …, metric_name: … }`",
        ]
    );
}

#[test]
fn what_fits_is_silent() {
    assert!(findings("AlertEntry", Value::Null).is_empty());
    let metric = json!({"type": "gauge", "period": "5m", "external": true, "for_each": ["a"], "description": null,
                        "attributes": {"display_max": "5", "display_min": 0}});
    assert_eq!(findings("MetricEntry", metric), [""; 0]);
    let metric = json!({"attributes": {"display_max": null, "color": null, "summarize_function": null}});
    assert_eq!(findings("MetricEntry", metric), [""; 0]);
    let service = json!({"type": "mail", "settings": {"addresses": "a@b.c", "notify": 1}});
    assert_eq!(findings("ServiceEntry", service), [""; 0]);
}

#[test]
fn every_attribute_takes_null() {
    let schema = strict_schema();
    for name in schema["$defs"]["Attributes"]["properties"].as_object().unwrap().keys() {
        assert_eq!(findings("MetricEntry", json!({"attributes": {name: null}})), [""; 0], "{name}");
    }
}

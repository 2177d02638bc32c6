//! What is wrong with an alert, and when two conditions mean the same.

use serde_json::json;

use super::*;

fn findings(yaml: Value) -> Vec<(&'static str, String)> {
    let alert: Alert = serde_json::from_value(yaml).unwrap();
    let mut checker = Checker::new("web.slow");
    alert.check(&mut checker);
    checker.into_findings().into_iter().map(|f| (f.code, f.route.to_string())).collect()
}

#[test]
fn fields_that_do_not_fit_their_condition_are_found() {
    let found = findings(json!({"rearm_seconds": "90s", "services": ["a", "b", "a"], "conditions": [
        {"type": "above", "metric_name": "m"},
        {"type": "absent", "metric_name": "m", "threshold": 1, "summary_function": "max"},
        {"type": "below", "metric_name": "m", "threshold": 1, "duration": 0, "summary_function": "max", "detect_reset": true},
        {"type": "absent", "metric_name": "m", "duration": "2h"},
    ]}));
    let expected = [
        ("invalid-rearm", "rearm_seconds"),
        ("missing-field", "conditions[0]"),
        ("field-does-not-fit", "conditions[1].threshold"),
        ("field-does-not-fit", "conditions[1].summary_function"),
        ("missing-field", "conditions[1]"),
        ("field-does-not-fit", "conditions[2].detect_reset"),
        ("invalid-duration", "conditions[2].duration"),
        ("invalid-duration", "conditions[3].duration"),
        ("repeated-item", "services[2]"),
    ];
    assert_eq!(found, expected.map(|(code, route)| (code, route.to_owned())));
}

#[test]
fn conditions_that_mean_the_same_compare_as_same() {
    let want = json!({"type": "above", "metric_name": "M", "threshold": 5});
    let have = json!({"type": "above", "metric_name": "m", "threshold": "5.0", "source": "*", "duration": 0,
                      "summary_function": "derivative", "detect_reset": false, "tags": []});
    for key in
        ["type", "metric_name", "threshold", "source", "duration", "summary_function", "detect_reset", "tags"]
    {
        assert!(same_in_condition(key, &want, &have), "{key}");
    }
    assert!(!same_in_condition("summary_function", &want, &json!({"summary_function": "max"})));
    assert!(!same_in_condition("duration", &want, &json!({"duration": 60})));
}

#[test]
fn tags_are_a_set_without_case() {
    let want = json!([{"name": "Env", "values": ["b", "A"]}]);
    let have = json!([{"name": "env", "values": ["a", "B", "b"], "grouped": false}]);
    assert_eq!(canonical_tags(&want), canonical_tags(&have));
    assert_ne!(
        canonical_tags(&want),
        canonical_tags(&json!([{"name": "env", "values": ["a"], "grouped": true}]))
    );
}

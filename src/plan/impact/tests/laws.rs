//! What holds for any two alerts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NO, UNSURE, between, resource, verdict};
use crate::diff;
use crate::model::Kind;

fn any_condition() -> impl Strategy<Value = Value> {
    let functions = prop_oneof![Just(json!("max")), Just(json!("average")), Just(json!("derivative"))];
    let source = prop_oneof![Just(Value::Null), Just(json!("*")), Just(json!("web*")), Just(json!("Web1"))];
    let kind = prop_oneof![Just("above"), Just("below"), Just("absent")];
    (kind, "[a-c]", source, 1..5_u64, 1..4_u64, functions).prop_map(
        |(kind, metric, source, threshold, minutes, function)| {
            let mut condition =
                json!({"type": kind, "metric_name": metric, "source": source, "duration": minutes * 60});
            if kind != "absent" {
                condition["threshold"] = threshold.into();
                condition["summary_function"] = function;
            }
            condition
        },
    )
}

fn any_alert() -> impl Strategy<Value = Value> {
    let conditions = prop::collection::vec(any_condition(), 0..4);
    let services = prop::collection::btree_set("[a-d]", 0..3);
    (conditions, services, any::<bool>(), any::<bool>(), 0..4_u64).prop_map(|(conditions, services, active, signal, rearm)| {
        json!({"conditions": conditions, "services": services, "active": active, "rearm_per_signal": signal,
               "rearm_seconds": rearm * 60})
    })
}

/// The same alert in other words: reversed, defaults left out or spelled, case and number forms changed.
fn respelled(alert: &Value) -> Value {
    let mut other = alert.clone();
    let conditions = other["conditions"].as_array_mut().unwrap();
    conditions.reverse();
    for condition in conditions {
        condition["metric_name"] = condition["metric_name"].as_str().unwrap().to_uppercase().into();
        match condition["source"].as_str() {
            None => condition["source"] = json!("*"),
            Some("*") => _ = condition.as_object_mut().unwrap().remove("source"),
            Some(source) => condition["source"] = source.to_lowercase().into(),
        }
        condition["tags"] = json!([]);
    }
    other["services"].as_array_mut().unwrap().reverse();
    other["description"] = json!("in other words");
    if other["active"] == true {
        other["active"] = Value::Null;
    }
    if other["rearm_seconds"] == 600 {
        other["rearm_seconds"] = Value::Null;
    }
    other
}

proptest! {
    #[test]
    fn alerts_that_say_the_same_page_the_same(alert in any_alert()) {
        prop_assert_eq!(verdict(&between(alert.clone(), respelled(&alert))), NO);
        prop_assert_eq!(between(alert.clone(), alert), vec![]);
    }

    #[test]
    fn what_compares_as_same_pages_the_same(before in any_alert(), after in any_alert()) {
        let (have, want) = (resource(Kind::Alert, before.clone()), resource(Kind::Alert, after.clone()));
        if diff::fields::changes(&want, &have, &Default::default()).is_empty() {
            prop_assert_eq!(verdict(&between(before, after)), NO);
        }
    }

    #[test]
    fn the_way_back_of_a_pure_change_is_judged_the_other_way(
        condition in any_condition(), threshold in 1..5_u64, minutes in 1..4_u64, longer in any::<bool>(),
    ) {
        let before = json!({"conditions": [condition]});
        let mut after = before.clone();
        if longer || condition["type"] == "absent" {
            after["conditions"][0]["duration"] = (minutes * 60).into();
        } else {
            after["conditions"][0]["threshold"] = threshold.into();
        }
        let (there, back) = (verdict(&between(before.clone(), after.clone())), verdict(&between(after.clone(), before.clone())));
        prop_assert_ne!(there, UNSURE);
        prop_assert_eq!(there == back, before == after, "{} to {}", before, after);
    }
}

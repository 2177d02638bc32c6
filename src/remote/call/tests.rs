//! Method, path and body of one of each action and kind.

use std::collections::BTreeMap;

use super::*;
use crate::diff::{Comparison, Origins};
use crate::remote::fetch::{Raw, Remote, decode};

#[allow(clippy::needless_pass_by_value)] // Literals read better without a borrow.
fn resource(kind: Kind, fields: Value) -> Resource {
    Resource::from_fields(kind, fields.as_object().unwrap()).unwrap()
}

fn shown(request: &Request) -> Vec<String> {
    let one = |call: &Call| {
        let body = call.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
        format!("{} {}{body}", call.method.as_str(), call.path)
    };
    match request {
        Request::One(call) | Request::Stream(call) => vec![one(call)],
        Request::Replace(first, second) => vec![one(first), one(second)],
    }
}

fn created(address: &Address, kind: Kind, fields: Value) -> Vec<String> {
    let ids = BTreeMap::from([(
        Address::service("ops"),
        Remote { id: Some(3), raw: Raw::from(&Value::Null), tag: None },
    )]);
    let action = Action::Create { after: resource(kind, fields), fields: Vec::new() };
    shown(&request(&Change { address: address.clone(), kind, action }, &ids).unwrap())
}

/// The call that brings `raw` (an object of the wire) to what `want` says.
#[allow(clippy::needless_pass_by_value)] // Literals read better without a borrow.
fn updated(
    address: &Address,
    kind: Kind,
    want: Value,
    raw: Value,
    renamed_from: Option<Address>,
) -> Vec<String> {
    let titles = BTreeMap::from([(3, "ops".to_owned())]);
    let before = decode(address.collection, &raw, &titles).unwrap();
    let want = resource(kind, want);
    let action = update_of(&want, &before, renamed_from.clone());
    let remote = Remote { id: lenient_id(&raw), raw: Raw::from(&raw), tag: None };
    let ids = BTreeMap::from([
        (renamed_from.unwrap_or_else(|| address.clone()), remote),
        (Address::service("ops"), Remote { id: Some(3), raw: Raw::from(&Value::Null), tag: None }),
    ]);
    shown(&request(&Change { address: address.clone(), kind, action }, &ids).unwrap())
}

fn update_of(want: &Resource, before: &Resource, renamed_from: Option<Address>) -> Action {
    let comparison = Comparison::literal(want, before);
    let (fields, after) = (comparison.changes(&BTreeMap::new()), comparison.overlay());
    Action::Update { after, fields, renamed_from, origins: comparison.origins(), before: before.clone() }
}

fn lenient_id(raw: &Value) -> Option<u64> {
    lenient::id(&raw["id"])
}

fn alert(name: &str) -> Address {
    Address::new(Collection::Alerts, name)
}

#[test]
fn creations() {
    assert_eq!(
        created(
            &Address::metric("a.b"),
            Kind::Metric,
            json!({"type": "gauge", "description": null, "attributes": {"color": null, "aggregate": true}})
        ),
        [r#"PUT /metrics/a.b {"type":"gauge","attributes":{"aggregate":true}}"#]
    );
    assert_eq!(
        created(&Address::metric("c"), Kind::Composite, json!({"composite": "s(\"a\",\"*\")"})),
        [r#"PUT /metrics/c {"type":"composite","composite":"s(\"a\",\"*\")"}"#]
    );
    assert_eq!(
        created(
            &Address::service("ops"),
            Kind::Service,
            json!({"type": "mail", "settings": {"addresses": "a@b.c"}})
        ),
        [r#"POST /services {"title":"ops","type":"mail","settings":{"addresses":"a@b.c"}}"#]
    );
    let annotations = Address::new(Collection::Annotations, "deploys");
    assert_eq!(
        created(&annotations, Kind::Annotation, json!({"display_name": "D"})),
        [r#"PUT /annotations/deploys {"display_name":"D"}"#]
    );
    let conditions = json!([{"type": "absent", "metric_name": "m", "duration": "10m"}]);
    assert_eq!(
        created(
            &alert("x"),
            Kind::Alert,
            json!({"conditions": conditions, "services": ["ops"], "rearm_seconds": "10m"})
        ),
        [
            r#"POST /alerts {"name":"x","conditions":[{"type":"absent","metric_name":"m","duration":600}],"services":[3],"rearm_seconds":600}"#
        ]
    );
}

#[test]
fn updates_send_what_changed_and_nothing_else() {
    let raw = json!({"name": "m", "type": "gauge", "display_name": "M", "period": 60, "attributes": {"color": "#000000", "x": 1}});
    assert_eq!(
        updated(
            &Address::metric("m"),
            Kind::Metric,
            json!({"display_name": "N", "period": 60, "description": null, "attributes": {"color": null, "aggregate": true}}),
            raw,
            None
        ),
        [r#"PUT /metrics/m {"display_name":"N","attributes":{"color":null,"aggregate":true}}"#]
    );
    let raw =
        json!({"id": 3, "type": "slack", "title": "ops", "settings": {"url": "https://a", "room": "r"}});
    let want = json!({"type": "slack", "settings": {"url": "https://b"}});
    assert_eq!(
        updated(&Address::service("ops"), Kind::Service, want, raw, None),
        [r#"PUT /services/3 {"settings":{"url":"https://b"}}"#]
    );
}

#[test]
fn an_alert_is_sent_with_all_conditions_and_what_we_do_not_know_of_them() {
    let raw = json!({"id": 9, "name": "a", "description": "kept", "attributes": {"runbook_url": "r", "team": "t"}, "services": [{"id": 3}],
        "conditions": [
            {"id": 1, "type": "below", "metric_name": "n", "source": null, "threshold": 1.0, "summary_function": "min", "odd": true},
            {"id": 2, "type": "above", "metric_name": "m", "source": "*", "threshold": 5.0, "duration": 60, "summary_function": "derivative",
             "detect_reset": false, "odd": 7}]});
    let want = json!({"attributes": {"runbook_url": "s"}, "conditions": [
        {"type": "above", "metric_name": "m", "threshold": 6, "summary_function": "derivative"},
        {"type": "below", "metric_name": "n", "threshold": 1, "summary_function": "min"},
        {"type": "absent", "metric_name": "o", "duration": 60}]});
    assert_eq!(
        updated(&alert("a"), Kind::Alert, want, raw, None),
        [concat!(
            r#"PUT /alerts/9 {"name":"a","conditions":["#,
            r#"{"id":2,"type":"above","metric_name":"m","source":"*","threshold":6.0,"summary_function":"derivative","detect_reset":false,"odd":7},"#,
            r#"{"id":1,"type":"below","metric_name":"n","source":null,"threshold":1.0,"summary_function":"min","odd":true},"#,
            r#"{"type":"absent","metric_name":"o","duration":60}],"#,
            r#""attributes":{"runbook_url":"s","team":"t"}}"#
        )]
    );
}

#[test]
fn conditions_that_cannot_be_read_stay_unless_others_are_written() {
    let raw = json!({"id": 9, "name": "a", "description": "old", "conditions": [
        {"id": 1, "type": "above", "metric_name": "m", "threshold": 1},
        {"id": 2, "type": "above", "metric_name": {"odd": 1}, "threshold": 1}]});
    assert_eq!(
        updated(&alert("a"), Kind::Alert, json!({"description": "new"}), raw.clone(), None),
        [concat!(
            r#"PUT /alerts/9 {"name":"a","conditions":[{"id":1,"type":"above","metric_name":"m","threshold":1},"#,
            r#"{"id":2,"type":"above","metric_name":{"odd":1},"threshold":1}],"description":"new"}"#
        )]
    );
    let want = json!({"conditions": [{"type": "below", "metric_name": "m", "threshold": 1}]});
    assert_eq!(
        updated(&alert("a"), Kind::Alert, want, raw, None),
        [
            r#"PUT /alerts/9 {"name":"a","conditions":[{"id":1,"type":"below","metric_name":"m","threshold":1}]}"#
        ]
    );
}

#[test]
fn settings_that_no_file_can_say_stay() {
    let raw = json!({"id": 3, "type": "pigeon", "title": "pigeon", "settings": {"loft": 3, "old": "x", "deep": {"a": [1]}}});
    let want = json!({"settings": {"loft": "3", "new": "y"}});
    assert_eq!(
        updated(&Address::service("pigeon"), Kind::Service, want, raw, None),
        [r#"PUT /services/3 {"settings":{"loft":3,"deep":{"a":[1]},"new":"y"}}"#]
    );
}

#[test]
fn renames_keep_the_id() {
    let raw = json!({"id": 9, "name": "old", "conditions": []});
    assert_eq!(
        updated(&alert("new"), Kind::Alert, json!({}), raw, Some(alert("old"))),
        [r#"PUT /alerts/9 {"name":"new","conditions":[]}"#]
    );
    let raw = json!({"id": 3, "title": "old", "type": "mail", "settings": {}});
    assert_eq!(
        updated(&Address::service("new"), Kind::Service, json!({}), raw, Some(Address::service("old"))),
        [r#"PUT /services/3 {"title":"new"}"#]
    );
}

#[test]
fn deletes_and_replacements() {
    let ids = BTreeMap::from([(alert("x"), Remote { id: Some(9), raw: Raw::from(&Value::Null), tag: None })]);
    let gauge = resource(Kind::Metric, json!({"type": "gauge"}));
    let after = resource(Kind::Composite, json!({"composite": "s(\"a\",\"*\")"}));
    let action = Action::Replace { before: gauge, after, fields: Vec::new(), because: String::new() };
    let change = Change { address: Address::metric("m"), kind: Kind::Composite, action };
    assert_eq!(
        shown(&request(&change, &ids).unwrap()),
        ["DELETE /metrics/m", r#"PUT /metrics/m {"type":"composite","composite":"s(\"a\",\"*\")"}"#]
    );
    let action = Action::Delete { before: resource(Kind::Alert, json!({})), pruned: false };
    let change = Change { address: alert("x"), kind: Kind::Alert, action: action.clone() };
    assert_eq!(shown(&request(&change, &ids).unwrap()), ["DELETE /alerts/9"]);
    let change = Change { address: alert("gone"), kind: Kind::Alert, action };
    assert_eq!(request(&change, &ids), Err(CallError::NoId(Kind::Alert, alert("gone"))));
}

#[test]
fn an_alert_is_updated_whatever_services_it_uses_beside() {
    let raw = json!({"id": 7, "name": "a", "services": [{"id": 99, "title": "gone"}], "conditions": []});
    let sent = updated(&alert("a"), Kind::Alert, json!({"description": "d"}), raw, None);
    assert_eq!(sent, [r#"PUT /alerts/7 {"name":"a","conditions":[],"description":"d"}"#]);
}

fn chart(space: &str, name: &str) -> Address {
    Address::chart(space, name)
}

#[test]
fn charts_are_written_below_the_id_of_their_space() {
    let space = |id| Remote { id: Some(id), raw: Raw::from(&Value::Null), tag: None };
    let mut ids = BTreeMap::from([(Address::space("S"), space(5)), (Address::space("T"), space(6))]);
    let fields = json!({"type": "line", "label": null, "related_space": "T", "streams": [{"metric": "m"}]});
    let after = resource(Kind::Chart, fields);
    let action = Action::Create { after, fields: Vec::new() };
    let change = Change { address: chart("S", "C"), kind: Kind::Chart, action };
    assert_eq!(
        shown(&request(&change, &ids).unwrap()),
        [r#"POST /spaces/5/charts {"name":"C","type":"line","related_space":6,"streams":[{"metric":"m"}]}"#]
    );
    let created = Action::Create { after: resource(Kind::Space, json!({"tags": true})), fields: Vec::new() };
    let change = Change { address: Address::space("U"), kind: Kind::Space, action: created };
    assert_eq!(shown(&request(&change, &ids).unwrap()), [r#"POST /spaces {"name":"U","tags":true}"#]);

    ids.insert(chart("S", "C"), Remote { id: Some(9), raw: Raw::from(&Value::Null), tag: None });
    let action = Action::Delete { before: resource(Kind::Chart, json!({})), pruned: false };
    let change = Change { address: chart("S", "C"), kind: Kind::Chart, action: action.clone() };
    assert_eq!(shown(&request(&change, &ids).unwrap()), ["DELETE /spaces/5/charts/9"]);
    let change = Change { address: chart("V", "C"), kind: Kind::Chart, action };
    assert_eq!(request(&change, &ids), Err(CallError::NoId(Kind::Space, Address::space("V"))));

    crate::remote::fetch::rename(&mut ids, &Address::space("S"), &Address::space("New"));
    assert_eq!(ids[&chart("New", "C")].id, Some(9));
    assert!(!ids.contains_key(&chart("S", "C")) && ids[&Address::space("New")].id == Some(5));
}

#[test]
fn a_chart_is_sent_with_all_streams_and_what_we_do_not_know_of_them() {
    let raw = json!({"id": 9, "name": "C", "type": "line", "min": 1.0, "label": "ms", "streams": [
        {"id": 1, "type": "gauge", "metric": "a", "source": "*", "odd": 1},
        {"id": 2, "type": "gauge", "metric": "b", "color": "#000000", "name": "x", "position": 4, "odd": 2}]});
    let want = resource(
        Kind::Chart,
        json!({"min": null, "label": "s", "streams": [{"metric": "a"}, {"composite": "s(\"c\", \"*\")"}, {"metric": "b", "name": "y"}]}),
    );
    let before = decode(Collection::Charts, &raw, &BTreeMap::new()).unwrap();
    let ids = BTreeMap::from([
        (Address::space("S"), Remote { id: Some(5), raw: Raw::from(&Value::Null), tag: None }),
        (chart("S", "C"), Remote { id: Some(9), raw: Raw::from(&raw), tag: None }),
    ]);
    let action = update_of(&want, &before, Some(chart("S", "C")));
    let change = Change { address: chart("S", "D"), kind: Kind::Chart, action };
    assert_eq!(
        shown(&request(&change, &ids).unwrap()),
        [concat!(
            r#"PUT /spaces/5/charts/9 {"name":"D","min":null,"label":"s","streams":[{"metric":"a","source":"*","odd":1},"#,
            r#"{"composite":"s(\"c\", \"*\")"},{"metric":"b","name":"y","position":4,"odd":2}]}"#
        )]
    );
}

#[test]
fn an_alert_is_pointed_to_another_service_and_keeps_all_else() {
    let alert = json!({"id": "7", "name": "a", "active": false, "services": [{"id": "5", "title": "ops"}, 6, {"x": 1}],
        "conditions": [{"id": 2, "type": "absent", "x_theirs": 1}, {"id": 1, "type": "absent"}]});
    let call = replace_service(&alert, &[5], 9).unwrap();
    assert_eq!((call.method, call.path.as_str()), (Method::Put, "/alerts/7"));
    let conditions = json!([{"id": 1, "type": "absent"}, {"id": 2, "type": "absent", "x_theirs": 1}]);
    assert_eq!(call.body, Some(json!({"name": "a", "conditions": conditions, "services": [9, 6, {"x": 1}]})));
    let services =
        |from: &[u64], to| replace_service(&alert, from, to).unwrap().body.unwrap()["services"].clone();
    assert_eq!(services(&[5, 6], 6), json!([6, {"x": 1}]));
    assert_eq!(replace_service(&alert, &[1, 7], 9), None);
}

#[test]
fn nothing_is_written_over_what_cannot_be_read() {
    let raw = r#"{"conditions": [{"threshold": 1e999}]}"#.to_owned();
    let raw = Raw::from(&*serde_json::value::RawValue::from_string(raw).unwrap());
    let ids = BTreeMap::from([(alert("x"), Remote { id: Some(9), raw, tag: None })]);
    let before = resource(Kind::Alert, json!({"description": "a"}));
    let after = resource(Kind::Alert, json!({"description": "b"}));
    let action = update_of(&after, &before, None);
    let change = Change { address: alert("x"), kind: Kind::Alert, action };
    assert!(matches!(request(&change, &ids), Err(CallError::Unreadable(Kind::Alert, ..))));
}

#[test]
fn an_item_is_the_one_it_was_compared_with_also_where_these_were_read_again_or_a_saved_plan_does_not_tell() {
    let raw = |one: u64, two: u64| {
        json!({"id": 9, "name": "x", "conditions": [
            {"id": one, "type": "above", "metric_name": "m", "threshold": 1.0, "odd": "one"},
            {"id": two, "type": "above", "metric_name": "m", "threshold": 2.0, "odd": "two"}]})
    };
    let want = json!({"conditions": [{"type": "above", "metric_name": "m", "threshold": 2},
                                     {"type": "above", "metric_name": "m", "threshold": 3}]});
    let before = decode(Collection::Alerts, &raw(1, 2), &BTreeMap::new()).unwrap();
    let action = update_of(&resource(Kind::Alert, want), &before, None);
    let mut untold = action.clone();
    let Action::Update { origins, .. } = &mut untold else { panic!("an update") };
    *origins = Origins::default();
    for (action, one, two) in [(&action, 1, 2), (&action, 2, 1), (&untold, 1, 2), (&untold, 2, 1)] {
        let change = Change { address: alert("x"), kind: Kind::Alert, action: action.clone() };
        let remote = Remote { id: Some(9), raw: Raw::from(&raw(one, two)), tag: None };
        let Ok(Request::One(call)) = request(&change, &BTreeMap::from([(alert("x"), remote)])) else {
            panic!("one call")
        };
        assert_eq!(
            call.body.unwrap()["conditions"],
            json!([{"id": two, "type": "above", "metric_name": "m", "threshold": 2.0, "odd": "two"},
                   {"id": one, "type": "above", "metric_name": "m", "threshold": 3.0, "odd": "one"}])
        );
    }
}

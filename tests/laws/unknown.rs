//! What a service has and this program has never heard of: words, functions and keys survive an export, an apply elsewhere
//! and an edit of something else. A service that keeps whatever it is sent stands in, since ours refuses what it cannot evaluate.

use std::collections::BTreeMap;

use librato_apply::diff::{diff, scope::View};
use librato_apply::model::{Address, Collection, Desired, Kind, Resource, State};
use librato_apply::remote::call::{Request, request};
use librato_apply::remote::fetch::{Actual, Wanted, fetch, lost};
use librato_apply::remote::{ApiError, Listing, Method, ReadApi};
use librato_apply::render::{definitions, expressible};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::generate::{of, some};
use crate::support::world::Wish;
use librato_apply::load::yaml;

/// What a listing of each collection holds, charts inside their space.
struct Keeps(Value);

impl ReadApi for Keeps {
    async fn get(&self, path: &str, _: &[(&str, String)]) -> Result<Value, ApiError> {
        let (messages, path) = (Default::default(), path.to_owned());
        Err(ApiError::Status { status: 404, messages, method: Method::Get, path, retry_after: None })
    }

    async fn list(&self, listing: &Listing) -> Result<Vec<Value>, ApiError> {
        let all = if listing.key == "charts" { &self.0["spaces"][0]["charts"] } else { &self.0[listing.key] };
        Ok(all.as_array().cloned().unwrap_or_default())
    }
}

#[test]
fn what_nobody_here_has_heard_of_survives() {
    let cases = std::env::var("LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runner.run(&service(), |raw| {
        runtime.block_on(survives(raw));
        Ok(())
    });
    outcome.unwrap();
}

async fn survives(raw: Value) {
    let actual = read(&raw).await;
    for (address, remote) in &actual.ids {
        let lost = lost(&remote.raw.value(), &actual.state[address]);
        // Keys can be kept, but not written; they are named.
        assert!(lost.iter().all(|key| key.contains("x_")), "{address}: {lost:?}\n{raw}");
    }
    let text = exported(&actual);
    let desired = Wish::read(&text).desired;
    let changes = diff(&desired, &actual.state, &View::default()).changes;
    assert!(changes.is_empty(), "{changes:?}\n{text}");

    assert_eq!(exported(&elsewhere(&desired, &actual).await), text);

    for (address, object) in &actual.state {
        edited(address, object, &desired, &actual);
    }
}

fn exported(actual: &Actual) -> String {
    let found = expressible(&actual.state, &actual.twins, &|_, _| true);
    assert_eq!(found.losses, []);
    let document = definitions(&found.objects, &actual.chart_order).document;
    yaml::write(&Value::Object(document)).unwrap()
}

async fn read(raw: &Value) -> Actual {
    fetch(&Keeps(raw.clone()), &Wanted::all()).await.unwrap()
}

/// What a service has that was empty before and keeps what it is sent, under the same ids.
async fn elsewhere(desired: &Desired, actual: &Actual) -> Actual {
    let mut kept = json!({"metrics": [], "services": [], "alerts": [], "spaces": []});
    let mut charts = Vec::new();
    for change in diff(desired, &State::new(), &View::default()).changes {
        let Request::One(call) = request(&change, &actual.ids).unwrap() else { panic!("{change:?}") };
        let mut body = call.body.unwrap();
        body["id"] = json!(actual.ids[&change.address].id);
        number(&mut body["conditions"]);
        match change.kind {
            Kind::Chart => charts.push(body),
            Kind::Metric | Kind::Composite => {
                body["name"] = change.address.name.clone().into();
                kept["metrics"].as_array_mut().unwrap().push(body);
            }
            kind => kept[kind.section()].as_array_mut().unwrap().push(body),
        }
    }
    kept["spaces"][0]["charts"] = charts.into();
    read(&kept).await
}

/// Changes something that is known and looks at all else of the PUT.
fn edited(address: &Address, object: &Resource, desired: &Desired, actual: &Actual) {
    let (field, value) = match address.collection {
        Collection::Charts => ("streams", Value::Null),
        Collection::Alerts => ("conditions", Value::Null),
        Collection::Metrics => ("description", json!("edited")),
        _ => return,
    };
    let mut desired = desired.clone();
    let wish = desired.objects.get_mut(address).unwrap();
    let mut fields = wish.resource.fields();
    match field {
        "streams" => fields["streams"][0]["name"] = "edited".into(),
        "conditions" => fields["conditions"][0]["threshold"] = 4242.0.into(),
        _ => _ = fields.insert(field.to_owned(), value),
    }
    wish.resource = Resource::from_fields(object.kind(), &fields).unwrap();
    let changes = diff(&desired, &actual.state, &View::default()).changes;
    assert_eq!(changes.len(), 1, "{changes:?}");
    let Request::One(call) = request(&changes[0], &actual.ids).unwrap() else { panic!("{changes:?}") };
    let (sent, before) = (call.body.unwrap(), actual.ids[address].raw.value());
    let items = |of: &Value| -> Vec<BTreeMap<String, Value>> {
        let list = of[field].as_array().cloned().unwrap_or_default();
        let mut list: Vec<_> = list.iter().map(|item| plain(item.as_object().unwrap())).collect();
        // The order of conditions means nothing.
        if field == "conditions" {
            list.sort_by_key(|item| format!("{item:?}"));
        }
        list
    };
    assert_eq!(items(&sent), items(&before), "{before}");
    // What is not sent stays as it is.
    for (key, value) in sent.as_object().unwrap() {
        assert!(matches!(key.as_str(), "name") || key == field, "{key}: {value}");
    }
}

/// An item without what was edited, and without what the service makes of it.
fn plain(item: &Map<String, Value>) -> BTreeMap<String, Value> {
    let made = |key: &str, value: &Value| match key {
        "id" | "threshold" | "name" => true,
        "type" => ["gauge", "counter", "composite"].iter().any(|made| value == made),
        "summary_function" => ["average", "derivative"].iter().any(|default| value == default),
        _ => value.is_null(),
    };
    item.iter().filter(|(key, value)| !made(key, value)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn service() -> impl Strategy<Value = Value> {
    let condition = (
        of(&json!(["above", "below", "outside", "anomaly"])),
        some(vec![
            ("summary_function", of(&json!(["max", "mean", "p95", "mode"]))),
            ("duration", of(&json!([60, 300]))),
            ("source", of(&json!(["web*"]))),
            ("x_sensitivity", of(&json!([3, {"deep": ["x"]}]))),
        ]),
    );
    let condition = condition
        .prop_map(|(kind, more)| with(json!({"metric_name": "m", "threshold": 5.0, "type": kind}), more));
    let stream = (
        of(&json!(["gauge", "counter", "annotation", "histogram"])),
        some(vec![
            ("group_function", of(&json!(["sum", "median"]))),
            ("summary_function", of(&json!(["max", "p95"]))),
            ("x_opacity", of(&json!([0.5, [1]]))),
        ]),
    );
    let stream = stream.prop_map(|(kind, more)| with(json!({"id": 2, "metric": "m", "type": kind}), more));
    let thresholds = of(
        &json!([[{"operator": "!=", "value": 5.0, "type": "blue"}], [{"operator": ">", "value": 1.0, "type": "red"}]]),
    );
    let chart = (
        vec(stream, 1..4),
        some(vec![
            ("type", of(&json!(["line", "heatmap", "table"]))),
            ("thresholds", thresholds),
            ("x_theme", of(&json!(["dark"]))),
        ]),
    );
    let chart =
        chart.prop_map(|(streams, more)| with(json!({"id": 7, "name": "c", "streams": streams}), more));
    let composite = of(&json!([
        r#"forecast(s("m", "*"), {horizon: "5"})"#,
        r#"derive(s("m", {"@host": "web*"}, {function: "p95"}), {smooth: "true"})"#,
    ]));
    let metric = some(vec![
        (
            "attributes",
            of(&json!([{"summarize_function": "p95"}, {"summarize_function": "sum", "x_mark": 1}])),
        ),
        ("x_retention", of(&json!(["year"]))),
    ]);
    let kind = of(&json!(["gauge", "counter", "distribution"]));
    (vec(condition, 1..4), chart, composite, metric, kind).prop_map(|(conditions, chart, text, more, kind)| {
        let mut conditions = json!(conditions);
        number(&mut conditions);
        json!({
            "metrics": [with(json!({"name": "m", "type": kind}), more), {"name": "c", "type": "composite", "composite": text}],
            "services": [{"id": 3, "title": "pigeon", "type": "pigeon", "settings": {}}],
            "alerts": [{"id": 4, "name": "a", "conditions": conditions, "services": [3], "x_folder": 9}],
            "spaces": [{"id": 5, "name": "S", "charts": [chart]}],
        })
    })
}

/// Ids in the order of a list, as services give them.
fn number(items: &mut Value) {
    for (i, item) in items.as_array_mut().into_iter().flatten().enumerate() {
        item["id"] = (i + 1).into();
    }
}

fn with(object: Value, more: Map<String, Value>) -> Value {
    let Value::Object(mut object) = object else { return object };
    object.extend(more);
    object.into()
}

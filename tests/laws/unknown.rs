//! What a service has and this program has never heard of: words, functions, keys at any depth and values of another type survive
//! an export, an apply elsewhere and an edit of something else, or are named. A service that keeps whatever it is sent stands in,
//! since ours refuses what it cannot evaluate.

use std::collections::BTreeSet;

use librato_apply::diff::{diff, scope::View};
use librato_apply::model::{Address, Collection, Desired, Kind, Resource, State};
use librato_apply::remote::call::{Request, request};
use librato_apply::remote::fetch::{Actual, FetchPlan, fetch, service_types, unmapped};
use librato_apply::remote::{ApiError, Listing, Method, ReadApi};
use librato_apply::render::{definitions, expressible};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::generate::{of, some};
use crate::support::world::Input;
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
        let (raw, object) = (remote.raw.value(), &actual.state[address]);
        named(&raw, &unmapped(&raw, object));
    }
    let text = exported(&actual);
    let mut desired = Input::read(&text).desired;
    // Settings are secrets, which come from elsewhere.
    for (address, input) in desired.objects.iter_mut().filter(|(_, input)| input.kind == Kind::Service) {
        input.resource = actual.state[address].clone();
    }
    let changes = diff(&desired, &actual.state, &View::default()).changes;
    assert!(changes.is_empty(), "{changes:?}\n{text}");

    assert_eq!(exported(&elsewhere(&desired, &actual).await), text);

    for (address, object) in &actual.state {
        if desired.objects.contains_key(address) {
            edits(address, object).iter().for_each(|edit| edited(address, edit, &desired, &actual));
        }
    }
}

/// What no definition can say is named, and nothing else is.
fn named(raw: &Value, lost: &[String]) {
    let mut odd = BTreeSet::new();
    oddities("", raw, &mut odd);
    let below = |whole: &str, part: &str| {
        part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    for key in &odd {
        assert!(lost.iter().any(|lost| below(lost, key)), "{key} is not in {lost:?}: {raw}");
    }
    for lost in lost {
        assert!(odd.iter().any(|key| below(lost, key)), "nothing of {lost} is odd: {raw}");
    }
}

/// Where unknown keys stand, and values that do not fit theirs.
fn oddities(here: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if map.contains_key("x_misfit") => _ = found.insert(here.to_owned()),
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| !matches!(key.as_str(), "charts" | "team")) {
                let here = if here.is_empty() { key.clone() } else { format!("{here}.{key}") };
                match key.strip_prefix("x_") {
                    Some(_) => _ = found.insert(here),
                    None => oddities(&here, value, found),
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                oddities(&format!("{here}[{i}]"), item, found);
            }
        }
        _ => {}
    }
}

fn exported(actual: &Actual) -> String {
    let found = expressible(&actual.state, &actual.duplicates, &|_, _| true);
    let document = definitions(&found.objects, &actual.chart_order, &service_types(&actual.ids)).document;
    yaml::write(&Value::Object(document)).unwrap()
}

async fn read(raw: &Value) -> Actual {
    fetch(&Keeps(raw.clone()), &FetchPlan::all()).await.unwrap()
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
    if kept["spaces"][0].is_object() {
        kept["spaces"][0]["charts"] = charts.into();
    }
    read(&kept).await
}

/// A route in an object and what it is changed to.
type Edit = (Vec<&'static str>, Value);

/// What can be edited of an object, each on its own.
fn edits(address: &Address, object: &Resource) -> Vec<Edit> {
    let all: Vec<Edit> = match address.collection {
        Collection::Charts => vec![
            (vec!["streams", "0", "name"], json!("edited")),
            (vec!["streams", "0", "tags", "0", "values"], json!(["edited"])),
            (vec!["thresholds", "0", "value"], json!(4242.0)),
            (vec!["label"], json!("edited")),
        ],
        Collection::Alerts => vec![
            (vec!["conditions", "0", "threshold"], json!(4242.0)),
            (vec!["conditions", "0", "tags", "0", "values"], json!(["edited"])),
            (vec!["description"], json!("edited")),
            (vec!["attributes", "runbook_url"], json!("edited")),
        ],
        Collection::Metrics => vec![
            (vec!["description"], json!("edited")),
            (vec!["attributes", "display_units_long"], json!("edited")),
        ],
        Collection::Services => vec![(vec!["settings", "loft"], json!("edited"))],
        _ => Vec::new(),
    };
    // What is in a list must be there to be edited; fields of the object need not.
    let fields = Value::Object(object.fields());
    let there = |edit: &Edit| at(&fields, &edit.0[..edit.0.len() - 1]).is_some() || edit.0.len() < 3;
    all.into_iter().filter(there).collect()
}

fn at<'v>(value: &'v Value, route: &[&str]) -> Option<&'v Value> {
    route.iter().try_fold(value, |value, step| match step.parse::<usize>() {
        Ok(i) => value.get(i),
        Err(_) => value.get(step),
    })
}

fn put(value: &mut Value, route: &[&str], new: Value) {
    let [step, rest @ ..] = route else { return *value = new };
    match step.parse::<usize>() {
        Ok(i) => put(&mut value[i], rest, new),
        Err(_) => put(&mut value[*step], rest, new),
    }
}

/// Changes something that is known and looks at all else of the PUT.
fn edited(address: &Address, (route, new): &Edit, desired: &Desired, actual: &Actual) {
    let mut desired = desired.clone();
    let input = desired.objects.get_mut(address).unwrap();
    let mut fields = Value::Object(input.resource.fields());
    put(&mut fields, route, new.clone());
    input.resource = Resource::from_fields(input.kind, fields.as_object().unwrap()).unwrap();
    let changes = diff(&desired, &actual.state, &View::default()).changes;
    assert_eq!(changes.len(), 1, "{changes:?}");
    let Request::One(call) = request(&changes[0], &actual.ids).unwrap() else { panic!("{changes:?}") };
    let (sent, before) = (call.body.unwrap(), actual.ids[address].raw.value());
    let (field, key) = (route[0], route[route.len() - 1]);
    // An alert loses what of its conditions is not sent.
    for field in [field, "conditions"].into_iter().filter(|field| sent.get(field).is_some()) {
        let [now, was] = [&sent, &before].map(|of| plain(&of[field], key));
        // What is kept by the service need not be sent; of metrics it keeps attributes.
        if field == key || field == "attributes" && address.collection == Collection::Metrics {
            continue;
        }
        assert_eq!(now, was, "{route:?}: {before}");
    }
    // What is not sent stays as it is.
    for (key, value) in sent.as_object().unwrap() {
        let ours = key == field || matches!(key.as_str(), "name" | "conditions");
        assert!(ours, "{key}: {value}");
    }
}

/// A value without what was edited, what says nothing, and what the service makes of it. The order of conditions means nothing.
fn plain(value: &Value, edited: &str) -> Value {
    let made = |key: &str, value: &Value| match key {
        "id" => true,
        "type" => ["gauge", "counter", "composite"].iter().any(|made| value == made),
        _ => value.is_null() || key == edited,
    };
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !made(key, value));
            let kept: std::collections::BTreeMap<_, _> =
                kept.map(|(k, v)| (k.clone(), plain(v, edited))).collect();
            json!(kept)
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| plain(item, edited)).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        other => other.clone(),
    }
}

fn service() -> impl Strategy<Value = Value> {
    (known(), vec((any::<prop::sample::Index>(), odd()), 0..6)).prop_map(|(mut service, odds)| {
        for (n, (place, odd)) in odds.iter().enumerate() {
            let mut count = 0;
            places(&mut service, &mut |_| count += 1);
            let (wanted, mut here) = (place.index(count), 0);
            places(&mut service, &mut |place| {
                if here == wanted {
                    spoil(place, n, odd);
                }
                here += 1;
            });
        }
        service
    })
}

/// Something that fits no key; where `x_misfit` is, in the place of a known value.
fn odd() -> BoxedStrategy<Value> {
    of(
        &json!([3, true, "text", [1], {"deep": ["x"]}, {"deep": [{"deeper": null}]}, {"x_misfit": 1}, {"x_misfit": [2]}]),
    )
}

/// Keys that may be left out, so that a value of theirs that means nothing takes nothing else along.
const OPTIONAL: &[&str] = &[
    "duration",
    "source",
    "tags",
    "values",
    "color",
    "label",
    "period",
    "group_function",
    "min",
    "display_name",
];

fn spoil(place: &mut Map<String, Value>, n: usize, odd: &Value) {
    // Any text or number may be a setting.
    if place.contains_key("loft") && !odd.is_object() && !odd.is_array() {
        return;
    }
    if odd.get("x_misfit").is_none() {
        place.insert(format!("x_{n}"), odd.clone());
    } else if let Some(key) = OPTIONAL.iter().find(|key| place.contains_key(**key)) {
        place.insert((*key).to_owned(), odd.clone());
    }
}

/// Every object in what a service lists, at any depth, but for what is unknown itself.
fn places(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) if map.contains_key("x_misfit") => {}
        Value::Object(map) => {
            for (key, value) in map.iter_mut().filter(|(key, _)| !key.starts_with("x_")) {
                // What services keep with an alert is kept whatever it is.
                if key != "team" && !(key == "attributes" && value.get("team").is_some()) {
                    places(value, visit);
                }
            }
            // The envelope of the lists is nobody's.
            if !map.contains_key("metrics") {
                visit(map);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| places(item, visit)),
        _ => {}
    }
}

/// Tags, or a source, or neither.
fn selected() -> BoxedStrategy<Map<String, Value>> {
    let tags = json!([
        [{"name": "az", "values": ["a", "b"], "grouped": true}],
        [{"name": "@host", "values": ["web*"]}, {"name": "env", "dynamic": true}],
    ]);
    prop_oneof![some(vec![("tags", of(&tags))]), some(vec![("source", of(&json!(["web*", "*"])))])].boxed()
}

fn known() -> impl Strategy<Value = Value> {
    let condition = (
        of(&json!(["above", "below", "outside", "anomaly"])),
        selected(),
        some(vec![
            ("summary_function", of(&json!(["max", "average", "p95", "mode"]))),
            ("duration", of(&json!([60, 300]))),
        ]),
    );
    let condition = condition.prop_map(|(kind, streams, more)| {
        with(with(json!({"metric_name": "m", "threshold": 5.0, "type": kind}), streams), more)
    });
    let stream = (
        of(&json!(["gauge", "counter", "annotation", "histogram"])),
        selected(),
        some(vec![
            ("group_function", of(&json!(["sum", "median"]))),
            ("summary_function", of(&json!(["max", "p95"]))),
            ("color", of(&json!(["#AABBCC"]))),
            ("min", of(&json!([0.5]))),
        ]),
    );
    let stream = stream.prop_map(|(kind, streams, more)| {
        with(with(json!({"id": 2, "metric": "m", "type": kind}), streams), more)
    });
    let threshold = (of(&json!(["!=", ">"])), of(&json!(["blue", "red"])));
    let threshold =
        threshold.prop_map(|(operator, colour)| json!({"operator": operator, "value": 5.0, "type": colour}));
    let chart = (
        vec(stream, 1..4),
        vec(threshold, 1..3).prop_map(Value::from).boxed(),
        some(vec![("type", of(&json!(["line", "heatmap", "table"]))), ("label", of(&json!(["ms"])))]),
    );
    let chart = chart.prop_map(|(streams, thresholds, more)| {
        with(json!({"id": 7, "name": "c", "streams": streams, "thresholds": thresholds}), more)
    });
    let composite = of(&json!([
        r#"forecast(s("m", "*"), {horizon: "5"})"#,
        r#"derive(s("m", {"@host": "web*"}, {function: "p95"}), {smooth: "true"})"#,
    ]));
    let metric = some(vec![
        (
            "attributes",
            of(&json!([{"summarize_function": "p95", "color": "#AABBCC"}, {"summarize_function": "sum"}])),
        ),
        ("display_name", of(&json!(["M"]))),
        ("period", of(&json!([60]))),
    ]);
    let kind = of(&json!(["gauge", "counter", "distribution"]));
    (vec(condition, 1..4), chart, composite, metric, kind).prop_map(|(conditions, chart, text, more, kind)| {
        let mut conditions = json!(conditions);
        number(&mut conditions);
        json!({
            "metrics": [with(json!({"name": "m", "type": kind}), more), {"name": "c", "type": "composite", "composite": text}],
            "services": [{"id": 3, "title": "pigeon", "type": "pigeon", "settings": {"loft": "3", "rings": 2}}],
            "alerts": [{"id": 4, "name": "a", "conditions": conditions, "services": [3],
                "attributes": {"runbook_url": "u", "team": {"deep": [1]}}}],
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

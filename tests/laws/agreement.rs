//! What `validate` passes the built-in server takes, and both know the same names for the same. Each has rules of its own, written
//! twice on purpose; here both are fed the same definitions with the mistakes people make.

use librato_apply::diag::{self, Severity};
use librato_apply::model::Desired;
use librato_apply::{load, render, resolve};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::generate::{of, some};
use crate::support::world::{self, Input, Nowhere, Whose, World};

#[test]
fn what_validate_passes_the_server_takes() {
    let cases = std::env::var("LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(160);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (mut clean, mut found) = (0, 0);
    let outcome = runner.run(&file(), |file| {
        let text = file.to_string();
        if noticed(&text) {
            return Ok(());
        }
        runtime.block_on(async {
            let world = World::new(Whose::Ours).await;
            applied(&world, &text, &text).await;
            // The same names in another case: for the service they are the same where it is for us.
            let input = Input::read(&respelled(file).to_string());
            let (planned, outcome) = world::apply(&world.client(), &input, 8).await.unwrap();
            let made = planned.plan.steps.iter().filter(|step| step.change.action.verb() == "create").count();
            assert_eq!(made, 0, "{}\n{text}", planned.text());
            assert!(outcome.is_complete(), "{}\n{text}", render::outcome_text(&planned.plan, &outcome));
            let (left, _) = world::apply(&world.client(), &input, 8).await.unwrap();
            assert!(left.plan.is_empty(), "{}\n{text}", left.text());
        });
        Ok(())
    });
    outcome.unwrap();
    // Neither may be rare, or the test says little.
    let mut runner = TestRunner::deterministic();
    for _ in 0..100 {
        let text = file().new_tree(&mut runner).unwrap().current().to_string();
        *if noticed(&text) { &mut found } else { &mut clean } += 1;
    }
    assert!(clean > 9 && found > 20, "{clean} clean, {found} with mistakes");
}

async fn applied(world: &World, text: &str, all: &str) {
    let (planned, outcome) = world::apply(&world.client(), &Input::read(text), 8).await.unwrap();
    assert!(planned.plan.refusals.is_empty(), "{}", planned.text());
    assert!(outcome.is_complete(), "{}\n{all}", render::outcome_text(&planned.plan, &outcome));
}

/// The names of metrics, annotation streams and alerts with upper case for lower, and the reverse.
fn respelled(mut file: Value) -> Value {
    let other = |name: &str| -> String {
        let one =
            |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        name.chars().map(one).collect()
    };
    for section in ["metrics", "composites", "annotations", "alerts"] {
        let named = file[section].as_object().into_iter().flatten();
        file[section] =
            named.map(|(name, object)| (other(name), object.clone())).collect::<Map<_, _>>().into();
    }
    file
}

/// Words that `validate` lets pass with a warning, since only some service may know them; ours does not.
const DOUBTS: [&str; 4] = ["unknown-value", "unknown-service-type", "unknown-function", "unknown-option"];

/// Whether `validate` finds a mistake, or is in doubt.
fn noticed(text: &str) -> bool {
    let load::Loaded { mut files, documents, report, .. } = load::load(&["-".into()], &mut text.as_bytes());
    let (_, more): (Desired, diag::Report) =
        resolve::resolve(documents, &mut files, &resolve::Options::default(), &Nowhere);
    let doubt = |one: &diag::Diagnostic| {
        DOUBTS.contains(&one.code) || one.help.iter().any(|help| help.contains("the built-in server refuses"))
    };
    let worth =
        |report: &diag::Report| report.iter().any(|one| one.severity == Severity::Error || doubt(one));
    worth(&report) || worth(&more)
}

/// Objects by name; now and then one under a name that nobody takes.
fn named(names: &[&str], odd: &[String], object: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let good = prop::sample::select(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let name = if odd.is_empty() {
        good.boxed()
    } else {
        prop_oneof![40 => good, 1 => prop::sample::select(odd.to_vec())].boxed()
    };
    btree_map(name, object, 0..4).prop_map(|objects| json!(objects)).boxed()
}

/// Mostly one of the first, now and then one of the others.
fn mostly(good: &Value, odd: &Value) -> BoxedStrategy<Value> {
    prop_oneof![12 => of(good), 1 => of(odd)].boxed()
}

fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    some(fields).prop_map(Value::Object).boxed()
}

fn texts() -> BoxedStrategy<Value> {
    mostly(&json!(["text", "é ☃", "two\nlines"]), &json!(["", " ", "x".repeat(3_000), "x".repeat(70_000)]))
}

fn shared() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let attributes = object(vec![
        ("color", mostly(&json!(["#AABBCC"]), &json!(["red", "#12345", "#12345g", ""]))),
        ("display_max", mostly(&json!([5, "5", -1.5]), &json!(["tall", "", " 7 ", "inf", 1e200, "1e200"]))),
        ("display_min", mostly(&json!([0, "1e3"]), &json!(["NaN", "0x10"]))),
        ("display_units_long", texts()),
        ("display_transform", mostly(&json!(["x/p*8"]), &json!(["x+y", "sin(x)", "x\t", "x\u{a0}2"]))),
        ("summarize_function", mostly(&json!(["sum", "max"]), &json!(["mean", "p95"]))),
        ("display_stacked", of(&json!([true, false]))),
        ("gap_detection", of(&json!([true]))),
    ]);
    vec![
        ("display_name", texts()),
        ("description", texts()),
        ("period", mostly(&json!([60, "5m"]), &json!([0, 1e19]))),
        ("source_lag", mostly(&json!([0, 120]), &json!(["1h"]))),
        ("attributes", attributes),
    ]
}

fn condition() -> BoxedStrategy<Value> {
    let fields = some(vec![
        ("source", mostly(&json!(["web*", "*", "%"]), &json!(["a b", ""]))),
        ("duration", mostly(&json!([60, "5m", 3600]), &json!([0, 59, 3601, 90]))),
        (
            "summary_function",
            mostly(
                &json!(["max", "average", "derivative", "derivative", "derivative"]),
                &json!(["absolute_value", "mean", "p95", ""]),
            ),
        ),
        ("detect_reset", mostly(&json!([true]), &json!([false]))),
        ("tags", tags()),
    ]);
    let kind = mostly(&json!(["above", "below", "absent"]), &json!(["near"]));
    let metric = mostly(
        &json!(["m.gauge", "m.gauge", "M.gauge", "M.counter", "undeclared"]),
        &json!(["a b", "", "m.*", "x".repeat(256)]),
    );
    let threshold = mostly(&json!([5, -0.5, 1e15]), &json!([1e200, null]));
    (kind, metric, threshold, fields)
        .prop_map(|(kind, metric, threshold, mut fields)| {
            if kind == "absent" {
                fields.shift_remove("summary_function");
                fields.shift_remove("detect_reset");
            } else if !threshold.is_null() {
                fields.insert("threshold".into(), threshold);
            }
            fields.extend(Map::from_iter([("type".to_owned(), kind), ("metric_name".to_owned(), metric)]));
            fields.into()
        })
        .boxed()
}

fn tags() -> BoxedStrategy<Value> {
    mostly(
        &json!([[], [{"name": "@host", "values": ["a"], "grouped": true}], [{"name": "az", "dynamic": true}]]),
        &json!([[{"name": ""}], [{"name": "a b", "values": []}], [{"name": "x".repeat(65)}]]),
    )
}

fn service() -> BoxedStrategy<Value> {
    mostly(
        &json!([
            {"type": "mail", "settings": {"addresses": "a@example.org, b@example.org"}},
            {"type": "slack", "settings": {"url": "https://hooks.example.org/x"}},
            {"type": "webhook", "settings": {"url": "https://user:pw@example.org/x?y#z"}},
            {"type": "hipchat", "settings": {"auth_token": "t", "from": "ops", "room_id": 7, "notify": 1}},
            {"type": "pagerduty", "settings": {"service_key": "k", "event_type": "trigger", "description": "d"}},
            {"type": "sns", "settings": {"topic_arn": "arn:aws:sns:eu:1:t", "access_key_id": "a", "secret_access_key": "s"}},
            {"type": "campfire", "settings": {"subdomain": "s", "token": "t", "room": "r", "more": true}},
            {"type": "flowdock", "settings": {"api_token": "t", "user_name": "bot"}},
        ]),
        &json!([
            {"type": "mail", "settings": {"addresses": "x"}},
            {"type": "mail", "settings": {"addresses": "a@example.org,"}},
            {"type": "mail", "settings": {"addresses": "a@b@example.org"}},
            {"type": "mail", "settings": {"addresses": "é@example.org"}},
            {"type": "mail", "settings": {"addresses": "a@example.org2"}},
            {"type": "mail", "settings": {"addresses": " "}},
            {"type": "slack", "settings": {"url": "example.org"}},
            {"type": "zapier", "settings": {"url": "https://"}},
            {"type": "webhook", "settings": {"url": "https://exa mple.org"}},
            {"type": "hipchat", "settings": {"auth_token": "t", "from": "x".repeat(16), "room_id": 7, "notify": 1}},
            {"type": "hipchat", "settings": {"auth_token": "t", "from": "ops", "room_id": 7, "notify": true}},
            {"type": "hipchat", "settings": {"auth_token": "t", "from": "ops", "room_id": 7, "notify": 0, "server_url": "x"}},
            {"type": "flowdock", "settings": {"api_token": "t", "user_name": "a b"}},
            {"type": "sns", "settings": {"topic_arn": "arn", "access_key_id": "a", "secret_access_key": "s"}},
            {"type": "neptune", "settings": {}},
            {"type": "carrier-pigeon", "settings": {"x": "y"}},
        ]),
    )
}

fn stream() -> BoxedStrategy<Value> {
    let shown = mostly(
        &json!([{"metric": "m.gauge"}, {"metric": "deploys", "type": "annotation"}, {"composite": "s(\"m.gauge\", \"%\")"}]),
        &json!([{}, {"metric": "a b"}, {"metric": ""}, {"composite": "summ(s(\"a\", \"*\"))"}, {"composite": ""},
            {"metric": "m.gauge", "type": "heatmap"}, {"metric": "a", "composite": "s(\"a\",\"*\")"}]),
    );
    let looks = some(vec![
        ("source", mostly(&json!(["*", "web*"]), &json!(["", "a b"]))),
        ("group_function", mostly(&json!(["sum", "breakout"]), &json!(["median"]))),
        ("summary_function", mostly(&json!(["max", "mean", "stddev"]), &json!(["p95"]))),
        ("transform_function", mostly(&json!(["x/p"]), &json!(["y", "", "x\n"]))),
        ("color", mostly(&json!(["#AABBCC"]), &json!(["red", ""]))),
        ("min", mostly(&json!([0, -1.5]), &json!([1e200]))),
        ("period", mostly(&json!([60]), &json!([0]))),
        ("name", texts()),
        ("position", mostly(&json!([3]), &json!([1e19]))),
        ("split_axis", of(&json!([true]))),
        ("tags", tags()),
    ]);
    (shown, looks)
        .prop_map(|(mut stream, looks)| {
            let fits = |key: &str| {
                stream.get("metric").is_some() || !matches!(key, "source" | "tags" | "group_function")
            };
            let looks: Vec<_> = looks.into_iter().filter(|(key, _)| fits(key)).collect();
            looks.into_iter().for_each(|(key, value)| stream[key] = value);
            if stream["source"].is_string() {
                stream.as_object_mut().unwrap().shift_remove("tags");
            }
            stream
        })
        .boxed()
}

fn space() -> BoxedStrategy<Value> {
    let thresholds = mostly(
        &json!([[], [{"operator": ">", "value": 5, "type": "red"}]]),
        &json!([[{"operator": "!", "value": 5, "type": "red"}], [{"operator": ">", "value": 1e200, "type": "red"}],
            [{"operator": "=", "value": 0, "type": "blue"}]]),
    );
    let chart = some(vec![
        ("type", mostly(&json!(["bignumber"]), &json!(["pie", ""]))),
        ("min", mostly(&json!([0]), &json!([1e200]))),
        ("max", mostly(&json!([5, 6.5]), &json!([-1]))),
        ("label", texts()),
        ("thresholds", thresholds),
        ("use_last_value", of(&json!([true, false]))),
        ("streams", vec(stream(), 0..3).prop_map(Value::from).boxed()),
    ]);
    let name = mostly(&json!(["c"]), &json!(["", " ", "x".repeat(256)]));
    let chart = (name, chart, any::<bool>()).prop_map(|(name, mut chart, other)| {
        chart.insert("name".into(), name);
        let other = other.then(|| json!({"name": "C", "streams": []}));
        std::iter::once(Value::Object(chart)).chain(other).collect::<Value>()
    });
    object(vec![("tags", of(&json!([true, false]))), ("charts", chart.boxed())])
}

fn file() -> BoxedStrategy<Value> {
    let long = "x".repeat(256);
    let words = |more: &[&str]| -> Vec<String> {
        more.iter().map(|name| (*name).to_owned()).chain([String::new(), long.clone()]).collect()
    };
    let composite = mostly(
        &json!(["sum(s(\"m.gauge\", \"*\"))", "floor(s(\"m.counter\", {\"@host\": \"a*\"}))"]),
        &json!([
            "",
            "sum(",
            "summ(s(\"a\", \"*\"))",
            "s(\"a\", \"\")",
            "s(\"m.gauge\", {\"a b\": \"x\"})",
            "2"
        ]),
    );
    let composite = (composite, some(shared())).prop_map(|(text, mut fields)| {
        fields.insert("composite".into(), text);
        Value::Object(fields)
    });
    let metric = (of(&json!(["gauge", "counter"])), some(shared())).prop_map(|(kind, mut fields)| {
        fields.insert("type".into(), kind);
        Value::Object(fields)
    });
    let alert = (
        vec(condition(), 1..3),
        some(vec![
            ("description", texts()),
            ("active", of(&json!([true, false]))),
            ("rearm_seconds", mostly(&json!([600, "1h"]), &json!([90, 0, 6e18]))),
            (
                "attributes",
                mostly(
                    &json!([{"runbook_url": "https://x"}, {"team": {"a": [1]}}]),
                    &json!([{"runbook_url": 5}]),
                ),
            ),
        ]),
    );
    let alert = alert.prop_map(|(conditions, mut fields)| {
        fields.insert("conditions".into(), conditions.into());
        fields.insert("services".into(), json!([]));
        Value::Object(fields)
    });
    let declared = of(&json!([{"m.gauge": {"type": "gauge"}, "m.counter": {"type": "counter"}}]));
    let metrics = named(
        &["a", "a", "B.c:d-e_f", "B.c:d-e_f", "b.C:d-e_f"],
        &words(&["a b", "é", "a/b", "a*"]),
        metric.boxed(),
    );
    let annotations = named(
        &["deploys", "deploys", "deploys", "Deploys"],
        &words(&["a b", "é"]),
        object(vec![("display_name", texts())]),
    );
    (
        declared,
        metrics,
        named(&["ratio", "ratio", "ratio", "A"], &words(&["a b"]), composite.boxed()),
        annotations,
        named(&["ops", "Ops", "a: b", "é"], &words(&[" ", " x"]), service()),
        named(&["web.slow", "web.slow", "db:full", "db:full", "Web.Slow"], &words(&["a b"]), alert.boxed()),
        named(&["Shop", "shop", "é/ü"], &words(&[" "]), space()),
    )
        .prop_map(|(declared, mut metrics, composites, annotations, services, alerts, spaces)| {
            metrics.as_object_mut().unwrap().extend(declared.as_object().unwrap().clone());
            json!({"metrics": metrics, "composites": composites, "annotations": annotations, "services": services,
                "alerts": alerts, "spaces": spaces})
        })
        .boxed()
}

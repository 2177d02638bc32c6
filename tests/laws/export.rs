//! Whatever a service has: exported and applied elsewhere it is the same there, and here it changes nothing.
//! `LAW_CASES` sets how many services are tried.

use std::collections::BTreeMap;

use crate::support::generate::{of, some};
use crate::support::world::{self, Input, SECRET, Whose, World};
use librato_apply::diag::{Files, is_harmless};
use librato_apply::load::yaml;
use librato_apply::model::{Address, ChartOrder, Collection, Kind, Resource, State};
use librato_apply::remote::fetch::{FetchPlan, fetch, service_types, unmapped};
use librato_apply::render::{ServiceTypes, definitions, expressible, restorable};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// What is on a service, by name; alerts and charts speak of services and spaces by their number.
#[derive(Debug, Clone)]
struct Remote {
    metrics: BTreeMap<String, Value>,
    annotations: BTreeMap<String, Value>,
    services: BTreeMap<String, Value>,
    alerts: BTreeMap<String, Value>,
    spaces: BTreeMap<String, (Value, Vec<Value>)>,
}

#[test]
fn what_is_exported_and_applied_elsewhere_is_the_same_there() {
    let cases = std::env::var("LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let schema = std::fs::read("schemas/librato-apply.schema.json").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let outcome = runner.run(&remote(), |remote| {
        runtime.block_on(travels(&remote, &schema));
        Ok(())
    });
    outcome.unwrap();
}

async fn travels(remote: &Remote, schema: &jsonschema::Validator) {
    let here = World::new(Whose::Ours).await;
    remote.seed(&here).await;
    let text = exported(&here).await;
    let input = Input::read(&text);
    let file = Files::default().add("x", String::new(), |_| yaml::index(""));
    let document = yaml::parse(&text, file).unwrap();
    let errors: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{text}");

    let planned = world::plan(&here.client(), &input).await.unwrap();
    assert!(planned.plan.is_empty() && planned.plan.refusals.is_empty(), "{}\n{text}", planned.text());

    let there = World::new(Whose::Ours).await;
    let (planned, outcome) = world::apply(&there.client(), &input, 8).await.unwrap();
    assert!(outcome.is_complete() && planned.plan.refusals.is_empty(), "{}\n{text}", planned.text());
    assert_eq!(everything(&here).await, everything(&there).await, "{text}");
    assert_eq!(text, exported(&there).await);
}

/// The service as definitions; nothing may be lost.
async fn exported(world: &World) -> String {
    let actual = fetch(&world.client(), &FetchPlan::all()).await.unwrap();
    let found = expressible(&actual.state, &actual.duplicates, &|_, _| true);
    assert_eq!(found.losses, []);
    for (address, remote) in &actual.ids {
        let raw = remote.raw.value();
        assert_eq!(unmapped(&raw, &actual.state[address]), [""; 0], "{address}: {raw}");
    }
    let written = definitions(&found.objects, &actual.chart_order, &service_types(&actual.ids));
    let text = yaml::write(&Value::Object(written.document)).unwrap();
    // What no service keeps is nobody's secret.
    assert!(written.secrets.is_empty() || !text.contains(SECRET), "{text}");
    text
}

impl Remote {
    async fn seed(&self, world: &World) {
        for (name, metric) in &self.metrics {
            world.seed("PUT", &format!("/metrics/{name}"), metric.clone()).await;
        }
        for (name, stream) in &self.annotations {
            world.seed("POST", &format!("/annotations/{name}"), json!({"title": "v1"})).await;
            world.seed("PUT", &format!("/annotations/{name}"), stream.clone()).await;
        }
        let mut services = Vec::new();
        for (title, service) in &self.services {
            let body = with(service, "title", title.as_str());
            services.push(world.seed("POST", "/services", body).await["id"].clone());
        }
        for (name, alert) in &self.alerts {
            let mut body = with(alert, "name", name.as_str());
            resolve(&mut body["services"], &services);
            world.seed("POST", "/alerts", body).await;
        }
        let mut spaces = Vec::new();
        for (name, (space, _)) in &self.spaces {
            spaces
                .push(world.seed("POST", "/spaces", with(space, "name", name.as_str())).await["id"].clone());
        }
        for (id, (_, charts)) in spaces.iter().zip(self.spaces.values()) {
            for (i, chart) in charts.iter().enumerate() {
                let mut chart = chart.clone();
                // Names come in no order; one chart may have none.
                let names = ["Zulu", "", "Alpha: #1", "${mike}"];
                chart["name"] = names[i].into();
                if let Some(number) = chart["related_space"].as_u64() {
                    chart["related_space"] = spaces[usize::try_from(number).unwrap() % spaces.len()].clone();
                }
                world.seed("POST", &format!("/spaces/{id}/charts"), chart).await;
            }
        }
    }
}

fn with(object: &Value, key: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    object[key] = value.into();
    object
}

fn resolve(numbers: &mut Value, ids: &[Value]) {
    let list = numbers.as_array().into_iter().flatten().filter_map(Value::as_u64);
    let mut found: Vec<Value> = Vec::new();
    for number in list.filter(|_| !ids.is_empty()) {
        let id = &ids[usize::try_from(number).unwrap() % ids.len()];
        if !found.contains(id) {
            found.push(id.clone());
        }
    }
    *numbers = found.into();
}

/// Every list of the service without ids, times, and what says nothing.
async fn everything(world: &World) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut spaces = BTreeMap::new();
    for collection in ["metrics", "annotations", "services", "alerts", "spaces"] {
        let listed = world.seed("GET", &format!("/{collection}?length=100"), Value::Null).await;
        let items = listed[collection].as_array().unwrap().clone();
        assert_eq!(items.len() as u64, listed["query"]["found"].as_u64().unwrap());
        for item in items {
            let name = item.get("title").or(item.get("name")).unwrap().as_str().unwrap().to_owned();
            if collection == "spaces" {
                spaces.insert(item["id"].to_string(), name.clone());
            }
            all.insert(format!("{collection}/{name}"), plain(&item));
        }
    }
    for (id, name) in &spaces {
        let charts = world.seed("GET", &format!("/spaces/{id}/charts"), Value::Null).await;
        let mut charts = charts.as_array().unwrap().clone();
        for chart in &mut charts {
            if let Some(related) = chart.get("related_space").map(ToString::to_string) {
                chart["related_space"] = spaces[&related].as_str().into();
            }
        }
        all.insert(format!("charts/{name}"), charts.iter().map(plain).collect());
    }
    all
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let made = ["id", "created_at", "updated_at", "created_by_ua"];
            let kept = map.iter().filter(|(key, _)| !made.contains(&key.as_str()));
            let kept = kept.map(|(key, value)| (key.clone(), plain(value)));
            let flags = ["use_log_yaxis", "use_last_value", "tags"];
            Value::Object(
                kept.filter(|(key, value)| {
                    let empty = *value == json!([]) || *value == json!({}) || *value == "" || value.is_null();
                    !(empty || flags.contains(&key.as_str()) && *value == false)
                })
                .collect(),
            )
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(plain).collect();
            // Services of an alert stand in the order of their ids.
            if items.iter().any(|item| item.get("settings").is_some()) {
                items.sort_by_key(ToString::to_string);
            }
            items.into()
        }
        other => other.clone(),
    }
}

fn remote() -> impl Strategy<Value = Remote> {
    let names = |names: &[&'static str]| prop::sample::select(names.to_vec()).prop_map(str::to_owned);
    let metrics = btree_map(names(&["a.b", "Web.Ms", "true", "1e3", "null", "x:y-z_9", "-"]), metric(), 0..6);
    let composites = btree_map(names(&["c.ratio", "C", "off"]), composite(), 0..3);
    let annotations = btree_map(
        names(&["deploys", "no", "web.deploys"]),
        some(vec![("display_name", short(texts()))]).prop_map(Value::Object),
        0..3,
    );
    let services = btree_map(names(&["ops", "a: b", "- x", "${t}", "é #1", "Ops"]), service(), 0..5);
    let alerts = btree_map(names(&["web.slow", "yes", "0x1F", "db:full"]), alert(), 0..4);
    let spaces = btree_map(
        names(&["Shop", "Shop: #1", "null", "${s}", "é/ü"]),
        (some(vec![("tags", of(&json!([true, false])))]).prop_map(Value::Object), vec(chart(), 0..4)),
        0..4,
    );
    (metrics, composites, annotations, services, alerts, spaces).prop_map(
        |(mut metrics, composites, annotations, services, alerts, spaces)| {
            metrics.extend(composites);
            Remote { metrics, annotations, services, alerts, spaces }
        },
    )
}

/// Texts that a writer of YAML can get wrong.
fn texts() -> BoxedStrategy<Value> {
    of(&json!([
        "plain",
        "",
        " blanks ",
        "two\nlines",
        "block\n\n  indented\n",
        "\nfirst",
        "last\n\n",
        "tab\tinside",
        "# no comment",
        "a: b",
        "- x",
        "yes",
        "null",
        "1e3",
        "0o17",
        "'q' \"d\"",
        "${not.a.reference}",
        "$${x}",
        "é ☃ 𝄞",
        "back\\slash",
        "2026-01-01",
        "ends with \\",
        "{flow: [x]}",
        "see canary-secret there",
        "x".repeat(300),
        format!("{}\n{}\n", "long line ".repeat(30), "more ".repeat(40)),
    ]))
}

/// A display name has a bound.
fn short(texts: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let fits = |text: &Value| text.as_str().is_none_or(|text| text.chars().count() <= 255);
    texts.prop_filter("a display name is at most 255 characters", fits).boxed()
}

fn display() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let attributes = some(vec![
        ("color", of(&json!(["#AABBCC", "#000000"]))),
        ("display_max", of(&json!([5, 5.5, "5", "1e3", 0, -0.25, 1e100]))),
        ("display_min", of(&json!([0, "-1"]))),
        ("display_units_short", texts()),
        ("display_stacked", of(&json!([true, false]))),
        ("display_transform", of(&json!(["x/p*8"]))),
        ("summarize_function", of(&json!(["average", "sum"]))),
        ("aggregate", of(&json!([true, false]))),
        ("gap_detection", of(&json!([true, false]))),
    ]);
    vec![
        ("display_name", short(texts())),
        ("description", texts()),
        ("period", of(&json!([60, 1, 90]))),
        ("source_lag", of(&json!([120, 7200]))),
        ("attributes", attributes.prop_map(Value::Object).boxed()),
    ]
}

fn metric() -> BoxedStrategy<Value> {
    (of(&json!(["gauge", "counter"])), some(display()))
        .prop_map(|(kind, fields)| with(&Value::Object(fields), "type", kind))
        .boxed()
}

fn definition() -> BoxedStrategy<Value> {
    of(&json!([
        "sum( s(\"a.b\",\"*\") )",
        "divide([\n  sum(s(\"a.b\", \"*\")),\n  sum(s(\"x\", \"*\"))\n])\n",
        "series(\"a.b\",  \"*\")"
    ]))
}

fn composite() -> BoxedStrategy<Value> {
    (definition(), some(display()))
        .prop_map(|(text, fields)| {
            with(&with(&Value::Object(fields), "composite", text), "type", "composite")
        })
        .boxed()
}

fn service() -> BoxedStrategy<Value> {
    of(&json!([
        {"type": "slack", "settings": {"url": format!("https://hooks.example.org/{SECRET}")}},
        {"type": "mail", "settings": {"addresses": "a@example.org, b@example.org"}},
        {"type": "pagerduty", "settings": {"service_key": SECRET, "event_type": "trigger", "description": "${x}: y"}},
        {"type": "campfire", "settings": {"subdomain": "x", "token": SECRET, "room": "1e3"}},
    ]))
    // What the environment holds is one and the same text.
    .prop_map(|mut service| {
        if service["settings"]["url"].is_string() {
            service = json!({"type": "neptune", "settings": {"api_key": SECRET}});
        }
        service
    })
    .boxed()
}

fn alert() -> BoxedStrategy<Value> {
    let condition = of(&json!([
        {"type": "above", "metric_name": "g", "threshold": 5.5, "duration": 300, "summary_function": "max"},
        {"type": "below", "metric_name": "Web.Ms", "threshold": -0.0, "source": "web*"},
        {"type": "below", "metric_name": "n", "threshold": 1e15, "source": "*", "summary_function": "derivative", "detect_reset": true},
        {"type": "absent", "metric_name": "n", "duration": 60},
        {"type": "above", "metric_name": "t", "threshold": 1, "tags": [{"name": "env", "values": ["prod", "no"], "grouped": true}]},
        // As terraform sends them.
        {"type": "absent", "metric_name": "n", "duration": 600, "threshold": 0, "detect_reset": false},
    ]));
    let attributes = of(&json!([{"runbook_url": "https://x/?a=1#b", "team": {"deep": [1, "yes"]}}, {}]));
    let fields = some(vec![
        ("description", texts()),
        ("services", vec(0..6_u64, 0..3).prop_map(|list| json!(list)).boxed()),
        ("attributes", attributes),
        ("active", of(&json!([true, false]))),
        ("rearm_seconds", of(&json!([600, 60, 7200]))),
        ("rearm_per_signal", of(&json!([true, false]))),
    ]);
    (vec(condition, 0..4), fields)
        .prop_map(|(conditions, fields)| with(&Value::Object(fields), "conditions", conditions))
        .boxed()
}

fn chart() -> BoxedStrategy<Value> {
    let fields = some(vec![
        ("type", of(&json!(["line", "stacked", "bignumber"]))),
        ("min", of(&json!([0, -1.5]))),
        ("max", of(&json!([100, 1e6]))),
        ("label", texts()),
        ("related_space", (0..5_u64).prop_map(Value::from).boxed()),
        (
            "thresholds",
            of(
                &json!([[], [{"operator": ">", "value": 5, "type": "red"}, {"operator": "=", "value": 0, "type": "yellow"}]]),
            ),
        ),
        ("use_log_yaxis", of(&json!([true, false]))),
        ("use_last_value", of(&json!([true, false]))),
        ("streams", vec(stream(), 0..4).prop_map(Value::from).boxed()),
    ]);
    fields.prop_map(Value::Object).boxed()
}

fn stream() -> BoxedStrategy<Value> {
    let metric = some(vec![
        ("source", of(&json!(["*", "%", "web*", "WEB-1"]))),
        ("group_function", of(&json!(["average", "breakout", "sum"]))),
        ("summary_function", of(&json!(["average", "max", "derivative", "stddev"]))),
        ("transform_function", of(&json!(["x/p"]))),
    ]);
    let tagged = of(&json!([
        {"metric": "t", "tags": [{"name": "region", "values": ["eu", "no"], "grouped": true}, {"name": "host", "dynamic": true}]}]));
    let composite = (definition(), some(vec![("downsample_function", of(&json!(["sum", "average"])))]))
        .prop_map(|(text, fields)| with(&Value::Object(fields), "composite", text));
    let one = prop_oneof![
        metric.prop_map(|fields| with(&Value::Object(fields), "metric", "a.b")),
        tagged,
        composite
    ];
    let looks = some(vec![
        ("name", texts()),
        ("color", of(&json!(["#AABBCC"]))),
        ("units_short", of(&json!(["ms", "%"]))),
        ("units_long", texts()),
        ("min", of(&json!([0]))),
        ("max", of(&json!([10.5]))),
        ("period", of(&json!([60]))),
        ("split_axis", of(&json!([true, false]))),
        ("gap_detection", of(&json!([true, false]))),
        ("position", of(&json!([0, 3]))),
    ]);
    (one, looks)
        .prop_map(|(mut one, looks)| {
            looks.into_iter().for_each(|(key, value)| one[&key] = value);
            one
        })
        .boxed()
}

/// Whatever names a service has, what is exported and what is kept of the deleted are files that are valid and show every character.
#[test]
fn files_are_valid_whatever_the_names_are() {
    let pieces = prop::sample::select(vec![
        " ",
        "a",
        "B",
        "\u{202e}",
        "\u{200b}",
        "\u{feff}",
        "\n",
        "\t",
        "\r",
        "\u{85}",
        "\u{2028}",
        "é",
        "\"",
        "'",
        ":",
        "#",
        "${x}",
        "\u{ad}",
        "- ",
        "\u{e0041}",
        "\u{1b}",
        "{",
        "escaped0z",
        "\\",
        "null",
        "?",
    ]);
    let name = vec(pieces, 1..5).prop_map(|pieces| pieces.concat());
    let names = || vec(name.clone(), 1..4);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let outcome =
        runner.run(&(names(), names(), names(), name.clone()), |(services, spaces, charts, text)| {
            let fields =
                |kind, fields: Value| Resource::from_fields(kind, fields.as_object().unwrap()).unwrap();
            let mut state = State::new();
            for title in &services {
                let service = json!({"type": "mail", "settings": {"addresses": text}});
                state.insert(Address::service(title), fields(Kind::Service, service));
            }
            let alert = json!({"services": services, "conditions": [], "description": text});
            state.insert(Address::new(Collection::Alerts, "a"), fields(Kind::Alert, alert));
            for space in &spaces {
                state.insert(Address::space(space), fields(Kind::Space, json!({})));
                for chart in &charts {
                    let chart_fields = json!({"label": text, "related_space": spaces[0]});
                    state.insert(Address::chart(space, chart), fields(Kind::Chart, chart_fields));
                }
            }
            let exported = expressible(&state, &BTreeMap::new(), &|_, _| true).objects;
            let kept = restorable(&state);
            for (objects, order) in [(exported, ChartOrder::new()), (kept.objects, kept.order)] {
                let text =
                    yaml::write(&Value::Object(definitions(&objects, &order, &ServiceTypes::new()).document))
                        .unwrap();
                let input = Input::read(&text);
                assert!(objects.keys().all(|address| input.desired.objects.contains_key(address)), "{text}");
                assert!(text.chars().all(|c| c == '\n' || c == '\t' || is_harmless(c)), "{text:?}");
            }
            let refused = definitions(&kept.refused, &ChartOrder::new(), &ServiceTypes::new()).document;
            let text = yaml::write(&Value::Object(refused)).unwrap();
            assert!(text.chars().all(|c| c == '\n' || c == '\t' || is_harmless(c)), "{text:?}");
            Ok(())
        });
    outcome.unwrap();
}

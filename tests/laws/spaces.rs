//! Laws of spaces and charts, whatever the files ask for: one request a change, nothing to do afterwards, and the same in
//! the end by way of other files as at once. `LAW_CASES` sets how many pairs of files are tried.

use std::collections::BTreeMap;

use crate::support::generate::{of, some};
use crate::support::oracle::mentioned;
use crate::support::world::{self, Input, Whose, World};
use librato_apply::render;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// Charts of a space, in this order.
type Charts = Vec<(&'static str, Value)>;

/// What is asked for first and later; whether the first space is renamed, and its first chart.
#[derive(Debug, Clone)]
struct Files {
    first: BTreeMap<&'static str, Charts>,
    second: BTreeMap<&'static str, Charts>,
    rename: (bool, bool),
    prune: bool,
}

#[test]
fn spaces_obey() {
    let cases = std::env::var("LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let outcome = runner.run(&files(), |files| {
        runtime.block_on(obeyed(&files));
        Ok(())
    });
    outcome.unwrap();
}

async fn obeyed(files: &Files) {
    let world = World::new(Whose::Ours).await;
    world::seed_foreign(&world).await;
    let seeded = world.truth().await;
    let (first, second) = (text(&files.first, files, false), text(&files.second, files, true));
    apply_lawfully(&world, &first).await;
    apply_lawfully(&world, &second).await;
    let fresh = World::new(Whose::Ours).await;
    world::seed_foreign(&fresh).await;
    apply_lawfully(&fresh, &second).await;
    let desired = Input::read(&second).desired;
    let (here, there) = (world.truth().await, fresh.truth().await);
    assert_eq!(mentioned(&here, &desired), mentioned(&there, &desired), "{first}\n{second}");
    assert_eq!(world::foreign(&here), world::foreign(&seeded));
}

async fn apply_lawfully(world: &World, text: &str) {
    let (client, input) = (world.client(), Input::read(text));
    world.take_log();
    let before = world.truth().await;
    let printed = world::plan(&client, &input).await.unwrap().text();
    let (planned, outcome) = world::apply(&client, &input, 8).await.unwrap();
    assert_eq!(printed, planned.text());
    assert!(planned.plan.refusals.is_empty() && outcome.is_complete(), "{text}\n{}\n{before:#?}", {
        planned.text() + &render::outcome_text(&planned.plan, &outcome)
    });
    let writes = world.take_log().into_iter().filter(|request| request.method != "GET").count();
    assert_eq!(writes, planned.plan.steps.len(), "one request a change: {}", planned.text());
    let again = world::plan(&client, &input).await.unwrap();
    assert!(again.plan.is_empty() && again.plan.refusals.is_empty(), "{text}\n{}", again.text());
}

/// The files; the later ones rename what the first had, where that is possible.
fn text(spaces: &BTreeMap<&'static str, Charts>, files: &Files, later: bool) -> String {
    let mut written = json!({});
    for (name, charts) in spaces {
        let was = files.first.get(name);
        let mut list = Vec::new();
        for (i, (chart, fields)) in charts.iter().enumerate() {
            let mut fields = fields.clone();
            fields["name"] = (*chart).into();
            let had = was.is_some_and(|was| was.iter().any(|(name, _)| name == chart));
            if later && files.rename.1 && had && i == 0 {
                fields["name"] = format!("{chart} new").into();
                fields["renamed_from"] = (*chart).into();
            }
            if fields["related_space"] == "self" {
                fields["related_space"] = (*name).into();
            }
            list.push(fields);
        }
        written[*name] = json!({ "charts": list });
    }
    let first =
        spaces.keys().next().filter(|name| later && files.rename.0 && files.first.contains_key(*name));
    if let Some(name) = first {
        let mut space = written.as_object_mut().unwrap().shift_remove(*name).unwrap();
        space["renamed_from"] = (*name).into();
        for chart in space["charts"].as_array_mut().unwrap() {
            if chart["related_space"] == *name {
                chart["related_space"] = format!("{name} new").into();
            }
        }
        written[format!("{name} new")] = space;
    }
    let prune = if files.prune { json!({"spaces": ["[!f]*"], "charts": ["*"]}) } else { json!({}) };
    json!({"settings": {"prune": prune}, "metrics": {"n": {"type": "counter"}}, "spaces": written})
        .to_string()
}

fn files() -> impl Strategy<Value = Files> {
    let spaces = || btree_map(prop::sample::select(vec!["Shop", "Depot/x", "é"]), charts(), 0..3);
    (spaces(), spaces(), (any::<bool>(), any::<bool>()), any::<bool>())
        .prop_map(|(first, second, rename, prune)| Files { first, second, rename, prune })
}

fn charts() -> impl Strategy<Value = Charts> {
    (Just(vec!["B", "A", "a/C", "D"]).prop_shuffle(), vec(chart(), 0..4))
        .prop_map(|(names, charts)| names.into_iter().zip(charts).collect())
}

fn chart() -> BoxedStrategy<Value> {
    let fields = some(vec![
        ("type", of(&json!(["line", "stacked", "bignumber"]))),
        ("min", of(&json!([0, -1.5, null]))),
        ("max", of(&json!([100, null]))),
        ("label", of(&json!(["ms", null]))),
        ("related_space", of(&json!(["self", null]))),
        ("thresholds", of(&json!([[], [{"operator": ">", "value": 5, "type": "red"}]]))),
        ("use_log_yaxis", of(&json!([true, null]))),
        ("streams", vec(stream(), 0..4).prop_map(Value::from).boxed()),
    ]);
    fields.prop_map(Value::Object).boxed()
}

fn stream() -> BoxedStrategy<Value> {
    let kinds = of(&json!([
        {"metric": "foreign.gauge"}, {"metric": "foreign.gauge", "source": "web*"}, {"metric": "n", "summary_function": "max"},
        {"metric": "t", "tags": [{"name": "env", "values": ["a"], "grouped": true}]},
        {"composite": "sum(s(\"n\",\"%\"))"}, {"composite": "s(\"n\",\"*\")", "downsample_function": "sum"}]));
    let looks = some(vec![
        ("name", of(&json!(["x", "y: #1"]))),
        ("color", of(&json!(["#AABBCC"]))),
        ("min", of(&json!([0, 5.5]))),
    ]);
    (kinds, looks)
        .prop_map(|(mut stream, looks)| {
            looks.into_iter().for_each(|(key, value)| stream[&key] = value);
            stream
        })
        .boxed()
}

//! Laws that hold for whatever the files ask for, on our own service and on one with other habits.
//! `LAW_CASES` sets how many pairs of files are tried.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::collections::BTreeMap;

use librato_apply::remote::Client;
use librato_apply::render;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::generate::{self, Files};
use support::oracle::{mentioned, promised, unmentioned, writes};
use support::world::{self, Planned, Whose, Wish, World};

#[test]
fn laws_on_our_own_service() {
    prove(&Just(0).boxed(), |_| Whose::Ours);
}

#[test]
fn laws_on_a_service_with_other_habits() {
    prove(&any::<u64>().boxed(), Whose::Other);
}

fn prove(seeds: &BoxedStrategy<u64>, whose: fn(u64) -> Whose) {
    let cases = std::env::var("LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(16);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let outcome = runner.run(&(generate::files(), seeds), |(files, seed)| {
        runtime.block_on(obeyed(whose(seed), &files));
        Ok(())
    });
    outcome.unwrap();
}

async fn obeyed(whose: Whose, files: &Files) {
    let world = World::new(whose).await;
    let client = world.client();
    world::seed_foreign(&world).await;
    apply_lawfully(&world, &client, &files.first).await;
    leave_marks(&world).await;
    assert_empty(&client, &files.first).await;
    let Some(wish) = apply_lawfully(&world, &client, &files.second).await else { return };

    let fresh = World::new(whose).await;
    world::seed_foreign(&fresh).await;
    let fresh_client = fresh.client();
    apply_lawfully(&fresh, &fresh_client, &files.second_from_nothing).await;
    let (here, there) = (world.truth().await, fresh.truth().await);
    assert_eq!(
        mentioned(&here, &wish.desired),
        mentioned(&there, &wish.desired),
        "by way of other files\n{}\nand at once\n{}",
        files.second,
        files.second_from_nothing
    );
}

/// Plans twice, applies, plans again; holds all of it against what the service saw and keeps. Nothing if refused.
async fn apply_lawfully(world: &World, client: &Client, text: &str) -> Option<Wish> {
    let wish = Wish::read(text);
    let before = world.truth().await;
    world.take_log();
    let first = world::plan(client, &wish).await.unwrap();
    let second = world::plan(client, &wish).await.unwrap();
    assert_eq!(writes(&world.take_log()), [], "planning writes");
    let (document, text_twice) = (first.document(), [&first, &second].map(Planned::text));
    assert_eq!(text_twice[0], text_twice[1], "two plans differ");
    assert_eq!(document, second.document(), "two plans differ");
    assert_eq!(before, world.truth().await);

    let (planned, outcome) = world::apply(client, &wish, 8).await.unwrap();
    let log = world.take_log();
    if !planned.plan.refusals.is_empty() {
        assert_eq!(writes(&log), [], "a refused plan writes");
        return None;
    }
    assert!(outcome.is_complete(), "{}\n{text}", render::outcome_text(&planned.plan, &outcome));
    assert_eq!(outcome.notes, [""; 0]);
    assert_eq!(promised(&document, &before), writes(&log), "{}\n{text}", planned.text());
    assert_empty(client, text).await;

    let after = world.truth().await;
    assert_eq!(world::foreign(&before), world::foreign(&after));
    let rest = |truth| -> BTreeMap<String, Value> { unmentioned(truth, &wish.desired, &after) };
    let mut kept = rest(&after);
    // What is replaced loses everything, which is why the plan calls it so.
    let replaced = |key: &str| {
        let changes = document["changes"].as_array().unwrap();
        changes
            .iter()
            .any(|change| change["action"] == "replace" && key.ends_with(change["name"].as_str().unwrap()))
    };
    kept.retain(|key, _| before.contains_key(key) && !replaced(key));
    let mut expected = rest(&before);
    expected.retain(|key, _| !replaced(key));
    assert_eq!(expected, kept, "{}\n{text}", planned.text());
    Some(wish)
}

async fn assert_empty(client: &Client, text: &str) {
    let wish = Wish::read(text);
    let again = world::plan(client, &wish).await.unwrap();
    assert!(again.plan.is_empty() && again.plan.refusals.is_empty(), "{}\n{text}", again.text());
}

/// Somebody else writes attributes that no file mentions into every metric and alert.
async fn leave_marks(world: &World) {
    for (key, object) in world.truth().await {
        let mut attributes = object["attributes"].clone();
        attributes["their_mark"] = json!({"deep": [key]});
        let body = match key.split('/').next() {
            Some("metrics") => json!({"attributes": {"their_mark": attributes["their_mark"]}}),
            Some("alerts") => {
                json!({"name": object["name"], "conditions": object["conditions"], "attributes": attributes})
            }
            _ => continue,
        };
        world.seed("PUT", &format!("/{key}"), body).await;
    }
}

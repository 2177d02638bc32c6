//! A service whose type the API refuses to change is made anew, and every alert follows it.
//! Breaking it off at each request is the business of `fault_matrix.rs`.

use std::collections::BTreeSet;

use crate::support::change_set::retyped;
use crate::support::oracle::{Truth, kept, mentioned, undeclared_alerts};
use crate::support::world::{self, Input, Whose, World, apply, plan};
use serde_json::{Value, json};

use librato_apply::model::Address;
use librato_apply::plan::{Done, Outcome};

const SLACK: &str = "services: { ops: { type: slack, settings: { url: https://hooks.example.org/x } } }";
const MAIL: &str = "services: { ops: { type: mail, settings: { addresses: a@example.org } } }";
const WEBHOOK: &str = "services: { ops: { type: webhook, settings: { url: https://example.org/y } } }";
/// What a broken run leaves.
const SUCCESSOR: &str = "ops.librato-apply-retyping";

async fn applied(world: &World, files: &str) -> Outcome {
    let (planned, outcome) = apply(&world.client(), &Input::read(files), 8).await.unwrap();
    assert_eq!(planned.plan.refusals, [], "{}", planned.text());
    outcome
}

async fn is_empty(world: &World, files: &str) -> bool {
    plan(&world.client(), &Input::read(files)).await.unwrap().plan.is_empty()
}

async fn service(world: &World, title: &str, kind: &str) -> Value {
    let settings = match kind {
        "mail" => json!({"addresses": "a@example.org"}),
        _ => json!({"url": "https://hooks.example.org/x"}),
    };
    world.seed("POST", "/services", json!({"type": kind, "title": title, "settings": settings})).await["id"]
        .clone()
}

async fn alert(world: &World, name: &str, services: &[&Value]) {
    let condition = json!({"type": "absent", "metric_name": "m", "duration": 60});
    let body = json!({"name": name, "services": services, "conditions": [condition], "active": false,
        "attributes": {"team": "theirs"}});
    world.seed("POST", "/alerts", body).await;
}

/// Title and type of every service, and which of them an alert uses.
fn services(truth: &Truth) -> BTreeSet<(String, String)> {
    let all = truth.iter().filter(|(key, _)| key.starts_with("services/"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.map(|(_, service)| (text(&service["title"]), text(&service["type"]))).collect()
}

fn only(title: &str, kind: &str) -> BTreeSet<(String, String)> {
    BTreeSet::from([(title.to_owned(), kind.to_owned())])
}

#[tokio::test]
async fn what_was_done_is_told_and_the_alerts_of_others_follow() {
    for status in [400, 422] {
        let world = World::new(Whose::FixedTypes(status)).await;
        let old = service(&world, "ops", "mail").await;
        let other = service(&world, "other", "mail").await;
        alert(&world, "theirs", &[&other, &old]).await;
        alert(&world, "not.concerned", &[&other]).await;
        let input = Input::read(SLACK);
        let before = undeclared_alerts(&world.truth().await, &input.desired);
        let outcome = applied(&world, SLACK).await;
        assert!(outcome.is_complete(), "{outcome:?}");
        let after = world.truth().await;
        let (new, _) = kept(&after, &Address::service("ops")).unwrap();
        assert_eq!(
            outcome.notes,
            [format!(
                "the service \"ops\" was made anew, since its type cannot be changed: it has the id {} now, \
                 1 alert was pointed to the new one, and the old one was deleted",
                new.trim_start_matches("services/")
            )]
        );
        assert_eq!(undeclared_alerts(&after, &input.desired), before);
        assert!(is_empty(&world, SLACK).await);
        let touched: Vec<String> = world.take_log().into_iter().map(|request| request.path).collect();
        assert_eq!(touched.iter().filter(|path| path.starts_with("/alerts/")).count(), 1, "{touched:?}");
    }
}

#[tokio::test]
async fn it_ends_where_a_service_ends_that_changes_types() {
    let (before, after) = retyped();
    let input = Input::read(&after);
    let mut ends = Vec::new();
    for whose in [Whose::Ours, Whose::FixedTypes(400)] {
        let world = World::new(whose).await;
        world::seed_foreign(&world).await;
        for files in [&before, &after] {
            let outcome = applied(&world, files).await;
            assert!(outcome.is_complete(), "{outcome:?}");
        }
        assert!(is_empty(&world, &after).await);
        let truth = world.truth().await;
        ends.push((mentioned(&truth, &input.desired), undeclared_alerts(&truth, &input.desired)));
    }
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn a_refusal_for_another_reason_changes_nothing() {
    let world = World::new(Whose::FixedTypes(422)).await;
    let old = service(&world, "ops", "mail").await;
    alert(&world, "theirs", &[&old]).await;
    let before = world.truth().await;
    let wrong = r"services: { ops: { type: pigeon, settings: { loft: north } } }";
    let outcome = applied(&world, wrong).await;
    let [Done::Failed(why)] = outcome.steps.as_slice() else { panic!("{outcome:?}") };
    assert!(why.message.contains("so it was to be made anew, but POST /services: 400"), "{why}");
    assert_eq!(world.truth().await, before);
}

#[tokio::test]
async fn what_is_protected_is_not_made_anew() {
    for rule in ["", "settings: { protect: { services: ['op*'] } }\n"] {
        let world = World::new(Whose::FixedTypes(422)).await;
        service(&world, "ops", "mail").await;
        let before = world.truth().await;
        let files = match rule {
            "" => SLACK.replace("type: slack", "protect: true, type: slack"),
            rule => format!("{rule}{SLACK}"),
        };
        let outcome = applied(&world, &files).await;
        let [Done::Failed(why)] = outcome.steps.as_slice() else { panic!("{outcome:?}") };
        assert!(
            why.message.contains("cannot be changed") && why.message.contains("it is protected"),
            "{why}"
        );
        assert_eq!(world.truth().await, before);
    }
}

/// A run was broken off when some alerts used the new service already; then the files were changed.
async fn half_way(old: bool) -> World {
    let world = World::new(Whose::FixedTypes(422)).await;
    let new = service(&world, SUCCESSOR, "slack").await;
    alert(&world, "moved", &[&new]).await;
    if old {
        let old = service(&world, "ops", "mail").await;
        alert(&world, "left.behind", &[&old]).await;
    }
    world
}

#[tokio::test]
async fn a_broken_run_is_gone_on_with_whatever_the_files_say_by_now() {
    for old in [true, false] {
        for (files, kind) in [(SLACK, "slack"), (WEBHOOK, "webhook")] {
            let world = half_way(old).await;
            let outcome = applied(&world, files).await;
            assert!(outcome.is_complete(), "{outcome:?}");
            let truth = world.truth().await;
            assert_eq!(services(&truth), only("ops", kind));
            let used = undeclared_alerts(&truth, &Input::read(files).desired);
            assert!(used.values().all(|alert| alert["services"] == json!(["ops"])), "{used:#?}");
            assert!(is_empty(&world, files).await);
        }
    }
    let world = half_way(false).await;
    assert!(applied(&world, MAIL).await.is_complete());
    assert_eq!(services(&world.truth().await), only("ops", "mail"));
}

/// Back to the old type: what was made is deleted like any other service, so not while somebody uses it.
#[tokio::test]
async fn a_leftover_goes_once_no_alert_uses_it() {
    let world = half_way(true).await;
    let planned = plan(&world.client(), &Input::read(MAIL)).await.unwrap();
    let refused: Vec<&str> = planned.plan.refusals.iter().map(|refusal| refusal.code.as_str()).collect();
    assert_eq!(refused, ["service-in-use"], "{}", planned.text());

    let declared = format!("{MAIL}\nalerts: {{ moved: {{ services: [ops] }} }}\n");
    let outcome = applied(&world, &declared).await;
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(services(&world.truth().await), only("ops", "mail"));
    assert!(is_empty(&world, &declared).await);
}

/// A request that was repeated by a run that died may have made more than one.
#[tokio::test]
async fn copies_of_the_new_one_are_merged_into_one() {
    for old in [true, false] {
        let world = half_way(old).await;
        let copy = service(&world, SUCCESSOR, "slack").await;
        alert(&world, "moved.to.the.copy", &[&copy]).await;
        let outcome = applied(&world, SLACK).await;
        assert!(outcome.is_complete(), "{outcome:?}");
        let truth = world.truth().await;
        assert_eq!(services(&truth), only("ops", "slack"));
        assert_eq!(truth.keys().filter(|key| key.starts_with("services/")).count(), 1);
        let used = undeclared_alerts(&truth, &Input::read(SLACK).desired);
        assert!(used.values().all(|alert| alert["services"] == json!(["ops"])), "{used:#?}");
        assert!(is_empty(&world, SLACK).await);
    }
}

//! What changes elsewhere mean to an alert, what the words must not hold, and when a plan is refused.

use serde_json::json;

use super::*;
use crate::diag::{Files, Route};
use crate::diff::scope::{Globs, View};
use crate::diff::{FieldChange, Origins};
use crate::model::{Declared, Intent, Origin};
use crate::plan::{self, Limits};

fn change(kind: Kind, name: &str, action: Action) -> Change {
    Change { address: Address::new(kind.collection(), name), kind, action }
}

fn edit(kind: Kind, name: &str, field: &str, renamed_from: Option<&str>) -> Change {
    let plain = resource(kind, json!({}));
    let route = field.split('.').fold(Route::root(), |route, key| route.key(key));
    let fields = vec![FieldChange { route, before: None, after: Some(json!("x")), sensitive: true }];
    let fields = if field.is_empty() { Vec::new() } else { fields };
    let renamed_from = renamed_from.map(|old| Address::new(kind.collection(), old));
    let (before, after, origins) = (plain.clone(), plain, Origins::default());
    change(kind, name, Action::Update { before, after, fields, renamed_from, origins })
}

#[test]
fn what_an_alert_uses_can_change_what_it_means() {
    let alert = resource(
        Kind::Alert,
        json!({"services": ["ops"], "conditions": [
        {"type": "above", "metric_name": "Ratio", "threshold": 1}, {"type": "above", "metric_name": "m", "threshold": 1}]}),
    );
    let off = resource(Kind::Alert, json!({"active": false, "services": ["ops"]}));
    let ratio = resource(Kind::Composite, json!({"composite": r#"sum(s("raw","*"))"#}));
    let actual =
        State::from([(address("slow"), alert), (address("off"), off), (Address::metric("ratio"), ratio)]);
    let metric = || resource(Kind::Metric, json!({"type": "gauge"}));
    let replaced = Action::Replace {
        before: metric(),
        after: metric(),
        fields: Vec::new(),
        because: "a gauge cannot become a counter".into(),
    };
    for (other, expected) in [
        (
            edit(Kind::Composite, "ratio", "composite", None),
            Some("may page differently: it uses the composite \"ratio\", which changes its definition"),
        ),
        (edit(Kind::Composite, "ratio", "display_name", None), None),
        (
            edit(Kind::Metric, "m", "attributes.summarize_function", None),
            Some("may page differently: it uses the metric \"m\", which changes its summarize_function"),
        ),
        (edit(Kind::Metric, "m", "attributes.color", None), None),
        (
            change(Kind::Metric, "m", replaced),
            Some(
                "may page differently: it uses the metric \"m\", which is replaced: a gauge cannot become a counter",
            ),
        ),
        (
            change(Kind::Metric, "m", Action::Delete { before: metric(), pruned: true }),
            Some("may page differently: it uses the metric \"m\", which is deleted"),
        ),
        (change(Kind::Metric, "m", Action::Create { after: metric(), fields: Vec::new() }), None),
        (
            change(Kind::Metric, "raw", Action::Delete { before: metric(), pruned: true }),
            Some(
                "may page differently: it uses the composite \"ratio\", which reads the metric \"raw\", which is deleted",
            ),
        ),
        (
            edit(Kind::Service, "ops", "settings.url", None),
            Some("may notify differently: it uses the service \"ops\", which changes its settings"),
        ),
        (
            edit(Kind::Service, "new", "type", Some("ops")),
            Some("may notify differently: it uses the service \"ops\", which changes its type"),
        ),
        (edit(Kind::Service, "new", "", Some("ops")), None),
        (edit(Kind::Service, "elsewhere", "type", None), None),
    ] {
        let others = [other];
        let desired = Desired::default();
        let found = indirect(&others, &Touched::of(&others, &actual, &desired));
        // The composite's name is shown as the alert writes it only where the service ignores case.
        let texts: Vec<_> = found
            .iter()
            .flat_map(|one| {
                one.impact.effects.iter().map(|e| (one.alert.as_str(), e.weakens, e.text.to_lowercase()))
            })
            .collect();
        let expected: Vec<_> = expected.map(|text| ("slow", UNSURE, text.to_owned())).into_iter().collect();
        assert_eq!(texts, expected, "{others:?}");
    }
    let changed = update(on_m(&json!({"threshold": 5})), on_m(&json!({"threshold": 4})));
    let others = [edit(Kind::Metric, "m", "period", None), changed.clone()];
    assert_eq!(verdict(&judge(&changed, &others, &actual)), UNSURE);
    assert_eq!(indirect(&others, &Touched::of(&others, &actual, &Desired::default())), []);
}

#[test]
fn a_service_that_an_alert_only_gains_changes_nothing_about_whom_it_called() {
    let with = |services: Value| {
        let mut alert = on_m(&json!({}));
        alert["services"] = services;
        alert
    };
    let touched =
        [edit(Kind::Service, "pager", "settings.url", None), edit(Kind::Service, "new", "type", Some("old"))];
    for (before, after, weakens) in [
        (json!(["chat"]), json!(["chat", "pager"]), NO),
        (json!(["chat"]), json!(["chat", "new"]), NO),
        (json!(["pager"]), json!(["pager", "chat"]), UNSURE),
        (json!(["old"]), json!(["new"]), YES),
    ] {
        let change = update(with(before), with(after));
        assert_eq!(verdict(&judge(&change, &touched, &State::new())), weakens, "{change:?}");
    }
}

#[test]
fn the_default_statistic_is_the_one_of_the_metric() {
    let change = update(on_m(&json!({})), on_m(&json!({"summary_function": "derivative"})));
    let gauge = State::from([(Address::metric("m"), resource(Kind::Metric, json!({"type": "gauge"})))]);
    assert_eq!(
        judge(&change, &[], &gauge)[0].1,
        "may page differently: conditions[0] (m) takes derivative instead of average"
    );
    let counter = State::from([(Address::metric("m"), resource(Kind::Metric, json!({"type": "counter"})))]);
    assert_eq!(judge(&change, &[], &counter), []);
}

#[test]
fn secret_values_are_not_in_the_words() {
    let after = json!({"rearm_seconds": 1200, "services": ["canary"], "conditions": [
        {"type": "above", "metric_name": "canary", "threshold": 4242, "source": "canary", "duration": 300}]});
    let before = json!({"services": ["canary-old"], "conditions": [
        {"type": "above", "metric_name": "canary", "threshold": 4141, "source": "canary-old", "summary_function": "max"},
        {"type": "below", "metric_name": "canary-old", "threshold": 1}]});
    let secrets = [(Route::root().key("conditions").index(0).key("source"), "${secret.X}".to_owned())].into();
    let desired = Desired {
        objects: [(address("slow"), declared(after.clone(), secrets))].into(),
        ..Desired::default()
    };
    let actual = State::new();
    for change in [
        update(before.clone(), after.clone()),
        update(after.clone(), before.clone()),
        change(
            Kind::Alert,
            "slow",
            Action::Create { after: resource(Kind::Alert, after), fields: Vec::new() },
        ),
        change(Kind::Alert, "slow", Action::Delete { before: resource(Kind::Alert, before), pruned: false }),
    ] {
        let text = format!("{:?}", impact(&change, &Touched::of(&[], &actual, &desired)).unwrap());
        assert!(text.contains("(sensitive)"), "{text}");
        for secret in ["canary", "4242", "4141", "20m", "5m"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

fn declared(fields: Value, secrets: std::collections::BTreeMap<Route, String>) -> Declared {
    let file = Files::default().add("a.yml", String::new(), |_| crate::diag::RouteIndex::default());
    Declared {
        kind: Kind::Alert,
        resource: resource(Kind::Alert, fields),
        intent: Intent::Present,
        protect: false,
        renamed_from: None,
        origin: Origin { file, route: Route::root(), defaults: None },
        secrets,
    }
}

#[test]
fn a_plan_carries_the_impact_and_is_refused_where_weaker_alerts_are_denied() {
    let conditions = |threshold: u64, metric: &str| json!({"conditions": [{"type": "above", "metric_name": metric, "threshold": threshold}]});
    let ratio = |text: &str| resource(Kind::Composite, json!({ "composite": text }));
    let actual = State::from([
        (address("slow"), resource(Kind::Alert, conditions(5, "m"))),
        (address("loud"), resource(Kind::Alert, conditions(5, "m"))),
        (address("theirs"), resource(Kind::Alert, conditions(5, "ratio"))),
        (Address::metric("ratio"), ratio(r#"s("a","*")"#)),
    ]);
    let composite = Declared {
        kind: Kind::Composite,
        resource: ratio(r#"s("b","*")"#),
        ..declared(json!({}), [].into())
    };
    let desired = Desired {
        objects: [
            (address("slow"), declared(conditions(9, "m"), [].into())),
            (address("loud"), declared(conditions(4, "m"), [].into())),
            (Address::metric("ratio"), composite),
        ]
        .into(),
        ..Desired::default()
    };
    let plan = |deny_weaker_alerts: bool| {
        let protect = Globs::default();
        let limits = Limits { max_deletes: 1, delete_data: false, protect, deny_weaker_alerts };
        let diff = crate::diff::diff(&desired, &actual, &View::default());
        let (target, duplicates, files) = (String::new(), Default::default(), Files::default());
        let input = plan::Input {
            target,
            desired: &desired,
            actual: &actual,
            duplicates: &duplicates,
            diff,
            limits: &limits,
            files: &files,
        };
        plan::build(input, &mut crate::diag::Report::default())
    };
    let allowed = plan(false);
    assert_eq!(allowed.refusals, []);
    let verdicts: Vec<_> = allowed
        .steps
        .iter()
        .map(|step| (step.change.address.name.as_str(), step.impact.as_ref().map(Impact::verdict)))
        .collect();
    assert_eq!(verdicts, [("ratio", None), ("loud", Some(NO)), ("slow", Some(YES))]);
    assert_eq!(allowed.indirect.iter().map(|one| one.alert.as_str()).collect::<Vec<_>>(), ["theirs"]);
    let refused = plan(true).refusals;
    assert_eq!(refused[0].code, "weaker-alerts");
    assert_eq!(
        refused[0].names,
        [
            "alert/slow: fires less often: conditions[0] (m) holds above 9 instead of above 5",
            "alert/theirs: may page differently: it uses the composite \"ratio\", which changes its definition",
        ]
    );
}

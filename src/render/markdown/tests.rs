//! Comments as they are posted: whole ones as snapshots, and what holds for every one of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::diag::{Files, Report, Route};
use crate::diff::scope::{Globs, View};
use crate::diff::{FieldChange, diff};
use crate::model::{Address, Declared, Desired, Intent, Kind, Origin, Resource, State};
use crate::plan::{Input, Limits, SourcePlace, build};

fn resource(kind: Kind, fields: Value) -> Resource {
    let Value::Object(fields) = fields else { panic!("an object has fields") };
    Resource::from_fields(kind, &fields).unwrap()
}

/// What is declared and what exists, by kind and name.
#[derive(Default)]
struct World {
    desired: Desired,
    actual: State,
    prune: Vec<Address>,
}

impl World {
    fn declared(mut self, kind: Kind, name: &str, fields: Value, secret: Option<Route>) -> Self {
        let file = Files::default().add("shop.yaml", String::new(), |_| crate::diag::RouteIndex::default());
        let declared = Declared {
            kind,
            resource: resource(kind, fields),
            intent: Intent::Present,
            protect: false,
            renamed_from: None,
            origin: Origin { file, route: Route::root(), defaults: None },
            secrets: secret.into_iter().map(|route| (route, "${secret.X}".to_owned())).collect(),
        };
        self.desired.objects.insert(Address::new(kind.collection(), name), declared);
        self
    }

    fn have(mut self, kind: Kind, name: &str, fields: Value) -> Self {
        self.actual.insert(Address::new(kind.collection(), name), resource(kind, fields));
        self
    }

    fn gone(mut self, kind: Kind, name: &str, fields: Value) -> Self {
        self.prune.push(Address::new(kind.collection(), name));
        self.have(kind, name, fields)
    }

    fn plan(&self) -> Plan {
        let view = View { only: None, prune: self.prune.clone() };
        let limits = Limits {
            max_deletes: 10,
            delete_data: false,
            protect: Globs::default(),
            deny_weaker_alerts: true,
        };
        let input = Input {
            target: "https://metrics-api.example.org".into(),
            desired: &self.desired,
            actual: &self.actual,
            duplicates: &BTreeMap::new(),
            diff: diff(&self.desired, &self.actual, &view),
            limits: &limits,
            files: &Files::default(),
        };
        let mut plan = build(input, &mut Report::default());
        for (i, step) in plan.steps.iter_mut().filter(|step| !step.change.action.destroys()).enumerate() {
            step.place = Some(SourcePlace { file: "shop.yaml".into(), line: i + 3, column: 3 });
        }
        plan
    }
}

fn alert(threshold: u64, services: &[&str]) -> Value {
    json!({"services": services, "conditions": [{"type": "above", "metric_name": "shop.ms", "threshold": threshold}]})
}

fn warning(severity: &str, message: &str) -> Value {
    json!({"severity": severity, "code": "x", "message": message, "file": "shop.yaml", "line": 7, "column": 1})
}

#[test]
fn nothing_to_do_is_short() {
    let world = World::default().have(Kind::Metric, "m", json!({"type": "gauge"}));
    let world = world.declared(Kind::Metric, "m", json!({"type": "gauge"}), None);
    let expected = "<!-- librato-apply plan -->\n### Plan for <code>https&#58;//metrics-api.example.org</code>\n\n\
                    Nothing to change: 1 object is as written.\n";
    assert_eq!(markdown(&world.plan(), &[]), expected);
}

#[test]
fn one_change() {
    let world = World::default()
        .have(Kind::Alert, "shop.slow", alert(800, &["ops", "boss"]))
        .declared(Kind::Alert, "shop.slow", alert(900, &["ops"]), None)
        .have(Kind::Service, "ops", json!({"type": "mail", "settings": {"addresses": "a@example.org"}}))
        .declared(Kind::Service, "ops", json!({"type": "slack", "settings": {"url": "canary"}}), None);
    let shown = markdown(
        &world.plan(),
        &[warning("warning", "nobody declares `shop.ms`"), warning("note", "a line can go")],
    );
    assert!(!shown.contains("canary"));
    insta::assert_snapshot!(shown);
}

#[test]
fn long_text_shows_what_differs() {
    let words = |middle: &str| {
        format!(
            "{}{middle}{}",
            "People wait at the till. ".repeat(20),
            " Look at the queue first.".repeat(20)
        )
    };
    let formula = |indent: &str, metric: &str| {
        format!("divide([\n{indent}sum(s(\"{metric}\",\"*\")),\n{indent}sum(s(\"shop.requests\",\"*\"))\n])")
    };
    let world = World::default()
        .have(Kind::Alert, "shop.slow", json!({"description": words("Call the boss.")}))
        .declared(Kind::Alert, "shop.slow", json!({"description": words("Restart the till.")}), None)
        .have(Kind::Alert, "shop.steps", json!({"description": "one\ntwo\nthree\nfour\nfive\n"}))
        .declared(Kind::Alert, "shop.steps", json!({"description": "one\ntwo\n3\nfour\nfive\n"}), None)
        .have(Kind::Composite, "shop.ratio", json!({"composite": formula("  ", "shop.errors")}))
        .declared(
            Kind::Composite,
            "shop.ratio",
            json!({"composite": formula("      ", "shop.failures")}),
            None,
        )
        .have(Kind::Composite, "shop.same", json!({"composite": formula("  ", "shop.errors")}))
        .declared(Kind::Composite, "shop.same", json!({"composite": formula("      ", "shop.errors")}), None);
    insta::assert_snapshot!(markdown(&world.plan(), &[]));
}

const HOSTILE: &str = "a|b `x` ```\n</details></summary><script>alert(1)</script>\r\n@here [x](https://evil) #12 --> \u{1b}[31m\u{202e}";

#[test]
fn hostile_names_and_texts_stay_text() {
    let lines = format!("````\n{HOSTILE}\n```` | @all\n");
    let world = World::default()
        .gone(Kind::Service, HOSTILE, json!({"type": "mail", "settings": {"addresses": "x"}}))
        .have(Kind::Alert, "slow", json!({"description": lines, "services": [HOSTILE]}))
        .declared(Kind::Alert, "slow", json!({"description": format!("{lines}more"), "services": []}), None)
        .declared(Kind::Alert, HOSTILE, alert(1, &[HOSTILE]), None);
    let mut plan = world.plan();
    plan.target = HOSTILE.into();
    let shown = markdown(&plan, &[warning("warning", HOSTILE)]);
    insta::assert_snapshot!(shown);
    let mut fence: Option<usize> = None;
    for line in shown.lines().skip(1) {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match fence {
            Some(open) if ticks >= open => fence = None,
            // Inside a fence everything is text, and every line begins with its sign.
            Some(_) => assert!(line.starts_with(['+', '-', ' ', '!']), "{line}"),
            None if ticks >= 3 => fence = Some(ticks),
            None => {
                // An escaped sign is text.
                let mut parts = line.split('\\');
                let first = parts.next().unwrap_or_default().to_owned();
                let line = parts.fold(first, |line, part| line + part.get(1..).unwrap_or_default());
                assert!(!line.replace("&#64;", "").contains('@'), "{line}");
                assert!(!line.contains("<script") && !line.contains("-->") && !line.contains("]("), "{line}");
                assert!(!line.starts_with('|') || line.matches('|').count() == 6, "{line}");
                assert!(!line.contains("</details>") || line == "</details>", "{line}");
            }
        }
    }
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\r']));
}

#[test]
fn five_hundred_changes_fit_and_what_matters_stays() {
    let long = |i: usize| format!("{i} {}", "word ".repeat(60));
    let mut world = World::default();
    for i in 0..200 {
        world = world
            .have(Kind::Alert, &format!("updated.{i}"), json!({"description": "before"}))
            .declared(Kind::Alert, &format!("updated.{i}"), json!({ "description": long(i) }), None)
            .declared(
                Kind::Metric,
                &format!("created.{i}"),
                json!({"type": "gauge", "description": long(i)}),
                None,
            );
        if i < 100 {
            world = world.gone(Kind::Alert, &format!("deleted.{i}"), alert(5, &["ops"]));
        }
    }
    let plan = world.plan();
    let notes: Vec<Value> = (0..50).map(|i| warning("note", &format!("a note {i}"))).collect();
    let shown = markdown(&plan, &notes);
    let length = shown.chars().count();
    assert!((50_000..=60_000).contains(&length), "{length}");
    assert!(shown.contains("**200 to create, 200 to update, 100 to delete; 0 unchanged.**"));
    assert!(shown.contains("**too-many-deletes**") && shown.contains("**weaker-alerts**"));
    (0..100).for_each(|i| {
        assert!(shown.contains(&format!("| **delete** | alert | <code>deleted.{i}</code> |")), "{i}");
    });
    assert!(!shown.contains("a note") && shown.contains("50 notes left out"));
    assert!(shown.ends_with("`librato-apply plan --format text` shows everything.\n"));
}

#[test]
fn a_flood_of_anything_is_bounded() {
    let name = |i: usize| format!("{i}{}", "|".repeat(250));
    let mut world = World::default();
    for i in 0..800 {
        world = world.gone(Kind::Service, &name(i), json!({"type": "mail", "settings": {"addresses": "x"}}));
    }
    let mut plan = world.plan();
    let refusal = plan.refusals[0].clone();
    plan.refusals.extend((0..800).map(|_| Refusal { message: "`".repeat(5_000), ..refusal.clone() }));
    plan.target = "<".repeat(100_000);
    let warnings: Vec<Value> = (0..800).map(|i| warning("warning", &name(i))).collect();
    let shown = markdown(&plan, &warnings);
    assert!(shown.chars().count() <= 60_000);
    assert!(shown.contains("800 to delete") && shown.contains("was cut to fit"));
}

#[test]
fn sensitive_values_are_only_said_to_change() {
    let of = |before: Option<&str>, after: Option<&str>| FieldChange {
        route: Route::root().key("settings").key("url"),
        before: before.map(Into::into),
        after: after.map(Into::into),
        sensitive: true,
    };
    let secret = Route::root().key("description");
    let world = World::default().have(Kind::Alert, "slow", json!({"description": "canary-old"})).declared(
        Kind::Alert,
        "slow",
        json!({"description": "canary\n".repeat(40)}),
        Some(secret),
    );
    let mut plan = world.plan();
    let Action::Update { fields, .. } = &mut plan.steps[0].change.action else { panic!("an update") };
    fields.extend([of(Some("canary"), None), of(None, Some("canary")), of(Some("canary"), Some("canary2"))]);
    let shown = markdown(&plan, &[]);
    assert!(!shown.contains("canary"), "{shown}");
    for line in
        ["! description: (sensitive) changes", "- settings.url: (sensitive)", "+ settings.url: (sensitive)"]
    {
        assert!(shown.contains(line), "{shown}");
    }
}

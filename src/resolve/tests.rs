//! The files' language as its users meet it: text in, objects and coded problems out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::model::{Address, Collection, Intent};

struct Fake(BTreeMap<&'static str, &'static str>);

impl Outside for Fake {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| (*text).to_owned())
    }

    fn may_read(&self, name: &str) -> bool {
        name != "AWS_SECRET"
    }

    fn file(&self, _: &Path, path: &str) -> Result<String, String> {
        if path == "runbook.md" { Ok("read this".into()) } else { Err("no such file".into()) }
    }
}

fn run(texts: &[&str], options: &Options) -> (Desired, Vec<String>) {
    let mut files = Files::default();
    let mut documents = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let file = files.add(format!("{i}.yaml"), (*text).to_owned(), crate::load::yaml::index);
        let Ok(Value::Object(value)) = crate::load::yaml::parse(text, file) else {
            panic!("not YAML: {text}")
        };
        documents.push(Document { file, value, dir: PathBuf::new(), path: None });
    }
    let outside = Fake(BTreeMap::from([("HOME", "/h"), ("TOKEN", "canary-1"), ("EMPTY", "")]));
    let (desired, report) = resolve(documents, &mut files, options, &outside);
    // What nearly every text here would say.
    let beside = ["alert-notifies-nobody", "alert-without-conditions"];
    let shown = report.iter().filter(|d| !beside.contains(&d.code)).map(|d| {
        let at = d.primary.as_ref().and_then(|label| files.locate(&label.place)).map(|p| p.to_string());
        format!("{} {}: {}", at.unwrap_or_default(), d.code, d.message)
    });
    (desired, shown.collect())
}

fn objects(text: &str) -> Desired {
    let (desired, problems) = run(&[text], &Options::default());
    assert_eq!(problems, [""; 0]);
    desired
}

fn problems(texts: &[&str]) -> Vec<String> {
    run(texts, &Options::default()).1
}

fn fields(desired: &Desired, address: &Address) -> Value {
    Value::Object(desired.objects[address].resource.fields())
}

#[test]
fn references_keep_types_and_join_texts() {
    let desired = objects(concat!(
        "vars: {region: eu, ms: 800, deep: {list: [7, 8]}, both: '${var.region}-${var.ms}'}\n",
        "metrics: {'m.${var.region}': {type: gauge, period: '${var.deep.list.1}', display_name: '${var.both} $${x}', ",
        "description: '${file.runbook.md} ${env.HOME}'}}\n",
    ));
    assert_eq!(
        fields(&desired, &Address::metric("m.eu")),
        json!({"type": "gauge", "period": 8, "display_name": "eu-800 ${x}", "description": "read this /h"})
    );
}

#[test]
fn secrets_are_remembered_as_references_wherever_they_went() {
    let desired = objects(concat!(
        "vars: {url: 'https://x/${secret.TOKEN}', all: {url: '${var.url}?a'}}\n",
        "services: {one: {type: slack, settings: {url: '${var.url}'}}, two: {type: slack, settings: '${var.all}'}}\n",
    ));
    let one = &desired.objects[&Address::service("one")];
    assert_eq!(one.secrets.values().collect::<Vec<_>>(), ["https://x/${secret.TOKEN}"]);
    let two = &desired.objects[&Address::service("two")];
    assert_eq!(fields(&desired, &Address::service("two"))["settings"]["url"], "https://x/canary-1?a");
    let (route, text) = two.secrets.iter().next().unwrap();
    assert_eq!((route.to_string().as_str(), text.as_str()), ("settings.url", "https://x/${secret.TOKEN}?a"));
}

#[test]
fn for_each_makes_objects_of_lists_and_maps() {
    let desired = objects(concat!(
        "vars: {hosts: {web: {max: 5}, db: {max: 9}}}\n",
        "alerts:\n",
        "  '${each.key}.slow': {for_each: '${var.hosts}', conditions: [{type: above, metric_name: '${each.key}.ms', ",
        "threshold: '${each.value.max}'}]}\n",
        "annotations: {'deploy.${each.value}': {for_each: [a, b]}}\n",
    ));
    let names: Vec<&str> = desired.objects.keys().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["deploy.a", "deploy.b", "db.slow", "web.slow"]);
    let alert = fields(&desired, &Address::new(Collection::Alerts, "db.slow"));
    assert_eq!(alert["conditions"][0]["threshold"], 9.0);
}

#[test]
fn defaults_fill_what_is_not_written_and_leave_external_objects_alone() {
    let desired = objects(concat!(
        "defaults: {services: {type: mail}, metrics: {type: gauge, attributes: {aggregate: true}}}\n",
        "metrics: {a: , b: {type: counter, attributes: {color: '#fff000'}}}\n",
        "services: {c: {external: true}}\n",
    ));
    assert_eq!(
        fields(&desired, &Address::metric("a")),
        json!({"type": "gauge", "attributes": {"aggregate": true}})
    );
    assert_eq!(
        fields(&desired, &Address::metric("b"))["attributes"],
        json!({"color": "#fff000", "aggregate": true})
    );
    assert_eq!(desired.objects[&Address::service("c")].intent, Intent::External);
    assert_eq!(fields(&desired, &Address::service("c")), json!({}));
}

#[test]
fn names_declared_twice_are_found_across_files_kinds_and_case() {
    let found = problems(&[
        "metrics: {Shop.Hits: {type: gauge}}",
        "composites:\n  shop.hits: {composite: 's(\"a\",\"*\")'}",
    ]);
    assert_eq!(found, ["1.yaml:2:3 repeated-name: `shop.hits` is declared as metric and as composite"]);
    let found = problems(&["metrics: {x: {for_each: [a, b], type: gauge}}"]);
    assert_eq!(found, ["0.yaml:1:11 repeated-name: `for_each` makes more than one metric called `x`"]);
}

#[test]
fn references_to_nothing_are_errors_where_they_stand() {
    let found = problems(&[concat!(
        "vars: {region: eu, a: '${var.b}', b: '${var.a}'}\n",
        "metrics:\n",
        "  one: {display_name: '${var.regoin}'}\n",
        "  two: {display_name: '${env.NOPE}'}\n",
        "  three: {display_name: '${secret.EMPTY}'}\n",
        "  four: {display_name: '${each.key}'}\n",
        "  five: {display_name: '${vra.x}'}\n",
        "  six: {display_name: 'x ${open'}\n",
        "  seven: {display_name: '${file.nope}'}\n",
        "  '${env.HOME}': {}\n",
    )]);
    assert_eq!(
        found,
        [
            "0.yaml:1:23 variable-cycle: variables refer to each other in a circle: `a`, `b`",
            "0.yaml:3:23 unknown-variable: the variable `regoin` is not defined",
            "0.yaml:4:23 unset-variable: the environment variable `NOPE` is not set",
            "0.yaml:5:25 unset-secret: the secret `EMPTY` is not set",
            "0.yaml:6:24 misplaced-reference: `${each.…}` only means something in an object with `for_each`",
            "0.yaml:7:24 unknown-reference: `${vra.x}` refers to nothing known",
            "0.yaml:8:23 open-reference: a `${` here is not closed by `}`",
            "0.yaml:9:25 unreadable: the file `nope` cannot be used: no such file",
            "0.yaml:10:3 misplaced-reference: `${env.…}` cannot be used here",
        ]
    );
}

#[test]
fn uses_of_undeclared_and_absent_objects_are_errors() {
    let found = problems(&[concat!(
        "services: {ops-slack: {external: true}, old: {ensure: absent}}\n",
        "composites: {a: {composite: 's(\"m\",\"*\")'}, b: {composite: 's(\"a\",\"*\")'}}\n",
        "alerts: {x: {conditions: [], services: [ops-slak, old, ops-slack]}}\n",
    )]);
    assert_eq!(
        found,
        [
            "0.yaml:2:63 nested-composite: composite \"b\" uses another composite",
            "0.yaml:3:41 unknown-service: alert \"x\" notifies a service that is not declared",
            "0.yaml:3:51 absent-reference: alert \"x\" uses a service that is declared to be absent",
        ]
    );
}

#[test]
fn combinations_that_mean_nothing_are_errors() {
    let found = problems(&[concat!(
        "metrics: {a: {renamed_from: b, type: gauge}}\n",
        "services: {s: {external: true, settings: {}}, t: {external: true, type: mail}}\n",
        "alerts:\n",
        "  x: {renamed_from: y, conditions: null}\n",
        "  y: {conditions: [], rearm_seconds: 5x}\n",
        "  z: {renamed_from: y}\n",
        "settings: {prune: {alrts: [x]}, endpoint: '${env.HOME}'}\n",
    )]);
    assert_eq!(
        found,
        [
            "0.yaml:1:15 misplaced-field: the API cannot rename metrics",
            "0.yaml:2:32 misplaced-field: an external object is never written, so `settings` has no effect",
            "0.yaml:4:21 renamed-from-declared: `y` is declared, so nothing can be renamed from it",
            "0.yaml:4:36 cannot-clear: the API cannot clear `conditions`",
            "0.yaml:5:38 wrong-value: this is not a duration such as `60s`, `5m` or `1h`",
            "0.yaml:6:21 renamed-from-declared: `y` is declared, so nothing can be renamed from it",
            "0.yaml:6:21 repeated-name: two objects are renamed from `y`",
            "0.yaml:7:20 unknown-field: `alrts` is not a field here",
            "0.yaml:7:43 misplaced-reference: `${env.…}` cannot be used here",
        ]
    );
}

#[test]
fn variables_from_outside_win_and_must_be_used() {
    let given = |name: &str, value| Given { name: name.into(), value: Some(value), source: None };
    let options = Options {
        variables: vec![given("ms", json!(5)), given("ms", json!(6)), given("mss", json!(1))],
        lenient_secrets: false,
    };
    let (desired, problems) = run(&["vars: {ms: 1}\nmetrics: {a: {period: '${var.ms}'}}"], &options);
    assert_eq!(fields(&desired, &Address::metric("a")), json!({"period": 6}));
    assert_eq!(problems, [" unused-variable: no file uses the variable `mss`"]);
}

#[test]
fn offline_an_unset_secret_is_only_a_warning() {
    let options = Options { lenient_secrets: true, ..Options::default() };
    let (desired, _) = run(&["services: {s: {type: slack, settings: {url: '${secret.NOPE}'}}}"], &options);
    assert_eq!(desired.objects[&Address::service("s")].secrets.len(), 1);
}

/// What stands beside a secret that is not set is checked all the same, and nothing is said that setting it would refute.
#[test]
fn offline_an_unset_secret_hides_no_mistake_and_makes_none() {
    let options = Options { lenient_secrets: true, ..Options::default() };
    let cases: [(&str, &[&str]); 8] = [
        (
            "services: {pd: {type: pagerduty, settings: {service_key: '${secret.NOPE}'}}}",
            &[
                "0.yaml:1:44 missing-setting: a service of type pagerduty needs the setting `event_type`",
                "0.yaml:1:44 missing-setting: a service of type pagerduty needs the setting `description`",
            ],
        ),
        (
            "metrics: {m: {type: gauge}}\nalerts: {a: {conditions: [{type: above, metric_name: m, source: '${secret.NOPE}'}]}}",
            &["0.yaml:2:27 missing-field: a condition `above` or `below` needs a `threshold`"],
        ),
        (
            "services: {s: {type: slack, settings: 'url:https://CANARY?x=${secret.NOPE}'}}",
            &["0.yaml:1:39 wrong-type: expected a map, found text"],
        ),
        ("services: {s: {type: '${secret.NOPE}', settings: {}}}", &[]),
        ("metrics: {m: {type: gauge}}\nalerts: {a: {rearm_seconds: '${secret.NOPE}', conditions: []}}", &[]),
        (
            "vars: {m: '${secret.NOPE}'}\nmetrics: {a: {type: gauge}}\nalerts: {a: {conditions: [{type: absent, duration: 5m, metric_name: '${var.m}'}]}}",
            &[],
        ),
        (
            "vars: {all: {x: '${secret.NOPE}'}}\nmetrics: {a: {type: gauge}}\nalerts: {'${each.key}': {for_each: '${var.all}', conditions: [{type: absent, duration: 5m, metric_name: '${each.value}'}]}}",
            &[],
        ),
        ("vars: {r: '${secret.NOPE}'}\nalerts: {a: {rearm_seconds: '${var.r}', conditions: []}}", &[]),
    ];
    for (text, expected) in cases {
        let found = run(&[text], &options).1;
        let but_unset: Vec<&String> = found.iter().filter(|said| !said.contains("unset-secret")).collect();
        assert_eq!(but_unset, expected, "{text}");
        assert_eq!(found.len() - but_unset.len(), 1, "{text}");
        assert!(!found.join(" ").contains("CANARY"), "{text}");
    }
}

#[test]
fn what_uses_a_variable_without_a_value_is_not_blamed() {
    let alert = "alerts: {a: {conditions: [{type: above, metric_name: x, threshold: '${var.slow}'}], services: '${var.slow}'}}";
    let unset = format!("vars: {{slow: '${{env.NOPE}}'}}\n{alert}");
    let circle = format!("vars: {{slow: '${{var.fast}}', fast: '${{var.slow}}'}}\n{alert}");
    let told = |text: &str, options: &Options| -> Vec<String> {
        let told = run(&[text], options).1.into_iter().filter(|said| !said.contains("unknown-metric"));
        told.map(|said| said.split(": ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(told(&unset, &Options::default()), ["0.yaml:1:14 unset-variable"]);
    assert_eq!(told(&circle, &Options::default()), ["0.yaml:1:35 variable-cycle"]);
    let unread = Given { name: "slow".into(), value: None, source: None };
    let options = Options { variables: vec![unread], lenient_secrets: false };
    assert_eq!(told(alert, &options), [""; 0]);
}

#[test]
fn a_bad_reference_is_shown_where_it_stands_in_its_text() {
    let text = "metrics:\n  m:\n    type: gauge\n    description: |\n      one\n      ${var.a} and\n      two ${var.b}\n";
    assert_eq!(
        problems(&[text]),
        [
            "0.yaml:6:7 unknown-variable: the variable `a` is not defined",
            "0.yaml:7:11 unknown-variable: the variable `b` is not defined",
        ]
    );
}

#[test]
fn what_stands_below_a_key_that_is_null_is_found() {
    for key in ["~", "Null", "null", ""] {
        let text = format!("metrics:\n  a: {{type: gauge}}\n  {key}: {{type: gague}}\n");
        let at = format!("0.yaml:3:{}", 12 + key.len());
        assert!(problems(&[&text]).iter().any(|said| said.starts_with(&at)), "{:?}", problems(&[&text]));
    }
}

/// What `echo` and editors add, and no one means; several lines are meant as they are.
#[test]
fn the_end_of_one_line_is_no_part_of_it() {
    for (text, kept) in [
        ("x\n", "x"),
        ("x\r\n", "x"),
        ("x", "x"),
        ("x ", "x "),
        ("x\n\n", "x\n\n"),
        ("a\nb\n", "a\nb\n"),
        ("\n", ""),
    ] {
        assert_eq!(interpolate::without_line_end(text), kept, "{text:?}");
    }
    let outside = Fake(BTreeMap::from([("HOOK", "https://hooks.example.org/T0/x\n"), ("END", "\n")]));
    assert_eq!(resolve_secrets("${secret.HOOK}", &outside).unwrap(), "https://hooks.example.org/T0/x");
    assert!(resolve_secrets("${secret.END}", &outside).is_err(), "nothing but a line end is nothing");
}

#[test]
fn lists_make_a_bounded_number_of_objects_which_is_counted_before_they_are_made() {
    let list = |n: usize| vec!["x"; n].join(", ");
    let twice = "  'a.${each.key}': {for_each: '${var.l}', type: gauge}\n  'b.${each.key}': {for_each: '${var.l}', type: gauge}\n";
    let over = ledger::MAX_OBJECTS + 1;
    let found = problems(&[&format!("vars: {{l: [{}]}}\nmetrics:\n{twice}", list(over))]);
    assert_eq!(
        found,
        ["0.yaml:3:31 too-large: `for_each` makes more than 100000 objects, with the 100001 of this one"]
    );
    // A list within a list, and charts that the list of their space repeats.
    let items: Vec<String> = (0..ledger::MAX_OBJECTS).map(|i| format!("s{i}")).collect();
    let chart = "{name: 'c ${each.key}', type: line, for_each: '${var.l}', streams: [{metric: m}]}";
    let found = problems(&[&format!(
        "vars: {{l: [{}]}}\nspaces: {{'s ${{each.key}}': {{for_each: [a], charts: [{chart}]}}}}\n",
        items.join(", ")
    )]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("too-large: `for_each` makes more than 100000 objects"), "{found:?}");
}

#[test]
fn what_defaults_get_wrong_is_said_once_with_its_cause() {
    let alerts: String = (0..15)
        .map(|i| format!("  a{i}: {{conditions: [{{type: above, metric_name: m, threshold: 1}}]}}\n"))
        .collect();
    let text =
        format!("vars: {{pager: }}\ndefaults: {{alerts: {{services: '${{var.pager}}'}}}}\nalerts:\n{alerts}");
    assert_eq!(
        problems(&[&text]),
        ["0.yaml:2:31 unset-variable: the variable `pager` has no value (and 14 more)"]
    );
}

#[test]
fn files_read_the_environment_only_where_they_may() {
    let found = problems(&["metrics: {a: {type: gauge, description: '${env.AWS_SECRET}'}}\n"]);
    assert_eq!(
        found,
        ["0.yaml:1:41 hidden-variable: the environment variable `AWS_SECRET` may not be read by files"]
    );
    struct Plain;
    impl Outside for Plain {
        fn env(&self, _: &str) -> Option<String> {
            None
        }
        fn file(&self, _: &Path, _: &str) -> Result<String, String> {
            Err(String::new())
        }
    }
    assert!(Plain.may_read("LIBRATO_VAR_region") && !Plain.may_read("LIBRATO_TOKEN"));
}

//! Tests of tests: every form of a test, and the law that what is shown as actual, pasted as expectation, passes.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::diag::Files;
use crate::load::yaml;
use crate::model::{Alert, AlertTest, Kind, Resource, read};

fn value(text: &str) -> Value {
    let file = Files::default().add("test.yaml", text.to_owned(), yaml::index);
    yaml::parse(text, file).unwrap_or_else(|problem| panic!("{}: {text}", problem.message))
}

fn alert(text: &str) -> Alert {
    match Resource::from_fields(Kind::Alert, value(text).as_object().unwrap()).unwrap() {
        Resource::Alert(alert) => alert,
        other => panic!("{other:?}"),
    }
}

fn test_of(text: &str) -> AlertTest {
    read(value(text).as_object().unwrap()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// `m` is a gauge, `c` a counter, `ssa` aggregated, `double` a composite of `m`.
fn known(name: &str) -> Metric {
    use crate::model::MetricType::{Counter, Gauge};
    let native = |metric_type| Metric { metric_type: Some(metric_type), ..Metric::default() };
    match name {
        "c" => native(Counter),
        "ssa" => Metric { period: Some(60), aggregate: true, ..native(Gauge) },
        "double" => {
            let composite = Some("scale(s(\"m\", \"*\"), {factor: \"2\"})".to_owned());
            Metric { composite, period: Some(60), ..Metric::default() }
        }
        _ => native(Gauge),
    }
}

fn judged(alert: &Alert, test: &AlertTest) -> Verdict {
    let subject = subject("a", alert, &known).unwrap();
    judge(test, &subject, &series(test, &known)).unwrap()
}

/// What is wrong with a test of an alert, a line each.
fn shown(alert_text: &str, test_text: &str) -> String {
    let verdict = judged(&alert(alert_text), &test_of(test_text));
    let failure = |failure: &Failure| {
        let lines = failure.actual.iter().chain(&failure.reasons);
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    verdict.failures.iter().map(failure).collect()
}

const SLOW: &str = "{ rearm_seconds: 10m, services: [ops], conditions: [{ type: above, metric_name: m, source: 'web*', threshold: 800, duration: 5m }] }";

const INPUT: &str = "
alert: a
input:
  - { metric: m, source: web1, values: '500x2 900x9 _x2 500' }
  - { metric: m, source: web2, values: '300+20x12' }
  - { metric: m, source: web3, at: { 2m: 950, 3m30s: { count: 2, sum: 1500, max: 790 } } }
actions: [{ at: 10m, clear: true }]
";

#[test]
fn five_slow_minutes_a_clear_and_the_next_slow_minute() {
    let right = "
expect:
  - { at: 7m, state: ok, conditions: { 0: { pending: [web1] } } }
  - { at: 8m, state: triggered, streams: [web1] }
  - { at: 10m, state: ok }
  - { at: 12m, state: triggered }
notifications:
  - { at: 8m, kind: trigger, services: [ops], streams: [web1] }
  - { at: 10m, kind: clear, how: manual }
";
    assert_eq!(shown(SLOW, &format!("{INPUT}{right}")), "");
}

#[test]
fn what_differs_is_said_with_its_reason() {
    let wrong = "
expect:
  - { at: 7m, state: triggered }
  - { at: 8m, streams: [web2], conditions: { 0: { met: [] } } }
  - { at: 10m, state: triggered }
notifications: [{ at: 12m, kind: trigger }]
";
    assert_eq!(
        shown(SLOW, &format!("{INPUT}{wrong}")),
        "{ at: 7m, state: ok, streams: [], conditions: { 0: { pending: [web1] } } }
conditions[0] above 800 for 5m: web1 violates since 3m, 240 of 300 s; web2 is normal (440 at 7m); web3 is normal (750 at 3m30s)
{ at: 8m, state: triggered, streams: [web1], conditions: { 0: { met: [web1] } } }
conditions[0] above 800 for 5m: web1 meets it, violates since 3m (6 values, the last 900); web2 is normal (460 at 8m); web3 is normal (750 at 3m30s)
{ at: 10m, state: ok, streams: [], conditions: { 0: { pending: [web1] } } }
conditions[0] above 800 for 5m: web1 violates since 3m, waiting for the next value after the clear; web2 is normal (500 at 10m); web3 is normal (750 at 3m30s)
cleared at 10m: only what is measured after it triggers again
- { at: 8m, kind: trigger, services: [ops], streams: [web1] }
- { at: 10m, kind: clear, services: [ops], how: manual }
not sent: { at: 12m, kind: trigger }
not expected: { at: 8m, kind: trigger, services: [ops], streams: [web1] }
not expected: { at: 10m, kind: clear, services: [ops], how: manual }
at 11m an incident opens without a notification: `rearm_seconds` is 10m (the last was at 10m)
at 12m: conditions[0] above 800 for 5m: web1 meets it, violates since 3m (10 values, the last 900); web2 is normal (540 at 12m); web3 is normal (750 at 3m30s)
"
    );
}

#[test]
fn each_kind_of_condition_and_metric_can_be_tested() {
    for (name, condition, test) in [
        (
            "a counter's change needs a predecessor",
            "{ type: above, metric_name: c, threshold: 10 }",
            "{ input: [{ metric: c, source: s, values: '100 105 130 5' }], expect: [{ at: 1m, state: ok }, { at: 2m, streams: [s] }, { at: 3m, state: ok }] }",
        ),
        (
            "an aggregated period is judged whole",
            "{ type: above, metric_name: ssa, threshold: 10, summary_function: sum }",
            "{ input: [{ metric: ssa, at: { 10s: 6, 50s: 6, 70s: 6 } }], expect: [{ at: 0, streams: [unassigned] }, { at: 1m, state: ok }] }",
        ),
        (
            "a composite is worked out of its inputs, a minute at a time",
            "{ type: above, metric_name: double, threshold: 10, duration: 60s }",
            "{ input: [{ metric: m, source: s, values: '1 6 6 1' }], expect: [{ at: 1m, conditions: { 0: { pending: [s] } } }, { at: 2m, streams: [s] }, { at: 3m, state: ok }] }",
        ),
        (
            "absence is noticed between measurements",
            "{ type: absent, metric_name: m, duration: 5m }",
            "{ input: [{ metric: m, source: s, values: '1x2 _x10 1' }], expect: [{ at: 6m59s, state: ok }, { at: 7m, streams: [s] }, { at: 13m, state: ok }] }",
        ),
        (
            "groups are merged by the minute",
            "{ type: above, metric_name: m, threshold: 10, summary_function: sum, tags: [{ name: az, grouped: true }] }",
            "{ every: 30s, input: [{ metric: m, tags: { az: a, host: x }, values: '1x1 3x1 1x1' }, { metric: m, tags: { az: a, host: y }, values: '1x1 3x1 1x1' }], expect: [{ at: 0, state: ok }, { at: 1m, streams: ['az=a'] }, { at: 2m, state: ok }] }",
        ),
    ] {
        let test = test.replacen('{', "{ alert: a,", 1);
        assert_eq!(shown(&format!("{{ conditions: [{condition}] }}"), &test), "", "{name}");
    }
}

#[test]
fn why_nothing_happens_is_said() {
    for (alert, test, expected) in [
        (
            "{ conditions: [{ type: above, metric_name: m, threshold: 1, source: 'db*' }] }",
            "{ alert: a, input: [{ metric: m, source: web, values: '2' }], expect: [{ at: 0, state: triggered }] }",
            "conditions[0] above 1: no series has a source `db*`",
        ),
        (
            "{ active: false, conditions: [{ type: above, metric_name: m, threshold: 1 }] }",
            "{ alert: a, input: [{ metric: m, source: web, values: '2' }], expect: [{ at: 0, state: triggered }] }",
            "the alert is not active",
        ),
        (
            "{ conditions: [{ type: above, metric_name: m, threshold: 1 }, { type: below, metric_name: c, threshold: 1 }] }",
            "{ alert: a, input: [{ metric: m, source: web, values: '2' }], expect: [{ at: 0, state: triggered }] }",
            "conditions[1] below 1: nothing of `c` is measured",
        ),
        (
            "{ conditions: [{ type: absent, metric_name: m, duration: 5m }] }",
            "{ alert: a, input: [{ metric: m, source: web, values: '2' }], expect: [{ at: 2m, state: triggered }] }",
            "conditions[0] absent for 5m: web was last seen at 0s and would be absent at 5m",
        ),
    ] {
        assert!(shown(alert, test).contains(expected), "{}", shown(alert, test));
    }
}

#[test]
fn a_test_is_held_against_its_alert() {
    let wrong = "
alert: a
types: { m: counter, mm: gauge }
input: [{ metric: mn, values: '1' }, { metric: double, values: '1' }]
expect: [{ at: 0, conditions: { 1: {}, x: {} } }]
notifications: [{ at: 0, kind: trigger, services: [opps] }]
";
    let alert = alert("{ services: [ops], conditions: [{ type: above, metric_name: m, threshold: 1 }] }");
    let subject = subject("a", &alert, &known).unwrap();
    let declared = |name: &str| matches!(name, "m" | "double").then(|| known(name));
    let findings = check(&test_of(wrong), &subject, &declared);
    let lines: Vec<String> =
        findings.iter().map(|f| format!("{}: {} [{}]", f.route, f.message, f.help.join(", "))).collect();
    assert_eq!(
        lines,
        [
            "input[0].metric: no condition of `a` watches this metric [it watches `m`]",
            "input[1].metric: this is a composite: it is worked out of other metrics [give what it is made of: `m`]",
            "types.m: the files say that this metric has another type [take it out: what the files say holds]",
            "types.mm: nothing of this metric is measured in the test []",
            "expect[0].conditions.1: `a` has no condition 1 [its only one is 0]",
            "expect[0].conditions.x: `a` has no condition x [its only one is 0]",
            "notifications[0].services[0]: `a` does not notify the service `opps` [did you mean `ops`?]",
        ]
    );
    let right = test_of(
        "{ alert: a, input: [{ metric: m, values: 1 }, { metric: m, source: s, values: 1 }], notifications: [] }",
    );
    let notes = check(&right, &subject, &|_| None);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].message, "no file says what type `m` has: it is taken for a gauge");
    assert!(check(&right, &subject, &declared).is_empty());
}

fn any_condition() -> impl Strategy<Value = String> {
    let duration = prop_oneof![Just(""), Just(", duration: 60"), Just(", duration: 120")];
    let metric = prop_oneof![Just("m"), Just("c"), Just("ssa"), Just("double")];
    let threshold = (prop_oneof![Just("above"), Just("below")], metric.clone(), duration).prop_map(
        |(word, metric, duration)| {
            format!("{{ type: {word}, metric_name: {metric}, threshold: 5{duration} }}")
        },
    );
    let absent =
        metric.prop_map(|metric| format!("{{ type: absent, metric_name: {metric}, duration: 120 }}"));
    prop_oneof![3 => threshold, 1 => absent]
}

fn any_alert() -> impl Strategy<Value = String> {
    (proptest::collection::vec(any_condition(), 1..3), prop_oneof![Just(60), Just(300)], any::<bool>()).prop_map(
        |(conditions, rearm, each)| {
            let conditions = conditions.join(", ");
            format!("{{ services: ['on', 'a, b'], rearm_seconds: {rearm}, rearm_per_signal: {each}, conditions: [{conditions}] }}")
        },
    )
}

fn any_input() -> impl Strategy<Value = String> {
    let item = prop_oneof![Just("3"), Just("9x2"), Just("_"), Just("_x3"), Just("2+4x2"), Just("9-4x2")];
    let series = prop_oneof![
        Just("source: web1"),
        Just("source: 'on'"),
        Just("tags: { az: a, host: '${x}' }"),
        Just("tags: { az: b }")
    ];
    let metric = prop_oneof![2 => Just("m"), 1 => Just("c"), 1 => Just("ssa")];
    (metric, series, proptest::collection::vec(item, 1..6)).prop_map(|(metric, series, items)| {
        format!("{{ metric: {metric}, {series}, values: '{}' }}", items.join(" "))
    })
}

/// Expectations, most of which are wrong.
fn any_expectation() -> impl Strategy<Value = String> {
    let at = 0_i64..900;
    prop_oneof![
        at.clone().prop_map(|at| format!("{{ at: {at}, state: triggered }}")),
        at.clone().prop_map(|at| format!("{{ at: {at}, streams: [nobody] }}")),
        at.prop_map(|at| format!(
            "{{ at: {at}, conditions: {{ 0: {{ pending: [nobody], met: [nobody] }} }} }}"
        )),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 2, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is shown as actual, in the place of what was expected, holds; and again nothing else has changed.
    #[test]
    fn what_is_shown_can_be_pasted(
        alert_text in any_alert(),
        inputs in proptest::collection::vec(any_input(), 1..4),
        mut expected in proptest::collection::vec(any_expectation(), 1..5),
        clear in proptest::option::of(0_i64..600),
    ) {
        let alert = alert(&alert_text);
        let actions = clear.map_or(String::new(), |at| format!("actions: [{{ at: {at}, clear: true }}]\n"));
        let written = |expected: &[String], notifications: &[String]| {
            let input: String = inputs.iter().map(|input| format!("  - {input}\n")).collect();
            let expect: String = expected.iter().map(|one| format!("  - {one}\n")).collect();
            let notices: String = notifications.iter().map(|one| format!("  {one}\n")).collect();
            format!("alert: a\ninput:\n{input}{actions}expect:\n{expect}notifications:\n{notices}")
        };
        // References are resolved before a test is read.
        let read_back = |text: &str| text.replace("$${", "${");
        let wrong = ["- { at: 899, kind: clear, how: auto }".to_owned()];
        let verdict = judged(&alert, &test_of(&written(&expected, &wrong)));
        let mut notifications = wrong.to_vec();
        for failure in &verdict.failures {
            match (failure.at, failure.route.segs().last()) {
                (Some(_), Some(crate::diag::Seg::Index(i))) => {
                    expected[*i] = read_back(&failure.actual[0]);
                }
                _ => notifications = failure.actual.iter().map(|line| read_back(line)).collect(),
            }
        }
        let again = judged(&alert, &test_of(&written(&expected, &notifications)));
        prop_assert!(again.failures.is_empty(), "{}\n{:#?}", written(&expected, &notifications), again.failures);
    }
}

//! Definitions and the rules they become, side by side.

use crate::diag::Files;
use crate::load;
use crate::model::Desired;
use crate::resolve::{self, Options, Outside};

use super::{Given, Rendering, ReportedObject, Settings, Tests, render};

struct Nothing;

impl Outside for Nothing {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn may_read(&self, _: &str) -> bool {
        false
    }

    fn secret(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &std::path::Path, _: &str) -> Result<String, String> {
        Err("no files here".to_owned())
    }
}

pub(super) fn read(text: &str) -> (Desired, Files) {
    let mut files = Files::default();
    let file = files.add("a.yaml", text.to_owned(), load::yaml::index);
    let value = load::yaml::parse(text, file).unwrap_or_else(|found| panic!("{found:?}"));
    let document =
        load::Document { file, value: value.as_object().cloned().unwrap(), dir: ".".into(), path: None };
    let options = Options { lenient_secrets: true, ..Options::default() };
    let (desired, report) = resolve::resolve(vec![document], &mut files, &options, &Nothing);
    assert!(!report.has_errors(), "{text}\n{}", crate::diag::render(&report, &files, false));
    (desired, files)
}

pub(super) fn rendered(text: &str) -> Rendering {
    let (desired, files) = read(text);
    let given = Given { owner: Some("shop"), engine: None };
    let settings = Settings::read(&desired.settings.prometheus, &given).unwrap();
    render(&desired, &files, &settings, Tests::Auto)
}

/// The rule of this name.
fn rule(rendering: &Rendering, name: &str) -> serde_json::Value {
    let document: serde_json::Value = serde_yaml::from_str(&rendering.rules).unwrap();
    let groups = document["groups"].as_array().into_iter().flatten();
    let mut rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let found = rules.find(|rule| rule["alert"] == name || rule["record"] == name);
    found.cloned().unwrap_or_default()
}

fn object<'r>(rendering: &'r Rendering, name: &str) -> &'r ReportedObject {
    rendering.report.objects.iter().find(|object| object.name == name).unwrap()
}

/// The codes of an object's reasons, with its fidelity before them.
fn judged(rendering: &Rendering, name: &str) -> String {
    let object = object(rendering, name);
    let codes: Vec<&str> = object.reasons.iter().map(|reason| reason.code.as_str()).collect();
    format!("{} {}", object.fidelity, codes.join(" ")).trim_end().to_owned()
}

const METRICS: &str = "metrics: { g: { type: gauge, period: 60s }, c: { type: counter, period: 60s }, \
    f: { type: gauge, period: 10s }, s: { type: gauge, period: 5m }, t: { type: gauge, period: 60s } }\n\
    composites: { k: { composite: 'sum(s(\"g\", \"*\"))' }, bad: { composite: 'integrate(s(\"g\", \"*\"))' } }\n";

#[test]
fn conditions_become_expressions_without_state() {
    for (condition, expected) in [
        ("type: above, metric_name: g, threshold: 1", "last_over_time(g[5m]) > 1"),
        (
            "type: below, metric_name: s, threshold: -0.5, source: 'a.b'",
            "last_over_time(s{source=\"a.b\"}[25m]) < -0.5",
        ),
        ("type: above, metric_name: f, threshold: 1", "max_over_time(f[1m]) > 1"),
        ("type: below, metric_name: f, threshold: 1", "min_over_time(f[1m]) < 1"),
        (
            "type: above, metric_name: g, threshold: 1, duration: 5m, source: 'web*'",
            "last_over_time(g{source=~\"web.*\"}[5m]) > 1\nand last_over_time(g{source=~\"web.*\"}[5m] offset 5m) > 1\n\
             unless min_over_time(g{source=~\"web.*\"}[5m]) <= 1",
        ),
        (
            "type: below, metric_name: g, threshold: 1, duration: 60s",
            "last_over_time(g[5m]) < 1\nand last_over_time(g[5m] offset 1m) < 1\nunless max_over_time(g[1m]) >= 1",
        ),
        (
            "type: absent, metric_name: g, duration: 10m",
            "present_over_time(g[1d])\nunless present_over_time(g[10m])",
        ),
        (
            "type: above, metric_name: c, threshold: 1, summary_function: absolute_value",
            "last_over_time(c[5m]) > 1",
        ),
        (
            "type: above, metric_name: c, threshold: 1",
            "last_over_time((clamp_min(last_over_time(c[1m]) - last_over_time(c[15m] offset 1m), 0))[5m:1m]) > 1",
        ),
        (
            "type: above, metric_name: c, threshold: 1, summary_function: derivative, detect_reset: false",
            "last_over_time((last_over_time(c[1m]) - last_over_time(c[15m] offset 1m))[5m:1m]) > 1",
        ),
        (
            "type: above, metric_name: g, threshold: 1, summary_function: count",
            "last_over_time((count_over_time(g[1m]))[5m:1m]) > 1",
        ),
        (
            "type: above, metric_name: g, threshold: 1, source: unassigned",
            "last_over_time(g{source=\"\"}[5m]) > 1",
        ),
        (
            "type: above, metric_name: g, threshold: 1, source: 'un*'",
            "last_over_time(g{source=~\"un.*|\"}[5m]) > 1",
        ),
        (
            "type: above, metric_name: t, threshold: 1, tags: [{ name: b }, { name: a.b, values: ['x*', 'y.z'] }]",
            "last_over_time(t{a_b=~\"x.*|y\\\\.z\",b!=\"\"}[5m]) > 1",
        ),
        (
            "type: above, metric_name: t, threshold: 1, tags: [{ name: az, grouped: true }]",
            "last_over_time((avg by (az) (last_over_time(t{az!=\"\"}[1m])))[5m:1m]) > 1",
        ),
        ("type: above, metric_name: k, threshold: 1", "last_over_time(librato:k[5m]) > 1"),
    ] {
        let text = format!("{METRICS}alerts: {{ a: {{ services: [], conditions: [ {{ {condition} }} ] }} }}");
        assert_eq!(rule(&rendered(&text), "a")["expr"], expected, "{condition}");
    }
}

#[test]
fn conditions_are_judged_apart_and_the_first_has_the_streams() {
    let text = format!(
        "{METRICS}alerts: {{ a: {{ services: [], rearm_per_signal: true, conditions: [ {{ type: above, metric_name: g, threshold: 1 }}, \
         {{ type: absent, metric_name: c, duration: 2m }} ] }} }}"
    );
    let rendering = rendered(&text);
    assert_eq!(
        rule(&rendering, "a")["expr"],
        "last_over_time(g[5m]) > 1\nand on () (present_over_time(c[1d]) unless present_over_time(c[2m]))"
    );
    assert_eq!(judged(&rendering, "a"), "approximate absent-memory first-condition nobody-told");
}

#[test]
fn what_cannot_be_said_is_refused_with_a_way_out() {
    let condition = "type: above, threshold: 1, metric_name";
    for (settings, alert, expected) in [
        ("", format!("{condition}: bad"), "refused invalid-composite"),
        ("", format!("{condition}: unknown"), "approximate not-mapped period-assumed nobody-told"),
        ("", format!("{condition}: t, tags: [{{ name: le }}]"), "refused reserved-label"),
        ("source: null", format!("{condition}: g, source: a"), "refused not-mapped"),
        ("metrics: [{ match: g, absent: true }]", format!("{condition}: g"), "refused not-mapped"),
        ("metrics: [{ match: g, name: c }]", format!("{condition}: g"), "refused names-collide"),
        (
            "metrics: [{ match: g, kind: delta }]",
            format!("{condition}: g, summary_function: count"),
            "refused kind-does-not-fit",
        ),
        ("", format!("{condition}: k, summary_function: derivative"), "refused kind-does-not-fit"),
        ("groups: [{ match: k, group: x }]", format!("{condition}: k"), "approximate read-late nobody-told"),
    ] {
        let text = format!(
            "settings: {{ prometheus: {{ {settings} }} }}\n{METRICS}alerts: {{ k.a: {{ services: [], conditions: [ {{ {alert} }} ] }} }}"
        );
        let rendering = rendered(&text);
        assert_eq!(judged(&rendering, "k.a"), expected, "{settings} {alert}");
        let object = object(&rendering, "k.a");
        assert!(object.place.is_some(), "{object:?}");
        let reason = object.reasons.iter().find(|reason| reason.weight == "refused");
        assert_eq!(reason.is_some(), expected.starts_with("refused"), "{object:?}");
        assert!(reason.is_none_or(|reason| reason.help.is_some() && reason.place.is_some()), "{object:?}");
        assert_eq!(rule(&rendering, "k.a").is_null(), expected.starts_with("refused"));
    }
}

#[test]
fn mappings_give_names_labels_and_units() {
    let settings = "settings: { prometheus: { engine: 2, metrics: [ { match: 'web.*.ms', name: http_seconds, \
        labels: { app: '$1' }, kind: summary, scale: 1000, source: instance }, { match: n, kind: delta }, { match: odd, scale: 11 } ], \
        alerts: [ { match: '*', labels: { severity: page, team: \"{{x}}\" } } ] } }\n";
    let text = format!(
        "{settings}metrics: {{ web.eu.ms: {{ type: gauge, period: 60s }}, n: {{ type: gauge, period: 60s }}, odd: {{ type: gauge, period: 60s }} }}\n\
         alerts: {{ a: {{ services: [], conditions: [ {{ type: above, metric_name: web.eu.ms, threshold: 500, source: x }} ] }}, \
         b: {{ services: [], conditions: [ {{ type: above, metric_name: n, threshold: 2, summary_function: sum }} ] }}, \
         c: {{ services: [], conditions: [ {{ type: above, metric_name: odd, threshold: 0.1 }} ] }} }}"
    );
    let rendering = rendered(&text);
    let part = |suffix: &str| {
        let series = format!("http_seconds_{suffix}{{app=\"eu\",instance=\"x\"}}");
        format!(
            "clamp_min(last_over_time({series}[59s999ms]) - last_over_time({series}[14m59s999ms] offset 1m), 0)"
        )
    };
    let (sum, count) = (part("sum"), part("count"));
    assert_eq!(
        rule(&rendering, "a")["expr"],
        format!("last_over_time(({sum} / ({count} != 0))[4m59s999ms:1m]) > 0.5")
    );
    let (newest, before) = ("last_over_time(n[59s999ms])", "last_over_time(n[14m59s999ms] offset 1m)");
    let expected = format!("last_over_time((clamp_min({newest} - {before}, 0))[4m59s999ms:1m]) > 2");
    assert_eq!(rule(&rendering, "b")["expr"], expected);
    assert_eq!(
        rule(&rendering, "c")["expr"],
        "last_over_time((last_over_time(odd[59s999ms]) * 11)[4m59s999ms:1m]) > 0.1"
    );
    let labels = &rule(&rendering, "a")["labels"];
    assert_eq!(labels["severity"], "page");
    assert_eq!(labels["librato_apply"], "shop");
    assert_eq!(labels["team"], "{{ \"{{\" }}x}}", "what is expanded comes out as it was");
}

#[test]
fn services_become_receivers_and_their_secrets_files() {
    let text = "services: { 'on call': { type: slack, settings: { url: '${secret.URL}' } }, \
        pager: { type: pagerduty, settings: { service_key: CANARY, event_type: trigger, description: d } }, \
        mail: { type: mail, settings: { addresses: a@example.org } }, room: { type: campfire, settings: { subdomain: a, token: b, room: c } } }\n\
        alerts: { a: { rearm_seconds: 10m, services: [pager, on call, mail], conditions: [ { type: above, metric_name: g, threshold: 1 } ] } }\n\
        metrics: { g: { type: gauge, period: 60s } }\n";
    let rendering = rendered(text);
    let file = &rendering.files["alertmanager.yml"];
    let read: serde_json::Value = serde_yaml::from_str(file).unwrap();
    let routes = read["route"]["routes"][0]["routes"].as_array().unwrap();
    let receivers: Vec<&str> = routes.iter().map(|route| route["receiver"].as_str().unwrap()).collect();
    assert_eq!(receivers, ["librato/on call", "librato/pager"]);
    assert_eq!(routes[0]["repeat_interval"], "9m30s");
    assert_eq!(routes[0]["matchers"][0], "alertname=\"a\"");
    assert_eq!(
        read["receivers"][1]["slack_configs"][0]["api_url_file"],
        "/etc/alertmanager/secrets/on_call.url"
    );
    assert_eq!(judged(&rendering, "mail"), "refused no-smtp");
    assert_eq!(judged(&rendering, "room"), "refused dead-service");
    assert_eq!(judged(&rendering, "a"), "approximate nobody-told rearm");
    let secrets: Vec<&str> = rendering.report.secrets.iter().map(|secret| secret.file.as_str()).collect();
    assert_eq!(secrets, ["on_call.url", "pager.service_key"]);
    let all: String =
        rendering.files.values().cloned().collect::<String>() + &format!("{:?}", rendering.report);
    assert!(!all.contains("CANARY"), "{all}");
}

#[test]
fn ten_renderings_are_equal() {
    let text = format!(
        "{METRICS}alerts: {{ b: {{ services: [], conditions: [ {{ type: above, metric_name: g, threshold: 1, duration: 2m }} ] }}, \
         k.a: {{ services: [], conditions: [ {{ type: above, metric_name: k, threshold: 1 }} ] }} }}"
    );
    let first = rendered(&text);
    assert_eq!(first.report.counts.refused, 1);
    assert!(first.files.contains_key("tests/b.test.yml"), "{:?}", first.files.keys());
    for _ in 0..9 {
        assert_eq!(rendered(&text), first);
    }
}

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
    let given = Given { owner: Some("shop"), ..Given::default() };
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

/// The rule of an alert with one condition, by settings and a condition.
fn with_settings(settings: &str, condition: &str) -> (Rendering, serde_json::Value) {
    let text = format!(
        "settings: {{ prometheus: {{ {settings} }} }}\n{METRICS}alerts: {{ a: {{ services: [], conditions: [ {{ {condition} }} ] }} }}"
    );
    let rendering = rendered(&text);
    let expr = rule(&rendering, "a")["expr"].clone();
    (rendering, expr)
}

#[test]
fn statistics_have_series_of_their_own() {
    let stats = "metrics: [ { match: g, kind: stats }, { match: s, max: s_peak }, { match: 't', kind: stats, samples: 15s, count: n } ]";
    for (condition, expected) in [
        ("metric_name: g", "last_over_time(g[5m]) > 1"),
        ("metric_name: g, summary_function: max", "last_over_time(g:max[5m]) > 1"),
        ("metric_name: g, summary_function: count", "last_over_time(g:count[5m]) > 1"),
        ("metric_name: s, summary_function: max", "last_over_time(s_peak[25m]) > 1"),
        ("metric_name: s, summary_function: min", "last_over_time(s[25m]) > 1"),
        (
            "metric_name: t, duration: 2m, summary_function: sum",
            "last_over_time((sum_over_time(t:sum[1m]))[5m:1m]) > 1\n\
             and last_over_time((sum_over_time(t:sum[1m]))[5m:1m] offset 2m) > 1\n\
             unless min_over_time((sum_over_time(t:sum[1m]))[2m:1m]) <= 1",
        ),
        ("metric_name: t", "last_over_time((sum_over_time(t:sum[1m]) / sum_over_time(n[1m]))[5m:1m]) > 1"),
    ] {
        let (_, expr) = with_settings(stats, &format!("type: above, threshold: 1, {condition}"));
        assert_eq!(expr, expected, "{condition}");
    }
    let summary = "metrics: [ { match: g, kind: summary, sum: g_total, min: g_least } ]";
    let (_, expr) =
        with_settings(summary, "type: below, threshold: 1, metric_name: g, summary_function: min");
    assert_eq!(expr, "last_over_time(g_least[5m]) < 1");
    let text = format!(
        "settings: {{ prometheus: {{ {stats} }} }}\nmetrics: {{ g: {{ type: gauge, period: 60s }} }}\n\
         composites: {{ a: {{ composite: 'sum(s(\"g\", \"*\", {{function: \"max\"}}))' }}, \
         b: {{ composite: 'sum(s(\"g\", \"*\", {{function: \"count\"}}))' }} }}"
    );
    let rendering = rendered(&text);
    assert_eq!(rule(&rendering, "librato:a")["expr"], "sum(max_over_time(g:max[1m]))");
    assert_eq!(rule(&rendering, "librato:b")["expr"], "sum(sum_over_time(g:count[1m]))");
}

#[test]
fn streams_may_be_several_series() {
    let (_, expr) =
        with_settings("stream: [source]", "type: above, metric_name: g, threshold: 1, duration: 2m");
    assert_eq!(
        expr,
        "max by (source) (last_over_time(g[5m])) > 1\nand max by (source) (last_over_time(g[5m] offset 2m)) > 1\n\
         unless min by (source) (min_over_time(g[2m])) <= 1"
    );
    let (_, expr) = with_settings("stream: [source]", "type: absent, metric_name: g, duration: 10m");
    assert_eq!(
        expr,
        "max by (source) (present_over_time(g[1d]))\nunless max by (source) (present_over_time(g[10m]))"
    );
    let (_, expr) = with_settings("stream: [source]", "type: above, metric_name: k, threshold: 1");
    assert_eq!(expr, "last_over_time(librato:k[5m]) > 1", "what is recorded has its labels already");
}

#[test]
fn silence_is_seen_when_an_exporter_has_forgotten() {
    let absent = "type: absent, metric_name: g, duration: 10m";
    let expiring = |expires: &str| format!("metrics: [ {{ match: g, expires: {expires} }} ]");
    let (rendering, expr) = with_settings(&expiring("4m"), absent);
    assert_eq!(expr, "present_over_time(g[1d])\nunless present_over_time(g[6m])");
    assert_eq!(judged(&rendering, "a"), "approximate absent-memory nobody-told");
    let (rendering, expr) = with_settings(&expiring("1h"), absent);
    assert_eq!(expr, "present_over_time(g[1d])\nunless present_over_time(g[1m])");
    assert_eq!(judged(&rendering, "a"), "approximate expires-later absent-memory nobody-told");
    let (rendering, _) = with_settings(&expiring("never"), absent);
    assert_eq!(judged(&rendering, "a"), "refused never-expires");
}

#[test]
fn when_streams_were_heard_of_is_recorded_where_that_is_wanted() {
    let absent = "type: absent, metric_name: g, duration: 10m, source: 'web*'";
    let (rendering, expr) = with_settings("absent_memory: recorded", absent);
    assert_eq!(expr, "time() - librato:seen:g{source=~\"web.*\"} >= 600 < 864000");
    assert_eq!(
        rule(&rendering, "librato:seen:g")["expr"],
        "timestamp(g)\nor last_over_time(librato:seen:g[10m]) > time() - 864000"
    );
    assert_eq!(judged(&rendering, "a"), "exact nobody-told");
}

#[test]
fn names_may_be_as_they_are() {
    let settings = "names: utf8, metrics: [ { regex: 'shop[.](\\w+)[.]ms', labels: { part: '$1' } } ]";
    let text = format!(
        "settings: {{ prometheus: {{ {settings} }} }}\nmetrics: {{ Shop.cart.ms: {{ type: gauge, period: 60s }}, a.b: {{ type: gauge, period: 60s }} }}\n\
         alerts: {{ a: {{ services: [], conditions: [ {{ type: above, threshold: 1, metric_name: Shop.cart.ms, source: x }} ] }}, \
         b: {{ services: [], conditions: [ {{ type: above, threshold: 1, metric_name: a.b }} ] }} }}\n\
         composites: {{ c.d: {{ composite: 's(\"a.*\", \"*\")' }}, e.f: {{ composite: 's(\"no.*\", \"*\")' }} }}"
    );
    let rendering = rendered(&text);
    assert_eq!(
        rule(&rendering, "a")["expr"],
        "last_over_time({\"Shop.cart.ms\",part=\"cart\",source=\"x\"}[5m]) > 1"
    );
    assert_eq!(rule(&rendering, "b")["expr"], "last_over_time({\"a.b\"}[5m]) > 1");
    assert_eq!(rule(&rendering, "librato:c_d")["expr"], "avg_over_time({\"a.b\"}[1m])");
    assert_eq!(rule(&rendering, "librato:e_f")["expr"], "last_over_time({__name__=~\"no\\\\..*\"}[1m])");
    assert!(rendering.files["tests/b.test.yml"].contains("{\\\"a.b\\\",source=\\\"probe\\\"}"));
}

#[test]
fn what_is_wrong_with_settings_is_told() {
    for (settings, owner, expected) in [
        ("engine: 3", "", "missing-field owner"),
        ("engine: 3", "a b", "invalid-name owner"),
        ("engine: 2, names: utf8", "a", "wrong-value names"),
        ("metrics: [ { name: a } ]", "a", "missing-field metrics[0]"),
        ("metrics: [ { match: a, regex: b } ]", "a", "wrong-value metrics[0]"),
        ("metrics: [ { regex: '(' } ]", "a", "wrong-value metrics[0].regex"),
        ("metrics: [ { match: a, expires: 0 } ]", "a", "invalid-period metrics[0].expires"),
        ("stream: [__name__]", "a", "invalid-name stream[0]"),
        ("absent_memory: 1h", "a", "out-of-range absent_memory"),
    ] {
        let (desired, _) = read(&format!("settings: {{ prometheus: {{ {settings} }} }}\n{METRICS}"));
        let given = Given { owner: Some(owner), ..Given::default() };
        let found = Settings::read(&desired.settings.prometheus, &given).unwrap_err();
        let told: Vec<String> = found.iter().map(|found| format!("{} {}", found.code, found.route)).collect();
        assert_eq!(told, [expected], "{settings} {owner}");
    }
}

#[test]
fn no_rules_are_a_valid_document() {
    let rendering = rendered("metrics: { g: { type: gauge, period: 60s } }");
    let read: serde_json::Value = serde_yaml::from_str(&rendering.rules).unwrap();
    assert_eq!(read["groups"], serde_json::json!([]));
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
fn a_configuration_of_somebody_else_gets_a_route_and_receivers() {
    let text = "settings: { prometheus: { alertmanager: { base: base.yml, receivers: { pager: company-pager, lost: nobody } } } }\n\
        services: { pager: { type: campfire, settings: { subdomain: a, token: b, room: c } }, hook: { type: webhook, settings: { url: 'https://example.org/CANARY' } }, \
        lost: { type: mail, settings: { addresses: a@example.org } }, mail: { type: mail, settings: { addresses: a@example.org } } }\n\
        alerts: { a: { rearm_per_signal: true, services: [pager, hook, mail], conditions: [ { type: above, metric_name: g, threshold: 1 } ] } }\n\
        metrics: { g: { type: gauge, period: 60s } }\n";
    let base = "global: { smtp_smarthost: 'mail.example.org:587' } # of the company\nroute:\n  receiver: company-pager\n\
        receivers:\n  - name: company-pager\n";
    let (desired, files) = read(text);
    let given = Given { owner: Some("shop"), base: Some(base), ..Given::default() };
    let settings = Settings::read(&desired.settings.prometheus, &given).unwrap();
    let rendering = render(&desired, &files, &settings, Tests::None);
    assert_eq!(rendering.unplaced, None);
    let file = &rendering.files["alertmanager.yml"];
    assert!(
        file.contains("# of the company\nroute:\n  routes:\n    # librato-apply shop: routes, do not edit\n    - matchers:"),
        "{file}"
    );
    let config: serde_json::Value = serde_yaml::from_str(file).unwrap();
    let names = |list: &serde_json::Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    let all = ["librato/shop/none", "librato/shop/hook", "librato/shop/mail", "company-pager"];
    assert_eq!(names(&config["receivers"], "name"), all);
    let told = names(&config["route"]["routes"][0]["routes"], "receiver");
    assert_eq!(told, ["company-pager", "librato/shop/hook", "librato/shop/mail"]);
    assert_eq!(judged(&rendering, "pager"), "exact");
    assert_eq!(judged(&rendering, "lost"), "refused no-receiver");
    assert!(!file.contains("CANARY"));
    let given = Given { inline_secrets: true, ..given };
    let settings = Settings::read(&desired.settings.prometheus, &given).unwrap();
    let file = &render(&desired, &files, &settings, Tests::None).files["alertmanager.yml"];
    assert!(file.contains("      - url: https://example.org/CANARY\n"), "{file}");

    let own = |own: &str| {
        let (desired, files) = read(&text.replace("base: base.yml", own));
        let given = Given { owner: Some("shop"), ..Given::default() };
        let settings = Settings::read(&desired.settings.prometheus, &given).map_err(|found| found[0].code)?;
        Ok(render(&desired, &files, &settings, Tests::None).files.contains_key("alertmanager.yml"))
    };
    assert_eq!(own("own: none"), Ok(false));
    assert_eq!(own("own: document"), Ok(true));
    assert_eq!(own("own: subtree"), Ok(true), "inside that of a ruler, all of it in a file");
    assert_eq!(own("own: document, base: b"), Err("field-does-not-fit"));
}

#[test]
fn vmalert_reads_what_is_recorded_late() {
    let (desired, files) = read(&format!(
        "{METRICS}alerts: {{ a: {{ services: [], conditions: [ {{ type: above, metric_name: k, threshold: 1 }} ] }} }}"
    ));
    let given = Given { owner: Some("shop"), vmalert: true, ..Given::default() };
    let settings = Settings::read(&desired.settings.prometheus, &given).unwrap();
    assert_eq!(
        judged(&render(&desired, &files, &settings, Tests::None), "a"),
        "approximate read-late nobody-told"
    );
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

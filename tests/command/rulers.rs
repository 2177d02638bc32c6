//! `plan`, `apply` and `export` against rulers, by the real binary: what is asked of them, what is written, what people see.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::cli::{self, Cli, project};
use crate::ruler::{Flavour, Past, Ruler};

const SHOP: &str = "\
settings:
  prometheus: { owner: shop }
  prune: { alerts: ['shop.*'], composites: ['shop.*'] }
metrics: { shop.ms: { type: gauge, period: 60s } }
services:
  ops: { type: slack, settings: { url: 'https://hooks.example.org/${secret.SLACK}' } }
composites:
  shop.twice: { composite: 'scale(s(\"shop.ms\", \"*\"), {factor: \"2\"})' }
alerts:
  shop.slow:
    description: Customers wait
    conditions: [{ type: above, metric_name: shop.ms, threshold: 800, duration: 300 }]
    services: [ops]
  shop.much: { conditions: [{ type: above, metric_name: shop.twice, threshold: 5 }], services: [ops] }
";

const NAMESPACE: &str = "librato-apply.shop";
const SECRET: &str = "canary-of-the-ruler";

fn run(ruler: &Ruler, dir: &tempfile::TempDir, args: &[&str]) -> cli::Ran {
    Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &ruler.endpoint()).env("SLACK", SECRET).run(args)
}

fn apply(ruler: &Ruler, dir: &tempfile::TempDir) -> cli::Ran {
    run(ruler, dir, &["apply", "--auto-approve"])
}

fn write(dir: &tempfile::TempDir, file: &str, text: &str) {
    std::fs::write(dir.path().join(file), text).unwrap();
}

fn rules(ruler: &Ruler, group: &str) -> Vec<Value> {
    ruler
        .namespace(NAMESPACE)
        .get(group)
        .map_or_else(Vec::new, |group| group["rules"].as_array().unwrap().clone())
}

fn names(ruler: &Ruler, group: &str) -> Vec<String> {
    let name = |rule: &Value| rule.get("record").or(rule.get("alert")).unwrap().as_str().unwrap().to_owned();
    rules(ruler, group).iter().map(name).collect()
}

fn shop(ruler: Flavour) -> (Ruler, tempfile::TempDir) {
    let (ruler, dir) = (Ruler::start(ruler), project(&[("shop.yaml", SHOP)]));
    apply(&ruler, &dir).exits(0);
    ruler.requests();
    (ruler, dir)
}

#[test]
fn an_empty_ruler_is_planned_with_one_request_and_what_it_cannot_hold_is_said_once() {
    for flavour in [Flavour::Cortex, Flavour::Mimir] {
        let (ruler, dir) = (Ruler::start(flavour), project(&[("shop.yaml", SHOP)]));
        let ran = run(&ruler, &dir, &["plan"]).exits(0);
        let ran = ran.prints(&["+ create alert shop.slow", "+ create composite shop.twice", "3 to create"]);
        let note =
            "not on this target, which holds composites, alerts: 1 service, the attributes of 1 metric";
        assert_eq!(ran.all().matches(note).count(), 1, "{}", ran.all());
        assert_eq!(ruler.requests().len(), 1);
        assert!(ruler.namespace(NAMESPACE).is_empty());
    }
}

#[test]
fn what_is_applied_is_there_and_the_next_plan_is_empty() {
    for flavour in [Flavour::Cortex, Flavour::Mimir] {
        let (ruler, dir) = shop(flavour);
        assert_eq!(names(&ruler, "shop"), ["librato:shop_twice", "shop.much", "shop.slow"]);
        let slow = &rules(&ruler, "shop")[2];
        assert!(slow["expr"].as_str().unwrap().starts_with("last_over_time(shop_ms[5m]) > 800"), "{slow}");
        assert_eq!(slow["labels"], json!({"librato_apply": "shop"}));
        let definition: Value =
            serde_json::from_str(slow["annotations"]["librato_definition"].as_str().unwrap()).unwrap();
        assert_eq!(definition["alert"]["conditions"][0]["threshold"], 800.0);
        run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0).prints(&["Nothing to change"]);
    }
}

#[test]
fn a_changed_threshold_is_one_field_and_one_group() {
    let (ruler, dir) = shop(Flavour::Cortex);
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 900"));
    let ran = run(&ruler, &dir, &["plan"]).exits(0).prints(&["threshold: 800 → 900", "1 to update"]);
    assert!(!ran.stdout.contains("clock"), "rules are held against the past: {}", ran.stdout);
    let document = ["apply", "--auto-approve", "--backup-document", "whole.yml"];
    run(&ruler, &dir, &document).exits(64).says(&["own: subtree"]);
    run(&ruler, &dir, &["plan", "--deny", "weaker-alerts"]).exits(3).prints(&["shop.slow"]);
    ruler.requests();
    apply(&ruler, &dir).exits(0);
    let path = "/api/v1/rules/librato-apply.shop";
    let wanted =
        [format!("GET {path}"), format!("GET {path}"), format!("GET {path}/shop"), format!("POST {path}")];
    assert_eq!(ruler.requests(), wanted);
    assert!(rules(&ruler, "shop")[2]["expr"].as_str().unwrap().contains("> 900"));
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_goes_from_the_files_goes_where_prune_covers_it_and_the_last_rule_takes_its_group_along() {
    let (ruler, dir) = shop(Flavour::Cortex);
    let without = SHOP.split("  shop.much").next().unwrap();
    write(&dir, "shop.yaml", without);
    apply(&ruler, &dir).exits(0);
    assert_eq!(names(&ruler, "shop"), ["librato:shop_twice", "shop.slow"]);
    let backups = std::fs::read_dir(dir.path().join(".librato-apply/backups")).unwrap().count();
    assert_eq!(backups, 1, "what went is kept in a file");
    write(&dir, "shop.yaml", without.split("\ncomposites:").next().unwrap());
    apply(&ruler, &dir).exits(0);
    assert!(ruler.namespace(NAMESPACE).is_empty());
}

#[test]
fn a_saved_plan_is_written_as_it_is_or_not_at_all() {
    let (ruler, dir) = shop(Flavour::Cortex);
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 900"));
    run(&ruler, &dir, &["plan", "--out", "plan.json"]).exits(0);
    let saved = std::fs::read_to_string(dir.path().join("plan.json")).unwrap();
    assert!(!saved.contains(SECRET));
    // Somebody else writes to the group, though to none of the rules that change.
    ruler.edit(NAMESPACE, "shop", |group| group["rules"][1]["labels"]["severity"] = json!("page"));
    let ran = run(&ruler, &dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(3);
    ran.says(&["group \"shop\"", "plan again"]);
    assert!(rules(&ruler, "shop")[2]["expr"].as_str().unwrap().contains("> 800"));
    ruler.edit(NAMESPACE, "shop", |group| {
        group["rules"][1]["labels"].as_object_mut().unwrap().remove("severity");
    });
    run(&ruler, &dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(0);
    assert!(rules(&ruler, "shop")[2]["expr"].as_str().unwrap().contains("> 900"));
    let other = ["apply", "--plan", "plan.json", "--auto-approve", "--tenant", "other"];
    run(&ruler, &dir, &other).exits(3);
}

#[test]
fn what_is_exported_is_what_was_applied() {
    let (ruler, dir) = shop(Flavour::Cortex);
    run(&ruler, &dir, &["export"]).exits(64).says(&["--owner NAME"]);
    let ran = run(&ruler, &dir, &["export", "--owner", "shop"]).exits(0);
    ran.prints(&["shop.slow:", "threshold: 800", "description: Customers wait", "shop.twice:", "scale(s("]);
    assert!(run(&ruler, &dir, &["export", "--owner", "nobody"]).exits(0).stdout.lines().count() < 3);
}

#[test]
fn tenants_and_credentials_are_said_as_they_are_given() {
    let (ruler, dir) = (Ruler::start(Flavour::Cortex), project(&[("shop.yaml", SHOP)]));
    run(&ruler, &dir, &["apply", "--auto-approve", "--tenant", "blue"]).exits(0);
    assert!(ruler.namespace(NAMESPACE).is_empty() && !ruler.namespace_of("blue", NAMESPACE).is_empty());
    let with = |name: &str, value: &str| {
        Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &ruler.endpoint()).env("SLACK", SECRET).env(name, value)
    };
    with("LIBRATO_TENANT", "blue").run(&["plan", "--detailed-exitcode"]).exits(0);
    with("LIBRATO_TOKEN", "t0ken-of-the-ruler").run(&["plan"]).exits(0);
    with("LIBRATO_TOKEN", "t0ken-of-the-ruler").env("LIBRATO_USER", "me").run(&["plan"]).exits(0);
    let seen = ruler.credentials();
    assert_eq!(seen[0], "Bearer t0ken-of-the-ruler");
    assert!(seen[1].starts_with("Basic "), "{seen:?}");
    with("LIBRATO_USER", "me").run(&["plan"]).exits(64).says(&["there is no token"]);
}

#[test]
fn an_endpoint_that_is_no_ruler_is_not_taken_for_an_empty_one() {
    let (ruler, dir) = (Ruler::start_below(Flavour::Cortex, "/cortex"), project(&[("shop.yaml", SHOP)]));
    run(&ruler, &dir, &["plan"]).exits(0);
    let wrong = ruler.endpoint().replace("/cortex", "/wrong");
    let ran = Cli::new(dir.path()).env("SLACK", SECRET).run(&["plan", "--endpoint", &wrong]).exits(1);
    ran.says(&["no cortex ruler answers there", "/wrong/api/v1/rules"]);
    let other = ruler.endpoint().replace("cortex+", "mimir+");
    let ran = Cli::new(dir.path()).env("SLACK", SECRET).run(&["plan", "--endpoint", &other]).exits(1);
    ran.says(&["no mimir ruler answers there", "/cortex/prometheus/config/v1/rules", "experimental"]);
}

#[test]
fn other_commands_say_that_a_ruler_keeps_rules_only() {
    let (ruler, dir) = (Ruler::start(Flavour::Cortex), project(&[("shop.yaml", SHOP)]));
    for args in [
        &["get", "alerts"][..],
        &["query", "shop.ms"],
        &["submit", "shop.ms", "1"],
        &["delete", "alert", "x", "--yes"],
    ] {
        let ran = run(&ruler, &dir, args);
        assert_eq!(ran.code, 64, "{args:?}: {}", ran.all());
        assert!(args[0] == "delete" || ran.stderr.contains("is a ruler"), "{}", ran.all());
    }
    assert!(ruler.requests().is_empty());
    let insecure = ["plan", "--endpoint", "cortex+http://rules.example.com"];
    Cli::new(dir.path()).env("SLACK", SECRET).run(&insecure).exits(64).says(&["http:// to another machine"]);
}

#[test]
fn it_must_be_said_whose_rules_are_meant() {
    let (ruler, dir) = (Ruler::start(Flavour::Cortex), project(&[("shop.yaml", "alerts: {}\n")]));
    run(&ruler, &dir, &["plan"]).exits(1).says(&["it must be said who these definitions belong to"]);
}

// --- what a group holds

/// Files with so many alerts in one group.
fn many(count: usize, settings: &str) -> String {
    let alerts = (0..count).map(|n| {
        format!("  shop.n{n:02}: {{ conditions: [{{ type: above, metric_name: shop.ms, threshold: {n}, duration: 300 }}], services: [] }}\n")
    });
    let begin = format!(
        "settings: {{ prometheus: {{ owner: shop{settings} }} }}\nmetrics: {{ shop.ms: {{ type: gauge, period: 60s }} }}\nalerts:\n"
    );
    begin + &alerts.collect::<String>()
}

#[test]
fn a_group_is_cut_by_the_limit_that_the_ruler_tells_or_else_by_the_usual_one_and_that_is_said() {
    let (ruler, dir) = (Ruler::start(Flavour::Mimir), project(&[("shop.yaml", &many(25, ""))]));
    let ran = run(&ruler, &dir, &["plan"]).exits(0);
    ran.says(&[
        "note[group-cut]",
        "\"shop\" would have 25 rules",
        "does not tell its limit",
        "cut into shop.1, shop.2",
    ]);
    assert_eq!(ruler.requests().len(), 2, "the rules, and the limit");
    ruler.tells_limit(10);
    run(&ruler, &dir, &["plan"])
        .exits(0)
        .says(&["more than the 10 that this ruler takes", "shop.1, shop.2, shop.3"]);
    ruler.tells_limit(0);
    let ran = run(&ruler, &dir, &["plan"]).exits(0);
    assert!(!ran.stderr.contains("group-cut"), "{}", ran.stderr);
    apply(&ruler, &dir).exits(0);
    assert_eq!(rules(&ruler, "shop").len(), 25);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    // Where no group is large, nobody asks.
    ruler.requests();
    let few = project(&[("shop.yaml", &many(5, "").replace("owner: shop", "owner: few"))]);
    run(&ruler, &few, &["plan"]).exits(0);
    assert_eq!(ruler.requests().len(), 1);
}

#[test]
fn rules_that_keep_a_state_move_only_where_somebody_says_so() {
    let stateful = |more: &str| many(3, &format!(", durations: for{more}"));
    let (ruler, dir) = (Ruler::start(Flavour::Cortex), project(&[("shop.yaml", &stateful(""))]));
    apply(&ruler, &dir).exits(0);
    assert_eq!(rules(&ruler, "shop")[0]["for"], "5m");
    // A group that goes from the settings moves what was in it.
    write(&dir, "shop.yaml", &stateful(", groups: [{ match: shop.n01, group: pages }]"));
    let ran = run(&ruler, &dir, &["plan"]).exits(0).prints(&["rule.group: \"shop\" → \"pages\""]);
    ran.says(&[
        "warning[state-lost]",
        "alert \"shop.n01\" moves from group \"shop\" to \"pages\"",
        "begins anew",
    ]);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    write(&dir, "shop.yaml", &stateful(""));
    let ran = run(&ruler, &dir, &["plan"]).exits(1);
    ran.says(&[
        "error[state-lost]",
        "`groups: [{ match: shop.n01, group: pages }]`",
        "with `group: shop` it moves",
    ]);
    apply(&ruler, &dir).exits(1);
    assert_eq!(names(&ruler, "pages"), ["shop.n01"]);
    // A group that is too large is not cut, for then some would move with each further rule.
    let large =
        project(&[("shop.yaml", &many(25, ", durations: for").replace("owner: shop", "owner: large"))]);
    let ran = run(&ruler, &large, &["plan"]).exits(1);
    ran.says(&["error[group-cut]", "would have 25 rules", "`groups: [{ match: …, group: … }]`"]);
    ruler.tells_limit(30);
    run(&ruler, &large, &["plan"]).exits(0);
}

#[test]
fn rules_without_definitions_are_known_by_their_text() {
    let plain = SHOP.replace("owner: shop", "owner: shop, definition_annotation: false");
    let (ruler, dir) = (Ruler::start(Flavour::Cortex), project(&[("shop.yaml", &plain)]));
    apply(&ruler, &dir).exits(0);
    let all = json!(rules(&ruler, "shop")).to_string();
    assert!(!all.contains("librato_definition"), "{all}");
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0).prints(&["Nothing to change"]);
    run(&ruler, &dir, &["apply", "--auto-approve", "--wait", "30s"]).exits(0);

    write(
        &dir,
        "shop.yaml",
        &plain.replace("threshold: 800", "threshold: 900").replace("factor: \"2\"", "factor: \"3\""),
    );
    let ran = run(&ruler, &dir, &["plan"]).exits(0);
    let ran =
        ran.prints(&["~ update alert shop.slow", "- last_over_time(shop_ms[5m]) > 800 and", "cannot tell"]);
    let ran = ran.prints(&["~ update composite shop.twice", "2 to update"]);
    assert!(!ran.all().contains("edited-by-hand") && !ran.stdout.contains("also notifies"), "{}", ran.all());
    run(&ruler, &dir, &["plan", "--deny", "weaker-alerts"]).exits(3);
    run(&ruler, &dir, &["apply", "--auto-approve", "--wait", "30s"]).exits(0);
    ruler.edit(NAMESPACE, "shop", |group| group["rules"][1]["labels"]["severity"] = json!("page"));
    let ran = run(&ruler, &dir, &["plan", "--deny", "weaker-alerts"]).exits(0);
    ran.prints(&["rule.labels.severity", "1 to update"]);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);

    // What goes from the files goes, too, and definitions come and go with the setting.
    write(&dir, "shop.yaml", plain.split("  shop.much").next().unwrap());
    run(&ruler, &dir, &["plan"]).exits(0).prints(&["- delete alert shop.much"]);
    write(&dir, "shop.yaml", SHOP);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    assert!(json!(rules(&ruler, "shop")).to_string().matches("librato_definition").count() == 3);
    write(&dir, "shop.yaml", &plain);
    run(&ruler, &dir, &["plan"]).exits(0).prints(&["rule.definition", "3 to update"]);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    assert!(!json!(rules(&ruler, "shop")).to_string().contains("librato_definition"));
}

#[test]
fn a_setting_that_is_for_nothing_is_told() {
    let with = SHOP.replace("owner: shop", "owner: shop, metrics: [{ match: 'shp.*', kind: counter }]");
    let (ruler, dir) = (Ruler::start(Flavour::Cortex), project(&[("shop.yaml", &with)]));
    let ran = run(&ruler, &dir, &["plan"]).exits(0);
    ran.says(&[
        "warning[unused-setting]",
        "this mapping is for no metric there is",
        "shop.yaml:2:",
        "did you mean `shop.*`?",
    ]);
    Cli::new(dir.path()).run(&["render", "prometheus", "."]).says(&["warning[unused-setting]"]);
    Cli::new(dir.path()).run(&["render", "prometheus", ".", "--strict"]).exits(1);
}

// --- the past

/// A day and more of all that is measured.
fn measured(ruler: &Ruler) {
    ruler.remembers("count(", Past::Found(vec![("web-1", 604_800, 0)]));
}

#[test]
fn a_plan_says_how_often_an_alert_fired_and_would_have_fired() {
    let (ruler, dir) = shop(Flavour::Cortex);
    measured(&ruler);
    ruler.remembers("> 800", Past::Found(vec![("web-1", 7_200, 3_600), ("web-1b", 600, 0)]));
    ruler.remembers(
        "> 700",
        Past::Found(vec![("web-1", 7_200, 3_000), ("web-1b", 600, 0), ("web-2", 90_000, 89_000)]),
    );
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 700"));
    let with = || {
        let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &ruler.endpoint()).env("SLACK", SECRET);
        cli.env("LIBRATO_TOKEN", "t0ken-of-the-ruler").env("LIBRATO_TENANT", "anonymous")
    };
    let ran = with().run(&["plan", "--evidence"]).exits(0);
    ran.prints(&["7 d: fired 2 → 3, notified 9 → 12", "Evidence: 7 d, 3 requests"]);
    assert!(ruler.credentials().iter().all(|said| said == "Bearer t0ken-of-the-ruler"));
    let asked = ruler.queries();
    assert_eq!(asked.len(), 3, "one for each side, and one for what both read: {asked:#?}");
    with()
        .run(&["plan", "--deny", "noisy-alerts=10"])
        .exits(3)
        .prints(&["would have notified 12 times in 7 d"]);
    let json = with().run(&["plan", "--evidence=1h", "--format", "json"]).exits(0).json();
    assert_eq!(
        json["evidence"]["end"].as_i64().unwrap() - json["evidence"]["start"].as_i64().unwrap(),
        3_600
    );
    assert_eq!(json["changes"][0]["evidence"]["after"]["fired"], 2, "{json:#}");
    with().run(&["apply", "--auto-approve", "--deny", "noisy-alerts=11"]).exits(3);
    with().run(&["apply", "--auto-approve", "--deny", "noisy-alerts=12"]).exits(0);
}

#[test]
fn composites_are_asked_written_out_and_what_others_wrote_as_it_stands() {
    let (ruler, dir) = shop(Flavour::Mimir);
    measured(&ruler);
    ruler.edit(NAMESPACE, "shop", |group| {
        group["rules"][2]["expr"] = json!("shop_ms > 9");
        group["rules"][2]["for"] = json!("2m");
    });
    ruler.remembers("shop_ms > 9", Past::Found(vec![("a", 600, 420), ("b", 60, 0)]));
    // The alert on it is evaluated otherwise, though no word of it changes.
    write(&dir, "shop.yaml", &SHOP.replace("factor: \"2\"", "factor: \"3\""));
    let ran = run(&ruler, &dir, &["plan", "--evidence"]).exits(0);
    ran.prints(&["~ update alert shop.slow", "fired 1 → 0", "~ update composite shop.twice"]);
    let asked = ruler.queries();
    assert!(asked.iter().all(|query| !query.contains("librato:")), "{asked:#?}");
    let both = ["* 2", "* 3"].map(|text| asked.iter().any(|query| query.contains(text)));
    assert_eq!(both, [true, true], "{asked:#?}");
}

#[test]
fn what_cannot_be_asked_or_was_never_measured_is_said() {
    let (ruler, dir) = shop(Flavour::Cortex);
    ruler.remembers("> 700", Past::Refused("expression is too heavy"));
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 700"));
    let ran = run(&ruler, &dir, &["plan", "--deny", "noisy-alerts=1"]).exits(0);
    let ran =
        ran.prints(&["cannot be evaluated", "expression is too heavy", "there are no samples of `shop_ms`"]);
    ran.says(&["--deny noisy-alerts did not judge", "shop.slow"]);
    run(&ruler, &dir, &["plan", "--deny", "noisy-alerts=1", "--strict"]).exits(1);
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 900"));
    run(&ruler, &dir, &["plan", "--evidence"])
        .exits(0)
        .prints(&["cannot fire", "no samples of `shop_ms` in 7 d"]);
}

// --- what teams do

#[test]
fn a_rule_that_moves_to_another_group_is_there_before_it_goes() {
    let (ruler, dir) = shop(Flavour::Cortex);
    write(
        &dir,
        "shop.yaml",
        &SHOP.replace("owner: shop", "owner: shop, groups: [{ match: shop.slow, group: pages }]"),
    );
    run(&ruler, &dir, &["plan"]).exits(0).prints(&[
        "~ update alert shop.slow",
        "rule.group: \"shop\" → \"pages\"",
        "1 to update",
    ]);
    ruler.requests();
    apply(&ruler, &dir).exits(0);
    let posts: Vec<String> = ruler.requests().into_iter().filter(|it| !it.starts_with("GET")).collect();
    assert_eq!(posts.len(), 2);
    assert_eq!(
        (names(&ruler, "pages"), names(&ruler, "shop")),
        (vec!["shop.slow".to_owned()], vec!["librato:shop_twice".to_owned(), "shop.much".to_owned()])
    );
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    // As a run leaves it that was killed between the two writes.
    let slow = rules(&ruler, "pages")[0].clone();
    ruler.edit(NAMESPACE, "shop", |group| group["rules"].as_array_mut().unwrap().push(slow));
    run(&ruler, &dir, &["plan"]).exits(0).prints(&["rule.group: \"pages, shop\" → \"pages\""]);
    apply(&ruler, &dir).exits(0);
    assert_eq!(names(&ruler, "shop"), ["librato:shop_twice", "shop.much"]);
}

#[test]
fn a_rule_that_was_edited_by_hand_is_named_and_written_over() {
    let (ruler, dir) = shop(Flavour::Cortex);
    ruler.edit(NAMESPACE, "shop", |group| {
        group["rules"][2]["expr"] = json!("last_over_time(shop_ms[5m]) > 9000");
        group["rules"][1]["labels"]["severity"] = json!("page");
    });
    let ran = run(&ruler, &dir, &["plan"]).exits(0);
    let ran = ran.prints(&["~ update alert shop.slow", "last_over_time(shop_ms[5m]) > 9000", "cannot tell"]);
    let ran = ran.prints(&["~ update alert shop.much", "rule.labels.severity", "2 to update"]);
    ran.says(&[
        "edited-by-hand",
        "the rule of alert \"shop.slow\" was edited by hand",
        "take over into the files",
    ]);
    run(&ruler, &dir, &["plan", "--deny", "weaker-alerts"]).exits(3);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    assert_eq!(rules(&ruler, "shop")[1]["labels"], json!({"librato_apply": "shop"}));
}

#[test]
fn a_rule_that_would_be_rendered_otherwise_now_is_not_called_edited() {
    let (ruler, dir) = shop(Flavour::Cortex);
    write(&dir, "shop.yaml", &SHOP.replace("owner: shop", "owner: shop, gap: 10m"));
    let ran = run(&ruler, &dir, &["plan"]).exits(0).prints(&["rule.expr", "[10m]"]);
    assert!(!ran.stderr.contains("edited-by-hand"), "{}", ran.stderr);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_rule_that_somebody_made_in_our_namespace_stays_until_it_is_declared() {
    let (ruler, dir) = shop(Flavour::Cortex);
    let own = json!({"alert": "Own", "expr": "up == 0", "for": "180s", "labels": {"x": "y"}});
    ruler.edit(NAMESPACE, "shop", |group| group["rules"].as_array_mut().unwrap().push(own.clone()));
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 900"));
    run(&ruler, &dir, &["plan", "--unmanaged"]).exits(0).prints(&["Own", "1 to update"]);
    apply(&ruler, &dir).exits(0);
    assert_eq!(rules(&ruler, "shop").last().unwrap()["expr"], "up == 0");
    let declared =
        SHOP.to_owned() + "  Own: { conditions: [{ type: above, metric_name: shop.ms, threshold: 1 }] }\n";
    write(
        &dir,
        "shop.yaml",
        &declared.replace("owner: shop", "owner: shop, groups: [{ match: Own, group: shop }]"),
    );
    let ran = run(&ruler, &dir, &["plan"]).exits(0).prints(&["~ update alert Own", "up == 0 for 3m"]);
    ran.says(&["carries no definition"]);
}

#[test]
fn two_repositories_share_a_tenant() {
    let (ruler, shop_dir) = shop(Flavour::Mimir);
    let kept = ruler.namespace(NAMESPACE);
    let web = SHOP.replace("owner: shop", "owner: web").replace("shop.", "web.").replace("'web.*'", "'*'");
    let web_dir = project(&[("web.yaml", &web)]);
    apply(&ruler, &web_dir).exits(0);
    assert_eq!(ruler.namespace(NAMESPACE), kept);
    assert_eq!(ruler.namespace("librato-apply.web").len(), 1);
    run(&ruler, &shop_dir, &["plan", "--detailed-exitcode"]).exits(0);
    // Whoever asks for everything to go gets rid of nothing but his own.
    write(&web_dir, "web.yaml", web.split("metrics:").next().unwrap());
    apply(&ruler, &web_dir).exits(0);
    assert!(ruler.namespace("librato-apply.web").is_empty());
    assert_eq!(ruler.namespace(NAMESPACE), kept);
}

#[test]
fn what_has_no_counterpart_is_left_out_and_said() {
    let ruler = Ruler::start(Flavour::Cortex);
    let with = SHOP.replace(
        "\ncomposites:",
        "\ncomposites:\n  shop.whole: { composite: 'integrate(s(\"shop.ms\", \"*\"))' }",
    );
    let dir = project(&[("shop.yaml", &with)]);
    let ran = run(&ruler, &dir, &["plan"]).exits(0).prints(&["3 to create"]);
    ran.says(&["not-rendered", "composite \"shop.whole\" is not written to this target"]);
    apply(&ruler, &dir).exits(4);
    assert_eq!(names(&ruler, "shop").len(), 3);
    // An alert that is switched off is no rule.
    write(
        &dir,
        "shop.yaml",
        &SHOP
            .replace("    description: Customers wait", "    active: false\n    description: Customers wait"),
    );
    run(&ruler, &dir, &["plan"]).exits(0).prints(&["- delete alert shop.slow", "1 to delete"]);
    apply(&ruler, &dir).exits(0);
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn who_waits_learns_what_fails_when_it_is_evaluated() {
    let (ruler, dir) = shop(Flavour::Cortex);
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 800", "threshold: 900"));
    run(&ruler, &dir, &["apply", "--auto-approve", "--wait", "30s"]).exits(0);
    assert!(ruler.requests().contains(&"GET /prometheus/api/v1/rules".to_owned()));
    let more = "  shop.most: { conditions: [{ type: above, metric_name: shop.many, threshold: 1 }] }\n";
    write(&dir, "shop.yaml", &(SHOP.to_owned() + more));
    let ran = run(&ruler, &dir, &["apply", "--auto-approve", "--wait", "30s"]).exits(4);
    ran.says(&["\"shop.most\" in group \"shop\" cannot be evaluated: found duplicate series"]);
}

// --- Alertmanager

const BASE: &str = "\
# of the platform team: do not reorder
global:
  slack_api_url: https://hooks.example.org/CANARY-of-others
route:
  receiver: base # by day
  routes:
    # the night shift
    - matchers: ['team=\"night\"']
      receiver: base
receivers:
- name: base
  webhook_configs: [{url: 'https://a.example.org/CANARY-of-others'}]
";

fn owning() -> String {
    SHOP.replace("owner: shop", "owner: shop, alertmanager: { own: subtree }")
        .replace("alerts: ['shop.*']", "services: ['*'], alerts: ['shop.*']")
}

/// The lines of ours, between the comments.
fn without_ours(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        let mark = line.contains("# librato-apply ");
        if !inside && !mark {
            kept.push_str(line);
        }
        if mark {
            inside = !inside;
        }
    }
    kept
}

#[test]
fn routes_and_receivers_are_put_among_those_of_others_and_taken_away_again() {
    let ruler = Ruler::start(Flavour::Cortex);
    ruler.set_alertmanager(BASE);
    let dir = project(&[("shop.yaml", &owning())]);
    let mut said = Vec::new();
    let ran = run(&ruler, &dir, &["plan", "--out", "plan.json"]).exits(0);
    said.push(ran.prints(&["+ create service ops", "4 to create"]).all());
    said.push(std::fs::read_to_string(dir.path().join("plan.json")).unwrap());
    let apply_saved = ["apply", "--plan", "plan.json", "--auto-approve", "--backup-document", "whole.yml"];
    said.push(run(&ruler, &dir, &apply_saved).exits(0).says(&["is kept in whole.yml"]).all());
    let whole = dir.path().join("whole.yml");
    assert_eq!(std::fs::read_to_string(&whole).unwrap(), BASE);
    assert_eq!(std::fs::metadata(&whole).unwrap().permissions().mode() & 0o777, 0o600);
    let written = ruler.alertmanager().unwrap();
    assert_eq!(without_ours(&written), BASE, "all else is byte for byte as it was");
    assert!(written.contains(&format!("https://hooks.example.org/{SECRET}")));
    assert!(written.contains("\"receiver\":\"librato/shop/ops\""), "{written}");
    said.push(run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0).all());

    // A copy is never written over, and then nothing is written at all.
    write(&dir, "shop.yaml", &owning().replace("threshold: 800", "threshold: 900"));
    let again = ["apply", "--auto-approve", "--backup-document", "whole.yml"];
    said.push(run(&ruler, &dir, &again).exits(1).says(&["nothing was written", "whole.yml"]).all());
    write(&dir, "shop.yaml", &owning());

    // A route that somebody edits, and a receiver.
    ruler.set_alertmanager(
        &written
            .replacen("\"group_wait\":\"0s\"", "\"group_wait\":\"5m\"", 1)
            .replace(SECRET, "CANARY-by-hand"),
    );
    said.push(run(&ruler, &dir, &["plan"]).exits(0).prints(&["routes", "~ update service ops"]).all());
    said.push(apply(&ruler, &dir).exits(0).all());
    assert_eq!(ruler.alertmanager().unwrap(), written);

    // All of it goes, and what is kept of it holds no secret.
    write(&dir, "shop.yaml", owning().split("metrics:").next().unwrap());
    said.push(run(&ruler, &dir, &["apply", "--auto-approve"]).exits(0).all());
    let left = ruler.alertmanager().unwrap();
    assert_eq!(without_ours(&left), BASE);
    assert!(!left.contains(SECRET) && !left.contains("shop.slow"), "{left}");
    for entry in std::fs::read_dir(dir.path().join(".librato-apply/backups")).unwrap() {
        said.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(said.len() > 8, "the backups are among what was said");
    for text in &said {
        assert!(!text.contains(SECRET) && !text.contains("CANARY"), "{text}");
    }
}

#[test]
fn services_are_exported_from_their_receivers_without_their_secrets() {
    let ruler = Ruler::start(Flavour::Cortex);
    ruler.set_alertmanager(BASE);
    let more = "services:\n  desk: { type: pagerduty, settings: { service_key: '${secret.SLACK}', event_type: trigger, description: d } }";
    let dir = project(&[(
        "shop.yaml",
        &owning()
            .replace("services:\n", &format!("{more}\n"))
            .replace("services: [ops]", "services: [ops, desk]"),
    )]);
    apply(&ruler, &dir).exits(0);
    let export = || run(&ruler, &dir, &["export", "--owner", "shop"]).exits(0);
    let ran =
        export().prints(&["type: pagerduty", "event_type: trigger", "type: slack", "url: ${secret.OPS_URL}"]);
    assert!(!ran.all().contains(SECRET) && !ran.all().contains("CANARY"), "{}", ran.all());
    ran.says(&["OPS_URL: the secret of service \"ops\", settings.url"]);
    // Another tool writes it anew: what the values of a receiver leave no doubt of is still known, the rest by its title.
    let text = ruler.alertmanager().unwrap();
    let bare: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    ruler.set_alertmanager(&bare);
    let ran = export().prints(&["type: slack", "desk:\n    external: true"]);
    assert!(!ran.all().contains(SECRET) && !ran.stdout.contains("pagerduty"), "{}", ran.all());
}

#[test]
fn a_receiver_of_others_takes_the_place_of_a_service() {
    let ruler = Ruler::start(Flavour::Cortex);
    ruler.set_alertmanager(BASE);
    let dir = project(&[("shop.yaml", &owning())]);
    apply(&ruler, &dir).exits(0);
    assert!(ruler.alertmanager().unwrap().contains("name\":\"librato/shop/ops"));
    let named = owning().replace("own: subtree }", "own: subtree, receivers: { ops: base } }");
    write(&dir, "shop.yaml", &named);
    let ran = run(&ruler, &dir, &["plan"]).exits(0);
    ran.prints(&["~ update alert shop.slow", "librato/shop/ops by", "→ \"base by", "2 to update"]);
    apply(&ruler, &dir).exits(0);
    let written = ruler.alertmanager().unwrap();
    assert_eq!(without_ours(&written), BASE);
    assert!(written.contains("\"receiver\":\"base\"") && !written.contains("librato/shop/ops"), "{written}");
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
    write(&dir, "shop.yaml", &named.replace("ops: base", "ops: bsae"));
    let ran = run(&ruler, &dir, &["plan"]).exits(1);
    ran.says(&["error[no-receiver]", "service \"ops\": `bsae`", "is not in the configuration"]);
}

#[test]
fn a_configuration_in_which_there_is_no_place_is_left_alone() {
    let ruler = Ruler::start(Flavour::Cortex);
    let dir = project(&[("shop.yaml", &owning())]);
    let claimed = BASE.replace("team=\"night\"", "librato_apply=\"shop\"");
    ruler.set_alertmanager(&claimed);
    let ran = run(&ruler, &dir, &["plan"])
        .exits(1)
        .says(&["a route of somebody else matches librato_apply=\"shop\""]);
    assert!(!ran.all().contains("CANARY"));
    let flow = "route: {receiver: base}\nreceivers: [{name: base, webhook_configs: [{url: 'https://a.example.org/CANARY'}]}]\n";
    ruler.set_alertmanager(flow);
    let ran = apply(&ruler, &dir).exits(4);
    assert!(
        ran.all().contains("no list of routes in block style") && !ran.all().contains("CANARY"),
        "{}",
        ran.all()
    );
    assert_eq!(ruler.alertmanager().unwrap(), flow);
    // Where there is none, a whole one is made.
    let ruler = Ruler::start(Flavour::Mimir);
    apply(&ruler, &dir).exits(0);
    assert!(ruler.alertmanager().unwrap().contains("librato/shop/ops"));
    run(&ruler, &dir, &["plan", "--detailed-exitcode"]).exits(0);
}

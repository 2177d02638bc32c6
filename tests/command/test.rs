//! `test`: exit codes, streams, what it reads and what it does not.

use crate::cli::{Cli, project};

const ALERTS: &str = r#"
metrics: { web.ms: { type: gauge, period: 60s } }
services: { hook: { type: webhook, settings: { url: "${secret.NOT_SET}" } } }
alerts:
  web.slow:
    conditions: [{ type: above, metric_name: web.ms, threshold: 5, duration: 2m }]
    services: [hook]
  web.silent:
    conditions: [{ type: absent, metric_name: web.ms, duration: 5m }]
    services: [hook]
"#;

const TESTS: &str = r#"
tests:
  slow pages:
    alert: web.slow
    input: [{ metric: web.ms, source: a, values: "1 9x3 1" }]
    expect: [{ at: 3m, state: triggered, streams: [a] }]
  fails:
    alert: web.slow
    input: [{ metric: web.ms, source: a, values: "1 9x3 1" }]
    expect: [{ at: 2m, state: triggered }]
"#;

#[test]
fn tests_hold_or_fail_or_cannot_be_read() {
    let dir = project(&[("a.yaml", ALERTS), ("a.test.yaml", TESTS)]);
    let run = |args: &[&str]| Cli::new(dir.path()).run(&[&["test"], args].concat());
    run(&["--filter", "SLOW*"]).exits(0).prints(&["ok      slow pages", "1 test, all ok."]);
    let failed = run(&[]).exits(1).prints(&[
        "FAILED  fails (1 of 1 expectation)",
        "at 2m  a.test.yaml:10:14",
        "expected  { at: 2m, state: triggered }",
        "actual    { at: 2m, state: ok, streams: [], conditions: { 0: { pending: [a] } } }",
        "conditions[0] above 5 for 2m: a violates since 1m, 60 of 120 s",
        "2 tests, 1 ok, 1 failed.",
        "Coverage: 1 of 2 alerts have a test.",
        "without a test      web.silent",
    ]);
    assert!(failed.all().is_ascii(), "a log shows it: {}", failed.all());
    run(&["--filter", "slow*", "--require-coverage"]).exits(64);
    run(&["--filter", "fials"]).exits(64).says(&["no test is called `fials`", "did you mean `fails`?"]);
    run(&["--list"]).exits(0).prints(&["slow pages  web.slow", "fails       web.slow"]);
    let document = run(&["--format", "json"]).exits(1).json();
    assert_eq!(document["counts"], serde_json::json!({ "tests": 2, "ok": 1, "failed": 1 }));
    assert_eq!(document["coverage"]["untested"], serde_json::json!(["web.silent"]));
}

#[test]
fn a_gap_is_a_failure_where_that_is_asked_for() {
    let (slow, _) = TESTS.split_once("  fails:").unwrap();
    let dir = project(&[("a.yaml", ALERTS), ("a.test.yaml", slow)]);
    let run = |args: &[&str]| Cli::new(dir.path()).run(&[&["test"], args].concat());
    run(&[]).exits(0);
    run(&["--require-coverage"]).exits(1).says(&["--require-coverage"]);
    let silent = "\n  silence pages:\n    alert: web.silent\n    input: [{ metric: web.ms, values: '1 _x9' }]\n    notifications: [{ at: 5m, kind: trigger }]\n";
    std::fs::write(dir.path().join("a.test.yaml"), format!("{}{silent}", slow.trim_end())).unwrap();
    run(&["--require-coverage"]).exits(1).prints(&["met and never left  web.silent conditions[0]"]);
    let heard =
        silent.replace("'1 _x9'", "'1 _x9 1'").replace("trigger }]", "trigger }, { at: 10m, kind: clear }]");
    std::fs::write(dir.path().join("a.test.yaml"), format!("{}{heard}", slow.trim_end())).unwrap();
    run(&["--require-coverage"]).exits(0);
}

#[test]
fn an_unknown_word_is_reported_once() {
    let alerts = ALERTS.replacen("type: above", "type: abov", 1);
    let dir = project(&[("a.yaml", &format!("{alerts}{TESTS}"))]);
    for (command, exit) in [("test", 64), ("validate", 1)] {
        let ran = Cli::new(dir.path()).run(&[command]).exits(exit).says(&[
            "so it cannot evaluate the condition",
            "did you mean `above`?",
            "cannot be tested",
        ]);
        assert_eq!(ran.stderr.matches("[unknown-value]").count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn what_tests_nothing_is_no_success() {
    let dir = project(&[("a.yaml", ALERTS)]);
    let run = |args: &[&str]| Cli::new(dir.path()).run(&[&["test"], args].concat());
    run(&[]).exits(64).says(&["no tests were found", "*.test.yaml"]);
    assert_eq!(run(&["--format", "json"]).exits(64).json()["counts"]["tests"], 0);
    let alerts =
        ALERTS.replace("metric_name: web.ms, threshold", "metric_name: web.ms, source: 'web*', threshold");
    let (slow, _) = TESTS.split_once("  fails:").unwrap();
    let twice = slow
        .replace("source: a", "source: web1")
        .replace("input: [", "input: [{ metric: web.ms, source: web1, values: '1' }, ");
    let other =
        slow.replace("source: a", "source: db1").replace("state: triggered, streams: [a]", "state: ok");
    let beside = slow
        .replace("input: [", "input: [{ metric: web.ms, source: web1, values: '1' }, ")
        .replace("source: a", "source: db1")
        .replace("state: triggered, streams: [a]", "state: ok");
    let write = |tests: &str| std::fs::write(dir.path().join("a.test.yaml"), tests).unwrap();
    std::fs::write(dir.path().join("a.yaml"), alerts).unwrap();
    write(&twice);
    run(&[]).exits(64).says(&["error[repeated-item]: this series was given before", "a.test.yaml:5:"]);
    write(&other);
    run(&[]).exits(0).says(&[
        "warning[unwatched-series]: no condition of `web.slow` watches this series",
        "a.test.yaml:5:",
    ]);
    run(&["--strict"]).exits(64);
    // That others are not watched is worth a test.
    write(&beside);
    run(&["--strict"]).exits(0);
}

#[test]
fn mistakes_of_the_files_are_no_failed_tests() {
    let dir =
        project(&[("a.yaml", ALERTS), ("a.test.yaml", &TESTS.replace("metric: web.ms", "metric: web.s"))]);
    let run = |args: &[&str]| Cli::new(dir.path()).run(&[&["test"], args].concat());
    run(&[]).exits(64).says(&["error[unknown-metric]", "a.test.yaml:5:23", "did you mean `web.ms`?"]);
    let document = run(&["--format", "json"]).exits(64).json();
    assert_eq!(document["diagnostics"][0]["code"], "unknown-metric");
    // Nobody else reads that file; tests beside definitions are validated with them.
    let validate =
        || Cli::new(dir.path()).env("NOT_SET", "https://example.org/x").run(&["validate", "--strict"]);
    validate().exits(0);
    std::fs::rename(dir.path().join("a.test.yaml"), dir.path().join("b.yaml")).unwrap();
    validate().exits(1).says(&["error[unknown-metric]", "b.yaml:5:23", "did you mean `web.ms`?"]);
}

//! Prometheus as the witness of how alerts are evaluated: the same series and thresholds, with and without a duration, must fire at the
//! same steps as its own rules do. Series have a value at every step; what gaps mean differs by design.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use librato_apply::watch::{
    Alert, Condition, Feed, Function, Sample, Series, Settings, Shape, Status, Streams, Test,
};

use crate::conformance::unpacked;

const STREAMS: [&str; 3] = ["a", "b", "c"];

/// Steps of a minute.
const STEPS: usize = 60;

struct Rule {
    above: bool,
    threshold: f64,
    minutes: i64,
}

/// Above and below, without a duration and with several.
fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for above in [true, false] {
        for threshold in [2.0, 3.0] {
            rules.extend([0, 1, 2, 5].map(|minutes| Rule { above, threshold, minutes }));
        }
    }
    rules
}

/// Values from 0 to 5 in runs of some steps, the same at every run of the test.
fn series(seed: u64) -> Vec<u64> {
    let mut state = seed;
    let mut next = move || {
        // Knuth's generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut values = Vec::new();
    while values.len() < STEPS {
        let (value, times) = (next() % 6, next() % 7 + 1);
        values.extend((0..times).map(|_| value));
    }
    values.truncate(STEPS);
    values
}

/// At which steps which streams fire, as we say.
fn ours(rule: &Rule, series: &[Vec<u64>]) -> Vec<Vec<&'static str>> {
    let test = Test::Threshold {
        above: rule.above,
        threshold: rule.threshold,
        duration: Some(rule.minutes * 60).filter(|duration| *duration > 0),
        function: Function::Average,
    };
    let streams = Streams::All;
    let condition = Condition { id: None, metric: "m".into(), streams, test, shape: Shape::default() };
    let alert = Alert {
        id: 1,
        name: "a".into(),
        conditions: vec![condition],
        active: true,
        rearm: 60,
        per_signal: true,
        services: vec![],
    };
    let mut feed = Feed::new(alert, Settings::offline(), -1);
    let mut fired = Vec::new();
    for (step, clock) in (0..STEPS).zip((0..).step_by(60)) {
        for (name, values) in STREAMS.iter().zip(series) {
            let sample = Sample::single(values[step] as f64);
            feed.sample("m", &Series::Source(Some((*name).into())), clock, clock, &sample);
        }
        feed.tick(clock);
        let met: BTreeMap<_, _> = feed.state().statuses(&feed.context(), 0).into_iter().collect();
        let fires = |name: &&&str| matches!(met.get(&(**name).into()), Some(Status::Met { .. }));
        fired.push(STREAMS.iter().filter(fires).copied().collect());
    }
    fired
}

/// The tests of one set of series in promtool's form.
fn written(seed: u64, wrong: bool) -> (String, usize) {
    let series: Vec<_> = (0..STREAMS.len() as u64).map(|at| series(seed * 10 + at)).collect();
    let mut text = "  - interval: 1m\n    input_series:\n".to_owned();
    for (name, values) in STREAMS.iter().zip(&series) {
        let values = values.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        writeln!(text, "      - {{ series: 'm{{s=\"{name}\"}}', values: '{values}' }}").unwrap();
    }
    text += "    alert_rule_test:\n";
    let mut count = 0;
    for (at, rule) in rules().iter().enumerate() {
        for (step, mut streams) in ours(rule, &series).into_iter().enumerate() {
            count += streams.len();
            if wrong && !streams.is_empty() {
                streams.pop();
            }
            let alerts = streams.iter().map(|name| format!("{{ exp_labels: {{ s: {name} }} }}"));
            let alerts = alerts.collect::<Vec<_>>().join(", ");
            writeln!(text, "      - {{ eval_time: {step}m, alertname: r{at}, exp_alerts: [{alerts}] }}")
                .unwrap();
        }
    }
    (text, count)
}

fn asked(promtool: &Path, tests: &str) -> std::process::Output {
    let directory = tempfile::tempdir().unwrap();
    let mut groups = "groups:\n  - name: g\n    rules:\n".to_owned();
    for (at, rule) in rules().iter().enumerate() {
        let sign = if rule.above { '>' } else { '<' };
        let (threshold, minutes) = (rule.threshold, rule.minutes);
        writeln!(groups, "      - {{ alert: r{at}, expr: 'm {sign} {threshold}', for: {minutes}m }}")
            .unwrap();
    }
    std::fs::write(directory.path().join("rules.yml"), groups).unwrap();
    let head = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n";
    std::fs::write(directory.path().join("tests.yml"), format!("{head}{tests}")).unwrap();
    let mut command = Command::new(promtool);
    command.args(["test", "rules", "tests.yml"]).current_dir(directory.path()).output().unwrap()
}

#[test]
fn thresholds_fire_at_the_steps_at_which_they_do_in_prometheus() {
    let home = match unpacked("prometheus-2.42", "prometheus") {
        Ok(home) => home,
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "promtool SKIPPED: {reason}");
            return;
        }
    };
    let promtool = home.join("usr/bin/promtool");
    let (mut tests, mut fired) = (String::new(), 0);
    for seed in 1..=10 {
        let (text, count) = written(seed, false);
        tests += &text;
        fired += count;
    }
    assert!(fired > 5_000, "only {fired} times something fires");
    let agreed = asked(&promtool, &tests);
    let said = String::from_utf8_lossy(&agreed.stdout) + String::from_utf8_lossy(&agreed.stderr);
    assert!(agreed.status.success(), "{}", said.chars().take(3_000).collect::<String>());
    // It would have told.
    assert!(!asked(&promtool, &written(1, true).0).status.success());
}

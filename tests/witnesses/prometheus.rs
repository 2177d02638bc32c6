//! Prometheus, Alertmanager and VictoriaMetrics as witnesses of `render prometheus`: they take what is rendered for the examples, and
//! over made-up series rules fire at exactly the minutes at which our own evaluation says so. How much was compared is printed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::conformance::unpacked;
use crate::server::{Server, TOKEN, USER, client};

/// Where a program is, or `None`, said loudly, where it cannot be had.
pub fn program(name: &str, package: &str, path: &str) -> Option<PathBuf> {
    match unpacked(name, package) {
        Ok(home) => Some(home.join(path)),
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "{path} SKIPPED: {reason}");
            None
        }
    }
}

fn promtool() -> Option<PathBuf> {
    program("prometheus-2.42", "prometheus", "usr/bin/promtool")
}

pub fn rendered(project: &[&str], out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["render", "prometheus"]).args(project).args(more).arg("--out").arg(out);
    for name in ["LIBRATO_ENDPOINT", "LIBRATO_TOKEN", "LIBRATO_USER"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

pub fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    text.chars().take(4_000).collect()
}

/// The files of one kind in a rendered directory.
fn files(out: &Path, place: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(out.join(place)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn check_rules(promtool: &Path, out: &Path) {
    let mut command = Command::new(promtool);
    let checked = command.args(["check", "rules", "--lint=all", "--lint-fatal"]).args(files(out, "rules"));
    let checked = checked.output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
}

fn test_rules(promtool: &Path, out: &Path) -> Output {
    Command::new(promtool)
        .args(["test", "rules"])
        .args(files(out, "tests"))
        .current_dir(out)
        .output()
        .unwrap()
}

/// How many times something is looked at, and how many alerts are expected in all of it.
fn counts(out: &Path) -> (usize, usize) {
    let texts = files(out, "tests").into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    let text: String = texts.collect();
    (text.matches("eval_time:").count(), text.matches("exp_labels:").count())
}

const EXAMPLES: [&[&str]; 2] = [
    &["examples/quickstart", "--owner", "site"],
    &["examples/shop", "--owner", "shop", "--var-file", "examples/shop/production.vars.yaml"],
];

#[test]
fn prometheus_takes_the_rules_of_the_examples_and_their_tests_pass() {
    let Some(promtool) = promtool() else { return };
    for example in EXAMPLES {
        let out = tempfile::tempdir().unwrap();
        let done = rendered(example, out.path(), &["--engine", "2"]);
        assert!(matches!(done.status.code(), Some(0 | 4)), "{}", said(&done));
        check_rules(&promtool, out.path());
        let tested = test_rules(&promtool, out.path());
        assert!(tested.status.success(), "{example:?}: {}", said(&tested));
        let (looks, alerts) = counts(out.path());
        assert!(looks >= 20 && alerts >= 5, "{example:?}: {looks} looks, {alerts} alerts");
        println!("{example:?}: {looks} looks, {alerts} alerts");

        let (moved, noticed, unnoticed) = moved_thresholds(&promtool, out.path());
        assert!(
            unnoticed.is_empty(),
            "{example:?}: no test notices that these moved:\n{}",
            unnoticed.join("\n")
        );
        println!("{example:?}: {noticed} of {moved} moved thresholds are noticed");
    }
}

/// Moves each threshold so that its rule fires less, then all of each rule so that it fires more; how many there were, how many a test
/// noticed, and the others.
fn moved_thresholds(promtool: &Path, out: &Path) -> (usize, usize, Vec<String>) {
    // Before the number: `1` makes it larger, `0.` smaller.
    let less = [(" > ", "1"), (" <= ", "1"), (" < ", "0."), (" >= ", "0.")];
    let more = [(" > ", "0."), (" <= ", "0."), (" < ", "1"), (" >= ", "1")];
    let (mut moved, mut noticed, mut unnoticed) = (0, 0, Vec::new());
    for path in files(out, "rules") {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut tried = |changed: String, what: &str| {
            std::fs::write(&path, changed).unwrap();
            moved += 1;
            if test_rules(promtool, out).status.success() {
                unnoticed.push(what.to_owned());
            } else {
                noticed += 1;
            }
        };
        let mut before = String::new();
        for rule in text.split_inclusive("      # ") {
            let behind = &text[before.len() + rule.len()..];
            // Recorded series have no thresholds of their own.
            if rule.contains("- alert:") {
                for (sign, put) in less {
                    for (at, _) in rule.match_indices(sign) {
                        let place = at + sign.len();
                        if rule[place..].starts_with(|c: char| c.is_ascii_digit()) {
                            let changed = format!("{}{put}{}", &rule[..place], &rule[place..]);
                            let line = rule[..at].rsplit('\n').next().unwrap_or_default();
                            tried(format!("{before}{changed}{behind}"), &format!("less: {line}{sign}"));
                        }
                    }
                }
                let mut changed = rule.to_owned();
                for (sign, put) in more {
                    changed = changed.replace(sign, &format!("{sign}{put}"));
                }
                if changed != rule {
                    tried(format!("{before}{changed}{behind}"), &format!("more: {rule}"));
                }
            }
            before += rule;
        }
        std::fs::write(&path, &text).unwrap();
    }
    assert!(moved > 0);
    (moved, noticed, unnoticed)
}

#[test]
fn alertmanager_takes_the_configuration_of_the_examples() {
    let Some(amtool) = program("alertmanager-0.25", "prometheus-alertmanager", "usr/bin/amtool") else {
        return;
    };
    for example in EXAMPLES {
        let out = tempfile::tempdir().unwrap();
        let done = rendered(example, out.path(), &[]);
        assert!(matches!(done.status.code(), Some(0 | 4)), "{}", said(&done));
        let file = out.path().join("alertmanager.yml");
        let checked = Command::new(&amtool).arg("check-config").arg(&file).output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
    }
}

#[test]
fn victoria_metrics_takes_the_rules_of_the_examples() {
    let Some(vmalert) = program("victoria-metrics-1.79", "victoria-metrics", "usr/bin/vmalert") else {
        return;
    };
    for example in EXAMPLES {
        let out = tempfile::tempdir().unwrap();
        let done = rendered(example, out.path(), &[]);
        assert!(matches!(done.status.code(), Some(0 | 4)), "{}", said(&done));
        let rules = format!("-rule={}/rules/*.yml", out.path().display());
        let checked = Command::new(&vmalert).args(["-dryRun", &rules]).output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
    }
}

/// Knuth's generator: the same at every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// Minutes of a test.
const STEPS: usize = 60;

/// Values in runs of some minutes, of which some percent are missing.
fn values(dice: &mut Dice, counter: bool, every: usize, missing: u64) -> String {
    let (mut words, mut total) = (Vec::new(), 0);
    while words.len() < STEPS / every {
        let (value, times) = (dice.below(6), dice.below(7) + 1);
        for _ in 0..times {
            total += value;
            if dice.below(40) == 0 {
                total = 0;
            }
            let word = if counter { total } else { value };
            words.push(if dice.below(100) < missing { "_".to_owned() } else { word.to_string() });
        }
    }
    words.truncate(STEPS / every);
    words.join(" ")
}

const METRICS: &str = "metrics:\n  r.gauge: { type: gauge, period: 60s }\n  r.counter: { type: counter, period: 60s }\n  \
    r.slow: { type: gauge, period: 120s }\n  r.tagged: { type: gauge, period: 60s }\n";

const SOURCES: [&str; 4] = ["web-1", "web-2", "db-1", ""];

fn condition(dice: &mut Dice, absent: bool) -> String {
    let metric = dice.one(&["gauge", "counter", "slow", "tagged"]);
    let streams = if metric == "tagged" {
        dice.one(&[
            "",
            ", tags: [{ name: role, values: [web] }]",
            ", tags: [{ name: role, values: [w*, db] }, { name: az }]",
            ", tags: [{ name: az, values: ['*'] }]",
        ])
    } else {
        dice.one(&[
            "",
            ", source: web-1",
            ", source: 'web*'",
            ", source: '*1'",
            ", source: 'un*'",
            ", source: unassigned",
        ])
    };
    if absent && dice.below(4) == 0 {
        let minutes = 2 + dice.below(9);
        return format!("{{ type: absent, metric_name: r.{metric}, duration: {minutes}m{streams} }}");
    }
    let side = dice.one(&["above", "below"]);
    let threshold = dice.below(4) + 1;
    let duration =
        dice.one(&["", "", ", duration: 1m", ", duration: 2m", ", duration: 5m", ", duration: 10m"]);
    // A point every two minutes cannot be beyond for one minute.
    let duration =
        if metric == "slow" { duration.replace("1m", "2m").replace("5m", "4m") } else { duration.to_owned() };
    let function = match metric {
        "counter" => dice.one(&["", ", summary_function: derivative", ", summary_function: absolute_value"]),
        _ => dice.one(&[
            "",
            ", summary_function: min",
            ", summary_function: max",
            ", summary_function: sum",
            ", summary_function: derivative",
        ]),
    };
    format!(
        "{{ type: {side}, metric_name: r.{metric}, threshold: {threshold}{duration}{function}{streams} }}"
    )
}

/// Definitions of some alerts, each with a test that looks at every minute.
pub fn project(seed: u64, missing: u64) -> String {
    let mut dice = Dice(seed);
    let (mut alerts, mut tests) = ("alerts:\n".to_owned(), "tests:\n".to_owned());
    for at in 0..10 {
        let several = dice.one(&[&1, &1, &2, &3]);
        let conditions: Vec<String> = (0..*several).map(|_| condition(&mut dice, true)).collect();
        writeln!(alerts, "  r.alert{at}: {{ conditions: [{}], services: [] }}", conditions.join(", "))
            .unwrap();
        writeln!(tests, "  test {at}:\n    alert: r.alert{at}\n    input:").unwrap();
        for metric in ["gauge", "counter", "slow"]
            .into_iter()
            .filter(|metric| conditions.iter().any(|one| one.contains(&format!("r.{metric},"))))
        {
            for source in SOURCES {
                let every = if metric == "slow" { 2 } else { 1 };
                let values = values(&mut dice, metric == "counter", every, missing);
                let source = if source.is_empty() { String::new() } else { format!("source: {source}, ") };
                writeln!(tests, "      - {{ metric: r.{metric}, {source}values: '{values}' }}").unwrap();
            }
        }
        if conditions.iter().any(|one| one.contains("r.tagged,")) {
            for tags in ["role: web, az: a", "role: web, az: b", "role: db", "az: a"] {
                let values = values(&mut dice, false, 1, missing);
                writeln!(tests, "      - {{ metric: r.tagged, tags: {{ {tags} }}, values: '{values}' }}")
                    .unwrap();
            }
        }
        writeln!(tests, "    expect:").unwrap();
        for minute in 0..STEPS {
            writeln!(tests, "      - {{ at: {minute}m, state: ok }}").unwrap();
        }
    }
    format!("settings: {{ prometheus: {{ owner: law, engine: 2 }} }}\n{METRICS}{alerts}{tests}")
}

#[test]
fn rules_fire_at_the_minutes_at_which_alerts_do() {
    let Some(promtool) = promtool() else { return };
    let rounds = std::env::var("PROMETHEUS_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    for missing in [0, 10, 25] {
        let (mut all, mut looks, mut alerts) = (0, 0, 0);
        for seed in 1..=rounds {
            let dir = tempfile::tempdir().unwrap();
            let (file, out) = (dir.path().join("law.yaml"), dir.path().join("out"));
            let mut text = project(seed * 100 + missing, missing);
            if seed % 2 == 0 {
                // The other way of knowing how long streams are silent.
                text = text.replace("engine: 2", "engine: 2, absent_memory: recorded");
            }
            std::fs::write(&file, &text).unwrap();
            let done = rendered(&[file.to_str().unwrap()], &out, &["--tests", "written"]);
            assert_eq!(done.status.code(), Some(0), "{}\n{text}", said(&done));
            check_rules(&promtool, &out);
            let tested = test_rules(&promtool, &out);
            assert!(tested.status.success(), "seed {seed}, {missing} % missing: {}\n{text}", said(&tested));
            let (more, fired) = counts(&out);
            all += text.matches("state: ok").count();
            looks += more;
            alerts += fired;
        }
        let left = all - looks;
        println!(
            "{missing} % missing: {looks} looks agree, {alerts} alerts; {left} left out, where silence completes a run or ends an alert"
        );
        assert!(
            looks >= all / 2 && (missing > 0 || left == 0) && alerts > looks / 10,
            "{looks} of {all}, {alerts}"
        );
    }
}

/// Series by metric: labels, and a value a minute.
pub type Given<'a> = &'a [(&'a str, &'a str, &'a str)];

const AB: Given<'_> = &[("x", "source=a", "1 2 _ 4"), ("x", "source=b", "_ 10 20 40")];
const ZERO: Given<'_> = &[("n", "source=a", "1 1"), ("d", "source=a", "0 2")];
const COUNTER: Given<'_> = &[("c", "source=a", "5 9 _ 3 4")];
const SIGNS: Given<'_> = &[("x", "source=a", "-1 3 _ -5")];
const RATE: Given<'_> = &[("x", "source=a", "120 30")];
const WINDOW: Given<'_> = &[("x", "source=a", "1 5 3 100")];
const GAPS: Given<'_> = &[("x", "source=a", "_ 5 _ 7")];
const RANKS: Given<'_> = &[("x", "source=a", "1 3"), ("x", "source=b", "5"), ("x", "source=c", "0 2")];
const BEFORE: Given<'_> = &[("x", "source=a", "7 _ 1 2")];
const TAGS: Given<'_> = &[
    ("used", "region=eu,az=a", "1"),
    ("used", "region=eu,az=b", "2"),
    ("used", "region=us,az=a", "3"),
    ("used", "region=us", "50"),
    ("total", "region=eu", "30"),
    ("total", "region=us", "30"),
];
const MAPPED: Given<'_> = &[
    ("u", "source=web-1", "1"),
    ("u", "source=web-2", "4"),
    ("u", "source=db", "9"),
    ("t", "source=web-1", "10"),
    ("t", "source=web-2", "8"),
];

/// Composites, what is measured, their fidelity, and `labels: value@minute …` of each series of the result, worked by hand.
pub const ROWS: &[(&str, Given<'_>, &str, &[&str])] = &[
    (r#"sum(s("x","*"))"#, AB, "exact", &[": 1@0 12@1 20@2 44@3"]),
    (r#"mean(s("x","*"))"#, AB, "exact", &[": 1@0 6@1 20@2 22@3"]),
    (r#"min(s("x","*"))"#, AB, "exact", &[": 1@0 2@1 20@2 4@3"]),
    (r#"max(s("x","*"))"#, AB, "exact", &[": 1@0 10@1 20@2 40@3"]),
    (r#"count(s("x","*"))"#, AB, "exact", &[": 1@0 2@1 1@2 2@3"]),
    (r#"sum(s("x","a"))"#, AB, "exact", &["source=a: 1@0 2@1 4@3"]),
    (r#"sum([s("x","a"), s("x","a")])"#, AB, "exact", &["source=a: 2@0 4@1 8@3"]),
    (r#"multiply([s("x","a"),s("x","b")])"#, AB, "exact", &[": 20@1 160@3"]),
    (r#"divide([s("x","b"),s("x","a")])"#, AB, "exact", &[": 5@1 10@3"]),
    (r#"subtract([s("x","b"),s("x","a")])"#, AB, "exact", &[": 8@1 36@3"]),
    (r#"divide([s("n","a"),s("d","a")])"#, ZERO, "exact", &["source=a: 0.5@1"]),
    (r#"divide([s("x","*"),s("x","a")])"#, AB, "approximate", &[": 1@0"]),
    (r#"multiply(s("x","*"))"#, AB, "refused", &[]),
    (r#"abs(s("x","*"))"#, SIGNS, "exact", &["source=a: 1@0 3@1 5@3"]),
    (r#"floor(scale(s("x","*"), {factor: -0.5}))"#, SIGNS, "exact", &["source=a: 0@0 -2@1 2@3"]),
    (r#"ceiling(scale(s("x","*"), {factor: -0.5}))"#, SIGNS, "exact", &["source=a: 1@0 -1@1 3@3"]),
    (r#"scale(s("x","*"), {factor: "1/4"})"#, SIGNS, "exact", &["source=a: -0.25@0 0.75@1 -1.25@3"]),
    (r#"integrate(s("x","*"))"#, SIGNS, "refused", &[]),
    (r#"derive(s("c","*"))"#, COUNTER, "exact", &["source=a: 4@1 3@3 1@4"]),
    (r#"derive(s("c","*"), {detect_reset: "false"})"#, COUNTER, "exact", &["source=a: 4@1 -6@3 1@4"]),
    (r#"derive(scale(s("c","*"), {factor: 1}))"#, COUNTER, "exact", &["source=a: 4@1 3@3 1@4"]),
    (r#"rate(s("x","*"))"#, RATE, "exact", &["source=a: 2@0 0.5@1"]),
    (r#"rate(s("x","*"), {duration: "60"})"#, RATE, "exact", &["source=a: 120@0 30@1"]),
    (
        r#"moving_average(s("x","*"), {size: "3"})"#,
        WINDOW,
        "approximate",
        &["source=a: 1@0 3@1 3@2 36@3 51.5@4 100@5"],
    ),
    (
        r#"window(s("x","*"), {size: "3", function: "median"})"#,
        WINDOW,
        "approximate",
        &["source=a: 1@0 3@1 3@2 5@3 51.5@4 100@5"],
    ),
    (r#"zero_fill(s("x","*"))"#, GAPS, "approximate", &["source=a: 5@1 0@2 7@3 0@4 0@5"]),
    (r#"fill(s("x","*"), {value: -1.5})"#, GAPS, "approximate", &["source=a: 5@1 -1.5@2 7@3 -1.5@4 -1.5@5"]),
    (r#"fill(sum(s("x","*")), {value: 3})"#, GAPS, "approximate", &[": 3@0 5@1 3@2 7@3 3@4 3@5"]),
    (r#"last_fill(s("x","*"))"#, GAPS, "approximate", &["source=a: 5@1 5@2 7@3 7@4 7@5"]),
    (r#"top(s("x","*"), {count: 2})"#, RANKS, "approximate", &["source=a: 1@0 3@1", "source=b: 5@0"]),
    (r#"bottom(s("x","*"), {count: 1})"#, RANKS, "approximate", &["source=c: 0@0 2@1"]),
    (r#"filter(s("x","*"), {gt: 1})"#, RANKS, "approximate", &["source=a: 3@1", "source=b: 5@0"]),
    (r#"sort(s("x","*"))"#, RANKS, "exact", &["source=a: 1@0 3@1", "source=b: 5@0", "source=c: 0@0 2@1"]),
    (r#"timeshift("2m", s("x","*"))"#, BEFORE, "exact", &["source=a: 7@2 1@4 2@5"]),
    (r#"timeshift("+2m", s("x","*"))"#, BEFORE, "refused", &[]),
    (r#"subtract(timeshift("0,1m", sum(s("x","*"))))"#, BEFORE, "exact", &[": 1@3"]),
    (r#"group_by("region", sum(s("used", {})))"#, TAGS, "exact", &["region=eu: 3@0", "region=us: 53@0"]),
    (
        r#"group_by("az,region", sum(s("used", "*")))"#,
        TAGS,
        "exact",
        &["az=a,region=eu: 1@0", "az=a,region=us: 3@0", "az=b,region=eu: 2@0"],
    ),
    (
        r#"group_by("region", divide([sum(s("used", {az: "*"})), sum(s("total", {}))]))"#,
        TAGS,
        "exact",
        &["region=eu: 0.1@0", "region=us: 0.1@0"],
    ),
    (
        r#"map({source: "web*"}, divide([s("u","&"), s("t","&")]))"#,
        MAPPED,
        "exact",
        &["source=web-1: 0.1@0", "source=web-2: 0.5@0"],
    ),
    (r#"sum(s("us*","*"))"#, TAGS, "approximate", &[": 56@0"]),
];

/// Definitions of the rows.
pub fn rows(engine: u32) -> String {
    let mut text = format!("settings: {{ prometheus: {{ owner: rows, engine: {engine} }} }}\nmetrics:\n");
    for metric in ["x", "n", "d", "used", "total", "u", "t"] {
        writeln!(text, "  {metric}: {{ type: gauge, period: 60s }}").unwrap();
    }
    text += "  c: { type: counter, period: 60s }\ncomposites:\n";
    for (at, (composite, _, _, _)) in ROWS.iter().enumerate() {
        writeln!(text, "  row.c{at}: {{ composite: '{composite}' }}").unwrap();
    }
    text
}

#[test]
fn composites_have_the_values_that_were_worked_by_hand() {
    let Some(promtool) = promtool() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("rows.yaml"), dir.path().join("out"));
    let tests: String =
        ROWS.iter().enumerate().map(|(at, (_, given, _, expected))| row(at, given, expected)).collect();
    std::fs::write(&file, rows(2)).unwrap();
    let done = rendered(&[file.to_str().unwrap()], &out, &[]);
    assert_eq!(done.status.code(), Some(4), "{}", said(&done));
    check_rules(&promtool, &out);

    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("fidelity.json")).unwrap()).unwrap();
    for (object, (composite, _, fidelity, _)) in report["objects"].as_array().unwrap().iter().zip(ROWS) {
        assert_eq!(object["fidelity"], **fidelity, "{composite}: {object}");
    }
    let head = "rule_files: [rules/row.yml]\nevaluation_interval: 1m\ntests:\n";
    std::fs::write(out.join("rows.test.yml"), format!("{head}{tests}")).unwrap();
    let tested =
        Command::new(&promtool).args(["test", "rules", "rows.test.yml"]).current_dir(&out).output().unwrap();
    let rules = std::fs::read_to_string(out.join("rules/row.yml")).unwrap();
    assert!(tested.status.success(), "{}\n{rules}", said(&tested));
    println!("{} rows have their values", ROWS.len());
}

/// One row as a test of promtool: each of the first six minutes.
fn row(at: usize, given: Given<'_>, expected: &[&str]) -> String {
    let labels = |text: &str| {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(label, value)| format!("{label}=\"{value}\"")).collect::<Vec<_>>().join(",")
    };
    let mut text = "  - interval: 1m\n    input_series:\n".to_owned();
    for (metric, pairs, values) in given {
        writeln!(text, "      - {{ series: '{metric}{{{}}}', values: '{values}' }}", labels(pairs)).unwrap();
    }
    text += "    promql_expr_test:\n";
    for minute in 0..=5 {
        let mut samples = Vec::new();
        for line in expected {
            let (pairs, points) = line.split_once(": ").unwrap();
            let end = format!("@{minute}");
            for value in points.split(' ').filter_map(|point| point.strip_suffix(&end)) {
                samples
                    .push(format!("{{ labels: 'librato:row_c{at}{{{}}}', value: {value} }}", labels(pairs)));
            }
        }
        let samples = samples.join(", ");
        writeln!(
            text,
            "      - {{ expr: 'librato:row_c{at}', eval_time: {minute}m, exp_samples: [{samples}] }}"
        )
        .unwrap();
    }
    text
}

/// What `examples/prometheus` asks is answered by a server, and promtool takes it.
#[tokio::test]
async fn a_prometheus_can_watch_a_server_by_the_example() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("watched.db"), &[]);
    let url = format!("http://{}/metrics", server.host);
    let answer = client().get(url).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let answer = answer.text().await.unwrap();
    let rules = std::fs::read_to_string("examples/prometheus/alerts.yml").unwrap();
    let page = std::fs::read_to_string("docs/operate.md").unwrap();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let named =
        |line: &str| line.strip_prefix("# HELP ").and_then(|line| line.split(' ').next()).map(str::to_owned);
    // What counts has an ending which its description has not. Where nothing was counted yet, there is neither.
    let registered = std::fs::read_to_string("crates/server/src/serve/telemetry.rs").unwrap();
    let known: Vec<String> = answer.lines().filter_map(named).collect();
    let mut asked = 0;
    for line in rules.lines() {
        if let Some((_, expr)) = line.split_once("expr: ") {
            for name in expr.split(|c| !word(c)).filter(|name| name.starts_with("librato_apply_")) {
                let name = name.trim_end_matches("_total");
                let is_registered =
                    registered.contains(&format!("{:?}", name.trim_start_matches("librato_apply_")));
                assert!(is_registered || known.iter().any(|one| one == name), "{name}: {known:?}");
                asked += 1;
            }
        }
        if let Some((_, alert)) = line.split_once("- alert: ") {
            assert!(
                page.contains(&format!("| `{alert}` |")),
                "docs/operate.md does not say what {alert} means"
            );
        }
    }
    assert!(asked >= 8, "only {asked} metrics");
    let Some(promtool) = promtool() else { return };
    for args in [
        &["check", "config", "--syntax-only", "examples/prometheus/prometheus.yml"][..],
        &["check", "rules", "--lint=all", "--lint-fatal", "examples/prometheus/alerts.yml"],
    ] {
        let checked = Command::new(&promtool).args(args).output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
    }
}

//! The examples are promises: valid, as the published schema says, applied by the real binary, and then nothing is left to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use librato_apply::diag::Files;
use librato_apply::load::yaml;
use serde_json::Value;

/// An example: its directory, and the file of variables of its stage.
type Case = (&'static str, Option<&'static str>);

/// In an order in which each finds what it declares as external.
const CASES: &[Case] = &[
    ("quickstart", None),
    ("cluster", None),
    ("platform", None),
    ("shop", None),
    ("shop", Some("staging")),
    ("shop", Some("production")),
];

/// What the secrets of the examples are set to; none of it may be printed.
const SECRETS: &[(&str, &str)] = &[
    ("SHOP_SLACK_URL", "https://hooks.example.org/canary-slack"),
    ("SHOP_PAGERDUTY_KEY", "canary-pagerduty"),
];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn is_variables(path: &Path) -> bool {
    path.to_str().unwrap().ends_with(".vars.yaml")
}

/// The binary, with no settings of the machine it runs on.
fn binary(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.env_clear().envs(SECRETS.iter().copied()).current_dir(home);
    command
}

/// Runs a command on an example, against the file `examples.db` of a directory.
fn run(command: &[&str], (example, stage): Case, home: &Path) -> Output {
    let directory = examples().join(example);
    let mut binary = binary(home);
    binary.args(command).arg(&directory).args(["--endpoint", "embedded:examples.db"]);
    if let Some(stage) = stage {
        binary.arg("--var-file").arg(directory.join(format!("{stage}.vars.yaml")));
    }
    let output = binary.output().unwrap();
    for (name, secret) in SECRETS {
        assert!(!text(&output).contains(secret), "{command:?} {example} prints {name}:\n{}", text(&output));
    }
    output
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn ends_with(code: i32, output: &Output) {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
}

#[test]
fn every_example_is_tested() {
    let mut expected: Vec<String> = CASES.iter().map(|(example, _)| (*example).to_owned()).collect();
    expected.sort();
    expected.dedup();
    let mut found: Vec<String> = std::fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Recipes for pipelines and files of Prometheus hold no definitions; see tests/command/ci_recipes.rs and
        // tests/witnesses/prometheus.rs.
        .filter(|name| name != "ci" && name != "prometheus")
        .collect();
    found.sort();
    assert_eq!(found, expected);
    for path in files(&examples()).iter().filter(|path| is_variables(path)) {
        let stage = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".vars.yaml");
        assert!(CASES.iter().any(|case| case.1 == Some(stage)), "{} is not tested", path.display());
    }
}

#[test]
fn examples_apply_and_then_nothing_is_left_to_do() {
    for case in CASES {
        let home = tempfile::tempdir().unwrap();
        if case.0 == "shop" {
            ends_with(0, &run(&["apply", "--auto-approve"], ("platform", None), home.path()));
        }
        let validated = run(&["validate", "--strict"], *case, home.path());
        ends_with(0, &validated);
        // Tests know no endpoint, and need no secret.
        let mut tests = binary(home.path());
        tests.env_clear().args(["test", "--strict"]).arg(examples().join(case.0));
        if let Some(stage) = case.1 {
            tests.arg("--var-file").arg(examples().join(case.0).join(format!("{stage}.vars.yaml")));
        }
        let tested = tests.output().unwrap();
        ends_with(0, &tested);
        assert!(case.0 == "platform" || text(&tested).contains("all ok"), "{}", text(&tested));

        let planned = run(&["plan", "--detailed-exitcode", "--strict"], *case, home.path());
        ends_with(2, &planned);
        let planned_again = run(&["plan", "--detailed-exitcode", "--strict"], *case, home.path());
        assert_eq!(planned.stdout, planned_again.stdout, "two plans of {case:?} differ");

        let applied = run(&["apply", "--auto-approve"], *case, home.path());
        ends_with(0, &applied);

        let planned = run(&["plan", "--detailed-exitcode", "--strict"], *case, home.path());
        ends_with(0, &planned);
        assert!(text(&planned).contains("Nothing to change"), "{case:?}: {}", text(&planned));
        let applied = run(&["apply", "--auto-approve"], *case, home.path());
        ends_with(0, &applied);
        assert!(text(&applied).contains("Nothing to change"), "{case:?}: {}", text(&applied));
    }
}

#[test]
fn one_stage_follows_another() {
    let home = tempfile::tempdir().unwrap();
    ends_with(0, &run(&["apply", "--auto-approve"], ("platform", None), home.path()));
    for stage in [None, Some("staging"), Some("production"), None] {
        let case = ("shop", stage);
        ends_with(2, &run(&["plan", "--detailed-exitcode"], case, home.path()));
        ends_with(0, &run(&["apply", "--auto-approve"], case, home.path()));
        ends_with(0, &run(&["plan", "--detailed-exitcode"], case, home.path()));
    }
}

#[test]
fn planning_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    ends_with(2, &run(&["plan", "--detailed-exitcode"], CASES[0], home.path()));
    assert!(files(home.path()).is_empty(), "{:?}", files(home.path()));
}

#[test]
fn the_shop_needs_what_it_declares_as_external() {
    let home = tempfile::tempdir().unwrap();
    let planned = run(&["plan"], ("shop", None), home.path());
    ends_with(1, &planned);
    assert!(text(&planned).contains("platform-oncall"), "{}", text(&planned));
}

#[test]
fn examples_are_valid_without_their_secrets() {
    let home = tempfile::tempdir().unwrap();
    let output =
        binary(home.path()).env_clear().arg("validate").arg(examples().join("shop")).output().unwrap();
    ends_with(0, &output);
}

#[test]
fn examples_fit_the_published_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/librato-apply.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(&schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let definitions =
        files(&examples()).into_iter().filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    for path in definitions.filter(|path| !is_variables(path)) {
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().next().unwrap();
        let named = line
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap_or_else(|| panic!("{} does not name its schema in the first line", path.display()));
        assert!(path.parent().unwrap().join(named).is_file(), "{}: there is no {named}", path.display());

        let name = path.display().to_string();
        let mut texts = Files::default();
        let file = texts.add(name.clone(), text.clone(), yaml::index);
        let value = yaml::parse(&text, file).unwrap_or_else(|problem| panic!("{name}: {}", problem.message));
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_schema_finds_what_editors_should_underline() {
    let validator = jsonschema::validator_for(&librato_apply::model::published_schema()).unwrap();
    for wrong in [
        r#"{"alerts": {"a": {"conditions": [{"type": "abov", "metric_name": "m", "threshold": 1}]}}}"#,
        r#"{"alerts": {"a": {"conditions": [{"type": "above", "metric_nam": "m", "threshold": 1}]}}}"#,
        r#"{"metrics": {"m": {"perod": 60}}}"#,
        r#"{"metrics": {"m": {"period": "5 minutes"}}}"#,
        r#"{"metric": {}}"#,
    ] {
        assert!(!validator.is_valid(&serde_json::from_str(wrong).unwrap()), "{wrong}");
    }
    for right in [
        r#"{"alerts": {"a": {"conditions": [{"type": "absent", "metric_name": "m", "duration": "${var.silent}"}]}}}"#,
        r#"{"metrics": {"m": {"period": "${each.value.period}"}, "n": null}, "x-anchors": []}"#,
    ] {
        assert!(validator.is_valid(&serde_json::from_str(right).unwrap()), "{right}");
    }
}

//! The committed schemas are those of the program, and what the program prints fits them.

use std::fmt::Write as _;
use std::process::Command;

use librato_apply::diag::{Advice, Code};

fn librato_apply(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .args(args)
        .env_remove("LIBRATO_ENDPOINT")
        .env_remove("LIBRATO_TOKEN")
        .env_remove("LIBRATO_USER")
        .env_remove("CI")
        .output()
        .unwrap()
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn committed_schemas_are_fresh() {
    for (of, file) in [
        ("config", "librato-apply"),
        ("vars", "vars"),
        ("plan", "plan"),
        ("outcome", "outcome"),
        ("query", "query"),
        #[cfg(feature = "serve")]
        ("serve", "serve"),
        ("test", "test"),
        ("backtest", "backtest"),
        ("fidelity", "fidelity"),
    ] {
        let committed = std::fs::read_to_string(format!("schemas/{file}.schema.json")).unwrap();
        let printed = String::from_utf8(librato_apply(&["schema", of]).stdout).unwrap();
        assert_eq!(committed, printed, "run: cargo run -- schema {of} > schemas/{file}.schema.json");
    }
}

/// `UPDATE=1 cargo test --test definitions page_of_codes` writes it anew.
#[test]
fn the_page_of_codes_is_fresh() {
    let mut page = "# Codes of problems\n\nEvery problem is shown with a code in brackets, as in `warning[unknown-metric]`; \
        `--format json` has it as `code`. Codes keep\ntheir names. `librato-apply explain CODE` says what one means; \
        `code:CODE` where a field has the same name.\n\n| Code | Meaning |\n| --- | --- |\n"
        .to_owned();
    for code in Code::ALL {
        let name = code.name();
        let name = code.advice().map_or_else(|| format!("`{name}`"), |_| format!("[`{name}`](#{name})"));
        writeln!(page, "| {name} | {} |", code.meaning()).unwrap();
    }
    for advice in Code::ALL.iter().filter_map(|code| code.advice()) {
        let Advice { code, cause, wrong, mend, right } = advice;
        writeln!(page, "\n## {}\n\n{cause}\n\n```text\n{wrong}\n```\n\n{mend}", code.name()).unwrap();
        if right != wrong {
            writeln!(page, "\n```yaml\n{right}\n```").unwrap();
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("docs/codes.md", &page).unwrap();
    }
    let kept = std::fs::read_to_string("docs/codes.md").unwrap();
    assert_eq!(kept, page, "run: UPDATE=1 cargo test --test definitions page_of_codes");
}

/// Codes that only a service shows; their examples need not be met by reading files.
const OF_PLANS: &[Code] = &[
    Code::Ambiguous,
    Code::DataLost,
    Code::ExternalMissing,
    Code::LooksLikeARename,
    Code::Protected,
    Code::ServiceInUse,
    Code::TooManyDeletes,
    Code::UnknownMetric,
];

#[test]
fn the_examples_of_advice_have_the_problem_and_what_is_mended_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut seen, mut failed) = (dir.path().join("example.yaml"), 0, String::new());
    for advice in Code::ALL.iter().filter_map(|code| code.advice()) {
        seen += 1;
        let mark = format!("[{}]", advice.code.name());
        let said = |text: &str| {
            std::fs::write(&file, text).unwrap();
            String::from_utf8(librato_apply(&["validate", file.to_str().unwrap()]).stderr).unwrap()
        };
        let (wrong, right) = (said(advice.wrong), said(advice.right));
        if wrong.contains(&mark) == OF_PLANS.contains(&advice.code) {
            writeln!(failed, "{mark}: {wrong}").unwrap();
        }
        if advice.right != advice.wrong && (right.contains(&mark) || right.contains("error[")) {
            writeln!(failed, "{mark} mended: {right}").unwrap();
        }
    }
    assert!(seen >= 25 && failed.is_empty(), "{seen}\n{failed}");
}

#[test]
fn documents_fit_their_schemas() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().to_str().unwrap();
    assert!(librato_apply(&["init", project]).status.success());
    for (command, schema, more) in
        [("test", "test", None), ("plan", "plan", None), ("apply", "outcome", Some("--auto-approve"))]
    {
        let mut args = vec![command, project, "--format", "json"];
        args.extend(more);
        let document = json(&librato_apply(&args).stdout);
        let schema = json(&std::fs::read(format!("schemas/{schema}.schema.json")).unwrap());
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{command}");
    }
}

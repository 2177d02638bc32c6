//! The committed schemas are those of the program, and what the program prints fits them.

use std::fmt::Write as _;
use std::process::Command;

use librato_apply::diag::Code;

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
        writeln!(page, "| `{}` | {} |", code.name(), code.meaning()).unwrap();
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("docs/codes.md", &page).unwrap();
    }
    let kept = std::fs::read_to_string("docs/codes.md").unwrap();
    assert_eq!(kept, page, "run: UPDATE=1 cargo test --test definitions page_of_codes");
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

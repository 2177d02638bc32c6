//! `render prometheus` as a command: what it writes, what it leaves alone, and the exit codes.

use std::path::Path;
use std::process::Command;

const FILE: &str = "settings: { prometheus: { owner: me } }\nmetrics: { a.g: { type: gauge, period: 60s }, b.g: { type: gauge, period: 60s } }\n\
    alerts:\n  a.high: { services: [], conditions: [{ type: above, metric_name: a.g, threshold: 1, duration: 5m }] }\n  \
    b.high: { services: [], conditions: [{ type: above, metric_name: b.g, threshold: 2 }] }\n";

/// Runs it below a directory; the exit code, and what was said.
fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["render", "prometheus", "a.yaml"]).args(args).current_dir(dir);
    let output = command.env_remove("LIBRATO_ENDPOINT").env_remove("CI").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.into_owned())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = walkdir::WalkDir::new(dir)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_directory_is_written_checked_and_pruned_and_nothing_of_others_is_touched() {
    let home = tempfile::tempdir().unwrap();
    let (dir, out) = (home.path(), home.path().join("out"));
    std::fs::write(dir.join("a.yaml"), FILE).unwrap();
    let (code, said) = run(dir, &["--out", "out", "--check"]);
    assert!(code == Some(2) && said.contains("missing: out/rules/a.yml") && !out.exists(), "{said}");
    assert_eq!(run(dir, &["--out", "out"]).0, Some(0));
    let all = [
        "alertmanager.yml",
        "fidelity.json",
        "rules/a.yml",
        "rules/b.yml",
        "tests/a.test.yml",
        "tests/b.test.yml",
    ];
    assert_eq!(names(&out), all);
    assert_eq!(run(dir, &["--out", "out", "--check"]).0, Some(0));

    // A threshold that moved is seen, and written.
    let before = std::fs::read(out.join("rules/b.yml")).unwrap();
    std::fs::write(dir.join("a.yaml"), FILE.replace("threshold: 1,", "threshold: 7,")).unwrap();
    let (code, said) = run(dir, &["--out", "out", "--check"]);
    assert!(code == Some(2) && said.contains("differs: out/rules/a.yml"), "{said}");
    assert_eq!(run(dir, &["--out", "out"]).0, Some(0));
    assert!(std::fs::read_to_string(out.join("rules/a.yml")).unwrap().contains("> 7"));
    assert_eq!(std::fs::read(out.join("rules/b.yml")).unwrap(), before);

    // A group that is gone leaves files, which are named and then deleted; those of others stay.
    std::fs::write(out.join("rules/mine.yml"), "groups: []\n").unwrap();
    std::fs::write(dir.join("a.yaml"), &FILE[..FILE.find("  b.high").unwrap()]).unwrap();
    let (code, said) = run(dir, &["--out", "out"]);
    assert!(code == Some(4) && said.contains("out/rules/b.yml is of an earlier run"), "{said}");
    assert!(run(dir, &["--out", "out", "--check"]).0 == Some(2) && out.join("rules/b.yml").exists());
    assert_eq!(run(dir, &["--out", "out", "--prune-files"]).0, Some(0));
    let left = ["alertmanager.yml", "fidelity.json", "rules/a.yml", "rules/mine.yml", "tests/a.test.yml"];
    assert_eq!(names(&out), left);

    // What stands in the way and is not ours stops everything.
    std::fs::write(out.join("alertmanager.yml"), "route: { receiver: mine }\n").unwrap();
    std::fs::remove_file(out.join("rules/a.yml")).unwrap();
    let (code, said) = run(dir, &["--out", "out"]);
    assert!(code == Some(3) && said.contains("alertmanager.yml is in the way"), "{said}");
    assert!(!out.join("rules/a.yml").exists(), "nothing is written in part");
}

#[test]
fn what_means_only_nearly_the_same_can_be_denied_and_mistakes_have_their_place() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    let absent = FILE.replace(
        "type: above, metric_name: b.g, threshold: 2",
        "type: absent, metric_name: b.g, duration: 5m",
    );
    std::fs::write(dir.join("a.yaml"), &absent).unwrap();
    let (code, said) = run(dir, &["--out", "out", "--deny", "approximate"]);
    assert!(code == Some(3) && said.contains("1 object would mean nearly the same"), "{said}");
    assert!(
        said.contains("~ alert b.high") && said.contains("a.yaml:5:3") && !dir.join("out").exists(),
        "{said}"
    );
    let (code, said) = run(dir, &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["counts"]["approximate"]), (Some(0), &1.into()));
    let schema = std::fs::read("schemas/fidelity.schema.json").unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    assert!(jsonschema::is_valid(&schema, &report), "{report}");

    std::fs::write(dir.join("a.yaml"), FILE.replace("owner: me", "owner: 'a b'")).unwrap();
    let (code, said) = run(dir, &[]);
    assert!(code == Some(1) && said.contains("a.yaml:1:34"), "{said}");
    std::fs::write(dir.join("a.yaml"), FILE.replace("owner: me", "engine: 3")).unwrap();
    assert_eq!(run(dir, &[]).0, Some(1));
    assert_eq!(run(dir, &["--owner", "me"]).0, Some(0));
}

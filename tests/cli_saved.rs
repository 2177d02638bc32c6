//! Saved plans, backups, pruning and their refusals, by the real binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/cli.rs"]
mod cli;

use cli::{Cli, project};

const SHOP: &str = "\
settings: { endpoint: 'embedded:./shop.db', prune: { alerts: ['shop.*'] } }
metrics: { shop.ms: { type: gauge, period: 60s } }
services:
  ops: { type: slack, settings: { url: 'https://hooks.example.org/${secret.SLACK}' } }
  mail: { type: mail, settings: { addresses: a@example.org } }
alerts:
  shop.slow: { conditions: [{ type: above, metric_name: shop.ms, threshold: 5 }], services: [ops] }
";

const SECRET: &str = "canary-of-the-saved-plan";

fn run(dir: &tempfile::TempDir, args: &[&str]) -> cli::Ran {
    Cli::new(dir.path()).env("SLACK", SECRET).run(args)
}

fn write(dir: &tempfile::TempDir, file: &str, text: &str) {
    std::fs::write(dir.path().join(file), text).unwrap();
}

fn read(dir: &tempfile::TempDir, file: &str) -> String {
    std::fs::read_to_string(dir.path().join(file)).unwrap()
}

#[test]
fn a_saved_plan_is_written_exactly_once_and_holds_no_secret() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["plan", "--out", "plan.json"]).exits(0);
    assert!(!read(&dir, "plan.json").contains(SECRET));
    // The files may change meanwhile: what was saved is what is written.
    write(&dir, "shop.yaml", &SHOP.replace("60s", "120s"));
    run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(0);
    run(&dir, &["plan"]).exits(0).prints(&["period: 60 → 120"]);
    run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"])
        .exits(3)
        .says(&["changed since the plan was made"]);
}

#[test]
fn a_plan_file_of_another_version_is_refused() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["plan", "--out", "plan.json"]).exits(0);
    let newer = read(&dir, "plan.json").replacen("\"format_version\": 1", "\"format_version\": 2", 1);
    write(&dir, "plan.json", &newer);
    run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(1).says(&["format version is 2"]);
}

#[test]
fn a_saved_plan_is_refused_where_anything_moved() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    let planned = SHOP.replace("threshold: 5", "threshold: 6").replace("example.org/$", "example.org/x/$");
    write(&dir, "shop.yaml", &planned);
    run(&dir, &["plan", "--out", "plan.json"]).exits(0);

    let other_secret =
        Cli::new(dir.path()).env("SLACK", "another").run(&["apply", "--plan", "plan.json", "--auto-approve"]);
    other_secret.exits(3).says(&["the value of", "${secret.SLACK}"]);
    let no_secret = Cli::new(dir.path()).run(&["apply", "--plan", "plan.json", "--auto-approve"]);
    no_secret.exits(1).says(&["the secret `SLACK` is not set"]);
    let elsewhere = ["apply", "--plan", "plan.json", "--auto-approve", "--endpoint", "embedded:./other.db"];
    run(&dir, &elsewhere).exits(3).says(&["other.db"]);

    // Somebody else changes one of the two objects.
    write(&dir, "shop.yaml", &SHOP.replace("threshold: 5", "threshold: 7"));
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"])
        .exits(3)
        .says(&["alert \"shop.slow\"", "nothing was written"]);
    run(&dir, &["plan"]).exits(0).prints(&["Nothing to change"]);
}

#[test]
fn a_literal_secret_cannot_be_saved() {
    let dir = project(&[("shop.yaml", &SHOP.replace("${secret.SLACK}", "literal-canary"))]);
    let ran = run(&dir, &["plan", "--out", "plan.json"]).exits(1).says(&["shop.yaml:4:", "${secret.NAME}"]);
    assert!(!ran.all().contains("literal-canary"));
    assert!(!dir.path().join("plan.json").exists());
}

#[test]
fn what_is_pruned_is_bounded_kept_and_brought_back() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    let (without, _) = SHOP.split_once("alerts:\n").unwrap();
    write(&dir, "shop.yaml", without);
    run(&dir, &["plan"]).exits(0).prints(&["delete alert shop.slow (no longer in the files)"]);
    run(&dir, &["apply", "--auto-approve", "--max-deletes", "0"]).exits(3).says(&[
        "refused[too-many-deletes]: 1 object",
        "alert/shop.slow",
        "--max-deletes 1",
    ]);
    run(&dir, &["apply", "--auto-approve", "shop.yaml"]).exits(0).says(&["prune-off"]);
    write(&dir, "taken", "");
    run(&dir, &["apply", "--auto-approve", "--backup-dir", "taken/x"])
        .exits(1)
        .says(&["nothing was written"]);
    run(&dir, &["plan"]).exits(0).prints(&["delete alert shop.slow"]);
    run(&dir, &["apply", "--auto-approve"]).exits(0).says(&[".librato-apply/backups/"]);

    let backups = dir.path().join(".librato-apply/backups");
    let backup = std::fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    assert!(!std::fs::read_to_string(&backup).unwrap().contains(SECRET));
    let backup = backup.to_str().unwrap();
    run(&dir, &["apply", backup, "--endpoint", "embedded:./shop.db", "--auto-approve"]).exits(0);
    write(&dir, "shop.yaml", SHOP);
    run(&dir, &["plan"]).exits(0).prints(&["Nothing to change"]);
}

#[test]
fn the_backup_of_a_service_says_where_its_secret_must_be_put_back() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    write(
        &dir,
        "shop.yaml",
        &SHOP.replace("services: [ops]", "services: []").replace("ops: {", "ops: { ensure: absent,"),
    );
    run(&dir, &["apply", "--auto-approve", "--backup-dir", "kept"]).exits(0);
    let backup = std::fs::read_dir(dir.path().join("kept")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(backup).unwrap();
    assert!(text.contains("# Set OPS_URL to the secret of service \"ops\", settings.url."), "{text}");
    assert!(text.contains("url: ${secret.OPS_URL}") && !text.contains(SECRET), "{text}");
}

#[test]
fn a_service_that_alerts_use_is_not_deleted() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    let (without, _) = SHOP.split_once("alerts:\n").unwrap();
    let without = without.replace("alerts: ['shop.*']", "").replace("ops: {", "ops: { ensure: absent,");
    write(&dir, "shop.yaml", &without);
    run(&dir, &["apply", "--auto-approve"]).exits(3).says(&["refused[service-in-use]", "shop.slow"]);
    run(&dir, &["apply", "--auto-approve", "--target", "metric/*"]).exits(0);
}

#[test]
fn the_backup_holds_references_wherever_a_secret_stood() {
    let metric = "settings: { endpoint: 'embedded:./shop.db' }\nmetrics: { m: { type: gauge, description: 'see ${secret.SLACK}' } }\n";
    let dir = project(&[("shop.yaml", metric)]);
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    write(&dir, "shop.yaml", &metric.replace("gauge", "counter"));
    run(&dir, &["apply", "--auto-approve", "--delete-data", "--backup-dir", "kept"]).exits(0);
    let backup = std::fs::read_dir(dir.path().join("kept")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(backup).unwrap();
    assert!(text.contains("description: see ${secret.SLACK}") && !text.contains(SECRET), "{text}");
}

#[test]
fn a_plan_file_that_was_edited_is_refused() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["plan", "--out", "plan.json"]).exits(0);
    let edited = read(&dir, "plan.json").replace("shop.slow", "shop.other");
    write(&dir, "plan.json", &edited);
    run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(3).says(&["not as it was saved"]);
    run(&dir, &["plan"]).exits(0).prints(&["4 to create"]);
}

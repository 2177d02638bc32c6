//! Saved plans, backups, pruning and their refusals, by the real binary.

use crate::cli::{self, Cli, project};

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
    run(&dir, &["plan"]).exits(0).prints(&["period: 1m → 2m"]);
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
fn a_plan_is_not_sealed_with_a_key_that_was_cut_short() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["plan", "--out", "plan.json"]).exits(0);
    let sealed = read(&dir, "plan.json");
    for cut in ["", "short"] {
        write(&dir, ".librato-apply/plan-key", cut);
        run(&dir, &["plan", "--out", "plan.json"]).exits(1).says(&["plan-key is no plan key", "remove it"]);
        run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(1).says(&["is no plan key"]);
    }
    assert_eq!(read(&dir, "plan.json"), sealed);
    // Nor is one opened whose seal is nothing.
    std::fs::remove_file(dir.path().join(".librato-apply/plan-key")).unwrap();
    run(&dir, &["plan", "--out", "plan.json"]).exits(0);
    let seal = read(&dir, "plan.json");
    let seal = seal.lines().find(|line| line.contains("\"seal\"")).unwrap();
    let unsealed = read(&dir, "plan.json").replace(seal, "  \"seal\": \"\"");
    write(&dir, "plan.json", &unsealed);
    run(&dir, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(3).says(&["is not as it was saved"]);
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
    run(&dir, &["apply", "--auto-approve", "--backup-dir", "taken/x"]).exits(1).says(&[
        "nothing was written: cannot make taken/x",
        "--backup-dir DIR",
        "--no-backup",
    ]);
    run(&dir, &["plan"]).exits(0).prints(&["delete alert shop.slow"]);
    run(&dir, &["apply", "--auto-approve"]).exits(0).says(&[".librato-apply/backups/"]);

    let backups = dir.path().join(".librato-apply/backups");
    let backup = std::fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    assert!(!std::fs::read_to_string(&backup).unwrap().contains(SECRET));
    let backup = backup.to_str().unwrap();
    let restored =
        run(&dir, &["apply", backup, "--endpoint", "embedded:./shop.db", "--auto-approve"]).exits(0);
    restored.says(&["this stands in none of your files", "`prune` deletes it again"]);
    write(&dir, "shop.yaml", SHOP);
    run(&dir, &["plan"]).exits(0).prints(&["Nothing to change"]);
}

#[test]
fn an_update_keeps_what_was_there_before_out_of_the_repository() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["apply", "--auto-approve"]).exits(0);
    assert!(!dir.path().join(".librato-apply/backups").exists(), "nothing was there");
    // Edited by hand on the service, and overwritten by the files.
    let edit = "alerts: { shop.slow: { description: edited by hand } }";
    std::fs::create_dir(dir.path().join("edit")).unwrap();
    write(&dir, "edit/edit.yaml", edit);
    run(&dir, &["apply", "edit", "--endpoint", "embedded:./shop.db", "--auto-approve", "--no-backup"])
        .exits(0);
    let described = SHOP.replace("  shop.slow: {", "  shop.slow: { description: as written,");
    assert_ne!(described, SHOP);
    std::fs::remove_dir_all(dir.path().join("edit")).unwrap();
    write(&dir, "shop.yaml", &described);
    let ran = run(&dir, &["apply", "--auto-approve"]).exits(0);
    assert_eq!(ran.all().matches("what was there before is kept in").count(), 1, "{}", ran.all());
    let backup =
        std::fs::read_dir(dir.path().join(".librato-apply/backups")).unwrap().next().unwrap().unwrap();
    assert!(std::fs::read_to_string(backup.path()).unwrap().contains("edited by hand"));
    assert_eq!(std::fs::read_to_string(dir.path().join(".librato-apply/.gitignore")).unwrap(), "*\n");
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

const PLANNER: (&str, &str) = ("planner", "token-of-the-planner");

/// A server with the objects of [`SHOP`] and somebody who may read everything but secrets.
#[cfg(unix)]
fn shared() -> (tempfile::TempDir, cli::Server) {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = project(&[("shop.yaml", &SHOP.replace("endpoint: 'embedded:./shop.db', ", ""))]);
    let credentials = dir.path().join("credentials");
    std::fs::write(&credentials, format!("{} {} operator\n", PLANNER.0, PLANNER.1)).unwrap();
    std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(0o600)).unwrap();
    let more = ["--credentials", credentials.to_str().unwrap()];
    let server = cli::Server::start_with(&dir.path().join("data.db"), cli::TOKEN, &more);
    (dir, server)
}

#[cfg(unix)]
fn run_as(
    server: &cli::Server,
    dir: &tempfile::TempDir,
    user: &str,
    token: &str,
    secret: &str,
    args: &[&str],
) -> cli::Ran {
    let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &server.endpoint()).env("SLACK", secret);
    let cli = cli.env("LIBRATO_PLAN_KEY", "a key that both of them have");
    cli.env("LIBRATO_USER", user).env("LIBRATO_TOKEN", token).run(args)
}

#[cfg(unix)]
#[test]
fn who_may_not_read_secrets_plans_and_an_admin_applies() {
    let (dir, server) = shared();
    let planner = |secret: &str, args: &[&str]| run_as(&server, &dir, PLANNER.0, PLANNER.1, secret, args);
    let admin = |secret: &str, args: &[&str]| run_as(&server, &dir, cli::USER, cli::TOKEN, secret, args);
    let note = "settings-not-comparable";

    planner(SECRET, &["plan", "--out", "first.json", "--strict"]).exits(0);
    let refused = planner(SECRET, &["apply", "--plan", "first.json", "--auto-approve"]).exits(1);
    let refused = refused.prints(&["403 Forbidden", "the token lacks the role for this, `admin`"]);
    let refused = refused.prints(&["\nNothing was written: ", "Run it with a token of the role `admin`."]);
    assert!(!refused.all().contains("again"), "{}", refused.all());
    assert!(server.call("GET", "/v1/services", "").1["services"].as_array().unwrap().is_empty());
    admin(SECRET, &["apply", "--plan", "first.json", "--auto-approve"]).exits(0);

    // What is hidden is no drift, and is noted once; what is not hidden is compared.
    let drift = ["plan", "--detailed-exitcode", "--strict"];
    let quiet = planner("another secret", &drift).exits(0);
    assert_eq!(quiet.all().matches(note).count(), 1, "{}", quiet.all());
    admin("another secret", &drift).exits(2).prints(&["settings.url"]);
    write(&dir, "shop.yaml", &read(&dir, "shop.yaml").replace("a@example.org", "b@example.org"));
    let ran = planner(SECRET, &drift).exits(2).prints(&["\"a@example.org\" → \"b@example.org\""]);
    assert!(!ran.stdout.contains("settings.url"), "{}", ran.stdout);

    // A plan that was made over masked settings is written by who sees them; and refused where what was seen has moved.
    let slack = read(&dir, "shop.yaml").replace("type: slack", "type: webhook");
    write(&dir, "shop.yaml", &slack);
    planner(SECRET, &["plan", "--out", "second.json"]).exits(0);
    assert!(!read(&dir, "second.json").contains("[hidden]"), "{}", read(&dir, "second.json"));
    admin(SECRET, &["apply", "--plan", "second.json", "--auto-approve"]).exits(0);
    let services = server.call("GET", "/v1/services", "").1;
    assert!(
        !services.to_string().contains("[hidden]") && services.to_string().contains(SECRET),
        "{services}"
    );
    admin(SECRET, &drift).exits(0);
    admin(SECRET, &["apply", "--plan", "second.json", "--auto-approve"]).exits(3);
}

#[cfg(unix)]
#[test]
fn what_is_hidden_is_never_exported_as_a_value() {
    let (dir, server) = shared();
    run_as(&server, &dir, cli::USER, cli::TOKEN, SECRET, &["apply", "--auto-approve"]).exits(0);
    let hidden = r#"{"name":"told","description":"it says [hidden]","conditions":[]}"#;
    assert!(server.call("POST", "/v1/alerts", hidden).0 < 300);
    let args = ["export", "services", "alerts"];
    let exported = run_as(&server, &dir, PLANNER.0, PLANNER.1, SECRET, &args).exits(4);
    let exported =
        exported.says(&["not exported: service \"ops\": its secret settings are hidden from this token"]);
    let exported =
        exported.prints(&["addresses: a@example.org", "ops:\n    external: true", "it says [hidden]"]);
    assert_eq!(exported.stdout.matches("[hidden]").count(), 1, "{}", exported.stdout);
}

#[cfg(unix)]
#[test]
fn a_plan_sealed_with_one_key_is_not_opened_with_another() {
    let (dir, server) = shared();
    let keyed = |name: &str, args: &[&str]| {
        write(&dir, "key", &format!("{name}\n"));
        let args = [args, &["--plan-key-file", "key"]].concat();
        run_as(&server, &dir, cli::USER, cli::TOKEN, SECRET, &args)
    };
    keyed("the key of today, long", &["plan", "--out", "plan.json"]).exits(0);
    keyed("another key of today", &["apply", "--plan", "plan.json", "--auto-approve"])
        .exits(3)
        .says(&["sealed with another key or token", "give the key that it was saved with"]);
    keyed("short", &["apply", "--plan", "plan.json", "--auto-approve"])
        .exits(64)
        .says(&["is shorter than 16 characters", "openssl rand -hex 32"]);
    keyed("the key of today, long", &["apply", "--plan", "plan.json", "--auto-approve"]).exits(0);
}

#[cfg(unix)]
#[test]
fn a_plan_sealed_with_a_token_says_how_another_user_could_write_it() {
    let (dir, server) = shared();
    let run = |user: &str, token: &str, args: &[&str]| {
        let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &server.endpoint()).env("SLACK", SECRET);
        cli.env("LIBRATO_USER", user).env("LIBRATO_TOKEN", token).run(args)
    };
    let says = ["sealed with the token", "--plan-key-file FILE", "LIBRATO_PLAN_KEY"];
    run(PLANNER.0, PLANNER.1, &["plan", "--out", "plan.json"]).exits(0).says(&says);
    let refused = run(cli::USER, cli::TOKEN, &["apply", "--plan", "plan.json", "--auto-approve"]).exits(3);
    refused.says(&["sealed with another key or token", "if another user saved it", "--plan-key-file FILE"]);
    std::fs::write(dir.path().join("key"), "a key that both of them have").unwrap();
    let keyed = run(PLANNER.0, PLANNER.1, &["plan", "--out", "plan.json", "--plan-key-file", "key"]).exits(0);
    assert!(!keyed.stderr.contains("sealed"), "{}", keyed.stderr);
}

#[test]
fn a_saved_plan_among_definitions_and_definitions_as_a_plan_are_recognised() {
    let dir = project(&[("shop.yaml", SHOP)]);
    run(&dir, &["plan", "--out", "q.plan"]).exits(0);
    for command in [&["apply", "q.plan", "--auto-approve"][..], &["plan", "q.plan"], &["validate", "q.plan"]]
    {
        let ran = run(&dir, command).exits(1).says(&["q.plan", "this is a saved plan", "apply --plan FILE"]);
        assert_eq!(ran.stderr.matches("error[").count(), 1, "{}", ran.stderr);
    }
    write(&dir, "plan.json", &run(&dir, &["plan", "--format", "json"]).exits(0).stdout);
    run(&dir, &["apply", "plan.json", "--auto-approve"])
        .exits(1)
        .says(&["printed as JSON", "plan --out FILE"]);
    let mistaken = ["apply", "--plan", "shop.yaml", "--auto-approve"];
    run(&dir, &mistaken).exits(1).says(&["not a saved plan", "librato-apply apply shop.yaml"]);
}

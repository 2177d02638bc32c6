//! Spaces, charts and `export` on the command line: what is read, what a saved plan refuses, what a backup brings back,
//! what cannot be exported.

use crate::cli::{self, Server, project};
use serde_json::json;

const SHOP: &str = "
metrics: { shop.ms: { type: gauge } }
spaces:
  Shop:
    charts:
      - { name: Speed, label: ms, streams: [{ metric: shop.ms, source: web* }] }
      - { name: Errors }
  Depot: {}
";

fn served(dir: &std::path::Path) -> Server {
    Server::start(&dir.join("server.db"))
}

/// The path of a space; those of one plan are created in any order.
fn space(server: &Server, name: &str) -> String {
    let (_, listed) = server.call("GET", "/v1/spaces", "");
    let found = listed["spaces"].as_array().unwrap().iter().find(|space| space["name"] == name);
    format!("/v1/spaces/{}", found.unwrap()["id"])
}

#[test]
fn only_charts_that_matter_are_read_and_only_what_changes_is_written() {
    let dir = project(&[("shop.yaml", SHOP)]);
    let server = served(dir.path());
    for name in ["Other", "Another"] {
        server.call("POST", "/v1/spaces", &json!({ "name": name }).to_string());
    }
    server.cli(dir.path()).run(&["apply", "--auto-approve"]).exits(0);
    server.log();
    std::fs::write(dir.path().join("shop.yaml"), SHOP.replace("web*", "db*")).unwrap();
    server
        .cli(dir.path())
        .run(&["apply", "--auto-approve"])
        .exits(0)
        .says(&["streams[0].source: \"web*\" → \"db*\""]);
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|request| request.contains("charts")).count(), 2, "{requests:?}");
    let writes: Vec<_> = requests.iter().filter(|request| !request.starts_with("GET")).collect();
    let shop = space(&server, "Shop");
    assert_eq!(writes, [&format!("PUT {shop}/charts/1")], "{requests:?}");
    let (_, charts) = server.call("GET", &format!("{shop}/charts"), "");
    assert_eq!(charts[0]["streams"][0]["source"], "db*");
    assert_eq!([&charts[0]["name"], &charts[1]["name"]], ["Speed", "Errors"]);
}

#[test]
fn a_saved_plan_follows_a_renamed_space_and_notices_what_moved() {
    let dir = project(&[("shop.yaml", SHOP)]);
    let server = served(dir.path());
    let run = |args: &[&str]| server.cli(dir.path()).run(args);
    run(&["apply", "--auto-approve"]).exits(0);
    let renamed =
        SHOP.replace("  Shop:\n", "  Market:\n    renamed_from: Shop\n").replace("label: ms", "label: s");
    let absent = renamed.replace("Depot: {}", "Depot: { ensure: absent }");
    std::fs::write(dir.path().join("shop.yaml"), &absent).unwrap();
    run(&["plan", "--out", "a.plan"])
        .exits(0)
        .prints(&["rename space Market (from Shop)", "label: \"ms\" → \"s\""]);

    // Somebody changes a chart, and puts it back.
    let (shop, depot) = (space(&server, "Shop"), space(&server, "Depot"));
    let chart = |label: &str| {
        server.call("PUT", &format!("{shop}/charts/1"), &json!({ "label": label }).to_string());
    };
    chart("hours");
    let refused = run(&["apply", "--plan", "a.plan", "--auto-approve"]).exits(3);
    refused.says(&["changed since the plan was made: chart \"Market/Speed\""]);
    chart("ms");
    // A chart in a space that goes.
    server.call("POST", &format!("{depot}/charts"), "{\"name\":\"Precious\"}");
    let refused = run(&["apply", "--plan", "a.plan", "--auto-approve"]).exits(3);
    refused.says(&["changed since the plan was made: space \"Depot\""]);
    server.call("DELETE", &format!("{depot}/charts/3"), "");
    run(&["apply", "--plan", "a.plan", "--auto-approve"]).exits(0);
    run(&["plan", "--detailed-exitcode"]).exits(0);
    let (_, charts) = server.call("GET", &format!("{shop}/charts"), "");
    assert_eq!((&charts[0]["id"], &charts[0]["label"]), (&json!(1), &json!("s")));
}

#[test]
fn a_space_that_is_deleted_can_be_brought_back_with_its_charts() {
    let dir = project(&[("shop.yaml", SHOP)]);
    let server = served(dir.path());
    let run = |args: &[&str]| server.cli(dir.path()).run(args);
    run(&["apply", "--auto-approve"]).exits(0);
    let shop = space(&server, "Shop");
    std::fs::write(dir.path().join("shop.yaml"), "spaces: { Shop: { ensure: absent } }").unwrap();
    let planned = run(&["plan", "--format", "json"]).exits(0).json();
    assert_eq!(planned["changes"][0]["charts"], json!(["Errors", "Speed"]));
    run(&["apply", "--auto-approve", "--max-deletes", "2"]).exits(3).says(&["space/Shop (with 2 charts)"]);
    run(&["apply", "--auto-approve"]).exits(0).says(&["delete space Shop (with 2 charts)"]);
    assert_eq!(server.writes().last().unwrap(), &format!("DELETE {shop}"), "one request takes all of it");
    let backups = dir.path().join(".librato-apply/backups");
    let backup = std::fs::read_dir(backups).unwrap().next().unwrap().unwrap().path();
    run(&["apply", backup.to_str().unwrap(), "--auto-approve"]).exits(0);
    std::fs::write(dir.path().join("shop.yaml"), SHOP).unwrap();
    run(&["plan", "shop.yaml", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_cannot_be_exported_is_named() {
    let dir = project(&[]);
    let server = served(dir.path());
    let post =
        |path: &str, body: serde_json::Value| assert_eq!(server.call("POST", path, &body.to_string()).0, 201);
    post("/v1/spaces", json!({"name": "Shop"}));
    post("/v1/spaces", json!({"name": "Twin"}));
    post("/v1/spaces", json!({"name": "Twin"}));
    let streams = json!([{"metric": "m", "odd": 1}, {"composite": "s(\"m\", \"*\")", "source": "web"}]);
    post("/v1/spaces/1/charts", json!({"name": "C", "related_space": 77, "streams": streams}));
    post("/v1/spaces/1/charts", json!({"name": "D", "related_space": 2}));
    post(
        "/v1/services",
        json!({"type": "slack", "title": "ops", "settings": {"url": "https://canary-4711"}}),
    );
    server.call("PUT", "/v1/metrics/m", "{\"type\":\"gauge\",\"attributes\":{\"mark\":1}}");
    let ran = server.cli(dir.path()).run(&["export"]).exits(4).says(&[
        "not exported: space \"Twin\": 2 spaces have the name \"Twin\": ids 2, 3",
        "not exported: chart \"Shop/C\", related_space: the space \"#77\" does not exist",
        "not exported: chart \"Shop/C\", streams[0].odd: definitions cannot say this",
        "not exported: chart \"Shop/C\", streams[1].source: definitions cannot say this",
        "not exported: chart \"Shop/D\", related_space: several spaces have the name \"Twin\"",
        "not exported: metric \"m\", attributes.mark",
        "OPS_URL: the secret of service \"ops\", settings.url",
    ]);
    assert!(!ran.all().contains("canary-4711"));
    std::fs::write(dir.path().join("all.yaml"), &ran.stdout).unwrap();
    let cli = server.cli(dir.path()).env("OPS_URL", "https://canary-4711");
    cli.run(&["plan", "all.yaml", "--detailed-exitcode"]).exits(0);
    let only = server.cli(dir.path()).run(&["export", "chart/Shop/D", "metrics"]).exits(4);
    assert!(!only.stdout.contains("ops") && !only.stdout.contains("name: C"), "{}", only.stdout);
    server.cli(dir.path()).run(&["export", "chart"]).exits(4);
    server.cli(dir.path()).run(&["export", "alarms"]).exits(64).says(&["alarms/*"]);
}

#[test]
fn exported_files_are_never_overwritten_unless_told_to() {
    let dir = project(&[("shop.yaml", SHOP)]);
    let endpoint = ["--endpoint", "embedded:./x.db"];
    let run = |args: &[&str]| cli::Cli::new(dir.path()).run(&[args, &endpoint].concat());
    run(&["export"]).exits(1).says(&["there is no file ./x.db"]);
    run(&["apply", "shop.yaml", "--auto-approve"]).exits(0);
    run(&["export", "--out", "all"]).exits(0).says(&["wrote all/metrics.yaml", "wrote all/spaces.yaml"]);
    run(&["plan", "all", "--detailed-exitcode"]).exits(0);
    std::fs::write(dir.path().join("all/metrics.yaml"), "mine").unwrap();
    std::fs::remove_file(dir.path().join("all/spaces.yaml")).unwrap();
    run(&["export", "--out", "all"]).exits(1).says(&["all/metrics.yaml would be overwritten", "--force"]);
    assert!(!dir.path().join("all/spaces.yaml").exists(), "all or none");
    run(&["export", "--out", "all", "--force"]).exits(0);
    run(&["export", "--out", "by", "--split", "prefix"]).exits(0);
    assert!(dir.path().join("by/shop.yaml").exists() && dir.path().join("by/spaces.yaml").exists());
    run(&["plan", "all", "--detailed-exitcode"]).exits(0);
    run(&["export", "--force"]).exits(64);
}

/// The service takes names that no file may have; what bears one is kept in the comments of a backup that is valid.
#[test]
fn a_backup_is_valid_whatever_was_deleted() {
    let dir = project(&[(
        "shop.yaml",
        "settings: { prune: { spaces: ['*'], alerts: ['*'] } }\nmetrics: { m: { type: gauge } }\n",
    )]);
    let server = served(dir.path());
    for name in ["Plain", " Blank", "Turned \u{202e}around"] {
        server.call("POST", "/v1/spaces", &json!({ "name": name }).to_string());
    }
    let blank = space(&server, " Blank");
    server.call("POST", &format!("{blank}/charts"), r#"{"name": "inside", "type": "line"}"#);
    let run = |args: &[&str]| server.cli(dir.path()).run(args);
    run(&["apply", "--auto-approve", "--max-deletes", "9", "--delete-data", "--backup-dir", "kept"]).exits(0);
    let backup = std::fs::read_dir(dir.path().join("kept")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&backup).unwrap();
    assert!(text.contains("#   space \" Blank\": a title has 1 to 255 characters"), "{text}");
    assert!(
        text.contains("#   spaces:\n#     \" Blank\":\n") && text.contains("#         - name: inside"),
        "{text}"
    );
    assert!(text.contains("\n  \"Turned \\u202earound\": {}\n") && !text.contains('\u{202e}'), "{text}");
    let backup = backup.to_str().unwrap();
    run(&["validate", backup]).exits(0);
    run(&["apply", backup, "--auto-approve"]).exits(0);
    space(&server, "Plain");
    space(&server, "Turned \u{202e}around");
}

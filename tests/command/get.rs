//! `get`, `delete` and `resolve` against the real server: what they find, what they refuse, and that no secret is shown.

use crate::cli::{self, Cli, Ran, Server, Trap, json_answer};
use serde_json::json;

const SECRET: &str = "https://hooks.example.org/T0/canary";

/// A server with one or two of everything.
struct World {
    _dir: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(&dir.path().join("a.db"));
        let world = Self { _dir: dir, server };
        world.send(
            "PUT",
            "/v1/metrics/web.ms",
            &json!({"type": "gauge", "period": 60, "description": "how slow"}),
        );
        world.send("PUT", "/v1/metrics/web.hits", &json!({"type": "counter"}));
        world.send(
            "PUT",
            "/v1/metrics/web.rate",
            &json!({"type": "composite", "composite": "rate(s(\"web.hits\", \"*\"))"}),
        );
        world.send("PUT", "/v1/metrics/db.ms", &json!({"type": "gauge"}));
        let slack = json!({"type": "slack", "title": "ops", "settings": {"url": SECRET}});
        world.send("POST", "/v1/services", &slack);
        world.send(
            "POST",
            "/v1/services",
            &json!({"type": "mail", "title": "mail", "settings": {"addresses": "a@example.org"}}),
        );
        let condition = json!({"type": "above", "metric_name": "web.ms", "threshold": 800, "duration": 300});
        world.send(
            "POST",
            "/v1/alerts",
            &json!({"name": "web.slow", "services": [1], "conditions": [condition]}),
        );
        world.send("POST", "/v1/alerts", &json!({"name": "db.slow", "services": [], "conditions": []}));
        for _ in 0..2 {
            world.send("POST", "/v1/spaces", &json!({"name": "Twins"}));
        }
        world.send(
            "POST",
            "/v1/spaces/1/charts",
            &json!({"name": "Slow", "type": "line", "streams": [{"metric": "web.ms", "source": "*"}]}),
        );
        let event = json!({"title": "v91", "start_time": 1_700_000_000, "source": "web-1"});
        world.send("POST", "/v1/annotations/deploys", &event);
        world
    }

    fn send(&self, method: &str, path: &str, body: &serde_json::Value) {
        let (status, answer) = self.server.call(method, path, &body.to_string());
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    }

    #[track_caller]
    fn run(&self, command: &str) -> Ran {
        let dir = tempfile::tempdir().unwrap();
        let args: Vec<&str> = command.split_whitespace().collect();
        let ran = self.server.cli(dir.path()).run(&args);
        assert!(!ran.all().contains("canary"), "a secret in the output of {command}:\n{}", ran.all());
        ran
    }
}

#[test]
fn lists_are_tables_documents_and_patterns() {
    let world = World::new();
    let metrics = world.run("get metrics").exits(0);
    assert_eq!(
        metrics.stdout,
        "NAME      TYPE       PERIOD  DISPLAY NAME  DESCRIPTION\n\
         db.ms     gauge\n\
         web.hits  counter\n\
         web.ms    gauge      1m                    how slow\n\
         web.rate  composite\n"
    );
    world.run("get metric WEB.* --format json").exits(0);
    let some = world.run("get metric WEB.M* --format json").exits(0).json();
    assert_eq!((&some["format_version"], &some["metrics"][0]["name"]), (&json!(1), &json!("web.ms")));
    assert_eq!(some["metrics"].as_array().unwrap().len(), 1);

    world.run("get composites").exits(0).prints(&["web.rate", "rate(s(\"web.hits\", \"*\"))"]);
    world.run("get alerts").exits(0).prints(&["web.slow", "ops", "web.ms above 800 for 5m"]);
    world.run("get services").exits(0).prints(&["url=(sensitive)", "addresses=a@example.org"]);
    world.run("get charts").exits(0).prints(&["Twins", "Slow", "web.ms"]);
    world.run("get charts Twins/S*").exits(0).prints(&["Slow"]);
    world.run("get annotations").exits(0).prints(&["deploys"]);
    world.run("get sources").exits(0);
    let none = world.run("get dashboards").exits(0).says(&["There are no dashboards."]);
    assert_eq!(none.stdout, "");
    world.run("get spaces nothing*").exits(0).says(&["No spaces fit nothing*."]);
}

#[test]
fn one_object_is_shown_with_everything_but_its_secrets() {
    let world = World::new();
    world.run("get alert web.slow").exits(0).prints(&[
        "name: web.slow",
        "threshold: 800",
        "url: (sensitive)",
    ]);
    world.run("get service ops").exits(0).prints(&["title: ops", "url: (sensitive)"]);
    for format in ["json", "yaml", "table"] {
        world.run(&format!("get service --id 1 --format {format}")).exits(0).prints(&["ops", "(sensitive)"]);
        world.run(&format!("get alerts --format {format}")).exits(0).prints(&["web.slow"]);
    }
    let both = world.run("get space Twins").exits(0);
    assert_eq!(both.stdout.lines().count(), 3, "several of one name are a table:\n{}", both.stdout);
    world.run("get chart --id 1").exits(0).prints(&["name: Slow"]);
    world.run("get event deploys --id 1").exits(0).prints(&["title: v91"]);
    world
        .run("get alert web.slwo")
        .exits(1)
        .says(&["there is no alert called \"web.slwo\"", "did you mean \"web.slow\"?"]);
    world.run("get alert --id 77").exits(1).says(&["there is no alert with the id 77"]);
    world.send("POST", "/v1/api_tokens", &json!({"name": "reader", "role": "viewer"}));
    world.run("get tokens").exits(0).prints(&["reader", "viewer"]);
    let token = world.run("get token reader --format json").exits(0).json();
    assert_eq!(token["tokens"][0]["token"], "(sensitive)");
}

#[test]
fn events_and_measurements_are_chosen_by_time() {
    let world = World::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (ago, value) in [(300, 1), (200, 2), (100, 3)] {
        let one = json!({"name": "web.ms", "value": value, "source": "web-1", "measure_time": now - ago});
        world.send("POST", "/v1/metrics", &json!({"gauges": [one]}));
    }
    let values = |command: &str| {
        let found = world.run(command).exits(0).json();
        let rows = found["measurements"].as_array().unwrap().clone();
        rows.iter().map(|row| row["value"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(values("get measurements web.ms --format json"), [1.0, 2.0, 3.0]);
    assert_eq!(values("get measurements web.ms --count 1 --format json"), [3.0]);
    assert_eq!(values("get measurements web.ms --start -250 --format json"), [2.0, 3.0]);
    assert_eq!(values("get measurements web.ms --start -250s --end -150s --format json"), [2.0]);
    assert!(values("get measurements web.ms --source db* --format json").is_empty());
    world.run("get measurements web.ms").exits(0).prints(&["SOURCE", "web-1", "3"]);
    world.run("get measurements nothing").exits(1).says(&["there is no metric called \"nothing\""]);
    world.run("get events nothing").exits(1).says(&["there is no annotation stream called \"nothing\""]);

    world.run("get events deploys").exits(0).prints(&["2023-11-14T22:13:20Z", "web-1", "v91"]);
    let late = world.run("get events deploys --start 2023-11-15T00:00:00Z --format json").exits(0).json();
    assert_eq!(late["events"], json!([]));
}

#[test]
fn what_makes_no_sense_is_wrong_usage() {
    let world = World::new();
    for (command, words) in [
        ("get alerts --start -1h", "alerts have no times to choose by"),
        ("get measurements", "measurements of which metric?"),
        ("get events", "events of which annotation stream?"),
        ("get snapshots", "snapshots cannot be listed"),
        ("get metric --id 4", "metrics have no ids"),
        ("get alert web.slow --id 1", "a name and an id are given"),
        ("get measurements web.ms --start yesterday", "`yesterday` is not a time"),
        ("get alerts [", "is not a pattern"),
        ("delete measurements web.ms --auto-approve", "measurements cannot be deleted"),
        ("delete event deploys --auto-approve", "which event?"),
        ("delete alert web.slow", "nobody can be asked"),
        ("delete alert --auto-approve", "which alert?"),
    ] {
        world.run(command).exits(64).says(&[words]);
    }
    Cli::new(tempfile::tempdir().unwrap().path())
        .run(&["get", "alerts"])
        .exits(64)
        .says(&["there is no endpoint"]);
}

#[test]
fn deleting_is_exact_and_bounded_by_rules() {
    let world = World::new();
    world.server.writes();
    world.run("delete metric web.ms db.ms --auto-approve").exits(3).says(&[
        "web.ms, db.ms",
        "all its measurements",
        "--delete-data",
    ]);
    world.run("delete annotation deploys --auto-approve").exits(3).says(&["all its events"]);
    world.run("delete service ops --auto-approve").exits(3).says(&["still used by the alerts web.slow"]);
    let duplicates = world.run("delete space Twins --auto-approve").exits(3);
    duplicates.says(&["2 spaces are called \"Twins\": ids 1, 2", "librato-apply delete space --id 1"]);
    world.run("delete alert web.slow web.slwo --auto-approve").exits(1).says(&["did you mean \"web.slow\"?"]);
    world
        .run("delete alert web.slo* --auto-approve")
        .exits(1)
        .says(&["exact names only", "get alerts 'web.slo*'"]);
    world.run("notify test op").exits(1).says(&["did you mean \"ops\"?"]);
    world.send("POST", "/v1/annotations/librato.alerts", &json!({"title": "fired"}));
    assert_eq!(
        world.server.writes(),
        ["POST /v1/annotations/librato.alerts"],
        "what is refused writes nothing"
    );
    world
        .run("delete annotation librato.alerts --delete-data --auto-approve")
        .exits(3)
        .says(&["never deleted"]);

    world
        .run("delete metric WEB.MS db.ms db.ms --delete-data --auto-approve")
        .exits(0)
        .prints(&["Deleted metric \"web.ms\"."]);
    world.run("delete composite web.rate --auto-approve").exits(0);
    world.run("delete composite web.hits --auto-approve").exits(1).says(&["no composite called"]);
    world.run("delete space --id 2 --auto-approve").exits(0).prints(&["Deleted space \"Twins\" (id 2)."]);
    world.run("delete chart Twins/Slow --auto-approve").exits(0);
    world
        .run("delete event deploys --id 1 --auto-approve")
        .exits(0)
        .prints(&["Deleted event \"v91\" (id 1)."]);
    world.run("delete alert web.slow --auto-approve").exits(0);
    world.run("delete service ops --auto-approve").exits(0);
    assert_eq!(
        world.server.writes(),
        [
            "DELETE /v1/metrics/web.ms",
            "DELETE /v1/metrics/db.ms",
            "DELETE /v1/metrics/web.rate",
            "DELETE /v1/spaces/2",
            "DELETE /v1/spaces/1/charts/1",
            "DELETE /v1/annotations/deploys/1",
            "DELETE /v1/alerts/1",
            "DELETE /v1/services/1",
        ]
    );
}

#[test]
fn an_alert_is_resolved_by_name_or_id() {
    let world = World::new();
    let quiet = world.run("resolve web.slow").exits(0);
    quiet.prints(&["alert \"web.slow\" (id 1) on http", "is not triggered: there is nothing to resolve"]);
    world.run("resolve --id 2").exits(0).prints(&["alert \"db.slow\" (id 2)"]);
    assert!(!world.server.writes().iter().any(|write| write.contains("clear")));
    world.run("resolve web.fast").exits(1).says(&["there is no alert called \"web.fast\""]);
    world.run("resolve").exits(64);
}

#[test]
fn what_is_triggered_is_shown_and_resolved() {
    let trap = Trap::start_by(|head| {
        let alert = r#"{"id":7,"name":"a","active":true,"conditions":[],"services":[]}"#;
        Some(match head.split(' ').collect::<Vec<_>>()[..2] {
            ["GET", "/v1/alerts/7/status"] => json_answer(200, r#"{"alert":{"id":7},"status":"triggered"}"#),
            ["GET", "/v1/alerts/status"] => {
                json_answer(200, r#"{"firing":[{"id":7,"triggered_at":1700000000}],"cleared":[]}"#)
            }
            ["GET", _] => json_answer(200, &format!(r#"{{"query":{{"found":1}},"alerts":[{alert}]}}"#)),
            _ => json_answer(200, ""),
        })
    });
    let run = |args: &[&str]| {
        let cli = Cli::new(std::path::Path::new(".")).env("LIBRATO_ENDPOINT", &trap.endpoint());
        cli.env("LIBRATO_USER", "u").env("LIBRATO_TOKEN", cli::TOKEN).run(args).exits(0)
    };
    run(&["get", "alerts"]).prints(&["STATUS", "triggered 2023-11-14T22:13:20Z"]);
    let resolved = run(&["resolve", "a"]).prints(&["Resolved alert \"a\" (id 7)"]);
    assert_eq!(resolved.stderr, "");
}

#[test]
fn a_space_is_the_same_by_name_and_by_id_with_its_charts() {
    let world = World::new();
    world.send("POST", "/v1/spaces", &json!({"name": "Shop"}));
    let chart = json!({"name": "Orders", "type": "line", "streams": [{"metric": "web.hits", "source": "*"}]});
    world.send("POST", "/v1/spaces/3/charts", &chart);
    for format in ["", " --format json", " --format yaml"] {
        let by_name = world.run(&format!("get space Shop{format}")).exits(0).prints(&["Orders", "web.hits"]);
        assert_eq!(by_name.stdout, world.run(&format!("get space --id 3{format}")).exits(0).stdout);
    }
}

#[test]
fn deleting_several_goes_on_after_a_failure_and_says_so() {
    let trap = Trap::start_by(|head| {
        let list = |names: &[&str]| {
            let items: Vec<_> =
                names.iter().zip(1..).map(|(name, id)| json!({"id": id, "name": name})).collect();
            let body = json!({"query": {"found": items.len()}, "spaces": items});
            Some(json_answer(200, &body.to_string()))
        };
        match head.split(' ').collect::<Vec<_>>()[..2] {
            ["GET", _] => list(&["a\u{1b}[2J", "b"]),
            ["DELETE", "/v1/spaces/1"] => {
                Some(json_answer(403, r#"{"errors":{"request":["\u001b[2Jnot permitted"]}}"#))
            }
            _ => Some(json_answer(200, "")),
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let cli = || {
        let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &trap.endpoint());
        cli.env("LIBRATO_USER", "u").env("LIBRATO_TOKEN", "token-of-the-tests")
    };
    let ran = cli().run(&["delete", "space", "a\u{1b}[2J", "b", "--auto-approve"]).exits(4);
    assert!(!ran.all().contains('\u{1b}'), "{:?}", ran.all());
    ran.says(&["was not deleted", "not permitted"]).prints(&["Deleted space \"b\" (id 2)."]);
    for format in ["table", "json", "yaml"] {
        let ran = cli().run(&["get", "spaces", "--format", format]).exits(0);
        assert!(!ran.all().contains('\u{1b}'), "{:?}", ran.all());
    }
}

/// What bash offers at a Tab, asked as readline asks it: the script is sourced by a real one.
#[test]
fn bash_completes_flags_values_and_names() {
    let bash = std::path::Path::new("/bin/bash");
    if !bash.exists() {
        assert!(std::env::var("CONFORMANCE").is_err(), "there is no bash");
        eprintln!("skipped: there is no bash to complete in");
        return;
    }
    let world = World::new();
    let offers = |line: &str| {
        let script = format!(
            "source <('{}' completions bash)\nCOMP_LINE=$1 COMP_POINT=${{#1}}\n\
             piece=${{1##*[ :=\\\"]}}\n_librato_apply librato-apply \"$piece\" x\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_librato-apply")
        );
        let mut command = std::process::Command::new(bash);
        command.args(["--norc", "-c", &script, "bash", line]).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("LIBRATO_USER", cli::USER).env("LIBRATO_TOKEN", cli::TOKEN);
        let ran = Cli { command }.run(&[]).exits(0);
        ran.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let at = format!("--endpoint {}", world.server.endpoint());
    assert_eq!(offers("librato-apply plan --fo"), ["--format"]);
    assert_eq!(offers("librato-apply plan --format "), ["text", "json", "markdown", "html"]);
    assert_eq!(offers("librato-apply plan --format=js"), ["json"]);
    assert!(offers("librato-apply get ").contains(&"alerts".to_owned()));
    assert!(!offers("librato-apply get ").iter().any(|offer| offer.starts_with('-')));
    assert_eq!(offers(&format!("librato-apply get {at} alerts web.")), ["web.slow"]);
    assert_eq!(offers(&format!("librato-apply delete metric {at} web.h")), ["web.hits"]);
    assert_eq!(offers(&format!("librato-apply resolve {at} d")), ["db.slow"]);
    assert_eq!(offers(&format!("librato-apply query {at} web.r")), ["web.rate"]);
    assert_eq!(offers(&format!("librato-apply submit {at} web.h")), ["web.hits"]);
    assert_eq!(offers(&format!("librato-apply annotate {at} dep")), ["deploys"]);
    assert_eq!(offers("librato-apply man que"), ["query"]);
    assert_eq!(offers("librato-apply get alerts --endpoint https"), ["https://"]);
    let nobody = "--endpoint http://127.0.0.1:1";
    assert_eq!(offers(&format!("librato-apply get {nobody} alerts web.")), [""], "silent, and soon");
}

#[test]
fn names_with_blanks_and_names_in_files_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    let file = "spaces: { Web shop: { charts: [] } }\nmetrics: { web.ms: { type: gauge } }\n";
    std::fs::write(dir.path().join("a.yaml"), file).unwrap();
    let at = ["--endpoint", "embedded:./a.db"];
    Cli::new(dir.path()).run(&[&["apply", "a.yaml", "--auto-approve"], &at[..]].concat()).exits(0);
    let offers = |line: &str| {
        let piece = line.rsplit([' ', ':', '=']).next().unwrap();
        let ran =
            Cli::new(dir.path()).env("LIBRATO_APPLY_COMPLETE", "bash").run(&["--", line, piece]).exits(0);
        ran.stdout
    };
    assert_eq!(offers("librato-apply get --endpoint embedded:./a.db space We"), "Web\\ shop\n");
    assert_eq!(offers("librato-apply get --endpoint embedded:./a.db space \"We"), "Web shop\n");
    assert_eq!(offers("librato-apply get spaces --endpoint emb"), "embedded:./a.db\n");
    assert_eq!(offers("librato-apply get spaces --endpoint embedded:./"), "./a.db\n");
    assert_eq!(offers("librato-apply plan a.yaml --target metric/w"), "metric/web.ms\n");
    assert_eq!(offers("librato-apply plan --target space/"), "space/Web\\ shop\n");
    assert_eq!(offers("librato-apply get --endpoint embedded:./typo.db alerts x"), "");
    assert!(!dir.path().join("typo.db").exists());
}

#[test]
fn parts_of_names_are_answered_with_names() {
    let world = World::new();
    world.run("get alert WEB").exits(1).says(&["did you mean \"web.slow\"?"]);
    let says = ["did you mean \"Twins/Slow\"?", "get charts 'Twi*/*'"];
    world.run("get charts Twi").exits(1).says(&says);
}

/// A misspelt name is no success, and leaves no document behind.
#[test]
fn an_export_of_what_is_not_there_is_no_success() {
    let world = World::new();
    let ran = world.run("export alert/nosuch").exits(1).says(&["nothing fits alert/nosuch"]);
    assert_eq!(ran.stdout, "");
    world.run("export alert/web.slow alert/nosuch").exits(4).says(&["nothing fits alert/nosuch"]);
    world.run("export annotation").exits(0);
}

#[test]
fn the_audit_tells_who_changed_what() {
    let world = World::new();
    world.send(
        "PUT",
        "/v1/services/1",
        &json!({"settings": {"url": "https://hooks.example.org/T0/canary-2"}}),
    );
    world.send("PUT", "/v1/metrics/db.ms", &json!({"period": 60}));
    let all = world.run("get audit").exits(0);
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert!(lines[0].starts_with("TIME") && lines[0].contains("CHANGED"), "{}", all.stdout);
    let last = lines.last().unwrap();
    for word in ["ops@example.org", "change", "metric", "db.ms", "period", "127.0.0.1"] {
        assert!(last.contains(word), "{word}: {last}");
    }
    assert!(all.stdout.contains("settings"), "{}", all.stdout);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let newest = world.run("get audit --count 1").exits(0);
    assert_eq!(
        (newest.stdout.lines().count(), newest.stdout.lines().last().map(words)),
        (2, Some(words(last)))
    );
    let named = world.run("get audit db.ms --start -1h --format json").exits(0).json();
    let actions: Vec<&str> =
        named["audit"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["create", "change"]);
    world.run("get audit nobody").exits(0).says(&["Nobody changed"]);
    world.run("get audit --end -1h").exits(64).says(&["--start and --count"]);
    world.run("delete audit x").exits(64);
    let foreign = Trap::start(Some(json_answer(404, "{}")));
    let dir = tempfile::tempdir().unwrap();
    let cli = Cli::new(dir.path()).env("LIBRATO_USER", "u").env("LIBRATO_TOKEN", "t0ken-of-nobody");
    cli.env("LIBRATO_ENDPOINT", &foreign.endpoint())
        .run(&["get", "audit"])
        .exits(1)
        .says(&["keeps no audit"]);
}

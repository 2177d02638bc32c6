//! Plan and apply by the real binary against a real server in a process of its own: exit codes, streams, and what is really sent.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::cli::{Cli, Ran, Server, TOKEN, Trap, USER, json_answer, project};
use serde_json::{Value, json};

const DEFINITIONS: &str = r##"
metrics:
  web.ms:
    type: gauge
    period: 60s
    attributes: { display_units_short: ms, color: "#52D74C" }
  web.hits: { type: counter }
composites:
  web.worst: { composite: 'max(s("web.ms", "*"))' }
annotations:
  web.deploys: { display_name: Deployments }
services:
  ops-mail: { type: mail, settings: { addresses: ops@example.org } }
alerts:
  web.slow:
    description: Pages are slow
    conditions:
      - type: above
        metric_name: web.ms
        threshold: 800
        duration: 5m
      - { type: below, metric_name: web.hits, threshold: 1, duration: 10m }
    services: [ops-mail]
    attributes: { runbook_url: https://wiki.example.org/slow }
"##;

/// A project and a server that knows nothing yet.
struct World {
    dir: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new(definitions: &str) -> Self {
        let dir = project(&[("def/web.yaml", definitions)]);
        let server = Server::start(&dir.path().join("web.db"));
        Self { dir, server }
    }

    /// A world in which the definitions were applied.
    fn applied(definitions: &str) -> Self {
        let world = Self::new(definitions);
        world.run(&["apply", "def", "--auto-approve"]).exits(0);
        world.server.log();
        world
    }

    fn cli(&self) -> Cli {
        self.server.cli(self.dir.path())
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.cli().run(args)
    }

    fn rewrite(&self, from: &str, to: &str) {
        let path = self.dir.path().join("def/web.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    fn alert(&self) -> Value {
        let (status, list) = self.server.call("GET", "/v1/alerts", "");
        assert_eq!(status, 200, "{list}");
        list["alerts"][0].clone()
    }
}

#[test]
fn apply_then_plan_is_empty_and_neither_plan_writes() {
    let world = World::new(DEFINITIONS);
    let planned = world.run(&["plan", "def"]).exits(0).prints(&["6 to create, 0 to update, 0 to delete"]);
    assert_eq!(planned.stderr, "");
    assert_eq!(world.server.writes(), [""; 0], "planning writes nothing");
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(2);

    let applied = world.run(&["apply", "def", "--auto-approve"]).exits(0);
    // This server has no relay, which who applies should know.
    let note = "note: service \"ops-mail\": notifications to it will not be sent: no mail relay is configured (`serve --smtp`)\n";
    assert_eq!(applied.stdout, format!("{note}Done: 6 changes written.\n"));
    applied.says(&["6 to create", "done: create alert web.slow"]);
    assert!(world.server.writes().len() >= 6);

    world
        .run(&["plan", "def", "--detailed-exitcode"])
        .exits(0)
        .prints(&["Nothing to change: 6 objects are as written."]);
    let again = world.run(&["apply", "def", "--auto-approve"]).exits(0);
    assert_eq!(again.stdout, "Nothing to change.\n");
    assert_eq!(world.server.writes(), [""; 0]);
}

#[test]
fn what_no_file_declares_is_counted_or_named_without_a_request_more() {
    let world = World::applied(DEFINITIONS);
    let by_hand =
        r#"{"name": "by.hand", "conditions": [{"type": "above", "metric_name": "web.ms", "threshold": 1}]}"#;
    assert_eq!(world.server.call("POST", "/v1/alerts", by_hand).0, 201);
    world.server.log();
    let requests = |args: &[&str]| {
        let ran = world.run(&[&["plan", "def"], args].concat()).exits(0);
        let mut requests = world.server.requests();
        requests.sort();
        (ran, requests)
    };
    let (counted, few) = requests(&["--detailed-exitcode"]);
    counted.prints(&["6 objects are as written.\nNot in these files: 1 alert (--unmanaged names them).\n"]);
    let (named, same) = requests(&["--unmanaged", "--quiet"]);
    named.prints(&["Not in these files, and left as they are: 1 alert\n    alert/by.hand\n"]);
    assert_eq!(few, same);
    assert_eq!(requests(&["--format", "json"]).0.json()["unmanaged"], json!({"counts": {"alert": 1}}));
    let document = requests(&["--format", "json", "--unmanaged"]).0.json();
    assert_eq!(document["unmanaged"]["objects"], json!([{"kind": "alert", "name": "by.hand"}]));
    requests(&["--format", "markdown"]).0.prints(&["Not in these files: 1 alert"]);
    let (markdown, _) = requests(&["--format", "markdown", "--unmanaged"]);
    markdown.prints(&["<summary>1 alert</summary>\n\n- <code>by.hand</code>\n"]);
    let (none, _) = requests(&["--target", "service/*", "--unmanaged"]);
    none.prints(&["nothing of these kinds that is not in these files"]);
}

#[test]
fn a_stream_is_made_without_leaving_an_event_behind() {
    let world = World::applied(DEFINITIONS);
    let (status, stream) = world.server.call("GET", "/v1/annotations/web.deploys?start_time=1", "");
    assert_eq!((status, &stream["display_name"]), (200, &json!("Deployments")));
    assert!(!stream.to_string().contains("librato-apply"), "{stream}");
}

#[test]
fn one_changed_threshold_is_one_line_with_its_place_and_one_write() {
    let world = World::applied(DEFINITIONS);
    world.rewrite("threshold: 800", "threshold: 900");
    let before = world.alert();
    let planned = world.run(&["plan", "def"]).exits(0);
    let changed: Vec<&str> = planned.stdout.lines().filter(|line| line.contains(" → ")).collect();
    let [line] = changed[..] else { panic!("{}", planned.stdout) };
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["conditions[0].threshold:", "800", "→", "900", "def/web.yaml:20:20"]);

    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    let id = before["id"].as_u64().unwrap();
    assert_eq!(world.server.writes(), [format!("PUT /v1/alerts/{id}")]);
    let after = world.alert();
    assert_eq!(after["conditions"][0]["threshold"], 900.0);
    assert_eq!(after["conditions"][1], before["conditions"][1], "the other condition keeps its id");
    for kept in ["id", "description", "services", "attributes", "rearm_seconds"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
}

/// Where the services are not exported with the alerts, another service of that title must not do elsewhere.
#[test]
fn a_partial_export_says_the_types_of_services() {
    let world = World::applied(DEFINITIONS);
    let exported = world.run(&["export", "alerts"]).exits(0).prints(&["external: true\n    type: "]);
    assert!(!exported.stdout.contains("settings"), "{}", exported.stdout);
}

#[test]
fn a_backup_says_the_types_of_services() {
    let world = World::applied(DEFINITIONS);
    world.rewrite("wiki.example.org/slow", "wiki.example.org/fast");
    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    let kept = std::fs::read_dir(world.dir.path().join(".librato-apply/backups")).unwrap();
    let texts = kept.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let texts: Vec<String> = texts.filter(|text| text.contains("alerts:")).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("external: true\n    type: "), "{}", texts[0]);
}

#[test]
fn what_others_changed_in_undeclared_fields_stays() {
    let world = World::applied(DEFINITIONS);
    let by_hand = r#"{"display_name": "By hand", "attributes": {"aggregate": true, "display_max": 5}}"#;
    assert_eq!(world.server.call("PUT", "/v1/metrics/web.ms", by_hand).0, 204);
    let alert = world.alert();
    let put = json!({"name": "web.slow", "conditions": alert["conditions"], "rearm_per_signal": true,
                     "attributes": {"runbook_url": "https://wiki.example.org/slow", "team": "web"}});
    let path = format!("/v1/alerts/{}", alert["id"]);
    assert_eq!(world.server.call("PUT", &path, &put.to_string()).0, 204);
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0);

    world.rewrite("period: 60s", "period: 5m");
    world.rewrite("wiki.example.org/slow", "wiki.example.org/fast");
    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    let metric = world.server.call("GET", "/v1/metrics/web.ms", "").1;
    assert_eq!((&metric["period"], &metric["display_name"]), (&json!(300), &json!("By hand")));
    assert_eq!(
        (&metric["attributes"]["aggregate"], &metric["attributes"]["display_units_short"]),
        (&json!(true), &json!("ms"))
    );
    let alert = world.alert();
    assert_eq!(alert["attributes"], json!({"runbook_url": "https://wiki.example.org/fast", "team": "web"}));
    assert_eq!(alert["rearm_per_signal"], true);
}

/// What a nightly job must see: a pager that somebody switched off, and one whose `active: false` was taken out of the files.
#[test]
fn a_muted_alert_is_drift() {
    let world = World::applied(DEFINITIONS);
    let alert = world.alert();
    let put = json!({"name": "web.slow", "conditions": alert["conditions"], "active": false});
    let path = format!("/v1/alerts/{}", alert["id"]);
    assert_eq!(world.server.call("PUT", &path, &put.to_string()).0, 204);
    world
        .run(&["plan", "def", "--detailed-exitcode"])
        .exits(2)
        .prints(&["active: false → true", "is switched on and may page at once"]);
    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    assert_eq!(world.alert()["active"], true);
}

/// Against a service written by hand, so that bodies can be read and fields exist that nobody knows.
#[test]
fn a_put_holds_what_changed_and_what_the_api_demands() {
    let service = Trap::start_by(|head| {
        let page = |key: &str, items: Value| {
            let query = json!({"found": 1, "length": 1, "offset": 0, "total": 1});
            Some(json_answer(200, &json!({"query": query, key: items}).to_string()))
        };
        match head.split(['?', ' ']).take(2).collect::<Vec<_>>()[..] {
            ["GET", "/v1/metrics"] => page(
                "metrics",
                json!([{"name": "m", "type": "gauge", "period": 60, "display_name": "Old",
                "unheard": 1, "attributes": {"color": "#000000", "created_by_ua": "x"}}]),
            ),
            ["GET", "/v1/services"] => page(
                "services",
                json!([{"id": 5, "title": "ops", "type": "mail", "settings": {"addresses": "a@b.c"}}]),
            ),
            ["GET", "/v1/alerts"] => page(
                "alerts",
                json!([{"id": 7, "name": "a", "description": "Old", "services": [{"id": 5}],
                "rearm_seconds": 600, "unheard": true, "conditions": [
                {"id": 11, "type": "above", "metric_name": "m", "threshold": 1.0, "summary_function": "average", "unheard": "x"}]}]),
            ),
            _ => Some(json_answer(200, "")),
        }
    });
    let dir = project(&[(
        "a.yaml",
        concat!(
            "metrics: { m: { type: gauge, period: 60, display_name: New } }\n",
            "services: { ops: { external: true } }\n",
            "alerts: { a: { description: New, conditions: [{ type: above, metric_name: m, threshold: 1 }], services: [ops] } }\n",
        ),
    )]);
    let cli = Cli::new(dir.path()).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN);
    cli.env("LIBRATO_ENDPOINT", &service.endpoint())
        .run(&["apply", "--auto-approve", "--no-backup"])
        .exits(0);
    let writes: Vec<(String, Value)> = service
        .seen()
        .iter()
        .filter(|request| !request.starts_with("GET "))
        .map(|request| {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            (head.split(" HTTP/").next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
        })
        .collect();
    let condition = json!({"id": 11, "type": "above", "metric_name": "m", "threshold": 1.0, "summary_function": "average", "unheard": "x"});
    assert_eq!(
        writes,
        [
            ("PUT /v1/metrics/m".to_owned(), json!({"display_name": "New"})),
            (
                "PUT /v1/alerts/7".to_owned(),
                json!({"name": "a", "conditions": [condition], "description": "New"})
            ),
        ]
    );
}

#[test]
fn what_fails_does_not_hold_up_the_rest() {
    // What a server takes at one time only that server knows.
    let dir = project(&[(
        "def/web.yaml",
        &format!(
            "{DEFINITIONS}  web.pigeon: {{ conditions: [{{ type: above, metric_name: web.ms, threshold: 5 }}], services: [pigeon] }}\n"
        ),
    )]);
    let server = Server::start_with(&dir.path().join("web.db"), TOKEN, &["--max-body", "4096"]);
    let world = World { dir, server };
    let long = format!("https://example.org/{}", "roof".repeat(2000));
    world.rewrite(
        "services:\n  ops-mail",
        &format!("services:\n  pigeon: {{ type: webhook, settings: {{ url: {long} }} }}\n  ops-mail"),
    );
    let ran = world.run(&["apply", "def", "--auto-approve"]).exits(4);
    let ran = ran.prints(&[
        "failed: create service pigeon  (def/web.yaml:13:3)",
        "413",
        "skipped: create alert web.pigeon",
        "it needs the create of service \"pigeon\"",
        "Done in part: 6 done, 1 failed, 1 skipped. Mend what failed, for the reasons above, then run again.",
    ]);
    assert!(!ran.stdout.contains("roof"), "{}", ran.stdout);
    // Once more it is the same, and nothing is said to have been done.
    world.run(&["apply", "def", "--auto-approve"]).exits(4).prints(&["Not done: 1 failed, 1 skipped. Mend"]);
    // Running again does what is left, once it can be done.
    world.rewrite(&long, "https://example.org/short");
    world.run(&["apply", "def", "--auto-approve"]).exits(0).prints(&["2 changes written"]);
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0);
}

/// A word that no service may know is kept with a warning; of the built-in server it is known which words it takes.
#[test]
fn a_misspelt_word_is_an_error_where_the_service_is_known_to_refuse_it() {
    let words = "services: { ops: { type: slak, settings: { url: 'https://example.org/x' } } }\n\
                 metrics: { m: { type: gauge } }\n\
                 spaces: { Web: { charts: [{ name: A, type: pie, streams: [{ metric: m, group_function: breakot }] }] } }\n";
    let said = [
        "error[unknown-service-type]",
        "did you mean `slack`?",
        "`bignumber`",
        "did you mean `breakout`?",
        "the built-in server",
        "3 errors",
    ];
    let world = World::new(words);
    world.run(&["validate", "def"]).exits(0).says(&["warning[unknown-service-type]"]);
    world.run(&["plan", "def"]).exits(1).says(&said);
    world.run(&["apply", "def", "--auto-approve"]).exits(1).says(&said);
    assert_eq!(world.server.writes(), [""; 0]);
    for command in [&["plan", "def"][..], &["apply", "def", "--auto-approve"]] {
        let cli = Cli::new(world.dir.path()).env("LIBRATO_ENDPOINT", "embedded:new.db");
        let ran = cli.run(command).exits(1).says(&said);
        assert!(!ran.stderr.contains("made") && !world.dir.path().join("new.db").exists(), "{}", ran.stderr);
    }
    // Others may know more, unless they are the same server, whatever else they say of themselves.
    let plan = |mark: &'static str| {
        let service = Trap::start_by(move |request| {
            let list = request
                .split(['/', '?', ' '])
                .find(|word| ["metrics", "services", "spaces"].contains(word))?;
            let empty = json!({"query": {"found": 0, "total": 0, "offset": 0, "length": 0}, list: []});
            let answer = String::from_utf8(json_answer(200, &empty.to_string())).unwrap();
            Some(answer.replacen("\r\n", mark, 1).into_bytes())
        });
        let cli = Cli::new(world.dir.path()).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN);
        cli.env("LIBRATO_ENDPOINT", &service.endpoint()).run(&["plan", "def"])
    };
    plan("\r\n").says(&["warning[unknown-service-type]", "did you mean `slack`?"]);
    plan("\r\nx-librato-apply: serve\r\n").exits(1).says(&said);
}

/// What only the comparison finds wrong leaves no file behind, and neither does a question that nobody answers with yes.
#[test]
fn a_file_is_made_once_there_is_something_to_write() {
    let dir = project(&[
        (
            "wrong.yaml",
            "services: { ops: { type: mail, external: true } }\nmetrics: { m: { type: gauge } }\n",
        ),
        ("empty.yaml", "metrics: {}\n"),
        ("good.yaml", "metrics: { m: { type: gauge } }\n"),
    ]);
    let apply = |file: &str| {
        let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", "embedded:new.db");
        cli.run(&["apply", file, "--auto-approve"])
    };
    for (file, code) in [("wrong.yaml", 1), ("empty.yaml", 0)] {
        let ran = apply(file).exits(code);
        assert!(!ran.stderr.contains("made"), "{file}: {}", ran.stderr);
        let left = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("new.db")).collect();
        assert!(left.is_empty(), "{file} left {left:?}");
    }
    let ran = apply("good.yaml").exits(0).says(&["note: made new.db"]).prints(&["1 change written"]);
    assert_eq!(ran.stderr.matches("made").count(), 1, "{}", ran.stderr);
    let ran = apply("good.yaml").exits(0);
    assert!(!ran.stderr.contains("made"), "{}", ran.stderr);
}

/// What the files alone show, and what only the service shows, is one report with one count.
#[test]
fn warnings_of_files_and_of_the_plan_are_counted_together() {
    let world = World::new(
        "vars: { unused: 1 }\nalerts: { x: { conditions: [{ type: above, metric_name: m, threshold: 5 }], services: [] } }\n",
    );
    let ran = world.run(&["plan", "def"]).exits(0);
    let warnings = ran.stderr.matches("warning[").count();
    assert!(warnings >= 2, "{}", ran.stderr);
    ran.says(&["warning[unused-variable]", "warning[unknown-metric]"]);
    world.run(&["plan", "def", "--strict"]).exits(1).says(&[&format!("{warnings} warnings, and --strict")]);
}

#[test]
fn a_refused_plan_is_shown_and_not_written() {
    let world = World::applied(DEFINITIONS);
    world.rewrite("web.hits: { type: counter }", "web.hits: { type: gauge }");
    world
        .run(&["plan", "def", "--detailed-exitcode"])
        .exits(3)
        .prints(&["refused[data-lost]", "--delete-data"]);
    let ran = world.run(&["apply", "def", "--auto-approve"]).exits(3).prints(&["nothing was written"]);
    ran.says(&["refused[data-lost]", "replace metric web.hits"]);
    assert_eq!(world.server.writes(), [""; 0]);
    world.run(&["apply", "def", "--auto-approve", "--delete-data"]).exits(0);
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0);
}

#[test]
fn mistakes_end_before_the_network() {
    let world = World::new("alerts: { x: { conditions: [{ type: abov }] } }\n");
    for command in [&["validate", "def"][..], &["plan", "def"], &["apply", "def", "--auto-approve"]] {
        let ran = world.run(command).exits(1).says(&["did you mean `above`?"]);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.server.requests(), [""; 0]);
}

/// The comment of a pull request is updated with the output: an old plan must not stay there.
#[test]
fn a_comment_says_why_there_is_no_plan() {
    let world = World::new("alerts: { x: { conditions: [{ type: abov }] } }\n");
    let ran = world.run(&["plan", "def", "--format", "markdown"]).exits(1).says(&["did you mean `above`?"]);
    let lines: Vec<&str> = ran.stdout.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines[..3], ["<!-- librato-apply plan -->", "### No plan", "**1 error and 1 warning**"]);
    let error = "- **error** <code>missing-field</code>: ";
    assert!(lines[4].starts_with(error) && lines[4].contains("def/web.yaml:1:"), "{}", ran.stdout);
    assert!(lines.iter().any(|line| line.starts_with("  - did you mean ")), "{}", ran.stdout);

    let world = World::new("metrics: { web.hits: { type: gauge } }\n");
    let plan = ["plan", "def", "--format", "markdown"];
    let plan = world.cli().env("LIBRATO_TOKEN", "wrong-token-canary").run(&plan).exits(1);
    assert!(
        plan.stdout.contains("### No plan\n\n**cannot read http") && plan.stdout.contains("401"),
        "{}",
        plan.stdout
    );
    assert!(!plan.stdout.contains("canary"));
}

/// Ctrl-C: what is under way is finished, the rest is left to the next run.
#[cfg(unix)]
#[test]
fn an_interrupted_apply_is_gone_on_with() {
    let alert =
        |i| format!("  a.{i}: {{ conditions: [{{ type: above, metric_name: m, threshold: {i} }}] }}\n");
    let alerts: String = (0..400).map(alert).collect();
    let world = World::new(&format!("metrics: {{ m: {{ type: gauge }} }}\nalerts:\n{alerts}"));
    let (said, out) = (world.dir.path().join("said"), File::create(world.dir.path().join("said")).unwrap());
    let mut command = world.cli().command;
    command.args(["apply", "def", "--auto-approve", "--parallelism", "2"]).stdout(out).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(stderr.any(|line| line.unwrap().starts_with("done: create alert")), "nothing was written");
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let skipped = stderr.filter(|line| line.as_ref().unwrap().starts_with("skipped")).count();
    assert_eq!((child.wait().unwrap().code(), skipped), (Some(130), 0));
    let said = std::fs::read_to_string(said).unwrap();
    let end = said.lines().last().unwrap();
    assert!(end.starts_with("Interrupted: ") && end.contains(" 0 failed, "), "{end}");
    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0);
}

#[test]
fn warnings_are_errors_under_strict() {
    let world =
        World::new("alerts: { x: { conditions: [{ type: above, metric_name: m, threshold: 5 }] } }\n");
    world.run(&["plan", "def"]).exits(0).says(&["warning[unknown-metric]"]);
    world.run(&["plan", "def", "--strict"]).exits(1).says(&["--strict"]);
    world.run(&["apply", "def", "--strict", "--auto-approve"]).exits(1);
    assert_eq!(world.server.writes(), [""; 0]);
}

#[test]
fn json_is_one_document_with_everything() {
    let world = World::new(DEFINITIONS);
    let plan = world.run(&["plan", "def", "--format", "json"]).exits(0);
    assert_eq!(plan.stderr, "");
    let plan = plan.json();
    assert_eq!(plan["format_version"], 1);
    let applied = world.run(&["apply", "def", "--auto-approve", "--format", "json"]).exits(0).json();
    assert_eq!(applied["plan"], plan);
    assert_eq!((&applied["done"], &applied["failed"]), (&json!(6), &json!(0)));
    assert!(applied["steps"].as_array().unwrap().iter().all(|step| step["place"]["file"] == "def/web.yaml"));
    let nothing = world.run(&["apply", "def", "--auto-approve", "--format", "json"]).exits(0).json();
    assert_eq!((&nothing["done"], &nothing["steps"]), (&json!(0), &json!([])));
}

#[test]
fn two_plans_are_byte_equal() {
    let world = World::new(DEFINITIONS);
    for format in ["text", "json"] {
        let plan = || world.run(&["plan", "def", "--format", format]).exits(0).stdout;
        assert_eq!(plan(), plan());
    }
}

#[test]
fn files_come_from_standard_input_too() {
    let world = World::new(DEFINITIONS);
    let ran = world.cli().run_with(&["apply", "-", "--auto-approve"], DEFINITIONS.as_bytes());
    ran.exits(0).says(&["<stdin>:"]);
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0);
}

#[test]
fn names_are_swapped_in_place() {
    let text = |a: &str, b: &str| {
        let one = |name: &str, from: &str, threshold: u32| {
            format!(
                "  {name}: {{ {from}conditions: [{{ type: above, metric_name: m, threshold: {threshold} }}] }}\n"
            )
        };
        format!("metrics: {{ m: {{ type: gauge }} }}\nalerts:\n{}{}", one(a, "", 1), one(b, "", 2))
    };
    let world = World::applied(&text("a", "b"));
    let ids = |world: &World| {
        let list = world.server.call("GET", "/v1/alerts", "").1;
        let id = |name: &str| {
            let alerts = list["alerts"].as_array().unwrap();
            alerts.iter().find(|alert| alert["name"] == name).map(|alert| alert["id"].clone())
        };
        (id("a"), id("b"))
    };
    let (a, b) = ids(&world);
    world.rewrite("  a: { ", "  B: { renamed_from: b, ");
    world.rewrite("  b: { ", "  a: { renamed_from: b, ");
    world.rewrite("  B: { renamed_from: b, ", "  b: { renamed_from: a, ");
    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    assert_eq!(ids(&world), (b, a));
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut world = World::new(DEFINITIONS);
    world.run(&["apply", "def", "--auto-approve"]).exits(0);
    let data = world.dir.path().join("web.db");
    let killed = std::mem::replace(&mut world.server, Server::start(&world.dir.path().join("other.db")));
    killed.kill();
    world.server = Server::start(&data);
    world.run(&["plan", "def", "--detailed-exitcode"]).exits(0).prints(&["6 objects are as written"]);
}

#[test]
fn a_measurement_is_sent() {
    let world = World::new(DEFINITIONS);
    world
        .run(&["submit", "queue.length", "-5", "--source", "web1"])
        .exits(0)
        .prints(&["Sent queue.length = -5"]);
    world.run(&["submit", "deploys", "1", "--type", "counter"]).exits(0);
    world.run(&["submit", "tagged", "1.5", "--tag", "region=eu"]).exits(0);
    let metric = world.server.call("GET", "/v1/metrics/queue.length", "").1;
    assert_eq!(metric["type"], "gauge");
    assert_eq!(world.server.call("GET", "/v1/metrics/deploys", "").1["type"], "counter");
    world.run(&["submit", "a name with blanks", "1"]).exits(1).says(&["was not accepted", "name"]);
    for wrong in [&["submit", "x", "NaN"][..], &["submit", "x", "1", "--tag", "eu"], &["submit", "x"]] {
        world.run(wrong).exits(64);
    }
}

#[test]
fn mistakes_are_a_document_where_a_document_is_asked_for() {
    let dir = project(&[("def/web.yaml", "metrics: { web.ms: { type: gauge, perod: 60s } }")]);
    let run =
        |args: &[&str]| Cli::new(dir.path()).env("LIBRATO_ENDPOINT", "embedded:./a.db").run(args).exits(1);
    let plan = run(&["plan", "def", "--format", "json"]).json();
    assert_eq!(plan["error"], "1 error");
    assert_eq!(plan["diagnostics"][0]["code"], "unknown-field");
    assert_eq!((&plan["target"], &plan["changes"]), (&json!(""), &json!([])));
    let schema: Value = serde_json::from_str(include_str!("../../schemas/plan.schema.json")).unwrap();
    jsonschema::validate(&schema, &plan).unwrap();
    let outcome = run(&["apply", "def", "--auto-approve", "--format", "json"]).json();
    assert_eq!((&outcome["plan"], &outcome["done"]), (&plan, &json!(0)));
    // A service that cannot be read is no plan either.
    std::fs::write(dir.path().join("def/web.yaml"), "metrics: { web.ms: { type: gauge } }").unwrap();
    std::fs::write(dir.path().join("a.db"), "this is no database, only a text of some length").unwrap();
    let plan = run(&["plan", "def", "--format", "json"]).json();
    assert!(plan["error"].as_str().unwrap().contains("a.db"), "{plan}");
}

#[test]
fn who_plans_alerts_is_told_that_nobody_evaluates_them() {
    let mut world = World::new(DEFINITIONS);
    world.server = Server::start_with(&world.dir.path().join("other.db"), TOKEN, &["--no-alerts"]);
    let note = "this server evaluates no alerts";
    let plan = world.run(&["plan", "def"]).exits(0).says(&[note]);
    assert!(!plan.stdout.contains(note));
    let plan = world.run(&["plan", "def", "--format", "json"]).exits(0).json();
    assert_eq!(plan["diagnostics"][0]["code"], "alerts-not-evaluated");
    world.run(&["apply", "def", "--auto-approve"]).exits(0).says(&[note]);
    let without = World::new("metrics: { web.ms: { type: gauge } }");
    assert_eq!(without.run(&["plan", "def"]).exits(0).stderr, "");
}

//! Evidence in plans: what it says and in which forms, what it refuses, what it reads and how much of it.

use std::io::{Read as _, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::cli::{Ran, Server, Trap, json_answer, project};

const BEFORE: &str = r#"
metrics:
  shop.ms: { type: gauge, period: 60s }
  shop.old: { type: gauge }
services: { hook: { type: webhook, settings: { url: "https://example.org/x" } } }
alerts:
  shop.slow:
    conditions: [{ type: above, metric_name: shop.ms, source: "web*", threshold: 800, duration: 5m }]
    services: [hook]
"#;

const AFTER: &str = r#"
metrics:
  shop.ms: { type: gauge, period: 60s }
  shop.old: { ensure: absent }
services: { hook: { type: webhook, settings: { url: "https://example.org/x" } } }
alerts:
  shop.slow:
    conditions: [{ type: above, metric_name: shop.ms, source: "web*", threshold: 600, duration: 5m }]
    services: [hook]
  shop.nobody:
    conditions: [{ type: above, metric_name: shop.ms, source: "db*", threshold: 5 }]
    services: [hook]
  shop.flaps:
    conditions: [{ type: absent, metric_name: shop.ms, duration: 1m }]
    services: [hook]
spaces:
  Shop:
    charts:
      - { name: Speed, type: line, streams: [{ metric: shop.ms }] }
      - { name: Bare, type: line, streams: [{ metric: shop.none }] }
"#;

/// A server with ten hours of measurements, two peaks among them, and files that lower a threshold.
struct World {
    dir: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new() -> Self {
        let dir = project(&[("def/a.yaml", BEFORE)]);
        let server = Server::start(&dir.path().join("a.db"));
        server.cli(dir.path()).run(&["apply", "def", "--auto-approve"]).exits(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 60 * 60;
        let mut gauges = Vec::new();
        for back in 1..=600 {
            let value = match back {
                100..120 => 900,
                300..310 => 700,
                _ => 100,
            };
            let measured = |name, value| json!({ "name": name, "value": value, "source": "web1", "measure_time": now - 60 * back });
            gauges.extend([measured("shop.ms", value), measured("shop.old", 1)]);
        }
        let (status, said) = server.call("POST", "/v1/metrics", &json!({ "gauges": gauges }).to_string());
        assert_eq!(status, 200, "{said}");
        std::fs::write(dir.path().join("def/a.yaml"), AFTER).unwrap();
        server.log();
        Self { dir, server }
    }

    fn plan(&self, more: &[&str]) -> Ran {
        let args = [&["plan", "def", "--delete-data"], more].concat();
        self.server.cli(self.dir.path()).run(&args)
    }
}

#[test]
fn a_plan_says_what_measurements_tell_of_it() {
    let world = World::new();
    let text = world.plan(&["--evidence=8h"]).exits(0);
    let said = text.prints(&[
        "evidence: 1 stream, last ",
        " · 8 h: fired 1 → 2, notified 2 → 3 (exact)\n",
        "evidence: the alert cannot fire: no stream of `shop.ms` has source `db*`\n",
        "evidence: 8 h: cannot fire (no data in 8h)\n",
        "evidence: streams of `shop.ms` report every 1m: absent for 1m will flap\n",
        "evidence: shows nothing: nothing was measured in 8 h of `shop.none`, which does not exist\n",
        " · from web1",
        "evidence: it is still measured, and comes back with the next measurement\n",
    ]);
    assert!(!said.stdout.contains("Shop/Speed\n      evidence"), "{}", said.stdout);
    assert_eq!(world.server.writes(), [""; 0], "it only reads");

    let document = world.plan(&["--evidence=8h", "--format", "json"]).exits(0).json();
    let slow = document["changes"].as_array().unwrap().iter().find(|it| it["name"] == "shop.slow").unwrap();
    let figures =
        |side: &str| (slow["evidence"][side]["fired"].clone(), slow["evidence"][side]["notified"].clone());
    assert_eq!([figures("before"), figures("after")], [(json!(1), json!(2)), (json!(2), json!(3))]);
    assert_eq!(slow["evidence"]["known"][0]["fidelity"], "exact");
    assert!(document["evidence"]["requests"].as_u64().unwrap() <= 200, "{}", document["evidence"]);
    let schema = serde_json::from_slice(&std::fs::read("schemas/plan.schema.json").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert_eq!(validator.iter_errors(&document).map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0]);

    world.plan(&["--evidence=8h", "--format", "markdown"]).exits(0).prints(&[
        "| action | kind | name | place | what | 8 h before → after |",
        "| fired 1 → 2, notified 2 → 3 |",
        "| cannot fire |",
        "- <code>shop.nobody</code>\n  - **evidence**: the alert cannot fire: no stream of \\`shop.ms\\` has source \\`db\\*\\`\n",
        "- evidence: 1 stream",
    ]);
}

/// One file, with a picture of what the alert watches before and after, the same for the same minute, and beside the comment that links to it.
#[test]
fn the_report_shows_alerts_before_and_after() {
    let world = World::new();
    let report = [
        "--evidence=8h",
        "--format",
        "markdown",
        "--report",
        "plan.html",
        "--report-url",
        "https://ci.example.org/a)b.html",
    ];
    let comment = world.plan(&report).exits(0);
    let comment = comment.prints(&["[The plan as a page, with pictures](https://ci.example.org/a%29b.html)"]);
    assert!(!comment.stdout.contains("<svg"), "{}", comment.stdout);
    let page = std::fs::read_to_string(world.dir.path().join("plan.html")).unwrap();
    for shown in [
        "<meta charset=\"utf-8\">",
        "What it means to the people on call",
        "before: above 800 for 5m",
        "after: above 600 for 5m",
        "red foot: fires as it will be, 2 times",
        "grey bar: fired as it was, 1 time",
        "fired 1 → 2, notified 2 → 3",
        "the alert cannot fire",
        "conditions[0].threshold: 600",
    ] {
        assert!(page.contains(shown), "no {shown} in {page}");
    }
    assert!(page.len() < 2_000_000 && !page.contains("<script") && !page.contains("src="), "{}", page.len());
    world.plan(&["--format", "html", "--report-url", "javascript:1"]).exits(64);
    let applied = ["apply", "def", "--delete-data", "--auto-approve", "--format", "html", "--evidence=8h"];
    let applied = world.server.cli(world.dir.path()).run(&applied).exits(0);
    applied.prints(&["<h1>Applied to", "<td>written</td>", "<svg ", "changes written"]);
}

/// What a composite comes to is drawn, too, where an alert watches that.
#[test]
fn the_report_shows_composites_that_alerts_watch() {
    let files = |threshold: u32| {
        format!(
            r#"
metrics:
  shop.ms: {{ type: gauge, period: 60s }}
  shop.old: {{ type: gauge }}
composites: {{ shop.mean: {{ composite: 'mean(s("shop.ms", "*"))', period: 60s }} }}
services: {{ hook: {{ type: webhook, settings: {{ url: "https://example.org/x" }} }} }}
alerts:
  shop.slow:
    conditions: [{{ type: above, metric_name: shop.ms, source: "web*", threshold: 800, duration: 5m }}]
    services: [hook]
  shop.all.slow:
    conditions: [{{ type: above, metric_name: shop.mean, threshold: {threshold}, duration: 5m }}]
    services: [hook]
"#
        )
    };
    let world = World::new();
    std::fs::write(world.dir.path().join("def/a.yaml"), files(800)).unwrap();
    world.server.cli(world.dir.path()).run(&["apply", "def", "--auto-approve"]).exits(0);
    std::fs::write(world.dir.path().join("def/a.yaml"), files(600)).unwrap();
    let page = world.plan(&["--evidence=8h", "--format", "html"]).exits(0);
    page.prints(&[
        "shop.mean · red foot: fires as it will be, 2 times · grey bar: fired as it was, 1 time",
        "greatest 900",
        "after: above 600 for 5m",
    ]);
}

#[test]
fn an_alert_that_would_be_too_noisy_is_refused() {
    let world = World::new();
    world.plan(&["--evidence=8h", "--deny", "noisy-alerts=3"]).exits(0);
    let args = ["--evidence=8h", "--deny", "noisy-alerts=2", "--out", "a.plan"];
    world.plan(&args).exits(3).prints(&[
        "refused[noisy-alerts]: 1 alert would have notified more than twice",
        "alert/shop.slow: would have notified 3 times in 8 h",
    ]);
    assert!(!world.dir.path().join("a.plan").exists(), "what is refused is not saved");
    // Whoever denies need not ask for evidence, too.
    world.plan(&["--deny", "noisy-alerts=0"]).exits(3).prints(&["in 7 d", "evidence: "]);
    world.plan(&["--deny", "noisy-alerts"]).exits(64).says(&["noisy-alerts=N"]);
    world.plan(&["--evidence=40d"]).exits(64).says(&["1h to 31d"]);
    let apply =
        ["apply", "def", "--delete-data", "--auto-approve", "--deny", "noisy-alerts=2", "--evidence=8h"];
    world.server.cli(world.dir.path()).run(&apply).exits(3).says(&["fired 1 → 2"]);
    assert_eq!(world.server.writes(), [""; 0]);
}

/// Evidence is for whoever decides: it is no part of what is saved, and a saved plan is applied without it.
#[test]
fn a_saved_plan_holds_no_evidence() {
    let world = World::new();
    world.plan(&["--out", "without.plan"]).exits(0);
    world.plan(&["--evidence=8h", "--out", "with.plan"]).exits(0);
    let saved = |name: &str| {
        let text = std::fs::read_to_string(world.dir.path().join(name)).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        // Each seal has a salt of its own.
        let names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        (names, value["steps"].take(), text.contains("fired"))
    };
    assert_eq!(saved("without.plan"), saved("with.plan"));
    let cli = || world.server.cli(world.dir.path());
    cli().run(&["apply", "--plan", "with.plan", "--evidence", "--auto-approve"]).exits(64);
    cli().run(&["apply", "--plan", "with.plan", "--auto-approve"]).exits(0);
}

#[test]
fn without_the_flag_not_one_request_is_made_more() {
    let world = World::new();
    let requests = |more: &[&str]| {
        world.plan(more).exits(0);
        let mut requests = world.server.requests();
        requests.sort();
        requests
    };
    let without = requests(&[]);
    let lists = ["alerts", "metrics", "services", "spaces"].map(|list| format!("GET /v1/{list}"));
    let asked: Vec<&String> = without.iter().filter(|it| !it.ends_with("/shop.none")).collect();
    assert_eq!(asked, lists.iter().collect::<Vec<_>>());
    let mut more = requests(&["--evidence=8h"]);
    for known in &without {
        more.remove(more.iter().position(|it| it == known).unwrap());
    }
    assert!(!more.is_empty() && more.len() <= 8, "{more:?}");
    let measured =
        |it: &String| it.starts_with("GET /v1/measurements/") || it.starts_with("GET /v1/metrics/");
    assert!(more.iter().all(measured), "{more:?}");
}

/// The service answers what a plan needs, and its measurements otherwise.
fn in_front_of(server: &Server, measurements: Option<Vec<u8>>) -> Trap {
    let addr = server.addr;
    Trap::start_by(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        if path.starts_with("/v1/measurements/") || path.starts_with("/v1/metrics/") && path.contains('?') {
            return measurements.clone();
        }
        let mut stream = std::net::TcpStream::connect(addr).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Some(answer)
    })
}

/// Refused, failing again and again, or silent: the plan is shown as without evidence, and what is not known is said, with the reason.
#[test]
fn measurements_that_cannot_be_read_cost_the_evidence_and_not_the_plan() {
    let world = World::new();
    let refused = json_answer(403, r#"{"errors": {"request": ["not for you"]}}"#);
    let failing = json_answer(500, r#"{"errors": {"system": ["out of order"]}}"#);
    for (answer, words) in [
        (
            Some(refused),
            "evidence: `shop.ms` cannot be read: GET /measurements/shop.ms: 403 Forbidden: not for you",
        ),
        (Some(failing), "cut off by the limit of --evidence-timeout 2s, while requests failed ("),
        (None, "cut off by the limit of --evidence-timeout 2s; not read"),
    ] {
        let trap = in_front_of(&world.server, answer);
        let plan = |more: &[&str]| {
            let args = ["plan", "def", "--delete-data", "--evidence=8h", "--evidence-timeout", "2s"];
            let cli = world.server.cli(world.dir.path()).env("LIBRATO_ENDPOINT", &trap.endpoint());
            cli.run(&[&args, more].concat())
        };
        let text = plan(&[]).exits(0).prints(&[
            "conditions[0].threshold: 800 → 600",
            words,
            "not read, or not as a whole: ",
            "alert/shop.slow",
        ]);
        assert!(!text.stdout.contains("fired 0"), "what is not known is no zero: {}", text.stdout);
        // It is judged only by who wants to be sure.
        let noisy = ["--deny", "noisy-alerts=2"];
        plan(&noisy).exits(0).says(&[
            "evidence-missing",
            "did not judge what could not be read: ",
            "shop.slow",
        ]);
        plan(&[&noisy[..], &["--strict"]].concat()).exits(1);
    }
}

/// Alerts on metrics of their own, each with another threshold.
fn many(count: usize, threshold: u32) -> String {
    let metrics: String = (0..count).map(|i| format!("  many.{i}: {{ type: gauge }}\n")).collect();
    let alert = |i| {
        format!(
            "  a.rather.long.name.of.an.alert.{i}: {{ services: [hook], conditions: [{{ type: above, metric_name: many.{i}, threshold: {threshold} }}] }}\n"
        )
    };
    let alerts: String = (0..count).map(alert).collect();
    format!(
        "services: {{ hook: {{ type: webhook, settings: {{ url: \"https://example.org/x\" }} }} }}\nmetrics:\n{metrics}alerts:\n{alerts}"
    )
}

/// How many requests, and the comment.
fn comment(count: usize) -> (u64, String, serde_json::Value) {
    let dir = project(&[("def/a.yaml", &many(count, 5))]);
    let server = Server::start(&dir.path().join("a.db"));
    let cli = || server.cli(dir.path());
    cli().run(&["apply", "def", "--auto-approve", "--quiet"]).exits(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let gauge =
        |i| json!({ "name": format!("many.{i}"), "value": 4, "source": "web1", "measure_time": now - 600 });
    let gauges: Vec<_> = (0..count).map(gauge).collect();
    assert_eq!(server.call("POST", "/v1/metrics", &json!({ "gauges": gauges }).to_string()).0, 200);
    std::fs::write(dir.path().join("def/a.yaml"), many(count, 3)).unwrap();
    let markdown = cli().run(&["plan", "def", "--evidence", "--format", "markdown"]).exits(0).stdout;
    let strict = ["plan", "def", "--format", "json", "--deny", "noisy-alerts=5"];
    let document = cli().run(&strict).exits(0).json();
    (document["evidence"]["requests"].as_u64().unwrap(), markdown, document)
}

#[test]
fn ten_changed_alerts_stay_within_the_bounds() {
    let (requests, markdown, document) = comment(10);
    assert!((10..=40).contains(&requests), "at most four for each condition: {requests}");
    assert_eq!(markdown.matches("| fired 0 → 1, notified 0 → 1 |").count(), 10, "{markdown}");
    assert!(markdown.contains("\n10 alerts notified 0 → 10; more often: "), "{markdown}");
    assert!(markdown.contains(" and 5 others.\n"), "{markdown}");
    assert_eq!(document["evidence"].get("cut"), None);
}

#[test]
fn what_is_not_reached_is_named_and_the_comment_stays_a_comment() {
    let (requests, markdown, document) = comment(200);
    assert_eq!((requests, document["evidence"]["cut"].as_str()), (200, Some("200 requests")));
    let missed = document["evidence"]["missed"].as_array().unwrap();
    assert!(!missed.is_empty() && missed.len() < 200, "{}", missed.len());
    let judged = document["diagnostics"].as_array().unwrap();
    assert!(judged.iter().any(|it| it["code"] == "evidence-missing"), "{judged:?}");
    assert!(markdown.chars().count() < 65_536, "{}", markdown.chars().count());
    assert!(markdown.contains("cut off by the limit of 200 requests"), "{}", &markdown[..500]);
    assert!(markdown.matches("\n| update | alert |").count() == 200, "every alert has its row");
    let row = |words: &str| markdown.matches(words).count();
    let read = row("| fired 0 → 1, notified 0 → 1 |");
    assert_eq!(
        (read, row("| cannot be evaluated: not enough was read |")),
        (read, 200 - read),
        "{}",
        &markdown[..500]
    );
    let noisier = format!("\n{read} alerts notified 0 → {read}; more often: ");
    assert!(read > 50 && markdown.contains(&noisier), "{}", &markdown[..900]);
    // What it means comes before the table, but does not keep anybody from it.
    let folded = markdown.find("<summary>").unwrap();
    assert!(markdown[folded..].contains(" alerts, none of them weaker</summary>"));
    assert!(markdown[..folded].lines().count() < 20, "{}", &markdown[..900]);
}

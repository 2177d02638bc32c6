//! Incidents, deliveries and silences on the command line: against the real server, and against answers of one whose alerts fire.

use serde_json::{Value, json};

use crate::cli::{Cli, Ran, Server, Trap, json_answer};

/// A server with two alerts, and a way to run commands on it.
fn world() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("a.db"));
    for name in ["web.slow", "web.down"] {
        let body = json!({"name": name, "services": [], "conditions": []}).to_string();
        assert_eq!(server.call("POST", "/v1/alerts", &body).0, 201);
    }
    (dir, server)
}

#[test]
fn a_silence_is_made_shown_and_ended() {
    let (dir, server) = world();
    let run = |args: &[&str]| -> Ran { server.cli(dir.path()).run(args) };
    run(&["get", "silences"]).exits(0).says(&["There are no silences."]);
    let made = run(&["silence", "web.*", "--for", "2h", "--stream", "db*", "--why", "moving house"]).exits(0);
    made.prints(&["Silenced web.* on db* until ", "(silence 1): 2 alerts."]);
    let other = run(&["silence", "nosuch", "--until", "+1h", "--start", "+30m", "--why", "x"]).exits(0);
    other.says(&["warning: no alert fits nosuch now"]);
    let listed = run(&["get", "silences"]).exits(0);
    listed.prints(&["ID  ALERT   STREAM  STATUS", "1   web.*   db*     active", "moving house", "pending"]);
    let document = run(&["get", "silences", "web.*", "--format", "json"]).exits(0).json();
    assert_eq!(document["format_version"], 1);
    assert_eq!(
        (document["silences"].as_array().unwrap().len(), &document["silences"][0]["why"]),
        (1, &json!("moving house"))
    );
    let missing = run(&["unsilence", "1", "9"]).exits(1);
    missing.says(&["there is no silence 9 that has not ended; nothing was ended", "get silences"]);
    let ended = run(&["unsilence", "1", "web.*"]).exits(0);
    assert_eq!(ended.stdout, "Ended silence 1 of web.*.\n", "named twice, ended once");
    run(&["unsilence", "web.*"]).exits(1).says(&["there is no silence web.* that has not ended"]);
    let left = run(&["get", "silences"]).exits(0);
    assert!(!left.stdout.contains("moving house"), "{}", left.stdout);
    run(&["get", "silences", "web.*"]).exits(0).says(&["One has ended: --status ended shows them."]);
    let states = run(&["get", "alerts"]).exits(0);
    assert!(!states.stdout.contains("silenced"), "{}", states.stdout);
    run(&["silence", "web.slow", "--for", "1h", "--why", "known"]).exits(0);
    run(&["get", "alerts"]).exits(0).prints(&["silenced until "]);
    run(&["get", "silences", "--status", "ended"]).exits(0).prints(&["moving house"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (dir, server) = world();
    let run = |line: &str| -> Ran { server.cli(dir.path()).run(&line.split(' ').collect::<Vec<_>>()) };
    for line in [
        "silence web.slow --why x",
        "silence web.slow --for 2h",
        "silence web.slow --for 2h --until +3h --why x",
        "silence web.slow --until tomorrow --why x",
        "get alerts --watch",
        "get alerts --status open",
        "get deliveries --watch",
        "get incidents --service ops",
        "get incidents --count 3",
        "get silences --start -1d",
        "get incident --id 3",
        "get incidents --watch --format yaml",
        "delete incident web.slow",
        "delete silence 3",
        "unsilence",
    ] {
        run(line).exits(64);
    }
    // A name that fits nothing is asked about before anything is made of it.
    run("silence web.slo --for 2h --why x")
        .exits(1)
        .says(&["nothing was silenced", "did you mean \"web.slow\"?"]);
    run("get incidents web.slo").exits(1).says(&["did you mean \"web.slow\"?"]);
    run("get deliveries --service hok").exits(1).says(&["there is no service called \"hok\""]);
    run("silence web.slow --until 5h --why x").exits(64).says(&["`+5h` is in so long"]);
    run("get silences").exits(0).says(&["There are no silences."]);
    // What only the server can know comes back in its words.
    run("silence web.slow --for 40d --why x").exits(1).says(&["30 days"]);
    run("get incidents --status new").exits(1).says(&["open, closed"]);
    run("get incidents").exits(0).says(&["There are no incidents in the last 7 days."]);
    run("get deliveries web.* --start -1h")
        .exits(0)
        .says(&["There are no deliveries of web.* in this time."]);
}

fn incident() -> Value {
    json!({
        "id": 3, "incident_key": "abcdef12-7-1", "alert": {"id": 7, "name": "web.slow"}, "stream": null, "status": "open",
        "opened_at": 1_700_000_000, "triggered_at": 1_700_000_000, "closed_at": null, "closed": null, "silent": false,
        "violations": [{"stream": "web1", "metric": "web.ms", "condition_type": "above", "threshold": 800.0, "value": 912.0}],
        "violations_truncated": 0, "conditions": [],
    })
}

/// A service whose alert fires.
fn firing() -> Trap {
    let page = |key: &str, items: Value| {
        let found = items.as_array().unwrap().len();
        json!({"query": {"offset": 0, "length": found, "found": found, "total": found}, key: items})
            .to_string()
    };
    let alert = json!({"id": 7, "name": "web.slow", "active": true, "conditions": [], "services": []});
    let (alerts, incidents) = (page("alerts", json!([alert])), page("incidents", json!([incident()])));
    Trap::start_by(move |head| {
        let body = match head.split(' ').nth(1).unwrap_or_default() {
            path if path.starts_with("/v1/alerts/7/status") => {
                r#"{"alert": {"id": 7}, "status": "triggered"}"#
            }
            path if path.starts_with("/v1/alerts/7/clear") => return Some(json_answer(204, "")),
            path if path.starts_with("/v1/alerts") => &alerts,
            path if path.starts_with("/v1/incidents") => &incidents,
            _ => return Some(json_answer(404, "{}")),
        };
        Some(json_answer(200, body))
    })
}

#[test]
fn what_fired_is_shown_and_resolved() {
    let (dir, trap) = (tempfile::tempdir().unwrap(), firing());
    let run = |args: &[&str]| {
        let cli = Cli::new(dir.path()).env("LIBRATO_USER", "u").env("LIBRATO_TOKEN", "t");
        cli.run(&[args, &["--endpoint", &trap.endpoint()]].concat())
    };
    let why = "web.ms above 800: web1 912";
    run(&["get", "incidents", "web.*"]).exits(0).prints(&[
        "ALERT     STATUS  STREAM",
        "2023-11-14T22:13:20Z",
        why,
        "abcdef12-7-1",
    ]);
    assert!(trap.seen()[0].contains("alert=web."), "{:?}", trap.seen());
    let resolved = run(&["resolve", "web.slow"]).exits(0);
    resolved.prints(&["Resolved alert \"web.slow\" (id 7)", "  open since 2023-11-14T22:13:20Z: ", why]);
    run(&["get", "deliveries"]).exits(1).says(&["this service keeps no deliveries"]);
    run(&["unsilence", "1"]).exits(1).says(&["this service keeps no silences"]);
}

/// What is open is shown at once; whoever reads it and goes away ends it.
#[test]
fn incidents_are_watched_until_the_reader_leaves() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let (dir, trap) = (tempfile::tempdir().unwrap(), firing());
    let mut watching = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .args(["get", "incidents", "-w", "--format", "json", "--endpoint", &trap.endpoint()])
        .envs([("LIBRATO_USER", "u"), ("LIBRATO_TOKEN", "t")])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(watching.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let change: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&change["change"], &change["incident"]), (&json!("opened"), &incident()));
    watching.kill().unwrap();
    watching.wait().unwrap();
}

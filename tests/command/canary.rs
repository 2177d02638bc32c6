//! Secrets never reach an output: every way a secret can get into the program, times every command that could show it.

use std::path::Path;

use crate::cli::{self, Cli, Ran, Server, Trap, USER, json_answer, project};
use base64::Engine as _;

/// In every secret of this file, and nowhere else.
const CANARY: &str = "CANARY";

/// A secret with all that is awkward to quote.
const HOOK: &str = "https://hooks.example.org/CANARY/\"a\\b'?x=%20&y={z}";
const TOKEN: &str = "token-CANARY-1";

/// The ways a secret can stand in the files; `HOOK` is in the environment.
const PLACEMENTS: &[(&str, &str)] = &[
    ("reference", "services: { s: { type: slack, settings: { url: '${secret.HOOK}' } } }"),
    ("part of a text", "services: { s: { type: slack, settings: { url: 'https://x/${secret.HOOK}#y' } } }"),
    (
        "by vars",
        "vars: { a: '${secret.HOOK}', b: 'https://${var.a}' }\nservices: { s: { type: slack, settings: { url: '${var.b}' } } }",
    ),
    (
        "by a map of vars",
        "vars: { all: { url: '${secret.HOOK}' } }\nservices: { s: { type: slack, settings: '${var.all}' } }",
    ),
    (
        "by for_each",
        "vars: { all: { a: '${secret.HOOK}' } }\nservices: { '${each.key}': { for_each: '${var.all}', type: slack, settings: { url: '${each.value}' } } }",
    ),
    (
        "by defaults",
        "defaults: { services: { settings: { url: '${secret.HOOK}' } } }\nservices: { s: { type: slack } }",
    ),
    ("literal", "services: { s: { type: slack, settings: { url: 'https://CANARY/x' } } }"),
    (
        "literal of an unknown type",
        "services: { s: { type: pigeon, settings: { addresses: CANARY-1, loft: CANARY-2 } } }",
    ),
    (
        "literal in a var",
        "vars: { a: https://CANARY/x }\nservices: { s: { type: slack, settings: { url: '${var.a}' } } }",
    ),
    ("in a description", "metrics: { m: { type: gauge, description: 'see ${secret.HOOK}' } }"),
    (
        "in attributes",
        "metrics: { m: { type: gauge, display_name: '${secret.HOOK}', attributes: { display_units_long: '${secret.HOOK}' } } }",
    ),
    (
        "in an alert",
        "alerts: { a: { description: '${secret.HOOK}', conditions: [{ type: above, metric_name: m, source: '${secret.HOOK}', threshold: 1 }] } }",
    ),
    ("in a composite", "composites: { c: { composite: 'sum(s(\"x.${secret.WORD}\", \"*\"))' } }"),
    (
        "in a condition's metric",
        "alerts: { a: { conditions: [{ type: above, metric_name: 'x.${secret.WORD}', threshold: 1 }] } }",
    ),
    // Mistakes, on the same line and in the secret itself.
    (
        "beside a typing error",
        "services: { s: { typ: slack, settings: { url: 'https://CANARY/x' }, setings: { url: 'CANARY' } } }",
    ),
    (
        "beside a wrong key",
        "services: { s: { type: slack, url: 'https://CANARY/x', settings: { url: '${secret.HOOK}' } } }",
    ),
    ("as a wrong type", "services: { s: { type: slack, settings: 'https://CANARY/x' } }"),
    ("as a list", "services: { s: { type: slack, settings: ['https://CANARY/x'] } }"),
    ("as a type", "services: { s: { type: '${secret.HOOK}', settings: {} } }"),
    (
        "as a number",
        "alerts: { a: { rearm_seconds: '${secret.HOOK}', conditions: [{ type: '${secret.HOOK}', metric_name: m, threshold: '${secret.HOOK}' }] } }",
    ),
    (
        "as a colour",
        "metrics: { m: { type: '${secret.HOOK}', period: '${secret.HOOK}', attributes: { color: '${secret.HOOK}', display_max: '${secret.HOOK}' } } }",
    ),
    ("as a service", "alerts: { a: { conditions: [], services: ['${secret.HOOK}', '${secret.HOOK}'] } }"),
    ("as a composite", "composites: { c: { composite: '${secret.HOOK}' } }"),
    (
        "as a former name",
        "services: { s: { renamed_from: '${secret.HOOK}', type: slack, settings: { url: 'https://CANARY' } } }",
    ),
    ("as a name", "services: { '${secret.HOOK}': { type: slack } }"),
    ("not YAML", "services: { s: { type: slack, settings: { url: 'https://CANARY/x } } }\nalerts: {}"),
    (
        "twice",
        "services: { s: { type: slack, settings: { url: 'https://CANARY/x', url: 'https://CANARY/y' } } }",
    ),
    (
        "in settings",
        "settings: { endpoint: 'https://me:CANARY@api.example.org' }\nmetrics: { m: { type: gauge } }",
    ),
];

/// The commands that could show it; `apply` comes last, since it changes what the others see.
const COMMANDS: &[&[&str]] = &[
    &["validate", "def", "--format", "json"],
    &["plan", "def", "-v", "-v", "--color", "always"],
    &["plan", "def", "--format", "json"],
    &["plan", "def", "--out", "saved.plan"],
    &["plan", "def", "--evidence=1h", "--format", "markdown", "--report", "plan.html"],
    &["render", "prometheus", "def", "--owner", "me", "--out", "rendered"],
    &["apply", "def", "--auto-approve", "-v", "-v"],
];

fn cli(dir: &Path) -> Cli {
    Cli::new(dir)
        .env("HOOK", HOOK)
        .env("WORD", "CANARY.word")
        .env("LIBRATO_USER", USER)
        .env("LIBRATO_TOKEN", TOKEN)
}

/// Neither what was said nor what was written beside the definitions may hold the secret.
#[track_caller]
fn silent(what: &str, ran: &Ran, dir: &Path) {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{TOKEN}"));
    for hidden in [CANARY, &credentials] {
        assert!(!ran.all().contains(hidden), "{what} tells a secret:\n{}", ran.all());
    }
    let written =
        |path: &Path| !["yaml", "token"].iter().any(|mine| path.extension().is_some_and(|e| e == *mine));
    for path in walkdir::WalkDir::new(dir).into_iter().map(|entry| entry.unwrap().into_path()) {
        let backup = path.components().any(|part| part.as_os_str() == ".librato-apply");
        if path.is_file() && (backup || written(&path)) && !path.to_string_lossy().contains(".db") {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(CANARY), "{what} writes a secret to {}:\n{text}", path.display());
        }
    }
}

#[test]
fn no_command_tells_a_secret_wherever_it_stands() {
    std::thread::scope(|scope| {
        for part in PLACEMENTS.chunks(PLACEMENTS.len() / 4 + 1) {
            scope.spawn(|| part.iter().for_each(|(name, text)| placed(name, text)));
        }
    });
}

fn placed(name: &str, text: &str) {
    let dir = project(&[("def/a.yaml", text)]);
    for command in COMMANDS {
        let ran = cli(dir.path()).env("LIBRATO_ENDPOINT", "embedded:a.db").run(command);
        assert!([0, 1, 3, 4].contains(&ran.code), "{name}: {command:?}: {}", ran.all());
        silent(&format!("{name}: {command:?}"), &ran, dir.path());
    }
}

/// What was secret yesterday is still one: an update, a removal and a deletion show neither the old nor the new value.
#[test]
fn old_secrets_are_not_told_either() {
    let dir = project(&[(
        "def/a.yaml",
        "services: { s: { type: slack, settings: { url: '${secret.HOOK}', old: CANARY-2 } } }",
    )]);
    let run = |hook: &str, args: &[&str]| {
        let ran =
            cli(dir.path()).env("HOOK", hook).env("LIBRATO_ENDPOINT", "embedded:a.db").run(args).exits(0);
        silent(&format!("{args:?}"), &ran, dir.path());
        ran
    };
    run("https://CANARY/old", &["apply", "def", "--auto-approve"]);
    run("https://CANARY/new", &["plan", "def"]).prints(&["(sensitive) changes"]);
    run("https://CANARY/new", &["plan", "def", "--format", "json"]);
    run("https://CANARY/new", &["plan", "def", "--format", "html"])
        .prints(&["<!DOCTYPE html>", "(sensitive)"]);
    std::fs::write(
        dir.path().join("def/a.yaml"),
        "services: { s: { type: slack, settings: { url: 'https://CANARY/third' } } }",
    )
    .unwrap();
    run("x", &["plan", "def", "-v", "-v"]).prints(&["(sensitive) is removed"]);
    run("x", &["apply", "def", "--auto-approve", "--format", "html"]).prints(&["<!DOCTYPE html>"]);
    std::fs::write(dir.path().join("def/a.yaml"), "services: { s: { ensure: absent } }").unwrap();
    run("x", &["plan", "def", "--format", "json"]);
    run("x", &["plan", "def", "--format", "html"]);
    run("x", &["apply", "def", "--auto-approve"]).prints(&["1 change written"]);
}

/// A service that repeats in its errors what it was sent, in all forms, and the credential as well.
#[test]
fn echoes_of_the_service_are_masked() {
    let json = serde_json::to_string(HOOK).unwrap();
    let echo = format!(
        r#"{{"errors":{{"params":{{"settings":[{json}, "token {TOKEN} is wrong"]}}, "request": ["{TOKEN}"], "{TOKEN}": [{json}]}}}}"#
    );
    let page =
        r#"{"query":{"found":0,"length":0,"offset":0,"total":0},"services":[],"alerts":[],"metrics":[]}"#;
    for (status, kind) in [(400, "application/json"), (422, "text/plain"), (403, "text/html")] {
        let (echo, kind) = (echo.clone(), kind.to_owned());
        let service = Trap::start_by(move |head| match head.starts_with("GET ") {
            true => Some(json_answer(200, page)),
            false => Some(cli::http_answer(status, &kind, &echo)),
        });
        let dir = project(&[("def/a.yaml", PLACEMENTS[0].1), ("a.token", TOKEN)]);
        for args in [
            &["apply", "def", "--auto-approve"][..],
            &["apply", "def", "--auto-approve", "--format", "json", "-v", "-v"],
        ] {
            let endpoint = service.endpoint();
            let ran = cli(dir.path()).env("LIBRATO_ENDPOINT", &endpoint).run(args);
            assert!([1, 4].contains(&ran.code), "{}", ran.all());
            assert!(ran.all().contains(&status.to_string()), "{}", ran.all());
            silent(&format!("{args:?} after {status}"), &ran, dir.path());
            let cli = Cli::new(dir.path())
                .env("HOOK", HOOK)
                .env("LIBRATO_USER", USER)
                .env("LIBRATO_ENDPOINT", &endpoint);
            silent("with a token file", &cli.run(&[args, &["--token-file", "a.token"]].concat()), dir.path());
        }
    }
}

/// A service that answers a listing with the credential and secrets where JSON should be.
#[test]
fn unreadable_answers_are_not_repeated() {
    for body in [
        format!("{TOKEN} {HOOK}"),
        format!("<html><title>{TOKEN}</title>{TOKEN}</html>"),
        format!(r#"{{"services":"{TOKEN}"}}"#),
    ] {
        let service = Trap::start(Some(json_answer(200, &body)));
        let dir = project(&[("def/a.yaml", PLACEMENTS[0].1)]);
        let ran =
            cli(dir.path()).env("LIBRATO_ENDPOINT", &service.endpoint()).run(&["plan", "def", "-v", "-v"]);
        silent(&body, &ran.exits(1), dir.path());
    }
}

#[test]
fn arguments_that_hold_secrets_are_not_repeated() {
    let dir = project(&[
        ("def/a.yaml", "services: { s: { type: slack, settings: { url: '${var.hook}' }, typ: x } }"),
        ("hook.vars.yaml", "hook: '${secret.HOOK}'\n"),
    ]);
    for given in [
        ["--var", "hook=https://CANARY/x"],
        ["--var-string", "hook=https://CANARY/x"],
        ["--var-file", "hook.vars.yaml"],
    ] {
        for command in ["validate", "plan"] {
            let ran =
                cli(dir.path()).run(&[command, "def", given[0], given[1], "--endpoint", "embedded:a.db"]);
            silent(&format!("{command} {given:?}"), &ran.exits(1), dir.path());
        }
    }
    let ran = cli(dir.path()).run(&["plan", "def", "--endpoint", "https://me:CANARY@api.example.org"]);
    silent("an endpoint with a password", &ran, dir.path());
}

#[test]
fn the_log_of_serve_tells_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(&dir.path().join("a.db"), TOKEN, &["-v", "-v"]);
    let project = project(&[("def/a.yaml", PLACEMENTS[0].1)]);
    for token in [TOKEN, "CANARY-wrong"] {
        let cli = cli(project.path()).env("LIBRATO_TOKEN", token).env("LIBRATO_ENDPOINT", &server.endpoint());
        silent("apply", &cli.run(&["apply", "def", "--auto-approve"]), project.path());
    }
    let path = format!("/v1/services?name={CANARY}");
    server.call("GET", &path, "");
    server.call("POST", "/v1/services", r#"{"title": "x", "type": "slack", "settings": {"url": "CANARY"}}"#);
    server.call("POST", "/v1/services", r#"{"title": "CANARY"#);
    let log = server.log().join("\n");
    assert!(log.contains("/v1/services") && log.contains("401"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
}

/// Every type of service that is sent something, with a secret wherever one can stand.
fn notified(sink: &str) -> Vec<(&'static str, String)> {
    let url = |path: &str| format!(r#"{{"url": "http://{sink}/{path}/CANARY-path?token=CANARY-query"}}"#);
    vec![
        ("slack", url("slack")),
        ("zapier", url("zapier")),
        ("webhook", format!(r#"{{"url": "http://CANARY-user:CANARY-pass@{sink}/CANARY-hook"}}"#)),
        (
            "pagerduty",
            r#"{"service_key": "CANARY-key", "event_type": "trigger", "description": "d", "incident_key": "CANARY-prefix"}"#
                .to_owned(),
        ),
        ("opsgenie", r#"{"customer_key": "CANARY-genie", "tags": "a"}"#.to_owned()),
        ("victorops", r#"{"api_key": "CANARY-victor", "routing_key": "x", "more": "CANARY-more"}"#.to_owned()),
        (
            "sns",
            r#"{"topic_arn": "arn:aws:sns:us-east-1:123456789012:ops", "access_key_id": "CANARYID", "secret_access_key": "CANARY-aws"}"#
                .to_owned(),
        ),
        ("bigpanda", r#"{"app_key": "CANARY-app", "token": "CANARY-panda"}"#.to_owned()),
    ]
}

/// Far ends that refuse what they are sent and repeat it in their answers.
#[test]
fn notifications_and_what_is_said_of_them_tell_nothing() {
    let refusals = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let sink = Trap::start_by(move |request| {
        let count = refusals.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some(cli::http_answer([400, 500, 429][count % 3], "text/plain", request))
    });
    let bases: Vec<String> = ["pagerduty", "opsgenie", "victorops", "sns", "bigpanda"]
        .iter()
        .flat_map(|kind| ["--notify-base".to_owned(), format!("{kind}=http://{}", sink.addr)])
        .collect();
    let mut options = vec!["-v", "-v", "--alert-settle", "1", "--notify-allow", "127.0.0.1"];
    options.extend(bases.iter().map(String::as_str));
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(&dir.path().join("a.db"), cli::TOKEN, &options);
    let services = notified(&sink.addr.to_string());
    for (kind, settings) in &services {
        let service = format!(r#"{{"type": "{kind}", "title": "to {kind}", "settings": {settings}}}"#);
        assert_eq!(server.call("POST", "/v1/services", &service).0, 201, "{service}");
    }
    let ids: Vec<usize> = (1..=services.len()).collect();
    let alert = format!(
        r#"{{"name": "a", "conditions": [{{"type": "above", "metric_name": "m", "threshold": 1}}], "services": {ids:?}}}"#
    );
    assert_eq!(server.call("POST", "/v1/alerts", &alert).0, 201);
    server.call("POST", "/v1/metrics", r#"{"gauges": [{"name": "m", "value": 9, "source": "web"}]}"#);

    let tried = || {
        let (_, page) = server.call("GET", "/v1/deliveries", "");
        let tried = page["deliveries"].as_array().unwrap().iter().filter(|one| one["detail"].is_string());
        tried.count() == services.len()
    };
    for _ in 0..1200 {
        if tried() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(tried(), "{}", server.call("GET", "/v1/deliveries", "").1);

    let mut said = String::new();
    for (kind, _) in &services {
        let test =
            server.cli(dir.path()).run(&["notify", "test", &format!("to {kind}"), "-v", "-v"]).exits(1);
        said += &test.all();
    }
    for args in [
        &["get", "deliveries"][..],
        &["get", "deliveries", "--format", "json"],
        &["get", "incidents", "--format", "yaml"],
        &["get", "alerts"],
        &["get", "audit", "--format", "json"],
        &["notify", "plan"],
    ] {
        said += &server.cli(dir.path()).run(args).exits(0).all();
    }
    for path in [
        "/v1/deliveries",
        "/v1/incidents",
        "/v1/violations",
        "/v1/health",
        "/v1/annotations/librato.alerts",
        "/v1/audit",
    ] {
        said += &server.call("GET", path, "").1.to_string();
    }
    said += &cli::exchange(server.addr, "GET", "/metrics", "");
    said += &server.log().join("\n");
    let basic = base64::engine::general_purpose::STANDARD.encode("CANARY-user:CANARY-pass");
    for hidden in [CANARY, "CANARY".to_lowercase().as_str(), &basic] {
        let line = said.lines().find(|line| line.contains(hidden));
        assert!(line.is_none(), "a secret is told: {line:?}");
    }
    let seen = sink.seen();
    for (kind, _) in &services {
        assert!(said.contains(&format!("to {kind}")), "nothing is said of {kind}");
    }
    assert!(seen.len() >= 2 * services.len() && seen.join("\n").contains(&basic), "nothing was sent");
    assert!(said.contains("POST /"), "answers are not quoted, so nothing could have been told");
}

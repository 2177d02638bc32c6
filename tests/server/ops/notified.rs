//! A page that arrives, and pages that must not: values that cross a threshold reach a listener, with the real program from the file of
//! definitions to the request; what is imported, comes late or from the future pages nobody, nor does a server that is told to be silent,
//! nor one that is embedded.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::file::{PROGRAM, text};
use crate::server::{Server, TOKEN, USER, client, fresh};
use crate::sinks::{Arrived, Sink};

/// Two alerts with a webhook each.
fn definitions(sink: &Sink) -> String {
    let address = sink.address;
    format!(
        "metrics: {{ site.response.ms: {{ type: gauge }}, db.ms: {{ type: gauge }} }}\n\
         services:\n\
        \x20 web: {{ type: webhook, settings: {{ url: 'http://{address}/webhook/web' }} }}\n\
        \x20 db: {{ type: webhook, settings: {{ url: 'http://{address}/webhook/db' }} }}\n\
         alerts:\n\
        \x20 site.slow:\n\
        \x20   conditions: [{{ type: above, metric_name: site.response.ms, source: 'web-*', threshold: 800 }}]\n\
        \x20   services: [web]\n\
        \x20 db.slow:\n\
        \x20   conditions: [{{ type: above, metric_name: db.ms, threshold: 10 }}]\n\
        \x20   services: [db]\n"
    )
}

/// Runs the program against an endpoint, in a directory.
fn run(directory: &Path, endpoint: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(PROGRAM);
    command.current_dir(directory).args(arguments).env("LIBRATO_ENDPOINT", endpoint);
    let done = command.env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", text(&done));
    text(&done)
}

fn serve(data: &Path, more: &[&str]) -> Server {
    let quick = ["-q", "--alert-settle", "1", "--notify-allow", "127.0.0.1"];
    Server::start(data, &[&quick, more].concat())
}

/// The next message to a webhook, which must be the one of this name.
fn message(sink: &Sink, name: &str) -> (Value, Arrived) {
    let (verdict, arrived) = sink.next();
    assert_eq!(verdict.map(|(kind, _)| kind), Ok("webhook"), "{arrived:?}");
    let payload = arrived.payload().unwrap();
    assert_eq!(arrived.path, format!("/webhook/{name}"), "{payload}");
    (payload, arrived)
}

async fn page(server: &Server, path: &str) -> String {
    let answer = client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    answer.text().await.unwrap()
}

/// Asks until the page has the words: what was acknowledged is judged a little later.
async fn page_with(server: &Server, path: &str, words: &str) -> String {
    for _ in 0..1200 {
        let page = page(server, path).await;
        if page.contains(words) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {words:?} at {path}: {}\n{}", page(server, path).await, server.log())
}

async fn submit(server: &Server, body: Value) {
    let request = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN)).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

fn now() -> i64 {
    crate::harness::epoch()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cross_a_threshold_page_and_those_of_other_times_do_not() {
    let (dir, data) = fresh();
    let sink = Sink::open();
    let server = serve(&data, &[]);
    let endpoint = server.url("");
    std::fs::write(dir.path().join("alerts.yaml"), definitions(&sink)).unwrap();
    run(dir.path(), &endpoint, &["apply", "alerts.yaml", "--auto-approve"]);

    page_with(&server, "/metrics", "alerts_evaluated 2\n").await;

    // What pages nobody comes first, so that it would be told first.
    for (source, time) in [("web-old", now() - 7_200), ("web-future", now() + 3_600)] {
        let gauge =
            json!({"name": "site.response.ms", "source": source, "value": 5_000, "measure_time": time});
        submit(&server, json!({ "gauges": [gauge] })).await;
    }
    let lines: String = (0..500)
        .map(|n| format!("{}\n", json!({"name": "site.response.ms", "source": "web-imported", "value": 9_000, "measure_time": now() - 86_000 + 60 * n})))
        .collect();
    std::fs::write(dir.path().join("history.ndjson"), lines).unwrap();
    run(dir.path(), &endpoint, &["submit", "--from", "history.ndjson"]);
    page_with(&server, "/metrics", "alert_samples_total{class=\"future\"} 1\n").await;
    page_with(&server, "/metrics", "alert_samples_total{class=\"old\"} 501\n").await;

    for value in ["900", "910", "920", "930", "940"] {
        run(dir.path(), &endpoint, &["submit", "site.response.ms", value, "--source", "web-1"]);
    }
    let (trigger, first) = message(&sink, "web");
    assert_eq!(trigger["alert"]["name"], "site.slow");
    let streams: Vec<&String> = trigger["violations"].as_object().unwrap().keys().collect();
    assert_eq!(streams, ["web-1"], "{trigger}");
    // Which of the two alerts was made first is a matter of chance.
    let status = format!("/v1/alerts/{}/status", trigger["alert"]["id"]);
    assert_eq!(
        page(&server, &status).await.matches("triggered").count(),
        1,
        "{}",
        page(&server, &status).await
    );

    let listed = run(dir.path(), &endpoint, &["get", "alerts"]);
    let line = |name: &str| listed.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(listed.contains("LAST FIRED") && line("site.slow").matches('T').count() == 2, "{listed}");
    assert!(!line("db.slow").contains('T'), "it has never fired: {listed}");

    run(dir.path(), &endpoint, &["submit", "site.response.ms", "100", "--source", "web-1"]);
    let (clear, second) = message(&sink, "web");
    assert_eq!((&clear["clear"], &clear["incident_key"]), (&json!("normal"), &trigger["incident_key"]));
    assert_ne!(first.header("idempotency-key"), second.header("idempotency-key"));

    // Older than what was judged: stored, and too late to wake anybody.
    let gauge =
        json!({"name": "site.response.ms", "source": "web-1", "value": 5_000, "measure_time": now() - 300});
    submit(&server, json!({ "gauges": [gauge] })).await;
    page_with(&server, "/metrics", "alert_samples_total{class=\"late\"} 1\n").await;
    submit(&server, json!({ "gauges": [{"name": "db.ms", "value": 11}] })).await;
    assert_eq!(message(&sink, "db").0["alert"]["name"], "db.slow");
    assert!(sink.waiting().is_none());
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_servers_that_are_silent_or_embedded() {
    let (dir, data) = fresh();
    let sink = Sink::open();
    std::fs::write(dir.path().join("alerts.yaml"), definitions(&sink)).unwrap();
    let slow = ["submit", "site.response.ms", "5000", "--source", "web-1"];
    run(dir.path(), "embedded:a.db", &["apply", "alerts.yaml", "--auto-approve"]);
    run(dir.path(), "embedded:a.db", &slow);

    let server = serve(&data, &["--no-notify"]);
    run(dir.path(), &server.url(""), &["submit", "site.response.ms", "6000", "--source", "web-2"]);
    page_with(&server, "/v1/deliveries", "\"status\":\"muted\"").await;
    assert_eq!(page(&server, "/v1/incidents").await.matches("\"incident_key\"").count(), 1);
    server.stop();
    assert!(sink.waiting().is_none());

    // Embedded over a file in which an alert fires, and then a server that may tell: it tells only what is new.
    run(dir.path(), "embedded:a.db", &slow);
    run(dir.path(), "embedded:a.db", &["submit", "db.ms", "1", "--source", "y"]);
    assert!(sink.waiting().is_none());
    let server = serve(&data, &[]);
    run(dir.path(), &server.url(""), &["submit", "db.ms", "11", "--source", "x"]);
    assert_eq!(message(&sink, "db").0["alert"]["name"], "db.slow");
    assert!(sink.waiting().is_none());
    server.stop();
}

/// A private target is refused, which who applies and the log are told when the service is made, and deliveries say when there is something to be told; once it
/// is allowed and the settings are read again, it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_allowed_later_is_notified_without_a_restart() {
    let (dir, data) = fresh();
    let sink = Sink::open();
    let config = dir.path().join("serve.yaml");
    let allow = |list: &str| std::fs::write(&config, format!("notify: {{ allow: [{list}] }}\n")).unwrap();
    allow("10.0.0.0/8");
    let server = Server::start(&data, &["--alert-settle", "1", "--config", config.to_str().unwrap()]);
    std::fs::write(dir.path().join("alerts.yaml"), definitions(&sink)).unwrap();
    let said = run(dir.path(), &server.url(""), &["apply", "alerts.yaml", "--auto-approve"]);
    for service in ["web", "db"] {
        let note = format!(
            "note: service \"{service}\": notifications to it will not be sent: the target is at 127.0.0.1, "
        );
        assert!(said.contains(&note), "{said}");
    }
    assert!(!said.contains("/webhook/"), "{said}");
    let log = server.log_with("notifications to this service will not be sent");
    let line = log.lines().find(|line| line.contains("will not be sent")).unwrap();
    assert!(line.contains("WARN") && line.contains("--notify-allow 127.0.0.1"), "{line}");
    assert!(!log.contains("/webhook/"), "the URL is a secret: {log}");
    page_with(&server, "/metrics", "alerts_evaluated 2\n").await;

    submit(&server, json!({ "gauges": [{"name": "site.response.ms", "source": "web-1", "value": 900}] }))
        .await;
    let refused = page_with(&server, "/v1/deliveries", "\"attempts\":1").await;
    assert!(refused.contains("`serve --notify-allow 127.0.0.1` lets it through"), "{refused}");
    assert!(sink.waiting().is_none());

    allow("10.0.0.0/8, 127.0.0.1");
    server.hang_up();
    server.log_with("the targets that may be notified although they are private were changed");
    submit(&server, json!({ "gauges": [{"name": "db.ms", "value": 11}] })).await;
    // The one that was refused is tried again as well, before this one or after it.
    let arrived =
        std::iter::repeat_with(|| sink.next().1).find(|arrived| arrived.path != "/webhook/web").unwrap();
    assert_eq!(arrived.path, "/webhook/db");
    assert_eq!(arrived.payload().unwrap()["alert"]["name"], "db.slow");
    server.stop();
}

/// Alerts are kept, and none of them fires; whoever asks is told why.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_evaluates_nothing_says_so() {
    let (dir, data) = fresh();
    let sink = Sink::open();
    std::fs::write(dir.path().join("alerts.yaml"), definitions(&sink)).unwrap();
    let server = serve(&data, &["--no-alerts"]);
    server.log_with("alerts are kept, but not evaluated (--no-alerts): this server notifies nobody");
    let endpoint = server.url("");
    run(dir.path(), &endpoint, &["apply", "alerts.yaml", "--auto-approve"]);
    run(dir.path(), &endpoint, &["submit", "db.ms", "5000", "--source", "web-1"]);
    let health: Value = serde_json::from_str(&page(&server, "/v1/health").await).unwrap();
    let checks = health["checks"].as_array().unwrap();
    let evaluation = checks.iter().find(|check| check["name"] == "evaluation").unwrap();
    assert_eq!(
        (&health["status"], &evaluation["status"], &evaluation["message"]),
        (&json!("ok"), &json!("off"), &json!("alerts are not evaluated"))
    );
    assert!(run(dir.path(), &endpoint, &["get", "alerts"]).contains("not evaluated"));
    assert_eq!(page(&server, "/v1/alerts/status").await, r#"{"firing":[],"cleared":[]}"#);
    assert!(!page(&server, "/v1/incidents").await.contains("incident_key"));
    server.stop();
    assert!(sink.waiting().is_none());
}

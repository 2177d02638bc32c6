//! Changes of alerts while incidents are open: what the requests themselves do to the stored state.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::serve::catalog::alerting::clock::Clock as Once;
use crate::serve::catalog::alerting::record::{Recorded, Terms as Written, record};
use crate::serve::catalog::alerting::restore::restore;
use crate::serve::catalog::alerting::states::{self, Kept};
use crate::serve::catalog::alerts::watched::Watched;
use crate::serve::router::router;
use crate::serve::store::tx::params;
use crate::serve::{Clock, Credentials, Data, Opening, Options};
use crate::watch::{AlertState, Context, Reading, Settings, Transition};

const SETTINGS: Settings = Settings { settle: 10, max_age: 900, gather: 0 };
/// When the server's clock stands.
pub(super) const NOW: i64 = 1_000_000;

/// A server without an evaluation, of which the test takes the place.
pub(super) struct Server {
    pub store: Store,
    router: Router,
}

impl Server {
    pub fn new() -> Server {
        let mut opening = Opening::default();
        opening.clock = Clock::standing_at(NOW);
        let store = Store::open_with(&Data::Memory, opening).unwrap();
        let users = vec![Credentials::new("ops@example.org", &"t".into())];
        Server { router: router(store.clone(), users, &Options::default()), store }
    }

    pub async fn ask(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let credentials = format!("Basic {}", STANDARD.encode("ops@example.org:t"));
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header(header::AUTHORIZATION, credentials)
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, body) = (answer.status(), to_bytes(answer.into_body(), usize::MAX).await.unwrap());
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// What is answered where it must go well.
    pub async fn good(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, found) = self.ask(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {found}");
        found
    }

    pub async fn get(&self, path: &str) -> Value {
        self.good("GET", path, Value::Null).await
    }

    /// What the evaluation does with values of streams of the first condition's metric: it takes the alert up as it is stored,
    /// applies them, and writes what comes of it.
    pub async fn evaluate(
        &self,
        alert: i64,
        to: i64,
        values: Vec<(i64, &'static str, f64)>,
    ) -> Vec<Transition> {
        let job = move |tx: &Tx| {
            let (state, recorded) = take_up(tx, alert, |ctx, state| {
                let reading = |&(u, stream, value): &(i64, &str, f64)| Reading {
                    u,
                    t: u,
                    condition: 0,
                    stream: stream.into(),
                    value: Some(value),
                };
                state.advance(ctx, to, &mut values.iter().map(reading).collect())
            })?;
            drop(state);
            let transitions = recorded.transitions.clone();
            let terms = Written { account: "ops@example.org".into(), notify: true, now: to };
            assert_eq!(record(tx, &terms, &[recorded])?, [0; 0]);
            Ok::<_, Problem>(transitions)
        };
        self.store.write(job).await.unwrap()
    }

    /// `[service, kind, status]` of every delivery.
    pub async fn deliveries(&self) -> Vec<String> {
        let sql = "SELECT service_id, kind, status FROM deliveries ORDER BY id";
        let read = move |tx: &Tx| {
            tx.all(sql, params![], |row| {
                let (service, kind, status): (i64, &str, &str) =
                    (row.get("service_id")?, row.get("kind")?, row.get("status")?);
                Ok(format!("{service} {kind} {status}"))
            })
        };
        self.store.read(read).await.unwrap()
    }

    /// How incidents ended; `open` of those that did not.
    pub async fn incidents(&self) -> Vec<String> {
        let sql = "SELECT coalesce(how, 'open') AS how FROM incidents ORDER BY id";
        self.store.read(move |tx: &Tx| tx.all(sql, params![], |row| row.get("how"))).await.unwrap()
    }
}

/// Takes an alert up as it is stored and drives it on.
pub(super) fn take_up(
    tx: &Tx<'_>,
    alert: i64,
    drive: impl FnOnce(&Context<'_>, &mut AlertState) -> Vec<Transition>,
) -> Result<(AlertState, Recorded), Problem> {
    let alert = table::get_all(tx, &vec![alert])?.pop().ok_or_else(Problem::not_found)?;
    let watched = Watched::of(tx, [&alert])?.watch(&alert);
    let ctx = Context { alert: &watched, settings: &SETTINGS, silences: &[] };
    let (found, written) = (states::load(tx, &[alert.id])?.remove(&alert.id), Once::read(tx)?.written);
    let mut restored = restore(&ctx, &alert, found, written, NOW);
    assert_eq!(restored.lost, None);
    let transitions = drive(&ctx, &mut restored.state);
    let state = Kept::of(&restored.state, &ctx)?;
    let recorded = Recorded { alert: alert.into(), watched: watched.clone().into(), transitions, state };
    Ok((restored.state, recorded))
}

/// With two services and an alert on `m` above 10 that tells them, and fires.
async fn firing() -> Server {
    let server = Server::new();
    for title in ["a", "b"] {
        let settings = json!({ "addresses": "a@example.com" });
        let service = json!({ "type": "mail", "title": title, "settings": settings });
        server.good("POST", "/v1/services", service).await;
    }
    server.good("PUT", "/v1/metrics/m", json!({ "type": "gauge" })).await;
    server.good("POST", "/v1/alerts", alert(json!({}))).await;
    server.evaluate(1, NOW + 100, vec![(NOW + 50, "web1", 20.0)]).await;
    assert_eq!(server.incidents().await, ["open"]);
    server
}

/// A body with `more` laid over it.
fn alert(more: Value) -> Value {
    let mut body = json!({
        "name": "a", "services": [1, 2],
        "conditions": [{ "type": "above", "metric_name": "m", "threshold": 10 }],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

const TOLD: [&str; 2] = ["1 trigger waiting", "2 trigger waiting"];

fn and_cleared() -> Vec<&'static str> {
    [&TOLD[..], &["1 clear waiting", "2 clear waiting"]].concat()
}

#[tokio::test]
async fn what_says_nothing_new_changes_nothing() {
    let server = firing().await;
    for more in [
        json!({}),
        json!({ "description": "more", "rearm_seconds": 600, "name": "b" }),
        json!({ "services": [1] }),
    ] {
        server.good("PUT", "/v1/alerts/1", alert(more)).await;
        assert_eq!(server.get("/v1/alerts/1/status").await["status"], "triggered");
    }
    assert_eq!(
        (server.incidents().await, server.deliveries().await),
        (vec!["open".into()], TOLD.map(String::from).into())
    );
    // It still knows what was met: a normal value ends it, for both of those who were told.
    server.evaluate(1, NOW + 200, vec![(NOW + 150, "web1", 1.0)]).await;
    assert_eq!((server.incidents().await, server.deliveries().await.len()), (vec!["normal".to_owned()], 4));
}

#[tokio::test]
async fn ends_are_written_by_the_request_that_brings_them() {
    let off = json!({ "active": false });
    let requests = [
        ("PUT", "/v1/alerts/1", alert(off), "manual"),
        ("PUT", "/v1/alerts/1", json!({ "name": "a" }), "manual"),
        ("DELETE", "/v1/alerts/1", Value::Null, "manual"),
        ("POST", "/v1/alerts/1/clear", Value::Null, "manual"),
        ("DELETE", "/v1/metrics/m", Value::Null, "auto"),
        ("DELETE", "/v1/metrics", json!({ "names": ["*"] }), "auto"),
        (
            "PUT",
            "/v1/alerts/1",
            alert(json!({ "conditions": [{ "type": "above", "metric_name": "n", "threshold": 10 }] })),
            "normal",
        ),
    ];
    for (method, path, body, how) in requests {
        let server = firing().await;
        server.good(method, path, body.clone()).await;
        assert_eq!(server.incidents().await, [how], "{method} {path} {body}");
        assert_eq!(server.deliveries().await, and_cleared(), "{method} {path} {body}");
        let now = server.get("/v1/alerts/status").await;
        assert_eq!(now["firing"], json!([]), "{method} {path}");
        // One that is not there any more is not told of.
        let cleared = if method == "DELETE" && path == "/v1/alerts/1" { json!(null) } else { json!(1) };
        assert_eq!(now["cleared"][0]["id"], cleared);
    }
}

#[tokio::test]
async fn a_higher_threshold_leaves_it_to_the_next_value() {
    let server = firing().await;
    let raised = json!({ "conditions": [{ "type": "above", "metric_name": "m", "threshold": 100 }] });
    server.good("PUT", "/v1/alerts/1", alert(raised)).await;
    assert_eq!(server.incidents().await, ["open"]);
    server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 50.0)]).await;
    assert_eq!(
        (server.incidents().await, server.deliveries().await),
        (vec!["normal".to_owned()], and_cleared().into_iter().map(String::from).collect())
    );
}

#[tokio::test]
async fn after_a_clear_the_next_violating_value_opens_another_one() {
    let server = firing().await;
    server.good("POST", "/v1/alerts/a/clear", Value::Null).await;
    server.evaluate(1, NOW + 200, vec![(NOW + 50, "web1", 20.0)]).await;
    assert_eq!(server.incidents().await, ["manual"], "what came before the clear is over");
    server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 20.0)]).await;
    assert_eq!(server.incidents().await, ["manual", "open"]);
    let audit = server.get("/v1/audit?kind=alert").await;
    let last = audit["audit"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["name"], &last["user"]),
        (&json!("clear"), &json!("a"), &json!("ops@example.org"))
    );
    assert_eq!(server.ask("POST", "/v1/alerts/7/clear", Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_service_that_is_deleted_is_told_nothing_more() {
    let server = firing().await;
    server.good("DELETE", "/v1/services/1", Value::Null).await;
    server.good("DELETE", "/v1/alerts/1", Value::Null).await;
    assert_eq!(server.deliveries().await, ["1 trigger failed", "2 trigger waiting", "2 clear waiting"]);
}

/// What was worked out before a change is void, whatever the change was.
#[tokio::test]
async fn every_change_is_seen_by_the_revision() {
    let server = firing().await;
    let revision =
        || async { server.store.read(|tx: &Tx| Ok::<_, Problem>(table::revisions(tx)?[&1])).await.unwrap() };
    let mut last = revision().await;
    for (method, path, body) in [
        ("PUT", "/v1/alerts/1", alert(json!({ "description": "d" }))),
        ("DELETE", "/v1/alerts/1/services/1", Value::Null),
        ("POST", "/v1/alerts/1/services", json!({ "service": 1 })),
        ("POST", "/v1/alerts/1/clear", Value::Null),
        ("DELETE", "/v1/services/1", Value::Null),
        ("DELETE", "/v1/metrics/m", Value::Null),
    ] {
        server.good(method, path, body).await;
        let now = revision().await;
        assert!(now > last, "{method} {path}");
        last = now;
    }
}

/// Its incident ends, and so does what its services believe; it goes on as if it were made now, under new numbers.
#[tokio::test]
async fn a_state_that_cannot_be_read_is_told_and_begins_anew() {
    let requests = [
        ("POST", "/v1/alerts/1/clear", Value::Null),
        ("PUT", "/v1/alerts/1", alert(json!({ "rearm_seconds": 1200 }))),
        ("DELETE", "/v1/alerts/1", Value::Null),
    ];
    for (method, path, body) in requests {
        let server = firing().await;
        let spoil = |tx: &Tx| {
            tx.execute("UPDATE alert_states SET body = ?1", params![b"nothing".to_vec()])?;
            Ok::<_, Problem>(())
        };
        server.store.write(spoil).await.unwrap();
        server.good(method, path, body).await;
        assert_eq!(
            (server.incidents().await, server.deliveries().await),
            (vec!["auto".to_owned()], and_cleared().into_iter().map(String::from).collect()),
            "{method}"
        );
        let counted = server.ask("GET", "/metrics", Value::Null).await;
        assert_eq!(counted.0, StatusCode::OK);
        if method == "POST" {
            server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 20.0)]).await;
            assert_eq!(server.incidents().await, ["auto", "open"], "its key is another one");
        }
    }
}

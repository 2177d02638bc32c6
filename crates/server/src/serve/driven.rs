//! A server whose alerts a test drives by hand: it takes the place of the evaluation, over the stored state and by the one way of writing.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::catalog::alerting::clock::Clock as Once;
use super::catalog::alerting::record::{Recorded, Terms, record};
use super::catalog::alerting::restore::restore;
use super::catalog::alerting::silences::table as silences;
use super::catalog::alerting::states::{self, Kept};
use super::catalog::alerts::table;
use super::catalog::alerts::watched::Watched;
use super::http::problem::Problem;
use super::router::router;
use super::store::tx::{Tx, params};
use super::{Clock, Credentials, Data, Opening, Options, Store};
use crate::watch::{AlertState, Context, Reading, Settings, Silence, Transition};

pub const SETTINGS: Settings = Settings { settle: 10, max_age: 900, gather: 0 };
/// When the server's clock stands.
pub const NOW: i64 = 1_000_000;

/// A server without an evaluation, of which the test takes the place.
pub struct Server {
    pub store: Store,
    pub clock: Clock,
    router: Router,
}

impl Server {
    pub fn new() -> Server {
        let mut opening = Opening::default();
        let clock = Clock::standing_at(NOW);
        opening.clock = clock.clone();
        let store = Store::open_with(&Data::Memory, opening).unwrap();
        let users = vec![Credentials::new("ops@example.org", &"t".into())];
        Server { router: router(store.clone(), users, &Options::default()), store, clock }
    }

    /// With two services.
    pub async fn with_services() -> Server {
        let server = Server::new();
        for title in ["a", "b"] {
            let settings = json!({ "addresses": "a@example.com" });
            let service = json!({ "type": "mail", "title": title, "settings": settings });
            server.good("POST", "/v1/services", service).await;
        }
        server
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
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
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
            let (state, recorded) = take_up(tx, alert, to, |ctx, state| {
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
            let terms = Terms { account: "ops@example.org".into(), notify: true, now: to };
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
pub fn take_up(
    tx: &Tx<'_>,
    alert: i64,
    now: i64,
    drive: impl FnOnce(&Context<'_>, &mut AlertState) -> Vec<Transition>,
) -> Result<(AlertState, Recorded), Problem> {
    let alert = table::get_all(tx, &vec![alert])?.pop().ok_or_else(Problem::not_found)?;
    let watched = Watched::of(tx, [&alert])?.watch(&alert);
    let all = silences::watched(tx, now)?;
    let all: Vec<Silence> = all.iter().map(|silence| silence.watched()).collect();
    let ctx = Context { alert: &watched, settings: &SETTINGS, silences: &all };
    let found = states::load(tx, &[alert.id])?.remove(&alert.id);
    let written = Once::read(tx)?.written.of(alert.id);
    let mut restored = restore(&ctx, &alert, found, written, NOW);
    assert_eq!(restored.lost, None);
    let transitions = drive(&ctx, &mut restored.state);
    let state = Kept::of(&restored.state, &ctx)?;
    let recorded = Recorded { alert: alert.into(), watched: watched.clone().into(), transitions, state };
    Ok((restored.state, recorded))
}

/// With two services and an alert on `m` above 10 that tells them, and fires.
pub async fn firing() -> Server {
    let server = Server::with_services().await;
    server.good("PUT", "/v1/metrics/m", json!({ "type": "gauge" })).await;
    server.good("POST", "/v1/alerts", alert(json!({}))).await;
    server.evaluate(1, NOW + 100, vec![(NOW + 50, "web1", 20.0)]).await;
    assert_eq!(server.incidents().await, ["open"]);
    server
}

/// A body with `more` laid over it.
pub fn alert(more: Value) -> Value {
    let mut body = json!({
        "name": "a", "services": [1, 2],
        "conditions": [{ "type": "above", "metric_name": "m", "threshold": 10 }],
    });
    let Value::Object(more) = more else { panic!("no object: {more}") };
    body.as_object_mut().unwrap().extend(more);
    body
}

//! What users see of several servers over one database: limits that hold for all of them, tokens that end, keys that make one object.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::serve::store::flow::Waiting;
use crate::serve::{Credentials, Options, router};

/// In the middle of a minute.
const NOW: i64 = 1_531_370_370;

struct Servers {
    clock: Clock,
    clusters: Vec<Cluster>,
    stores: Vec<Store>,
    routers: Vec<Router>,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Servers {
    fn new(options: &Options) -> Option<Servers> {
        let address = test_server::fresh(|model| connect(model, &Clock::system()).close())?;
        let clock = Clock::standing_at(NOW);
        let mut servers =
            Servers { clock: clock.clone(), clusters: Vec::new(), stores: Vec::new(), routers: Vec::new() };
        for _ in 0..3 {
            let store = connect(&address, &clock);
            let options = Options { cluster: Cluster::by_hand(&store), ..options.clone() };
            servers.clusters.push(options.cluster.clone());
            servers.stores.push(store.clone());
            servers.routers.push(router(store, vec![Credentials::new("u", &"t".into())], &options));
        }
        Some(servers)
    }

    async fn ask(&self, at: usize, who: &str, method: &str, path: &str, body: Value) -> Answer {
        self.ask_with(at, who, method, path, body, "").await
    }

    async fn ask_with(
        &self,
        at: usize,
        who: &str,
        method: &str,
        path: &str,
        body: Value,
        key: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !who.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(who)));
        }
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap();
        let answer = self.routers[at].clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }
}

const USER: &str = "u:t";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_too_much_waits_to_be_compacted_measurements_are_refused_and_nothing_else() {
    let Some(servers) = Servers::new(&Options::default()) else { return };
    let gauges = json!({"gauges": [{"name": "m", "value": 1}]});
    let submit = async || servers.ask(0, USER, "POST", "/v1/metrics", gauges.clone()).await;
    assert_eq!(submit().await.status, StatusCode::OK);
    let condition = servers.stores[0].condition();
    servers.stores[0].rest();
    condition.journal_waits(Waiting { bytes: 300_000_000, ..Waiting::default() });
    assert_eq!(submit().await.status, StatusCode::OK, "slowly");
    let health = servers.ask(0, USER, "GET", "/v1/health", Value::Null).await.body;
    assert_eq!(health["checks"][0]["status"], "warn", "{health}");
    condition.journal_waits(Waiting { bytes: 3_000_000_000, ..Waiting::default() });
    let refused = submit().await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers[header::RETRY_AFTER], "10");
    let told = refused.body["errors"]["system"][0].as_str().unwrap();
    assert!(told.starts_with("Nothing was stored: ") && told.contains("--journal-hard"), "{told}");
    for (method, path, body) in [
        ("GET", "/v1/metrics/m?count=1&resolution=1", Value::Null),
        ("POST", "/v1/annotations/a", json!({"title": "t"})),
        ("PUT", "/v1/metrics/m", json!({"description": "d"})),
    ] {
        let status = servers.ask(0, USER, method, path, body).await.status;
        assert!(status.is_success(), "{method} {path}: {status}");
    }
    condition.journal_waits(Waiting::default());
    assert_eq!(submit().await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_never_gets_more_than_the_limit_wherever_they_ask() {
    let limited = Options { measurements_per_minute: Some(100), ..Options::default() };
    let Some(servers) = Servers::new(&limited) else { return };
    let servers = Arc::new(servers);
    let shared = Arc::clone(&servers);
    let send = move |at: usize, count: usize| {
        let servers = Arc::clone(&shared);
        async move {
            let gauges: Vec<Value> =
                (0..count).map(|n| json!({"name": format!("m{n}"), "value": 1})).collect();
            servers.ask(at, USER, "POST", "/v1/metrics", json!({ "gauges": gauges })).await
        }
    };
    let clients = (0..6).map(|client| {
        let send = send.clone();
        tokio::spawn(async move {
            let mut taken = 0;
            for n in 0..30 {
                let count = 1 + (n + client) % 3;
                match send(client % 3, count).await.status {
                    StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => taken += count,
                    StatusCode::TOO_MANY_REQUESTS => {}
                    other => panic!("{other}"),
                }
            }
            taken
        })
    });
    let mut taken = 0;
    for client in clients.collect::<Vec<_>>() {
        taken += client.await.unwrap();
    }
    // A slice is two.
    assert!((95..=100).contains(&taken), "{taken}");
    let refused = send(0, 3).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let told = refused.headers["x-librato-ratelimit-std"].to_str().unwrap().to_owned();
    assert!(told.starts_with("limit=100,remaining="), "{told}");
    servers.clock.pass(Duration::from_secs(60));
    assert!(send(1, 100).await.status.is_success(), "the next minute");
    assert_eq!(send(2, 1).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_token_that_is_switched_off_is_used_nowhere_two_seconds_later() {
    let Some(servers) = Servers::new(&Options::default()) else { return };
    let new = json!({"name": "wall", "role": "viewer"});
    let made = servers.ask(0, USER, "POST", "/v1/api_tokens", new).await.body;
    let token = format!("token:{}", made["token"].as_str().unwrap());
    let asks = async |at: usize| servers.ask(at, &token, "GET", "/v1/metrics", Value::Null).await.status;
    for at in 0..3 {
        assert_eq!(asks(at).await, StatusCode::OK, "it is known at once");
    }
    let path = format!("/v1/api_tokens/{}", made["id"]);
    assert!(servers.ask(0, USER, "PUT", &path, json!({"active": false})).await.status.is_success());
    assert_eq!(asks(0).await, StatusCode::UNAUTHORIZED, "where it was switched off");
    assert_eq!(asks(1).await, StatusCode::OK);
    servers.clock.pass(Duration::from_secs(2));
    assert_eq!(asks(1).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guesses_at_one_server_count_at_the_others() {
    let Some(servers) = Servers::new(&Options::default()) else { return };
    let guess =
        async |at: usize, token: &str| servers.ask(at, token, "GET", "/v1/metrics", Value::Null).await.status;
    for n in 0..10 {
        assert_eq!(guess(0, &format!("u:guess{n}")).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(guess(0, "u:guess10").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess(1, "u:guess11").await, StatusCode::TOO_MANY_REQUESTS, "one answer, which tells nothing");
    assert_eq!(guess(1, USER).await, StatusCode::TOO_MANY_REQUESTS, "nor is the right one told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_repeated_at_another_server_makes_nothing_again() {
    let Some(servers) = Servers::new(&Options::default()) else { return };
    let servers = Arc::new(servers);
    let all = (0..9).map(|n| {
        let servers = Arc::clone(&servers);
        tokio::spawn(async move {
            let body = json!({"name": "space"});
            servers.ask_with(n % 3, USER, "POST", "/v1/spaces", body, "once").await
        })
    });
    let mut ids = BTreeSet::new();
    for one in all.collect::<Vec<_>>() {
        let made = one.await.unwrap();
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        ids.insert(made.body["id"].as_i64().unwrap());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test]
async fn only_the_server_that_is_about_to_end_is_not_ready() {
    let Some(servers) = Servers::new(&Options::default()) else { return };
    let ready = async |at: usize| servers.ask(at, "", "GET", "/readyz", Value::Null).await.status;
    assert_eq!((ready(0).await, ready(1).await), (StatusCode::OK, StatusCode::OK));
    servers.clusters[0].retire();
    assert_eq!((ready(0).await, ready(1).await), (StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK));
    assert_eq!(servers.ask(0, USER, "GET", "/v1/metrics", Value::Null).await.status, StatusCode::OK);
}

//! A hand-written service for tests of the client, and a quick client to talk to it.
//! Answers by a function from request to answer; knows nothing of the API.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)] // shared by several tests, none of which uses all

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Query, Request};
use axum::http::HeaderMap;
use axum::response::Response;
use librato_apply::remote::{Client, Config, Endpoint, RetryPolicy};
use secrecy::SecretString;

pub const USER: &str = "me@example.com";
pub const TOKEN: &str = "canary-token-0123";

/// One request as the service saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Counted from 0.
    pub index: usize,
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HeaderMap,
    pub at: Instant,
}

impl Seen {
    /// A query parameter as a number; 0 when absent.
    pub fn number(&self, key: &str) -> usize {
        self.query.get(key).and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}

/// The running service; ends with the test's runtime.
pub struct Upstream {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    /// Serves `answer` on a free loopback port.
    pub async fn start(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Upstream {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let app =
            axum::Router::new().fallback(move |query: Query<HashMap<String, String>>, request: Request| {
                let entry = note(&log, query.0, &request);
                let answer = answer.clone();
                async move { answer(&entry) }
            });
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Upstream { addr, seen }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn note(log: &Mutex<Vec<Seen>>, query: HashMap<String, String>, request: &Request) -> Seen {
    let mut log = log.lock().unwrap();
    let entry = Seen {
        index: log.len(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query,
        headers: request.headers().clone(),
        at: Instant::now(),
    };
    log.push(entry.clone());
    entry
}

/// An answer with a body of this type.
pub fn answer(status: u16, content_type: &str, body: impl Into<axum::body::Body>) -> Response {
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(body.into()).expect("a valid answer")
}

/// A JSON answer.
pub fn json(status: u16, body: &serde_json::Value) -> Response {
    answer(status, "application/json", body.to_string())
}

/// What a client of `addr` is made from, with patience in milliseconds.
pub fn config(addr: SocketAddr) -> Config {
    let endpoint = Endpoint::parse(&format!("http://{addr}"), true).expect("a loopback endpoint");
    let retry = RetryPolicy::quick();
    Config {
        retry,
        timeout: Duration::from_secs(5),
        ..Config::new(endpoint, USER, SecretString::from(TOKEN))
    }
}

/// A client of `addr`.
pub fn client(addr: SocketAddr) -> Client {
    Client::new(config(addr)).expect("a client")
}

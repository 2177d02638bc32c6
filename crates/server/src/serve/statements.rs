//! A law for every request about definitions: however much it brings or asks for, it takes few statements, since each of them
//! is a round trip where the database is across a network. Large submissions of measurements and changes of many metrics by patterns
//! go through as many as they must.

use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use axum::{Router, http};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::app::Options;
use super::router::router;
use super::{Credentials, Data, Store};

/// With the tag of the object and the entry of the audit.
const MOST: u64 = 12;

/// A change of what is evaluated reads and writes the state of the alert as well.
const EVALUATED: u64 = 15;

struct Server {
    store: Store,
    router: Router,
}

/// One over each database that is here.
fn servers() -> Vec<Server> {
    let file = Store::open(&Data::Memory).unwrap();
    let stores = [Some(file), across_a_network()];
    stores.into_iter().flatten().map(Server::over).collect()
}

/// A PostgreSQL, where tests are to run on it.
#[cfg(all(unix, feature = "postgres"))]
fn across_a_network() -> Option<Store> {
    use super::store::{Opening, postgres::tests::store_with};

    let (store, _) = store_with(Opening::default())?;
    store.rest();
    Some(store)
}

#[cfg(not(all(unix, feature = "postgres")))]
fn across_a_network() -> Option<Store> {
    None
}

impl Server {
    fn over(store: Store) -> Server {
        let users = vec![Credentials::new("u", &"t".into())];
        Server { router: router(store.clone(), users, &Options::default()), store }
    }

    /// What is answered, after so few statements.
    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        self.ask_within(MOST, method, path, body).await
    }

    async fn ask_within(&self, most: u64, method: Method, path: &str, body: Value) -> Value {
        let before = self.store.condition().statements.load(Ordering::Relaxed);
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode("u:t")))
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, body) = (answer.status(), to_bytes(answer.into_body(), usize::MAX).await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {body:?}");
        let taken = self.store.condition().statements.load(Ordering::Relaxed) - before;
        assert!((1..=most).contains(&taken), "{method} {path} takes {taken} statements");
        if status == http::StatusCode::NO_CONTENT {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        }
    }

    /// Makes something, and gives its id.
    async fn make(&self, path: &str, body: Value) -> i64 {
        self.ask(Method::POST, path, body).await["id"].as_i64().unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null).await
    }

    async fn put(&self, path: &str, body: Value) {
        self.ask(Method::PUT, path, body).await;
    }

    async fn delete(&self, path: &str) {
        self.ask(Method::DELETE, path, Value::Null).await;
    }
}

#[tokio::test]
async fn alerts_and_services() {
    for server in servers() {
        take_few_for_alerts_and_services(server).await;
    }
}

async fn take_few_for_alerts_and_services(server: Server) {
    let mut services = Vec::new();
    for n in 0..20 {
        let settings = json!({ "addresses": format!("a{n}@example.com") });
        let body = json!({ "type": "mail", "title": format!("s{n}"), "settings": settings });
        services.push(server.make("/v1/services", body).await);
    }
    let condition = |n: usize| json!({ "type": "above", "metric_name": format!("m{n}"), "threshold": n });
    let conditions: Vec<_> = (0..30).map(condition).collect();
    let alert = |name: String| json!({ "name": name, "conditions": conditions, "services": services });
    let mut last = 0;
    for n in 0..20 {
        last = server.make("/v1/alerts", alert(format!("a{n}"))).await;
    }
    let listed = server.get("/v1/alerts?name=a").await;
    assert_eq!(listed["alerts"].as_array().unwrap().len(), 20);
    let path = format!("/v1/alerts/{last}");
    let shown = server.get(&path).await;
    assert_eq!(
        (shown["conditions"].as_array().unwrap().len(), shown["services"].as_array().unwrap().len()),
        (30, 20)
    );
    let mut changed = alert("b".to_owned());
    changed["conditions"] = shown["conditions"].clone();
    server.put(&path, changed).await;
    assert_eq!(server.get(&path).await["conditions"], shown["conditions"], "each keeps its id");
    let mut raised = shown["conditions"].clone();
    raised.as_array_mut().unwrap().iter_mut().for_each(|condition| condition["threshold"] = json!(99));
    changed = alert("b".to_owned());
    changed["conditions"] = raised;
    server.ask_within(EVALUATED, Method::PUT, &path, changed).await;
    server.ask(Method::POST, &format!("{path}/clear"), Value::Null).await;
    server.make("/v1/silences", json!({ "alert": "*", "why": "w", "duration": 60 })).await;
    for path in [
        "/v1/alerts/status",
        "/v1/violations",
        "/v1/incidents?alert=a*",
        "/v1/deliveries?status=sent",
        "/v1/silences",
    ] {
        server.get(path).await;
    }
    server.delete("/v1/silences/1").await;
    server.get("/v1/services").await;
    server.put(&format!("/v1/services/{}", services[0]), json!({ "title": "other" })).await;
    server.delete(&format!("{path}/services/{}", services[0])).await;
    server.ask(Method::POST, &format!("{path}/services"), json!({ "service": services[0] })).await;
    server.delete(&format!("/v1/services/{}", services[0])).await;
    server.delete(&path).await;
}

#[tokio::test]
async fn spaces_dashboards_and_instruments() {
    for server in servers() {
        take_few_for_spaces_dashboards_and_instruments(server).await;
    }
}

async fn take_few_for_spaces_dashboards_and_instruments(server: Server) {
    let stream = |n: usize| json!({ "metric": format!("m{n}"), "source": "*" });
    let streams: Vec<_> = (0..30).map(stream).collect();
    let space = server.make("/v1/spaces", json!({ "name": "s" })).await;
    let charts = format!("/v1/spaces/{space}/charts");
    let mut chart = 0;
    for n in 0..20 {
        let body = json!({ "name": format!("c{n}"), "type": "line", "streams": streams });
        chart = server.make(&charts, body).await;
    }
    let listed = server.get(&charts).await;
    assert_eq!(listed.as_array().unwrap().len(), 20);
    assert_eq!(listed[0]["streams"].as_array().unwrap().len(), 30);
    server.get(&format!("/v1/spaces/{space}")).await;
    server.get(&format!("{charts}/{chart}")).await;
    server.put(&format!("{charts}/{chart}"), json!({ "streams": streams[1..] })).await;
    server.ask(Method::POST, "/v1/snapshots", json!({ "subject": { "chart": { "id": chart } } })).await;
    server.delete(&format!("{charts}/{chart}")).await;
    server.put(&format!("/v1/spaces/{space}"), json!({ "name": "t" })).await;
    server.get("/v1/spaces?name=t").await;
    server.delete(&format!("/v1/spaces/{space}")).await;

    let mut instruments = Vec::new();
    for n in 0..20 {
        let body = json!({ "name": format!("i{n}"), "streams": streams });
        instruments.push(server.make("/v1/instruments", body).await);
    }
    assert_eq!(server.get("/v1/instruments").await["instruments"].as_array().unwrap().len(), 20);
    for name in ["d", "e", "f"] {
        server.make("/v1/dashboards", json!({ "name": name, "instruments": instruments })).await;
    }
    let dashboards = server.get("/v1/dashboards").await;
    assert_eq!(dashboards["dashboards"][2]["instruments"].as_array().unwrap().len(), 20);
    server.put("/v1/dashboards/1", json!({ "instruments": instruments[3..] })).await;
    server.delete("/v1/dashboards/1").await;
}

#[tokio::test]
async fn metrics_sources_annotations_and_tokens() {
    for server in servers() {
        take_few_for_metrics_sources_annotations_and_tokens(server).await;
    }
}

async fn take_few_for_metrics_sources_annotations_and_tokens(server: Server) {
    for n in 0..3 {
        server.put(&format!("/v1/metrics/m{n}"), json!({ "type": "gauge", "display_name": "M" })).await;
        server.put(&format!("/v1/metrics/m{n}"), json!({ "display_name": "N" })).await;
        server.put(&format!("/v1/sources/s{n}"), json!({ "display_name": "S" })).await;
        let event =
            json!({ "title": "t", "start_time": 1000 + n, "links": [{ "rel": "a", "href": "http://a" }] });
        server.ask(Method::POST, "/v1/annotations/deploys", event).await;
        server.make("/v1/api_tokens", json!({ "name": format!("t{n}"), "role": "viewer" })).await;
    }
    for path in [
        "/v1/metrics?name=m",
        "/v1/metrics/m1",
        "/v1/sources?name=s",
        "/v1/sources/s1",
        "/v1/annotations",
        "/v1/annotations/deploys?start_time=1",
        "/v1/annotations/deploys/1",
        "/v1/api_tokens/t*",
        "/v1/api_tokens/1",
    ] {
        server.get(path).await;
    }
    server.put("/v1/annotations/deploys/1", json!({ "description": "d" })).await;
    server.put("/v1/api_tokens/1", json!({ "active": false })).await;
    for path in ["/v1/metrics/m1", "/v1/sources/s1", "/v1/annotations/deploys", "/v1/api_tokens/1"] {
        server.delete(path).await;
    }
}

/// A submission is one statement, and a few more where metrics and series have to be made, however many.
#[tokio::test]
async fn submissions_across_a_network_take_few_statements() {
    let Some(store) = across_a_network() else { return };
    let server = Server::over(store);
    let one =
        |n: i64| json!({ "name": format!("m{}", n % 40), "tags": { "host": format!("h{n}") }, "value": n });
    let body = json!({ "measurements": (0..400).map(one).collect::<Vec<_>>() });
    let send = |most| server.ask_within(most, Method::POST, "/v1/measurements", body.clone());
    send(12).await;
    let statements = || server.store.condition().statements.load(Ordering::Relaxed);
    let before = statements();
    for _ in 0..8 {
        send(2).await;
    }
    assert!(statements() - before <= 8 + 3, "each lane is made once");
}

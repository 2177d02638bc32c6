//! What every answer has in common: authentication, compression, ids, shutdown.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use librato_apply::serve::{Data, Options, Store, router, run};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::hostile::gzip;
use crate::harness::{Api, JSON, TOKEN, USER, basic, credentials};

#[tokio::test]
async fn everything_but_health_asks_for_credentials() {
    let ask = async |api: &Api, method: &str, path: &str, sent: Option<String>| {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(sent) = sent {
            request = request.header(header::AUTHORIZATION, sent);
        }
        api.call(request.body(Body::from("{not even read")).unwrap()).await
    };
    for (method, path) in [
        ("GET", "/v1/metrics"),
        ("POST", "/v1/metrics"),
        ("DELETE", "/v1/alerts/1"),
        ("GET", "/v1/nothing"),
        ("PATCH", "/v1/alerts"),
    ] {
        // one that has not been guessed at: ten failures a minute are answered so
        let api = Api::new();
        for sent in [None, Some(basic(USER, "wrong")), Some(basic("", "")), Some("Bearer s3cret".to_owned())]
        {
            let answer = ask(&api, method, path, sent).await;
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"librato-apply\""));
            answer.refused(401, "/request", "Authorization Required");
        }
    }
    let api = Api::new();
    for user in [USER, "OPS@Example.ORG", "token"] {
        assert_eq!(ask(&api, "GET", "/v1/metrics", Some(basic(user, TOKEN))).await.status, 200, "{user}");
    }
    // AppOptics documents the token as the user, without a password
    assert_eq!(ask(&api, "GET", "/v1/metrics", Some(basic(TOKEN, ""))).await.status, 200);
    assert_eq!(ask(&api, "GET", "/healthz", None).await.status, 200);
}

#[tokio::test]
async fn gzip_both_ways() {
    let api = Api::new();
    let request = |method: &str, path: &str, body: Body| {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, basic("token", TOKEN))
            .header(header::CONTENT_TYPE, JSON)
            .header(header::CONTENT_ENCODING, "gzip")
            .body(body)
            .unwrap()
    };
    let alert = json!({"name": "a", "description": "long ".repeat(200)}).to_string();
    api.call(request("POST", "/v1/alerts", Body::from(gzip(alert.as_bytes())))).await.expect(201);
    // appoptics-api-go announces gzip without any body
    api.call(request("GET", "/v1/alerts/1", Body::empty())).await.expect(200);
    api.call(request("POST", "/v1/alerts", Body::from("{}"))).await.refused(
        400,
        "/request",
        "not valid gzip",
    );
    let mut asking = request("GET", "/v1/alerts", Body::empty());
    asking.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("gzip"));
    assert_eq!(api.call(asking).await.header("content-encoding"), Some("gzip"));
    assert_eq!(api.get("/v1/alerts").await.header("content-encoding"), None);
    api.call(request("DELETE", "/v1/alerts/1", Body::empty())).await.expect(204);
}

#[tokio::test]
async fn request_ids_are_echoed_or_made() {
    let api = Api::new();
    let ask = async |id: &str| {
        let request = Request::get("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
        let answer = api.call(request).await;
        // So that our own commands know whom they speak to.
        assert_eq!(answer.header("x-librato-apply"), Some("serve"));
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(ask("abc-123").await, "abc-123");
    assert_ne!(ask(&"x".repeat(500)).await.len(), 500);
    assert_eq!(ask("").await.len(), 16);
    assert_ne!(ask("").await, ask("").await);
}

struct Bound {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    router: axum::Router,
}

async fn bind(data: &Data) -> Bound {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = Store::open(data).unwrap();
    let router = router(store.clone(), credentials(), &Options::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let served = tokio::spawn(run(listener, router.clone(), store, shutdown));
    Bound { address, stop, served, router }
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_what_is_in_flight_and_closes_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let bound = bind(&Data::File(path.clone())).await;
    let idle = TcpStream::connect(bound.address).unwrap();
    let mut half = TcpStream::connect(bound.address).unwrap();
    half.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /v1/alerts HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: {JSON}\r\ncontent-length: 12\r\nexpect: 100-continue\r\n\r\n",
        basic(USER, TOKEN)
    );
    half.write_all(head.as_bytes()).unwrap();
    // the server asks for the body, so the request is in flight
    let mut asked = [0; 25];
    half.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    bound.stop.send(()).unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        half.write_all(b"{\"name\":\"a\"}").unwrap();
        let mut text = String::new();
        half.read_to_string(&mut text).unwrap();
        text
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    drop(idle);
    bound.served.await.unwrap().unwrap();
    assert!(!dir.path().join("a.db-wal").exists(), "the log was folded into the file");
    // the router outlives the store: answers say so, and close the connection as python-librato's retry needs
    let late = Api { router: bound.router }.get("/v1/alerts").await;
    assert_eq!(late.header("connection"), Some("close"));
    late.refused(503, "/system", "Try again");
    let again =
        Api { router: router(Store::open(&Data::File(path)).unwrap(), credentials(), &Options::default()) };
    assert_eq!(again.get("/v1/alerts/a").await.expect(200)["name"], "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_body_is_refused_before_it_is_sent() {
    let bound = bind(&Data::Memory).await;
    let mut stream = TcpStream::connect(bound.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /v1/metrics HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-length: 100000000\r\n\r\n",
        basic(USER, TOKEN)
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
    bound.stop.send(()).unwrap();
    bound.served.await.unwrap().unwrap();
}

//! Limits in time, number and memory: what is too slow is cut off, what is too much is told to come again.

use std::io::{Read as _, Write as _};

use serde_json::json;

use super::raw::{connect, converse, head, until_closed};
use crate::server::{Server, TOKEN, USER, client, fresh};

#[test]
fn slow_headers_are_cut_off() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--header-timeout", "300ms"]);
    // nothing at all, half a line, a header now and then, a finished request and then nothing
    let starts = ["", "GET /v1/me", "GET /v1/metrics HTTP/1.1\r\nhost: x\r\n"];
    for start in starts {
        let answer = converse(&server, start.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{start:?}: {answer}");
    }
    let mut dripping = connect(&server);
    let _ = dripping.write_all(b"GET /v1/metrics HTTP/1.1\r\n");
    let fed = (0..1000).take_while(|n| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        dripping.write_all(format!("x-{n}: y\r\n").as_bytes()).is_ok()
    });
    assert!(fed.count() < 1000, "a client that never finishes its headers is cut off");
    let answer = converse(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn slow_bodies_are_answered_408() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--body-timeout", "300ms"]);
    let start = head("POST", "/v1/metrics", "content-length: 100\r\n") + "{\"gauges\":[";
    let answer = converse(&server, start.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("came too slowly"), "{answer}");
    let chunked = head("POST", "/v1/metrics", "transfer-encoding: chunked\r\n") + "5\r\n{\"gau";
    assert!(converse(&server, chunked.as_bytes()).starts_with("HTTP/1.1 408"));
}

/// Opens a request whose body is awaited, and returns once the server works on it.
fn occupy(server: &Server, length: usize) -> std::net::TcpStream {
    let mut stream = connect(server);
    let more = format!("content-length: {length}\r\nexpect: 100-continue\r\n");
    stream.write_all(head("POST", "/v1/metrics", &more).as_bytes()).unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn what_does_not_fit_is_told_to_come_again() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--max-in-flight", "2"]);
    let get = || client().get(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN)).send();
    let waiting = [occupy(&server, 10), occupy(&server, 10)];
    let answer = get().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(
        (&answer.headers()["retry-after"], &answer.headers()["connection"]),
        (&"1".parse().unwrap(), &"close".parse().unwrap())
    );
    let body: serde_json::Value = answer.json().await.unwrap();
    assert!(body["errors"]["system"][0].as_str().unwrap().contains("busy"));
    // strangers are told so, and health is always answered
    assert_eq!(client().get(server.url("/v1/metrics")).send().await.unwrap().status(), 401);
    assert_eq!(client().get(server.url("/healthz")).send().await.unwrap().status(), 200);
    drop(waiting);
    let mut tries = 0..1000;
    while get().await.unwrap().status() != 200 {
        tries.next().expect("places come back when clients hang up");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn memory_for_bodies_is_bounded() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--max-request-memory", "1000000"]);
    let post = async |body: String| {
        let request = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let many = |n: usize| {
        let gauges: Vec<_> = (0..n).map(|i| json!({"name": format!("m.{i}"), "value": i})).collect();
        json!({ "gauges": gauges }).to_string()
    };
    let (status, text) = post(many(3000)).await;
    assert!(status == 413 && text.contains("too many values"), "{status} {text}");
    assert_eq!(post(many(500)).await.0, 200);
    // half of the memory is taken by a body that is still on its way
    let mut other = occupy(&server, 700_000);
    other.write_all(&[b' '; 600_000]).unwrap();
    let mut tries = 0..1000;
    while post(many(500)).await.0 != 503 {
        tries.next().expect("the memory is taken");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    other.write_all(&[b' '; 100_000]).unwrap();
    drop(other);
    let mut tries = 0..1000;
    while post(many(500)).await.0 != 200 {
        tries.next().expect("the memory comes back");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let page = client().get(server.url("/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains(r#"librato_apply_requests_shed_total{reason="memory"}"#), "{page}");
}

/// A definition that names the same many series again and again is refused before it fills the memory, however many ask.
#[tokio::test]
async fn memory_for_composites_is_bounded() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--max-request-memory", "64000000"]);
    let gauges: Vec<_> =
        (0..5_000).map(|n| json!({"name": "w", "value": 1, "source": format!("s{n}")})).collect();
    let request = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
    assert_eq!(request.json(&json!({ "gauges": gauges })).send().await.unwrap().status(), 200);
    let before = server.peak_mb();
    let compose = format!("sum([{}])", vec![r#"s("w","*")"#; 2_000].join(","));
    let ask = async || {
        let query = [("compose", compose.as_str()), ("resolution", "60"), ("duration", "600")];
        let request = client().get(server.url("/v1/metrics")).query(&query).basic_auth(USER, Some(TOKEN));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    for (status, text) in [first, second, third] {
        assert!(matches!(status, 400 | 503), "{status} {text}");
    }
    if let (Some(before), Some(after)) = (before, server.peak_mb()) {
        assert!(after - before < 200, "{before} MB became {after} MB");
    }
    let one = client().get(server.url("/v1/metrics/w")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    assert_eq!(one.status(), 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--max-connections", "2", "--header-timeout", "500ms"]);
    let idle = [connect(&server), connect(&server)];
    // is served as soon as the idle ones are cut off
    let answer = client().get(server.url("/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    for mut stream in idle {
        assert_eq!(until_closed(&mut stream), "");
    }
}

#[tokio::test]
async fn rate_limits_speak_the_headers_of_the_api() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--rate-limit", "1000000"]);
    let post = async |n: usize| {
        let gauges: Vec<_> = (0..n).map(|_| json!({"name": "m", "value": 1})).collect();
        let request = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
        request.json(&json!({ "gauges": gauges })).send().await.unwrap()
    };
    let answer = post(3).await;
    assert_eq!(answer.status(), 200);
    for name in ["x-librato-ratelimit-agg", "x-librato-ratelimit-std"] {
        let value = answer.headers()[name].to_str().unwrap();
        assert!(value.starts_with("limit=1000000,remaining=999997,reset="), "{value}");
    }
    let other = client().get(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    assert!(!other.headers().contains_key("x-librato-ratelimit-std"));
    drop(server);
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--rate-limit", "2"]);
    let request = client().post(server.url("/v1/measurements")).basic_auth(USER, Some(TOKEN));
    let three = json!({"tags": {"a": "b"}, "measurements": [{"name": "m", "value": 1}, {"name": "m", "value": 2}, {"name": "m", "value": 3}]});
    let answer = request.json(&three).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(answer.headers()["x-librato-ratelimit-std"].to_str().unwrap().contains("remaining=2"));
    let body: serde_json::Value = answer.json().await.unwrap();
    assert!(
        body["errors"]["request"][0]
            .as_str()
            .unwrap()
            .contains("API limit for measurements [measure:raw_rate]")
    );
    let metrics = client().get(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    assert_eq!(
        metrics.json::<serde_json::Value>().await.unwrap()["query"]["total"],
        0,
        "nothing of it was stored"
    );
}

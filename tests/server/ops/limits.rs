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
    // most of the memory is taken by a body that is still on its way
    let mut other = occupy(&server, 900_000);
    other.write_all(&[b' '; 800_000]).unwrap();
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

/// Values that do not pack well, 4,000 of a metric of their own.
fn more_data(round: u64) -> serde_json::Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let noise = |n: u64| (round * 4_000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) as f64 / 3.0;
    let gauge = |n: u64| json!({ "name": format!("grows.{round}"), "source": format!("s{}", n % 4), "value": noise(n), "measure_time": now - n });
    json!({ "gauges": (0..4_000).map(gauge).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_limit_of_the_data_refuses_data_and_nothing_else() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--max-disk", "2000000"]);
    let send = |method: reqwest::Method, path: &str, body: Option<serde_json::Value>| {
        let request = client().request(method, server.url(path)).basic_auth(USER, Some(TOKEN));
        body.iter().fold(request, |request, body| request.json(body)).send()
    };
    let (post, get) = (reqwest::Method::POST, reqwest::Method::GET);
    let health = async || {
        let answer =
            send(get.clone(), "/v1/health", None).await.unwrap().json::<serde_json::Value>().await.unwrap();
        let checks = answer["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["name"] == "storage").unwrap()
    };
    assert_eq!(health().await["status"], "ok");
    let mut refused = None;
    for round in 0..400 {
        let answer = send(post.clone(), "/v1/metrics", Some(more_data(round))).await.unwrap();
        if answer.status() != 200 {
            refused = Some((answer.status(), answer.text().await.unwrap()));
            break;
        }
    }
    let (status, said) = refused.expect("the limit is never reached");
    assert!(status == 507 && said.contains("--max-disk"), "{status} {said}");
    assert_eq!(health().await["status"], "failing");
    for (path, body) in [
        ("/v1/annotations/deploys", json!({ "title": "web 91" })),
        ("/v1/measurements", json!({ "measurements": [{ "name": "a", "value": 1, "tags": { "b": "c" } }] })),
    ] {
        assert_eq!(send(post.clone(), path, Some(body)).await.unwrap().status(), 507, "{path}");
    }
    let silence = json!({ "alert": "*", "duration": 600, "why": "the disk" });
    let metrics = send(get.clone(), "/metrics", None).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("librato_apply_data_limit_bytes 2000000"), "{metrics}");
    for (method, path, body, status) in [
        (post.clone(), "/v1/silences", Some(silence), 201),
        (post.clone(), "/v1/spaces", Some(json!({ "name": "Still made" })), 201),
        (get.clone(), "/v1/metrics/grows.0?count=10&resolution=1", None, 200),
        (get.clone(), "/readyz", None, 200),
        (reqwest::Method::DELETE, "/v1/metrics", Some(json!({ "names": ["grows.*"] })), 204),
    ] {
        let answer = send(method, path, body).await.unwrap();
        assert_eq!(answer.status(), status, "{path}: {}", answer.text().await.unwrap());
    }
    // What was deleted is room as soon as the file was looked at again.
    for _ in 0..600 {
        if send(post.clone(), "/v1/metrics", Some(json!({ "gauges": { "a": { "value": 1 } } })))
            .await
            .unwrap()
            .status()
            == 200
        {
            assert_eq!(health().await["status"], "ok");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("measurements are refused though they were deleted: {}", health().await);
}

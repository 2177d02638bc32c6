//! What no client should send, against one server: every answer is clear, its memory stays bounded, it never falls,
//! and no part of a refused batch is kept. Prints the most memory the server ever had.

use std::io::Write as _;
use std::time::Instant;

use axum::http::Method;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::raw::{connect, converse, head, until_closed};
use crate::server::{Server, TOKEN, USER, check, client, fresh};

/// The server's own limit for bodies is 256 MB; the rest is the program, SQLite, and what the allocator keeps.
const MOST_MB: u64 = 600;

struct Target {
    server: Server,
    client: reqwest::Client,
}

impl Target {
    async fn send(&self, method: &str, path: &str, encoding: &str, body: Vec<u8>) -> (u16, Value) {
        let request = self
            .client
            .request(method.parse::<Method>().unwrap(), self.server.url(path))
            .basic_auth(USER, Some(TOKEN))
            .header("content-type", "application/json")
            .header("content-encoding", encoding);
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        self.send("POST", path, "identity", body.into()).await
    }

    async fn total(&self) -> i64 {
        let (status, list) = self.send("GET", "/v1/metrics?length=1", "identity", Vec::new()).await;
        assert_eq!(status, 200);
        list["query"]["total"].as_i64().unwrap()
    }

    /// Many of the same at once: each gets one of `statuses`, in the one shape of errors.
    async fn flood(&self, what: &str, path: &str, encoding: &str, body: &[u8], statuses: &[u16]) {
        let answers = stream::iter(0..16).map(|_| self.send("POST", path, encoding, body.to_vec()));
        let answers: Vec<_> = answers.buffer_unordered(16).collect().await;
        for (status, text) in answers {
            assert!(statuses.contains(&status), "{what}: {status} {text}");
            assert!(status < 400 || text["errors"].is_object(), "{what}: {status} {text}");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_clients_get_clear_answers_and_nothing_else() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["-q", "--header-timeout", "20s", "--body-timeout", "20s"]);
    let mut target = Target { server, client: client() };
    let crowd: Vec<_> = (0..300)
        .map(|n| {
            let mut stream = connect(&target.server);
            let start = head("POST", "/v1/metrics", "content-length: 9000000\r\n");
            // some send half a head, the others some of a body
            stream.write_all(if n % 2 == 0 { b"GET / HT" } else { start.as_bytes() }).unwrap();
            stream
        })
        .collect();
    drop(crowd);
    sizes(&target).await;
    shapes(&target).await;
    numbers(&target).await;
    wire(&target);
    paths(&target).await;
    assert_eq!(target.total().await, 0, "something of a refused batch was kept");
    sql(&target).await;
    strangers(&target).await;
    assert!(target.server.runs());
    let peak = target.server.peak_mb();
    let _ = writeln!(std::io::stderr(), "\nhostile clients: the server had {peak:?} MB at most\n");
    assert!(peak.is_none_or(|peak| peak < MOST_MB), "{peak:?} MB");
    target.server.ask_to_stop();
    assert!(target.server.wait().success());
    let (sound, report) = check(&data);
    assert!(sound, "{report}");
}

/// Too long, packed or not, announced or not.
async fn sizes(target: &Target) {
    let announced = head("POST", "/v1/metrics", "content-length: 100000000\r\n");
    assert!(converse(&target.server, announced.as_bytes()).starts_with("HTTP/1.1 413"));
    let mut stream = connect(&target.server);
    stream.write_all(head("POST", "/v1/metrics", "transfer-encoding: chunked\r\n").as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &[b' '; 0x10_0000], b"\r\n"].concat();
    let taken = (0..100).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(taken < 100, "all of 100 MB was taken");
    let answer = until_closed(&mut stream);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    // 500 MB in half a megabyte, as fifty members of one stream
    let bomb = gzip(&vec![b' '; 10_000_000]).repeat(50);
    target.flood("bomb", "/v1/metrics", "gzip", &bomb, &[413, 503]).await;
    let broken = [&gzip(b"{\"gauges\":[]}")[..15], b"rubbish"].concat();
    target.flood("broken gzip", "/v1/metrics", "gzip", &broken, &[400]).await;
}

/// Few bytes that become many values.
async fn shapes(target: &Target) {
    let list = |item: &str, n: usize| format!("{{\"gauges\":[{}]}}", vec![item; n].join(","));
    let full = &[400, 413, 503];
    target.flood("a million numbers", "/v1/metrics", "identity", list("0", 1_000_000).as_bytes(), full).await;
    target
        .flood("a million objects", "/v1/metrics", "identity", list("{}", 1_000_000).as_bytes(), full)
        .await;
    let small = list("{\"a\":{\"a\":0}}", 300_000);
    target.flood("nested objects", "/v1/metrics", "identity", small.as_bytes(), full).await;
    let million = list("{\"name\":\"a\",\"value\":1}", 1_000_000);
    let (status, text) = target.post("/v1/metrics", million).await;
    assert_eq!(status, 413, "{text}");
    for deep in ["[".repeat(4_000_000), "{\"a\":".repeat(1_000_000)] {
        target.flood("deep", "/v1/metrics", "identity", deep.as_bytes(), full).await;
    }
    // as large as a batch can be, with one mistake at its end
    let good: Vec<_> = (0..40_000).map(|n| json!({"name": format!("good.{n}"), "value": n})).collect();
    let mut spoilt = json!({ "gauges": good });
    spoilt["gauges"].as_array_mut().unwrap().push(json!({"name": "bad name", "value": 1}));
    let (status, text) = target.post("/v1/metrics", spoilt.to_string()).await;
    assert_eq!(status, 400, "{text}");
    assert!(text["errors"]["params"]["name"].is_array(), "{text}");
}

async fn numbers(target: &Target) {
    for number in [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e127",
        "\"NaN\"",
        "\"inf\"",
        "\"1e999\"",
        "{}",
        "1e",
        "0x10",
    ] {
        let body =
            format!("{{\"gauges\":[{{\"name\":\"ok\",\"value\":1}},{{\"name\":\"n\",\"value\":{number}}}]}}");
        let (status, text) = target.post("/v1/metrics", body).await;
        assert_eq!(status, 400, "{number}: {text}");
        let body = format!(
            "{{\"tags\":{{\"a\":\"b\"}},\"measurements\":[{{\"name\":\"n\",\"count\":1,\"sum\":{number}}}]}}"
        );
        let (status, text) = target.post("/v1/measurements", body).await;
        assert_eq!(status, 400, "{number}: {text}");
    }
    for body in [
        &b"{\"gauges\":[{\"name\":\"\xff\xfe\",\"value\":1}]}"[..],
        b"\xef\xbb\xbf{}",
        b"{\"gauges\":\0}",
        b"\0",
    ] {
        let (status, text) = target.post("/v1/metrics", body).await;
        assert_eq!(status, 400, "{body:?}: {text}");
    }
    let times = ["-1", "1e18", "\"yesterday\"", "253402300800"];
    for time in times {
        let body = format!("{{\"gauges\":[{{\"name\":\"n\",\"value\":1,\"measure_time\":{time}}}]}}");
        let (status, text) = target.post("/v1/metrics", body).await;
        assert_eq!(status, 400, "{time}: {text}");
    }
}

/// What is not quite HTTP.
fn wire(target: &Target) {
    let long = format!("GET /v1/{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(2_000_000));
    let crowded = format!("GET /v1/metrics HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(50_000));
    let two_lengths = head("POST", "/v1/metrics", "content-length: 2\r\ncontent-length: 3\r\n") + "{}x";
    let huge_chunk = head("POST", "/v1/metrics", "transfer-encoding: chunked\r\n") + "ffffffffffffffffff\r\n";
    let negative = head("POST", "/v1/metrics", "content-length: -1\r\n");
    for (what, bytes) in [
        ("long", long.as_bytes()),
        ("crowded", crowded.as_bytes()),
        ("two lengths", two_lengths.as_bytes()),
        ("huge chunk", huge_chunk.as_bytes()),
        ("negative", negative.as_bytes()),
        ("binary", &[0xff; 5000]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    ] {
        let answer = converse(&target.server, bytes);
        let status = answer.split(' ').nth(1).unwrap_or("closed");
        assert!(["closed", "400", "413", "414", "431", "505"].contains(&status), "{what}: {answer}");
    }
}

async fn paths(target: &Target) {
    for path in [
        "/v1/../healthz",
        "/v1/metrics/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/metrics/%2e%2e",
        "/v1/metrics/%00",
        "/v1/metrics/%ff",
        "//v1//metrics",
        "/v1/metrics/a/b",
        "/v1/%61lerts",
        "/v1/alerts/9223372036854775808",
        "/v1/metrics;x=y",
        "http://elsewhere/v1/nothing",
    ] {
        let request = head("GET", path, "connection: close\r\n");
        let answer = converse(&target.server, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
    }
}

/// Kept as text or refused; the check at the end sees that every table is still what it was.
async fn sql(target: &Target) {
    for text in
        ["'; DROP TABLE metrics; --", "\" OR 1=1 --", "a' UNION SELECT settings FROM services --", "%_*\\'\""]
    {
        let quoted = json!(text);
        for (path, body) in [
            (
                "/v1/metrics",
                json!({"source": text, "gauges": [{"name": text, "value": text, "source": text}]}),
            ),
            ("/v1/metrics", json!({"gauges": {(text): {"value": 1}}})),
            (
                "/v1/measurements",
                json!({"tags": {(text): text}, "measurements": [{"name": text, "value": 1}]}),
            ),
            (
                "/v1/alerts",
                json!({"name": text, "description": text, "attributes": {(text): text}, "services": [text]}),
            ),
            (
                "/v1/alerts",
                json!({"name": "ok", "description": text, "conditions": [{"type": text, "metric_name": text, "source": text}]}),
            ),
            (
                "/v1/services",
                json!({"type": "mail", "title": text, "settings": {(text): text, "addresses": "a@b.cd"}}),
            ),
            (
                "/v1/annotations/stream",
                json!({"title": text, "description": text, "links": [{"rel": text, "href": text}]}),
            ),
        ] {
            let (status, answer) = target.post(path, body.to_string()).await;
            assert!(status < 500, "{path} {body}: {status} {answer}");
        }
        for parameter in ["name", "orderby", "sort", "offset", "length", "compose", "resolution", "tags"] {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            for route in ["metrics", "alerts", "services", "annotations"] {
                let path = format!("/v1/{route}?{parameter}={encoded}");
                let (status, answer) = target.send("GET", &path, "identity", Vec::new()).await;
                assert!(status < 500, "{path}: {status} {answer}");
            }
        }
        let (status, _) =
            target.send("DELETE", "/v1/metrics", "identity", format!("{{\"names\":{quoted}}}").into()).await;
        assert!(status < 500);
    }
    assert_eq!(target.post("/v1/metrics", r#"{"gauges":{"still.there":{"value":1}}}"#).await.0, 200);
    assert_eq!(target.total().await, 1);
}

/// Wrong tokens as fast as they can be sent.
async fn strangers(target: &Target) {
    let started = Instant::now();
    let guesses = stream::iter(0..3000).map(|n| {
        let request = target.client.get(target.server.url("/v1/metrics"));
        request.basic_auth(USER, Some(format!("{TOKEN}{n}"))).send()
    });
    let statuses: Vec<u16> =
        guesses.buffer_unordered(64).map(|answer| answer.unwrap().status().as_u16()).collect().await;
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    let slowed_down = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(looked_at + slowed_down, 3000);
    let minutes = usize::try_from(started.elapsed().as_secs() / 60).unwrap() + 2;
    assert!(looked_at <= 10 * minutes, "{looked_at} guesses were looked at");
    assert_eq!(target.total().await, 1, "the right token is still let in");
    let _ = writeln!(std::io::stderr(), "3000 wrong tokens refused in {:?}", started.elapsed());
}

//! Requests no client should send: the answer is always the documented shape, never a 500.

use axum::body::Body;
use axum::http::{Request, header};
use librato_apply::serve::Options;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, FORM, JSON, TOKEN, USER, basic};

fn expect_shape(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.body);
    if answer.status >= 400 {
        assert!(answer.body["errors"].is_object(), "{what}: {}", answer.body);
        expect_lists(&answer.body["errors"], 0);
    }
}

/// Lists of strings, with objects around them at most to the depth the clients can follow.
fn expect_lists(errors: &Value, depth: usize) {
    match errors {
        Value::Object(map) => {
            assert!(depth < 3 && !map.is_empty(), "{errors}");
            map.values().for_each(|inner| expect_lists(inner, depth + 1));
        }
        Value::Array(list) => assert!(!list.is_empty() && list.iter().all(Value::is_string), "{errors}"),
        other => panic!("{other} is neither a list nor an object"),
    }
}

#[tokio::test]
async fn wrong_types_in_every_field() {
    let api = Api::new();
    api.put("/v1/metrics/m", r#"{"type":"gauge"}"#).await.expect(201);
    api.post("/v1/alerts", r#"{"name":"a"}"#).await.expect(201);
    api.post("/v1/services", r#"{"type":"slack","title":"s","settings":{"url":"https://x"}}"#)
        .await
        .expect(201);
    api.post("/v1/annotations/s", r#"{"title":"t"}"#).await.expect(201);
    let condition = json!({"id": 1, "type": "above", "metric_name": "m", "source": "s", "threshold": 1, "duration": 60,
        "summary_function": "max", "detect_reset": true, "tags": [{"name": "n", "values": ["v"], "grouped": true, "dynamic": false}]});
    let alert = json!({"name": "a2", "description": "d", "conditions": [condition], "services": [1], "version": 2,
        "attributes": {"runbook_url": "u"}, "active": true, "rearm_seconds": 60, "rearm_per_signal": true, "md": true});
    let metric = json!({"type": "gauge", "display_name": "d", "description": "d", "period": 60, "source_lag": 1,
        "attributes": {"color": "#000000", "display_max": 1, "display_stacked": true, "summarize_function": "sum"}, "composite": null});
    let service = json!({"type": "slack", "title": "t", "settings": {"url": "https://x"}});
    let event = json!({"title": "t", "description": "d", "source": "s", "start_time": 1, "end_time": 2,
        "links": [{"rel": "r", "href": "h", "label": "l"}]});
    let sample = json!({"name": "x", "value": 1, "measure_time": null, "source": "s", "count": 1, "sum": 1, "min": 1, "max": 1,
        "sum_squares": 1, "period": 1, "attributes": {}});
    let legacy =
        json!({"source": "s", "measure_time": null, "period": 1, "gauges": [sample], "counters": []});
    let tagged = json!({"time": 0, "period": 1, "tags": {"a": "b"},
        "measurements": [{"name": "x", "count": 1, "sum": 1, "last": 1, "stddev": 1, "tags": {"a": "b"}}]});
    let many = json!({"names": ["m"], "exclude": ["x"], "period": 1, "color": "#000000", "attributes": {}});
    for (method, path, body) in [
        ("POST", "/v1/alerts", &alert),
        ("PUT", "/v1/alerts/1", &alert),
        ("POST", "/v1/alerts/1/services", &json!({"service": 1})),
        ("PUT", "/v1/metrics/m", &metric),
        ("PUT", "/v1/metrics/new", &metric),
        ("PUT", "/v1/metrics", &many),
        ("POST", "/v1/services", &service),
        ("PUT", "/v1/services/1", &service),
        ("POST", "/v1/annotations/s", &event),
        ("PUT", "/v1/annotations/s/1", &event),
        ("PUT", "/v1/annotations/s", &json!({"display_name": "d"})),
        ("POST", "/v1/annotations/s/1/links", &json!({"rel": "r", "href": "h", "label": "l"})),
        ("POST", "/v1/metrics", &legacy),
        ("POST", "/v1/measurements", &tagged),
    ] {
        for broken in broken(body) {
            let text = broken.to_string();
            expect_shape(
                &api.send(method, path, JSON, text.clone()).await,
                &format!("{method} {path} {text}"),
            );
        }
    }
}

/// `value` with each place in it replaced by things of other types.
fn broken(value: &Value) -> Vec<Value> {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e126),
        json!(u64::MAX),
        json!("\u{0}"),
        json!("ünïcode \u{202e}"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"a": {"b": []}}),
    ];
    let mut all = odd.to_vec();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                for inner in broken(inner) {
                    let mut copy = map.clone();
                    copy.insert(key.clone(), inner);
                    all.push(Value::Object(copy));
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                for inner in broken(inner) {
                    let mut copy = items.clone();
                    copy[index] = inner;
                    all.push(Value::Array(copy));
                }
            }
        }
        _ => {}
    }
    all
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let api = Api::new();
    let deep = format!("{{\"name\":{}", "[".repeat(100_000));
    for (content_type, body, text) in [
        (JSON, deep.into_bytes(), "recursion limit"),
        (JSON, b"{\"name\":\"\xff\"}".to_vec(), "line 1 column"),
        (JSON, b"{\"name\":\n nope}".to_vec(), "line 2 column"),
        (JSON, b"{\"name\":\"a\"".to_vec(), "EOF"),
        (JSON, b"[]".to_vec(), "must be a JSON object"),
        (JSON, b"name=a".to_vec(), "not valid JSON"),
        (FORM, b"name=%ff".to_vec(), "form field 1 is not valid UTF-8"),
        (FORM, b"name=a&name[b]=c".to_vec(), "form field 2 contradicts"),
        (FORM, format!("a{}=1", "[b]".repeat(5000)).into_bytes(), "nested too deeply"),
    ] {
        api.send("POST", "/v1/alerts", content_type, body).await.refused(400, "/request", text);
    }
    let other = api.send("POST", "/v1/alerts", "text/xml", "<a/>").await;
    other.refused(415, "/request", "application/json or application/x-www-form-urlencoded");
    // no content type, and curl's default one, with JSON inside
    let request = Request::post("/v1/alerts").header(header::AUTHORIZATION, basic(USER, TOKEN));
    api.call(request.body(Body::from(" \n{\"name\":\"a\"}")).unwrap()).await.expect(201);
    api.send("POST", "/v1/alerts", FORM, "{\"name\":\"b\"}").await.expect(201);
}

#[tokio::test]
async fn paths_and_queries_that_cannot_be_read() {
    let api = Api::new();
    api.get("/v1/metrics/%ff").await.refused(400, "/request", "not valid UTF-8");
    api.get("/v1/metrics?name=%ff").await.refused(400, "/request", "not valid UTF-8");
    api.get("/v1/alerts/-1").await.refused(404, "/request", "Not Found");
    for path in ["/v1", "/v1/", "/v1/nothing", "/v2/metrics", "/v1/alerts/1/2/3", "/v1/spaces%2f"] {
        api.get(path).await.refused(404, "/request", "Not Found");
    }
}

#[tokio::test]
async fn methods_that_do_not_exist() {
    let api = Api::new();
    for (method, path, allowed) in [
        ("PATCH", "/v1/metrics", "DELETE,GET,HEAD,POST,PUT"),
        ("DELETE", "/v1/alerts", "GET,HEAD,POST"),
        ("POST", "/v1/alerts/status", "GET,HEAD"),
        ("GET", "/v1/alerts/1/clear", "POST"),
        ("OPTIONS", "/v1/services/1", "DELETE,GET,HEAD,PUT"),
    ] {
        let answer = api.send(method, path, JSON, "").await;
        let mut found: Vec<_> = answer.header("allow").expect("an Allow header").split(',').collect();
        found.sort_unstable();
        assert_eq!(found.join(","), allowed, "{path}");
        answer.refused(405, "/request", "method is not allowed");
    }
    assert_eq!(api.send("HEAD", "/v1/alerts", JSON, "").await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_too_large() {
    let mut options = Options::default();
    options.max_body_bytes = 1000;
    let api = Api::with(&options);
    let announced = Request::post("/v1/alerts")
        .header(header::AUTHORIZATION, basic(USER, TOKEN))
        .header(header::CONTENT_LENGTH, "100000000");
    api.call(announced.body(Body::empty()).unwrap()).await.refused(413, "/request", "larger than 1000 bytes");
    let body = json!({"name": "a", "description": "x".repeat(2000)}).to_string();
    api.post("/v1/alerts", &body).await.refused(413, "/request", "larger than 1000 bytes");
    let inflating = Request::post("/v1/alerts")
        .header(header::AUTHORIZATION, basic(USER, TOKEN))
        .header(header::CONTENT_TYPE, JSON)
        .header(header::CONTENT_ENCODING, "gzip");
    let small = gzip(body.as_bytes());
    assert!(small.len() < 1000);
    api.call(inflating.body(Body::from(small)).unwrap()).await.refused(413, "/request", "larger than");
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

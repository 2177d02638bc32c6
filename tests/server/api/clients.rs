//! What single published clients send and what they cannot read without. `accommodations.md` lists all of it, each with
//! the test that holds it; the last test here holds that list.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, JSON, TOKEN, USER, basic, column, epoch};

/// A request with the headers a client sends.
async fn ask(api: &Api, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request =
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, basic(USER, TOKEN));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.call(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn python_086_puts_a_type_into_every_measurement() {
    let api = Api::new();
    let queue = r#"{"gauges":[{"name":"g","value":1,"type":"gauge"}],"counters":[{"name":"c","value":2,"type":"counter","source":"s"}]}"#;
    api.post("/v1/metrics", queue).await.expect(200);
    let aggregated =
        r#"{"gauges":[{"name":"a","count":2,"sum":3,"min":1,"max":2}],"source":"s","measure_time":null}"#;
    api.post("/v1/metrics", aggregated).await.expect(200);
    let listed = api.get("/v1/metrics?length=100&offset=0").await.expect(200);
    assert_eq!(column(&listed, "metrics", "type"), ["gauge", "counter", "gauge"]);
}

/// Sent by python-librato 3 and ruby: times as floats, lists as `key[]`, an empty name before the slash.
#[tokio::test]
async fn times_may_be_floats_and_numbers_may_be_texts() {
    let api = Api::new();
    let time = epoch() - 100;
    let body =
        format!(r#"{{"gauges":[{{"name":"a","value":"1.5","measure_time":{time}.75,"source":"web1"}}]}}"#);
    api.post("/v1/metrics", &body).await.expect(200);
    let read = api.get(&format!("/v1/metrics/a?start_time=%22{time}%22")).await;
    assert_eq!(read.status, 400, "quotes are no number");
    let read = api
        .get(&format!("/v1/metrics/a?start_time={time}.2&resolution=1&sources%5B%5D=web1"))
        .await
        .expect(200);
    let record = &read["measurements"]["web1"][0];
    assert_eq!((&record["measure_time"], &record["value"]), (&json!(time), &json!(1.5)));
}

#[tokio::test]
async fn ruby_names_a_content_type_with_everything() {
    let api = Api::new();
    let headers = [("content-type", JSON), ("accept", "*/*")];
    ask(&api, "PUT", "/v1/metrics/a", &headers, r#"{"type":"gauge"}"#).await.expect(201);
    ask(&api, "GET", "/v1/metrics/a", &headers, "").await.expect(200);
    ask(&api, "DELETE", "/v1/metrics", &headers, r#"{"names":"a*","exclude":["ab"]}"#).await.expect(204);
    ask(&api, "GET", "/v1/metrics/a", &headers, "").await.expect(404);
}

#[tokio::test]
async fn go_ends_its_bodies_with_a_newline() {
    let api = Api::new();
    let headers = [("content-type", JSON), ("accept", JSON), ("user-agent", "go-librato/0.1")];
    let body = "{\"name\":\"m\",\"type\":\"gauge\",\"attributes\":{\"color\":null,\"display_max\":null,\"display_units_short\":\"\",\"display_stacked\":false}}\n";
    let made = ask(&api, "PUT", "/v1/metrics/m", &headers, body).await.expect(201);
    assert_eq!(made["attributes"]["created_by_ua"], "go-librato/0.1");
    let listed = api.get("/v1/metrics?name=m&offset=0&length=100&orderby=name&sort=asc").await.expect(200);
    assert_eq!(listed["query"]["found"], 1);
    let alert = "{\"name\":\"a\",\"conditions\":[]}\n";
    ask(&api, "POST", "/v1/alerts", &headers, alert).await.expect(201);
}

/// In the body of what has one, else in the query.
#[tokio::test]
async fn lbrt_says_the_version_with_every_request() {
    let api = Api::new();
    let headers = [("content-type", JSON), ("user-agent", "Ruby Librato Client 0.1.1")];
    let condition = r#"{"type":"above","metric_name":"m","source":"*","threshold":1.0}"#;
    let alert = |more: &str| {
        format!(
            r#"{{"description":null,"attributes":{{}},"active":true,"rearm_seconds":600,"rearm_per_signal":true,"conditions":[{condition}],"services":[],"name":"a","version":2{more}}}"#
        )
    };
    ask(&api, "POST", "/v1/alerts", &headers, &alert("")).await.expect(201);
    ask(&api, "PUT", "/v1/alerts/1", &headers, &alert(r#","id":1"#)).await.expect(204);
    let listed = ask(&api, "GET", "/v1/alerts?version=2", &headers, "").await.expect(200);
    let mut read = listed["alerts"][0].as_object().unwrap().clone();
    // What it takes away before it compares the rest with its definitions.
    for volatile in ["id", "name", "created_at", "updated_at", "version"] {
        assert!(read.shift_remove(volatile).is_some(), "{volatile}");
    }
    read["conditions"][0].as_object_mut().unwrap().shift_remove("id");
    let expected = json!({
        "description": null, "attributes": {}, "active": true, "rearm_seconds": 600, "rearm_per_signal": true, "services": [],
        "conditions": [{"type": "above", "metric_name": "m", "source": "*", "threshold": 1.0}],
    });
    assert_eq!(Value::Object(read), expected);
    ask(&api, "GET", "/v1/alerts/1/status", &headers, "").await.expect(200);
    ask(&api, "DELETE", "/v1/alerts/1?version=2", &headers, "").await.expect(204);
}

/// Its own acceptance tests count the keys: no function and no attributes where none were written. Others index them.
#[tokio::test]
async fn terraform_is_shown_what_it_wrote() {
    let api = Api::new();
    let condition = r#"{"type":"above","metric_name":"m","threshold":1,"duration":0,"detect_reset":false}"#;
    let body = format!(r#"{{"name":"tf","active":true,"rearm_seconds":600,"conditions":[{condition}]}}"#);
    let made = api.post("/v1/alerts", &body).await.expect(201);
    assert_eq!((&made["attributes"], made["conditions"][0].get("summary_function")), (&json!({}), None));
    let headers = [("user-agent", "go-librato/0.1")];
    let terraform = |path: &'static str| ask(&api, "GET", path, &headers, "");
    let read = terraform("/v1/alerts/1").await.expect(200);
    assert_eq!((read.get("attributes"), read["conditions"][0].get("summary_function")), (None, None));
    assert_eq!(terraform("/v1/alerts").await.expect(200)["alerts"][0].get("attributes"), None);
    api.put("/v1/alerts/1", r#"{"attributes":{"runbook_url":"u"}}"#).await.expect(204);
    assert_eq!(terraform("/v1/alerts/1").await.expect(200)["attributes"], json!({"runbook_url": "u"}));
}

/// It finds alerts by the beginning of their names and writes back all it read, and it tells metrics their own name.
#[tokio::test]
async fn serverless_echoes_what_it_read() {
    let api = Api::new();
    let body = r#"{"name":"svc-prod_fn","conditions":[{"type":"absent","metric_name":"m","duration":300}]}"#;
    api.post("/v1/alerts", body).await.expect(201);
    let read = api.get("/v1/alerts?name=svc-prod&length=100").await.expect(200)["alerts"][0].clone();
    api.put("/v1/alerts/1", &read.to_string()).await.expect(204);
    let mut again = api.get("/v1/alerts/1").await.expect(200);
    again["updated_at"] = read["updated_at"].clone();
    assert_eq!(again, read);
    let metric = r#"{"name":"svc.m","type":"gauge","tags":{"a":"b"},"display_name":"M","id":7}"#;
    api.put("/v1/metrics/svc.m", metric).await.expect(201);
    api.put("/v1/metrics/svc.m", metric).await.expect(204);
}

/// A suffix that clients dropped before 2012. Names of metrics may end in it, so nothing is cut off.
#[tokio::test]
async fn json_is_no_suffix() {
    let api = Api::new();
    api.put("/v1/metrics/a.json", r#"{"type":"gauge"}"#).await.expect(201);
    assert_eq!(api.get("/v1/metrics/a.json").await.expect(200)["name"], "a.json");
    api.get("/v1/metrics/a").await.expect(404);
    api.get("/v1/alerts.json").await.expect(404);
}

#[tokio::test]
async fn users_are_for_partners() {
    let api = Api::new();
    for (method, path) in
        [("GET", "/v1/users"), ("POST", "/v1/users"), ("PUT", "/v1/users/1"), ("DELETE", "/v1/users/1")]
    {
        api.send(method, path, JSON, "").await.refused(403, "/request", "manages no users");
    }
}

/// Bodies are JSON of one type, and what has no body says so: clients decide by either.
#[tokio::test]
async fn answers_say_what_they_hold() {
    let api = Api::new();
    let metric = r#"{"type":"gauge"}"#;
    for (method, path, body, status) in [
        ("PUT", "/v1/metrics/a", metric, 201),
        ("PUT", "/v1/metrics/a", metric, 204),
        ("GET", "/v1/metrics/a", "", 200),
        ("GET", "/v1/metrics", "", 200),
        ("GET", "/v1/nothing", "", 404),
        ("POST", "/v1/metrics", r#"{"gauges":{"a":{"value":1}}}"#, 200),
        ("POST", "/v1/measurements", r#"{"tags":{"a":"b"},"measurements":[{"name":"a","value":1}]}"#, 202),
        ("DELETE", "/v1/metrics/a", "", 204),
        ("DELETE", "/v1/metrics/a", "", 404),
    ] {
        let answer = api.send(method, path, JSON, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        let expected = (!answer.body.is_null()).then_some("application/json;charset=utf-8");
        assert_eq!(answer.header("content-type"), expected, "{method} {path}");
    }
}

/// Which keys clients cannot do without, and which they cannot bear.
#[tokio::test]
async fn keys_that_clients_need_and_keys_that_break_them() {
    let api = Api::new();
    let has = |object: &Value, needed: &[&str], unbearable: &[&str]| {
        let object = object.as_object().unwrap();
        for key in needed {
            assert!(object.contains_key(*key), "no {key} in {object:?}");
        }
        for key in unbearable {
            assert!(!object.contains_key(*key), "{key} in {object:?}");
        }
    };
    api.put("/v1/metrics/m", r#"{"type":"gauge"}"#).await.expect(201);
    api.put("/v1/metrics/c", r#"{"type":"composite","composite":"s(\"m\",\"*\")"}"#).await.expect(201);
    for metric in api.get("/v1/metrics").await.expect(200)["metrics"].as_array().unwrap() {
        has(metric, &["name", "type", "period", "attributes", "display_name", "description"], &[]);
    }

    let service = r#"{"type":"mail","title":"ops","settings":{"addresses":"ops@example.org"}}"#;
    api.post("/v1/services", service).await.expect(201);
    let alert = r#"{"name":"a","services":["1"],"conditions":[
        {"type":"above","metric_name":"m","threshold":1,"detect_reset":false,"duration":0,"tags":[]},
        {"type":"below","metric_name":"m","threshold":1,"summary_function":"derivative","detect_reset":true},
        {"type":"absent","metric_name":"m","duration":60,"threshold":0,"detect_reset":false}]}"#;
    api.post("/v1/alerts", alert).await.expect(201);
    let shown = api.get("/v1/alerts").await.expect(200)["alerts"][0].clone();
    has(
        &shown,
        &["md", "rearm_per_signal", "rearm_seconds", "attributes", "description", "active", "version"],
        &[],
    );
    let conditions = shown["conditions"].as_array().unwrap();
    has(&conditions[0], &["id", "type", "metric_name", "source"], &["detect_reset", "tags", "duration"]);
    has(&conditions[1], &["source", "detect_reset"], &["tags", "duration"]);
    has(&conditions[2], &["source", "duration"], &["detect_reset", "tags", "threshold", "summary_function"]);
    let listed = api.get("/v1/services").await.expect(200)["services"][0].clone();
    assert_eq!(shown["services"][0], listed, "whole services, not their ids");
    assert!(listed["id"].is_u64() && listed.as_object().unwrap().len() == 4, "{listed}");

    api.post("/v1/spaces", r#"{"name":"S"}"#).await.expect(201);
    api.post("/v1/spaces/1/charts", r#"{"streams":[{"metric":"m"}]}"#).await.expect(201);
    let chart = api.get("/v1/spaces/1/charts").await.expect(200)[0].clone();
    has(&chart, &["id", "name", "type", "streams"], &["thresholds", "min", "max", "label", "space_id"]);
    assert!(chart["name"].is_string(), "never null");
    has(&chart["streams"][0], &["id", "type", "metric"], &["group_function", "summary_function", "source"]);

    api.post("/v1/instruments", r#"{"name":"I"}"#).await.expect(201);
    has(&api.get("/v1/instruments/1").await.expect(200), &["id", "name", "streams", "attributes"], &[]);
    api.post("/v1/dashboards", r#"{"name":"D","instruments":[1]}"#).await.expect(201);
    let dashboards = api.get("/v1/dashboards").await.expect(200);
    assert_eq!(dashboards["dashboards"][0]["instruments"], json!([{"id": 1}]));

    api.post("/v1/annotations/s", r#"{"title":"t"}"#).await.expect(201);
    has(&api.get("/v1/annotations/s/1").await.expect(200), &["name", "title", "events"][..2], &[]);
    for list in [
        "metrics",
        "alerts",
        "services",
        "spaces",
        "annotations",
        "sources",
        "instruments",
        "dashboards",
        "charts",
        "api_tokens",
    ] {
        let listed = api.get(&format!("/v1/{list}")).await.expect(200);
        has(&listed["query"], &["found", "total", "length", "offset"], &[]);
        assert!(listed[list].is_array(), "{list}");
    }
}

/// The rows of the list: client, what the server does, `module::test` in backquotes.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .filter(|row: &Vec<&str>| row[0] != "Client")
        .collect()
}

#[test]
fn every_accommodation_has_its_test() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let text = include_str!("accommodations.md");
    let mut named = BTreeSet::new();
    for row in rows(text) {
        let [_, _, tests] = row[..] else { panic!("not a row: {row:?}") };
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test holds: {row:?}");
        for test in tests {
            let (module, name) = test.rsplit_once("::").unwrap();
            let file = [
                format!("tests/server/api/{module}.rs"),
                format!("tests/server/{module}.rs"),
                format!("tests/witnesses/{module}.rs"),
                format!("crates/server/src/serve/{}.rs", module.replace("::", "/")),
            ]
            .into_iter()
            .find_map(|path| std::fs::read_to_string(format!("{root}{path}")).ok())
            .unwrap_or_else(|| panic!("no file for {test}"));
            let lines: Vec<&str> = file.lines().map(str::trim).collect();
            let marked = lines.windows(2).any(|two| {
                let function = two[1].strip_prefix("async ").unwrap_or(two[1]);
                two[0].starts_with("#[")
                    && two[0].contains("test")
                    && function.starts_with(&format!("fn {name}("))
            });
            assert!(marked, "there is no test {test}");
            named.insert(test.to_owned());
        }
    }
    let here = include_str!("clients.rs");
    for name in here.split("#[tokio::test]\nasync fn ").skip(1).map(|rest| rest.split('(').next().unwrap()) {
        assert!(named.contains(&format!("clients::{name}")), "accommodations.md does not name {name}");
    }
}

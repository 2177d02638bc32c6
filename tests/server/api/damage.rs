//! Bytes of the data file that changed by themselves: what they held is refused or set aside by name, never taken for
//! something else, and everything else goes on.

use std::path::{Path, PathBuf};

use librato_apply::serve::{Data, Options, Store, check, router};
use rusqlite::Connection;
use serde_json::json;

use crate::harness::{Api, credentials, epoch};

fn open(path: &Path) -> Api {
    let store = Store::open(&Data::File(path.to_owned())).unwrap();
    Api { router: router(store, credentials(), &Options::default()) }
}

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    (dir, path)
}

fn execute(path: &Path, sql: &str) {
    assert_eq!(Connection::open(path).unwrap().execute(sql, []).unwrap(), 1, "{sql}");
}

/// A route and a body.
type Sent = (&'static str, &'static str);

/// A column, what makes a row of it, where that row is read, and a change of it.
type Stored = (&'static str, &'static str, Sent, &'static str, Option<Sent>);

const STORED: &[Stored] = &[
    (
        "metrics",
        "attributes",
        ("/v1/metrics", r#"{"gauges": [{"name": "m", "value": 1}]}"#),
        "/v1/metrics/m",
        Some(("/v1/metrics/m", r#"{"period": 5}"#)),
    ),
    (
        "metrics",
        "type",
        ("/v1/metrics", r#"{"gauges": [{"name": "m", "value": 1}]}"#),
        "/v1/metrics/m",
        Some(("/v1/metrics/m", r#"{"period": 5}"#)),
    ),
    (
        "events",
        "links",
        ("/v1/annotations/s", r#"{"title": "t"}"#),
        "/v1/annotations/s/1",
        Some(("/v1/annotations/s/1", r#"{"title": "u"}"#)),
    ),
    (
        "services",
        "settings",
        ("/v1/services", r#"{"type": "mail", "title": "t", "settings": {"addresses": "a@example.org"}}"#),
        "/v1/services/1",
        Some(("/v1/services/1", r#"{"title": "u"}"#)),
    ),
    (
        "alerts",
        "attributes",
        ("/v1/alerts", r#"{"name": "a"}"#),
        "/v1/alerts/1",
        Some(("/v1/alerts/1", r#"{"description": "d"}"#)),
    ),
    (
        "conditions",
        "tags",
        (
            "/v1/alerts",
            r#"{"name": "a", "conditions": [{"type": "above", "metric_name": "m", "threshold": 1}]}"#,
        ),
        "/v1/alerts/1",
        Some(("/v1/alerts/1", r#"{"description": "d"}"#)),
    ),
    (
        "conditions",
        "type",
        (
            "/v1/alerts",
            r#"{"name": "a", "conditions": [{"type": "above", "metric_name": "m", "threshold": 1}]}"#,
        ),
        "/v1/alerts/1",
        Some(("/v1/alerts/1", r#"{"description": "d"}"#)),
    ),
    (
        "charts",
        "body",
        (
            "/v1/spaces/1/charts",
            r#"{"name": "c", "type": "line", "streams": [{"metric": "m", "source": "*"}]}"#,
        ),
        "/v1/spaces/1/charts/1",
        Some(("/v1/spaces/1/charts/1", r#"{"name": "d"}"#)),
    ),
    (
        "streams_of_charts",
        "body",
        (
            "/v1/spaces/1/charts",
            r#"{"name": "c", "type": "line", "streams": [{"metric": "m", "source": "*"}]}"#,
        ),
        "/v1/spaces/1/charts/1",
        Some(("/v1/spaces/1/charts/1", r#"{"name": "d"}"#)),
    ),
    (
        "instruments",
        "attributes",
        ("/v1/instruments", r#"{"name": "i"}"#),
        "/v1/instruments/1",
        Some(("/v1/instruments/1", r#"{"name": "j"}"#)),
    ),
    (
        "snapshots",
        "subject",
        ("/v1/snapshots", r#"{"subject": {"chart": {"id": 1, "type": "line", "source": "*"}}}"#),
        "/v1/snapshots/1",
        None,
    ),
    ("audit", "after_change", ("/v1/alerts", r#"{"name": "a"}"#), "/v1/audit?kind=alert", None),
    (
        "api_tokens",
        "role",
        ("/v1/api_tokens", r#"{"name": "t", "role": "admin"}"#),
        "/v1/api_tokens/1",
        Some(("/v1/api_tokens/1", r#"{"name": "u"}"#)),
    ),
];

/// Before, such a value read as an empty one, which the next change wrote back.
#[tokio::test]
async fn a_damaged_value_is_an_error_and_is_not_written_over() {
    for (table, column, (made_at, made), read_at, changed) in STORED {
        let (_dir, path) = fresh();
        let api = open(&path);
        if made_at.contains("spaces") || made_at.contains("snapshots") {
            api.post("/v1/spaces", r#"{"name": "s"}"#).await.expect(201);
        }
        if made_at.contains("snapshots") {
            let chart = r#"{"name": "c", "type": "line", "streams": []}"#;
            api.post("/v1/spaces/1/charts", chart).await.expect(201);
        }
        let made = api.post(made_at, made).await;
        assert!(made.status < 300, "{made_at}: {}", made.body);
        assert!(api.get(read_at).await.status < 300, "{read_at}");
        drop(api);
        execute(&path, &format!("UPDATE {table} SET {column} = '[' || {column}"));
        let kept = |path: &Path| -> String {
            let file = Connection::open(path).unwrap();
            file.query_row(&format!("SELECT {column} FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        let damaged = kept(&path);
        let is_json = !["type", "role"].contains(column);
        if is_json {
            let report = check(&path).unwrap().to_string();
            assert!(
                report.contains(&format!("problem: {column} in row 1 of {table} is not a JSON")),
                "{report}"
            );
        }
        let api = open(&path);
        let read = api.get(read_at).await;
        assert_eq!(read.status, 500, "{column} of {table}: {}", read.body);
        if let Some((path, body)) = changed {
            let change = api.put(path, body).await;
            assert_eq!(change.status, 500, "{column} of {table}: {}", change.body);
        }
        drop(api);
        assert_eq!(kept(&path), damaged, "{column} of {table}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_can_be_deleted() {
    for (table, column, (made_at, made), _, changed) in STORED {
        let Some((at, _)) = changed else { continue };
        let (_dir, path) = fresh();
        let api = open(&path);
        api.post("/v1/spaces", r#"{"name": "s"}"#).await.expect(201);
        assert!(api.post(made_at, made).await.status < 300, "{made_at}");
        drop(api);
        execute(&path, &format!("UPDATE {table} SET {column} = '[' || {column}"));
        let api = open(&path);
        let deleted = api.delete(at).await;
        assert_eq!(deleted.status, 204, "{column} of {table}: {}", deleted.body);
        // Events are data.
        let last = &api.get("/v1/audit?sort=desc&length=1").await.expect(200)["audit"][0];
        assert!(*table == "events" || last["action"] == "delete" && last["before"].is_null(), "{last}");
        drop(api);
        assert!(check(&path).unwrap().is_sound(), "{column} of {table}");
    }
}

#[tokio::test]
async fn a_damaged_page_is_set_aside_and_everything_else_goes_on() {
    let (_dir, path) = fresh();
    let time = epoch() - 60;
    let ages = [("a", 10 * 3600), ("b", 5 * 3600), ("c", 0)];
    let send = async |api: &Api, value: i64| {
        let gauge = |(source, age)| json!({"name": "web.ms", "source": source, "measure_time": time - age, "value": value});
        api.post("/v1/metrics", &json!({"gauges": ages.map(gauge)}).to_string()).await.expect(200);
    };
    let api = open(&path);
    send(&api, 1).await;
    drop(api);
    execute(&path, "UPDATE pages SET block = substr(block, 1, length(block) - 3) WHERE id = 2");
    let report = check(&path).unwrap();
    assert!(report.to_string().contains("problem: row 2 of pages does not match its checksum"), "{report}");
    let api = open(&path);
    let url =
        format!("/v1/metrics/web.ms?start_time={}&resolution=1&summarize_sources=false", time - 11 * 3600);
    let read = api.get(&url).await.expect(200);
    let mut found: Vec<_> = read["measurements"].as_object().unwrap().keys().collect();
    found.sort();
    assert_eq!(found, ["a", "c"], "{read}");
    send(&api, 2).await;
    drop(api);
    let report = check(&path).unwrap();
    assert!(report.is_sound(), "{report}");
    assert!(report.to_string().contains("  set aside: row 2 of pages, series of web.ms from "), "{report}");
    assert_eq!((report.count("journal"), report.count("damaged")), (Some(0), Some(1)));
    let api = open(&path);
    let read = api.get(&url).await.expect(200);
    for (source, count) in [("a", 2), ("b", 1), ("c", 2)] {
        assert_eq!(read["measurements"][source][0]["count"], count, "{read}");
    }
    let page = api.get("/metrics").await.body;
    assert!(page.as_str().unwrap().contains("\nlibrato_apply_damaged 1\n"), "{page}");
}

/// Series by name, as a damaged file answers for them, before and after the damage is set aside.
#[tokio::test]
async fn damaged_labels_are_set_aside_and_everything_else_goes_on() {
    let (_dir, path) = fresh();
    let time = epoch() - 60;
    let send = async |api: &Api, value: i64| {
        let gauge = |source| json!({"name": "m", "source": source, "measure_time": time, "value": value});
        api.post("/v1/metrics", &json!({"gauges": [gauge("Web-1"), gauge("db")]}).to_string())
            .await
            .expect(200);
        let one = |host| json!({"name": "t", "time": time, "value": value, "tags": {"host": host}});
        api.post("/v1/measurements", &json!({"measurements": [one("a"), one("b")]}).to_string())
            .await
            .expect(202);
    };
    let sources = async |api: &Api| {
        let read = api.get(&format!("/v1/metrics/m?start_time={}&resolution=1", time - 10)).await.expect(200);
        read["measurements"].clone()
    };
    let hosts = async |api: &Api| {
        let read = api.get("/v1/measurements/t?resolution=1&duration=100").await.expect(200);
        let series = read["series"].as_array().unwrap();
        series.iter().map(|one| one["tags"]["host"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let api = open(&path);
    send(&api, 1).await;
    drop(api);
    // One bit each: another name, and no text any more.
    execute(&path, "UPDATE series SET labels = 'Web-3' WHERE labels = 'Web-1'");
    execute(
        &path,
        "UPDATE series SET labels = CAST(x'7b22686f7374223a22e2227d' AS TEXT) WHERE key LIKE '%\"b\"%'",
    );
    let report = check(&path).unwrap();
    for row in [1, 4] {
        let problem = format!("problem: row {row} of series: its labels do not match their checksum");
        assert!(report.to_string().contains(&problem), "{report}");
    }
    let api = open(&path);
    assert_eq!(sources(&api).await.as_object().unwrap().keys().collect::<Vec<_>>(), ["db"]);
    assert_eq!(hosts(&api).await, ["a"]);
    drop(api);
    let report = check(&path).unwrap();
    assert!(report.is_sound(), "{report}");
    for named in ["row 1 of series, m web-1, its labels", "row 4 of series, t {\"host\":\"b\"}, its labels"] {
        assert!(report.to_string().contains(&format!("  set aside: {named}")), "{report}");
    }
    let api = open(&path);
    send(&api, 2).await;
    let read = sources(&api).await;
    assert_eq!((&read["Web-1"][0]["count"], &read["db"][0]["count"]), (&json!(1), &json!(2)), "{read}");
    assert_eq!(hosts(&api).await, ["a", "b"]);
    drop(api);
    assert!(check(&path).unwrap().is_sound());
}

/// A submission must not go on with the series it remembers once that has lost its name.
#[tokio::test]
async fn labels_that_are_damaged_while_the_server_runs_get_a_new_series() {
    let (_dir, path) = fresh();
    let api = open(&path);
    let send = || api.post("/v1/metrics", r#"{"gauges": [{"name": "m", "source": "a", "value": 1}]}"#);
    send().await.expect(200);
    execute(&path, "UPDATE series SET labels = 'c'");
    let read = "/v1/metrics/m?count=1&resolution=1";
    assert_eq!(api.get(read).await.expect(200)["measurements"], json!({}));
    let set_aside = async || {
        let page = api.get("/metrics").await.body;
        page.as_str().unwrap().contains("\nlibrato_apply_damaged 1\n")
    };
    for _ in 0..200 {
        if set_aside().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    send().await.expect(200);
    assert_eq!(api.get(read).await.expect(200)["measurements"]["a"][0]["count"], 1);
}

#[tokio::test]
async fn readiness_asks_for_no_credentials() {
    let api = Api::new();
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    assert_eq!(api.call(request).await.expect(200), json!("ok\n"));
}

//! `--retention`: what is said once is kept in the data, goes by steps, and is seen by whoever asks.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Server, TOKEN, USER, check, client, fresh};

const HOUR: u64 = 3600;

async fn asked(server: &Server, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
    let request = client().request(method, server.url(path)).basic_auth(USER, Some(TOKEN));
    let answer = body.iter().fold(request, |request, body| request.json(body)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn it_is_said_once_and_whoever_reads_goes_by_it() {
    let (_dir, data) = fresh();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let old = now - 10 * HOUR;
    let server = Server::start(&data, &[]);
    let body =
        json!({ "gauges": [{ "name": "m", "value": 7, "measure_time": old }, { "name": "m", "value": 8 }] });
    assert_eq!(asked(&server, Method::POST, "/v1/metrics", Some(body)).await.0, 200);
    let raw = format!("/v1/metrics/m?start_time={old}&resolution=1");
    assert_eq!(asked(&server, Method::GET, &raw, None).await.0, 200);
    server.stop();
    let server = Server::start(&data, &["--retention", "1s=4h,60s=14d"]);
    let log = server.log();
    assert!(log.contains("kept for 1s=4h,60s=14d,900s=32d,3600s=365d from now on"), "{log}");
    assert!(log.contains("1 window of 1 s, about 1 MB, will be rolled up to 60 s"), "{log}");
    server.stop();
    let (is_sound, report) = check(&data);
    assert!(is_sound && report.contains("measurements are kept for 1s=4h,60s=14d"), "{report}");
    // Not said again.
    let server = Server::start(&data, &[]);
    assert!(!server.log().contains("from now on"), "{}", server.log());
    let metrics = asked(&server, Method::GET, "/metrics", None).await.1;
    for line in [r#"retention_seconds{tier="1"} 14400"#, r#"retention_seconds{tier="60"} 1209600"#] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let (status, said) = asked(&server, Method::GET, &raw, None).await;
    assert!(status == 400 && said.contains("resolution is unavailable"), "{status} {said}");
    let minutes = format!("/v1/metrics/m?start_time={}&resolution=60", old - 60);
    let (status, said) = asked(&server, Method::GET, &minutes, None).await;
    let found: Value = serde_json::from_str(&said).unwrap();
    let points = found["measurements"]["unassigned"].as_array().unwrap();
    assert!(status == 200 && points.len() == 2 && points[0]["value"] == 7.0, "{said}");
    server.stop();
}

/// What would be dropped as soon as it was taken is refused, on either route, with what is wrong and how long there is room for.
#[tokio::test]
async fn what_is_older_than_anything_that_is_kept_is_refused() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--retention", "3600s=40d"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (old, young) = (now - 41 * 24 * HOUR, now - 39 * 24 * HOUR);
    for (path, list, time, tags) in [
        ("/v1/metrics", "gauges", "measure_time", json!(null)),
        ("/v1/measurements", "measurements", "time", json!({ "h": "x" })),
    ] {
        let body = |at: u64| {
            let mut item = json!({ "name": "m", "value": 7 });
            item[time] = json!(at);
            if tags.is_object() {
                item["tags"] = tags.clone();
            }
            let mut body = json!({});
            body[list] = json!([item]);
            Some(body)
        };
        // First of a series that nobody knows, then of one that is known.
        for _ in 0..2 {
            let (status, said) = asked(&server, Method::POST, path, body(old)).await;
            let told = ["is too far in the past", "at most 40 days old", "--retention", "\"m\""];
            assert!(status == 400 && told.iter().all(|told| said.contains(told)), "{status} {said}");
            let (status, said) = asked(&server, Method::POST, path, body(young)).await;
            assert!(status < 300, "{status} {said}");
        }
    }
    let hours = format!("/v1/metrics/m?start_time={}&resolution=3600", young - HOUR);
    let (status, said) = asked(&server, Method::GET, &hours, None).await;
    assert!(status == 200 && said.contains("7.0"), "{status} {said}");
    server.stop();
}

#[test]
fn what_cannot_follow_each_other_is_refused_before_anything_is_made() {
    let (_dir, data) = fresh();
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--retention", "1s=30d", "--data"])
        .arg(&data)
        .env("LIBRATO_TOKEN", TOKEN)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("60s must be kept for 724h or longer"), "{said}");
    assert!(!data.exists());
}

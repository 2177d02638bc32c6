//! Changes of alerts while incidents are open: what the requests themselves do to the stored state.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::serve::driven::{NOW, alert, firing};
use crate::serve::store::tx::params;

const SENT: [&str; 2] = ["1 trigger waiting", "2 trigger waiting"];

fn and_cleared() -> Vec<&'static str> {
    [&SENT[..], &["1 clear waiting", "2 clear waiting"]].concat()
}

#[tokio::test]
async fn what_says_nothing_new_changes_nothing() {
    let server = firing().await;
    for more in [
        json!({}),
        json!({ "description": "more", "rearm_seconds": 600, "name": "b" }),
        json!({ "services": [1] }),
    ] {
        server.good("PUT", "/v1/alerts/1", alert(more)).await;
        assert_eq!(server.get("/v1/alerts/1/status").await["status"], "triggered");
    }
    assert_eq!(
        (server.incidents().await, server.deliveries().await),
        (vec!["open".into()], SENT.map(String::from).into())
    );
    // It still knows what was met: a normal value ends it, for both of those who were told.
    server.evaluate(1, NOW + 200, vec![(NOW + 150, "web1", 1.0)]).await;
    assert_eq!((server.incidents().await, server.deliveries().await.len()), (vec!["normal".to_owned()], 4));
}

#[tokio::test]
async fn ends_are_written_by_the_request_that_brings_them() {
    let off = json!({ "active": false });
    let requests = [
        ("PUT", "/v1/alerts/1", alert(off), "manual"),
        ("PUT", "/v1/alerts/1", json!({ "name": "a" }), "manual"),
        ("DELETE", "/v1/alerts/1", Value::Null, "manual"),
        ("POST", "/v1/alerts/1/clear", Value::Null, "manual"),
        ("DELETE", "/v1/metrics/m", Value::Null, "auto"),
        ("DELETE", "/v1/metrics", json!({ "names": ["*"] }), "auto"),
        (
            "PUT",
            "/v1/alerts/1",
            alert(json!({ "conditions": [{ "type": "above", "metric_name": "n", "threshold": 10 }] })),
            "normal",
        ),
    ];
    for (method, path, body, how) in requests {
        let server = firing().await;
        server.good(method, path, body.clone()).await;
        assert_eq!(server.incidents().await, [how], "{method} {path} {body}");
        assert_eq!(server.deliveries().await, and_cleared(), "{method} {path} {body}");
        let now = server.get("/v1/alerts/status").await;
        assert_eq!(now["firing"], json!([]), "{method} {path}");
        // One that is not there any more is not told of.
        let cleared = if method == "DELETE" && path == "/v1/alerts/1" { json!(null) } else { json!(1) };
        assert_eq!(now["cleared"][0]["id"], cleared);
    }
}

#[tokio::test]
async fn a_higher_threshold_leaves_it_to_the_next_value() {
    let server = firing().await;
    let raised = json!({ "conditions": [{ "type": "above", "metric_name": "m", "threshold": 100 }] });
    server.good("PUT", "/v1/alerts/1", alert(raised)).await;
    assert_eq!(server.incidents().await, ["open"]);
    server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 50.0)]).await;
    assert_eq!(
        (server.incidents().await, server.deliveries().await),
        (vec!["normal".to_owned()], and_cleared().into_iter().map(String::from).collect())
    );
}

#[tokio::test]
async fn after_a_clear_the_next_violating_value_opens_another_one() {
    let server = firing().await;
    server.good("POST", "/v1/alerts/a/clear", Value::Null).await;
    server.evaluate(1, NOW + 200, vec![(NOW + 50, "web1", 20.0)]).await;
    assert_eq!(server.incidents().await, ["manual"], "what came before the clear is over");
    server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 20.0)]).await;
    assert_eq!(server.incidents().await, ["manual", "open"]);
    let audit = server.get("/v1/audit?kind=alert").await;
    let last = audit["audit"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["name"], &last["user"]),
        (&json!("clear"), &json!("a"), &json!("ops@example.org"))
    );
    assert_eq!(server.ask("POST", "/v1/alerts/7/clear", Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn when_alerts_last_fired_is_said_to_who_asks() {
    let server = firing().await;
    server.good("POST", "/v1/alerts", alert(json!({ "name": "quiet" }))).await;
    let fired = async || server.get("/v1/alerts/status?fired=true").await["fired"].clone();
    assert_eq!(fired().await, json!([{ "id": 1, "fired_at": NOW + 50 }]));
    server.evaluate(1, NOW + 200, vec![(NOW + 150, "web1", 1.0)]).await;
    assert_eq!(fired().await, json!([{ "id": 1, "fired_at": NOW + 50 }]), "also when it is over");
    server.evaluate(1, NOW + 9_000, vec![(NOW + 8_000, "web1", 20.0)]).await;
    assert_eq!(fired().await, json!([{ "id": 1, "fired_at": NOW + 8_000 }]));
    // Clients of old are answered as ever.
    let status = server.get("/v1/alerts/status").await;
    assert_eq!(status.as_object().unwrap().keys().collect::<Vec<_>>(), ["firing", "cleared"]);
    assert_eq!(
        server.ask("GET", "/v1/alerts/status?fired=often", Value::Null).await.0,
        StatusCode::BAD_REQUEST
    );
    server.good("DELETE", "/v1/alerts/1", Value::Null).await;
    assert_eq!(fired().await, json!([]));
}

#[tokio::test]
async fn a_service_that_is_deleted_is_told_nothing_more() {
    let server = firing().await;
    server.good("DELETE", "/v1/services/1", Value::Null).await;
    server.good("DELETE", "/v1/alerts/1", Value::Null).await;
    assert_eq!(server.deliveries().await, ["1 trigger failed", "2 trigger waiting", "2 clear waiting"]);
}

/// What was worked out before a change is void, whatever the change was.
#[tokio::test]
async fn every_change_is_seen_by_the_revision() {
    let server = firing().await;
    let revision =
        || async { server.store.read(|tx: &Tx| Ok::<_, Problem>(table::revisions(tx)?[&1])).await.unwrap() };
    let mut last = revision().await;
    for (method, path, body) in [
        ("PUT", "/v1/alerts/1", alert(json!({ "description": "d" }))),
        ("DELETE", "/v1/alerts/1/services/1", Value::Null),
        ("POST", "/v1/alerts/1/services", json!({ "service": 1 })),
        ("POST", "/v1/alerts/1/clear", Value::Null),
        ("DELETE", "/v1/services/1", Value::Null),
        ("DELETE", "/v1/metrics/m", Value::Null),
    ] {
        server.good(method, path, body).await;
        let now = revision().await;
        assert!(now > last, "{method} {path}");
        last = now;
    }
}

/// Its incident ends, and so does what its services believe; it goes on as if it were made now, under new numbers.
#[tokio::test]
async fn a_state_that_cannot_be_read_is_told_and_begins_anew() {
    let requests = [
        ("POST", "/v1/alerts/1/clear", Value::Null),
        ("PUT", "/v1/alerts/1", alert(json!({ "rearm_seconds": 1200 }))),
        ("DELETE", "/v1/alerts/1", Value::Null),
    ];
    for (method, path, body) in requests {
        let server = firing().await;
        let spoil = |tx: &Tx| {
            tx.execute("UPDATE alert_states SET body = ?1", params![b"nothing".to_vec()])?;
            Ok::<_, Problem>(())
        };
        server.store.write(spoil).await.unwrap();
        server.good(method, path, body).await;
        assert_eq!(
            (server.incidents().await, server.deliveries().await),
            (vec!["auto".to_owned()], and_cleared().into_iter().map(String::from).collect()),
            "{method}"
        );
        let counted = server.ask("GET", "/metrics", Value::Null).await;
        assert_eq!(counted.0, StatusCode::OK);
        if method == "POST" {
            server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 20.0)]).await;
            assert_eq!(server.incidents().await, ["auto", "open"], "its key is another one");
        }
    }
}

//! `/v1/alerts`, with the bodies its clients really send.

use serde_json::{Value, json};

use crate::harness::{Api, column};

async fn with_service() -> Api {
    let api = Api::new();
    api.post("/v1/services", r#"{"type":"mail","title":"ops","settings":{"addresses":"ops@example.org"}}"#)
        .await
        .expect(201);
    api
}

const SLOW: &str = r#"{"name":"shop.checkout.slow","services":[1],"rearm_seconds":1200,
    "conditions":[{"type":"above","metric_name":"shop.checkout.ms","source":"web*","threshold":800,"duration":300,"summary_function":"max"},
                  {"type":"absent","metric_name":"shop.heartbeat","duration":600}],
    "attributes":{"runbook_url":"https://wiki.example.org/slow"}}"#;

#[tokio::test]
async fn create_and_read() {
    let api = with_service().await;
    let made = api.post("/v1/alerts", SLOW).await;
    assert_eq!(made.header("location"), Some("/v1/alerts/1"));
    let made = made.expect(201);
    let expected = json!({
        "id": 1, "name": "shop.checkout.slow", "description": null,
        "conditions": [
            {"id": 1, "type": "above", "metric_name": "shop.checkout.ms", "source": "web*", "threshold": 800.0,
             "summary_function": "max", "duration": 300},
            {"id": 2, "type": "absent", "metric_name": "shop.heartbeat", "source": null, "duration": 600},
        ],
        "services": [{"id": 1, "type": "mail", "title": "ops", "settings": {"addresses": "ops@example.org"}}],
        "attributes": {"runbook_url": "https://wiki.example.org/slow"}, "active": true,
        "created_at": made["created_at"], "updated_at": made["created_at"],
        "version": 2, "rearm_seconds": 1200, "rearm_per_signal": false, "md": false,
    });
    assert_eq!(made, expected);
    assert!(made["created_at"].as_i64().unwrap() > 1_600_000_000);
    assert_eq!(api.get("/v1/alerts/1").await.expect(200), expected);
    assert_eq!(api.get("/v1/alerts/Shop.Checkout.Slow").await.expect(200), expected);
    assert_eq!(api.get("/v1/alerts?version=2").await.expect(200)["alerts"], json!([expected]));
    api.post("/v1/alerts", r#"{"name":"SHOP.checkout.slow"}"#).await.refused(
        422,
        "/params/name",
        "is already taken",
    );
}

#[tokio::test]
async fn what_python_terraform_and_lbrt_send() {
    let api = with_service().await;
    api.put("/v1/metrics/hits", r#"{"type":"counter"}"#).await.expect(201);
    let python = r#"{"name":"py","attributes":{},"version":2,"description":null,"rearm_seconds":null,"active":true,"services":["1"],
        "conditions":[{"condition_type":"above","metric_name":"hits","source":"*","threshold":"5","summary_function":null,"duration":null,"tags":{}}],"md":true}"#;
    let made = api.post("/v1/alerts", python).await.expect(201);
    assert_eq!((&made["rearm_seconds"], &made["md"]), (&json!(600), &json!(true)));
    let condition = json!({"id": 1, "type": "above", "metric_name": "hits", "source": "*", "threshold": 5.0});
    assert_eq!(made["conditions"], json!([condition]));
    let terraform = r#"{"name":"tf","active":false,"rearm_seconds":300,"services":["1"],"conditions":[
        {"type":"above","metric_name":"x","detect_reset":false,"threshold":10,"duration":0},
        {"type":"below","metric_name":"x","detect_reset":true,"threshold":1,"duration":70,"summary_function":"derivative"},
        {"type":"absent","metric_name":"x","detect_reset":false,"threshold":0,"duration":600}]}"#;
    let made = api.post("/v1/alerts", terraform).await.expect(201);
    let conditions = json!([
        {"id": 2, "type": "above", "metric_name": "x", "source": null, "threshold": 10.0},
        {"id": 3, "type": "below", "metric_name": "x", "source": null, "threshold": 1.0, "summary_function": "derivative", "detect_reset": true, "duration": 70},
        {"id": 4, "type": "absent", "metric_name": "x", "source": null, "duration": 600},
    ]);
    assert_eq!((&made["conditions"], &made["active"]), (&conditions, &json!(false)));
    let form = "name=form&rearm_seconds=60&active=false&services[]=1&conditions[0][type]=above&conditions[0][metric_name]=m\
        &conditions[0][threshold]=1.5&conditions[0][duration]=60&attributes[runbook_url]=u";
    let made = api.form("POST", "/v1/alerts", form).await.expect(201);
    assert_eq!((&made["active"], &made["conditions"][0]["threshold"]), (&json!(false), &json!(1.5)));
    assert_eq!(made["attributes"], json!({"runbook_url": "u"}));
}

#[tokio::test]
async fn lbrt_is_not_shown_md() {
    let api = with_service().await;
    api.post("/v1/alerts", SLOW).await.expect(201);
    let request = axum::http::Request::get("/v1/alerts/1")
        .header("user-agent", "Ruby Librato Client 0.1.1")
        .header("authorization", crate::harness::basic(crate::harness::USER, crate::harness::TOKEN));
    let shown = api.call(request.body(axum::body::Body::empty()).unwrap()).await.expect(200);
    assert!(shown.get("md").is_none() && shown.get("rearm_per_signal").is_some());
}

#[tokio::test]
async fn a_put_keeps_all_but_the_conditions() {
    let api = with_service().await;
    api.post("/v1/alerts", SLOW).await.expect(201);
    assert!(api.put("/v1/alerts/1", r#"{"name":"shop.slow","description":"d"}"#).await.expect(204).is_null());
    let read = api.get("/v1/alerts/1").await.expect(200);
    assert_eq!((&read["name"], &read["description"]), (&json!("shop.slow"), &json!("d")));
    assert_eq!((&read["rearm_seconds"], &read["conditions"]), (&json!(1200), &json!([])));
    assert_eq!(read["attributes"], json!({"runbook_url": "https://wiki.example.org/slow"}));
    assert_eq!(read["services"].as_array().unwrap().len(), 1);
    api.put("/v1/alerts/1", r#"{"attributes":{"team":"ops"},"services":[]}"#).await.expect(204);
    let read = api.get("/v1/alerts/1").await.expect(200);
    assert_eq!((&read["attributes"], &read["services"]), (&json!({"team": "ops"}), &json!([])));
}

#[tokio::test]
async fn conditions_sent_back_keep_their_ids() {
    let api = with_service().await;
    api.post("/v1/alerts", SLOW).await.expect(201);
    api.post(
        "/v1/alerts",
        r#"{"name":"b","conditions":[{"type":"absent","metric_name":"m","duration":60}]}"#,
    )
    .await
    .expect(201);
    let mut read = api.get("/v1/alerts/1").await.expect(200);
    let conditions = read["conditions"].as_array_mut().unwrap();
    conditions.reverse();
    conditions.insert(0, json!({"type": "below", "metric_name": "m", "threshold": 1}));
    // an id of another alert and an id used twice are no identity
    conditions.push(json!({"id": 3, "type": "below", "metric_name": "n", "threshold": 1}));
    conditions.push(json!({"id": 1, "type": "below", "metric_name": "o", "threshold": 1}));
    // the whole object comes back, services expanded, as some clients do
    api.put("/v1/alerts/1", &read.to_string()).await.expect(204);
    let after = api.get("/v1/alerts/1").await.expect(200);
    let metrics: Vec<(i64, String)> = after["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["id"].as_i64().unwrap(), c["metric_name"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [(4, "m"), (2, "shop.heartbeat"), (1, "shop.checkout.ms"), (5, "n"), (6, "o")];
    assert_eq!(metrics, expected.map(|(id, name)| (id, name.to_owned())));
    assert_eq!(after["services"], read["services"]);
    assert_eq!(api.get("/v1/alerts/b").await.expect(200)["conditions"][0]["id"], 3);
}

#[tokio::test]
async fn delete_by_id_and_name() {
    let api = with_service().await;
    api.post("/v1/alerts", SLOW).await.expect(201);
    api.post("/v1/alerts", r#"{"name":"b"}"#).await.expect(201);
    api.delete("/v1/alerts/1").await.expect(204);
    api.delete("/v1/alerts/b").await.expect(204);
    for (method, path) in [
        ("GET", "/v1/alerts/1"),
        ("DELETE", "/v1/alerts/1"),
        ("PUT", "/v1/alerts/1"),
        ("GET", "/v1/alerts/1/status"),
        ("POST", "/v1/alerts/1/clear"),
        ("DELETE", "/v1/alerts/1/services/1"),
        ("GET", "/v1/alerts/99999999999999999999"),
    ] {
        api.send(method, path, "application/json", "").await.refused(404, "/request", "Not Found");
    }
    assert_eq!(api.post("/v1/alerts", SLOW).await.expect(201)["id"], 3, "ids are not used twice");
}

#[tokio::test]
async fn status_and_clear() {
    let api = with_service().await;
    api.post("/v1/alerts", SLOW).await.expect(201);
    assert_eq!(api.get("/v1/alerts/status").await.expect(200), json!({"firing": [], "cleared": []}));
    assert_eq!(api.get("/v1/alerts/1/status").await.expect(200), json!({"alert": {"id": 1}, "status": "ok"}));
    assert!(api.form("POST", "/v1/alerts/1/clear", "").await.expect(204).is_null());
}

#[tokio::test]
async fn services_come_and_go() {
    let api = with_service().await;
    api.post("/v1/alerts", r#"{"name":"a"}"#).await.expect(201);
    let made = api.form("POST", "/v1/alerts/1/services", "service=1").await;
    assert_eq!(made.header("location"), Some("/v1/alerts/1/services/1"));
    assert_eq!(made.expect(201)["title"], "ops");
    api.post("/v1/alerts/1/services", r#"{"service":1}"#).await.expect(201);
    let services = async || api.get("/v1/alerts/1").await.expect(200)["services"].as_array().unwrap().len();
    assert_eq!(services().await, 1);
    api.delete("/v1/alerts/1/services/1").await.expect(204);
    api.delete("/v1/alerts/1/services/1").await.expect(404);
    assert_eq!(services().await, 0);
    api.post("/v1/alerts/1/services", r#"{"service":9}"#).await.refused(400, "/params/service", "no service");
    api.post("/v1/alerts/1/services", "{}").await.refused(400, "/params/service", "is not present");
    api.put("/v1/alerts/1", r#"{"services":["1"]}"#).await.expect(204);
    api.delete("/v1/services/1").await.expect(204);
    assert_eq!(services().await, 0, "deleting a service detaches it");
}

#[tokio::test]
async fn refusals_name_the_field() {
    let api = with_service().await;
    let cases: [(&str, &str, &str); 9] = [
        ("{}", "/params/name", "is not present"),
        (r#"{"name":"a b"}"#, "/params/name", "characters"),
        (r#"{"name":"a","version":1}"#, "/params/version", "must be 2"),
        (r#"{"name":"a","rearm_seconds":90}"#, "/params/rearm_seconds", "multiple of 60"),
        (r#"{"name":"a","services":[9]}"#, "/params/services", "no service with id 9"),
        (
            r#"{"name":"a","conditions":[{"type":"absent","metric_name":"m"}]}"#,
            "/params/conditions/duration",
            "must be set",
        ),
        (
            r#"{"name":"a","conditions":[{"type":"above","metric_name":"m","threshold":1,"duration":30}]}"#,
            "/params/conditions/duration",
            "between 60 and 3600",
        ),
        (
            r#"{"name":"a","conditions":[{"type":"above","metric_name":"m"}]}"#,
            "/params/conditions/threshold",
            "must be set",
        ),
        (
            r#"{"name":"a","conditions":[{"type":"above","threshold":1}]}"#,
            "/params/conditions/metric_name",
            "is not present",
        ),
    ];
    for (body, pointer, text) in cases {
        api.post("/v1/alerts", body).await.refused(400, pointer, text);
    }
    assert_eq!(
        api.get("/v1/alerts").await.expect(200)["query"]["total"],
        0,
        "a refusal leaves nothing behind"
    );
    // A database across a network may have given an id to what was refused.
    let slow = api.post("/v1/alerts", SLOW).await.expect(201)["id"].clone();
    let other = api.post("/v1/alerts", r#"{"name":"other"}"#).await.expect(201)["id"].clone();
    let taken = api.put(&format!("/v1/alerts/{slow}"), r#"{"name":"Other"}"#).await;
    taken.refused(422, "/params/name", "is already taken");
    api.put(&format!("/v1/alerts/{other}"), r#"{"name":"Other"}"#).await.expect(204);
    let bad = r#"{"description":"x","conditions":[{"type":"nope","metric_name":"m"}]}"#;
    let path = format!("/v1/alerts/{slow}");
    api.put(&path, bad).await.refused(400, "/params/conditions/type", "is not one of");
    assert_eq!(api.get(&path).await.expect(200)["description"], Value::Null);
}

#[tokio::test]
async fn list_filters_and_old_version() {
    let api = Api::new();
    for name in ["prod.web", "Prod.db", "stage.web"] {
        api.post("/v1/alerts", &json!({"name": name}).to_string()).await.expect(201);
    }
    let listed = api.get("/v1/alerts?version=2&name=PROD").await.expect(200);
    assert_eq!(column(&listed, "alerts", "name"), ["prod.web", "Prod.db"]);
    assert_eq!(listed["query"], json!({"found": 2, "length": 2, "offset": 0, "total": 3}));
    let old = api.get("/v1/alerts?version=1").await.expect(200);
    assert_eq!(old, json!({"query": {"found": 0, "length": 0, "offset": 0, "total": 0}, "alerts": []}));
    let descending = api.get("/v1/alerts?orderby=updated_at&sort=desc").await.expect(200);
    assert_eq!(descending["alerts"].as_array().unwrap().len(), 3);
}

//! Spaces and charts, snapshots of charts, and their predecessors: dashboards and instruments.

use serde_json::{Value, json};

use crate::harness::{Api, column};

async fn space(api: &Api) {
    api.post("/v1/metrics", r#"{"counters":{"hits":{"value":1}}}"#).await.expect(200);
    let made = api.post("/v1/spaces", r#"{"name":"Shop"}"#).await;
    assert_eq!(made.header("location"), Some("/v1/spaces/1"));
    assert_eq!(made.expect(201), json!({"id": 1, "name": "Shop"}));
}

#[tokio::test]
async fn life_of_a_space() {
    let api = Api::new();
    space(&api).await;
    api.post("/v1/spaces", r#"{"name":"Shop"}"#).await.expect(201);
    let tagged = api.form("POST", "/v1/spaces", "name=Staging_Ops&tags=true").await.expect(201);
    assert_eq!(tagged, json!({"id": 3, "name": "Staging_Ops", "tags": true}));
    let found = api.get("/v1/spaces?name=OPS").await.expect(200);
    assert_eq!(found["spaces"], json!([tagged]));
    assert_eq!(found["query"], json!({"found": 1, "length": 1, "offset": 0, "total": 3}));
    assert_eq!(api.get("/v1/spaces/2").await.expect(200), json!({"id": 2, "name": "Shop", "charts": []}));
    assert!(api.put("/v1/spaces/2", r#"{"name":"Depot","id":9}"#).await.expect(204).is_null());
    let all = api.get("/v1/spaces").await.expect(200);
    assert_eq!(column(&all, "spaces", "name"), ["Depot", "Shop", "Staging_Ops"]);
    api.delete("/v1/spaces/2").await.expect(204);
    for answer in
        [api.get("/v1/spaces/2").await, api.delete("/v1/spaces/2").await, api.get("/v1/spaces/x").await]
    {
        answer.refused(404, "/request", "Not Found");
    }
    api.post("/v1/spaces", "{}").await.refused(400, "/params/name", "is not present");
    let next = api.post("/v1/spaces", r#"{"name":"x"}"#).await.expect(201);
    assert_eq!(next["id"], 4, "ids are never used again");
}

/// What terraform and lbrt send, and what each needs to read.
#[tokio::test]
async fn charts_echo_what_was_sent() {
    let api = Api::new();
    space(&api).await;
    let body = r#"{"name":"Checkout","type":"line","min":0,
        "streams":[{"metric":"shop.ms","source":"*","group_function":"breakout","summary_function":"max"},
                   {"composite":"s(\"hits\",\"*\")"},{"metric":"Hits"}]}"#;
    let made = api.post("/v1/spaces/1/charts", body).await;
    assert_eq!(made.header("location"), Some("/v1/spaces/1/charts/1"));
    let expected = json!({"id": 1, "name": "Checkout", "type": "line", "min": 0.0, "streams": [
        {"id": 1, "metric": "shop.ms", "source": "*", "group_function": "breakout", "summary_function": "max", "type": "gauge"},
        {"id": 2, "composite": "s(\"hits\",\"*\")", "type": "composite"},
        {"id": 3, "metric": "Hits", "type": "counter"}]});
    assert_eq!(made.expect(201), expected);
    assert_eq!(api.get("/v1/spaces/1/charts/1").await.expect(200), expected);
    assert_eq!(api.get("/v1/spaces/1/charts").await.expect(200), json!([expected]));
    assert_eq!(api.get("/v1/spaces/1").await.expect(200)["charts"], json!([{"id": 1}]));
    let lbrt = r#"{"id":1,"streams":[{"metric":"hits","source":"*"}],"chart_type":"stacked","max":null,"min":null,"label":null}"#;
    let changed = json!({"id": 1, "name": "Checkout", "type": "stacked", "streams": [
        {"id": 4, "metric": "hits", "source": "*", "type": "counter"}]});
    assert_eq!(api.put("/v1/spaces/1/charts/1", lbrt).await.expect(200), changed);
    let renamed = api.post("/v1/spaces/1/charts/1", r#"{"name":"","related_space":77,"threshold":[]}"#).await;
    let renamed = renamed.expect(200);
    assert_eq!((&renamed["name"], &renamed["related_space"]), (&json!(""), &json!(77)));
    assert_eq!((&renamed["thresholds"], &renamed["streams"]), (&json!([]), &changed["streams"]));
}

#[tokio::test]
async fn charts_belong_to_their_space() {
    let api = Api::new();
    space(&api).await;
    api.post("/v1/spaces", r#"{"name":"Other"}"#).await.expect(201);
    let form = "name=C&streams[0][metric]=hits&streams[1][metric]=hits&streams[1][source]=*";
    let made = api.form("POST", "/v1/spaces/1/charts", form).await.expect(201);
    assert_eq!(made["streams"].as_array().map(Vec::len), Some(2));
    for path in ["/v1/spaces/2/charts/1", "/v1/spaces/1/charts/2", "/v1/spaces/9/charts"] {
        api.get(path).await.refused(404, "/request", "Not Found");
    }
    api.put("/v1/spaces/2/charts/1", r#"{"name":"x"}"#).await.expect(404);
    api.delete("/v1/spaces/2/charts/1").await.expect(404);
    api.post("/v1/spaces/9/charts", r#"{"name":"x"}"#).await.expect(404);
    let both = r#"{"streams":[{"metric":"a","composite":"s(\"a\",\"*\")"}]}"#;
    api.post("/v1/spaces/1/charts", both).await.refused(400, "/params/streams/composite", "together");
    api.post("/v1/spaces/1/charts", r#"{"type":"pie"}"#).await.refused(400, "/params/type", "is not one of");
    api.delete("/v1/spaces/1").await.expect(204);
    api.get("/v1/spaces/1/charts/1").await.expect(404);
}

#[tokio::test]
async fn snapshots_are_queued() {
    let api = Api::new();
    space(&api).await;
    api.post("/v1/spaces/1/charts", r#"{"name":"C"}"#).await.expect(201);
    let body = r#"{"subject":{"chart":{"id":1,"source":"web*","type":"stacked"}},"end_time":1700000000}"#;
    // as the documentation does it: JSON under curl's form type
    let made = api.send("POST", "/v1/snapshots", crate::harness::FORM, body).await;
    assert_eq!(made.header("location"), Some("/v1/snapshots/1"));
    let made = made.expect(202);
    assert_eq!((&made["duration"], &made["end_time"]), (&json!(3600), &json!("2023-11-14T22:13:20Z")));
    assert_eq!(made["subject"], json!({"chart": {"id": 1, "sources": ["web*"], "type": "stacked"}}));
    assert_eq!(made["image_href"], Value::Null);
    assert_eq!(api.get("/v1/snapshots/1").await.expect(200), made);
    let job = api.get(made["job_href"].as_str().unwrap()).await.expect(200);
    assert_eq!((&job["id"], &job["state"]), (&json!(1), &json!("queued")));
    api.get("/v1/snapshots/2").await.expect(404);
    api.get("/v1/jobs/2").await.expect(404);
    api.post("/v1/snapshots", r#"{"subject":{"chart":{"id":9}}}"#).await.refused(
        400,
        "/params/subject",
        "no chart",
    );
    api.post("/v1/snapshots", r#"{"subject":{}}"#).await.refused(400, "/params/subject", "must be a chart");
    api.post("/v1/snapshots", "{}").await.refused(400, "/params/subject", "is not present");
}

/// The bodies of python-librato 0.8.6.
#[tokio::test]
async fn dashboards_and_instruments() {
    let api = Api::new();
    space(&api).await;
    let body = r#"{"name":"I","attributes":{"display_stacked":true},"streams":[
        {"metric":"hits","composite":null,"source":"*"},{"metric":null,"composite":"s(\"hits\",\"%\")","source":null}]}"#;
    let made = api.post("/v1/instruments", body).await;
    assert_eq!(made.header("location"), Some("/v1/instruments/1"));
    let made = made.expect(201);
    let streams = json!([
        {"id": 1, "metric": "hits", "source": "*", "type": "counter"},
        {"id": 2, "composite": "s(\"hits\",\"%\")", "type": "composite"}]);
    assert_eq!(
        made,
        json!({"id": 1, "name": "I", "attributes": {"display_stacked": true}, "streams": streams})
    );
    assert_eq!(api.get("/v1/instruments/1").await.expect(200), made);
    api.post("/v1/instruments", r#"{"name":"J"}"#).await.expect(201);
    let update = r#"{"name":"I2","attributes":{},"streams":[{"metric":"hits"}]}"#;
    api.put("/v1/instruments/1", update).await.expect(204);
    let read = api.get("/v1/instruments/1").await.expect(200);
    assert_eq!((&read["name"], read["streams"].as_array().map(Vec::len)), (&json!("I2"), Some(1)));
    let made = api.post("/v1/dashboards", r#"{"name":"D","instruments":[{"id":2},{"id":1}]}"#).await;
    assert_eq!(made.header("location"), Some("/v1/dashboards/1"));
    assert_eq!(made.expect(201), json!({"id": 1, "name": "D", "instruments": [{"id": 2}, {"id": 1}]}));
    api.put("/v1/dashboards/1", r#"{"name":"D2","instruments":[1,"2",1]}"#).await.expect(204);
    let listed = api.get("/v1/dashboards?name=d").await.expect(200);
    let expected = json!([{"id": 1, "name": "D2", "instruments": [{"id": 1}, {"id": 2}, {"id": 1}]}]);
    assert_eq!(listed["dashboards"], expected);
    assert_eq!(column(&api.get("/v1/instruments").await.expect(200), "instruments", "name").len(), 2);
    api.post("/v1/dashboards", r#"{"name":"x","instruments":[7]}"#).await.refused(
        400,
        "/params/instruments",
        "no instrument",
    );
    let token = api.post("/v1/charts", r#"{"entity_type":"dashboard","entity_id":1}"#).await.expect(201);
    let text = token["token"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("/v1/charts/{text}")).await.expect(200), token);
    assert_eq!(
        api.get(&format!("/v1/charts?token={}", &text[10..20])).await.expect(200)["charts"],
        json!([token])
    );
    assert_eq!(api.get("/v1/charts?token=zzz").await.expect(200)["query"]["total"], 1);
    api.post("/v1/charts", r#"{"entity_type":"instrument","entity_id":9}"#).await.refused(
        400,
        "/params/entity_id",
        "no instrument",
    );
    api.delete(&format!("/v1/charts/{text}")).await.expect(204);
    api.delete("/v1/instruments/1").await.expect(204);
    assert_eq!(api.get("/v1/dashboards/1").await.expect(200)["instruments"], json!([{"id": 2}]));
    api.delete("/v1/dashboards/1").await.expect(204);
    api.get("/v1/dashboards/1").await.expect(404);
    api.put("/v1/instruments/1", update).await.expect(404);
}

//! Sources and API tokens.

use serde_json::json;

use crate::harness::{Api, column};

#[tokio::test]
async fn sources_appear_with_their_first_measurement() {
    let api = Api::new();
    let body = r#"{"gauges":[{"name":"a","value":1,"source":"Web-1"},{"name":"b","value":1,"source":"web-1"},{"name":"a","value":1}]}"#;
    api.post("/v1/metrics", body).await.expect(200);
    assert_eq!(
        api.get("/v1/sources").await.expect(200)["sources"],
        json!([{"name": "Web-1", "display_name": null}])
    );
    let made = api.put("/v1/sources/db:1", r#"{"display_name":"Main Database"}"#).await;
    assert_eq!(made.header("location"), Some("/v1/sources/db:1"));
    assert_eq!(made.expect(201), json!({"name": "db:1", "display_name": "Main Database"}));
    api.form("PUT", "/v1/sources/WEB-1", "display_name=Front").await.expect(204);
    assert_eq!(
        api.get("/v1/sources/web-1").await.expect(200),
        json!({"name": "Web-1", "display_name": "Front"})
    );
    for (name, expected) in [("web", "Web-1"), ("FRONT", "Web-1"), ("database", "db:1")] {
        let found = api.get(&format!("/v1/sources?name={name}")).await.expect(200);
        assert_eq!(column(&found, "sources", "name"), [expected]);
    }
    api.delete("/v1/sources/web-1").await.expect(204);
    api.get("/v1/sources/web-1").await.refused(404, "/request", "Not Found");
    let read = api.get("/v1/metrics/a?count=1").await.expect(200);
    assert_eq!(read["measurements"]["Web-1"][0]["value"], 1.0, "its measurements stay");
    api.put("/v1/sources/all", "{}").await.refused(400, "/params/name", "reserved");
    api.put("/v1/sources/a%20b", "{}").await.refused(400, "/params/name", "characters");
}

#[tokio::test]
async fn life_of_an_api_token() {
    let api = Api::new();
    let made = api.post("/v1/api_tokens", r#"{"name":"Deploy","role":"recorder","token":"mine"}"#).await;
    assert_eq!(made.header("location"), Some("/v1/api_tokens/1"));
    let made = made.expect(201);
    assert_eq!(
        (&made["name"], &made["role"], &made["active"]),
        (&json!("Deploy"), &json!("recorder"), &json!(true))
    );
    assert_eq!(made["href"], "/v1/api_tokens/1");
    assert_eq!(made["token"].as_str().map(str::len), Some(64));
    assert!(made["created_at"].as_str().unwrap().ends_with(" UTC"));
    api.post("/v1/api_tokens", r#"{"name":"deploy_2","role":"viewer"}"#).await.expect(201);
    for (name, expected) in [
        ("deploy", vec!["Deploy"]),
        ("dep*", vec!["Deploy", "deploy_2"]),
        ("*_*", vec!["deploy_2"]),
        ("eploy", vec![]),
    ] {
        let found = api.get(&format!("/v1/api_tokens?name={name}")).await.expect(200);
        assert_eq!(column(&found, "api_tokens", "name"), expected, "{name}");
    }
    assert_eq!(api.get("/v1/api_tokens/1").await.expect(200), made);
    assert_eq!(api.get("/v1/api_tokens/Deploy").await.expect(200)["api_tokens"], json!([made]));
    let changed = api.put("/v1/api_tokens/1", r#"{"active":"false","token":"mine"}"#).await.expect(200);
    assert_eq!(
        (&changed["active"], &changed["token"], &changed["name"]),
        (&json!(false), &made["token"], &made["name"])
    );
    api.put("/v1/api_tokens/1", r#"{"role":"owner"}"#).await.refused(400, "/params/role", "is not one of");
    api.post("/v1/api_tokens", "{}").await.refused(400, "/params/role", "is not present");
    api.delete("/v1/api_tokens/1").await.expect(204);
    api.get("/v1/api_tokens/1").await.expect(404);
}

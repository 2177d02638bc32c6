//! `/v1/services`.

use serde_json::json;

use crate::harness::{Api, column};

const MAIL: &str = r#"{"type":"mail","title":"ops","settings":{"addresses":"ops@example.org"}}"#;

#[tokio::test]
async fn life_of_a_service() {
    let api = Api::new();
    let made = api.post("/v1/services", MAIL).await;
    assert_eq!(made.header("location"), Some("/v1/services/1"));
    let expected =
        json!({"id": 1, "type": "mail", "title": "ops", "settings": {"addresses": "ops@example.org"}});
    assert_eq!(made.expect(201), expected);
    assert_eq!(api.get("/v1/services/1").await.expect(200), expected);
    // lbrt sends only settings, the documentation only the title, terraform only what changed
    api.put("/v1/services/1", r#"{"settings":{"addresses":"a@example.org,b@example.org","extra":"kept"}}"#)
        .await
        .expect(204);
    api.form("PUT", "/v1/services/1", "title=night+shift").await.expect(204);
    let read = api.get("/v1/services/1").await.expect(200);
    let settings = json!({"addresses": "a@example.org,b@example.org", "extra": "kept"});
    assert_eq!((&read["title"], &read["settings"]), (&json!("night shift"), &settings));
    let slack = r#"{"type":"slack","settings":{"url":"https://hooks.example.org/x"}}"#;
    api.put("/v1/services/1", slack).await.expect(204);
    assert_eq!(api.get("/v1/services/1").await.expect(200)["type"], "slack");
    assert!(api.delete("/v1/services/1").await.expect(204).is_null());
    for answer in [
        api.get("/v1/services/1").await,
        api.delete("/v1/services/1").await,
        api.put("/v1/services/1", "{}").await,
    ] {
        answer.refused(404, "/request", "Not Found");
    }
    assert_eq!(api.post("/v1/services", MAIL).await.expect(201)["id"], 2, "ids are not used twice");
}

#[tokio::test]
async fn form_twin_and_twin_titles() {
    let api = Api::new();
    let form = "type=webhook&title=ops&settings[url]=https%3A%2F%2Fexample.org%2Fhook%3Fa%3D1";
    let made = api.form("POST", "/v1/services", form).await.expect(201);
    assert_eq!(made["settings"], json!({"url": "https://example.org/hook?a=1"}));
    api.post("/v1/services", MAIL).await.expect(201);
    let listed = api.get("/v1/services").await.expect(200);
    assert_eq!(column(&listed, "services", "title"), ["ops", "ops"]);
}

#[tokio::test]
async fn refusals() {
    let api = Api::new();
    let missing = api.post("/v1/services", "{}").await;
    assert_eq!(missing.body["errors"]["params"]["type"], json!(["is not present"]));
    assert_eq!(missing.body["errors"]["params"]["title"], json!(["is not present"]));
    missing.refused(400, "/params/settings", "is not present");
    let unknown = r#"{"type":"pigeon","title":"t","settings":{}}"#;
    api.post("/v1/services", unknown).await.refused(400, "/params/type", "is not a known type");
    let no_url = r#"{"type":"slack","title":"t","settings":{"room":"x"}}"#;
    api.post("/v1/services", no_url).await.refused(400, "/params/settings/url", "Is required");
    let relative = r#"{"type":"webhook","title":"t","settings":{"url":"example.org/secret-path"}}"#;
    let answer = api.post("/v1/services", relative).await;
    assert!(!answer.body.to_string().contains("secret-path"), "settings are secrets");
    answer.refused(400, "/params/settings/url", "Is missing protocol");
    api.post("/v1/services", MAIL).await.expect(201);
    api.put("/v1/services/1", r#"{"settings":{}}"#).await.refused(
        400,
        "/params/settings/addresses",
        "Is required",
    );
    api.put("/v1/services/1", r#"{"title":""}"#).await.refused(400, "/params/title", "is not present");
    api.get("/v1/services/abc").await.expect(404);
}

/// Somebody reads masked settings as an operator and sends them back as an admin: the secret is not overwritten.
#[tokio::test]
async fn what_stands_for_a_hidden_value_is_refused() {
    let api = Api::new();
    let slack = r#"{"type":"slack","title":"t","settings":{"url":"https://hooks.example.org/x"}}"#;
    api.post("/v1/services", slack).await.expect(201);
    let hidden = r#"{"type":"slack","title":"t","settings":{"url":"[hidden]"}}"#;
    api.put("/v1/services/1", hidden).await.refused(400, "/params/settings/url", "was not shown");
    api.post("/v1/services", hidden).await.refused(400, "/params/settings/url", "was not shown");
    let form = "settings[url]=https://hooks.example.org/y&settings[extra]=%5Bhidden%5D";
    api.form("PUT", "/v1/services/1", form).await.refused(400, "/params/settings/extra", "was not shown");
    let read = api.get("/v1/services/1").await.expect(200);
    assert_eq!(read["settings"], json!({"url": "https://hooks.example.org/x"}));
    assert_eq!(api.get("/v1/services").await.expect(200)["query"]["total"], 1);
}

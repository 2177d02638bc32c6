//! `/v1/metrics` and `/v1/metrics/:name` as definitions.

use serde_json::json;

use crate::harness::{Api, column};

#[tokio::test]
async fn upsert_creates_then_merges() {
    let api = Api::new();
    let fixture = r#"{"type":"gauge","period":60,"display_name":"Checkout","attributes":{"display_units_short":"ms","summarize_function":"average"}}"#;
    let made = api.put("/v1/metrics/shop.Checkout.ms", fixture).await;
    assert_eq!(made.header("location"), Some("/v1/metrics/shop.Checkout.ms"));
    let expected = json!({
        "name": "shop.Checkout.ms", "display_name": "Checkout", "type": "gauge", "description": null,
        "attributes": {"created_by_ua": "fixture/1.0", "display_units_short": "ms", "summarize_function": "average"},
        "period": 60, "source_lag": null,
    });
    assert_eq!(made.expect(201), expected);
    // what go-librato sends on update
    let update = r##"{"name":"other","type":null,"description":"d","attributes":{"color":null,"display_max":"100","display_units_short":"","display_stacked":false}}"##;
    assert!(api.put("/v1/metrics/SHOP.checkout.MS", update).await.expect(204).is_null());
    let read = api.get("/v1/metrics/shop.checkout.ms").await.expect(200);
    assert_eq!(read["name"], "shop.Checkout.ms", "the first spelling stays");
    assert_eq!((&read["display_name"], &read["description"]), (&json!("Checkout"), &json!("d")));
    let attributes = json!({
        "created_by_ua": "fixture/1.0", "summarize_function": "average",
        "display_max": "100", "display_units_short": "", "display_stacked": false,
    });
    assert_eq!(read["attributes"], attributes);
}

#[tokio::test]
async fn form_twin() {
    let api = Api::new();
    let form =
        "type=gauge&period=60&attributes[display_min]=0&attributes%5Bdisplay_stacked%5D=true&description=";
    let made = api.form("PUT", "/v1/metrics/a", form).await.expect(201);
    assert_eq!((&made["period"], &made["description"]), (&json!(60), &json!("")));
    assert_eq!(
        (&made["attributes"]["display_min"], &made["attributes"]["display_stacked"]),
        (&json!("0"), &json!(true))
    );
}

#[tokio::test]
async fn composites_are_kept_verbatim() {
    let api = Api::new();
    let body = r#"{"type":"composite","composite":"divide([sum(s(\"shop.err\",\"*\")),  sum(s(\"shop.req\",\"*\"))])"}"#;
    let made = api.put("/v1/metrics/ratio", body).await.expect(201);
    assert_eq!(made["composite"], "divide([sum(s(\"shop.err\",\"*\")),  sum(s(\"shop.req\",\"*\"))])");
    assert!(made["attributes"].is_object() && made.get("period").is_some());
    api.put("/v1/metrics/none", r#"{"type":"composite"}"#).await.refused(
        400,
        "/params/composite",
        "is not present",
    );
    api.put("/v1/metrics/ratio", r#"{"type":"gauge"}"#).await.refused(
        400,
        "/params/type",
        "'ratio' is a composite, but was submitted as different type",
    );
}

#[tokio::test]
async fn refusals() {
    let api = Api::new();
    api.put("/v1/metrics/new", r#"{"period":60}"#).await.refused(400, "/params/type", "must be set");
    api.put("/v1/metrics/new", r#"{"type":"dial"}"#).await.refused(400, "/params/type", "is not one of");
    api.put("/v1/metrics/a%20b", r#"{"type":"gauge"}"#).await.refused(400, "/params/name", "255");
    api.put(&format!("/v1/metrics/{}", "a".repeat(256)), r#"{"type":"gauge"}"#).await.refused(
        400,
        "/params/name",
        "255",
    );
    let color = r#"{"type":"gauge","attributes":{"color":"red"}}"#;
    api.put("/v1/metrics/new", color).await.refused(400, "/params/attributes/color", "color");
    api.get("/v1/metrics/new").await.refused(404, "/request", "Not Found");
    api.delete("/v1/metrics/new").await.refused(404, "/request", "Not Found");
}

#[tokio::test]
async fn list_filters_by_substring() {
    let api = Api::new();
    for name in ["web.cpu", "Web.mem", "db.cpu"] {
        api.put(&format!("/v1/metrics/{name}"), r#"{"type":"gauge"}"#).await.expect(201);
    }
    let all = api.get("/v1/metrics").await.expect(200);
    assert_eq!(column(&all, "metrics", "name"), ["db.cpu", "web.cpu", "Web.mem"]);
    assert_eq!(all["query"], json!({"found": 3, "length": 3, "offset": 0, "total": 3}));
    let some = api.get("/v1/metrics?name=WEB&orderby=name&sort=desc").await.expect(200);
    assert_eq!(column(&some, "metrics", "name"), ["Web.mem", "web.cpu"]);
    assert_eq!(some["query"], json!({"found": 2, "length": 2, "offset": 0, "total": 3}));
    assert_eq!(api.get("/v1/metrics?name=nothing").await.expect(200)["metrics"], json!([]));
}

#[tokio::test]
async fn delete_one() {
    let api = Api::new();
    api.put("/v1/metrics/a:b", r#"{"type":"gauge"}"#).await.expect(201);
    assert!(api.delete("/v1/metrics/A%3Ab").await.expect(204).is_null());
    api.get("/v1/metrics/a:b").await.expect(404);
}

async fn three() -> Api {
    let api = Api::new();
    for name in ["foo", "foobar", "bar"] {
        api.put(&format!("/v1/metrics/{name}"), r#"{"type":"gauge"}"#).await.expect(201);
    }
    api.put("/v1/metrics/fooc", r#"{"type":"counter"}"#).await.expect(201);
    api
}

#[tokio::test]
async fn update_many() {
    let api = three().await;
    let body = r#"{"names":"foo*","exclude":["foobar"],"period":30,"display_max":100,"aggregate":true,"attributes":{"display_min":"0"}}"#;
    api.put("/v1/metrics", body).await.expect(204);
    let foo = api.get("/v1/metrics/foo").await.expect(200);
    assert_eq!((&foo["period"], &foo["attributes"]["display_max"]), (&json!(30), &json!(100)));
    assert_eq!(
        (&foo["attributes"]["display_min"], &foo["attributes"]["aggregate"]),
        (&json!("0"), &json!(true))
    );
    let counter = api.get("/v1/metrics/fooc").await.expect(200);
    assert_eq!((&counter["period"], counter["attributes"].get("aggregate")), (&json!(30), None));
    assert_eq!(api.get("/v1/metrics/foobar").await.expect(200)["period"], json!(null));
    api.form("PUT", "/v1/metrics", "names[]=bar&names[]=nobody&display_units_short=ms").await.expect(204);
    assert_eq!(api.get("/v1/metrics/bar").await.expect(200)["attributes"]["display_units_short"], "ms");
    api.put("/v1/metrics", r#"{"period":30}"#).await.refused(400, "/params/names", "is not present");
    api.put("/v1/metrics", r#"{"names":[1]}"#).await.refused(400, "/params/names", "is not a string");
}

#[tokio::test]
async fn delete_many_in_every_spelling() {
    let left = async |api: &Api| column(&api.get("/v1/metrics").await.expect(200), "metrics", "name");
    let api = three().await;
    api.send("DELETE", "/v1/metrics", "application/json", r#"{"names":"foo*","exclude":["foobar"]}"#)
        .await
        .expect(204);
    assert_eq!(left(&api).await, ["bar", "foobar"]);
    let api = three().await;
    api.send("DELETE", "/v1/metrics", "application/json", r#"{"names":["foo","BAR","nobody"]}"#)
        .await
        .expect(204);
    assert_eq!(left(&api).await, ["fooc", "foobar"].map(str::to_owned).into_iter().rev().collect::<Vec<_>>());
    let api = three().await;
    api.form("DELETE", "/v1/metrics", "names[]=foo&names[]=bar").await.expect(204);
    assert_eq!(left(&api).await.len(), 2);
    let api = three().await;
    api.delete("/v1/metrics?names[]=foo&names[]=f*c").await.expect(204);
    assert_eq!(left(&api).await, ["bar", "foobar"]);
    let api = three().await;
    api.delete("/v1/metrics?names=foo*").await.expect(204);
    assert_eq!(left(&api).await, ["bar"]);
    api.delete("/v1/metrics").await.refused(400, "/params/names", "is not present");
}

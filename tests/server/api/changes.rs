//! Conditional requests, requests that come again, and the audit, on every kind that has them.

use axum::body::Body;
use axum::http::{Request, header};
use librato_apply::serve::{Credentials, Data, Options, Role, Store, router};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, JSON, TOKEN, USER, basic, credentials};

/// A collection, a body that makes an object, its name as another would spell it, and a change of it.
const KINDS: &[(&str, &str, &str, &str)] = &[
    (
        "/v1/services",
        r#"{"type": "mail", "title": "Ops", "settings": {"addresses": "canary@example.org"}}"#,
        r#"{"type": "mail", "title": "ops", "settings": {"addresses": "b@example.org"}}"#,
        r#"{"settings": {"addresses": "canary-2@example.org"}}"#,
    ),
    ("/v1/spaces", r#"{"name": "Web"}"#, r#"{"name": "web"}"#, r#"{"name": "Web 2"}"#),
    (
        "/v1/spaces/1/charts",
        r#"{"name": "Times", "type": "line", "streams": []}"#,
        r#"{"name": "times", "type": "stacked", "streams": []}"#,
        r#"{"label": "ms"}"#,
    ),
    ("/v1/alerts", r#"{"name": "web.slow"}"#, r#"{"name": "WEB.slow"}"#, r#"{"description": "slow"}"#),
    ("/v1/instruments", r#"{"name": "Old"}"#, r#"{"name": "old"}"#, r#"{"name": "Older"}"#),
    ("/v1/dashboards", r#"{"name": "Old"}"#, r#"{"name": "old"}"#, r#"{"name": "Older"}"#),
    (
        "/v1/api_tokens",
        r#"{"name": "Wall", "role": "viewer"}"#,
        r#"{"name": "wall", "role": "admin"}"#,
        r#"{"active": false}"#,
    ),
];

async fn ask_as(
    token: &str,
    api: &Api,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, JSON);
    request = request.header(header::AUTHORIZATION, basic(USER, token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.call(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn ask(api: &Api, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    ask_as(TOKEN, api, method, path, headers, body).await
}

/// A server with a space, in which charts can be made; it is none of those that the tests make.
async fn server() -> Api {
    let api = Api::new();
    api.post("/v1/spaces", r#"{"name": "around the charts"}"#).await.expect(201);
    api
}

async fn count(api: &Api, collection: &str) -> usize {
    let list = api.get(collection).await.expect(200);
    let listed = list.as_array().or_else(|| list.as_object()?.values().find_map(Value::as_array)).unwrap();
    listed.len()
}

#[tokio::test]
async fn a_change_meant_for_another_state_is_refused() {
    for (collection, made, _, change) in KINDS {
        let api = server().await;
        let created = ask(&api, "POST", collection, &[], made).await;
        let (path, first) =
            (created.header("location").unwrap().to_owned(), created.header("etag").unwrap().to_owned());
        assert_eq!(created.status, 201);
        let read = api.get(&path).await;
        assert_eq!(read.header("etag"), Some(&*first), "{path}");
        let before = read.expect(200);
        // Each fits once.
        let changed = ask(&api, "PUT", &path, &[("if-match", &first)], change).await;
        assert!(matches!(changed.status, 200 | 204), "{path}: {}", changed.body);
        let second = changed.header("etag").unwrap().to_owned();
        assert_ne!(first, second, "{path}");
        assert_eq!(api.get(&path).await.header("etag"), Some(&*second), "{path}");
        assert_ne!(api.get(&path).await.expect(200), before, "{path}");
        let late = ask(&api, "PUT", &path, &[("if-match", &first)], made).await;
        late.refused(412, "/request", "If-Match");
        let late = ask(&api, "DELETE", &path, &[("if-match", &first)], "").await;
        late.refused(412, "/request", "If-Match");
        assert_eq!(api.get(&path).await.header("etag"), Some(&*second), "{path} is as it was");
        ask(&api, "PUT", &path, &[("if-match", "nonsense")], made).await.refused(400, "/request", "if-match");
        let any = ask(&api, "DELETE", &path, &[("if-match", &format!("\"x\", {second}"))], "").await;
        assert_eq!(any.status, 204, "{path}: {}", any.body);
        assert_eq!(ask(&api, "DELETE", &path, &[("if-match", "*")], "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_name_that_is_to_be_the_only_one_is_made_once() {
    for (collection, made, alike, _) in KINDS {
        let api = server().await;
        let star = [("if-none-match", "*")];
        let created = ask(&api, "POST", collection, &star, made).await;
        assert_eq!(created.status, 201, "{collection}: {}", created.body);
        let there = created.header("location").unwrap().to_owned();
        let other = [("if-none-match", "*, \"a\"")];
        ask(&api, "POST", collection, &other, alike).await.refused(400, "/request", "if-none-match");
        let before = count(&api, collection).await;
        // Names of alerts ignore case. Titles do not: two that differ in it are two objects, as they are in the files.
        let ignores_case = *collection == "/v1/alerts";
        for body in if ignores_case { vec![made, alike] } else { vec![made] } {
            let refused = ask(&api, "POST", collection, &star, body).await;
            assert_eq!(refused.header("location"), Some(&*there), "{collection}");
            refused.refused(412, "/request", "has that name already, with id");
        }
        assert_eq!(count(&api, collection).await, before, "{collection}");
        if !ignores_case {
            assert_eq!(ask(&api, "POST", collection, &star, alike).await.status, 201, "{collection}");
        }
        // Clients that do not ask for that get what they always got.
        let status = if ignores_case { 422 } else { 201 };
        assert_eq!(ask(&api, "POST", collection, &[], alike).await.status, status, "{collection}");
    }
}

/// The same body with its members in another order.
fn turned(body: &str) -> Option<String> {
    let body: serde_json::Map<String, Value> = serde_json::from_str(body).unwrap();
    (body.len() > 1).then(|| Value::Object(body.into_iter().rev().collect()).to_string())
}

#[tokio::test]
async fn a_request_that_comes_again_makes_nothing_again() {
    for (collection, made, other, change) in KINDS {
        let api = server().await;
        let key = [("idempotency-key", "0123-abc"), ("if-none-match", "*")];
        let first = ask(&api, "POST", collection, &key, made).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (201, None), "{collection}");
        let before = count(&api, collection).await;
        let again = ask(&api, "POST", collection, &key, made).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{collection}");
        for name in ["location", "etag"] {
            assert_eq!(again.header(name), first.header(name), "{collection}");
        }
        assert_eq!(again.body, first.body, "{collection}");
        let path = first.header("location").unwrap().to_owned();
        ask(&api, "POST", collection, &key, other).await.refused(422, "/request", "another body");
        assert_eq!(count(&api, collection).await, before, "{collection}");
        if let Some(turned) = turned(made) {
            let again = ask(&api, "POST", collection, &key, &turned).await;
            assert_eq!(again.header("location"), first.header("location"), "{collection}: {turned}");
        }
        // It is the same object, as it is now.
        assert!(api.put(&path, change).await.status < 300, "{path}");
        let again = ask(&api, "POST", collection, &key, made).await;
        assert_eq!(again.header("location"), Some(&*path), "{collection}");
        assert_eq!(again.header("etag"), api.get(&path).await.header("etag"), "{collection}");
        assert_eq!(api.delete(&path).await.status, 204, "{path}");
        ask(&api, "POST", collection, &key, made).await.refused(410, "/request", "deleted since");
        // A key of its own is another request.
        let new = ask(&api, "POST", collection, &[("idempotency-key", "other")], made).await;
        assert_eq!((new.status, new.header("idempotent-replayed")), (201, None), "{collection}");
        ask(&api, "POST", collection, &[("idempotency-key", "")], made).await.refused(400, "/request", "key");
    }
}

#[tokio::test]
async fn a_refused_creation_leaves_its_key_free() {
    let api = server().await;
    let key = [("idempotency-key", "k")];
    ask(&api, "POST", "/v1/alerts", &key, r#"{"name": ""}"#).await.refused(400, "/params/name", "present");
    assert_eq!(ask(&api, "POST", "/v1/alerts", &key, r#"{"name": "a"}"#).await.status, 201);
}

#[tokio::test]
async fn keys_of_others_are_others() {
    let mut all = credentials();
    all.push(Credentials::new("other@example.org", &"0ther-token".into()));
    let api = Api { router: router(Store::open(&Data::Memory).unwrap(), all, &Options::default()) };
    for token in [TOKEN, "0ther-token"] {
        let user = if token == TOKEN { USER } else { "other@example.org" };
        let request = Request::post("/v1/spaces")
            .header(header::AUTHORIZATION, basic(user, token))
            .header(header::CONTENT_TYPE, JSON)
            .header("idempotency-key", "same");
        let made = api.call(request.body(Body::from(r#"{"name": "s"}"#)).unwrap()).await;
        assert_eq!((made.status, made.header("idempotent-replayed")), (201, None), "{user}");
    }
}

#[tokio::test]
async fn metrics_streams_and_sources_have_tags_too() {
    let api = server().await;
    let event = r#"{"title": "v91"}"#;
    assert_eq!(api.post("/v1/annotations/deploys", event).await.status, 201);
    for (path, first, second) in [
        ("/v1/metrics/web.ms", r#"{"type": "gauge", "period": 60}"#, r#"{"period": 30}"#),
        ("/v1/annotations/deploys", r#"{"display_name": "a"}"#, r#"{"display_name": "b"}"#),
        ("/v1/sources/web-1", r#"{"display_name": "a"}"#, r#"{"display_name": "b"}"#),
    ] {
        let tag = api.put(path, first).await.header("etag").unwrap().to_owned();
        let changed = ask(&api, "PUT", path, &[("if-match", &tag)], second).await;
        assert!(changed.status < 300, "{path}: {}", changed.body);
        ask(&api, "PUT", path, &[("if-match", &tag)], first).await.refused(412, "/request", "If-Match");
        ask(&api, "DELETE", path, &[("if-match", &tag)], "").await.refused(412, "/request", "If-Match");
        let now = changed.header("etag").unwrap();
        let deleted = ask(&api, "DELETE", path, &[("if-match", now)], "").await;
        assert_eq!(deleted.status, 204, "{path}: {}", deleted.body);
    }
    ask(&api, "PUT", "/v1/metrics/none", &[("if-match", "*")], r#"{"type": "gauge"}"#)
        .await
        .refused(412, "/request", "If-Match");
}

/// A tag stands for settings that an operator is not shown, so it must not be one that anybody can work out.
#[tokio::test]
async fn tags_differ_from_server_to_server() {
    let mut tags = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let made = ask(&server().await, "POST", "/v1/services", &[], KINDS[0].1).await;
        tags.insert(made.header("etag").unwrap().to_owned());
    }
    assert_eq!(tags.len(), 2, "{tags:?}");
}

#[tokio::test]
async fn every_change_is_audited_without_secrets() {
    let mut all = credentials();
    all.push(Credentials::with_role(USER, &"0perator".into(), Role::Operator));
    let api = Api { router: router(Store::open(&Data::Memory).unwrap(), all, &Options::default()) };
    api.post("/v1/spaces", r#"{"name": "around the charts"}"#).await.expect(201);
    let mut secrets = vec!["canary".to_owned()];
    for (collection, made, _, change) in KINDS {
        let created = api.post(collection, made).await;
        let path = created.header("location").unwrap().to_owned();
        secrets.extend(created.body["token"].as_str().map(str::to_owned));
        assert!(api.put(&path, change).await.status < 300, "{path}");
        assert_eq!(api.delete(&path).await.status, 204, "{path}");
    }
    let instrument = api.post("/v1/instruments", r#"{"name": "i"}"#).await.expect(201)["id"].clone();
    let token = json!({"entity_type": "instrument", "entity_id": instrument}).to_string();
    let token = api.post("/v1/charts", &token).await.expect(201)["token"].as_str().unwrap().to_owned();
    assert_eq!(api.delete(&format!("/v1/charts/{token}")).await.status, 204);
    secrets.push(token);
    assert!(api.put("/v1/metrics/web.ms", r#"{"type": "gauge"}"#).await.status == 201);
    assert!(api.put("/v1/metrics", r#"{"names": ["web.*"], "period": 60}"#).await.status == 204);
    assert!(api.delete("/v1/metrics/web.ms").await.status == 204);
    api.post("/v1/spaces", r#"{"name": ""}"#).await.refused(400, "/params/name", "");

    let audit = ask_as("0perator", &api, "GET", "/v1/audit", &[], "").await.expect(200);
    let text = audit.to_string();
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret}: {text}");
    }
    let told: Vec<String> = audit["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["action"], row["kind"], row["name"]).replace('"', ""))
        .collect();
    let mut expected = vec!["create space around the charts".to_owned()];
    for (kind, before, after) in [
        ("service", "Ops", "Ops"),
        ("space", "Web", "Web 2"),
        ("chart", "Times", "Times"),
        ("alert", "web.slow", "web.slow"),
        ("instrument", "Old", "Older"),
        ("dashboard", "Old", "Older"),
        ("API token", "Wall", "Wall"),
    ] {
        expected.extend([
            format!("create {kind} {before}"),
            format!("change {kind} {after}"),
            format!("delete {kind} {after}"),
        ]);
    }
    expected.extend(
        ["create instrument i", "create chart token instrument 2", "delete chart token instrument 2"]
            .map(str::to_owned),
    );
    expected.extend(["create", "change", "delete"].map(|action| format!("{action} metric web.ms")));
    assert_eq!(told, expected);

    let first = |query: &str| {
        let path = format!("/v1/audit?{query}");
        let api = &api;
        async move { api.get(&path).await.expect(200) }
    };
    let services = first("kind=service&sort=desc").await;
    assert_eq!(services["query"], json!({"found": 3, "length": 3, "offset": 0, "total": expected.len()}));
    let changed = &services["audit"][1];
    assert_eq!(changed["user"], USER);
    assert_eq!(
        (&changed["before"]["settings"], &changed["after"]["settings"]),
        (&json!("[hidden]"), &json!("[changed]"))
    );
    assert!(changed["time"].is_i64() && changed["object_id"].is_i64(), "{changed}");
    assert_eq!(services["audit"][0]["after"], Value::Null);
    assert_eq!(first("name=WEB.s").await["query"]["found"], 3);
    assert_eq!(first("user=nobody").await["query"]["found"], 0);
    assert_eq!(first("start_time=4000000000").await["query"]["found"], 0);
    assert_eq!(first("length=2&offset=1").await["audit"][0]["name"], "Ops");
}

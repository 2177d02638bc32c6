//! Conditional requests, requests that come again, and the audit, on every kind that has them.

use axum::body::Body;
use axum::http::{Request, header};
use librato_apply::serve::{Credentials, Options, Role, router};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, JSON, TOKEN, USER, basic, credentials, store};

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
        let any = ask(&api, "DELETE", &path, &[("if-match", &format!("\"x, y\", {second}"))], "").await;
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
    let api = Api { router: router(store(), all, &Options::default()) };
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
    let api = Api { router: router(store(), all, &Options::default()) };
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

/// A server that holds one object of every kind, each with the id 1, for the paths of [`all_there`].
async fn full() -> Api {
    let api = server().await;
    for (collection, made, _, _) in KINDS {
        assert_eq!(api.post(collection, made).await.status, 201, "{collection}");
    }
    api.post("/v1/alerts/1/services", r#"{"service": 1}"#).await.expect(201);
    assert_eq!(api.put("/v1/metrics/m", r#"{"type": "gauge"}"#).await.status, 201);
    assert_eq!(api.put("/v1/sources/s", "{}").await.status, 201);
    let event = r#"{"title": "v91", "links": [{"rel": "ci", "href": "https://ci.example.org"}]}"#;
    assert_eq!(api.post("/v1/annotations/deploys", event).await.status, 201);
    assert_eq!(api.post("/v1/silences", SILENCE).await.status, 201);
    api
}

const SILENCE: &str = r#"{"alert": "web.*", "why": "moving", "duration": 3600}"#;

/// The path of a route, with what [`full`] has made in it.
fn all_there(route: &str, chart_token: &str) -> String {
    let name = match route.split('/').nth(2) {
        Some("metrics") => "m",
        _ => "s",
    };
    [("{stream}", "deploys"), ("{rel}", "ci"), ("{token}", chart_token), ("{name}", name)]
        .into_iter()
        .fold(route.to_owned(), |path, (segment, value)| path.replace(segment, value))
        .replace("{id}", "1")
        .replace("{chart}", "1")
        .replace("{service}", "1")
}

/// On each route that changes a definition or an event: whoever names a state relies on it. Submissions are data, and have none. A handler
/// that looks at no state takes `Unconditional`, which refuses such a request.
#[tokio::test]
async fn no_request_is_carried_out_whatever_if_match_says() {
    for super::roles::Row { method, path: route, .. } in super::roles::table() {
        if !matches!(method, "POST" | "PUT" | "DELETE")
            || route == "/metrics"
            || route == "/v1/prometheus/read"
            || route.contains("measurements")
        {
            continue;
        }
        if (method, route) == ("POST", "/v1/metrics") {
            continue;
        }
        let api = full().await;
        let token = r#"{"entity_type": "instrument", "entity_id": 1}"#;
        let token = api.post("/v1/charts", token).await.expect(201)["token"].as_str().unwrap().to_owned();
        let path = all_there(route, &token);
        let body = match (method, path.as_str()) {
            ("POST", "/v1/charts") => r#"{"entity_type": "instrument", "entity_id": 1}"#,
            ("POST", "/v1/api_tokens") => r#"{"name": "other", "role": "viewer"}"#,
            ("POST", "/v1/alerts/1/services") => r#"{"service": 1}"#,
            ("POST", "/v1/silences") => SILENCE,
            (_, "/v1/metrics") => r#"{"names": ["m"], "period": 60}"#,
            _ => r#"{"display_name": "other"}"#,
        };
        let refused = ask(&api, method, &path, &[("if-match", "\"other\"")], body).await;
        let status = refused.status;
        let text = refused.body["errors"]["request"][0].as_str().unwrap_or_default().to_ascii_lowercase();
        assert!(matches!(status, 400 | 412) && text.contains("if-match"), "{method} {path}: {status} {text}");
        if method != "POST" {
            let there = [("if-none-match", "*")];
            let refused = ask(&api, method, &path, &there, body).await;
            assert!(
                matches!(refused.status, 400 | 412),
                "{method} {path}: {} {}",
                refused.status,
                refused.body
            );
        }
    }
}

#[tokio::test]
async fn the_place_of_what_is_there_is_spelt_as_it_is_stored() {
    let api = full().await;
    for (path, stored) in [("/v1/metrics/M", "/v1/metrics/m"), ("/v1/sources/S", "/v1/sources/s")] {
        let refused = ask(&api, "PUT", path, &[("if-none-match", "*")], "{}").await;
        assert_eq!(refused.header("location"), Some(stored));
        refused.refused(412, "/request", "has that name already");
    }
}

/// An event is what is posted most often by jobs that try again, and the least seen to be there twice.
#[tokio::test]
async fn events_snapshots_and_chart_tokens_that_come_again_are_made_once() {
    let token = r#"{"entity_type": "instrument", "entity_id": 1}"#;
    for (path, body, other, status) in [
        ("/v1/annotations/releases", r#"{"title": "v92", "source": "a"}"#, r#"{"title": "v93"}"#, 201),
        (
            "/v1/snapshots",
            r#"{"subject": {"chart": {"id": 1}}}"#,
            r#"{"subject": {"instrument": {"href": "x"}}}"#,
            202,
        ),
        ("/v1/charts", token, r#"{"entity_type": "dashboard", "entity_id": 1}"#, 201),
    ] {
        let api = full().await;
        let key = [("idempotency-key", "k")];
        let first = ask(&api, "POST", path, &key, body).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (status, None), "{}", first.body);
        let again = ask(&api, "POST", path, &key, body).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (status, Some("true")), "{path}");
        assert_eq!(again.header("location"), first.header("location"), "{path}");
        assert_eq!(again.body, first.body, "{path}");
        ask(&api, "POST", path, &key, other).await.refused(422, "/request", "another body");
        let next = ask(&api, "POST", path, &[("idempotency-key", "l")], body).await;
        assert_ne!(next.header("location"), first.header("location"), "{path}");
        if path != "/v1/snapshots" {
            assert_eq!(api.delete(first.header("location").unwrap()).await.status, 204, "{path}");
            ask(&api, "POST", path, &key, body).await.refused(410, "/request", "deleted since");
        }
    }
}

#[tokio::test]
async fn every_list_of_definitions_gives_the_tags_that_single_objects_have() {
    let api = full().await;
    for (list, one) in [
        ("/v1/services", "/v1/services/1"),
        ("/v1/spaces", "/v1/spaces/1"),
        ("/v1/spaces/1/charts", "/v1/spaces/1/charts/1"),
        ("/v1/alerts", "/v1/alerts/1"),
        ("/v1/instruments", "/v1/instruments/1"),
        ("/v1/dashboards", "/v1/dashboards/1"),
        ("/v1/api_tokens", "/v1/api_tokens/1"),
        ("/v1/sources", "/v1/sources/s"),
        ("/v1/metrics", "/v1/metrics/m"),
    ] {
        let tag = api.get(one).await.header("etag").unwrap().to_owned();
        let declared = [("prefer", "return=minimal, Entity-Tags")];
        let listed = ask(&api, "GET", list, &declared, "").await.expect(200);
        let all =
            listed.as_array().or_else(|| listed.as_object()?.values().find_map(Value::as_array)).unwrap();
        assert!(all.iter().any(|object| object["etag"] == *tag), "{list}: {listed}");
        assert!(!api.get(list).await.expect(200).to_string().contains("etag"), "{list}");
    }
}

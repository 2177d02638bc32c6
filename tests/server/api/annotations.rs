//! `/v1/annotations`: streams, events, links.

use serde_json::{Value, json};

use crate::harness::{Api, column};

const S: &str = "/v1/annotations/deploys";

async fn event(api: &Api, body: &Value) -> i64 {
    api.post(S, &body.to_string()).await.expect(201)["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_stream_begins_with_its_first_event() {
    let api = Api::new();
    api.get(S).await.refused(404, "/request", "Not Found");
    api.put(S, r#"{"display_name":"Deploys"}"#).await.expect(404);
    let made = api
        .post(S, r#"{"title":"v91","start_time":"1234567890","links":[{"rel":"git","href":"https://x/1"}]}"#)
        .await;
    assert_eq!(made.header("location"), Some("/v1/annotations/deploys/1"));
    let link = json!({"rel": "git", "href": "https://x/1", "label": null});
    let shown = json!({
        "id": 1, "title": "v91", "description": null, "source": null,
        "start_time": 1_234_567_890, "end_time": null, "links": [link],
    });
    assert_eq!(made.expect(201), shown);
    assert_eq!(api.get(S).await.expect(200), json!({"name": "deploys", "display_name": null}));
    let put = api.put(S, r#"{"name":"deploys","display_name":"Deploys"}"#).await.expect(200);
    assert_eq!(put, json!({"name": "deploys", "display_name": "Deploys"}));
    let one = api.get("/v1/annotations/deploys/1").await.expect(200);
    assert_eq!((&one["name"], &one["title"]), (&json!("deploys"), &json!("v91")));
    api.delete(S).await.expect(204);
    api.get(S).await.expect(404);
    api.delete(S).await.expect(404);
}

#[tokio::test]
async fn form_twin() {
    let api = Api::new();
    let form =
        "title=v91&links[0][rel]=a&links[0][href]=h&links[1][rel]=b&links[1][href]=i&source=web1&end_time=";
    let made = api.form("POST", S, form).await.expect(201);
    assert_eq!(made["links"].as_array().unwrap().len(), 2);
    assert_eq!((&made["source"], &made["end_time"]), (&json!("web1"), &json!(null)));
}

#[tokio::test]
async fn events_are_selected_and_grouped_by_source() {
    let api = Api::new();
    for (title, time, source) in [
        ("a", 100, json!("web1")),
        ("c", 300, json!(null)),
        ("b", 200, json!("web2")),
        ("d", 400, json!("db")),
    ] {
        event(&api, &json!({"title": title, "start_time": time, "source": source})).await;
    }
    let titles = async |query: &str| {
        let read = api.get(&format!("{S}?{query}")).await.expect(200);
        let events = read["events"].as_object().expect("an object keyed by source").clone();
        let mut all: Vec<_> = events
            .iter()
            .flat_map(|(source, list)| {
                list.as_array()
                    .unwrap()
                    .iter()
                    .map(move |e| format!("{source}:{}", e["title"].as_str().unwrap()))
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(titles("start_time=0").await, ["db:d", "unassigned:c", "web1:a", "web2:b"]);
    assert_eq!(titles("start_time=150&end_time=300").await, ["unassigned:c", "web2:b"]);
    assert_eq!(titles("count=2").await, ["db:d", "unassigned:c"]);
    assert_eq!(titles("start_time=150&count=1").await, ["web2:b"]);
    assert_eq!(titles("start_time=0&sources[]=web*").await, ["web1:a", "web2:b"]);
    assert_eq!(titles("start_time=0&sources=%5B%27WEB1%27%2C+%27db%27%5D").await, ["db:d", "web1:a"]);
    assert_eq!(titles("count=9&sources[]=unassigned").await, ["unassigned:c"]);
    assert!(titles("start_time=500").await.is_empty());
    api.get(&format!("{S}?start_time=noon")).await.refused(400, "/params/start_time", "is not a number");
    api.get(&format!("{S}?count=-1")).await.refused(400, "/params/count", "negative");
}

#[tokio::test]
async fn one_event() {
    let api = Api::new();
    let id = event(
        &api,
        &json!({"title": "v91", "description": "d", "source": "web1", "start_time": 1_234_567_890}),
    )
    .await;
    let path = format!("{S}/{id}");
    let early = "must be before end_time";
    api.put(&path, r#"{"end_time":1234567889}"#).await.refused(400, "/params/start_time", early);
    api.post(S, r#"{"title":"v92","start_time":20,"end_time":10}"#).await.refused(
        400,
        "/params/start_time",
        early,
    );
    api.put(&path, r#"{"end_time":1234567999,"source":"other","links":[]}"#).await.expect(204);
    let read = api.get(&path).await.expect(200);
    assert_eq!(
        (&read["end_time"], &read["source"], &read["description"]),
        (&json!(1_234_567_999), &json!("web1"), &json!("d"))
    );
    api.put(&path, r#"{"title":""}"#).await.refused(400, "/params/title", "is not present");
    api.get("/v1/annotations/other/1").await.expect(404);
    api.get(&format!("{S}/none")).await.expect(404);
    api.delete(&path).await.expect(204);
    for answer in [api.get(&path).await, api.delete(&path).await, api.put(&path, "{}").await] {
        answer.expect(404);
    }
    assert_eq!(api.get(S).await.expect(200)["name"], "deploys", "the stream stays");
}

#[tokio::test]
async fn links() {
    let api = Api::new();
    let id = event(&api, &json!({"title": "v91"})).await;
    let path = format!("{S}/{id}/links");
    let made = api.post(&path, r#"{"rel":"git hub","href":"https://x","label":"L"}"#).await;
    assert_eq!(made.header("location"), Some(format!("{path}/git%20hub").as_str()));
    assert_eq!(made.expect(201), json!({"rel": "git hub", "href": "https://x", "label": "L"}));
    api.post(&path, r#"{"rel":"git hub","href":"https://y"}"#).await.refused(
        422,
        "/params/rel",
        "already taken",
    );
    api.post(&path, r#"{"rel":"b"}"#).await.refused(400, "/params/href", "is not present");
    api.delete(&format!("{path}/git%20hub")).await.expect(204);
    api.delete(&format!("{path}/git%20hub")).await.expect(404);
    assert_eq!(api.get(&format!("{S}/{id}")).await.expect(200)["links"], json!([]));
}

#[tokio::test]
async fn list_and_refusals() {
    let api = Api::new();
    for name in ["staging_ops", "Ops", "deploys"] {
        api.post(&format!("/v1/annotations/{name}"), r#"{"title":"t"}"#).await.expect(201);
    }
    let listed = api.get("/v1/annotations?name=ops").await.expect(200);
    assert_eq!(column(&listed, "annotations", "name"), ["Ops", "staging_ops"]);
    assert_eq!(listed["query"], json!({"found": 2, "length": 2, "offset": 0, "total": 3}));
    api.post("/v1/annotations/a%2Fb", r#"{"title":"t"}"#).await.refused(400, "/params/name", "characters");
    api.post(S, "{}").await.refused(400, "/params/title", "is not present");
    api.post(S, r#"{"title":"t","links":[{"href":"h"}]}"#).await.refused(
        400,
        "/params/links/rel",
        "is not present",
    );
}

#[tokio::test]
async fn an_event_may_have_many_links() {
    let api = Api::new();
    let mut links: Vec<_> = (0..1_000).map(|n| json!({"rel": format!("r{n}"), "href": "h"})).collect();
    event(&api, &json!({"title": "t", "links": links})).await;
    links[999] = json!({"rel": "r0", "href": "other"});
    let duplicates = json!({"title": "t", "links": links}).to_string();
    api.post(S, &duplicates).await.refused(400, "/params/links/rel", "must be unique");
}

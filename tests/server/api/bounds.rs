//! Bounds on texts, lists and whole objects: what is too large is refused with the bound, by the server and by `validate`.

use std::io::Write as _;

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Api, column};

const TEXT: usize = 65_536;
const LIST: usize = 1_000;

fn text(length: usize) -> String {
    "x".repeat(length)
}

/// What `validate` says of these sections, as JSON is YAML.
fn validated(sections: &Value) -> Result<(), String> {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    write!(file, "{sections}").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_librato-apply")).arg("validate").arg(file.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// One object as it is sent and as it is written in a file, of which one field has the given value.
struct Case {
    path: &'static str,
    body: Value,
    file: Value,
    field: &'static str,
}

fn cases() -> Vec<Case> {
    let condition = json!({"type": "above", "metric_name": "m", "threshold": 1});
    let case = |path, field, body: Value, file: Value| Case { path, body, file, field };
    vec![
        case(
            "/v1/alerts",
            "description",
            json!({"name": "a", "conditions": [condition]}),
            json!({"alerts": {"a": {"conditions": [condition]}}}),
        ),
        case(
            "/v1/metrics/m",
            "description",
            json!({"type": "gauge"}),
            json!({"metrics": {"m": {"type": "gauge"}}}),
        ),
        case(
            "/v1/metrics/m",
            "display_name",
            json!({"type": "gauge"}),
            json!({"metrics": {"m": {"type": "gauge"}}}),
        ),
    ]
}

/// The innermost map of a section with one entry.
fn entry(file: &mut Value) -> &mut Value {
    let section = file.as_object_mut().unwrap().values_mut().next().unwrap();
    section.as_object_mut().unwrap().values_mut().next().unwrap()
}

#[tokio::test]
async fn texts_have_the_same_bound_here_and_in_files() {
    for Case { path, body, file, field } in cases() {
        let longest = if field == "display_name" { 255 } else { TEXT };
        for (length, fits) in [(longest, true), (longest + 1, false)] {
            let (mut body, mut file) = (body.clone(), file.clone());
            body[field] = json!(text(length));
            entry(&mut file)[field] = json!(text(length));
            let api = Api::new();
            let answer = match path {
                "/v1/alerts" => api.post(path, &body.to_string()).await,
                _ => api.put(path, &body.to_string()).await,
            };
            assert_eq!(validated(&file).is_ok(), fits, "{path} {field} {length}");
            if fits {
                answer.expect(201);
            } else {
                answer.refused(400, &format!("/params/{field}"), &longest.to_string());
                assert!(validated(&file).unwrap_err().contains(&longest.to_string()));
            }
        }
    }
}

#[tokio::test]
async fn lists_and_whole_objects_have_bounds() {
    let api = Api::new();
    let condition = json!({"type": "above", "metric_name": "m", "threshold": 1});
    let alert = |count: usize| json!({"name": "a", "conditions": vec![condition.clone(); count]});
    api.post("/v1/alerts", &alert(LIST + 1).to_string()).await.refused(
        400,
        "/params/conditions",
        "1000 items",
    );
    api.post("/v1/alerts", &alert(LIST).to_string()).await.expect(201);
    let file = |count: usize| json!({"alerts": {"a": {"conditions": vec![condition.clone(); count]}}});
    assert!(validated(&file(LIST + 1)).unwrap_err().contains("1000 items"));
    assert_eq!(validated(&file(LIST)), Ok(()));

    let attributes: Value =
        (0..5).map(|n| (format!("a{n}"), json!(text(TEXT)))).collect::<serde_json::Map<_, _>>().into();
    let whole = json!({"name": "b", "attributes": attributes});
    api.post("/v1/alerts", &whole.to_string()).await.refused(400, "/request", "262144");
    let file = json!({"alerts": {"b": {"conditions": [condition], "attributes": attributes}}});
    assert!(validated(&file).unwrap_err().contains("262144"));

    for (path, body, pointer) in [
        ("/v1/spaces", json!({"name": text(256)}), "/params/name"),
        (
            "/v1/services",
            json!({"type": "mail", "title": text(256), "settings": {"addresses": "a@b.c"}}),
            "/params/title",
        ),
        (
            "/v1/services",
            json!({"type": "slack", "title": "t", "settings": {"url": text(TEXT + 1)}}),
            "/params/settings",
        ),
        ("/v1/annotations/s", json!({"title": text(TEXT + 1)}), "/params/title"),
        (
            "/v1/annotations/s",
            json!({"title": "t", "links": vec![json!({"rel": "r", "href": "h"}); LIST + 1]}),
            "/params/links",
        ),
        (
            "/v1/instruments",
            json!({"name": "i", "streams": vec![json!({"metric": "m"}); LIST + 1]}),
            "/params/streams",
        ),
        ("/v1/dashboards", json!({"name": "d", "instruments": vec![1; LIST + 1]}), "/params/instruments"),
        ("/v1/api_tokens", json!({"name": text(256), "role": "viewer"}), "/params/name"),
        (
            "/v1/metrics",
            json!({"gauges": [{"name": "g", "value": 1, "description": text(TEXT + 1)}]}),
            "/params/description",
        ),
    ] {
        api.post(path, &body.to_string()).await.refused(400, pointer, "must not");
    }
}

/// What cannot be held is refused, in a way that tells how to have it, and a shorter page is answered.
#[tokio::test]
async fn pages_claim_the_memory_they_take() {
    let mut options = librato_apply::serve::Options::default();
    options.max_request_memory = 8_000_000;
    let api = Api::with(&options);
    for n in 0..60 {
        let body = json!({"type": "gauge", "description": text(60_000)});
        api.put(&format!("/v1/metrics/m{n}"), &body.to_string()).await.expect(201);
    }
    api.get("/v1/metrics").await.refused(400, "/request", "a shorter page");
    let page = api.get("/v1/metrics?length=20").await.expect(200);
    assert_eq!(column(&page, "metrics", "name").len(), 20);
}

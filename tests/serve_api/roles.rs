//! What each role may do, on every route there is: the table below names them all, and is held against the router.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use crate::harness::{Api, JSON, basic};

/// Method, path, and whether a recorder and a viewer may. An admin may everything.
const TABLE: &[(&str, &str, bool, bool)] = &[
    ("GET", "/v1/metrics", true, true),
    ("POST", "/v1/metrics", true, false),
    ("PUT", "/v1/metrics", false, false),
    ("DELETE", "/v1/metrics", false, false),
    ("GET", "/v1/metrics/{name}", true, true),
    ("PUT", "/v1/metrics/{name}", false, false),
    ("DELETE", "/v1/metrics/{name}", false, false),
    ("GET", "/v1/measurements", true, true),
    ("POST", "/v1/measurements", true, false),
    ("GET", "/v1/measurements/", true, true),
    ("POST", "/v1/measurements/", true, false),
    ("GET", "/v1/measurements/{name}", true, true),
    ("GET", "/metrics", true, true),
    ("POST", "/metrics", true, false),
    ("GET", "/v1/annotations", true, true),
    ("GET", "/v1/annotations/{stream}", true, true),
    ("POST", "/v1/annotations/{stream}", true, false),
    ("PUT", "/v1/annotations/{stream}", false, false),
    ("DELETE", "/v1/annotations/{stream}", false, false),
    ("GET", "/v1/annotations/{stream}/{id}", true, true),
    ("PUT", "/v1/annotations/{stream}/{id}", false, false),
    ("DELETE", "/v1/annotations/{stream}/{id}", false, false),
    ("POST", "/v1/annotations/{stream}/{id}/links", false, false),
    ("DELETE", "/v1/annotations/{stream}/{id}/links/{rel}", false, false),
    ("GET", "/v1/alerts", true, false),
    ("POST", "/v1/alerts", false, false),
    ("GET", "/v1/alerts/status", true, false),
    ("GET", "/v1/alerts/{id}", true, false),
    ("PUT", "/v1/alerts/{id}", false, false),
    ("DELETE", "/v1/alerts/{id}", false, false),
    ("GET", "/v1/alerts/{id}/status", true, false),
    ("POST", "/v1/alerts/{id}/clear", false, false),
    ("POST", "/v1/alerts/{id}/services", false, false),
    ("DELETE", "/v1/alerts/{id}/services/{service}", false, false),
    ("GET", "/v1/services", false, false),
    ("POST", "/v1/services", false, false),
    ("GET", "/v1/services/{id}", false, false),
    ("PUT", "/v1/services/{id}", false, false),
    ("DELETE", "/v1/services/{id}", false, false),
    ("GET", "/v1/spaces", false, true),
    ("POST", "/v1/spaces", false, false),
    ("GET", "/v1/spaces/{id}", false, true),
    ("PUT", "/v1/spaces/{id}", false, false),
    ("DELETE", "/v1/spaces/{id}", false, false),
    ("GET", "/v1/spaces/{id}/charts", false, true),
    ("POST", "/v1/spaces/{id}/charts", false, false),
    ("GET", "/v1/spaces/{id}/charts/{chart}", false, true),
    ("PUT", "/v1/spaces/{id}/charts/{chart}", false, false),
    ("POST", "/v1/spaces/{id}/charts/{chart}", false, false),
    ("DELETE", "/v1/spaces/{id}/charts/{chart}", false, false),
    ("POST", "/v1/snapshots", false, false),
    ("GET", "/v1/snapshots/{id}", false, true),
    ("GET", "/v1/instruments", false, true),
    ("POST", "/v1/instruments", false, false),
    ("GET", "/v1/instruments/{id}", false, true),
    ("PUT", "/v1/instruments/{id}", false, false),
    ("DELETE", "/v1/instruments/{id}", false, false),
    ("GET", "/v1/dashboards", false, true),
    ("POST", "/v1/dashboards", false, false),
    ("GET", "/v1/dashboards/{id}", false, true),
    ("PUT", "/v1/dashboards/{id}", false, false),
    ("DELETE", "/v1/dashboards/{id}", false, false),
    ("GET", "/v1/charts", false, true),
    ("POST", "/v1/charts", false, false),
    ("GET", "/v1/charts/{token}", false, true),
    ("DELETE", "/v1/charts/{token}", false, false),
    ("GET", "/v1/sources", true, true),
    ("GET", "/v1/sources/{name}", true, true),
    ("PUT", "/v1/sources/{name}", false, false),
    ("DELETE", "/v1/sources/{name}", false, false),
    ("GET", "/v1/jobs/{id}", true, true),
    ("GET", "/v1/api_tokens", false, false),
    ("POST", "/v1/api_tokens", false, false),
    ("GET", "/v1/api_tokens/{id}", false, false),
    ("PUT", "/v1/api_tokens/{id}", false, false),
    ("DELETE", "/v1/api_tokens/{id}", false, false),
    ("GET", "/v1/users", false, false),
    ("GET", "/v1/users/{id}", false, false),
];

/// The paths of the router.
fn routes() -> BTreeSet<&'static str> {
    let source = include_str!("../../src/serve/router.rs");
    let code = source.split(".route(").skip(1);
    code.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn the_table_names_every_route() {
    let named: BTreeSet<&str> = TABLE.iter().map(|row| row.1).collect();
    assert_eq!(named, routes(), "the table (left) against src/serve/router.rs (right)");
}

/// A refused request is answered before anything is looked up, so nothing of what the paths name has to exist. Deleting
/// comes last: the tokens themselves are below one of the paths.
#[tokio::test]
async fn every_role_on_every_route() {
    let api = Api::new();
    let mut tokens = Vec::new();
    for role in ["admin", "recorder", "viewer"] {
        let body = json!({"name": role, "role": role}).to_string();
        let made = api.post("/v1/api_tokens", &body).await.expect(201);
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    for (method, path, recorder, viewer) in TABLE {
        let path = path.replace(['{', '}'], "");
        for (token, may) in tokens.iter().zip([true, *recorder, *viewer]) {
            let request = Request::builder()
                .method(*method)
                .uri(&path)
                .header(header::AUTHORIZATION, basic("anybody", token))
                .header(header::CONTENT_TYPE, JSON);
            let answer = api.call(request.body(Body::empty()).unwrap()).await;
            let message = "This token is not permitted to perform this action on this resource";
            let refused = answer.body["errors"]["request"][0] == message;
            assert_eq!((!refused, answer.status == 401), (may, false), "{method} {path}: {}", answer.body);
        }
    }
}

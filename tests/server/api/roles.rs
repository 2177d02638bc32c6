//! What each role may do, on every route there is: the table below names them all, and is held against the router.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use librato_apply::serve::{Credentials, Data, Options, Role, Store, router};
use serde_json::json;

use crate::harness::{Api, JSON, basic, credentials};

/// Method, path, and whether a recorder, a viewer and an operator may. An admin may everything.
pub const TABLE: &[(&str, &str, bool, bool, bool)] = &[
    ("GET", "/v1/metrics", true, true, true),
    ("POST", "/v1/metrics", true, false, false),
    ("PUT", "/v1/metrics", false, false, false),
    ("DELETE", "/v1/metrics", false, false, false),
    ("GET", "/v1/metrics/{name}", true, true, true),
    ("PUT", "/v1/metrics/{name}", false, false, false),
    ("DELETE", "/v1/metrics/{name}", false, false, false),
    ("GET", "/v1/measurements", true, true, true),
    ("POST", "/v1/measurements", true, false, false),
    ("GET", "/v1/measurements/", true, true, true),
    ("POST", "/v1/measurements/", true, false, false),
    ("GET", "/v1/measurements/{name}", true, true, true),
    ("GET", "/metrics", true, true, true),
    ("POST", "/metrics", true, false, false),
    ("GET", "/v1/annotations", true, true, true),
    ("GET", "/v1/annotations/{stream}", true, true, true),
    ("POST", "/v1/annotations/{stream}", true, false, false),
    ("PUT", "/v1/annotations/{stream}", false, false, false),
    ("DELETE", "/v1/annotations/{stream}", false, false, false),
    ("GET", "/v1/annotations/{stream}/{id}", true, true, true),
    ("PUT", "/v1/annotations/{stream}/{id}", false, false, false),
    ("DELETE", "/v1/annotations/{stream}/{id}", false, false, false),
    ("POST", "/v1/annotations/{stream}/{id}/links", false, false, false),
    ("DELETE", "/v1/annotations/{stream}/{id}/links/{rel}", false, false, false),
    ("GET", "/v1/alerts", true, false, true),
    ("POST", "/v1/alerts", false, false, false),
    ("GET", "/v1/alerts/status", true, false, true),
    ("GET", "/v1/alerts/{id}", true, false, true),
    ("PUT", "/v1/alerts/{id}", false, false, false),
    ("DELETE", "/v1/alerts/{id}", false, false, false),
    ("GET", "/v1/alerts/{id}/status", true, false, true),
    ("POST", "/v1/alerts/{id}/clear", false, false, true),
    ("POST", "/v1/alerts/{id}/services", false, false, false),
    ("DELETE", "/v1/alerts/{id}/services/{service}", false, false, false),
    ("GET", "/v1/services", false, false, true),
    ("POST", "/v1/services", false, false, false),
    ("GET", "/v1/services/{id}", false, false, true),
    ("PUT", "/v1/services/{id}", false, false, false),
    ("DELETE", "/v1/services/{id}", false, false, false),
    ("GET", "/v1/spaces", false, true, true),
    ("POST", "/v1/spaces", false, false, false),
    ("GET", "/v1/spaces/{id}", false, true, true),
    ("PUT", "/v1/spaces/{id}", false, false, false),
    ("DELETE", "/v1/spaces/{id}", false, false, false),
    ("GET", "/v1/spaces/{id}/charts", false, true, true),
    ("POST", "/v1/spaces/{id}/charts", false, false, false),
    ("GET", "/v1/spaces/{id}/charts/{chart}", false, true, true),
    ("PUT", "/v1/spaces/{id}/charts/{chart}", false, false, false),
    ("POST", "/v1/spaces/{id}/charts/{chart}", false, false, false),
    ("DELETE", "/v1/spaces/{id}/charts/{chart}", false, false, false),
    ("POST", "/v1/snapshots", false, false, false),
    ("GET", "/v1/snapshots/{id}", false, true, true),
    ("GET", "/v1/instruments", false, true, true),
    ("POST", "/v1/instruments", false, false, false),
    ("GET", "/v1/instruments/{id}", false, true, true),
    ("PUT", "/v1/instruments/{id}", false, false, false),
    ("DELETE", "/v1/instruments/{id}", false, false, false),
    ("GET", "/v1/dashboards", false, true, true),
    ("POST", "/v1/dashboards", false, false, false),
    ("GET", "/v1/dashboards/{id}", false, true, true),
    ("PUT", "/v1/dashboards/{id}", false, false, false),
    ("DELETE", "/v1/dashboards/{id}", false, false, false),
    ("GET", "/v1/charts", false, true, true),
    ("POST", "/v1/charts", false, false, false),
    ("GET", "/v1/charts/{token}", false, true, true),
    ("DELETE", "/v1/charts/{token}", false, false, false),
    ("GET", "/v1/sources", true, true, true),
    ("GET", "/v1/sources/{name}", true, true, true),
    ("PUT", "/v1/sources/{name}", false, false, false),
    ("DELETE", "/v1/sources/{name}", false, false, false),
    ("GET", "/v1/jobs/{id}", true, true, true),
    ("GET", "/v1/backup", false, false, false),
    ("GET", "/v1/api_tokens", false, false, false),
    ("POST", "/v1/api_tokens", false, false, false),
    ("GET", "/v1/api_tokens/{id}", false, false, false),
    ("PUT", "/v1/api_tokens/{id}", false, false, false),
    ("DELETE", "/v1/api_tokens/{id}", false, false, false),
    ("GET", "/v1/users", false, false, false),
    ("GET", "/v1/users/{id}", false, false, false),
];

/// The paths of the router.
fn routes() -> BTreeSet<&'static str> {
    let source = include_str!("../../../src/serve/router.rs");
    let code = source.split(".route(").skip(1);
    code.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn the_table_names_every_route() {
    let named: BTreeSet<&str> = TABLE.iter().map(|row| row.1).collect();
    assert_eq!(named, routes(), "the table (left) against src/serve/router.rs (right)");
}

/// The table of roles in docs/serve.md: the first row that names a request says who may make it, and the last one, which
/// names none, is for all others.
#[test]
fn the_page_says_what_each_role_may() {
    let page = include_str!("../../../docs/serve.md");
    let rows = page.lines().skip_while(|line| !line.starts_with("| May |")).skip(2);
    let rows: Vec<Vec<&str>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let names = |row: &[&str], request: &str| {
        row[5].split('`').skip(1).step_by(2).any(|named| match named.strip_suffix('*') {
            Some(beginning) => request.starts_with(beginning),
            None => request == named,
        })
    };
    for (method, path, recorder, viewer, operator) in TABLE {
        let request = format!("{method} {path}");
        let row = rows.iter().find(|row| names(row, &request)).or(rows.last()).unwrap();
        let stated: Vec<bool> = row[1..5].iter().map(|cell| cell.starts_with("yes")).collect();
        assert_eq!(stated, [*recorder, *viewer, *operator, true], "{request}: {}", row[0]);
    }
    for named in rows.iter().flat_map(|row| row[5].split('`').skip(1).step_by(2)) {
        let there = TABLE
            .iter()
            .any(|(method, path, ..)| format!("{method} {path}").starts_with(named.trim_end_matches('*')));
        assert!(there, "there is no request {named}");
    }
}

/// A refused request is answered before anything is looked up, so nothing of what the paths name has to exist. Deleting
/// comes last: the tokens themselves are below one of the paths.
#[tokio::test]
async fn every_role_on_every_route() {
    let mut credentials = credentials();
    credentials.push(Credentials::with_role("on-call", &"0perator".into(), Role::Operator));
    let store = Store::open(&Data::Memory).unwrap();
    let api = Api { router: router(store, credentials, &Options::default()) };
    let mut tokens = Vec::new();
    for role in ["admin", "recorder", "viewer"] {
        let body = json!({"name": role, "role": role}).to_string();
        let made = api.post("/v1/api_tokens", &body).await.expect(201);
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    tokens.push("0perator".to_owned());
    for (method, path, recorder, viewer, operator) in TABLE {
        let path = path.replace(['{', '}'], "");
        for (token, may) in tokens.iter().zip([true, *recorder, *viewer, *operator]) {
            let request = Request::builder()
                .method(*method)
                .uri(&path)
                .header(header::AUTHORIZATION, basic("token", token))
                .header(header::CONTENT_TYPE, JSON);
            let answer = api.call(request.body(Body::empty()).unwrap()).await;
            let message = "This token is not permitted to perform this action on this resource";
            let refused = answer.body["errors"]["request"][0] == message;
            assert_eq!((!refused, answer.status == 401), (may, false), "{method} {path}: {}", answer.body);
        }
    }
}

/// An operator is made in the file of users alone: the API has three roles, which its clients know.
#[tokio::test]
async fn api_tokens_have_the_three_roles_of_the_api() {
    let api = Api::new();
    let made = api.post("/v1/api_tokens", r#"{"name":"on call","role":"operator"}"#).await;
    made.refused(400, "/params/role", "is not one of: admin, recorder, viewer");
}

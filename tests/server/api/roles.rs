//! What each role may do, on every route there is: `routes.txt` names them all, and is held against the router.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Request, header};
use librato_apply::serve::{Credentials, Options, Role, listed_routes, router};
use serde_json::json;

use crate::harness::{Api, JSON, basic, credentials, store};

/// A method of a route, and the roles that may ask.
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub roles: Vec<&'static str>,
}

/// The routes that ask who somebody is; the two that do not stand in the file with `-`.
pub fn table() -> Vec<Row> {
    let lines = include_str!("routes.txt").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let mut words = line.split_whitespace();
        Row { method: words.next().unwrap(), path: words.next().unwrap(), roles: words.collect() }
    };
    lines.map(row).filter(|row| row.roles != ["-"]).collect()
}

/// Whoever adds a route says here, too, who may ask it.
#[test]
fn the_table_names_every_route_with_its_roles() {
    let mut listed = String::new();
    for (method, path, roles) in listed_routes() {
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let names = if names.is_empty() { "-".to_owned() } else { names.join(" ") };
        writeln!(listed, "{method:7}{path:44}{names}").unwrap();
    }
    let (_heading, table) = include_str!("routes.txt").split_once('\n').unwrap();
    assert_eq!(table, listed, "tests/server/api/routes.txt (left) against the router (right)");
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
    for Row { method, path, roles } in table() {
        let request = format!("{} {path}", method.replace("HEAD", "GET"));
        let row = rows.iter().find(|row| names(row, &request)).or(rows.last()).unwrap();
        let columns = ["recorder", "viewer", "operator", "admin"].into_iter().zip(&row[1..5]);
        let stated: Vec<&str> =
            columns.filter(|(_, cell)| cell.starts_with("yes")).map(|(role, _)| role).collect();
        assert_eq!(stated, roles, "{request}: {}", row[0]);
    }
    for named in rows.iter().flat_map(|row| row[5].split('`').skip(1).step_by(2)) {
        let there = table()
            .iter()
            .any(|row| format!("{} {}", row.method, row.path).starts_with(named.trim_end_matches('*')));
        assert!(there, "there is no request {named}");
    }
}

/// A refused request is answered before anything is looked up, so nothing of what the paths name has to exist. Deleting
/// comes last: the tokens themselves are below one of the paths.
#[tokio::test]
async fn every_role_on_every_route() {
    let mut credentials = credentials();
    credentials.push(Credentials::with_role("on-call", &"0perator".into(), Role::Operator));
    let store = store();
    let api = Api { router: router(store, credentials, &Options::default()) };
    let mut tokens = Vec::new();
    for role in ["admin", "recorder", "viewer"] {
        let body = json!({"name": role, "role": role}).to_string();
        let made = api.post("/v1/api_tokens", &body).await.expect(201);
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    tokens.push("0perator".to_owned());
    for Row { method, path, roles } in table() {
        let path = path.replace(['{', '}'], "");
        for (token, role) in tokens.iter().zip(["admin", "recorder", "viewer", "operator"]) {
            let may = roles.contains(&role);
            let request = Request::builder()
                .method(if method == "ANY" { "PATCH" } else { method })
                .uri(&path)
                .header(header::AUTHORIZATION, basic("token", token))
                .header(header::CONTENT_TYPE, JSON);
            let answer = api.call(request.body(Body::empty()).unwrap()).await;
            let message = "This token is not permitted to perform this action on this resource";
            // an answer to HEAD has a status only
            let refused =
                answer.body["errors"]["request"][0] == message || method == "HEAD" && answer.status == 403;
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

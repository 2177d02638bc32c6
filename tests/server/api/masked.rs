//! Settings of services are secrets of admins: every route, asked by every role, with a canary in every setting of
//! every type of service that the documentation does not call harmless.

use librato_apply::serve::{Credentials, Options, router};
use serde_json::{Value, json};

use super::roles::{Row, table};
use crate::harness::{Answer, Api, JSON, basic, store};

const CANARY: &str = "canary-7c1f";
const ROLES: [&str; 4] = ["admin", "operator", "recorder", "viewer"];

/// The table of docs/services.md: the type, its required settings and those that are shown.
fn types() -> Vec<(String, Vec<String>, Vec<String>)> {
    let page = include_str!("../../../docs/services.md");
    let rows = page.lines().skip_while(|line| !line.starts_with("| Service type |")).skip(2);
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.take_while(|line| line.starts_with('|'))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').collect();
            (cells[1].trim().to_owned(), names(cells[2]), names(cells[3]))
        })
        .collect()
}

/// A value that the rules of the setting accept, with the canary in it unless it is `harmless`.
fn value(name: &str, harmless: bool) -> String {
    match name {
        "url" => format!("https://example.org/{CANARY}"),
        "addresses" => "ops@example.org".to_owned(),
        "topic_arn" => "arn:aws:sns:eu-west-1:123:topic".to_owned(),
        "notify" => "1".to_owned(),
        "format" => "json".to_owned(),
        "api" => "v2".to_owned(),
        _ if harmless => "plain".to_owned(),
        _ => CANARY.to_owned(),
    }
}

async fn ask(api: &Api, role: &str, method: &str, path: &str, body: &Value) -> Answer {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", basic(role, &format!("t0ken-{role}")))
        .header("content-type", JSON);
    api.call(request.body(body.to_string().into()).unwrap()).await
}

/// A server with one service of every type, and an alert that notifies them all.
async fn filled() -> (Api, Vec<(String, Vec<String>)>) {
    let users: String = ROLES.iter().map(|role| format!("{role} t0ken-{role} {role}\n")).collect();
    let credentials = Credentials::read(&users).unwrap();
    let store = store();
    let api = Api { router: router(store, credentials, &Options::default()) };
    let mut made = Vec::new();
    for (name, required, shown) in types() {
        let mut settings = serde_json::Map::new();
        for setting in required.iter().chain(&shown) {
            settings.insert(setting.clone(), value(setting, shown.contains(setting)).into());
        }
        settings.insert("of_ones_own".to_owned(), CANARY.into());
        let body = json!({"type": name, "title": name, "settings": settings});
        ask(&api, "admin", "POST", "/v1/services", &body).await.expect(201);
        made.push((name, shown));
    }
    let ids: Vec<usize> = (1..=made.len()).collect();
    ask(&api, "admin", "POST", "/v1/alerts", &json!({"name": "a", "services": ids})).await.expect(201);
    (api, made)
}

#[tokio::test]
async fn nobody_but_an_admin_is_shown_a_secret_on_any_route() {
    let (api, types) = filled().await;
    assert!(types.len() >= 13, "the table of docs/services.md was found");
    let echo = ask(&api, "operator", "GET", "/v1/alerts/1", &json!({})).await.expect(200);
    let mut secrets_for_admins = 0;
    for Row { method, path, .. } in table() {
        for role in ROLES.iter().filter(|role| **role != "admin" || method == "GET") {
            let ids = if path.contains("services/{") { types.len() } else { 1 };
            for id in 1..=ids {
                let path = path.replace("{id}", &id.to_string()).replace("{service}", &id.to_string());
                let path = path.replace(['{', '}'], "");
                for body in [json!({}), json!({"service": id}), echo.clone()] {
                    let answer = ask(&api, role, method, &path, &body).await;
                    let text = format!("{:?} {}", answer.headers, answer.body);
                    match *role {
                        "admin" => secrets_for_admins += usize::from(text.contains(CANARY)),
                        _ => assert!(!text.contains(CANARY), "{role} {method} {path}: {text}"),
                    }
                }
            }
        }
    }
    assert!(secrets_for_admins > types.len(), "admins are shown them");
}

#[tokio::test]
async fn what_each_role_is_shown() {
    let (api, types) = filled().await;
    for (id, (name, shown)) in (1..).zip(&types) {
        let path = format!("/v1/services/{id}");
        let all = ask(&api, "admin", "GET", &path, &json!({})).await.expect(200);
        let mut masked = all.clone();
        for (setting, value) in masked["settings"].as_object_mut().unwrap() {
            if !shown.contains(setting) {
                *value = "[hidden]".into();
            }
        }
        assert_eq!(masked["settings"]["of_ones_own"], "[hidden]");
        assert_eq!(ask(&api, "operator", "GET", &path, &json!({})).await.expect(200), masked, "{name}");
        let alert = ask(&api, "operator", "GET", "/v1/alerts/a", &json!({})).await.expect(200);
        assert_eq!(alert["services"][id - 1], masked, "{name}");
        // the key stays, since python-librato asks for it
        let alert = ask(&api, "recorder", "GET", "/v1/alerts", &json!({})).await.expect(200);
        let none = json!({"id": id, "type": name, "title": name, "settings": {}});
        assert_eq!(alert["alerts"][0]["services"][id - 1], none, "{name}");
    }
    ask(&api, "operator", "POST", "/v1/alerts/1/clear", &json!({})).await.expect(204);
}

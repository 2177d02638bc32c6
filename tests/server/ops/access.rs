//! Who may do what: users from a file, their roles, the log that never tells a token, and the page for Prometheus.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::server::{Server, TOKEN, USER, client, fresh};

#[tokio::test]
async fn users_from_a_file_have_their_roles() {
    let (dir, data) = fresh();
    let users = dir.path().join("users");
    std::fs::write(
        &users,
        "# who\nagent@example.org agent-canary recorder\nwall@example.org wall-canary viewer\n",
    )
    .unwrap();
    std::fs::set_permissions(&users, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = Server::start(&data, &["--credentials", users.to_str().unwrap(), "-v", "-v"]);
    let agent = ("agent@example.org", "agent-canary");
    let wall = ("wall@example.org", "wall-canary");
    for (method, path, user, status) in [
        ("POST", "/v1/metrics", agent, 200),
        ("POST", "/v1/metrics", wall, 403),
        ("POST", "/v1/metrics", (USER, TOKEN), 200),
        ("GET", "/v1/metrics", agent, 200),
        ("GET", "/v1/metrics", wall, 200),
        ("GET", "/v1/services", wall, 403),
        ("GET", "/v1/services", agent, 403),
        ("GET", "/v1/services", (USER, TOKEN), 200),
        ("DELETE", "/v1/metrics/m", agent, 403),
        ("GET", "/v1/metrics", ("agent@example.org", "wall-canary"), 401),
        ("GET", "/v1/metrics", ("token", "wall-canary"), 200),
    ] {
        let request =
            client().request(method.parse().unwrap(), server.url(path)).basic_auth(user.0, Some(user.1));
        let request =
            request.header("content-type", "application/json").body(r#"{"gauges":{"m":{"value":1}}}"#);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path} {}", user.0);
        if status == 403 {
            let body: Value = answer.json().await.unwrap();
            let message = "This token is not permitted to perform this action on this resource";
            assert_eq!(body["errors"]["request"][0], message);
        }
    }
    let log = server.log();
    assert!(log.contains("others can read the tokens") && log.contains("chmod 600"), "{log}");
    for secret in [TOKEN, "agent-canary", "wall-canary"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// Runs `serve` where it must not start.
fn refused(arguments: &[&str], token: Option<&str>) -> (Option<i32>, String) {
    let (_dir, data) = fresh();
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]).args(arguments);
    for name in ["LIBRATO_TOKEN", "LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"] {
        command.env_remove(name);
    }
    if let Some(token) = token {
        command.env("LIBRATO_TOKEN", token);
    }
    let done = command.output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn without_credentials_it_does_not_listen_anywhere() {
    for arguments in [&[][..], &["--listen", "0.0.0.0:0"], &["--user", "a"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
        command.arg("serve").args(arguments);
        for name in ["LIBRATO_TOKEN", "LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"] {
            command.env_remove(name);
        }
        let dir = tempfile::tempdir().unwrap();
        let done = command.current_dir(dir.path()).output().unwrap();
        assert_eq!(done.status.code(), Some(64), "{arguments:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
    }
}

#[test]
fn files_of_users_that_make_no_sense_are_refused_without_quoting_them() {
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    std::fs::write(&users, "a s3cret-canary owner\n").unwrap();
    let (code, said) = refused(&["--credentials", users.to_str().unwrap()], None);
    assert_eq!(code, Some(64), "{said}");
    assert!(
        said.contains("line 1")
            && said.contains("admin, operator, recorder, viewer")
            && !said.contains("canary"),
        "{said}"
    );
    let (code, said) = refused(&["--credentials", "/no/such/file"], None);
    assert_eq!(code, Some(64), "{said}");
}

#[tokio::test]
async fn the_log_is_json_when_asked_for() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--log-format", "json"]);
    let request = client().get(server.url("/v1/metrics?name=private")).basic_auth(USER, Some("wrong-canary"));
    assert_eq!(request.header("x-request-id", "id-7").send().await.unwrap().status(), 401);
    let mut tries = 0..1000;
    let line = loop {
        let log = server.log();
        if let Some(line) = log.lines().find(|line| line.contains("id-7")) {
            break line.to_owned();
        }
        tries.next().expect("the request is logged");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["method"], &line["path"], &line["status"]),
        (&"GET".into(), &"/v1/metrics".into(), &401.into())
    );
    assert!(!server.log().contains("canary") && !server.log().contains("private"));
}

#[tokio::test]
async fn prometheus_finds_its_page() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &[]);
    assert_eq!(client().get(server.url("/metrics")).send().await.unwrap().status(), 401);
    let get = |path| client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send();
    for odd in ["/v1/metrics/a", "/v1/metrics/b", "/v1/x", "/v1/y"] {
        get(odd).await.unwrap();
    }
    let sample = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
    sample.json(&serde_json::json!({"gauges": {"a": {"value": 1}, "b": {"value": 2}}})).send().await.unwrap();
    let answer = get("/metrics").await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let page = answer.text().await.unwrap();
    for line in [
        r#"librato_apply_requests_total{method="GET",route="/v1/metrics/{name}",status="404"} 2"#,
        r#"librato_apply_requests_total{method="GET",route="none",status="404"} 2"#,
        "librato_apply_measurements_total 2",
        "librato_apply_requests_in_flight 1",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
    }
    assert!(page.ends_with("# EOF\n"));
}

#[tokio::test]
async fn api_tokens_have_their_roles_until_they_are_switched_off() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["-v"]);
    let admin = |method: &str, path: &str, body: Value| {
        let request =
            client().request(method.parse().unwrap(), server.url(path)).basic_auth(USER, Some(TOKEN));
        request.json(&body).send()
    };
    let made =
        admin("POST", "/v1/api_tokens", serde_json::json!({"name": "wall", "role": "viewer"})).await.unwrap();
    let made: Value = made.json().await.unwrap();
    let token = made["token"].as_str().unwrap().to_owned();
    let ask = async |method: &str, path: &str| {
        let request =
            client().request(method.parse().unwrap(), server.url(path)).basic_auth(USER, Some(&token));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask("GET", "/v1/metrics").await, 200);
    assert_eq!(ask("POST", "/v1/metrics").await, 403);
    assert_eq!(ask("GET", "/v1/api_tokens").await, 403);
    let href = made["href"].as_str().unwrap();
    let path = &href[href.find("/v1/").unwrap()..];
    let changed = admin("PUT", path, serde_json::json!({"active": false})).await.unwrap();
    assert!(changed.status().is_success());
    assert_eq!(ask("GET", "/v1/metrics").await, 401);
    assert!(!server.log().contains(&token));
}

/// Who switched the alert off?
#[tokio::test]
async fn the_log_says_who_changed_what() {
    let (dir, data) = fresh();
    let users = dir.path().join("users");
    std::fs::write(&users, "agent agent-canary recorder\non-call on-call-canary operator\n").unwrap();
    let files = ["--log-format", "json", "--credentials", users.to_str().unwrap()];
    let server = Server::start(&data, &files);
    let ask = async |method: &str, path: &str, user: (&str, &str), body: Value| {
        let request =
            client().request(method.parse().unwrap(), server.url(path)).basic_auth(user.0, Some(user.1));
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or(Value::Null))
    };
    let admin = (USER, TOKEN);
    let settings = serde_json::json!({"url": "https://example.org/settings-canary"});
    let service = serde_json::json!({"type": "webhook", "title": "s", "settings": settings});
    assert_eq!(ask("POST", "/v1/services", admin, service).await.0, 201);
    assert_eq!(ask("POST", "/v1/alerts", admin, serde_json::json!({"name": "a"})).await.0, 201);
    let made = serde_json::json!({"name": "deploy\njob", "role": "admin"});
    let token = ask("POST", "/v1/api_tokens", admin, made).await.1["token"].as_str().unwrap().to_owned();
    let off = serde_json::json!({"active": false});
    assert_eq!(ask("PUT", "/v1/alerts/1", ("whoever", &token), off.clone()).await.0, 204);
    assert_eq!(ask("PUT", "/v1/alerts/1", ("on-call", "on-call-canary"), off.clone()).await.0, 403);
    assert_eq!(ask("PUT", "/v1/alerts/1", ("Canary", "wrong"), off).await.0, 401);
    assert_eq!(ask("POST", "/v1/alerts/1/clear", ("ON-CALL", "on-call-canary"), Value::Null).await.0, 204);
    let data = serde_json::json!({"gauges": {"m": {"value": 1}}});
    assert_eq!(ask("POST", "/v1/metrics", ("agent", "agent-canary"), data).await.0, 200);
    let mut tries = 0..1000;
    while server.log().matches("serve::access").count() < 8 {
        tries.next().expect("every request is logged");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let log = server.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let (mut requests, mut changes) = (Vec::new(), Vec::new());
    for line in lines.filter(|line| line["peer"].is_string()) {
        assert_eq!(line["peer"], "127.0.0.1");
        let text = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
        match line["target"].as_str().unwrap() {
            "librato_apply::serve::audit" => {
                changes.push([text("user"), text("method"), text("path"), text("made")].join(" "));
            }
            _ => requests.push(format!("{} {}", text("user"), line["status"])),
        }
    }
    assert_eq!(
        changes,
        [
            "ops@example.org POST /v1/services /v1/services/1",
            "ops@example.org POST /v1/alerts /v1/alerts/1",
            "ops@example.org POST /v1/api_tokens /v1/api_tokens/1",
            "API token 1 (deploy\njob) PUT /v1/alerts/1 -",
            "on-call POST /v1/alerts/1/clear -",
        ]
    );
    assert_eq!(
        requests[3..],
        ["API token 1 (deploy\njob) 204", "on-call 403", "- 401", "on-call 204", "agent 200"]
    );
    assert!(!log.to_lowercase().contains("canary"), "{log}");
}

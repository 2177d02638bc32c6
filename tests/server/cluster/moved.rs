//! From a file into a database and back, by the commands: what is served is the same.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{serve, store};
use crate::server::{Server, TOKEN, USER, client, fresh};

/// Runs the program: its exit code and all it said.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .args(arguments)
        .env("LIBRATO_TOKEN", TOKEN)
        .output()
        .unwrap();
    (
        done.status.code(),
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr),
    )
}

/// Whatever these paths answer.
async fn shown(server: &Server) -> Vec<Value> {
    let mut found = Vec::new();
    for path in [
        "/v1/alerts",
        "/v1/services",
        "/v1/metrics",
        "/v1/spaces",
        "/v1/audit",
        "/v1/metrics/site.requests?start_time=1&resolution=3600",
    ] {
        let answer = client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
        found.push(answer.json().await.unwrap());
    }
    found
}

#[tokio::test]
async fn what_was_served_from_a_file_is_served_from_a_database_and_from_a_file_again() {
    let Some(postgres) = store::durable(&[]) else { return };
    let address = postgres.create("monitoring");
    let (dir, file) = fresh();
    let back = dir.path().join("back.db");
    let server = Server::start(&file, &["--no-alerts"]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    let example = example.to_str().unwrap();
    let to = ["--endpoint", &server.url(""), "--user", USER];
    let (code, said) = run(&[&["apply", example, "--auto-approve"][..], &to].concat());
    assert_eq!(code, Some(0), "{said}");
    for n in 0..5 {
        let now = crate::harness::epoch();
        let body = format!(
            r#"{{"gauges": [{{"name": "load", "value": {n}.5, "source": "a"}}], "counters": [{{"name": "site.requests", "value": {n}, "measure_time": {}}}]}}"#,
            now - n * 7200
        );
        let request = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let before = shown(&server).await;
    server.stop();

    let (file, back) = (file.to_str().unwrap(), back.to_str().unwrap());
    let (code, said) = run(&["serve", "migrate", "--from", file, "--to", &address]);
    assert!(code == Some(0) && said.contains("Compared: the rows of each table"), "{said}");
    let (code, said) = run(&["serve", "check", &address]);
    assert!(code == Some(0) && said.contains("monitoring: sound"), "{said}");
    let server = serve(&address, &[]);
    assert_eq!(shown(&server).await, before);
    let (code, said) = run(&["serve", "migrate", "--from", &address, "--to", back]);
    assert!(code == Some(1) && said.contains("is in use by librato-apply"), "{said}");
    server.stop();

    let (code, said) = run(&["serve", "migrate", "--from", &address, "--to", back]);
    assert_eq!(code, Some(0), "{said}");
    let server = Server::start(Path::new(back), &["--no-alerts"]);
    assert_eq!(shown(&server).await, before);
    server.stop();
    let (code, said) = run(&["serve", "migrate", "--from", file, "--to", &address]);
    assert!(code == Some(1) && said.contains("choose one that is empty"), "{said}");
}

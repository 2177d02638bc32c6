//! From a file into a database and back, by the commands: what is served is the same.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::killed::rounds;
use super::{serve, store};
use crate::ops::kill::random;
use crate::server::{Server, TOKEN, USER, client, fresh};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(arguments).env("LIBRATO_TOKEN", TOKEN);
    command
}

/// Runs the program: its exit code and all it said.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let done = command(arguments).output().unwrap();
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
    let (_other, other) = fresh();
    Server::start(&other, &["--no-alerts"]).stop();
    let (code, said) = run(&["serve", "migrate", "--from", other.to_str().unwrap(), "--to", &address]);
    assert!(code == Some(1) && said.contains("choose one that is empty"), "{said}");
}

/// Moves data, killed at some moment of the time this usually takes, and then to the end. Whether it was killed before its end.
async fn moved_by_two(from: &str, to: &str, usual: Duration) -> bool {
    let arguments = ["serve", "migrate", "--from", from, "--to", to];
    let mut first = command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_micros(random(usual.as_micros() as u64))).await;
    first.kill().unwrap();
    if first.wait().unwrap().success() {
        return false;
    }
    let (code, said) = run(&arguments);
    assert!(code == Some(0) && said.contains("Compared: the rows of each table"), "{said}");
    true
}

/// Killed at any moment, a move goes on when it is begun again, and all is there in the end.
#[tokio::test]
async fn a_move_that_is_killed_goes_on() {
    let Some(postgres) = store::durable(&[]) else { return };
    let (dir, file) = fresh();
    let server = Server::start(&file, &["--no-alerts"]);
    let now = crate::harness::epoch();
    for hour in 0..20 {
        let gauge = |n: i64| {
            json!({"name": format!("site.{}", ["requests", "errors"][n as usize % 2]), "source": (n / 2).to_string(),
            "value": n * hour, "measure_time": now - hour * 3600})
        };
        let body = json!({"gauges": (0..1_000).map(gauge).collect::<Vec<_>>()});
        let request = client().post(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
        assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    }
    let before = shown(&server).await;
    server.stop();
    let (begun, file) = (Instant::now(), file.to_str().unwrap());
    let (code, said) = run(&["serve", "migrate", "--from", file, "--to", &postgres.create("whole")]);
    assert_eq!(code, Some(0), "{said}");
    let (usual, mut killed) = (begun.elapsed(), 0);
    for place in 0..rounds(4) {
        let back = dir.path().join(format!("{place}.db"));
        let (address, back) = (postgres.create(&format!("place{place}")), back.to_str().unwrap());
        for (from, to) in [(file, &*address), (&*address, back)] {
            killed += usize::from(moved_by_two(from, to, usual).await);
        }
        let server = Server::start(Path::new(back), &["--no-alerts"]);
        assert_eq!(shown(&server).await, before);
        server.stop();
    }
    assert!(killed > 0, "none was killed before its end");
    eprintln!("{killed} moves to a database and back killed in the midst and gone on with: all is there");
}

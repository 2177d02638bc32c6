//! `apply` while the primary fails over: run again it needs no change, makes nothing twice, and touches nothing of others.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::patroni::Patroni;
use crate::ops::kill::random;
use crate::server::{Server, TOKEN, USER, client};

const ALERTS: usize = 200;

/// Alerts of this run, in a directory of their own.
fn definitions(run: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut text = "metrics:\n  load: { type: gauge }\nalerts:\n".to_owned();
    for n in 0..ALERTS {
        let condition = format!("{{ type: above, metric_name: load, threshold: {n} }}");
        writeln!(text, "  run{run}.{n}: {{ conditions: [{condition}] }}").unwrap();
    }
    std::fs::write(dir.path().join("alerts.yaml"), text).unwrap();
    dir
}

fn command(arguments: &[&str], definitions: &Path, node: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command
        .args(arguments)
        .arg(definitions)
        .args(["--endpoint", &node.url(""), "--user", USER, "--color", "never"])
        .env("LIBRATO_TOKEN", TOKEN);
    command
}

fn run(arguments: &[&str], definitions: &Path, node: &Server) -> (Option<i32>, String) {
    let done = command(arguments, definitions, node).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.code(), said)
}

async fn get(node: &Server, path: &str) -> Value {
    let answer = client().get(node.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    answer.json().await.unwrap()
}

/// How many alerts there are whose names have this in them.
async fn count(node: &Server, name: &str) -> u64 {
    get(node, &format!("/v1/alerts?name={name}&length=1")).await["query"]["found"].as_u64().unwrap()
}

/// Kills the primary in the midst of `apply`, at as many places.
pub async fn through_failovers(patroni: &mut Patroni, nodes: &[Server], places: usize) {
    let foreign =
        json!({"name": "foreign", "conditions": [{"type": "above", "metric_name": "other", "threshold": 1}]});
    let made = client().post(nodes[0].url("/v1/alerts")).basic_auth(USER, Some(TOKEN)).json(&foreign);
    let foreign: Value = made.send().await.unwrap().json().await.unwrap();
    let foreign_path = format!("/v1/alerts/{}", foreign["id"]);
    let foreign = get(&nodes[0], &foreign_path).await;

    let begun = Instant::now();
    let first = definitions(0);
    assert_eq!(run(&["apply", "--auto-approve"], first.path(), &nodes[0]).0, Some(0));
    let (usual, mut broken, mut longest) = (begun.elapsed(), 0, Duration::ZERO);
    for place in 1..=places {
        let (definitions, node) = (definitions(place), &nodes[place % nodes.len()]);
        let primary = patroni.whole().await;
        let begun = Instant::now();
        let mut apply = command(&["apply", "--auto-approve"], definitions.path(), node);
        let mut apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_micros(random(usual.as_micros() as u64))).await;
        patroni.kill_postgres(primary);
        let ended = tokio::task::spawn_blocking(move || apply.wait().unwrap()).await.unwrap();
        longest = longest.max(begun.elapsed());
        broken += usize::from(!ended.success());
        patroni.whole().await;
        let (code, said) = run(&["apply", "--auto-approve"], definitions.path(), node);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = run(&["plan", "--detailed-exitcode"], definitions.path(), node);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(count(node, &format!("run{place}.")).await, ALERTS as u64, "alerts made twice");
        assert_eq!(get(node, &foreign_path).await, foreign, "somebody else's alert was touched");
    }
    let all = count(&nodes[0], "run").await;
    assert_eq!(all, (ALERTS * (places + 1)) as u64);
    let _ = writeln!(
        std::io::stderr(),
        "primary killed at {places} places of an apply of {ALERTS} alerts: {broken} ended with an error, after another none needs a change, {all} alerts, each once; longest {} ms, {} ms without",
        longest.as_millis(),
        usual.as_millis()
    );
}

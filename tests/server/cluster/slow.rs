//! A database that takes its time, far away: batches grow, and nobody is refused.

use std::time::{Duration, Instant};

use serde_json::json;

use super::link::{End, Link};
use super::{serve, store};
use crate::ops::kill::measurements;
use crate::server::{TOKEN, USER, client};

/// What a commit takes, in milliseconds, and the way to the database and back.
const COMMIT: u64 = 100;
const WAY: u64 = 50;

/// Clients that send one measurement after the other, each of a series of its own.
const CLIENTS: usize = 80;
const TIME: Duration = Duration::from_secs(8);

/// Sends for some time. How long each had to wait.
async fn send(client: reqwest::Client, host: String, number: usize) -> Vec<Duration> {
    let url = format!("http://{host}/v1/measurements");
    let item = json!({"name": "m", "value": 1, "tags": {"n": number.to_string()}});
    let body = json!({ "measurements": [item] });
    let (begun, mut waits) = (Instant::now(), Vec::new());
    while begun.elapsed() < TIME {
        let sent = Instant::now();
        let answer = client.post(&url).basic_auth(USER, Some(TOKEN)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
        waits.push(sent.elapsed());
    }
    waits
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_grow_where_commits_and_ways_are_long() {
    let commit = (COMMIT * 1000).to_string();
    let options = ["-c", &format!("commit_delay={commit}"), "-c", "commit_siblings=0"];
    let Some(postgres) = store::durable(&options) else { return };
    postgres.create("monitoring");
    let link = Link::to(End::Socket(postgres.socket()), Duration::from_millis(WAY / 2)).await;
    let address = format!("postgres://postgres@127.0.0.1:{}/monitoring", link.port);
    let nodes = [serve(&address, &[]), serve(&address, &[])];
    // All series together, so that clients send what is known.
    let items: Vec<_> =
        (0..CLIENTS).map(|n| json!({"name": "m", "value": 1, "tags": {"n": n.to_string()}})).collect();
    // One for all, each with a connection of its own: making one takes so much that those that are connected would not come to send their first
    // headers in the ten seconds that a server waits for them.
    let client = client();
    let made = client.post(nodes[0].url("/v1/measurements")).basic_auth(USER, Some(TOKEN));
    assert_eq!(made.json(&json!({"measurements": items})).send().await.unwrap().status(), 202);
    let run = |number: usize| tokio::spawn(send(client.clone(), nodes[number % 2].host.clone(), number));
    let mut waits = Vec::new();
    for client in (0..CLIENTS).map(run).collect::<Vec<_>>() {
        waits.extend(client.await.unwrap());
    }
    assert_eq!(measurements(&nodes[1]).await.len(), waits.len() + CLIENTS);

    waits.sort_unstable();
    let (late, longest) = (waits[waits.len() * 99 / 100].as_millis(), waits[waits.len() - 1].as_millis());
    let batches = postgres.sql("monitoring", "SELECT sum(seq) FROM librato_apply.lanes WHERE lane <> 0");
    let batches: usize = batches.parse().unwrap();
    eprintln!(
        "commits of {COMMIT} ms, {WAY} ms to the database and back: {} measurements acknowledged in {batches} batches, all kept once, none refused; 99 of 100 within {late} ms, longest wait {longest} ms",
        waits.len()
    );
    assert!(waits.len() > 2 * batches, "batches do not grow");
}

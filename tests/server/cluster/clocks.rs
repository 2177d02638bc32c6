//! Servers whose clocks are wrong, by libfaketime: all go by the clock of the database.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::paged::{OPTIONS, Watched};
use super::writers::Writers;
use super::{Cluster, command, store};
use crate::harness::epoch;
use crate::server::{Server, TOKEN, USER, client};
use crate::sinks::Sink;

/// By how many seconds each clock is ahead.
const AHEAD: [i64; 3] = [600, -600, 0];

/// The library that shifts the clock of a program.
fn faketime() -> Option<PathBuf> {
    let places = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let found =
        places.map(|place| place.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    if found.is_none() {
        store::skip("there is no libfaketime here (package faketime)");
    }
    found
}

/// How far a server says that the database is ahead of it.
async fn database_ahead(node: &Server) -> f64 {
    let request = client().get(node.url("/metrics")).basic_auth(USER, Some(TOKEN));
    let figures = request.send().await.unwrap().text().await.unwrap();
    let ahead =
        figures.lines().find_map(|line| line.strip_prefix("librato_apply_database_clock_ahead_seconds "));
    ahead.unwrap_or_else(|| panic!("{figures}")).parse().unwrap()
}

/// The times and values of what was sent in order.
async fn points(node: &Server) -> Vec<(i64, f64)> {
    let path = format!("/v1/metrics/order?resolution=1&source=s&start_time={}", epoch() - 2_000);
    let answer = client().get(node.url(&path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let points = answer["measurements"]["s"].as_array().cloned().unwrap_or_default();
    points.iter().map(|one| (one["measure_time"].as_i64().unwrap(), one["value"].as_f64().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_clocks_of_servers_change_nothing_and_are_shown() {
    if !store::is_postgres() {
        return;
    }
    let Some(library) = faketime() else { return };
    let Some(postgres) = store::durable(&[]) else { return };
    let address = postgres.create("monitoring");
    let mut cluster = Cluster::over(postgres, address, 0, OPTIONS);
    for (number, ahead) in AHEAD.iter().enumerate() {
        let name = format!("n{number}");
        let mut command = command(&cluster.address, &[&["--node", &name], OPTIONS].concat());
        command.env("LD_PRELOAD", &library).env("FAKETIME", format!("{ahead:+}"));
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        cluster.nodes.push(Server::spawn(command));
    }
    for (node, ahead) in cluster.nodes.iter().zip(AHEAD) {
        // It is known once the server was heard for the first time.
        let mut tries = 0..100;
        while (database_ahead(node).await + ahead as f64).abs() > 5.0 {
            tries.next().unwrap_or_else(|| panic!("a clock that is {ahead} s ahead is not shown"));
            sleep(Duration::from_millis(100)).await;
        }
    }

    // In the order in which they are sent, at the time of the database.
    let begun = epoch();
    let body = |value: usize| json!({"gauges": [{"name": "order", "source": "s", "value": value}]});
    for value in 0..6 {
        let request =
            client().post(cluster.nodes[value % 3].url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
        assert_eq!(request.json(&body(value)).send().await.unwrap().status(), 200);
        sleep(Duration::from_millis(1_100)).await;
    }
    let found = points(&cluster.nodes[0]).await;
    assert!(found.iter().all(|(time, _)| (begun - 2..=epoch() + 2).contains(time)), "{found:?} from {begun}");
    assert_eq!(found.iter().map(|(_, value)| *value as usize).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);

    let writers = Writers::start(cluster.hosts());
    sleep(Duration::from_secs(2)).await;
    writers.settle("clocks ten minutes apart", &cluster.nodes[1]).await;

    let mut watched = Watched::over(cluster, Sink::open()).await;
    for value in [100, 1] {
        let sender = watched.sender();
        watched.submit((sender + 1) % 3, "a", value).await;
        // Another one goes on, with another clock.
        watched.cluster.nodes[sender].kill();
        watched.hears(value == 1).await;
        watched.cluster.nodes[sender] = watched.cluster.serve(sender);
    }
    let longest = watched.longest.as_millis();
    let again = watched.told_once(1).await;
    eprintln!(
        "clocks ten minutes ahead and behind: an incident told once while two of them were killed, {again} messages again, longest wait {longest} ms"
    );
}

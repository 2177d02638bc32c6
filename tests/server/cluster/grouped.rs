//! Alerts that different servers evaluate: of each group people hear once, and once of its end, whichever server dies or is told to stop.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::paged::{Watched, post};
use crate::sinks::Sink;

const ALERTS: usize = 12;

/// How many groups of alerts each server has.
fn groups(watched: &Watched) -> Vec<usize> {
    let sql = "SELECT count(leases.name) FROM librato_apply.nodes LEFT JOIN librato_apply.leases
            ON leases.holder = nodes.id AND leases.name LIKE 'alerts/%' AND leases.until > extract(epoch FROM now()) * 1000
        WHERE nodes.seen > extract(epoch FROM now()) * 1000 - 6000 GROUP BY nodes.id ORDER BY 1";
    watched.cluster.postgres.sql("monitoring", sql).lines().map(|line| line.parse().unwrap()).collect()
}

/// Waits until all servers have their shares.
async fn shared(watched: &Watched, shares: &[usize]) {
    let begun = Instant::now();
    while groups(watched) != shares {
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?}, not {shares:?}", groups(watched));
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_of_all_servers_are_told_once_whichever_of_them_goes() {
    let Some(mut watched) = Watched::begin(Sink::open()).await else { return };
    let service: i64 =
        watched.cluster.postgres.sql("monitoring", "SELECT id FROM librato_apply.services").parse().unwrap();
    for name in 1..ALERTS {
        let condition = json!({"type": "above", "metric_name": "load", "threshold": 10});
        let alert = json!({"name": format!("slow.{name}"), "conditions": [condition], "services": [service],
            "rearm_seconds": 60, "rearm_per_signal": true});
        post(&watched.cluster.nodes[name % 3], "/v1/alerts", &alert).await;
    }
    shared(&watched, &[20, 22, 22]).await;

    for (node, source) in [(1, "a"), (2, "b")] {
        watched.submit(0, source, 100).await;
        // One dies before anybody is told, and one when it is over.
        watched.cluster.nodes[node].kill();
        watched.hears_of(node * ALERTS, false).await;
        watched.cluster.nodes[node] = watched.cluster.serve(node);
        watched.submit(0, source, 1).await;
        watched.cluster.nodes[3 - node].kill();
        watched.hears_of(node * ALERTS, true).await;
        watched.cluster.nodes[3 - node] = watched.cluster.serve(3 - node);
    }
    shared(&watched, &[20, 22, 22]).await;

    // Who is told to stop leaves its groups at once, and nobody waits for it.
    watched.cluster.nodes.pop().unwrap().stop();
    let begun = Instant::now();
    shared(&watched, &[32, 32]).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "they wait until its time has run out");
    let longest = watched.longest.as_millis();
    let again = watched.told_once(2 * ALERTS).await;
    eprintln!(
        "4 servers killed while {ALERTS} alerts of all groups opened and closed twice: each told once, {again} messages again with the same key, longest wait {longest} ms"
    );
}

//! Sudden death among several servers: of one of them, of PostgreSQL, of connections. Nothing that was acknowledged may be missing, and
//! nothing may be there twice.
//!
//! KILLS=30 in the environment asks for more rounds than the usual few.

use std::time::Duration;

use tokio::time::sleep;

use super::Cluster;
use super::writers::Writers;
use crate::ops::kill::random;

pub fn rounds(usual: usize) -> usize {
    std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_takes_nothing_along() {
    let Some(mut cluster) = Cluster::start(3, &[]) else { return };
    let writers = Writers::start(cluster.hosts());
    for _ in 0..rounds(5) {
        writers.go_on(30).await;
        sleep(Duration::from_micros(random(300_000))).await;
        cluster.replace(random(3) as usize);
        writers.send_to(cluster.hosts());
    }
    writers.go_on(30).await;
    writers.settle("servers killed", &cluster.nodes[2]).await;
}

/// Nobody is refused who has the patience: what was under way is found out, and done again where it was not carried out.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_and_started_again_has_all_that_was_acknowledged() {
    let Some(mut cluster) = Cluster::start_with(2, &[], &["--no-alerts", "--store-patience", "20s"]) else {
        return;
    };
    let writers = Writers::start(cluster.hosts());
    for _ in 0..rounds(3) {
        writers.go_on(30).await;
        sleep(Duration::from_micros(random(300_000))).await;
        cluster.postgres.kill();
        cluster.postgres.start_again();
        writers.go_on(20).await;
    }
    let ledger = writers.settle("database killed", &cluster.nodes[1]).await;
    assert_eq!(ledger.refused, 0, "within their patience");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_again_and_again_lose_nothing() {
    let Some(cluster) = Cluster::start(2, &[]) else { return };
    let writers = Writers::start(cluster.hosts());
    writers.go_on(30).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'librato-apply%'";
    for _ in 0..rounds(10) {
        cluster.postgres.sql("monitoring", end);
        sleep(Duration::from_millis(200)).await;
    }
    writers.go_on(10).await;
    writers.settle("connections ended", &cluster.nodes[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_others_use_up_are_waited_for() {
    let Some(cluster) = Cluster::start(2, &["-c", "max_connections=20"]) else { return };
    let writers = Writers::start(cluster.hosts());
    writers.go_on(30).await;
    let mut held: Vec<_> = (0..20).map(|_| cluster.postgres.hold("monitoring", 3)).collect();
    for other in &mut held {
        other.wait().unwrap();
    }
    writers.go_on(10).await;
    writers.settle("connections used up", &cluster.nodes[1]).await;
}

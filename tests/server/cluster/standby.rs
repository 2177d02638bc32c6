//! A primary and a standby, without anything that decides between them: what is on one machine alone is not acknowledged.

use std::time::Duration;

use tokio::time::sleep;

use super::writers::Writers;
use super::{Cluster, store};
use crate::server::{Server, TOKEN, USER, client};

#[derive(Clone, Copy, PartialEq)]
pub enum Replication {
    /// A commit is acknowledged when the standby has it.
    Synchronous,
    /// At once.
    Asynchronous,
}

/// Two servers over a primary, and its standby, which they find when it takes the primary's place.
fn pair(replication: Replication) -> Option<(Cluster, store::Server)> {
    let primary = store::durable(&[])?;
    primary.create("monitoring");
    let standby = primary.follow();
    if replication == Replication::Synchronous {
        primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        primary.sql("postgres", "SELECT pg_reload_conf()");
    }
    let address = primary.address_or(&standby, "monitoring");
    Some((Cluster::over(primary, address, 2, &["--no-alerts"]), standby))
}

/// Kills a primary whose last commits have not come to its standby, which takes its place. How much of what was acknowledged is missing.
pub async fn failed_over(replication: Replication) -> Option<usize> {
    let (cluster, standby) = pair(replication)?;
    let writers = Writers::start(cluster.hosts());
    writers.go_on(30).await;
    cluster.postgres.holds_back();
    sleep(Duration::from_secs(2)).await;
    cluster.postgres.kill();
    standby.sql("postgres", "SELECT pg_promote()");
    let ledger = writers.stop().await;
    Some(ledger.lost(&cluster.nodes[0]).await)
}

/// What a server says of itself.
async fn told(node: &Server, path: &str) -> String {
    let request = client().get(node.url(path)).basic_auth(USER, Some(TOKEN));
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_is_gone_is_missed() {
    let Some((cluster, mut standby)) = pair(Replication::Synchronous) else { return };
    let node = &cluster.nodes[0];
    let sees = async |standbys: u32| {
        let line = format!("\nlibrato_apply_database_synchronous_standbys {standbys}.0\n");
        let mut tries = 0..200;
        while !told(node, "/metrics").await.contains(&line) {
            tries.next().unwrap_or_else(|| panic!("{standbys} are not seen: {}", node.log()));
            sleep(Duration::from_millis(100)).await;
        }
    };
    sees(1).await;
    assert!(!told(node, "/v1/health").await.contains("synchronous standby"));
    standby.kill();
    sees(0).await;
    assert!(told(node, "/v1/health").await.contains("the database has lost its synchronous standby"));
    node.log_with("the database has lost its synchronous standby");
    standby.start_again();
    sees(1).await;
    node.log_with("the database has a synchronous standby");
}

/// A cancelled commit that waits for its standby is a success with a warning, though only one machine has it.
#[tokio::test(flavor = "multi_thread")]
async fn commits_that_are_cancelled_while_no_standby_answers_are_not_acknowledged() {
    let Some((cluster, mut standby)) = pair(Replication::Synchronous) else { return };
    let writers = Writers::start(cluster.hosts());
    writers.go_on(30).await;
    standby.kill();
    // What was on its way has been answered by then.
    sleep(Duration::from_millis(500)).await;
    let (before, mut cancelled) = (writers.acknowledged(), 0);
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
        WHERE application_name LIKE 'librato-apply%' AND wait_event = 'SyncRep'";
    for _ in 0..20 {
        cancelled += cluster.postgres.sql("monitoring", cancel).parse::<usize>().unwrap();
        sleep(Duration::from_millis(150)).await;
    }
    assert!(cancelled > 20, "only {cancelled} commits waited");
    assert_eq!(writers.acknowledged(), before, "acknowledged on one machine alone");
    standby.start_again();
    writers.go_on(20).await;
    // The standby alone tells what two machines had.
    let ledger = writers.stop().await;
    cluster.postgres.kill();
    standby.sql("postgres", "SELECT pg_promote()");
    ledger.compare(&format!("{cancelled} commits cancelled without a standby"), &cluster.nodes[0]).await;
}

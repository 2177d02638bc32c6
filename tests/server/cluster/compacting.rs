//! Servers that die or sleep in the midst of compaction: what they took out of the journal is in pages, or in the journal as before.

use std::time::Duration;

use tokio::time::sleep;

use super::Cluster;
use super::killed::rounds;
use super::store::Session;
use super::writers::Writers;

/// Makes all rows of the journal so old that they are due, but those that a server is about to compact.
const AGE: &str = "UPDATE librato_apply.journal SET received_at = received_at - 60
    WHERE (part, id) IN (SELECT part, id FROM librato_apply.journal FOR UPDATE SKIP LOCKED)";

/// Has some server come as far as to have taken rows out of the journal, and not yet to have put them into pages, which stays so
/// for as long as the session does. Which server it is.
async fn caught(cluster: &Cluster) -> (Session, usize) {
    let lock = cluster.postgres.session("monitoring", "LOCK TABLE librato_apply.pages IN SHARE MODE");
    let stuck = "SELECT application_name FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO pages%' LIMIT 1";
    let mut tries = 0..300;
    loop {
        cluster.postgres.sql("monitoring", AGE);
        if let Some(node) = cluster.postgres.sql("monitoring", stuck).strip_prefix("librato-apply n") {
            return (lock, node.parse().unwrap());
        }
        tries.next().expect("no server compacts");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until all that is in the journal now is in pages.
async fn all_compacted(cluster: &Cluster) {
    cluster.postgres.sql("monitoring", AGE);
    let due = "SELECT count(*) FROM librato_apply.journal WHERE received_at < extract(epoch FROM now()) - 50";
    let mut tries = 0..300;
    while cluster.postgres.sql("monitoring", due) != "0" {
        tries.next().expect("what is due is not compacted");
        sleep(Duration::from_millis(100)).await;
    }
    assert_ne!(cluster.postgres.sql("monitoring", "SELECT count(*) FROM librato_apply.pages"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_while_it_compacts_takes_nothing_along() {
    let Some(mut cluster) = Cluster::start(3, &[]) else { return };
    let writers = Writers::start(cluster.hosts());
    for _ in 0..rounds(3) {
        writers.go_on(30).await;
        let (lock, node) = caught(&cluster).await;
        cluster.replace(node);
        drop(lock);
        writers.send_to(cluster.hosts());
    }
    writers.go_on(30).await;
    all_compacted(&cluster).await;
    writers.settle("servers killed while they compacted", &cluster.nodes[0]).await;
}

/// One that wakes goes on in its transaction, which nobody could come in between; or finds that the database has ended it, and that
/// others have done the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sleeps_while_it_compacts_doubles_nothing_when_it_wakes() {
    let Some(cluster) = Cluster::start(3, &[]) else { return };
    let writers = Writers::start(cluster.hosts());
    for is_ended in [false, true] {
        writers.go_on(30).await;
        let (lock, node) = caught(&cluster).await;
        cluster.nodes[node].falls_asleep();
        drop(lock);
        let mut others = cluster.hosts();
        others.remove(node);
        writers.send_to(others);
        if is_ended {
            // As `idle_in_transaction_session_timeout` does after 30 s.
            let end = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'librato-apply n{node}'"
            );
            cluster.postgres.sql("monitoring", &end);
            all_compacted(&cluster).await;
        } else {
            sleep(Duration::from_secs(15)).await;
        }
        cluster.nodes[node].wakes_up();
        writers.send_to(cluster.hosts());
    }
    writers.go_on(30).await;
    all_compacted(&cluster).await;
    writers.settle("servers asleep while they compacted", &cluster.nodes[0]).await;
}

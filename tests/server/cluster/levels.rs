//! Tables that a newer program has made others: what it only added is no matter to older servers; what they cannot read they do not use,
//! those that run already either.

use std::time::Duration;

use tokio::time::sleep;

use super::writers::Writers;
use super::{Cluster, command};
use crate::server::{TOKEN, USER, client};

#[tokio::test(flavor = "multi_thread")]
async fn newer_tables_are_used_for_as_long_as_they_can_be_read() {
    let Some(mut cluster) = Cluster::start(2, &[]) else { return };
    let sql = |cluster: &Cluster, sql: &str| cluster.postgres.sql("monitoring", sql);
    sql(&cluster, "ALTER TABLE librato_apply.alerts ADD COLUMN later TEXT");
    sql(&cluster, "UPDATE librato_apply.meta SET schema = schema + 1");
    let writers = Writers::start(cluster.hosts());
    writers.go_on(30).await;
    cluster.replace(0);
    writers.send_to(cluster.hosts());
    sleep(Duration::from_secs(2)).await;
    writers.settle("tables of the next level", &cluster.nodes[0]).await;

    sql(&cluster, "UPDATE librato_apply.meta SET oldest_reader = schema");
    let refused = command(&cluster.address, &[]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && said.contains("update the program"), "{said}");
    let mut tries = 0..150;
    loop {
        let asked = client().get(cluster.nodes[0].url("/readyz")).basic_auth(USER, Some(TOKEN)).send();
        if asked.await.unwrap().status() == 503 {
            break;
        }
        tries.next().expect("a server is ready that cannot read its tables");
        sleep(Duration::from_millis(100)).await;
    }
    cluster.nodes[0].log_with("a newer program has made its tables others");
}

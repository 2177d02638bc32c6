//! Servers of one database of which some notify and some do not.

use super::postgres::{blocking, connect};
use super::*;
use crate::serve::cluster::Node;
use crate::serve::store::postgres::test_server;

/// What becomes of the delivery that waits, once a server that notifies nobody is heard and starts.
async fn left(quiet: &Store, cluster: &Cluster) -> String {
    let cluster = cluster.clone();
    blocking(move || cluster.beat()).await;
    standing(quiet, Starting { notify: false, release: false }).await.unwrap();
    let status = |tx: &Tx<'_>| tx.one("SELECT status FROM deliveries", params![], |row| row.get("status"));
    quiet.read(status).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_waits_is_muted_only_where_no_server_notifies() {
    let system = Clock::system();
    let Some(address) = test_server::fresh(|model| connect(model, &system).close()) else { return };
    let (quiet, loud) = (connect(&address, &system), connect(&address, &system));
    let notifies = Node { notifies: true, ..Node::default() };
    let (one, two) = (Cluster::by_hand(&quiet), Cluster::by_hand_as(&loud, notifies));
    let sql = async |sql: &'static str| {
        quiet.make(move |tx: &Tx<'_>| tx.execute(sql, params![]).map(drop)).await.unwrap();
    };
    sql("INSERT INTO deliveries (key, seq, alert_id, alert, service_id, service_type, service_title, kind, at, created_at,
            next_at, attempts, status, in_doubt, rest, payload)
        VALUES ('k', 1, 1, 'a', 1, 'mail', 'm', 'trigger', 1, 1, 1, 0, 'waiting', 0, '{}', '{}')")
    .await;
    blocking(move || two.beat()).await;
    assert_eq!(left(&quiet, &one).await, "waiting");
    // An older program notifies, and does not say so.
    sql("UPDATE nodes SET duties = NULL WHERE duties <> ''").await;
    assert_eq!(left(&quiet, &one).await, "waiting");
    sql("UPDATE nodes SET seen = 0 WHERE duties IS NULL").await;
    assert_eq!(left(&quiet, &one).await, "muted");
}

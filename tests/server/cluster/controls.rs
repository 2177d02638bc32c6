//! Controls: what is known to lose data is found to lose it, or the comparison of the other tests finds nothing.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Cluster;
use super::standby::{Replication, failed_over};
use super::writers::Writers;

/// Has rows become visible in another order than that of their ids, as they may at any time.
const LATE: &str = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(random() / 20); RETURN NULL; END';
    CREATE TRIGGER late AFTER INSERT ON journal EXECUTE FUNCTION late()";

/// Moves the journal aside in these steps while servers write, and back in the end. How much of what was acknowledged is missing then.
async fn lost_by(steps: &str, patience: Duration) -> Option<usize> {
    let cluster = Cluster::start(2, &[])?;
    let sql =
        |sql: &str| cluster.postgres.sql("monitoring", &format!("SET search_path TO librato_apply; {sql}"));
    sql("CREATE TABLE aside (LIKE journal)");
    sql(LATE);
    let writers = Writers::start(cluster.hosts());
    let missing = "SELECT (SELECT coalesce(sum(seq), 0) FROM lanes WHERE lane <> 0) - (SELECT count(DISTINCT (lane, seq)) FROM (
        SELECT lane, seq FROM journal UNION ALL SELECT lane, seq FROM aside) AS kept WHERE lane <> 0)";
    writers.go_on(30).await;
    let begun = Instant::now();
    while begun.elapsed() < patience && (begun.elapsed() < Duration::from_secs(3) || sql(missing) == "0") {
        sql(steps);
        sleep(Duration::from_millis(20)).await;
    }
    let ledger = writers.stop().await;
    sql("INSERT INTO journal SELECT * FROM aside");
    Some(ledger.lost(&cluster.nodes[0]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_that_deletes_by_the_last_id_is_found_out() {
    let by_id = "BEGIN; INSERT INTO aside SELECT * FROM journal; SELECT pg_sleep(0.01);
        DELETE FROM journal WHERE id <= (SELECT max(id) FROM aside); COMMIT";
    let Some(lost) = lost_by(by_id, Duration::from_secs(60)).await else { return };
    eprintln!("control: compaction by the last id lost {lost} of what was acknowledged");
    assert!(lost > 0, "the comparison finds nothing");
    let what_is_read = "WITH gone AS (DELETE FROM journal RETURNING *) INSERT INTO aside SELECT * FROM gone";
    assert_eq!(lost_by(what_is_read, Duration::from_secs(3)).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn replication_that_nobody_waits_for_is_found_out() {
    let Some(lost) = failed_over(Replication::Asynchronous).await else { return };
    eprintln!("control: a failover to a standby that nobody waited for lost {lost} of what was acknowledged");
    assert!(lost > 0, "the comparison finds nothing");
    assert_eq!(failed_over(Replication::Synchronous).await, Some(0));
}

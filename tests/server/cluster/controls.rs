//! Controls: what is known to lose data is found to lose it, or the comparison of the other tests finds nothing.

use super::standby::{Replication, failed_over};

#[tokio::test(flavor = "multi_thread")]
async fn replication_that_nobody_waits_for_is_found_out() {
    let Some(lost) = failed_over(Replication::Asynchronous).await else { return };
    eprintln!("control: a failover to a standby that nobody waited for lost {lost} of what was acknowledged");
    assert!(lost > 0, "the comparison finds nothing");
    assert_eq!(failed_over(Replication::Synchronous).await, Some(0));
}

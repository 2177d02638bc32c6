//! Who is alone needs nobody; servers of one database have each other.

#[cfg(unix)]
#[cfg(feature = "postgres")]
mod postgres;

use super::*;
use crate::serve::store::tx::Tx;

#[test]
fn who_is_alone_has_every_duty() {
    let store = Store::open(&crate::serve::Data::Memory).unwrap();
    let cluster = Cluster::join(&store, Node::default(), &Telemetry::default()).unwrap();
    let token = cluster.duty("outbox").held().unwrap();
    assert_eq!(cluster.id(), None);
    let share = cluster.divided("alerts").held();
    assert!(share.of == 1 && [0, 1, 64, -1].into_iter().all(|alert| share.has(alert)), "{share:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store.write(move |tx: &Tx<'_>| token.fence(tx))).unwrap();
}

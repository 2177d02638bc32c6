//! What other tests need of it.

use super::compact::{self, Time};
use super::follow::UNREAD;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aging::Aging;

/// Compacts all of the journal, read or not.
pub async fn compact(store: &Store, now: i64) {
    let time = Time { wall: now + UNREAD + 1, horizon: now, aging: Aging::default() };
    for part in 0..store.parts() {
        while store.make(move |tx: &Tx| compact::compact(tx, part, time)).await.unwrap().is_some() {}
    }
}

//! How alerts stand when a server starts: how many are to be evaluated, and whether their notifications are held back.

use std::sync::atomic::Ordering;

use super::clock::Clock;
use super::deliveries::table as deliveries;
use super::{clock, table};
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// How they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Alerts that are active.
    pub active: u64,
    /// Whether notifications are held back, as in a file of an older version.
    pub held: bool,
}

/// How a server is started, as far as it matters to what lies in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starting {
    /// Whether anybody is notified.
    pub notify: bool,
    /// Whether someone has said that they may be, so that also what was held back or muted goes, if it is still true.
    pub release: bool,
}

/// How alerts stand when a server starts, after the outbox was brought in line with it: what waits is muted where no one is notified, also not
/// by another server of the same data; where someone is, what was held back goes if nothing is held any more, and so do clears that were muted. Of a copy nothing is
/// touched, since who has the original notifies.
///
/// # Errors
/// Where the file cannot be read or written.
pub async fn standing(store: &Store, starting: Starting) -> std::io::Result<Standing> {
    let (now, is_copy) = (store.now(), store.is_unadopted_copy());
    let others_notify = store.condition().others_notify.load(Ordering::Relaxed);
    let look = move |tx: &Tx| -> Result<(Standing, u64), StoreError> {
        let Starting { notify, release } = starting;
        if release {
            clock::hold(tx, false)?;
        }
        let held = Clock::read(tx)?.held;
        let changed = match (is_copy, notify) {
            (true, _) => 0,
            (false, false) if others_notify => 0,
            (false, false) => deliveries::mute(tx, now)?,
            (false, true) if held => 0,
            (false, true) => deliveries::release(tx, now)? + deliveries::unmute(tx, now, release)?,
        };
        Ok((Standing { active: table::active(tx)?, held }, changed))
    };
    let (standing, count) = store.write(look).await.map_err(std::io::Error::other)?;
    match (count, starting.notify) {
        (0, _) => {}
        (count, true) => {
            tracing::info!(target: "librato_apply::serve", count, "notifications that were held back or muted go now");
        }
        (count, false) => {
            tracing::warn!(target: "librato_apply::serve", count, "notifications that waited are muted, since nobody is to be notified");
        }
    }
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::Data;

    #[tokio::test]
    async fn what_is_held_back_goes_when_somebody_says_so() {
        let store = Store::open(&Data::Memory).unwrap();
        store.write(|tx: &Tx| clock::hold(tx, true)).await.unwrap();
        let stands = async |release| standing(&store, Starting { notify: true, release }).await.unwrap();
        assert_eq!(stands(false).await, Standing { active: 0, held: true });
        assert!(!stands(true).await.held);
        assert!(!stands(false).await.held, "it lasts");
    }
}

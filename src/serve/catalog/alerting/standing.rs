//! How alerts stand when a server starts: how many are to be evaluated, and whether their notifications are held back.

use super::clock::Clock;
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

/// How alerts stand; with `release` notifications are held back no more.
///
/// # Errors
/// Where the file cannot be read or written.
pub async fn standing(store: &Store, release: bool) -> std::io::Result<Standing> {
    let look = move |tx: &Tx| -> Result<Standing, StoreError> {
        if release {
            clock::hold(tx, false)?;
        }
        Ok(Standing { active: table::active(tx)?, held: Clock::read(tx)?.held })
    };
    let found = if release { store.write(look).await } else { store.read(look).await };
    found.map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::Data;

    #[tokio::test]
    async fn what_is_held_back_goes_when_somebody_says_so() {
        let store = Store::open(&Data::Memory).unwrap();
        store.write(|tx: &Tx| clock::hold(tx, true)).await.unwrap();
        let stands = async |release| standing(&store, release).await.unwrap();
        assert_eq!(stands(false).await, Standing { active: 0, held: true });
        assert!(!stands(true).await.held);
        assert!(!stands(false).await.held, "it lasts");
    }
}

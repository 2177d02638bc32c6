//! What is remembered of API tokens where each question would go to a database across a network: for two seconds, which is how long one that
//! was switched off at another server may still be used at this one. What was changed here is known at once.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::table::digest;
use crate::serve::http::auth::Rights;
use crate::serve::store::Store;

/// How long it is believed, in milliseconds.
const BELIEVED: i64 = 2_000;

/// How many are remembered.
const MOST: usize = 10_000;

/// The API tokens of a store.
#[derive(Clone)]
pub struct Tokens {
    pub(super) store: Store,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// How often something was changed here.
    changes: u64,
    /// By the digests of tokens, and when it was asked for.
    rights: HashMap<[u8; 32], (Rights, i64)>,
}

/// A token, and what was known when it was asked for.
pub struct Asked {
    digest: [u8; 32],
    changes: u64,
    ran: i64,
}

/// As long as it lives tokens are being changed, and nothing is remembered afterwards.
pub struct Changing<'t>(&'t Tokens);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

impl Tokens {
    pub fn new(store: Store) -> Tokens {
        Tokens { store, known: Arc::default() }
    }

    pub fn change(&self) -> Changing<'_> {
        Changing(self)
    }

    fn forget(&self) {
        let mut known = self.known.lock();
        known.changes += 1;
        known.rights.clear();
    }

    pub(super) fn asks(&self, token: &str) -> Asked {
        Asked { digest: digest(token), changes: self.known.lock().changes, ran: self.store.clock().ran() }
    }

    /// What the token was good for a moment ago.
    pub(super) fn known(&self, asked: &Asked) -> Option<Rights> {
        let known = self.known.lock();
        let (rights, since) = known.rights.get(&asked.digest)?;
        (asked.ran - since < BELIEVED).then(|| rights.clone())
    }

    /// Only that a token is good for something, so that one that is made is good at once.
    pub(super) fn remember(&self, asked: &Asked, found: Option<&Rights>) {
        let Some(rights) = found.filter(|rights| rights.active && self.store.is_shared()) else { return };
        let mut known = self.known.lock();
        if known.rights.len() >= MOST {
            known.rights.clear();
        }
        if known.changes == asked.changes {
            known.rights.insert(asked.digest, (rights.clone(), asked.ran));
        }
    }
}

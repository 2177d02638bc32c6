//! Guessing of credentials, slowed down: so many failures a minute for each address and for all together. Knows
//! digests and addresses, and decides nothing about who may come in. Servers of the same data note failures there, so that whoever goes from one
//! to the next learns one answer more of each, and no more.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};

use super::address::household;
use super::table;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// Failures a minute of one address, and of all together.
const OF_ONE: usize = 10;
const OF_ALL: usize = 100;
/// Seconds after which failures are forgotten.
const WINDOW: u64 = 60;
/// How long it is remembered that credentials were right.
const PROVEN: u64 = 24 * 60 * 60;
/// How many addresses and how many right credentials are remembered.
const MOST: usize = 10_000;

/// What is remembered of the attempts of all clients.
#[derive(Clone)]
pub struct Guesses {
    started: Instant,
    seen: Arc<Mutex<Seen>>,
    /// Where others note theirs.
    shared: Option<Store>,
}

#[derive(Default)]
struct Seen {
    /// The number of the window since the start.
    window: u64,
    failures: usize,
    /// `None` stands for clients without an address, and for those too many to be told apart.
    of: HashMap<Option<IpAddr>, Failures>,
    /// When credentials were last right: digests of these and the address they came from.
    proven: HashMap<Digest, u64>,
}

#[derive(Default)]
struct Failures {
    all: usize,
    /// The different credentials among them. A client that is set up wrongly repeats the same ones, which tells
    /// nothing about others; so it spoils nothing for those who share its address.
    different: HashSet<Digest>,
}

type Digest = [u8; 32];

/// One use of credentials.
pub struct Attempt {
    address: Option<IpAddr>,
    sent: Digest,
}

impl Attempt {
    /// `sent` is the header as it came.
    pub fn new(address: Option<IpAddr>, sent: &[u8]) -> Attempt {
        let address = address.map(household);
        let mut digest = Sha256::new();
        digest.update(address.map_or_else(String::new, |address| address.to_string()));
        digest.update([0]);
        digest.update(sent);
        Attempt { address, sent: digest.finalize().into() }
    }
}

/// Seconds after which another try makes sense.
pub type Wait = i64;

impl Guesses {
    pub fn new() -> Guesses {
        Guesses { started: Instant::now(), seen: Arc::default(), shared: None }
    }

    /// The same among servers that may use the same data.
    pub fn among(self, store: &Store) -> Guesses {
        Guesses { shared: store.is_shared().then(|| store.clone()), ..self }
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock()
    }

    /// Asked before credentials are looked at. Where their address has guessed too often, only those that were right
    /// before, from there, are looked at: an answer would tell whether the others are.
    pub fn admit(&self, attempt: &Attempt) -> Result<(), Wait> {
        self.seen().at(self.now()).admit(attempt)
    }

    /// They were right. Asked again whether that may be told, since others may have guessed at the same time.
    pub fn right(&self, attempt: &Attempt) -> Result<(), Wait> {
        let now = self.now();
        self.seen().at(now).right(attempt, now)
    }

    /// They were wrong. `Err` where there have been too many of these.
    pub async fn wrong(&self, attempt: &Attempt) -> Result<(), Wait> {
        self.seen().at(self.now()).wrong(attempt)?;
        let Some(store) = &self.shared else { return Ok(()) };
        match noted(store, attempt).await {
            Ok(failures) => self.seen().at(self.now()).hear(attempt, failures),
            Err(error) => {
                // Each server counts by itself as long as they cannot hear of each other.
                tracing::warn!(target: "librato_apply::serve", %error, "a failed login could not be noted for the other servers");
                Ok(())
            }
        }
    }
}

/// Tells the other servers, and asks them.
async fn noted(store: &Store, attempt: &Attempt) -> Result<table::Failures, StoreError> {
    let address = attempt.address.map_or_else(String::new, |address| address.to_string());
    let (sent, now, most) = (attempt.sent, store.now(), i64::try_from(OF_ONE).unwrap_or(i64::MAX));
    store.write(move |tx: &Tx<'_>| table::fail(tx, &address, &sent, now, most)).await
}

/// What is seen at one time: the window is the one that is running.
struct At<'a> {
    seen: &'a mut Seen,
    wait: Wait,
}

impl Seen {
    fn at(&mut self, now: u64) -> At<'_> {
        let window = now / WINDOW;
        if self.window != window {
            self.window = window;
            self.failures = 0;
            self.of.clear();
        }
        At { seen: self, wait: i64::try_from(WINDOW - now % WINDOW).unwrap_or(1) }
    }

    /// The address under which its failures are counted.
    fn counted(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        address.filter(|_| self.of.len() < MOST || self.of.contains_key(&address))
    }
}

impl At<'_> {
    fn admit(&self, attempt: &Attempt) -> Result<(), Wait> {
        let different =
            self.seen.of.get(&self.seen.counted(attempt.address)).map_or(0, |failed| failed.different.len());
        // Where guesses come from many addresses, one that has guessed at all is shut out: someone who has not is let
        // in, whoever attacks.
        let most = if self.seen.failures >= OF_ALL { 1 } else { OF_ONE };
        if different >= most && !self.seen.proven.contains_key(&attempt.sent) {
            return Err(self.wait);
        }
        Ok(())
    }

    fn right(&mut self, attempt: &Attempt, now: u64) -> Result<(), Wait> {
        self.admit(attempt)?;
        let proven = &mut self.seen.proven;
        if proven.len() >= MOST && !proven.contains_key(&attempt.sent) {
            proven.retain(|_, last| now.saturating_sub(*last) < PROVEN);
        }
        if proven.len() < MOST || proven.contains_key(&attempt.sent) {
            proven.insert(attempt.sent, now);
        }
        Ok(())
    }

    /// Counts what other servers were given as well.
    fn hear(&mut self, attempt: &Attempt, told: table::Failures) -> Result<(), Wait> {
        let all = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        self.seen.failures = self.seen.failures.max(all(told.all));
        let failed = self.seen.of.entry(self.seen.counted(attempt.address)).or_default();
        failed.all = failed.all.max(all(told.of_address));
        let different = told.different.into_iter().filter_map(|sent| Digest::try_from(sent).ok());
        failed.different.extend(different.take(OF_ONE));
        if failed.all > OF_ONE || self.seen.failures > OF_ALL { Err(self.wait) } else { Ok(()) }
    }

    fn wrong(&mut self, attempt: &Attempt) -> Result<(), Wait> {
        self.seen.proven.remove(&attempt.sent);
        self.seen.failures += 1;
        let failed = self.seen.of.entry(self.seen.counted(attempt.address)).or_default();
        failed.all += 1;
        if failed.different.len() < OF_ONE {
            failed.different.insert(attempt.sent);
        }
        if failed.all > OF_ONE || self.seen.failures > OF_ALL { Err(self.wait) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(last: u8, sent: &str) -> Attempt {
        Attempt::new(Some([192, 0, 2, last].into()), sent.as_bytes())
    }

    #[test]
    fn after_ten_guesses_an_address_learns_nothing_for_the_rest_of_the_minute() {
        let mut seen = Seen::default();
        seen.at(0).right(&attempt(1, "known"), 0).unwrap();
        for n in 0..10 {
            let guess = attempt(1, &format!("guess {n}"));
            seen.at(5).admit(&guess).unwrap();
            seen.at(5).wrong(&guess).unwrap();
        }
        // neither a wrong one nor the right one is looked at, and one that was on its way is not told
        assert_eq!(seen.at(5).admit(&attempt(1, "guess 11")), Err(55));
        assert_eq!(seen.at(5).right(&attempt(1, "right"), 5), Err(55));
        assert_eq!(seen.at(5).wrong(&attempt(1, "late")), Err(55));
        // who was let in from there before still is, and others are
        seen.at(6).right(&attempt(1, "known"), 6).unwrap();
        seen.at(6).right(&attempt(2, "right"), 6).unwrap();
        assert!(seen.at(59).admit(&attempt(1, "right")).is_err());
        seen.at(60).right(&attempt(1, "right"), 60).unwrap();
    }

    #[test]
    fn a_client_set_up_wrongly_shuts_out_itself_alone() {
        let mut seen = Seen::default();
        let stale = attempt(1, "stale");
        for _ in 0..10 {
            seen.at(0).wrong(&stale).unwrap();
        }
        assert!(seen.at(0).wrong(&stale).is_err());
        seen.at(0).right(&attempt(1, "right"), 0).unwrap();
    }

    #[test]
    fn a_hundred_guesses_from_everywhere_leave_one_to_each_address() {
        let mut seen = Seen::default();
        for n in 0..100 {
            seen.at(0).wrong(&attempt(n / 5, &format!("guess {n}"))).unwrap();
        }
        assert!(seen.at(0).admit(&attempt(3, "right")).is_err(), "it guessed five times");
        seen.at(0).right(&attempt(200, "right"), 0).unwrap();
        assert!(seen.at(0).wrong(&attempt(201, "guess")).is_err());
        assert!(seen.at(0).admit(&attempt(201, "right")).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        let from = |n: u32, sent: &str| Attempt::new(Some(IpAddr::from(n.to_be_bytes())), sent.as_bytes());
        for n in 0..20_000 {
            let _ = seen.at(0).wrong(&from(n, "guess"));
            let _ = seen.at(0).right(&from(n + 100_000, "right"), 0);
        }
        assert!(seen.of.len() <= MOST + 1 && seen.proven.len() <= MOST);
        assert!(seen.at(0).admit(&from(1, "right")).is_err());
        assert!(
            seen.at(0).admit(&from(30_000, "right")).is_err(),
            "those too many to be told apart count as one"
        );
        seen.at(PROVEN).right(&from(1, "right"), PROVEN).unwrap();
        assert_eq!(seen.proven.len(), 1, "what is old is forgotten");
    }

    #[test]
    fn credentials_that_stopped_being_right_are_guesses() {
        let mut seen = Seen::default();
        seen.at(0).right(&attempt(1, "revoked"), 0).unwrap();
        for n in 0..10 {
            seen.at(0).wrong(&attempt(1, &format!("guess {n}"))).unwrap();
        }
        seen.at(0).admit(&attempt(1, "revoked")).unwrap();
        assert!(seen.at(0).wrong(&attempt(1, "revoked")).is_err());
        assert!(seen.at(0).admit(&attempt(1, "revoked")).is_err());
    }
}

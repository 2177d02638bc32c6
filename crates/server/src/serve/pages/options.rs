//! How the pages are to behave, and the links by which the program itself lets someone in.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::definitions::Definitions;

/// How the pages behave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PageOptions {
    /// Whether there are any. They are by default.
    pub enabled: bool,
    /// Hosts under which browsers may ask for them, beside addresses, `localhost` and that of the public URL.
    pub allowed_hosts: Vec<String>,
    /// How long a browser that is not used stays logged in. 12 hours by default.
    pub session: Duration,
    /// The links that let someone in once.
    pub links: OneTimeLinks,
    /// How pages write objects as definitions for files.
    pub definitions: Definitions,
    /// Whether every page says that what it shows is invented. Not by default.
    pub demo: bool,
}

impl Default for PageOptions {
    fn default() -> PageOptions {
        PageOptions {
            enabled: true,
            allowed_hosts: Vec::new(),
            session: Duration::from_secs(12 * 3_600),
            links: OneTimeLinks::default(),
            definitions: Definitions::default(),
            demo: false,
        }
    }
}

/// Links that let someone in as the first admin, each of them once and for ten minutes. Clones share them.
#[derive(Clone, Default)]
pub struct OneTimeLinks(Arc<Mutex<HashMap<[u8; 32], Instant>>>);

impl OneTimeLinks {
    const LIFE: Duration = Duration::from_secs(600);

    /// A new one, as path and query. Of its secret only a digest is kept.
    ///
    /// # Errors
    /// Where the machine has no source of randomness.
    pub fn make(&self) -> Result<String, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        let secret = hex::encode(bytes);
        let mut open = self.0.lock();
        open.retain(|_, made| made.elapsed() < OneTimeLinks::LIFE);
        open.insert(Sha256::digest(secret.as_bytes()).into(), Instant::now());
        Ok(format!("/ui/login?once={secret}"))
    }

    /// Whether this is the secret of one that is open; it is open no more.
    pub(super) fn take(&self, secret: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        self.0.lock().remove(&digest).is_some_and(|made| made.elapsed() < OneTimeLinks::LIFE)
    }
}

impl fmt::Debug for OneTimeLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeLinks(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once() {
        let links = OneTimeLinks::default();
        let (one, two) = (links.make().unwrap(), links.make().unwrap());
        let secret = |link: &str| link.split_once('=').unwrap().1.to_owned();
        assert!(!links.take("") && !links.take(&"0".repeat(64)));
        assert!(links.take(&secret(&one)) && !links.take(&secret(&one)));
        assert!(links.take(&secret(&two)));
        assert_eq!(format!("{links:?}"), "OneTimeLinks(…)");
    }
}

//! The sessions of a server: begun, found again by their cookie, ended. Knows no HTTP but who asks.

use std::sync::Arc;

use parking_lot::RwLock;

use super::session::{Key, MOST, Session};
use super::table::{self, Ended};
use crate::serve::http::auth::Identity;
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

/// All of them. A file is ours alone, so what was read once stays true; a database is asked each time, since others may end sessions.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    /// Seconds after which one that is not used is over.
    idle: i64,
    known: Arc<RwLock<Option<Known>>>,
    /// Held while the file is read or written, so that what was read before a session ended is not believed after it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Known {
    key: Key,
    ended: Arc<Ended>,
}

/// One that is found, and what belongs to it.
pub struct Found {
    pub session: Session,
    pub key: Key,
}

impl Sessions {
    pub fn new(store: Store, idle: i64) -> Sessions {
        Sessions { store, idle, known: Arc::default(), turn: Arc::default() }
    }

    pub fn now(&self) -> i64 {
        self.store.now()
    }

    /// Begins one; the session, and the key it is sealed with.
    pub async fn begin(&self, identity: &Identity) -> Result<Found, Problem> {
        let Known { key, .. } = match self.known().await? {
            Some(known) => known,
            None => self.make().await?,
        };
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(Problem::internal)?;
        let fingerprint = key.fingerprint(&identity.secret).ok_or_else(unsealed)?;
        let now = self.store.now();
        let session = Session { token: identity.token, fingerprint, issued: now, seen: now, nonce };
        Ok(Found { session, key })
    }

    /// The session of a cookie, unless it is over.
    pub async fn find(&self, cookie: &str) -> Result<Option<Found>, Problem> {
        let Some(Known { key, ended }) = self.known().await? else { return Ok(None) };
        let Some(session) = Session::open(&key, cookie) else { return Ok(None) };
        let is_over =
            session.is_over(self.store.now(), self.idle) || ended.contains_key(&hex::encode(session.nonce));
        Ok((!is_over).then_some(Found { session, key }))
    }

    /// Ends one before its time.
    pub async fn end(&self, session: &Session) -> Result<(), Problem> {
        let (nonce, until, now) = (hex::encode(session.nonce), session.issued + MOST, self.store.now());
        let end = move |tx: &Tx| table::end(tx, &nonce, until, now).map_err(Problem::from);
        let turn = self.turn.lock().await;
        // Also where the writing fails it is not certain any more what the file has.
        let written = self.store.write(end).await;
        *self.known.write() = None;
        drop(turn);
        written
    }

    async fn known(&self) -> Result<Option<Known>, Problem> {
        if self.store.is_shared() {
            return self.read().await;
        }
        let known = self.known.read().clone();
        if known.is_some() {
            return Ok(known);
        }
        let _turn = self.turn.lock().await;
        let known = self.read().await?;
        self.known.write().clone_from(&known);
        Ok(known)
    }

    async fn read(&self) -> Result<Option<Known>, Problem> {
        let read = |tx: &Tx| Ok::<_, Problem>((table::key(tx)?, table::ended(tx)?));
        let (key, ended) = self.store.read(read).await?;
        Ok(key.as_deref().and_then(Key::read).map(|key| Known { key, ended: Arc::new(ended) }))
    }

    async fn make(&self) -> Result<Known, Problem> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(Problem::internal)?;
        let new = hex::encode(bytes);
        self.store.write(move |tx: &Tx| table::make_key(tx, &new).map_err(Problem::from)).await?;
        self.known().await?.ok_or_else(|| Problem::internal("the key of sessions cannot be read"))
    }
}

fn unsealed() -> Problem {
    Problem::internal("a session could not be sealed")
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[cfg(feature = "postgres")]
    mod postgres {
        use super::super::*;
        use crate::serve::Opening;
        use crate::serve::store::postgres::tests::{another, store_with};

        #[tokio::test]
        async fn a_session_that_ended_at_one_server_has_ended_at_all() {
            let Some((store, address)) = store_with(Opening::default()) else { return };
            let (here, there) = (Sessions::new(store, 3600), Sessions::new(another(&address), 3600));
            let begun = here.begin(&Identity { token: None, secret: [7; 32] }).await.unwrap();
            let cookie = begun.session.seal(&begun.key).unwrap();
            for sessions in [&here, &there] {
                assert!(sessions.find(&cookie).await.unwrap().is_some());
            }
            there.end(&begun.session).await.unwrap();
            for sessions in [&here, &there] {
                assert!(sessions.find(&cookie).await.unwrap().is_none());
            }
        }
    }
}

//! What several servers over one database agree on: who of them is there, and who has which *duty*, which is something that one of them does
//! at a time. A server that has its data for itself has every duty, without asking anybody.
//!
//! That no two do the same rests on no clock: a transaction that writes because of a duty has the database check that nobody else was given
//! it meanwhile ([`Token::fence`]). Clocks only decide how soon others take over, and when a server that cannot be heard begins nothing more.

mod attended;
mod division;
mod duty;
mod member;
mod node;
mod share;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::attended::Attended;
pub use self::duty::{Duty, Token};
use self::member::Member;
pub use self::node::Node;
pub use self::share::{Divided, Share};
use super::store::Store;
use super::telemetry::Telemetry;

/// One server among those of a database. Clones share it; [`Cluster::default`] is one that has its data for itself.
#[derive(Clone, Default)]
pub struct Cluster {
    leaving: Arc<AtomicBool>,
    attended: Option<Arc<Attended>>,
}

impl Cluster {
    /// Makes a server known to the others that use the same data, where there can be any. From then on a thread keeps what it has. `telemetry` is
    /// that of the router.
    ///
    /// # Errors
    /// Where no thread or no randomness can be had.
    pub fn join(store: &Store, node: Node, telemetry: &Telemetry) -> io::Result<Cluster> {
        if !store.is_shared() {
            return Ok(Cluster::default());
        }
        let attended = Attended::begin(Member::new(store.clone(), node, telemetry.cluster().clone())?)?;
        Ok(Cluster { leaving: Arc::default(), attended: Some(Arc::new(attended)) })
    }

    /// Is heard at once, so that it is known who else is there; nothing where there can be no others.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn hear(&self) -> io::Result<()> {
        let Some(member) = self.attended.as_ref().map(|attended| attended.member()) else { return Ok(()) };
        let beat = tokio::task::spawn_blocking(move || member.beat());
        beat.await.map_err(io::Error::other)?.map_err(io::Error::other)
    }

    /// One that is heard only when a test says so.
    #[cfg(test)]
    #[cfg(feature = "postgres")]
    pub fn by_hand(store: &Store) -> Cluster {
        Cluster::by_hand_as(store, Node::default())
    }

    /// The same of a server that tells others this of itself.
    #[cfg(test)]
    #[cfg(feature = "postgres")]
    pub fn by_hand_as(store: &Store, node: Node) -> Cluster {
        let figures = Telemetry::default().cluster().clone();
        let attended = Attended::by_hand(Member::new(store.clone(), node, figures).unwrap());
        Cluster { leaving: Arc::default(), attended: Some(Arc::new(attended)) }
    }

    /// Is heard. Blocks.
    #[cfg(test)]
    #[cfg(feature = "postgres")]
    pub fn beat(&self) {
        self.attended.as_ref().unwrap().member().beat().unwrap();
    }

    /// What tells it from the others, in the table `nodes`; nothing where there can be no others.
    pub fn id(&self) -> Option<i64> {
        Some(self.attended.as_ref()?.member().id())
    }

    /// Wants something to be done that one server does at a time. It is had once that says so.
    pub fn duty(&self, name: &str) -> Duty {
        if let Some(attended) = &self.attended {
            attended.want(name);
        }
        self.named(name)
    }

    /// Wants a share of something that is divided into groups, each of which one server does at a time. Groups are had once that says so.
    pub fn divided(&self, name: &str) -> Divided {
        if let Some(attended) = &self.attended {
            attended.want_share(name);
        }
        Divided(self.named(name))
    }

    fn named(&self, name: &str) -> Duty {
        Duty { member: self.attended.as_ref().map(|attended| attended.member()), name: name.into() }
    }

    /// How far behind a duty is, or that of its groups which is furthest; nothing where there can be no others, or it was never done.
    pub(super) fn behind(&self, duty: &str) -> Option<Duration> {
        self.attended.as_ref()?.member().behind(duty)
    }

    /// Who does it, and how far behind that is.
    pub(super) fn doer(&self, duty: &str) -> Doer {
        let Some(member) = self.attended.as_ref().map(|attended| attended.member()) else {
            return Doer::This;
        };
        if member.held(duty).is_some() { Doer::This } else { Doer::Another(member.behind(duty)) }
    }

    /// Says that this server is about to end, so that nobody sends it any more requests.
    pub fn retire(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Whether it is about to end.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Gives back whatever it has, and is not among the servers any more. Blocks.
    pub fn leave(&self) {
        self.retire();
        if let Some(attended) = &self.attended {
            attended.end();
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Which server does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// This one.
    This,
    /// Another one, or none now. How far behind it is, which grows by itself; nothing where it was never done.
    Another(Option<Duration>),
}

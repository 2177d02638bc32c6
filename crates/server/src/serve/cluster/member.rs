//! One server among others: says every two seconds that it is there, keeps the leases of its duties, and takes those that nobody keeps.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use super::node::Node;
use super::table::{self, Behind, Lease};
use crate::serve::clock::Clock;
use crate::serve::cluster_figures::ClusterFigures;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// How often it says that it is there.
const BEAT: Duration = Duration::from_secs(2);

/// For how long a lease is given, in milliseconds by the clock of the database.
pub const LEASE: i64 = 10_000;

/// How long ago a server was heard that counts as there, in milliseconds.
const GONE: i64 = 6_000;

/// How long before its end nothing more is begun, in milliseconds: others may count a little faster.
pub const MARGIN: i64 = 2_000;

/// What belongs to alerts; all else is for those who ask.
const OF_ALERTS: [&str; 3] = ["alerts", "outbox", "heartbeat"];

pub struct Member {
    store: Store,
    figures: ClusterFigures,
    id: i64,
    name: String,
    node: Node,
    /// What it wants to do, and what it has of that.
    duties: Mutex<BTreeMap<Arc<str>, Option<Held>>>,
    /// How far behind all duties were when it was last heard, whoever has them.
    behind: Mutex<(Moment, Vec<Behind>)>,
    /// Held while leases are asked for and given back, so that none comes back after it was given back. Whether this server has left.
    turn: Mutex<bool>,
}

/// A lease that was given to this server.
#[derive(Debug, Clone, Copy)]
struct Held {
    token: i64,
    /// Before it was last asked for.
    since: Moment,
    /// Up to when it is done, in milliseconds that the server has run.
    done: Option<i64>,
}

/// A moment by both clocks: a machine that was suspended knows it by one of them alone.
#[derive(Debug, Clone, Copy)]
struct Moment {
    ran: i64,
    wall: i64,
}

impl Moment {
    fn now(clock: &Clock) -> Moment {
        Moment { ran: clock.ran(), wall: clock.wall() }
    }

    /// Milliseconds since then, by the clock that has gone further.
    fn passed(self, clock: &Clock) -> i64 {
        let now = Moment::now(clock);
        (now.ran - self.ran).max(now.wall.saturating_sub(self.wall))
    }
}

impl Member {
    pub fn new(store: Store, node: Node, figures: ClusterFigures) -> io::Result<Member> {
        let random = getrandom::u64().map_err(io::Error::other)?;
        let id = i64::try_from(random >> 1).unwrap_or(1).max(1);
        let name = store.node().map_or_else(|| format!("{id:016x}"), str::to_owned);
        let behind = Mutex::new((Moment::now(&store.clock()), Vec::new()));
        Ok(Member {
            store,
            figures,
            id,
            name,
            node,
            duties: Mutex::default(),
            behind,
            turn: Mutex::new(false),
        })
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// Wants a duty, if it is one of those that this server does.
    pub fn want(&self, name: &str) {
        let duties = self.store.duties();
        let does = if OF_ALERTS.contains(&name) { duties.alerts } else { duties.http };
        if !does {
            return;
        }
        self.duties.lock().entry(name.into()).or_default();
    }

    /// The number of its token, while the duty may be done here.
    pub fn held(&self, name: &str) -> Option<i64> {
        let held = (*self.duties.lock().get(name)?)?;
        (held.since.passed(&self.store.clock()) < LEASE - MARGIN).then_some(held.token)
    }

    /// How far behind a duty is, or the furthest of its parts.
    pub fn behind(&self, name: &str) -> Option<Duration> {
        let behind = self.behind.lock();
        let is_part =
            |of: &str| of == name || of.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        let most = behind.1.iter().filter(|one| is_part(&one.name)).map(|one| one.millis).max()?;
        let passed = behind.0.passed(&self.store.clock());
        Some(Duration::from_millis(most.saturating_add(passed).max(0).unsigned_abs()))
    }

    pub fn done(&self, name: &str, behind: Duration) {
        let behind = i64::try_from(behind.as_millis()).unwrap_or(i64::MAX);
        if let Some(Some(held)) = self.duties.lock().get_mut(name) {
            held.done = Some(self.store.clock().ran().saturating_sub(behind));
        }
    }

    pub fn fence(&self, tx: &Tx<'_>, name: &str, token: i64) -> Result<(), StoreError> {
        if table::is_held(tx, name, token)? { Ok(()) } else { Err(self.forgets(name, token)) }
    }

    pub fn check(&self, tx: &Tx<'_>, name: &str, token: i64) -> Result<(), StoreError> {
        if table::is_last(tx, name, token)? { Ok(()) } else { Err(self.forgets(name, token)) }
    }

    /// Has a duty no more that another server was given.
    fn forgets(&self, name: &str, token: i64) -> StoreError {
        let mut duties = self.duties.lock();
        if let Some(held) = duties.get_mut(name).filter(|held| held.is_some_and(|held| held.token == token)) {
            *held = None;
            self.loses(name);
        }
        StoreError::Superseded
    }

    /// Says that it is there, keeps what it has and takes what nobody has. Blocks.
    pub fn beat(&self) -> Result<(), StoreError> {
        let left = self.turn.lock();
        if *left {
            return Ok(());
        }
        let since = Moment::now(&self.store.clock());
        let (wanted, behind) = self.wanted(since);
        let (leases, all) = self.store.apart(|tx| {
            // That of the store goes by the database already.
            let begun = self.store.clock().own();
            let clock = table::seen(tx, self.id, &self.name, &self.node, &self.does(), self.store.level())?;
            self.figures.clock.set((clock - begun.midpoint(self.store.clock().own())) as f64 / 1000.0);
            let nodes = table::nodes(tx, self.id, &self.node.credentials, GONE)?;
            self.figures.nodes.set(nodes.all);
            self.figures.strangers.set(nodes.strangers);
            self.store.condition().others_notify.store(nodes.notifying > 0, Ordering::Relaxed);
            let mut leases = table::renew(tx, self.id, &wanted, &behind, LEASE)?;
            let is_missing = |name: &&String| !leases.iter().any(|lease| lease.name == **name);
            let missing: Vec<String> = wanted.iter().filter(is_missing).cloned().collect();
            if !missing.is_empty() {
                leases.extend(table::acquire(tx, self.id, &missing, LEASE)?);
            }
            Ok((leases, table::behind(tx)?))
        })?;
        self.note(&leases, since);
        *self.behind.lock() = (since, all);
        Ok(())
    }

    /// What it does, in words.
    fn does(&self) -> String {
        let duties = self.store.duties();
        let notifies = (self.node.notifies && duties.alerts).then_some(table::NOTIFY);
        duties.names().chain(notifies).collect::<Vec<_>>().join(" ")
    }

    /// What it wants to do, and how far behind that is in milliseconds, or less than nothing where nobody has said it.
    fn wanted(&self, now: Moment) -> (Vec<String>, Vec<i64>) {
        let behind = |held: &Option<Held>| held.and_then(|held| held.done).map_or(-1, |done| now.ran - done);
        let duties = self.duties.lock();
        duties.iter().map(|(name, held)| (name.as_ref().to_owned(), behind(held))).unzip()
    }

    /// Notes what it has now.
    fn note(&self, leases: &[Lease], since: Moment) {
        for (name, held) in self.duties.lock().iter_mut() {
            let given = leases.iter().find(|lease| *lease.name == **name);
            match (given, *held) {
                (Some(given), Some(known)) if given.token == known.token => {}
                (Some(given), _) => {
                    self.figures.acquired.inc();
                    self.figures.taken_over.inc_by(given.taken_over.into());
                    tracing::info!(target: "librato_apply::serve", duty = %name, "this server does it from now on");
                }
                (None, Some(_)) => self.loses(name),
                (None, None) => {}
            }
            let done = held.filter(|known| given.is_some_and(|given| given.token == known.token));
            let done = done.and_then(|known| known.done);
            *held = given.map(|lease| Held { token: lease.token, since, done });
            self.figures.has(name, held.is_some());
        }
        let held = leases.len();
        self.figures.held.set(i64::try_from(held).unwrap_or(i64::MAX));
    }

    fn loses(&self, duty: &str) {
        self.figures.lost.inc();
        self.figures.has(duty, false);
        tracing::warn!(target: "librato_apply::serve", duty, "another server does it from now on, since this one was not heard");
    }

    /// Wants a duty no more, and lets others have it. Blocks.
    pub fn give_back(&self, name: &str) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        if self.duties.lock().remove(name).flatten().is_none() {
            return Ok(());
        }
        self.figures.has(name, false);
        self.store.apart(|tx| table::give_back(tx, self.id, &vec![name.to_owned()]))
    }

    /// Lets others have all it has, and is gone. Blocks.
    fn leave(&self) -> Result<(), StoreError> {
        let mut left = self.turn.lock();
        if std::mem::replace(&mut *left, true) {
            return Ok(());
        }
        let had = std::mem::take(&mut *self.duties.lock());
        let had: Vec<String> = had.into_keys().map(|name| name.as_ref().to_owned()).collect();
        self.store.apart(|tx| {
            table::give_back(tx, self.id, &had)?;
            table::gone(tx, self.id)
        })
    }
}

/// A member, and the thread on which it is heard.
pub struct Attended {
    member: Arc<Member>,
    thread: Mutex<Option<Beating>>,
}

struct Beating {
    /// When it is dropped the thread ends.
    wake: Sender<()>,
    thread: JoinHandle<()>,
}

impl Attended {
    pub fn begin(member: Member) -> io::Result<Attended> {
        let (wake, woken) = mpsc::channel();
        let member = Arc::new(member);
        let beating = Arc::clone(&member);
        let work = move || {
            let mut failing = false;
            loop {
                failing = match beating.beat() {
                    Ok(()) => false,
                    Err(error) => {
                        beating.figures.unheard.inc();
                        if !failing {
                            tracing::warn!(target: "librato_apply::serve", %error, "this server cannot be heard by the others; it is tried again");
                        }
                        true
                    }
                };
                if woken.recv_timeout(BEAT) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("cluster".to_owned()).spawn(work)?;
        Ok(Attended { member, thread: Mutex::new(Some(Beating { wake, thread })) })
    }

    /// Without the thread.
    #[cfg(test)]
    #[cfg(feature = "postgres")]
    pub fn by_hand(member: Member) -> Attended {
        Attended { member: Arc::new(member), thread: Mutex::new(None) }
    }

    pub fn member(&self) -> Arc<Member> {
        Arc::clone(&self.member)
    }

    /// Wants a duty, and asks for it at once.
    pub fn want(&self, name: &str) {
        self.member.want(name);
        if let Some(beating) = &*self.thread.lock() {
            let _ = beating.wake.send(());
        }
    }

    /// Blocks.
    pub fn end(&self) {
        if let Some(Beating { wake, thread }) = self.thread.lock().take() {
            drop(wake);
            let _ = thread.join();
        }
        if let Err(error) = self.member.leave() {
            tracing::warn!(target: "librato_apply::serve", %error, "what this server does could not be left to others; they wait until its time has run out");
        }
    }
}

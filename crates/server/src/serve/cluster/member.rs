//! One server among others: says that it is there, keeps the leases of its duties, and takes those that nobody keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use super::division::{self, Division};
use super::node::Node;
use super::table::{self, Behind, Lease};
use crate::serve::clock::Clock;
use crate::serve::cluster_figures::ClusterFigures;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

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
    /// The duties that it wants a share of. Locked before what it wants, where both are.
    divided: Mutex<BTreeMap<Arc<str>, Division>>,
    /// What it wants to do, by the names of the leases, and what it has of that.
    duties: Mutex<BTreeMap<Arc<str>, Option<Held>>>,
    /// How far behind all duties were when it was last heard, whoever has them.
    behind: Mutex<(Moment, Vec<Behind>)>,
    /// Held while leases are asked for and given back, so that none comes back after it was given back. Whether this server has left.
    turn: Mutex<bool>,
}

/// The most groups of a duty that this server has.
struct Most {
    duty: Arc<str>,
    groups: usize,
}

/// The word by which a server says that it wants a share of a duty.
fn sharing(duty: &str) -> String {
    format!("{duty}/")
}

/// Leases in words: the duties that they are of, with how many groups where these are divided.
fn in_words(leases: &[Arc<str>]) -> Vec<String> {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for name in leases {
        *groups.entry(division::duty(name)).or_default() += usize::from(name.contains('/'));
    }
    let words = |(duty, groups): (&str, usize)| match groups {
        0 => duty.to_owned(),
        groups => format!("{duty} ({groups} of its groups)"),
    };
    groups.into_iter().map(words).collect()
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
            divided: Mutex::default(),
            duties: Mutex::default(),
            behind,
            turn: Mutex::new(false),
        })
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// Notes that it could not be heard.
    pub fn is_unheard(&self) {
        self.figures.unheard.inc();
    }

    /// Wants a duty, if it is one of those that this server does.
    pub fn want(&self, name: &str) {
        if self.may(name) {
            self.duties.lock().entry(name.into()).or_default();
        }
    }

    /// The same of a share of one.
    pub fn want_share(&self, name: &str) {
        if self.may(name) {
            self.divided.lock().entry(name.into()).or_default();
        }
    }

    fn may(&self, name: &str) -> bool {
        let duties = self.store.duties();
        if OF_ALERTS.contains(&name) { duties.alerts } else { duties.http }
    }

    /// The number of its token, while the duty may be done here.
    pub fn held(&self, name: &str) -> Option<i64> {
        self.alive(*self.duties.lock().get(name)?)
    }

    /// Into how many groups a duty is divided, and the leases of those that may be done here with the numbers of their tokens, by group.
    pub fn share(&self, duty: &str) -> (i64, BTreeMap<i64, (Arc<str>, i64)>) {
        let groups = self.divided.lock().get(duty).map_or(1, |division| division.groups.max(1));
        let duties = self.duties.lock();
        let groups_of = duties.iter().filter_map(|(name, held)| {
            let group = division::group(duty, name).filter(|group| *group < groups)?;
            Some((group, (Arc::clone(name), self.alive(*held)?)))
        });
        (groups, groups_of.collect())
    }

    /// The number of a token, while others may not have it yet.
    fn alive(&self, held: Option<Held>) -> Option<i64> {
        held.filter(|held| held.since.passed(&self.store.clock()) < LEASE - MARGIN).map(|held| held.token)
    }

    /// How far behind a duty is, or the furthest of its groups.
    pub fn behind(&self, name: &str) -> Option<Duration> {
        let behind = self.behind.lock();
        let of_duty = behind.1.iter().filter(|one| division::duty(&one.name) == name);
        let most = of_duty.map(|one| one.millis).max()?;
        let passed = behind.0.passed(&self.store.clock());
        Some(Duration::from_millis(most.saturating_add(passed).max(0).unsigned_abs()))
    }

    /// The duty, or what this server has of it, is so far behind.
    pub fn done(&self, duty: &str, behind: Duration) {
        let behind = i64::try_from(behind.as_millis()).unwrap_or(i64::MAX);
        let done = self.store.clock().ran().saturating_sub(behind);
        let mut duties = self.duties.lock();
        let of_duty = duties.iter_mut().filter(|(name, _)| division::duty(name) == duty);
        of_duty.filter_map(|(_, held)| held.as_mut()).for_each(|held| held.done = Some(done));
    }

    /// Refuses a transaction where one of these leases was given to another server, as the numbers of the tokens tell.
    pub fn fence(&self, tx: &Tx<'_>, tokens: &[(&str, i64)]) -> Result<(), StoreError> {
        let (names, numbers): (Vec<String>, Vec<i64>) =
            tokens.iter().map(|(name, number)| ((*name).to_owned(), *number)).unzip();
        let held = table::held(tx, &names, &numbers)?;
        let lost: Vec<(&str, i64)> =
            tokens.iter().filter(|(name, _)| !held.iter().any(|held| held == name)).copied().collect();
        if lost.is_empty() { Ok(()) } else { Err(self.forgets(&lost)) }
    }

    pub fn check(&self, tx: &Tx<'_>, name: &str, token: i64) -> Result<(), StoreError> {
        if table::is_last(tx, name, token)? { Ok(()) } else { Err(self.forgets(&[(name, token)])) }
    }

    /// Has leases no more that another server was given.
    fn forgets(&self, lost: &[(&str, i64)]) -> StoreError {
        let mut gone = Vec::new();
        let mut duties = self.duties.lock();
        for (name, token) in lost {
            let held = duties.get_mut(*name);
            if let Some(held) = held.filter(|held| held.is_some_and(|held| held.token == *token)) {
                *held = None;
                gone.push(Arc::from(*name));
            }
        }
        drop(duties);
        self.loses(&gone);
        StoreError::Superseded
    }

    /// Says that it is there, keeps what it has and takes what nobody has. Blocks.
    pub fn beat(&self) -> Result<(), StoreError> {
        let left = self.turn.lock();
        if *left {
            return Ok(());
        }
        let since = Moment::now(&self.store.clock());
        // After a failover all leases have run out, and whoever is the first to be heard again leaves the others the time to keep theirs.
        let was_heard = self.behind.lock().0.passed(&self.store.clock()) < GONE;
        let divided: Vec<Arc<str>> = self.divided.lock().keys().cloned().collect();
        let (leases, shares, all) = self.store.apart(|tx| {
            // That of the store goes by the database already.
            let begun = self.store.clock().own();
            let clock = table::seen(tx, self.id, &self.name, &self.node, &self.does(), self.store.level())?;
            self.figures.clock.set((clock - begun.midpoint(self.store.clock().own())) as f64 / 1000.0);
            let nodes = table::nodes(tx, self.id, &self.node.credentials, GONE)?;
            self.figures.nodes.set(nodes.all);
            self.figures.strangers.set(nodes.strangers);
            self.store.condition().others_notify.store(nodes.notifying > 0, Ordering::Relaxed);
            let shares = divided.iter().map(|duty| self.divide(tx, duty)).collect::<Result<Vec<_>, _>>()?;
            Ok((self.leases(tx, since, &shares, was_heard)?, shares, table::behind(tx)?))
        })?;
        self.note(&leases, since);
        shares.iter().for_each(|share| self.note_surplus(share, &leases));
        self.note_behind(since, all);
        Ok(())
    }

    /// Finds out which groups there are of a duty, all of which it wants then, and how many of them are its share.
    fn divide(&self, tx: &Tx<'_>, duty: &Arc<str>) -> Result<Most, StoreError> {
        let (groups, servers) = table::division(tx, &sharing(duty), GONE)?;
        let names = division::names(duty, groups);
        let mut divided = self.divided.lock();
        if let Some(division) = divided.get_mut(duty) {
            division.groups = groups;
            let mut duties = self.duties.lock();
            duties
                .retain(|name, _| division::duty(name) != &**duty || names.iter().any(|one| **one == **name));
            names.iter().for_each(|name| _ = duties.entry(name.as_str().into()).or_default());
        }
        Ok(Most { duty: Arc::clone(duty), groups: division::share(groups, servers) })
    }

    /// Keeps the leases that it has, and takes those that nobody has, of duties that are divided up to its share.
    fn leases(
        &self,
        tx: &Tx<'_>,
        since: Moment,
        shares: &[Most],
        was_heard: bool,
    ) -> Result<Vec<Lease>, StoreError> {
        let (wanted, behind) = self.wanted(since);
        let mut leases = table::renew(tx, self.id, &wanted, &behind, LEASE)?;
        let mut missing = wanted;
        missing.retain(|name| !leases.iter().any(|lease| lease.name == *name));
        for Most { duty, groups } in shares {
            let is_of_duty = |name: &str| division::duty(name) == &**duty;
            let groups_missing: Vec<String> = missing.extract_if(.., |name| is_of_duty(name)).collect();
            let has = leases.iter().filter(|lease| is_of_duty(&lease.name)).count();
            if was_heard && !groups_missing.is_empty() && has < *groups {
                leases.extend(table::acquire(tx, self.id, &groups_missing, LEASE, groups - has)?);
            }
        }
        if !missing.is_empty() {
            leases.extend(table::acquire(tx, self.id, &missing, LEASE, missing.len())?);
        }
        Ok(leases)
    }

    /// What it does, in words.
    fn does(&self) -> String {
        let duties = self.store.duties();
        let notifies = (self.node.notifies && duties.alerts).then_some(table::NOTIFY);
        let mut words: Vec<String> = duties.names().chain(notifies).map(str::to_owned).collect();
        words.extend(self.divided.lock().keys().map(|duty| sharing(duty)));
        words.join(" ")
    }

    /// What it wants to do, and how far behind that is in milliseconds, or less than nothing where nobody has said it.
    fn wanted(&self, now: Moment) -> (Vec<String>, Vec<i64>) {
        let behind = |held: &Option<Held>| held.and_then(|held| held.done).map_or(-1, |done| now.ran - done);
        let duties = self.duties.lock();
        duties.iter().map(|(name, held)| (name.as_ref().to_owned(), behind(held))).unzip()
    }

    /// Notes what it has now.
    fn note(&self, leases: &[Lease], since: Moment) {
        let (mut new, mut lost) = (Vec::new(), Vec::new());
        let mut duties = self.duties.lock();
        for (name, held) in duties.iter_mut() {
            let given = leases.iter().find(|lease| *lease.name == **name);
            match (given, *held) {
                (Some(given), Some(known)) if given.token == known.token => {}
                (Some(given), _) => {
                    self.figures.acquired.inc();
                    self.figures.taken_over.inc_by(given.taken_over.into());
                    new.push(Arc::clone(name));
                }
                (None, Some(_)) => lost.push(Arc::clone(name)),
                (None, None) => {}
            }
            let done = held.filter(|known| given.is_some_and(|given| given.token == known.token));
            let done = done.and_then(|known| known.done);
            *held = given.map(|lease| Held { token: lease.token, since, done });
        }
        drop(duties);
        for duty in in_words(&new) {
            tracing::info!(target: "librato_apply::serve", %duty, "this server does it from now on");
        }
        self.loses(&lost);
        self.show();
    }

    /// Others were given these leases.
    fn loses(&self, leases: &[Arc<str>]) {
        self.figures.lost.inc_by(leases.len() as u64);
        for duty in in_words(leases) {
            tracing::warn!(target: "librato_apply::serve", %duty, "another server does it from now on, since this one was not heard");
        }
        self.show();
    }

    /// Shows what it has.
    fn show(&self) {
        let mut count: BTreeMap<&str, i64> = BTreeMap::new();
        let duties = self.duties.lock();
        for (name, held) in duties.iter() {
            *count.entry(division::duty(name)).or_default() += i64::from(held.is_some());
        }
        self.figures.held.set(count.values().sum());
        count.iter().for_each(|(duty, count)| self.figures.has(duty, *count));
    }

    /// Notes which group it has beyond its share.
    fn note_surplus(&self, Most { duty, groups }: &Most, leases: &[Lease]) {
        let has: BTreeSet<i64> =
            leases.iter().filter_map(|lease| division::group(duty, &lease.name)).collect();
        if let Some(division) = self.divided.lock().get_mut(duty) {
            division.surplus = has.last().filter(|_| has.len() > *groups).copied();
        }
    }

    fn note_behind(&self, since: Moment, all: Vec<Behind>) {
        *self.behind.lock() = (since, all);
        let duties: BTreeSet<String> =
            self.behind.lock().1.iter().map(|one| division::duty(&one.name).to_owned()).collect();
        for duty in duties {
            self.figures.is_behind(&duty, self.behind(&duty).unwrap_or_default());
        }
    }

    /// A group of a duty that is beyond its share, once after each beat.
    pub fn take_surplus(&self, duty: &str) -> Option<i64> {
        self.divided.lock().get_mut(duty)?.surplus.take()
    }

    /// Lets others have a group of a duty. Blocks.
    pub fn let_go(&self, duty: &str, group: i64) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        let mut duties = self.duties.lock();
        let of_group = duties.iter_mut().filter(|(name, _)| division::group(duty, name) == Some(group));
        let had: Vec<String> =
            of_group.filter_map(|(name, held)| held.take().map(|_| name.as_ref().to_owned())).collect();
        drop(duties);
        self.show();
        if had.is_empty() { Ok(()) } else { self.store.apart(|tx| table::give_back(tx, self.id, &had)) }
    }

    /// Wants a duty no more, or none of its groups, and lets others have it. Blocks.
    pub fn give_back(&self, duty: &str) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        let had_share = self.divided.lock().remove(duty).is_some();
        let mut duties = self.duties.lock();
        let gone = duties.extract_if(.., |name, _| division::duty(name) == duty);
        let had: Vec<String> =
            gone.filter_map(|(name, held)| held.map(|_| name.as_ref().to_owned())).collect();
        drop(duties);
        self.figures.has(duty, 0);
        self.show();
        if had.is_empty() && !had_share {
            return Ok(());
        }
        self.store.apart(|tx| {
            table::does(tx, self.id, &self.does())?;
            table::give_back(tx, self.id, &had)
        })
    }

    /// Lets others have all it has, and is gone. Blocks.
    pub fn leave(&self) -> Result<(), StoreError> {
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

//! The condition a store is in, as the log, `/readyz` and `/metrics` tell it: whether it can be written, what was found
//! damaged, how the clock stands. Shared by the threads of the store; decides nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::changes::Changes;
use super::damage::Damage;
use super::epoch::Epoch;
use super::error::Trouble;
use super::flow::{Flow, Settled, Waiting};
use super::lists::Lists;
use super::pressure::{Level, Pressure};
use super::room::Room;
use super::sqlite::reserve::Reserve;
use super::standbys::{Found, News, Standbys};
use crate::serve::Clock;
use crate::serve::tsdb::aging::Aging;

/// Free pages in the file with which it can do for a while.
const ROOM: i64 = 1024;

/// Bytes that the history of alerts may take where no one says.
const HISTORY: u64 = 256_000_000;

#[derive(Debug, Default)]
pub struct Condition {
    pub clock: Clock,
    /// `None` for data in memory.
    pub reserve: Option<Reserve>,
    /// How far the limit of the disk is used.
    pub room: Room,
    /// Why nothing can be written.
    trouble: Mutex<Option<Trouble>>,
    /// What readers found damaged and what is not set aside yet.
    noticed: Mutex<BTreeSet<Damage>>,
    /// Packed values that were set aside.
    pub damaged: AtomicI64,
    /// Blocks of an older version that are still to become pages.
    pub blocks: AtomicI64,
    /// How measurements age.
    aging: RwLock<Aging>,
    /// Points that outlived the last tier.
    pub dropped: AtomicU64,
    /// Seconds by which the clock is further ahead of the last time seen than the process has run.
    pub clock_ahead: AtomicI64,
    /// Whether measurements do not age by the clock, since it is not believed.
    pub clock_doubted: AtomicI64,
    /// Ends when what is remembered of the data is wrong.
    pub epoch: Epoch,
    /// What was written lately.
    pub changes: Changes,
    /// Steps of the maintenance that failed.
    pub failures: AtomicU64,
    /// How far someone has read the journal.
    pub followed: Followed,
    /// What goes into the journal by lanes.
    pub flow: Flow,
    /// What of it waits, against what may.
    pub pressure: Pressure,
    /// What is remembered of lists, where the database gives them states.
    pub lists: Option<Lists>,
    /// Who follows the database.
    pub standbys: Standbys,
    /// Statements of requests.
    pub statements: AtomicU64,
    /// Bytes that the history of alerts may take.
    pub history: AtomicU64,
    /// How much of it went before its time, for the sake of these.
    pub history_dropped: AtomicU64,
    /// Whether another server of the same database notifies.
    pub others_notify: Arc<AtomicBool>,
    /// Transactions that were done again since others came in between.
    pub repeats: AtomicU64,
    /// Transactions whose connection broke.
    pub breaks: AtomicU64,
    /// Transactions whose commit was not answered, by what was found out.
    pub settled: Settled,
    /// Transactions that had to wait for a connection.
    pub waits: AtomicU64,
}

/// The last row of the journal that someone who follows it has read; everything where no one does.
#[derive(Debug)]
pub struct Followed(AtomicI64);

impl Default for Followed {
    fn default() -> Followed {
        Followed(AtomicI64::new(i64::MAX))
    }
}

impl Followed {
    pub fn set(&self, row: i64) {
        self.0.store(row, Ordering::Release);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Condition {
    pub fn new(clock: Clock, reserve: Option<Reserve>) -> Condition {
        Condition { clock, reserve, history: AtomicU64::new(HISTORY), ..Condition::default() }
    }

    pub fn trouble(&self) -> Option<Trouble> {
        *self.trouble.lock()
    }

    /// Remembers why nothing can be written, and logs it unless that is known.
    pub fn fails(&self, trouble: Trouble) {
        let mut known = self.trouble.lock();
        if *known != Some(trouble) {
            *known = Some(trouble);
            tracing::error!(target: "librato_apply::serve", "nothing can be written: {}", trouble.reason());
            if let Some(reserve) = self.reserve.as_ref().filter(|_| trouble == Trouble::Full) {
                reserve.give_up();
            }
        }
    }

    /// Something was written. After a full disk that is no recovery yet: there must be room on the disk again, or in the
    /// file, where something was deleted; `free` counts its free pages.
    pub fn wrote(&self, free: impl Fn() -> Option<i64>) {
        let has_room = || {
            let held = self.reserve.as_ref().is_none_or(Reserve::hold);
            held || free().is_some_and(|pages| pages >= ROOM)
        };
        match self.trouble() {
            None => return,
            Some(Trouble::Full) if !has_room() => return,
            Some(_) => {}
        }
        if self.trouble.lock().take().is_some() {
            tracing::warn!(target: "librato_apply::serve", "data can be written again");
        }
    }

    /// So much waits in the journal of a database.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn journal_waits(&self, waiting: Waiting) {
        self.flow.waits(waiting);
        self.tell(self.pressure.waits(waiting.bytes));
    }

    /// These standbys follow the database now.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn standbys_are(&self, found: Found) {
        self.tell(self.pressure.is_behind(found.behind));
        match self.standbys.see(found) {
            None => {}
            Some(News::None) => {
                tracing::warn!(target: "librato_apply::serve", "the database knows no synchronous standby: unless its disk is on several machines, what is acknowledged is on one alone");
            }
            Some(News::Lost) => {
                tracing::warn!(target: "librato_apply::serve", "the database has lost its synchronous standby: what is acknowledged is on one machine alone, or nothing is");
            }
            Some(News::Back) => {
                tracing::info!(target: "librato_apply::serve", "the database has a synchronous standby");
            }
        }
    }

    fn tell(&self, pressure: Option<Level>) {
        let waiting = self.flow.waiting().bytes;
        match (pressure, self.pressure.reason()) {
            (None, _) => {}
            (Some(_), Some(why)) => {
                tracing::error!(target: "librato_apply::serve", waiting, "measurements are refused: {why}");
            }
            (Some(Level::Soft), None) => {
                tracing::warn!(target: "librato_apply::serve", waiting, "measurements are stored more slowly, since more than --journal-soft wait in the database to be compacted");
            }
            (Some(_), None) => {
                tracing::info!(target: "librato_apply::serve", waiting, "measurements are stored at full speed again");
            }
        }
    }

    pub fn notice(&self, damage: Vec<Damage>) {
        if !damage.is_empty() {
            self.noticed.lock().extend(damage);
        }
    }

    /// What was noticed since it was last taken.
    pub fn take_noticed(&self) -> BTreeSet<Damage> {
        std::mem::take(&mut *self.noticed.lock())
    }

    pub fn aging(&self) -> Aging {
        *self.aging.read()
    }

    pub fn set_aging(&self, aging: Aging) {
        *self.aging.write() = aging;
    }

    pub fn set_clock(&self, ahead: i64, doubted: bool) {
        self.clock_ahead.store(ahead, Ordering::Relaxed);
        self.clock_doubted.store(doubted.into(), Ordering::Relaxed);
    }
}

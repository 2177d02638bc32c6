//! What keeps the tables of measurements in order, apart from when: the steps of `compact` by a horizon that no wrong clock moves, which all
//! servers of a database share, and what is kept for a time only.

use std::sync::atomic::Ordering;

use super::super::aging;
use super::compact::{self, Done, Time};
use super::{follow, history, pages, table, waiting};
use crate::serve::store::condition::Condition;
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::upkeep::{Keeper, Upkeep};
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::horizon::{Clockwork, Horizon};
use crate::serve::tsdb::retention::Retention;
use crate::serve::tsdb::tier::TIERS;

/// How often the time is written down and what is too old is deleted, in milliseconds.
const REMEMBERED: i64 = 5000;
/// How often windows are looked at, in milliseconds.
const LOOKED_AT: i64 = 60_000;
/// How often it is looked whether the history of alerts takes too much room, in milliseconds.
const MEASURED: i64 = 60_000;

/// How often it is looked how much waits in the journal, in milliseconds, by a server that compacts it: just less than a round takes, so that one
/// server alone looks in each. The others wait for such a server, and for none that is not there.
const LOOKED_AT_JOURNAL: i64 = 900;
const UNMAINTAINED: i64 = 5_000;

/// How often whoever compacts asks at least how much waits.
const MEASURED_JOURNAL: i64 = 2_000;

/// What one server does of it.
pub struct Maintenance {
    accept_clock: bool,
    /// For how long measurements are to be kept, where this server was told.
    retention: Option<Retention>,
    /// As it was last written down, and how long the process had run then.
    horizon: Option<Horizon>,
    ran: i64,
    /// How long it had run when windows were last looked at.
    looked: Option<i64>,
    /// The same of the history of alerts.
    measured: Option<i64>,
}

/// Over a database that is open; `accept_clock` vouches for the clock as it is.
pub fn begin(condition: &Condition, accept_clock: bool, retention: Option<Retention>) -> Box<dyn Upkeep> {
    let (ran, horizon) = (condition.clock.ran(), None);
    Box::new(Maintenance { accept_clock, retention, horizon, ran, looked: None, measured: None })
}

impl Upkeep for Maintenance {
    fn begin(&mut self, keeper: &Keeper<'_>) -> Result<(), StoreError> {
        let wall = keeper.condition().clock.wall();
        let wanted = self.retention;
        let (aging, changed) = keeper.write(|tx| {
            let now = table::horizon(tx, wall)?.0.min(wall).div_euclid(1000);
            let changed = wanted.map(|wanted| aging::change(tx, wanted, now)).transpose()?.flatten();
            Ok((aging::read(tx)?, changed))
        })?;
        if let Some(changed) = changed {
            changed.tell();
        }
        keeper.condition().set_aging(aging);
        Ok(())
    }

    fn round(&mut self, keeper: &Keeper<'_>) -> Result<(), StoreError> {
        let clock = &keeper.condition().clock;
        let (wall, ran) = (clock.wall(), clock.ran());
        let horizon = self.horizon(keeper, wall, ran)?;
        let aging = keeper.condition().aging();
        let now = Time { wall: wall.div_euclid(1000), horizon: horizon.now(wall), aging };
        let due_parts = due(keeper, now)?;
        if !keeper.maintains() {
            return Ok(());
        }
        for part in due_parts {
            let mut known = clock.ran();
            while let Some(done) = keeper.write(|tx| compact::compact(tx, part, now))? {
                tell(keeper, done);
                if !done.more {
                    break;
                }
                // Who has much to do must not be the last to know how much it is.
                if clock.ran() - known >= MEASURED_JOURNAL {
                    due(keeper, now)?;
                    known = clock.ran();
                }
            }
        }
        if self.looked.is_some_and(|at| ran - at < LOOKED_AT) {
            return Ok(());
        }
        self.looked = Some(ran);
        for part in keeper.read(table::parts)? {
            for window in keeper.read(|tx| compact::windows_due(tx, part, now))? {
                if let Some(done) = keeper.write(|tx| compact::tidy(tx, part, window, now))? {
                    tell(keeper, done);
                    // What was moved may be merged where it is now.
                    self.looked = None;
                }
            }
        }
        Ok(())
    }
}

impl Maintenance {
    /// Lets the horizon go on with the clock, as far as that is believed, and writes it down when that is due. One server does, and deletes what is
    /// too old; the others go by what it wrote.
    fn horizon(&mut self, keeper: &Keeper<'_>, wall: i64, ran: i64) -> Result<Horizon, StoreError> {
        let passed = ran - self.ran;
        if let Some(horizon) = self.horizon.filter(|_| passed < REMEMBERED) {
            return Ok(horizon);
        }
        let accept = std::mem::take(&mut self.accept_clock);
        let measure = self.measured.is_none_or(|at| ran - at >= MEASURED);
        let (most, maintains) = (keeper.condition().history.load(Ordering::Relaxed), keeper.maintains());
        let (horizon, found, gone, aging) = keeper.write(|tx| {
            // Another server may have been told otherwise since.
            let aging = aging::read(tx)?;
            let is_turn = maintains && history::take_turn(tx, wall, REMEMBERED)?;
            let (seen, held) = table::horizon(tx, wall)?;
            let mut horizon = Horizon::new(seen, held, accept);
            if !is_turn && !accept {
                let found = if held > 0 { Clockwork::Ahead } else { Clockwork::Believed };
                return Ok((horizon, found, None, aging));
            }
            let found = horizon.tick(wall, passed, || next_due(tx, &aging))?;
            table::remember(tx, horizon.seen, horizon.held)?;
            history::forget_old(tx, horizon.seen / 1000)?;
            follow::forget(tx, wall / 1000)?;
            let gone = if measure { Some(history::bound(tx, most)?) } else { None };
            Ok((horizon, found, gone, aging))
        })?;
        (self.ran, self.horizon) = (ran, Some(horizon));
        keeper.condition().set_aging(aging);
        if let Some(gone) = gone {
            self.measured = Some(ran);
            keeper.condition().history_dropped.fetch_add(gone, Ordering::Relaxed);
        }
        keeper.condition().set_clock((wall - horizon.seen) / 1000, found != Clockwork::Believed);
        Ok(horizon)
    }
}

/// The time at which the next window ages, in milliseconds.
fn next_due(tx: &Tx<'_>, aging: &Aging) -> Result<Option<i64>, StoreError> {
    let mut next = None;
    for tier in TIERS {
        let oldest = pages::oldest(tx, tier)?;
        next =
            oldest.map(|start| aging.due((tier, start)).saturating_mul(1000)).into_iter().chain(next).min();
    }
    Ok(next)
}

/// Notes what waits in the journal. The parts in which it is to be compacted, where this server has looked.
fn due(keeper: &Keeper<'_>, now: Time) -> Result<Vec<i64>, StoreError> {
    let every = if keeper.maintains() { LOOKED_AT_JOURNAL } else { UNMAINTAINED };
    let wall = keeper.condition().clock.wall();
    let (found, parts) = keeper.write(|tx| waiting::look(tx, now, wall, every))?;
    keeper.condition().journal_waits(found);
    Ok(parts)
}

fn tell(keeper: &Keeper<'_>, Done { dropped, .. }: Done) {
    if dropped > 0 {
        keeper.condition().dropped.fetch_add(dropped, Ordering::Relaxed);
        tracing::info!(target: "librato_apply::serve", "dropped {dropped} points that are older than what is kept");
    }
}

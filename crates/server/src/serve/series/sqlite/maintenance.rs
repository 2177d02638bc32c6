//! What keeps the file in order, apart from when: the steps of `compact` by a horizon that no wrong clock moves,
//! setting aside what is damaged, and remembering the time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::super::aging;
use super::compact::{self, Time};
use super::damage;
use super::history::{self, forget_old};
use super::older;
use super::origin::Origin;
use super::write::{self, Work};
use crate::serve::store::Opening;
use crate::serve::store::condition::Condition;
use crate::serve::store::damage::{Damage, watch};
use crate::serve::store::error::{StoreError, Trouble};
use crate::serve::store::room::Headroom;
use crate::serve::store::sqlite::contents::{Job, Worked, Write};
use crate::serve::store::sqlite::open::on_any_disk;
use crate::serve::store::sqlite::properties::Property;
use crate::serve::store::sqlite::session::Session;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::horizon::{Clockwork, Horizon};

/// The last time of day that was believed, in milliseconds since the epoch; schema 5 takes it from the measurements of
/// older files.
const LAST_SEEN: Property<i64> = Property::new("last_seen_ms");
/// For how many milliseconds the clock has been too far off to be believed.
const CLOCK_HELD: Property<i64> = Property::new("clock_held_ms");

/// How often the time is written down, in milliseconds.
const REMEMBERED: i64 = 5000;
/// How often it is looked whether the history of alerts takes too much room, in milliseconds.
const MEASURED: i64 = 600_000;
/// Each time after so many blocks it is said how many there are left.
const MAX_REPORTED: i64 = 100_000;
/// Free pages of the file from which on it gives some back, and how many at a time.
const FREE: i64 = 4096;
/// Sizes of clock errors are told from a minute on.
const MINUTE: i64 = 60_000;

pub struct Maintenance {
    condition: Arc<Condition>,
    state: Mutex<State>,
}

struct State {
    horizon: Horizon,
    /// How long the process had run at the last tick, and when the time was last written down.
    ran: i64,
    remembered: Option<i64>,
    /// When the history of alerts was last measured.
    measured: i64,
    clock: Clockwork,
}

/// How measurements age, from now on as whoever opens the file decides.
pub fn aging(connection: &Connection, opening: &Opening) -> Result<Aging, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let tx = Tx::on_sqlite(Session(&transaction), Aging::default());
    if let Some(wanted) = opening.retention {
        let wall = opening.clock.wall();
        let seen = LAST_SEEN.get(&transaction)?.unwrap_or(wall).min(wall);
        if let Some(changed) = aging::change(&tx, wanted, seen.div_euclid(1000))? {
            transaction.commit()?;
            changed.tell();
            return Ok(changed.aging);
        }
    }
    aging::read(&tx)
}

/// Over a file that is open; `accept_clock` vouches for the clock as it is.
pub fn begin(
    connection: &Connection,
    condition: Arc<Condition>,
    accept_clock: bool,
) -> rusqlite::Result<Arc<dyn Job>> {
    Ok(Arc::new(Maintenance::over(connection, condition, accept_clock)?))
}

impl Maintenance {
    fn over(
        connection: &Connection,
        condition: Arc<Condition>,
        accept_clock: bool,
    ) -> rusqlite::Result<Maintenance> {
        let (wall, ran) = (condition.clock.wall(), condition.clock.ran());
        let seen = match LAST_SEEN.get(connection)? {
            Some(seen) => seen,
            None => {
                on_any_disk(LAST_SEEN.set(connection, &wall))?;
                wall
            }
        };
        let held = CLOCK_HELD.get(connection)?.unwrap_or(0);
        let horizon = Horizon::new(seen, held, accept_clock);
        let blocks = older::left(connection)?;
        condition.blocks.store(blocks, Ordering::Relaxed);
        if blocks > 0 {
            tracing::info!(target: "librato_apply::serve", "{blocks} blocks of an older version become pages, while everything goes on");
        }
        condition.damaged.store(damage::count_set_aside(connection)?, Ordering::Relaxed);
        let state = State { horizon, ran, remembered: None, measured: ran, clock: Clockwork::Believed };
        let maintenance = Maintenance { condition, state: Mutex::new(state) };
        maintenance.tick(connection)?;
        Ok(maintenance)
    }

    /// How much the data take. Pages of the file that are free are room.
    fn measure(&self, connection: &Connection) -> rusqlite::Result<()> {
        let count = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let used = (count("page_count")? - count("freelist_count")?).saturating_mul(count("page_size")?);
        match self.condition.room.measured(u64::try_from(used).unwrap_or(0)) {
            Some(Headroom::Near) => {
                tracing::warn!(target: "librato_apply::serve", "the data take nine tenths of what they may (--max-disk)");
            }
            Some(Headroom::Reached) => {
                tracing::error!(target: "librato_apply::serve", "the data take all that they may (--max-disk): measurements, events and snapshots are refused until a twentieth is free");
            }
            Some(Headroom::Enough) => {
                tracing::info!(target: "librato_apply::serve", "the data take less than nine tenths of what they may again");
            }
            None => {}
        }
        Ok(())
    }

    fn set_aside(&self, damage: Damage, now: i64) -> Write {
        let condition = Arc::clone(&self.condition);
        Box::new(move |connection| {
            if let Some(told) = damage::set_aside(damage, connection, now)? {
                if damage.table == Origin::Series.table() {
                    condition.epoch.advance();
                }
                condition.damaged.fetch_add(1, Ordering::Relaxed);
                tracing::error!(target: "librato_apply::serve", "set aside as damaged: {told}; everything else goes on");
            }
            Ok(())
        })
    }
}

impl Maintenance {
    fn written(&self, work: Work) -> Write {
        let condition = Arc::clone(&self.condition);
        Box::new(move |connection| {
            write::write(connection, &work)?;
            if !work.blocks.is_empty() {
                let done = i64::try_from(work.blocks.len()).unwrap_or(i64::MAX);
                let left = condition.blocks.fetch_sub(done, Ordering::Relaxed) - done;
                if left <= 0 || left / MAX_REPORTED != (left + done) / MAX_REPORTED {
                    tracing::info!(target: "librato_apply::serve", "blocks of an older version become pages: {} to go", left.max(0));
                }
            }
            Ok(())
        })
    }
}

impl Job for Maintenance {
    /// Lets the horizon go on with the clock, as far as that is believed.
    fn tick(&self, connection: &Connection) -> rusqlite::Result<()> {
        let clock = &self.condition.clock;
        let (wall, ran) = (clock.wall(), clock.ran());
        let mut state = self.state.lock();
        let (before, passed) = (state.clock, ran - state.ran);
        state.ran = ran;
        if let Some(reserve) = self.condition.reserve.as_ref().filter(|_| self.condition.trouble().is_none())
        {
            reserve.hold();
        }
        self.measure(connection)?;
        let due = || {
            compact::next_due(connection, &self.condition.aging())
                .map(|due| due.map(|due| due.saturating_mul(1000)))
        };
        state.clock = state.horizon.tick(wall, passed, due)?;
        let (ahead, found) = (wall - state.horizon.seen, state.clock);
        self.condition.set_clock(ahead / 1000, found != Clockwork::Believed);
        if found != before || found == Clockwork::Share {
            tell(found, wall, ahead);
        }
        Ok(())
    }

    /// The write that remembers the time, when that is due or `closing`.
    fn remember(&self, closing: bool) -> Option<Write> {
        let mut state = self.state.lock();
        let due = state.remembered.is_none_or(|at| state.ran - at >= REMEMBERED);
        if !due && !closing {
            return None;
        }
        state.remembered = Some(state.ran);
        let Horizon { seen, held, .. } = state.horizon;
        let measures = state.ran - state.measured >= MEASURED;
        if measures {
            state.measured = state.ran;
        }
        let condition = Arc::clone(&self.condition);
        Some(Box::new(move |connection| {
            forget_old(connection, seen / 1000)?;
            if measures {
                let gone = history::bound(connection, condition.history.load(Ordering::Relaxed))?;
                condition.history_dropped.fetch_add(gone, Ordering::Relaxed);
            }
            LAST_SEEN.set(connection, &seen)?;
            CLOCK_HELD.set(connection, &held)?;
            // On a full disk what is free is room.
            if condition.trouble().is_none() { give_back(connection, closing) } else { Ok(()) }
        }))
    }

    /// The next step, with what is damaged set aside before it.
    fn step(&self, connection: &Connection, closing: bool) -> Result<Option<Worked>, StoreError> {
        // What room is left is for deleting.
        if self.condition.trouble() == Some(Trouble::Full) && !closing {
            return Ok(None);
        }
        let wall = self.condition.clock.wall();
        let horizon = self.state.lock().horizon.now(wall);
        let followed = self.condition.followed.get();
        let aging = self.condition.aging();
        let now = Time { wall: wall.div_euclid(1000), horizon, aging, followed };
        let (work, found) = watch(|| compact::step(connection, now, closing));
        self.condition.notice(found);
        let mut writes: Vec<Write> = Vec::new();
        for damage in self.condition.take_noticed() {
            writes.push(self.set_aside(damage, now.wall));
        }
        let work = match work {
            Err(error) if writes.is_empty() => return Err(error),
            work => work.ok().flatten(),
        };
        let behind = work.as_ref().is_some_and(|work| work.behind);
        let dropped = work.as_ref().map_or(0, |work| work.dropped);
        if let Some(work) = work {
            writes.push(self.written(work));
        }
        if dropped > 0 {
            let condition = Arc::clone(&self.condition);
            writes.push(Box::new(move |_| {
                condition.dropped.fetch_add(dropped, Ordering::Relaxed);
                tracing::info!(target: "librato_apply::serve", "dropped {dropped} points that are older than what is kept");
                Ok(())
            }));
        }
        Ok((!writes.is_empty()).then_some(Worked { writes, behind }))
    }
}

/// Gives back pages of the file that are free, more of them when `closing`. Nothing comes of it in a file of schema 9 or before.
fn give_back(connection: &Connection, closing: bool) -> Result<(), StoreError> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let some = if closing { free.min(4 * FREE) } else { (free - FREE).clamp(0, FREE) };
    if some > 0 {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({some})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// Says how the clock stands.
fn tell(clock: Clockwork, wall: i64, ahead: i64) {
    let shown = jiff::Timestamp::from_millisecond(wall)
        .map_or_else(|_| wall.to_string(), |time| time.strftime("%F %T UTC").to_string());
    let apart = apart(ahead.abs());
    let told = match clock {
        Clockwork::Believed => {
            tracing::info!(target: "librato_apply::serve", "measurements age by the clock, which says {shown}");
            return;
        }
        Clockwork::Ahead => format!(
            "the clock says {shown}, {apart} after the last time seen: nothing is rolled up or dropped for its sake until it has held for a day; if it is right, start with --accept-clock"
        ),
        Clockwork::Behind => {
            format!(
                "the clock says {shown}, {apart} before the last time seen: nothing ages until it comes near"
            )
        }
        Clockwork::Share => {
            format!(
                "the clock has held or was accepted: measurements age by a day's worth, with {apart} to go"
            )
        }
    };
    tracing::warn!(target: "librato_apply::serve", "{told}");
}

fn apart(milliseconds: i64) -> String {
    match milliseconds / MINUTE {
        minutes if minutes >= 2 * 1440 => format!("{} days", minutes / 1440),
        minutes if minutes >= 120 => format!("{} hours", minutes / 60),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::serve::Clock;
    use crate::serve::series::points::Reader;
    use crate::serve::series::sqlite::{Sqlite, testing};
    use crate::serve::store::sqlite::scratch;
    use crate::serve::tsdb::labels::Labels;
    use crate::serve::tsdb::range::TimeRange;

    const BORN: i64 = 1_699_999_200;
    const DAY: i64 = 86_400;

    /// A point at each of these ages in seconds.
    fn submit(connection: &Connection, ages: &[i64]) {
        let points: Vec<_> = ages.iter().map(|age| (Labels::Source(None), BORN - age, 1.0)).collect();
        testing::submit(connection, "m", BORN, &points);
    }

    /// What the thread does in one pause.
    fn pause(maintenance: &Maintenance, connection: &Connection) {
        maintenance.tick(connection).unwrap();
        while let Some(Worked { writes, .. }) = maintenance.step(connection, false).unwrap() {
            writes.into_iter().for_each(|write| write(connection).unwrap());
        }
        if let Some(write) = maintenance.remember(false) {
            write(connection).unwrap();
        }
    }

    fn over(connection: &Connection, clock: &Clock, accept_clock: bool) -> Maintenance {
        Maintenance::over(connection, Arc::new(Condition::new(clock.clone(), None)), accept_clock).unwrap()
    }

    /// The points that can be read one by one, and all of them.
    fn kept(connection: &Connection) -> (usize, u64) {
        let (points, time) = (Sqlite(connection), TimeRange { start: 0, end: i64::MAX / 2 });
        let mut reader = Reader::new(&points, &[1].into(), time).unwrap();
        let points = reader.points(1, 1).unwrap();
        (points.len(), points.iter().map(|point| point.stats.count).sum())
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_while_deletes_nothing() {
        for days in [3, 40, 400, 4000] {
            let (connection, clock) = (scratch(), Clock::standing_at(BORN));
            let maintenance = over(&connection, &clock, false);
            submit(&connection, &[10, 20, 30, DAY]);
            clock.pass(Duration::from_secs(60));
            pause(&maintenance, &connection);
            clock.set(BORN + days * DAY);
            for _ in 0..20 {
                clock.pass(Duration::from_secs(60));
                pause(&maintenance, &connection);
            }
            assert!(maintenance.condition.clock_doubted.load(Ordering::Relaxed) == 1);
            // A restart believes it no more.
            let maintenance = over(&connection, &clock, false);
            pause(&maintenance, &connection);
            assert_eq!(kept(&connection), (4, 4), "{days} days ahead");
            clock.set(BORN + 1300);
            pause(&maintenance, &connection);
            assert_eq!(kept(&connection), (4, 4), "{days} days ahead and back");
            assert!(maintenance.condition.clock_doubted.load(Ordering::Relaxed) == 0);
        }
    }

    #[test]
    fn a_clock_that_is_right_after_a_long_stop_is_believed_after_a_day_or_at_once_when_accepted() {
        for (accepted, hours) in [(false, 26), (true, 1)] {
            let (connection, clock) = (scratch(), Clock::standing_at(BORN));
            let maintenance = over(&connection, &clock, false);
            submit(&connection, &[1, 2, 3]);
            clock.pass(Duration::from_secs(60));
            pause(&maintenance, &connection);
            clock.set(BORN + 500 * DAY);
            let maintenance = over(&connection, &clock, accepted);
            for _ in 0..60 * hours {
                clock.pass(Duration::from_secs(60));
                pause(&maintenance, &connection);
            }
            let left: i64 = connection.query_row("SELECT count(*) FROM pages", [], |row| row.get(0)).unwrap();
            let dropped = maintenance.condition.dropped.load(Ordering::Relaxed);
            // By four tiers, of which each is due on its own.
            assert_eq!((left == 0, dropped > 0), (accepted, accepted), "accepted: {accepted}");
            if !accepted {
                assert_eq!(kept(&connection), (1, 3), "rolled up once the clock had held");
            }
        }
    }

    const KEY: &str = "INSERT INTO idempotency_keys (account, path, request_key, digest, object_id, made_at)
        VALUES (x'00', '/v1/alerts', 'k', x'00', 1, ?1)";

    const ENTRIES: &str =
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
        INSERT INTO audit (made_at, made_by, kind, object_id, name, key, action, before_change, after_change)
        SELECT ?1, 'ops', 'alert', n, 'a', 'a', 'change', '{}', '{}' FROM numbers";

    fn rows(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn keys_are_kept_for_a_day_and_the_audit_for_ninety() {
        let (connection, clock) = (scratch(), Clock::standing_at(BORN));
        let maintenance = over(&connection, &clock, false);
        connection.execute(KEY, [BORN]).unwrap();
        connection.execute(ENTRIES, [BORN, 3]).unwrap();
        let passes = |hours: u64| {
            clock.pass(Duration::from_secs(hours * 3600));
            pause(&maintenance, &connection);
            (rows(&connection, "idempotency_keys"), rows(&connection, "audit"))
        };
        assert_eq!(passes(23), (1, 3));
        assert_eq!(passes(2), (0, 3));
        assert_eq!(passes(88 * 24), (0, 3));
        assert_eq!(passes(24), (0, 0));
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_while_forgets_no_change() {
        let (connection, clock) = (scratch(), Clock::standing_at(BORN));
        let maintenance = over(&connection, &clock, false);
        connection.execute(KEY, [BORN]).unwrap();
        connection.execute(ENTRIES, [BORN, 3]).unwrap();
        clock.set(BORN + 400 * DAY);
        for _ in 0..20 {
            clock.pass(Duration::from_secs(60));
            pause(&maintenance, &connection);
        }
        assert_eq!((rows(&connection, "idempotency_keys"), rows(&connection, "audit")), (1, 3));
    }

    #[test]
    fn the_audit_holds_its_newest_entries() {
        let (connection, clock) = (scratch(), Clock::standing_at(BORN));
        let maintenance = over(&connection, &clock, false);
        connection.execute(ENTRIES, [BORN, 100_000]).unwrap();
        connection.execute(ENTRIES, [BORN + 1, 7]).unwrap();
        clock.pass(Duration::from_secs(60));
        pause(&maintenance, &connection);
        let oldest: i64 = connection.query_row("SELECT min(id) FROM audit", [], |row| row.get(0)).unwrap();
        assert_eq!((rows(&connection, "audit"), oldest), (100_000, 8));
    }

    /// Inside a transaction, as the writer does it.
    #[test]
    fn a_file_gives_back_what_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let connection = Connection::open(dir.path().join("a.db")).unwrap();
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        let fill = "CREATE TABLE t (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
            INSERT INTO t SELECT zeroblob(4000) FROM n; DELETE FROM t WHERE rowid < 5990";
        connection.execute_batch(fill).unwrap();
        let pages =
            || -> i64 { connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap() };
        let whole = pages();
        for (closing, left) in [(false, FREE), (true, 20)] {
            connection.execute_batch("BEGIN IMMEDIATE; SAVEPOINT job").unwrap();
            give_back(&connection, closing).unwrap();
            connection.execute_batch("RELEASE job; COMMIT").unwrap();
            assert!(pages() <= left + 20, "{} of {whole}", pages());
        }
        let kept: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 11);
    }

    /// What happens to the clock of a machine, in seconds.
    #[derive(Debug, Clone)]
    enum Step {
        Passes(i64),
        /// How far it is off from now on.
        Set(i64),
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let off = prop_oneof![-7200..7200_i64, -500 * DAY..500 * DAY, Just(-BORN), Just(0)];
        let step = prop_oneof![
            4 => (60..4000_i64).prop_map(Step::Passes),
            3 => off.prop_map(Step::Set),
            1 => Just(Step::Restart),
        ];
        proptest::collection::vec(step, 1..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 5, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the clock shows for less than a day, everything is kept, and as finely as the true time promises.
        #[test]
        fn no_steps_of_the_clock_delete_what_the_true_time_keeps(steps in steps()) {
            let (connection, clock, mut truth) = (scratch(), Clock::standing_at(BORN), BORN);
            let mut maintenance = over(&connection, &clock, false);
            // To be kept one by one for two more days, and until they are nearly a year old.
            submit(&connection, &[10, 20, 30, 3600, 300 * DAY, 364 * DAY]);
            for step in steps {
                match step {
                    Step::Set(off) => clock.set(truth + off),
                    Step::Restart => maintenance = over(&connection, &clock, false),
                    Step::Passes(time) => {
                        for passed in [60, time - 60] {
                            truth += passed;
                            if truth < BORN + DAY {
                                clock.pass(Duration::from_secs(passed.unsigned_abs()));
                                pause(&maintenance, &connection);
                            }
                        }
                    }
                }
                prop_assert_eq!(kept(&connection), (6, 6));
            }
        }
    }
}

//! The engine: it follows the journal, closes points as the clock goes on, lets each alert come to its frontier, and writes what
//! happened. A round a second; between two rounds it knows nothing that is not durable.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::clock::{BRIEF, EvaluationClock, Step};
use super::composites::Composites;
use super::figures::{Figures, Standing};
use super::index::{Closed, Index, Pair, Watched};
use super::loading::{self, sample};
use super::places::Place;
use super::seat::{Passed, Seat};
use crate::serve::catalog::alerting::clock::Clock as Kept;
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::catalog::alerting::silences::table as silences;
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::cluster::Share;
use crate::serve::series;
use crate::serve::series::points::{Cursor, Tail};
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aggregate::Aggregate;
use crate::watch::{Outage, Series, Settings, Silence};

/// Bytes of the journal that are read at one time; unpacked they take some ten times as much.
const MOST_BYTES: usize = 512 << 10;

/// Streams of one condition, and of all together.
pub(super) const STREAMS: usize = 100_000;
pub(super) const ALL_STREAMS: usize = 1_000_000;

/// Whoever the alerts of a store are evaluated for.
#[derive(Debug)]
pub struct Engine {
    pub(super) store: Store,
    pub(super) by: Evaluation,
    pub(super) settings: Settings,
    pub(super) figures: Figures,
    /// The groups of alerts that it has, and by which it may write.
    pub(super) share: Share,
    /// Those of them whose alerts are still to be taken up, and the second up to which they were evaluated, if they ever were.
    pub(super) gained: BTreeMap<i64, Option<i64>>,
    /// Who follows the journal, as those are told who compact it.
    follower: String,
    pub(super) clock: EvaluationClock,
    pub(super) cursor: Cursor,
    pub(super) index: Index,
    pub(super) seats: Vec<Option<Seat>>,
    /// Seats by the ids of alerts.
    pub(super) ids: HashMap<i64, u32>,
    /// The alerts that name a metric, whether it exists or not.
    pub(super) names: HashMap<String, BTreeSet<i64>>,
    /// The revision of each alert that was looked at, also of those that are not watched.
    pub(super) revisions: HashMap<i64, i64>,
    pub(super) silences: Vec<Silence>,
    epoch: Epochs,
    /// When the store was last read, and whether it could not be since.
    heard: i64,
    is_deaf: bool,
    /// What has to be taken up again.
    pub(super) reload: BTreeSet<i64>,
    pub(super) dropped: HashSet<String>,
    pub(super) composites: Composites,
    /// The second up to which points were closed.
    pub(super) done: i64,
    closed: Vec<Closed>,
    pub(super) free: Vec<u32>,
    /// Metrics, some alerts of which have left.
    pub(super) left: HashSet<String>,
    /// What was written, for tests.
    #[cfg(test)]
    pub(super) log: Vec<crate::watch::Transition>,
    /// When states and clock were last written, by the time run in milliseconds.
    pub(super) written: i64,
    /// When a write that failed is tried again, likewise, and how long the pause was.
    pub(super) rest: (i64, i64),
}

/// Of this store, and of the database where other servers change metrics as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Epochs {
    own: u64,
    shared: Option<i64>,
}

/// What is read of the store each second.
struct Look {
    shared: Option<i64>,
    tail: Tail,
    revisions: HashMap<i64, i64>,
    silences: Vec<Silence>,
}

impl Engine {
    /// Takes up all alerts of some groups. It follows the journal under the name of `follower`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Store,
        by: Evaluation,
        figures: Figures,
        share: Share,
        follower: String,
    ) -> Result<Engine, StoreError> {
        let (wall, ran) = (store.clock().wall(), store.clock().ran());
        let own = store.condition().epoch.now();
        let begin =
            |tx: &Tx| Ok::<_, StoreError>((Kept::read(tx)?.written, series::of(tx).end()?, tx.epoch()?));
        let (written, cursor, shared) = store.read(begin).await?;
        let groups: Vec<i64> = share.tokens.keys().copied().collect();
        let clocks = groups.iter().filter_map(|group| written.of_group(*group, share.of));
        let clock = EvaluationClock::start(clocks, wall, ran);
        let mut engine = Engine {
            settings: by.settings(),
            by,
            figures,
            share,
            gained: BTreeMap::new(),
            follower,
            clock,
            cursor,
            index: Index::default(),
            seats: Vec::new(),
            ids: HashMap::new(),
            names: HashMap::new(),
            revisions: HashMap::new(),
            silences: Vec::new(),
            epoch: Epochs { own, shared },
            heard: clock.now(),
            is_deaf: false,
            reload: BTreeSet::new(),
            dropped: HashSet::new(),
            composites: Composites::default(),
            done: clock.past(),
            closed: Vec::new(),
            free: Vec::new(),
            left: HashSet::new(),
            #[cfg(test)]
            log: Vec::new(),
            written: ran,
            rest: (i64::MIN, 0),
            store,
        };
        engine.follow().await?;
        engine.gain(&groups, &written);
        engine.take_up(None).await?;
        // Whoever is stopped before the clock goes on must find what it made of the states; and what lies before the second that is
        // written down is looked for by no one after that, so it has to have happened.
        engine.advance(engine.done);
        engine.commit().await;
        engine.write_states().await;
        Ok(engine)
    }

    /// One round, with the groups that it has now.
    ///
    /// # Errors
    /// When the store cannot be read; what was done by then stays, and the next round goes on.
    pub async fn tick(&mut self, share: &Share) -> Result<(), StoreError> {
        let (wall, ran) = (self.store.clock().wall(), self.store.clock().ran());
        let step = self.clock.tick(wall, ran);
        if let Some(step) = step {
            self.step(step);
        }
        if *share != self.share {
            self.have(share).await?;
        }
        self.listen().await?;
        if !self.reload.is_empty() || !self.gained.is_empty() {
            let ids: Vec<i64> = self.reload.iter().copied().collect();
            self.take_up(Some(ids)).await?;
        }
        let clock = self.clock.past();
        self.evaluate_composites(clock).await;
        self.index.close(clock, &mut self.closed);
        self.done = self.done.max(clock);
        self.pass_on();
        for seat in self.seats.iter_mut().flatten() {
            seat.close_groups(&self.settings, clock);
        }
        self.advance(clock);
        self.commit().await;
        self.write_states_in_turn().await;
        self.tell();
        Ok(())
    }

    /// Writes what is to be known after a stop.
    pub async fn close(&mut self) {
        self.commit().await;
        self.write_states().await;
        // Nobody waits for long for who does not say so.
        let _ = series::follow(&self.store, &self.follower, None).await;
    }

    /// The clock did not go on as it should.
    fn step(&mut self, step: Step) {
        self.figures.stepped();
        match step {
            Step::Forward(outage) => {
                let length = outage.to - outage.from;
                tracing::warn!(target: "librato_apply::serve", "the clock went forward by {length} s: silence in that time counts for no alert");
                self.outage(outage);
            }
            Step::Back(by) => {
                tracing::warn!(target: "librato_apply::serve", "the clock was set back by {by} s: what runs for alerts keeps its remaining time");
                let now = self.clock.past();
                self.index.set_back(by, now);
                self.composites.set_back(by);
                for seat in self.seats.iter_mut().flatten() {
                    seat.set_back(&self.settings, by, now);
                }
                (self.done, self.heard) = (now, now);
                // Until the clock is written down again, a start would find it in times to come.
                self.written = i64::MIN;
            }
        }
    }

    fn outage(&mut self, outage: Outage) {
        for seat in self.seats.iter_mut().flatten() {
            seat.outage(&self.settings, outage);
        }
    }

    /// Reads what is new. Where nothing could be read for a while no one could report either.
    async fn listen(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if let Err(error) = self.look().await {
            self.is_deaf = true;
            return Err(error);
        }
        let (from, to) = (std::mem::replace(&mut self.heard, now), now);
        if std::mem::take(&mut self.is_deaf) && to - from > BRIEF {
            tracing::warn!(target: "librato_apply::serve", "the store could not be read for {} s: silence in that time counts for no alert", to - from);
            self.outage(Outage { from, to });
        }
        Ok(())
    }

    /// Reads what the journal has got, and what someone changed.
    async fn look(&mut self) -> Result<(), StoreError> {
        let own = self.store.condition().epoch.now();
        if own != self.epoch.own && self.epoch.shared.is_none() {
            // Who changed a metric has had his turn on the writer when this is through.
            self.store.write(|_: &Tx| Ok::<_, StoreError>(())).await?;
            self.find_changed_metrics().await?;
        }
        self.epoch.own = own;
        loop {
            let look = self.read().await?;
            self.note_changes(&look);
            if look.shared != self.epoch.shared {
                self.find_changed_metrics().await?;
                self.epoch.shared = look.shared;
            }
            if look.tail.missed {
                self.catch_up(look.tail.next).await?;
                return Ok(());
            }
            if !self.ids.is_empty() {
                self.take(&look.tail).await?;
            }
            self.cursor = look.tail.next;
            self.follow().await?;
            if look.tail.bytes < MOST_BYTES {
                return Ok(());
            }
        }
    }

    async fn read(&self) -> Result<Look, StoreError> {
        let (places, cursor, now) = (self.index.places(), self.cursor.clone(), self.clock.now());
        let (nobody, share) = (self.ids.is_empty(), self.share.clone());
        let job = move |tx: &Tx| {
            let points = series::of(tx);
            let tail = if nobody {
                Tail { next: points.end()?, ..Tail::default() }
            } else {
                let places = places.read();
                points.tail(&cursor, MOST_BYTES, &|series| places.get(series) != Place::Nobody)?
            };
            let silences = silences::watched(tx, now)?.iter().map(|one| one.watched()).collect();
            let mut revisions = alerts::revisions(tx)?;
            revisions.retain(|alert, _| share.has(*alert));
            Ok::<_, StoreError>(Look { shared: tx.epoch()?, tail, revisions, silences })
        };
        self.store.read(job).await
    }

    /// Finds out which alerts are not any more as they were.
    fn note_changes(&mut self, look: &Look) {
        for (id, revision) in &look.revisions {
            if self.revisions.get(id) != Some(revision) {
                self.reload.insert(*id);
            }
        }
        if look.revisions.len() < self.revisions.len() {
            self.reload.extend(self.revisions.keys().filter(|id| !look.revisions.contains_key(id)));
        }
        if look.silences != self.silences {
            self.silences.clone_from(&look.silences);
            self.seats.iter_mut().flatten().for_each(Seat::look_again);
        }
    }

    /// Rows were compacted before they were read: everything is taken up as after a restart.
    async fn catch_up(&mut self, next: Cursor) -> Result<(), StoreError> {
        self.figures.caught_up();
        tracing::warn!(target: "librato_apply::serve", "the evaluation of alerts was overtaken by the compaction of the journal; it goes on from what is stored");
        self.write_states().await;
        self.cursor = next;
        self.follow().await?;
        self.take_up(None).await
    }

    /// Says how far the journal has been read, which its compaction waits for.
    async fn follow(&self) -> Result<(), StoreError> {
        series::follow(&self.store, &self.follower, Some(&self.cursor)).await
    }

    /// Puts samples into the open points of their series.
    async fn take(&mut self, tail: &Tail) -> Result<(), StoreError> {
        self.meet(tail).await?;
        for row in &tail.rows {
            // What was written late was not there when the second of its receipt was looked at.
            let received = row.at.max(self.done.saturating_add(1));
            for one in &row.samples {
                let Place::At(slot) = self.index.place(one.series) else { continue };
                let stats = sample(&Aggregate::from(one.stats));
                let class = self.index.take(slot, one.time, received, &stats, &mut self.closed);
                if self.figures.arrived(class, received)
                    && let Some(tracked) = self.index.tracked(slot)
                {
                    Figures::tell(class, self.index.name_of(tracked), &tracked.stream);
                }
            }
            self.pass_on();
        }
        Ok(())
    }

    /// Looks up the series that were not met before.
    async fn meet(&mut self, tail: &Tail) -> Result<(), StoreError> {
        let samples = tail.rows.iter().flat_map(|row| &row.samples);
        let unknown = samples.filter(|one| self.index.place(one.series) == Place::Unknown);
        let ids: BTreeSet<i64> = unknown.map(|one| one.series).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids = Vec::from_iter(ids);
        let asked = ids.clone();
        let found = self.store.read(move |tx| series::of(tx).of_ids(&asked)).await?;
        let known: HashSet<i64> = found.iter().map(|(_, series)| series.id).collect();
        let strange: BTreeSet<i64> =
            found.iter().map(|(metric, _)| *metric).filter(|id| self.index.metric(*id).is_none()).collect();
        let strange = self.names_of(Vec::from_iter(strange)).await?;
        for (metric, one) in found {
            let new = strange.get(&metric).and_then(|name| self.names.get(name));
            match (self.index.metric(metric), new) {
                (Some(_), _) => self.match_new(metric, one.id, &loading::series_of(one.labels)),
                // It is found, with all that the journal has of it, when these are taken up.
                (None, Some(alerts)) => self.reload.extend(alerts),
                (None, None) => self.index.nobody(one.id),
            }
        }
        ids.iter().filter(|id| !known.contains(id)).for_each(|id| self.index.nobody(*id));
        Ok(())
    }

    /// The names of metrics, in small letters.
    async fn names_of(&self, ids: Vec<i64>) -> Result<HashMap<i64, String>, StoreError> {
        if ids.is_empty() || self.names.is_empty() {
            return Ok(HashMap::new());
        }
        self.store.read(move |tx| crate::serve::catalog::metrics::table::keys(tx, &ids)).await
    }

    /// Begins to track a series that was just made, if some condition watches it.
    fn match_new(&mut self, metric: i64, id: i64, series: &Series) {
        let mut watched = Watched::default();
        let Some(metric) = self.index.metric(metric) else { return };
        let name = Arc::clone(&metric.name);
        for pair in &metric.pairs {
            let Some(Some(seat)) = self.seats.get_mut(pair.seat as usize) else { continue };
            let place = pair.place as usize;
            let Some(stream) = seat.watched.conditions[place].streams.stream_of(series) else { continue };
            if seat.streams[place] >= STREAMS {
                self.figures.left_out(1);
            } else {
                seat.streams[place] += 1;
                watched.add(*pair, &stream);
            }
        }
        if watched.stream.is_none() || self.index.len() >= ALL_STREAMS {
            self.figures.left_out(usize::from(watched.stream.is_some()));
            self.index.nobody(id);
        } else {
            self.index.track(&name, id, series, watched);
        }
    }

    /// Hands closed points to those who watch their series.
    fn pass_on(&mut self) {
        let mut closed = std::mem::take(&mut self.closed);
        for Closed { slot, second, point } in closed.drain(..) {
            let Some(tracked) = self.index.tracked_mut(slot) else { continue };
            let others = tracked.others.iter().flatten().map(|(pair, stream)| (*pair, stream));
            let all = tracked.watchers.iter().map(|pair| (*pair, &tracked.stream)).chain(others);
            let mut kept = false;
            for (Pair { seat, place }, stream) in all {
                let Some(Some(seat)) = self.seats.get_mut(seat as usize) else { continue };
                let (place, series) = (place as usize, tracked.id);
                let (hot, twice) = (tracked.hot, tracked.twice);
                kept |= seat.pass(&Passed { place, series, stream, second, point: &point, hot, twice });
            }
            if kept {
                tracked.hot = tracked.hot.max(point.u);
            }
        }
        self.closed = closed;
    }

    /// Lets alerts come to their frontiers.
    fn advance(&mut self, clock: i64) {
        for seat in self.seats.iter_mut().flatten() {
            seat.advance(&self.settings, &self.silences, clock);
        }
    }

    /// Shows how things stand.
    fn tell(&mut self) {
        let seats = || self.seats.iter().flatten();
        let standing = Standing {
            alerts: self.ids.len(),
            streams: self.index.len(),
            pairs: seats().map(|seat| seat.pairs).sum(),
            left_out: self.composites.left_out(),
            incidents: seats().map(|seat| seat.state.incidents().count()).sum(),
            ran: self.store.clock().ran(),
            behind: self.behind(),
        };
        self.figures.show(&standing);
    }

    /// How far it is behind what is stored.
    pub fn behind(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.clock.past() - self.done).unwrap_or(0))
    }

    /// The second up to which everything was evaluated.
    pub(super) fn done(&self) -> i64 {
        self.done
    }
}

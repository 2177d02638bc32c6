//! How measurements are stored: on the one writer, or by lanes where the database has those, which store what several requests send
//! together. Either way only if what was known of their series is still true.

use std::sync::Arc;

use super::measurement::Measurement;
use super::resolve::{self, Resolved, TOGETHER};
use crate::serve::catalog::cache::{Age, Found, SeriesCache};
use crate::serve::http::problem::Problem;
use crate::serve::series;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Store, TimeSlice};
use crate::serve::telemetry::Telemetry;
use crate::serve::tsdb::journal::{self, Row};
use crate::serve::tsdb::sample::Sample;

/// Measurements that are stored in one go: more than any published client sends together.
const AT_ONCE: usize = 1000;

/// How often measurements are resolved whose metrics others change meanwhile.
const TRIES: u32 = 20;

/// What it takes to store measurements.
#[derive(Clone)]
pub struct Intake {
    pub store: Store,
    pub known: SeriesCache,
    pub telemetry: Telemetry,
}

/// Samples on their way into the journal.
pub enum Batch {
    /// Packed before they come to the one writer, with the metrics they are of.
    Rows(Vec<Row>, Vec<i64>),
    /// As they are, for a lane.
    Samples(Vec<Sample>),
}

impl Batch {
    pub fn of(samples: Vec<Sample>, store: &Store) -> Batch {
        if store.is_shared() {
            return Batch::Samples(samples);
        }
        let mut metrics: Vec<i64> = samples.iter().map(|sample| sample.metric).collect();
        metrics.sort_unstable();
        metrics.dedup();
        Batch::Rows(journal::rows(&samples, store.parts()), metrics)
    }
}

impl Intake {
    /// Stores measurements whose series came lately, which leaves the writer almost nothing to do. Whether it could.
    pub(super) async fn take_known(&self, samples: &[Measurement], now: i64) -> Result<bool, Problem> {
        let Some((age, found)) = self.known.resolve(samples, Measurement::wanted) else { return Ok(false) };
        self.insert(age, Batch::of(found, &self.store), now).await
    }

    /// Stores what was known at this age, if it has not changed since. Whether it has not.
    pub(super) async fn insert(&self, age: Age, batch: Batch, now: i64) -> Result<bool, Problem> {
        let (rows, metrics) = match batch {
            Batch::Rows(rows, metrics) => (rows, metrics),
            Batch::Samples(samples) => return self.append(age, samples).await,
        };
        let known = self.known.clone();
        let insert = move |tx: &Tx| {
            // What would change the outcome has its turn on the writer, too, and makes itself known.
            let fits = known.is_of(age);
            if fits {
                series::of(tx).append(&rows, now)?;
            }
            Ok(fits)
        };
        self.store.write_measurements(metrics, insert).await
    }

    /// The same by a lane.
    async fn append(&self, age: Age, samples: Vec<Sample>) -> Result<bool, Problem> {
        let fits = self.store.append(samples, age.shared).await?;
        if !fits {
            let known = self.known.clone();
            self.store.read(move |tx| known.look(tx)).await?;
        }
        Ok(fits)
    }

    /// Stores measurements, some of whose metrics or series have to be found or made.
    pub(super) async fn take_unknown(
        &self,
        samples: Vec<Measurement>,
        agent: Option<String>,
        now: i64,
    ) -> Result<(), Problem> {
        if self.store.is_shared() {
            return self.take_by_lane(samples.into(), agent).await;
        }
        if samples.len() > AT_ONCE {
            return self.take_many(samples.into(), agent, now).await;
        }
        let known = self.known.clone();
        let append = move |tx: &Tx| resolve::append(tx, &samples, agent.as_deref(), &known, now);
        self.known.remember(self.store.write(append).await?);
        Ok(())
    }

    /// Has metrics and series made before their samples are stored, again where others have changed them meanwhile.
    async fn take_by_lane(&self, samples: Arc<[Measurement]>, agent: Option<String>) -> Result<(), Problem> {
        if samples.len() > TOGETHER {
            self.check(&samples).await?;
        }
        for _ in 0..TRIES {
            let mut resolved = Resolved::new(&self.known);
            while resolved.samples.len() < samples.len() {
                let (from, known) = (resolved.samples.len(), self.known.clone());
                let (samples, agent) = (Arc::clone(&samples), agent.clone());
                let step = move |tx: &Tx| {
                    let some = samples.get(from..samples.len().min(from + TOGETHER)).unwrap_or_default();
                    resolve::resolve(tx, some, agent.as_deref(), &known, TimeSlice::whole())
                };
                resolved.add(self.store.make(step).await?);
            }
            let Resolved { samples, found } = resolved;
            let age = found.age();
            self.known.remember(found);
            if self.append(age, samples).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Lets others write while the metrics and series of a large request come into being.
    async fn take_many(
        &self,
        samples: Arc<[Measurement]>,
        agent: Option<String>,
        now: i64,
    ) -> Result<(), Problem> {
        self.check(&samples).await?;
        let (known, resolved) = (self.known.clone(), Resolved::new(&self.known));
        let age = resolved.found.age();
        let step = {
            let (samples, agent, known) = (Arc::clone(&samples), agent.clone(), known.clone());
            move |tx: &Tx, resolved: &Resolved, turn| {
                let rest = samples.get(resolved.samples.len()..).unwrap_or_default();
                resolve::resolve(tx, rest, agent.as_deref(), &known, turn)
            }
        };
        let advance = |resolved: &mut Resolved, more| {
            resolved.add(more);
            resolved.samples.len() == samples.len()
        };
        let Resolved { samples: resolved, found } = self.store.write_chunked(resolved, step, advance).await?;
        self.known.remember(found);
        let rows = journal::rows(&resolved, self.store.parts());
        let insert = move |tx: &Tx| {
            if known.is_of(age) {
                series::of(tx).append(&rows, now)?;
                return Ok(Found::default());
            }
            // Metrics were changed or deleted between the turns, and with them perhaps what the first turns found.
            resolve::append(tx, &samples, agent.as_deref(), &known, now)
        };
        self.known.remember(self.store.write(insert).await?);
        Ok(())
    }

    /// Refuses a large request before anything comes of it.
    async fn check(&self, samples: &Arc<[Measurement]>) -> Result<(), Problem> {
        let checked = Arc::clone(samples);
        self.store.read(move |tx| resolve::check(tx, &checked)).await
    }
}

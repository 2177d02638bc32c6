//! Finds the metrics and series of measurements, or makes them, some hundred at a time. Large requests do so in turns with others;
//! their rows come in one transaction, so measurements are stored whole or not at all.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::measurement::Measurement;
use crate::serve::catalog::cache::{Found, SeriesCache};
use crate::serve::catalog::metrics::meta::MetricMeta;
use crate::serve::catalog::metrics::table;
use crate::serve::http::problem::Problem;
use crate::serve::names::fold;
use crate::serve::series;
use crate::serve::store::TimeSlice;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::Sample;

/// Measurements whose metrics and series are looked up together.
pub const TOGETHER: usize = 500;

/// Stores all of `measurements` or none. `agent` is remembered by the metrics that come into being. Returns what was not known.
pub fn append(
    tx: &Tx<'_>,
    measurements: &[Measurement],
    agent: Option<&str>,
    known: &SeriesCache,
    now: i64,
) -> Result<Found, Problem> {
    let resolved = resolve(tx, measurements, agent, known, TimeSlice::whole())?;
    series::of(tx).append(&journal::rows(&resolved.samples, tx.parts()), now)?;
    Ok(resolved.found)
}

/// Refuses what [`resolve`] would refuse, without making anything.
pub fn check(tx: &Tx<'_>, measurements: &[Measurement]) -> Result<(), Problem> {
    let mut metrics: BTreeMap<String, &Measurement> = BTreeMap::new();
    for one in measurements {
        metrics.entry(fold(&one.metric)).or_insert(one);
    }
    let mut known = table::of_keys(tx, &metrics.keys().cloned().collect())?;
    for (key, one) in metrics {
        if let Entry::Vacant(place) = known.entry(key) {
            place.insert(one.new.make(&one.metric, one.kind, None)?);
        }
    }
    let wrong = |one: &&Measurement| known.get(&fold(&one.metric)).filter(|metric| metric.kind != one.kind);
    measurements.iter().find_map(|one| wrong(&one)).map_or(Ok(()), |metric| Err(metric.wrong_type().into()))
}

/// What the first of some measurements became.
pub struct Resolved {
    pub samples: Vec<Sample>,
    pub found: Found,
}

impl Resolved {
    pub fn new(known: &SeriesCache) -> Resolved {
        Resolved { samples: Vec::new(), found: known.found() }
    }

    /// Adds what came of the measurements that follow.
    pub fn add(&mut self, more: Resolved) {
        if self.samples.is_empty() {
            *self = more;
        } else {
            self.samples.extend(more.samples);
            self.found.add(more.found);
        }
    }
}

/// Resolves `measurements`, with their metrics and series, until the turn is over: all of them or the first ones.
pub fn resolve(
    tx: &Tx<'_>,
    measurements: &[Measurement],
    agent: Option<&str>,
    known: &SeriesCache,
    slice: TimeSlice,
) -> Result<Resolved, Problem> {
    let mut samples = Vec::with_capacity(measurements.len());
    let (found, metrics, series) = (known.look(tx)?, HashMap::new(), HashMap::new());
    let mut look_up = LookUp { tx, agent, known, found, metrics, series };
    for some in measurements.chunks(TOGETHER) {
        look_up.metrics(some)?;
        look_up.series(some)?;
        for one in some {
            let metric = look_up.metric(one)?;
            let series = look_up.series.get(&(metric.id, &one.labels)).copied().ok_or(StoreError::Busy)?;
            let (time, stats) = (metric.time(one.time), one.stats);
            samples.push(Sample { metric: metric.id, series, time, stats });
        }
        if slice.is_over() {
            break;
        }
    }
    Ok(Resolved { samples, found: look_up.found })
}

/// Finds metrics and series, or makes them: in what is known, among those met in this turn, in the tables.
struct LookUp<'a> {
    tx: &'a Tx<'a>,
    agent: Option<&'a str>,
    known: &'a SeriesCache,
    found: Found,
    metrics: HashMap<&'a str, MetricMeta>,
    series: HashMap<(i64, &'a Labels), i64>,
}

impl<'a> LookUp<'a> {
    /// The metric of a measurement for which it was looked.
    fn metric(&self, one: &Measurement) -> Result<MetricMeta, StoreError> {
        // Others may delete it while it is looked for.
        self.metrics.get(one.metric.as_str()).copied().ok_or(StoreError::Busy)
    }

    fn metrics(&mut self, some: &'a [Measurement]) -> Result<(), Problem> {
        let mut unknown: BTreeMap<String, Vec<&'a Measurement>> = BTreeMap::new();
        for one in some {
            let met = self.metrics.get(one.metric.as_str()).copied();
            match met.or_else(|| self.known.metric(&one.metric)).filter(|meta| meta.kind == one.kind) {
                Some(meta) => drop(self.metrics.insert(&one.metric, meta)),
                None => unknown.entry(fold(&one.metric)).or_default().push(one),
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let mut found = table::of_keys(self.tx, &unknown.keys().cloned().collect())?;
        let missing = || unknown.iter().filter(|(key, _)| !found.contains_key(*key));
        let first = missing().filter_map(|(_, all)| all.first());
        let new = first
            .map(|one| one.new.make(&one.metric, one.kind, self.agent))
            .collect::<Result<Vec<_>, _>>()?;
        if !new.is_empty() {
            let keys = missing().map(|(key, _)| key.clone()).collect();
            table::make(self.tx, &new)?;
            found.extend(table::of_keys(self.tx, &keys)?);
        }
        for (key, all) in &unknown {
            let Some(metric) = found.get(key) else { continue };
            let meta = MetricMeta::of(metric);
            for one in all {
                if metric.kind != one.kind {
                    return Err(metric.wrong_type().into());
                }
                if self.metrics.insert(&one.metric, meta).is_none() {
                    self.found.metric(&one.metric, meta);
                }
            }
        }
        Ok(())
    }

    fn series(&mut self, some: &'a [Measurement]) -> Result<(), Problem> {
        let (mut unknown, mut seen) = (Vec::new(), HashSet::new());
        for one in some {
            let key = (self.metric(one)?.id, &one.labels);
            if self.series.contains_key(&key) || seen.contains(&key) {
                continue;
            }
            match self.known.series(key.0, key.1) {
                Some(id) => drop(self.series.insert(key, id)),
                None => {
                    seen.insert(key);
                    unknown.push(key);
                }
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let ids = series::of(self.tx).find_or_create(&unknown)?;
        for ((metric, labels), id) in unknown.into_iter().zip(ids) {
            self.series.insert((metric, labels), id);
            self.found.series(metric, labels, id);
        }
        Ok(())
    }
}

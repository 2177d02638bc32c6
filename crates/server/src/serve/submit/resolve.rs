//! Finds the metrics and series of measurements, or makes them, and appends what they become. Large requests do the first in
//! turns with others; the rows come in one transaction, so measurements are stored whole or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::measurement::Measurement;
use crate::serve::catalog::cache::{Found, SeriesCache};
use crate::serve::catalog::metrics::meta::MetricMeta;
use crate::serve::catalog::metrics::metric::Metric;
use crate::serve::catalog::metrics::table;
use crate::serve::http::problem::Problem;
use crate::serve::names::fold;
use crate::serve::series;
use crate::serve::store::TimeSlice;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::Sample;

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
    let mut metrics: HashMap<String, Metric> = HashMap::new();
    for one in measurements {
        let metric = match metrics.entry(fold(&one.metric)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(match table::find(tx, &one.metric)? {
                Some(metric) => metric,
                None => one.new.make(&one.metric, one.kind, None)?,
            }),
        };
        if metric.kind != one.kind {
            return Err(metric.wrong_type().into());
        }
    }
    Ok(())
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
        self.samples.extend(more.samples);
        self.found.add(more.found);
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
    known.look(tx)?;
    let Resolved { mut samples, mut found } = Resolved::new(known);
    samples.reserve(measurements.len());
    let (metrics, series) = (HashMap::new(), HashMap::new());
    let mut look_up = LookUp { tx, agent, known, found: &mut found, metrics, series };
    for one in measurements {
        let metric = look_up.metric(one)?;
        let series = look_up.series(metric.id, &one.labels)?;
        samples.push(Sample { metric: metric.id, series, time: metric.time(one.time), stats: one.stats });
        if slice.is_over() {
            break;
        }
    }
    Ok(Resolved { samples, found })
}

/// Finds metrics and series, or makes them: in what is known, among those met in this turn, in the tables.
struct LookUp<'a> {
    tx: &'a Tx<'a>,
    agent: Option<&'a str>,
    known: &'a SeriesCache,
    found: &'a mut Found,
    metrics: HashMap<&'a str, MetricMeta>,
    series: HashMap<(i64, &'a Labels), i64>,
}

impl<'a> LookUp<'a> {
    fn metric(&mut self, one: &'a Measurement) -> Result<MetricMeta, Problem> {
        let known = self.metrics.get(one.metric.as_str()).copied();
        if let Some(meta) = known.or_else(|| self.known.metric(&one.metric))
            && meta.kind == one.kind
        {
            return Ok(meta);
        }
        let metric = match table::find(self.tx, &one.metric)? {
            Some(metric) if metric.kind != one.kind => return Err(metric.wrong_type().into()),
            Some(metric) => metric,
            None => {
                let mut metric = one.new.make(&one.metric, one.kind, self.agent)?;
                table::insert(self.tx, &mut metric)?;
                metric
            }
        };
        let meta = MetricMeta::of(&metric);
        self.metrics.insert(&one.metric, meta);
        self.found.metric(&one.metric, meta);
        Ok(meta)
    }

    fn series(&mut self, metric: i64, labels: &'a Labels) -> Result<i64, Problem> {
        let met = self.series.get(&(metric, labels)).copied();
        if let Some(id) = met.or_else(|| self.known.series(metric, labels)) {
            return Ok(id);
        }
        let id = series::of(self.tx).find_or_create(metric, labels)?;
        self.series.insert((metric, labels), id);
        self.found.series(metric, labels, id);
        Ok(id)
    }
}

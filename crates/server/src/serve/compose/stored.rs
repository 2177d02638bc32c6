//! The samples of `series` calls, read from the tables. Knows which series a call means and how finely they are kept;
//! what is made of them is not its business.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use super::sums::{Sums, sample};
use crate::composite::eval::{Fetch, Request, Sample, Stored};
use crate::composite::{Labels, nested};
use crate::serve::budget::{self, Exceeded};
use crate::serve::catalog::metrics::metric::{Kind, Metric};
use crate::serve::catalog::metrics::table as metrics;
use crate::serve::catalog::sources::table as sources;
use crate::serve::http::problem::Problem;
use crate::serve::names::Choice;
use crate::serve::series;
use crate::serve::series::points::{Packed, Recent};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aggregate::{Aggregate, Point, downsample};
use crate::serve::tsdb::labels::counted_once;
use crate::serve::tsdb::page::Singles;
use crate::serve::tsdb::range::TimeRange;

/// Samples held for one query, about 120 MB of them.
const MOST: u64 = 3_000_000;

/// Memory of a series that is known, beside what was read of it: labels take as much as eleven, however few they are.
const SERIES_BYTES: usize = 700;

/// Memory of a series that a call means, beside its samples.
const STORED_BYTES: usize = 200;

/// Which series may be read at all.
pub type Wants<'a> = &'a dyn Fn(&Labels) -> bool;

/// The tables, as the evaluator sees them.
pub struct Tables<'a> {
    tx: &'a Tx<'a>,
    now: i64,
    resolution: u64,
    wants: Wants<'a>,
    /// Of series that were asked for, what is in the journal alone: it is gone through once for each.
    recent: Recent,
    /// Series by their metric, read once, since a definition may ask for many things.
    known: BTreeMap<i64, Rc<[Known]>>,
    /// Single values of one series, in room that is used again.
    singles: Singles,
    /// Samples.
    held: u64,
    /// Bytes of what was made of them.
    made: usize,
    /// Every metric that was read, by name.
    pub metrics: BTreeMap<String, Metric>,
    /// What went wrong inside, which is no one's business outside.
    pub failed: Option<Problem>,
}

/// Why samples cannot be had.
enum Refusal {
    /// Because of what was asked.
    Told(String),
    Inside(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal::Inside(problem)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Inside(error.into())
    }
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Refusal {
        Refusal::Inside(exceeded.into())
    }
}

/// A series of a metric.
struct Known {
    id: i64,
    labels: Arc<Labels>,
}

/// One series that a call means.
struct Meant {
    id: i64,
    labels: Arc<Labels>,
    /// By its place among those found.
    metric: usize,
}

impl Fetch for Tables<'_> {
    fn fetch(&mut self, request: &Request<'_>) -> Result<Vec<Stored>, String> {
        let mut all = Vec::new();
        let mut keep = |stored: Stored| {
            budget::hold(STORED_BYTES + size_of_val(stored.samples.as_slice()))?;
            all.push(stored);
            Ok(ControlFlow::Continue(()))
        };
        match self.read(request, &mut keep) {
            Ok(()) => Ok(all),
            Err(refusal) => Err(self.told(refusal)),
        }
    }

    fn fetch_each(
        &mut self,
        request: &Request<'_>,
        each: &mut dyn FnMut(Stored) -> ControlFlow<()>,
    ) -> Result<(), String> {
        self.read(request, &mut |stored| Ok(each(stored))).map_err(|refusal| self.told(refusal))
    }

    fn go_on(&mut self, bytes: u64) -> Result<(), String> {
        self.made = usize::try_from(bytes).unwrap_or(usize::MAX);
        budget::proceed().and_then(|()| budget::need(self.made)).map_err(|problem| self.told(problem.into()))
    }
}

impl<'a> Tables<'a> {
    pub fn new(tx: &'a Tx<'a>, now: i64, resolution: u64, wants: Wants<'a>) -> Tables<'a> {
        let (recent, known, metrics) = (Recent::new(), BTreeMap::new(), BTreeMap::new());
        let singles = Singles::default();
        Tables { tx, now, resolution, wants, recent, known, singles, held: 0, made: 0, metrics, failed: None }
    }

    /// Why the evaluation ends, in words, as far as that is anybody's business.
    fn told(&mut self, refusal: Refusal) -> String {
        match refusal {
            Refusal::Told(why) => why,
            Refusal::Inside(problem) => {
                self.failed = Some(problem);
                String::new()
            }
        }
    }

    /// What is shown for a source in its place.
    pub fn display_name(&self, source: &str) -> Result<Option<String>, StoreError> {
        sources::display_name(self.tx, source)
    }

    /// Reads series one after the other, as long as `each` wants more.
    fn read(
        &mut self,
        request: &Request<'_>,
        each: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, Exceeded>,
    ) -> Result<(), Refusal> {
        let found = self.metrics(request.metric)?;
        let meant = self.meant(&found, request)?;
        let interval = self.tx.aging().promised(request.start, self.now).resolution;
        let tx = self.tx;
        let points = series::of(tx);
        let new: HashSet<i64> =
            meant.iter().map(|one| one.id).filter(|id| !self.recent.contains_key(id)).collect();
        if !new.is_empty() {
            // Whichever times are asked for.
            let mut found = points.recent(&new, TimeRange::ALWAYS)?;
            self.recent.extend(new.into_iter().map(|id| (id, found.remove(&id).unwrap_or_default())));
        }
        let mut packed = None;
        let mut most = request.most;
        for one in &meant {
            let metric = &found[one.metric];
            let period = metric.period.and_then(|period| u64::try_from(period).ok());
            let given = request.period.or(period).filter(|period| *period > 0).unwrap_or(self.resolution);
            let step = i64::try_from(given).unwrap_or(i64::MAX).max(interval);
            let span = TimeRange { start: request.start - request.start.rem_euclid(step), end: request.end };
            budget::proceed()?;
            let opened = match &mut packed {
                Some((metric, opened)) if *metric == one.metric => opened,
                _ => {
                    let wanted =
                        meant.iter().filter(|other| other.metric == one.metric).map(|one| one.id).collect();
                    let opened = budget::beside(self.made, || points.packed(&wanted, span))?;
                    &mut packed.insert((one.metric, opened)).1
                }
            };
            let samples = self.samples(&mut **opened, one.id, span, step)?;
            let count = samples.len() as u64;
            self.held += count;
            if self.held > MOST {
                return Err(Refusal::Told(format!(
                    "this reads more than {MOST} samples; ask for less time, fewer series or a longer period"
                )));
            }
            let stored = Stored {
                metric: metric.name.clone(),
                labels: Arc::clone(&one.labels),
                period,
                interval: interval.unsigned_abs(),
                samples,
            };
            if each(stored)?.is_break() {
                break;
            }
            most = most.saturating_sub(count + 1);
            if most == 0 {
                break;
            }
        }
        self.metrics.extend(found.into_iter().map(|metric| (metric.name.clone(), metric)));
        Ok(())
    }

    /// The metrics a name or pattern means. Composites are no source of data: they cannot be nested.
    fn metrics(&self, pattern: &str) -> Result<Vec<Metric>, Refusal> {
        if pattern.contains('*') {
            let choice = Choice::new(&[pattern.to_owned()]).unwrap_or_default();
            let mut found = Vec::new();
            for id in metrics::choose(self.tx, &choice, &Choice::default())? {
                let metric = metrics::get(self.tx, id)?;
                found.extend(metric.filter(|metric| metric.kind != Kind::Composite));
            }
            found.sort_by_cached_key(|metric| metric.name.to_lowercase());
            return Ok(found);
        }
        match metrics::find(self.tx, pattern)? {
            Some(metric) if metric.kind == Kind::Composite => Err(Refusal::Told(nested(&metric.name))),
            found => Ok(found.into_iter().collect()),
        }
    }

    /// In order of metrics and labels, so that answers do not depend on who sent first.
    fn meant(&mut self, metrics: &[Metric], request: &Request<'_>) -> Result<Vec<Meant>, Refusal> {
        let mut meant = Vec::new();
        for (place, metric) in metrics.iter().enumerate() {
            let first = meant.len();
            for one in &*self.known(metric.id)? {
                budget::proceed()?;
                if request.selector.matches(&one.labels) && (self.wants)(&one.labels) {
                    meant.push(Meant { id: one.id, labels: Arc::clone(&one.labels), metric: place });
                }
            }
            meant[first..].sort_by(|a, b| a.labels.cmp(&b.labels));
            if meant.len() as u64 > request.most {
                break;
            }
        }
        Ok(meant)
    }

    /// The series of a metric.
    fn known(&mut self, metric: i64) -> Result<Rc<[Known]>, Problem> {
        if let Some(known) = self.known.get(&metric) {
            return Ok(Rc::clone(known));
        }
        let series = counted_once(series::of(self.tx).series(metric)?);
        budget::hold(SERIES_BYTES * series.len())?;
        let known: Rc<[Known]> = series
            .into_iter()
            .map(|one| Known { id: one.id, labels: one.labels.into_tags().into() })
            .collect();
        self.known.insert(metric, Rc::clone(&known));
        Ok(known)
    }

    fn samples(
        &mut self,
        packed: &mut dyn Packed,
        id: i64,
        span: TimeRange,
        step: i64,
    ) -> Result<Vec<Sample>, Refusal> {
        let recent = || {
            let all = self.recent.get(&id).into_iter().flatten();
            all.filter(|point| span.contains(point.time))
        };
        let singles = &mut self.singles;
        if budget::beside(self.made, || packed.singles(id, singles))? {
            let last = singles.times.last().copied();
            if recent().map(|point| point.time).fold((true, last), ascending).0 {
                let most = singles.times.len() + recent().count();
                let bytes = singles.bytes() + size_of::<Sample>() * most;
                budget::need(self.made.saturating_add(bytes))?;
                let mut sums = Sums::new(step, most);
                sums.add_singles(singles);
                recent().map(sample).for_each(|sample| sums.add(sample));
                return Ok(sums.finish());
            }
            // They are there twice, and once more while they are sorted.
            let count = singles.times.len() + recent().count();
            let bytes = singles.bytes().saturating_add(3 * size_of::<Point>() * count);
            budget::need(self.made.saturating_add(bytes))?;
            let single =
                |(time, value): (&i64, &f64)| Point { time: *time, stats: Aggregate::single(*value) };
            let points =
                singles.times.iter().zip(&singles.values).map(single).chain(recent().copied()).collect();
            return self.downsampled(points, step);
        }
        let mut points = budget::beside(self.made, || packed.points(id))?;
        points.extend(recent().copied());
        self.downsampled(points, step)
    }

    fn downsampled(&self, points: Vec<Point>, step: i64) -> Result<Vec<Sample>, Refusal> {
        budget::need(self.made.saturating_add(size_of_val(points.as_slice())))?;
        // Collected where they lie they would keep the room of all that was read.
        let points = downsample(points, step);
        let mut samples = Vec::with_capacity(points.len());
        samples.extend(points.iter().map(sample));
        Ok(samples)
    }
}

/// Whether times are in order so far, and the last of them.
fn ascending((so_far, last): (bool, Option<i64>), time: i64) -> (bool, Option<i64>) {
    (so_far && last.is_none_or(|last| last <= time), Some(time))
}

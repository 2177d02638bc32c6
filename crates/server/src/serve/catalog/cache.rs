//! What the last measurements needed to know of their metrics and series, so that the next ones need no query. Shared by
//! all requests; finds nothing itself.
//!
//! It never lags behind the tables: only what a commit made durable is remembered, and a job of the writer that changes or
//! deletes metrics makes it forget everything. Where other servers do so it finds out late, so whoever stores what it made of
//! measurements does that only if the epoch of the database is still that of its [`Age`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::serve::catalog::metrics::meta::MetricMeta;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::store::epoch::Epoch;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::{Sample, Stats};

/// Bytes of metrics and series remembered, about. When there are more it starts over, which costs each one query.
const MOST: usize = 25_000_000;

/// What one of them takes beside its text.
const EACH: usize = 100;

/// Clones share what is known.
#[derive(Clone, Default)]
pub struct SeriesCache {
    epoch: Epoch,
    inner: Arc<Mutex<Inner>>,
}

/// Of what is known: as long as neither epoch ends, it is true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Age {
    /// The epoch of this store.
    own: u64,
    /// That of the database, where other servers may end it, as it was last seen.
    pub shared: i64,
}

/// A measurement, as far as it is looked for.
#[derive(Debug, PartialEq)]
pub struct Wanted<'a> {
    pub metric: &'a str,
    pub kind: Kind,
    /// As text.
    pub labels: Cow<'a, str>,
    pub time: i64,
    pub stats: Stats,
}

/// Series of one metric by the text of their labels.
type ByLabels = HashMap<Box<str>, i64>;

#[derive(Default)]
struct Inner {
    age: Age,
    metrics: HashMap<Box<str>, MetricMeta>,
    /// By metric and the text of the labels. That of tags begins with a brace, which no name of a source holds, so it
    /// tells the dialects apart.
    series: HashMap<i64, ByLabels>,
    bytes: usize,
}

/// What was found in the tables or put there, to be remembered once that is durable.
#[derive(Default)]
pub struct Found {
    age: Age,
    metrics: Vec<(Box<str>, MetricMeta)>,
    series: Vec<(i64, Box<str>, i64)>,
}

impl Found {
    /// That of what was known when the search began.
    pub fn age(&self) -> Age {
        self.age
    }

    pub fn metric(&mut self, name: &str, meta: MetricMeta) {
        self.metrics.push((name.into(), meta));
    }

    /// Adds what was found later in the same search.
    pub fn add(&mut self, later: Found) {
        self.metrics.extend(later.metrics);
        self.series.extend(later.series);
    }

    pub fn series(&mut self, metric: i64, labels: &Labels, id: i64) {
        self.series.push((metric, labels.text().into(), id));
    }
}

impl SeriesCache {
    /// That of a store, of which everything is forgotten when its epoch ends.
    pub fn of(epoch: Epoch) -> SeriesCache {
        SeriesCache { epoch, ..SeriesCache::default() }
    }

    /// For what will be found in the tables from now on.
    pub fn found(&self) -> Found {
        Found { age: self.lock().age, ..Found::default() }
    }

    pub fn metric(&self, name: &str) -> Option<MetricMeta> {
        self.lock().metrics.get(name).copied()
    }

    pub fn series(&self, metric: i64, labels: &Labels) -> Option<i64> {
        self.lock().series.get(&metric)?.get(&*labels.text()).copied()
    }

    /// What measurements become, and the age of what was known of them: as long as that does not change, they do not
    /// either. Nothing unless all their metrics and series are known and of the right kind.
    pub fn resolve<'m, M>(
        &self,
        measurements: &'m [M],
        wanted: impl Fn(&'m M) -> Wanted<'m>,
    ) -> Option<(Age, Vec<Sample>)> {
        let mut samples = Vec::with_capacity(measurements.len());
        let mut age = None;
        // Others need not wait for all of a large request.
        for some in measurements.chunks(1000) {
            let inner = self.lock();
            if *age.get_or_insert(inner.age) != inner.age {
                return None;
            }
            // Many of one metric mostly follow each other.
            let mut last: Option<(&str, &MetricMeta, &ByLabels)> = None;
            for Wanted { metric, kind, labels, time, stats } in some.iter().map(&wanted) {
                let (_, meta, series) = match last {
                    Some(last) if last.0 == metric && last.1.kind == kind => last,
                    _ => {
                        let meta = inner.metrics.get(metric).filter(|meta| meta.kind == kind)?;
                        *last.insert((metric, meta, inner.series.get(&meta.id)?))
                    }
                };
                let series = *series.get(&*labels)?;
                samples.push(Sample { metric: meta.id, series, time: meta.time(time), stats });
            }
        }
        age.map(|age| (age, samples))
    }

    /// For what this transaction will find in the tables. Forgets everything where another server has changed or deleted metrics,
    /// as it sees.
    pub fn look(&self, tx: &Tx<'_>) -> Result<Found, StoreError> {
        let seen = tx.epoch()?.unwrap_or_default();
        let mut inner = self.lock();
        if seen > inner.age.shared {
            self.epoch.advance();
            *inner = Inner { age: Age { own: self.epoch.now(), shared: seen }, ..Inner::default() };
        }
        // Of a transaction that began before the last change nothing is remembered.
        Ok(Found { age: Age { shared: seen, ..inner.age }, ..Found::default() })
    }

    /// Whether nothing was forgotten since what is known had this age. For a job of the one writer.
    pub fn is_of(&self, age: Age) -> bool {
        self.epoch.now() == age.own
    }

    /// Unless it was made to forget since: then what was found may have been changed.
    pub fn remember(&self, found: Found) {
        let texts = found
            .metrics
            .iter()
            .map(|(name, _)| name)
            .chain(found.series.iter().map(|(_, labels, _)| labels));
        let bytes: usize = texts.map(|text| EACH + text.len()).sum();
        let mut inner = self.lock();
        if bytes == 0 || bytes > MOST || inner.age != found.age {
            return;
        }
        if inner.bytes + bytes > MOST {
            *inner = Inner { age: inner.age, ..Inner::default() };
        }
        inner.bytes += bytes;
        inner.metrics.extend(found.metrics);
        for (metric, labels, id) in found.series {
            inner.series.entry(metric).or_default().insert(labels, id);
        }
    }

    /// To be called by a job of the writer that changes or deletes metrics: those after it find what it wrote.
    pub fn forget(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.epoch.advance();
        tx.end_epoch()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock();
        let own = self.epoch.now();
        if inner.age.own != own {
            *inner = Inner { age: Age { own, ..inner.age }, ..Inner::default() };
        }
        inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn source(name: &str) -> Labels {
        Labels::Source(Some(name.to_owned()))
    }

    fn remember(known: &SeriesCache, metric: i64, labels: &[Labels]) {
        let mut found = known.found();
        labels.iter().zip(0..).for_each(|(labels, id)| found.series(metric, labels, id));
        known.remember(found);
    }

    #[test]
    fn dialects_and_metrics_are_told_apart() {
        let known = SeriesCache::default();
        let tags = Labels::Tags(BTreeMap::from([("source".to_owned(), "a".to_owned())]));
        let all = [source("a"), Labels::Source(None), tags];
        remember(&known, 1, &all);
        for (labels, id) in all.iter().zip(0..) {
            assert_eq!((known.series(1, labels), known.series(2, labels)), (Some(id), None));
        }
        assert_eq!(known.series(1, &source("b")), None);
    }

    #[test]
    fn what_was_found_before_a_change_is_not_remembered_after_it() {
        let known = SeriesCache::default();
        let (meta, mut found) = (MetricMeta { id: 1, kind: Kind::Gauge, aggregates: None }, known.found());
        found.metric("m", meta);
        known.epoch.advance();
        known.remember(found);
        assert_eq!(known.metric("m"), None);
        let mut found = known.found();
        found.metric("m", meta);
        known.remember(found);
        assert_eq!(known.metric("m"), Some(meta));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let known = SeriesCache::default();
        let half: Vec<Labels> = (0..MOST / 2 / (EACH + 6)).map(|n| source(&format!("{n:06}"))).collect();
        for metric in 0..3 {
            remember(&known, metric, &half);
            assert!(known.lock().bytes <= MOST);
        }
        assert_eq!((known.series(1, &half[0]), known.series(2, &half[1])), (None, Some(1)));
        remember(&known, 3, &[source(&"x".repeat(MOST))]);
        assert!(known.lock().bytes <= MOST && known.series(2, &half[1]).is_some());
    }
}

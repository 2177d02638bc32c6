//! What the last measurements needed to know of their metrics and series, so that the next ones need no query. Shared by
//! all requests; finds nothing itself.
//!
//! It never lags behind the tables: only what a commit made durable is remembered, and a job of the writer that changes or
//! deletes metrics makes it forget everything. Where other servers do so it finds out late, so whoever stores what it made of
//! measurements does that only if the epoch of the database is still that of its [`Age`].

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};
use parking_lot::{Mutex, MutexGuard};

use crate::serve::catalog::metrics::meta::MetricMeta;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::store::epoch::Epoch;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::{Sample, Stats};

/// Bytes of metrics and series remembered, about: a million series. When there are more it starts over, which costs each one query.
const MOST: usize = 128_000_000;

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

#[derive(Default)]
struct Inner {
    age: Age,
    metrics: Chain<Box<str>, MetricMeta>,
    series: Chain<Key, i64>,
    bytes: usize,
}

/// What tells a series from others: its metric, and the text of its labels. That of tags begins with a brace, which no name of a
/// source holds, so it tells the dialects apart.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    metric: i64,
    labels: Box<str>,
}

/// A key that is only looked for.
#[derive(Hash)]
struct Sought<'a> {
    metric: i64,
    labels: &'a str,
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.metric == key.metric && *self.labels == *key.labels
    }
}

/// A map whose keys are looked for in much the same order again and again, as clients send their series. Each key knows what was found
/// after it the last time: to compare with that takes a fraction of what it takes to hash, as names that strangers choose must be.
struct Chain<K, V>(IndexMap<K, (V, u32)>);

impl<K, V> Default for Chain<K, V> {
    fn default() -> Chain<K, V> {
        Chain(IndexMap::default())
    }
}

impl<K: Hash + Eq, V> Chain<K, V> {
    fn get<Q: ?Sized + Hash + Equivalent<K>>(&self, key: &Q) -> Option<&V> {
        self.0.get(key).map(|(value, _)| value)
    }

    /// What a key has, and its place, given that of the key before.
    fn find<Q: ?Sized + Hash + Equivalent<K>>(
        &mut self,
        last: Option<usize>,
        key: &Q,
    ) -> Option<(usize, &V)> {
        let place = match last.and_then(|last| self.follower(last)) {
            Some((place, found)) if key.equivalent(found) => place,
            _ => {
                let place = self.0.get_index_of(key)?;
                if let Some((_, (_, next))) = last.and_then(|last| self.0.get_index_mut(last)) {
                    *next = u32::try_from(place).unwrap_or(u32::MAX);
                }
                place
            }
        };
        self.0.get_index(place).map(|(_, (value, _))| (place, value))
    }

    fn follower(&self, place: usize) -> Option<(usize, &K)> {
        let next = self.0.get_index(place)?.1.1 as usize;
        self.0.get_index(next).map(|(key, _)| (next, key))
    }

    /// They come into being in that order, too.
    fn insert(&mut self, key: K, value: V) {
        let next = u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX);
        self.0.insert(key, (value, next));
    }
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
        self.lock().series.get(&Sought { metric, labels: &labels.text() }).copied()
    }

    /// What measurements become, and the age of what was known of them: as long as that does not change, they do not
    /// either. Nothing unless all their metrics and series are known and of the right kind.
    pub fn resolve<'m, M>(
        &self,
        measurements: &'m [M],
        wanted: impl Fn(&'m M) -> Wanted<'m>,
    ) -> Option<(Age, Vec<Sample>)> {
        let mut samples = Vec::with_capacity(measurements.len());
        let (mut age, mut last) = (None, (None, None));
        // Others need not wait for all of a large request.
        for some in measurements.chunks(1000) {
            let mut inner = self.lock();
            if *age.get_or_insert(inner.age) != inner.age {
                return None;
            }
            let Inner { metrics, series, .. } = &mut *inner;
            for Wanted { metric, kind, labels, time, stats } in some.iter().map(&wanted) {
                let (metric, meta) = metrics.find(last.0, metric).filter(|(_, meta)| meta.kind == kind)?;
                let (found, id) = series.find(last.1, &Sought { metric: meta.id, labels: &labels })?;
                last = (Some(metric), Some(found));
                samples.push(Sample { metric: meta.id, series: *id, time: meta.time(time), stats });
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
        for (name, meta) in found.metrics {
            inner.metrics.insert(name, meta);
        }
        for (metric, labels, id) in found.series {
            inner.series.insert(Key { metric, labels }, id);
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
    fn the_order_in_which_keys_are_looked_for_changes_nothing() {
        let mut chain: Chain<u32, u32> = Chain::default();
        (0..5).for_each(|key| chain.insert(key, 10 * key));
        let mut last = None;
        for key in [0, 1, 2, 1, 2, 4, 4, 4, 3, 0, 1, 9, 2, 1, 2] {
            let found = chain.find(last, &key);
            assert_eq!(found.map(|(_, value)| *value), (key < 5).then_some(10 * key));
            last = found.map(|(place, _)| place);
        }
        assert_eq!(chain.follower(0), Some((1, &1)));
        assert_eq!(chain.follower(3), Some((0, &0)), "what came last");
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
        let text = |n: usize| format!("{n:06}{}", "x".repeat(10_000));
        let half: Vec<Labels> = (0..MOST / 2 / (EACH + text(0).len())).map(|n| source(&text(n))).collect();
        for metric in 0..3 {
            remember(&known, metric, &half);
            assert!(known.lock().bytes <= MOST);
        }
        assert_eq!((known.series(1, &half[0]), known.series(2, &half[1])), (None, Some(1)));
        remember(&known, 3, &[source(&"x".repeat(MOST))]);
        assert!(known.lock().bytes <= MOST && known.series(2, &half[1]).is_some());
    }
}

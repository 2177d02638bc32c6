//! Who watches which series: samples in, closed points out, each with those who watch it. Knows alerts only by their seats.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;

use super::places::{Place, Places};
use super::wheel::Wheel;
use crate::serve::catalog::alerts::watched::Known;
use crate::watch::{Class, Incoming, Point, Rule, Sample, Series, Settings, Stream};

/// A condition: the seat of its alert and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    pub seat: u32,
    pub place: u32,
}

/// A series that is watched. There may be a million of them.
#[derive(Debug)]
pub struct Tracked {
    pub id: i64,
    metric: u32,
    incoming: Incoming,
    /// Under which name it is watched, mostly.
    pub stream: Stream,
    /// Who does. Series with the same list share it.
    pub watchers: Arc<[Pair]>,
    /// Who watches it under another name.
    pub others: Option<Box<[(Pair, Stream)]>>,
    /// The second in which it is looked at next; `i64::MAX` while nothing is open.
    scheduled: i64,
    /// The newest event time that was passed on to anybody.
    pub hot: i64,
    /// Whether a tagged series repeats it.
    pub twice: bool,
}

/// A metric that conditions name and that exists.
#[derive(Debug)]
pub struct Metric {
    pub name: Arc<str>,
    pub known: Known,
    rule: Rule,
    /// The conditions on it.
    pub pairs: Vec<Pair>,
    slots: Vec<u32>,
    lists: HashSet<Arc<[Pair]>>,
    /// What tagged series repeat, and the series of sources that may be repeated.
    tagged: HashSet<Option<String>>,
    sources: HashMap<Option<String>, u32>,
}

/// A point that nothing can change any more.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    pub slot: u32,
    /// The second it closed in.
    pub second: i64,
    pub point: Point,
}

/// What is watched of a series.
#[derive(Debug, Default)]
pub struct Watched {
    pub stream: Option<Stream>,
    pub pairs: Vec<Pair>,
    pub others: Vec<(Pair, Stream)>,
}

#[derive(Debug, Default)]
pub struct Index {
    /// Shared with who reads the journal.
    places: Arc<RwLock<Places>>,
    tracked: Vec<Option<Tracked>>,
    free: Vec<u32>,
    metrics: Vec<Option<Metric>>,
    names: HashMap<Arc<str>, u32>,
    ids: HashMap<i64, u32>,
    wheel: Wheel,
    /// Points that are about to be passed on; kept to be used again.
    points: Vec<Point>,
}

impl Watched {
    /// Someone watches the series under this name.
    pub fn add(&mut self, pair: Pair, stream: &Stream) {
        if self.stream.get_or_insert_with(|| stream.clone()) == stream {
            self.pairs.push(pair);
        } else {
            self.others.push((pair, stream.clone()));
        }
    }
}

impl Index {
    /// The places of series, for who reads the journal.
    pub fn places(&self) -> Arc<RwLock<Places>> {
        Arc::clone(&self.places)
    }

    pub fn place(&self, series: i64) -> Place {
        self.places.read().get(series)
    }

    pub fn len(&self) -> usize {
        self.tracked.len() - self.free.len()
    }

    pub fn metric(&self, id: i64) -> Option<&Metric> {
        self.metrics.get(*self.ids.get(&id)? as usize)?.as_ref()
    }

    pub fn metric_named(&self, name: &str) -> Option<&Metric> {
        self.metrics.get(*self.names.get(name)? as usize)?.as_ref()
    }

    pub fn tracked(&self, slot: u32) -> Option<&Tracked> {
        self.tracked.get(slot as usize)?.as_ref()
    }

    pub fn tracked_mut(&mut self, slot: u32) -> Option<&mut Tracked> {
        self.tracked.get_mut(slot as usize)?.as_mut()
    }

    /// The name of the metric of a series.
    pub fn name_of(&self, tracked: &Tracked) -> &str {
        self.metrics.get(tracked.metric as usize).and_then(Option::as_ref).map_or("", |metric| &metric.name)
    }

    /// Takes a sample of second `t` that was received in second `r`.
    pub fn take(&mut self, slot: u32, t: i64, r: i64, sample: &Sample, closed: &mut Vec<Closed>) -> Class {
        let Some(Some(tracked)) = self.tracked.get_mut(slot as usize) else { return Class::Old };
        let Some(Some(metric)) = self.metrics.get(tracked.metric as usize) else { return Class::Old };
        let class = tracked.incoming.add(&metric.rule, t, r, sample, &mut self.points);
        pass_on(slot, &metric.rule, &mut self.points, closed);
        tracked.schedule(slot, &metric.rule, &mut self.wheel);
        class
    }

    /// Closes everything that is closed at the end of a second.
    pub fn close(&mut self, clock: i64, closed: &mut Vec<Closed>) {
        while let Some((second, slots)) = self.wheel.take(clock) {
            for slot in slots {
                let Some(Some(tracked)) = self.tracked.get_mut(slot as usize) else { continue };
                let Some(Some(metric)) = self.metrics.get(tracked.metric as usize) else { continue };
                if tracked.scheduled == second {
                    tracked.scheduled = i64::MAX;
                    tracked.incoming.close(&metric.rule, clock, &mut self.points);
                    pass_on(slot, &metric.rule, &mut self.points, closed);
                    tracked.schedule(slot, &metric.rule, &mut self.wheel);
                }
            }
        }
    }

    /// A condition on a metric, which is entered if it is new.
    pub fn enter(&mut self, name: &str, known: &Known, pair: Pair, settings: &Settings) {
        let at = match self.names.get(name) {
            Some(at) => *at,
            None => {
                let (name, rule): (Arc<str>, _) = (name.into(), Rule::new(&known.shape, settings));
                let metric = Metric {
                    name: Arc::clone(&name),
                    known: known.clone(),
                    rule,
                    pairs: Vec::new(),
                    slots: Vec::new(),
                    lists: HashSet::new(),
                    tagged: HashSet::new(),
                    sources: HashMap::new(),
                };
                let free = self.metrics.iter().position(Option::is_none);
                let at = free.unwrap_or(self.metrics.len());
                if at == self.metrics.len() {
                    self.metrics.push(None);
                }
                self.metrics[at] = Some(metric);
                let at = at as u32;
                self.names.insert(name, at);
                self.ids.insert(known.id, at);
                at
            }
        };
        if let Some(Some(metric)) = self.metrics.get_mut(at as usize) {
            metric.pairs.push(pair);
        }
    }

    /// Takes seats out of everything that they watch on these metrics.
    pub fn leave(&mut self, names: &HashSet<String>, seats: &HashSet<u32>) {
        for name in names {
            let Some(at) = self.names.get(name.as_str()).copied() else { continue };
            let Some(Some(metric)) = self.metrics.get_mut(at as usize) else { continue };
            metric.pairs.retain(|pair| !seats.contains(&pair.seat));
            metric.lists.clear();
            for slot in &metric.slots {
                let Some(Some(tracked)) = self.tracked.get_mut(*slot as usize) else { continue };
                if tracked.watchers.iter().any(|pair| seats.contains(&pair.seat)) {
                    let left = tracked.watchers.iter().filter(|pair| !seats.contains(&pair.seat));
                    tracked.watchers = shared(&mut metric.lists, &left.copied().collect::<Vec<_>>());
                }
                if let Some(others) = tracked.others.take() {
                    let left: Vec<_> =
                        others.into_iter().filter(|(pair, _)| !seats.contains(&pair.seat)).collect();
                    tracked.others = (!left.is_empty()).then(|| left.into());
                }
            }
        }
    }

    /// Lets go of series that no one watches any more, and of metrics without conditions.
    pub fn sweep(&mut self, names: &HashSet<String>) {
        for name in names {
            let Some(at) = self.names.get(name.as_str()).copied() else { continue };
            let Some(Some(metric)) = self.metrics.get_mut(at as usize) else { continue };
            let mut places = self.places.write();
            metric.slots.retain(|slot| {
                let Some(tracked) = self.tracked.get_mut(*slot as usize) else { return false };
                let idle = tracked.as_ref().is_none_or(|one| one.watchers.is_empty() && one.others.is_none());
                if idle && let Some(one) = tracked.take() {
                    places.set(one.id, Place::Nobody);
                    metric.sources.retain(|_, source| source != slot);
                    self.free.push(*slot);
                }
                !idle
            });
            drop(places);
            if metric.pairs.is_empty() {
                self.names.remove(name.as_str());
                self.ids.remove(&metric.known.id);
                self.metrics[at as usize] = None;
            }
        }
    }

    /// Lets go of a metric with all its series, of which nothing is known any more.
    pub fn forget(&mut self, name: &str) {
        let Some(at) = self.names.remove(name) else { return };
        let Some(metric) = self.metrics.get_mut(at as usize).and_then(Option::take) else { return };
        self.ids.remove(&metric.known.id);
        let mut places = self.places.write();
        for slot in metric.slots {
            if let Some(one) = self.tracked.get_mut(slot as usize).and_then(Option::take) {
                places.set(one.id, Place::Unknown);
                self.free.push(slot);
            }
        }
    }

    /// No one watches this series.
    pub fn nobody(&mut self, series: i64) {
        self.places.write().set(series, Place::Nobody);
    }

    /// Begins to track a series of a metric, or adds to those who watch it. Gives its slot, and whether it is new.
    pub fn track(&mut self, metric: &str, id: i64, series: &Series, watched: Watched) -> Option<(u32, bool)> {
        let at = *self.names.get(metric)?;
        let metric = self.metrics.get_mut(at as usize)?.as_mut()?;
        let place = self.places.read().get(id);
        if let Place::At(slot) = place
            && let Some(Some(tracked)) = self.tracked.get_mut(slot as usize)
        {
            let mut pairs = tracked.watchers.to_vec();
            let mut others = tracked.others.take().map(<[_]>::into_vec).unwrap_or_default();
            let same = watched.stream.as_ref() == Some(&tracked.stream);
            if same {
                pairs.extend(watched.pairs);
            } else if let Some(stream) = watched.stream {
                others.extend(watched.pairs.into_iter().map(|pair| (pair, stream.clone())));
            }
            for (pair, stream) in watched.others {
                if stream == tracked.stream { pairs.push(pair) } else { others.push((pair, stream)) }
            }
            tracked.watchers = shared(&mut metric.lists, &pairs);
            tracked.others = (!others.is_empty()).then(|| others.into());
            return Some((slot, false));
        }
        let slot = self.free.pop().unwrap_or(self.tracked.len() as u32);
        if slot as usize == self.tracked.len() {
            self.tracked.push(None);
        }
        let repeated = series.repeated_as();
        let is_tagged = matches!(series, Series::Tags(_));
        let twice = !is_tagged && metric.tagged.contains(&repeated);
        if is_tagged {
            if let Some(source) = metric.sources.get(&repeated)
                && let Some(Some(source)) = self.tracked.get_mut(*source as usize)
            {
                source.twice = true;
            }
            metric.tagged.insert(repeated);
        } else {
            metric.sources.insert(repeated, slot);
        }
        self.tracked[slot as usize] = Some(Tracked {
            id,
            metric: at,
            incoming: Incoming::default(),
            stream: watched.stream?,
            watchers: shared(&mut metric.lists, &watched.pairs),
            others: (!watched.others.is_empty()).then(|| watched.others.into()),
            scheduled: i64::MAX,
            hot: i64::MIN,
            twice,
        });
        metric.slots.push(slot);
        self.places.write().set(id, Place::At(slot));
        Some((slot, true))
    }

    /// Sets what is known of a series that was just begun to be tracked.
    pub fn prime(&mut self, slot: u32, incoming: Incoming) {
        let Some(Some(tracked)) = self.tracked.get_mut(slot as usize) else { return };
        let Some(Some(metric)) = self.metrics.get(tracked.metric as usize) else { return };
        tracked.incoming = incoming;
        tracked.schedule(slot, &metric.rule, &mut self.wheel);
    }

    /// The clock was set back by so many seconds, and is now at `now`.
    pub fn set_back(&mut self, by: i64, now: i64) {
        self.wheel.clear();
        for (slot, tracked) in self.tracked.iter_mut().enumerate() {
            let Some(tracked) = tracked else { continue };
            let Some(Some(metric)) = self.metrics.get(tracked.metric as usize) else { continue };
            tracked.incoming.set_back(by, now);
            tracked.hot = tracked.hot.saturating_sub(by);
            tracked.scheduled = i64::MAX;
            tracked.schedule(slot as u32, &metric.rule, &mut self.wheel);
        }
    }
}

impl Tracked {
    /// The time of its newest closed point.
    pub fn newest(&self) -> Option<i64> {
        self.incoming.newest().map(|newest| newest.t)
    }

    /// Puts down when it has to be looked at, if that is sooner than is known.
    fn schedule(&mut self, slot: u32, rule: &Rule, wheel: &mut Wheel) {
        if let Some(next) = self.incoming.next_close(rule).filter(|next| *next < self.scheduled) {
            self.scheduled = next;
            wheel.put(next, slot);
        }
    }
}

fn pass_on(slot: u32, rule: &Rule, points: &mut Vec<Point>, closed: &mut Vec<Closed>) {
    let open_for = rule.open_for();
    closed.extend(points.drain(..).map(|point| Closed {
        slot,
        second: point.u.saturating_add(open_for),
        point,
    }));
}

fn shared(lists: &mut HashSet<Arc<[Pair]>>, pairs: &[Pair]) -> Arc<[Pair]> {
    if let Some(list) = lists.get(pairs) {
        return Arc::clone(list);
    }
    let list: Arc<[Pair]> = pairs.into();
    lists.insert(Arc::clone(&list));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a hundred thousand series take depends on this.
    #[test]
    fn a_tracked_series_takes_little() {
        assert!(size_of::<Option<Tracked>>() <= 160, "{}", size_of::<Option<Tracked>>());
    }
}

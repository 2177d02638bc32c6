//! Taking up alerts from what is stored: their definitions and states, the series that they watch, and what these series had lately.
//! At the start, after an edit, and where rows of the journal were missed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::clock::Step;
use crate::serve::catalog::alerting::clock::{Clock, Clocks, Written};
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::catalog::alerting::restore::{Restored, orphans, restore};
use crate::serve::catalog::alerting::states::{self, Found};
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::catalog::alerts::watched::{Known, Watched};
use crate::serve::cluster::Share;
use crate::serve::names::fold;
use crate::serve::series;
use crate::serve::series::points::Cursor;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aggregate::{Aggregate, Point as Stored};
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::range::TimeRange;
use crate::watch::{
    self, AlertState, Context, Incoming, Point, Rule, Sample, Series, Settings, Stream, Transition,
};

/// Alerts read at one time.
const TOGETHER: usize = 500;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Question {
    pub by: Evaluation,
    /// How far the journal has been read.
    pub until: Cursor,
    /// The second up to which points are closed, and the one it is.
    pub clock: i64,
    pub now: i64,
    pub settings: Settings,
    /// The groups of alerts that are evaluated here, and what lies between where some of them were left and now.
    pub share: Share,
    pub steps: BTreeMap<i64, Step>,
    /// Metrics that were deleted, in small letters; they may be there again.
    pub dropped: HashSet<String>,
    /// The most streams of one condition.
    pub most: usize,
}

/// What there is.
#[derive(Debug, Default)]
pub struct Loaded {
    pub alerts: Vec<Taken>,
    /// The metrics that they name and that exist, in small letters.
    pub metrics: HashMap<String, Known>,
    pub series: Vec<History>,
    /// Streams that are left out, since their condition has too many.
    pub left_out: usize,
}

/// An alert that is watched.
#[derive(Debug)]
pub struct Taken {
    pub alert: Arc<Alert>,
    pub watched: Arc<watch::Alert>,
    pub state: AlertState,
    /// What came of metrics that are gone.
    pub transitions: Vec<Transition>,
}

/// A series that some of the alerts watch.
#[derive(Debug)]
pub struct History {
    pub id: i64,
    /// The name of its metric, in small letters.
    pub metric: Arc<str>,
    pub series: Series,
    /// By the places of alerts among those that are loaded.
    pub watchers: Vec<Watcher>,
    pub incoming: Incoming,
    /// With the seconds they closed in.
    pub closed: Vec<(i64, Point)>,
}

/// Who watches a series, and as what.
#[derive(Debug, Clone)]
pub struct Watcher {
    pub alert: usize,
    pub place: usize,
    pub stream: Stream,
}

/// Takes up those of these alerts that are there.
pub fn load(tx: &Tx<'_>, asked: &Question, ids: &[i64]) -> Result<Loaded, StoreError> {
    let written = Clock::read(tx)?.written;
    let mut loaded = Loaded::default();
    for some in ids.chunks(TOGETHER) {
        loaded.alerts(tx, asked, &written, alerts::readable(tx, &some.to_vec())?)?;
    }
    loaded.find(tx, asked.most)?;
    loaded.read(tx, asked)?;
    Ok(loaded)
}

impl Loaded {
    /// Takes up some alerts with their states.
    fn alerts(
        &mut self,
        tx: &Tx<'_>,
        asked: &Question,
        written: &Clocks,
        all: Vec<Alert>,
    ) -> Result<(), StoreError> {
        let known = Watched::of(tx, &all)?;
        let ids: Vec<i64> = all.iter().map(|alert| alert.id).collect();
        let mut states = states::load(tx, &ids)?;
        for alert in all {
            let watched = known.watch(&alert);
            if !watched.is_watched() {
                continue;
            }
            for condition in &watched.conditions {
                let key = fold(&condition.metric);
                if let Some(found) = known.get(&condition.metric)
                    && !self.metrics.contains_key(&key)
                {
                    self.metrics.insert(key, found.clone());
                }
            }
            let ctx = Context { alert: &watched, settings: &asked.settings, silences: &[] };
            let found = states.remove(&alert.id);
            let written = written.of(alert.id);
            let (mut state, mut transitions) = state_of(tx, &alert, &ctx, found, (written, asked))?;
            for (place, condition) in watched.conditions.iter().enumerate() {
                let key = fold(&condition.metric);
                let is_gone = known.get(&condition.metric).is_none() || asked.dropped.contains(&key);
                if is_gone && state.remembers(place) {
                    transitions.extend(state.drop_metric(&ctx, &condition.metric, asked.clock));
                }
            }
            let (alert, watched) = (Arc::new(alert), Arc::new(watched));
            self.alerts.push(Taken { alert, watched, state, transitions });
        }
        Ok(())
    }

    /// Finds the series that the alerts watch.
    fn find(&mut self, tx: &Tx<'_>, most: usize) -> Result<(), StoreError> {
        let mut wanted: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, taken) in self.alerts.iter().enumerate() {
            for (place, condition) in taken.watched.conditions.iter().enumerate() {
                wanted.entry(fold(&condition.metric)).or_default().push((at, place));
            }
        }
        let mut counts: HashMap<(usize, usize), usize> = HashMap::new();
        for (key, pairs) in &wanted {
            let Some(metric) = self.metrics.get(key).filter(|known| known.composite.is_none()) else {
                continue;
            };
            let name: Arc<str> = key.as_str().into();
            for one in series::of(tx).series(metric.id)? {
                let series = series_of(one.labels);
                let mut watchers: Vec<Watcher> = Vec::new();
                for (alert, place) in pairs {
                    let streams = &self.alerts[*alert].watched.conditions[*place].streams;
                    let Some(stream) = streams.stream_of(&series) else { continue };
                    let count = counts.entry((*alert, *place)).or_default();
                    if *count >= most {
                        self.left_out += 1;
                        continue;
                    }
                    *count += 1;
                    // Most of them see it under the same name.
                    let same = watchers.iter().find(|other| other.stream == stream);
                    let stream = same.map_or(stream, |other| other.stream.clone());
                    watchers.push(Watcher { alert: *alert, place: *place, stream });
                }
                if !watchers.is_empty() {
                    let (id, metric) = (one.id, Arc::clone(&name));
                    let (incoming, closed) = (Incoming::default(), Vec::new());
                    self.series.push(History { id, metric, series, watchers, incoming, closed });
                }
            }
        }
        Ok(())
    }

    /// Reads what the series had lately.
    fn read(&mut self, tx: &Tx<'_>, asked: &Question) -> Result<(), StoreError> {
        let points = series::of(tx);
        let from: Vec<i64> =
            self.alerts.iter().map(|taken| taken.state.history_from(&taken.watched)).collect();
        let places: HashMap<i64, usize> =
            self.series.iter().enumerate().map(|(at, one)| (one.id, at)).collect();
        let mut rules: Vec<(i64, Rule)> = Vec::with_capacity(self.series.len());
        let wanted = places.keys().copied().collect();
        let earliest = from.iter().copied().min().unwrap_or(i64::MAX);
        let mut packed = points.packed(&wanted, TimeRange { start: earliest, end: i64::MAX })?;
        for one in &mut self.series {
            let start = one.watchers.iter().map(|watcher| from[watcher.alert]).min().unwrap_or(i64::MAX);
            let shape = self.metrics.get(&*one.metric).map(|known| known.shape).unwrap_or_default();
            let rule = Rule::new(&shape, &asked.settings);
            rules.push((start, rule));
            for Stored { time, stats } in packed.points(one.id)? {
                if time < start {
                    continue;
                }
                // When it was received is not known any more.
                one.take(&rule, time, time.min(asked.now), &sample(&stats));
            }
        }
        points.waiting(&asked.until, &|series| places.contains_key(&series), &mut |at, one| {
            let Some(place) = places.get(&one.series).copied() else { return };
            let (start, rule) = &rules[place];
            if one.time >= *start {
                let received = at.min(asked.now);
                self.series[place].take(rule, one.time, received, &sample(&one.stats.into()));
            }
        })?;
        for (one, (_, rule)) in self.series.iter_mut().zip(&rules) {
            let mut closed = Vec::new();
            one.incoming.close(rule, asked.clock, &mut closed);
            one.note(rule, closed);
            let needs = one.watchers.iter().map(|watcher| self.alerts[watcher.alert].needs(watcher.place));
            one.prune(needs.min().unwrap_or(i64::MAX));
        }
        Ok(())
    }
}

impl Taken {
    /// The event time from which a condition needs every point.
    fn needs(&self, place: usize) -> i64 {
        let condition = &self.watched.conditions[place];
        let buckets = if condition.streams.is_grouped() { 2 * condition.width() } else { 0 };
        self.state.through().saturating_sub(buckets)
    }
}

impl History {
    fn take(&mut self, rule: &Rule, t: i64, r: i64, sample: &Sample) {
        let mut closed = Vec::new();
        self.incoming.add(rule, t, r, sample, &mut closed);
        self.note(rule, closed);
    }

    fn note(&mut self, rule: &Rule, closed: Vec<Point>) {
        let open_for = rule.open_for();
        self.closed.extend(closed.into_iter().map(|point| (point.u.saturating_add(open_for), point)));
    }

    /// Leaves out points up to an event time, but for the last two seconds of them: those tell when the stream was last seen, and how
    /// often it reports.
    fn prune(&mut self, until: i64) {
        let before = self.closed.partition_point(|(_, point)| point.u <= until);
        let mut kept = before;
        for _ in 0..2 {
            let Some((_, last)) = kept.checked_sub(1).and_then(|at| self.closed.get(at)) else { break };
            let u = last.u;
            kept = self.closed.partition_point(|(_, point)| point.u < u);
        }
        self.closed.drain(..kept);
        self.closed.shrink_to_fit();
    }
}

/// The state of an alert as of its last change, brought to where the clock was written down, and what came of it if it was lost.
fn state_of(
    tx: &Tx<'_>,
    alert: &Alert,
    ctx: &Context<'_>,
    found: Option<Found>,
    (written, asked): (Option<Written>, &Question),
) -> Result<(AlertState, Vec<Transition>), StoreError> {
    let watched = ctx.alert;
    let delay = watched.delay(&asked.settings);
    let is_new = found.is_none() && written.is_none();
    let Restored { mut state, lost } = restore(ctx, alert, found, written, asked.clock);
    let mut transitions = Vec::new();
    if let Some(why) = lost {
        asked.by.loses(&alert.name, &why);
        transitions = orphans(tx, alert.id, asked.clock)?;
    }
    if is_new {
        // No one has evaluated this file before: its conditions are as if they were made now.
        let since: Vec<i64> = alert.conditions.iter().map(|one| one.since.max(asked.clock)).collect();
        state = AlertState::quiet(watched, &since, asked.clock.saturating_sub(delay), alert.incidents + 1);
    }
    // What has changed was written before the clock was, so nothing happened in between.
    if let Some(written) = written {
        state.resume(written.clock.saturating_sub(delay));
    }
    match asked.steps.get(&asked.share.group(alert.id)).copied() {
        Some(Step::Back(by)) => state.set_back(ctx, by, asked.clock),
        Some(Step::Forward(outage)) => state.outage(ctx, outage),
        None => {}
    }
    let periods = watched.conditions.iter().filter_map(|condition| condition.shape.period);
    let oldest = asked.settings.max_age.max(periods.max().unwrap_or(0).saturating_mul(2));
    state.resume(asked.clock.saturating_sub(oldest).saturating_sub(delay));
    Ok((state, transitions))
}

/// A stored series as the machine sees it.
pub fn series_of(labels: Labels) -> Series {
    match labels {
        Labels::Source(source) => Series::Source(source),
        Labels::Tags(tags) => Series::Tags(tags),
    }
}

/// A stored point as the machine sees it.
pub fn sample(stats: &Aggregate) -> Sample {
    let Aggregate { count, sum, min, max, last, .. } = *stats;
    Sample { count: count as f64, sum, min, max, last }
}

//! All stages for one alert: samples in, transitions out. For evaluation without a server: tests of alerts, and looking back.

use std::collections::{BTreeMap, HashSet};

use super::alert::{Alert, Settings};
use super::arrival::Class;
use super::condition::Condition;
use super::edit::pairing;
use super::group::Groups;
use super::incoming::{Incoming, Rule};
use super::matching::{Series, Streams};
use super::notice::Transition;
use super::outage::Outage;
use super::point::{Point, Reading, Sample};
use super::silence::Silence;
use super::state::{AlertState, Context};
use crate::pattern::{fold, same};

/// A series of a metric, whose name is in small letters.
type Key = (String, Series);

/// One alert and the series it watches.
#[derive(Debug, Clone)]
pub struct Feed {
    alert: Alert,
    settings: Settings,
    silences: Vec<Silence>,
    state: AlertState,
    series: BTreeMap<Key, Incoming>,
    /// Metrics and sources of tagged series, which those of sources may repeat.
    tagged: HashSet<(String, Option<String>)>,
    /// One for each condition.
    groups: Vec<Groups>,
    /// Points that no condition has seen yet, with the second they closed in.
    closed: Vec<(i64, Key, Point)>,
    /// What the frontier has not come to.
    readings: Vec<Reading>,
    /// What it has come to, where that is kept.
    kept: Option<Vec<Reading>>,
}

impl Feed {
    /// An alert that is made at second `at`.
    pub fn new(alert: Alert, settings: Settings, at: i64) -> Self {
        Self {
            state: AlertState::new(&alert, at),
            groups: vec![Groups::default(); alert.conditions.len()],
            alert,
            settings,
            silences: Vec::new(),
            series: BTreeMap::new(),
            tagged: HashSet::new(),
            closed: Vec::new(),
            readings: Vec::new(),
            kept: None,
        }
    }

    /// From now on keeps what conditions have seen, for who wants to show it.
    pub fn keep_readings(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// What conditions have seen since this was kept or taken, in no order within one [`Self::tick`].
    pub fn take_readings(&mut self) -> Vec<Reading> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub fn alert(&self) -> &Alert {
        &self.alert
    }

    pub fn state(&self) -> &AlertState {
        &self.state
    }

    /// What its state is to be looked at with.
    pub fn context(&self) -> Context<'_> {
        Context { alert: &self.alert, settings: &self.settings, silences: &self.silences }
    }

    /// Takes a sample of second `t` that was received in second `r`; `None` where nothing watches its metric. Samples come in
    /// order of their receipt.
    pub fn sample(
        &mut self,
        metric: &str,
        series: &Series,
        t: i64,
        r: i64,
        sample: &Sample,
    ) -> Option<Class> {
        let watching = |condition: &&Condition| same(&condition.metric, metric);
        let shape = self.alert.conditions.iter().find(watching)?.shape;
        let key = (fold(metric), series.clone());
        let rule = Rule::new(&shape, &self.settings);
        if matches!(series, Series::Tags(_)) {
            self.tagged.insert((key.0.clone(), series.repeated_as()));
        }
        let mut closed = Vec::new();
        let incoming = self.series.entry(key.clone()).or_default();
        let class = incoming.add(&rule, t, r, sample, &mut closed);
        let open_for = rule.open_for();
        self.closed.extend(closed.into_iter().map(|point| (point.u + open_for, key.clone(), point)));
        Some(class)
    }

    /// Takes a point of a composite's result, for the condition at a place of the alert.
    pub fn result(&mut self, place: usize, series: &Series, t: i64, value: f64) {
        let stream =
            self.alert.conditions.get(place).and_then(|condition| condition.streams.stream_of(series));
        if let Some(stream) = stream {
            self.readings.push(Reading { u: t, t, condition: place, stream, value: Some(value) });
        }
    }

    /// Comes to the end of second `clock`: all samples received in it and before have been given. How often this is called makes
    /// no difference to what happens.
    pub fn tick(&mut self, clock: i64) -> Vec<Transition> {
        for (key, incoming) in &mut self.series {
            let watching = |condition: &&Condition| same(&condition.metric, &key.0);
            let Some(condition) = self.alert.conditions.iter().find(watching) else { continue };
            let rule = Rule::new(&condition.shape, &self.settings);
            let mut closed = Vec::new();
            incoming.close(&rule, clock, &mut closed);
            let points = closed.into_iter();
            self.closed.extend(points.map(|point| (point.u + rule.open_for(), key.clone(), point)));
        }
        // Groups want points in the order they closed in.
        let mut closed = std::mem::take(&mut self.closed);
        closed.sort_by(|(a, key_a, point_a), (b, key_b, point_b)| {
            (a, point_a.t, key_a).cmp(&(b, point_b.t, key_b))
        });
        for (second, key, point) in &closed {
            self.close_groups(second - 1);
            self.route(key, point);
        }
        self.close_groups(clock);
        let frontier = clock.saturating_sub(self.alert.delay(&self.settings));
        if let Some(kept) = &mut self.kept {
            kept.extend(self.readings.iter().filter(|reading| reading.u <= frontier).cloned());
        }
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        self.state.advance(&ctx, frontier, &mut self.readings)
    }

    fn close_groups(&mut self, clock: i64) {
        for (place, condition) in self.alert.conditions.iter().enumerate() {
            if condition.streams.is_grouped() {
                self.groups[place].close(condition, place, self.settings.settle, clock, &mut self.readings);
            }
        }
    }

    fn route(&mut self, (metric, series): &Key, point: &Point) {
        let repeats = matches!(series, Series::Source(_))
            && self.tagged.contains(&(metric.clone(), series.repeated_as()));
        for (place, condition) in self.alert.conditions.iter().enumerate() {
            let twice = repeats && condition.streams == Streams::All;
            if twice || !same(&condition.metric, metric) {
                continue;
            }
            let Some(stream) = condition.streams.stream_of(series) else { continue };
            let since = self.state.since(place);
            if condition.streams.is_grouped() {
                self.groups[place].add(condition, &stream, point, since);
            } else {
                self.readings.push(condition.reading(place, &stream, point, since));
            }
        }
    }

    /// Sets what is silenced.
    pub fn silence(&mut self, silences: Vec<Silence>) {
        self.silences = silences;
    }

    /// See [`AlertState::clear`].
    pub fn clear(&mut self, at: i64) -> Vec<Transition> {
        self.state.clear(at)
    }

    /// See [`AlertState::outage`].
    pub fn outage(&mut self, outage: Outage) {
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        self.state.outage(&ctx, outage);
    }

    /// See [`AlertState::edit`].
    pub fn edit(&mut self, alert: Alert, at: i64) -> Vec<Transition> {
        let old = std::mem::replace(&mut self.alert, alert);
        let pairs = pairing(&old.conditions, &self.alert.conditions);
        // What is on its way belongs to the condition that goes on.
        let mut groups = std::mem::take(&mut self.groups);
        let continues = |(place, from): (usize, &Option<usize>)| {
            let from = (*from)?;
            old.conditions[from].watches_same(&self.alert.conditions[place]).then_some((from, place))
        };
        let moved: BTreeMap<usize, usize> = pairs.iter().enumerate().filter_map(continues).collect();
        self.groups = vec![Groups::default(); self.alert.conditions.len()];
        for (from, place) in &moved {
            std::mem::swap(&mut self.groups[*place], &mut groups[*from]);
        }
        self.readings.retain_mut(|reading| {
            let place = moved.get(&reading.condition);
            place.inspect(|place| reading.condition = **place).is_some()
        });
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        self.state.edit(&ctx, &old, at)
    }

    /// See [`AlertState::end`].
    pub fn end(&mut self, at: i64) -> Vec<Transition> {
        self.state.end(&self.alert, at)
    }
}

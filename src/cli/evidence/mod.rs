//! Evidence for a plan: reads what measurements there are of what it touches, within bounds, newest and most telling first.
//! Only reads. What cannot be had is a note, never an error.

mod alerts;
pub mod past;
mod pictures;
pub mod rules;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use librato_apply::composite;
use librato_apply::composite::Selector;
use librato_apply::diag::counted;
use librato_apply::diff::Action;
use librato_apply::model::{Address, Chart, Collection, Desired, Kind, Resource};
use librato_apply::offline::{History, Metric, Span};
use librato_apply::plan::{Evidence, Finding, Looked, Plan, Step, length};
use librato_apply::remote::fetch::Actual;
use librato_apply::remote::{ApiError, ReadApi};
use librato_apply::watch::Streams;

use super::backtest::fetch::{Budget, Cut, Limits, Needed, Past, by_hour, past};
use super::backtest::sides::Definitions;
use super::time;
use alerts::Alerts;
use streams::{Seen, history};

/// Requests that evidence of one plan may take, and measurements.
const REQUESTS: usize = 200;
const MEASUREMENTS: usize = 5_000_000;

/// Metrics that are read at once.
const AT_ONCE: usize = 4;

/// A metric that is about to go and has been silent is looked for this far back.
const LONG_AGO: i64 = 365 * 86_400;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Seconds back from now.
    pub length: i64,
    /// How long reading may take.
    pub timeout: Duration,
    /// Whether someone will look at pictures of it.
    pub drawn: bool,
}

/// Finds evidence.
pub async fn evidence(
    api: &impl ReadApi,
    plan: &Plan,
    desired: &Desired,
    actual: &Actual,
    asked: Asked,
) -> Evidence {
    let now = time::now();
    let span = Span { start: now.saturating_sub(asked.length), end: now };
    let limits = Limits { requests: REQUESTS, points: MEASUREMENTS, time: asked.timeout };
    let search = Search { api, plan, actual, span, drawn: asked.drawn, budget: Budget::new(limits) };
    let definitions = Definitions { desired: Some(desired), actual: &actual.state };
    let mut of = search.alerts(&definitions).await;
    of.extend(search.metrics().await);
    of.extend(search.charts(&definitions).await);
    let missed = of
        .iter()
        .filter(|(_, finding)| finding.missed)
        .map(|(address, _)| format!("{}/{address}", address.collection.kind()));
    let looked = Looked {
        start: span.start,
        end: span.end,
        requests: search.budget.requests(),
        measurements: search.budget.points(),
        cut: search.budget.cut().map(|cut| limit(cut, limits)),
        missed: missed.collect(),
    };
    Evidence { looked, of }
}

fn limit(cut: Cut, limits: Limits) -> String {
    match cut {
        Cut::Requests => counted(limits.requests, "request"),
        Cut::Points => counted(limits.points, "measurement"),
        Cut::Time => format!("--evidence-timeout {}s", limits.time.as_secs()),
    }
}

struct Search<'a, A> {
    api: &'a A,
    plan: &'a Plan,
    actual: &'a Actual,
    span: Span,
    drawn: bool,
    budget: Budget,
}

/// What was read of a metric, with what kept it from being read.
struct Read {
    history: History,
    requests: usize,
    failed: Option<String>,
}

impl<A: ReadApi> Search<'_, A> {
    async fn alerts(&self, definitions: &Definitions<'_>) -> BTreeMap<Address, Finding> {
        let alerts = Alerts::of(self.plan, definitions);
        let needed = definitions.needed(&alerts.pairs);
        let read = self.read(needed, false).await;
        let (mut requests, mut failed) = (BTreeMap::new(), BTreeMap::new());
        let mut histories = Vec::new();
        for Read { history, requests: took, failed: why } in read {
            let key = history.metric.to_lowercase();
            requests.insert(key.clone(), took);
            failed.extend(why.map(|why| (key, why)));
            histories.push(history);
        }
        let mut of = BTreeMap::new();
        for pair in &alerts.pairs {
            let mut finding = if self.budget.has_time() {
                alerts.finding(pair, &histories, self.span, self.drawn)
            } else {
                Finding { missed: true, ..Finding::default() }
            };
            let metrics: BTreeSet<String> = pair
                .subjects()
                .flat_map(|subject| &subject.metrics)
                .map(|name| name.to_lowercase())
                .collect();
            finding.requests = metrics.iter().filter_map(|name| requests.get(name)).sum();
            for (name, why) in metrics.iter().filter_map(|name| Some((name, failed.get(name)?))) {
                finding.notes.push(format!("`{name}` cannot be read: {why}"));
            }
            of.insert(Address::new(Collection::Alerts, pair.name.as_str()), finding);
        }
        of
    }

    /// What is lost with metrics that go.
    async fn metrics(&self) -> BTreeMap<Address, Finding> {
        let loses = |step: &&Step| {
            let destroys = matches!(step.change.action, Action::Delete { .. } | Action::Replace { .. });
            destroys && matches!(step.change.action.before(), Some(Resource::Metric(_)))
        };
        let lost: Vec<&Step> = self.plan.steps.iter().filter(loses).collect();
        let needed = lost.iter().map(|step| whole(&step.change.address.name)).collect();
        let mut of = BTreeMap::new();
        for (step, read) in lost.into_iter().zip(self.read(needed, true).await) {
            let address = &step.change.address;
            let mut finding = self.lost(&read);
            if finding.measurements == Some(0) && read.failed.is_none() && !finding.missed {
                finding.notes.push(self.long_ago(&address.name).await);
            }
            let raw = self.actual.ids.get(address).map(|remote| remote.raw.value());
            let agent = raw.and_then(|raw| raw["attributes"]["created_by_ua"].as_str().map(str::to_owned));
            finding.made_by = agent.filter(|agent| !agent.is_empty());
            of.insert(address.clone(), finding);
        }
        of
    }

    fn lost(&self, read: &Read) -> Finding {
        let seen = Seen::of(&read.history, Streams::All);
        let found = seen.found(self.span.end);
        let mut notes: Vec<String> = read.failed.iter().map(|why| format!("cannot be read: {why}")).collect();
        // A value by the hour stands at the beginning of its hour.
        if found.silent_for.is_some_and(|silent| silent < 2 * 3_600) {
            notes.push("it is still measured, and comes back with the next measurement".to_owned());
        }
        Finding {
            measurements: Some(seen.measurements()),
            streams: Some(found),
            missed: read.history.stretches.is_empty(),
            requests: read.requests,
            notes,
            ..Finding::default()
        }
    }

    /// When a metric that is silent was last measured.
    async fn long_ago(&self, name: &str) -> String {
        let span = Span { start: self.span.end - LONG_AGO, end: self.span.start };
        let last = match by_hour(self.api, &whole(name), span, &self.budget).await {
            Ok(Past { histories, .. }) => {
                let all =
                    histories.iter().flat_map(|history| &history.series).filter_map(|(_, all)| all.last());
                all.map(|(at, _)| *at).max()
            }
            Err(_) => None,
        };
        match last {
            Some(last) => format!("silent for {}", length((self.span.end - last) / 86_400 * 86_400)),
            None => "nothing was found of the year before either".to_owned(),
        }
    }

    /// Charts that come or change and show nothing.
    async fn charts(&self, definitions: &Definitions<'_>) -> BTreeMap<Address, Finding> {
        let shown = |step: &'_ Step| match (&step.change.action, step.change.action.after()) {
            (Action::Create { .. } | Action::Update { .. }, Some(Resource::Chart(chart)))
                if step.change.kind == Kind::Chart =>
            {
                Some((step.change.address.clone(), drawn(chart)))
            }
            _ => None,
        };
        let charts: Vec<(Address, Vec<Drawn>)> = self.plan.steps.iter().filter_map(shown).collect();
        let names: BTreeSet<&String> =
            charts.iter().flat_map(|(_, drawn)| drawn).flat_map(|one| &one.metrics).collect();
        let needed = names.into_iter().map(|name| whole(name)).collect();
        let read = self.read(needed, true).await;
        let requests: BTreeMap<String, usize> =
            read.iter().map(|one| (one.history.metric.clone(), one.requests)).collect();
        let histories: Vec<History> = read.into_iter().map(|one| one.history).collect();
        let mut of = BTreeMap::new();
        for (address, drawn) in charts.into_iter().filter(|(_, drawn)| !drawn.is_empty()) {
            let metrics = || drawn.iter().flat_map(|one| &one.metrics);
            let known =
                |name: &String| history(&histories, name).filter(|history| !history.stretches.is_empty());
            let missed = metrics().any(|name| known(name).is_none());
            let empty = |one: &&Drawn| {
                let has = |name: &String| {
                    known(name).is_some_and(|it| Seen::of(it, one.streams.clone()).measurements() > 0)
                };
                !one.metrics.iter().any(has)
            };
            let bare: Vec<&Drawn> = drawn.iter().filter(empty).collect();
            let mut notes = Vec::new();
            if !missed && !bare.is_empty() {
                let names: BTreeSet<&str> =
                    bare.iter().flat_map(|one| &one.metrics).map(String::as_str).collect();
                let names: Vec<String> = names
                    .into_iter()
                    .map(|name| {
                        let known = if definitions.is_known(name) { "" } else { ", which does not exist" };
                        format!("`{name}`{known}")
                    })
                    .collect();
                let all = if bare.len() == drawn.len() {
                    "shows nothing"
                } else {
                    "some of its streams show nothing"
                };
                notes.push(format!(
                    "{all}: nothing was measured in {} of {}",
                    length(self.span.end - self.span.start),
                    names.join("; ")
                ));
            }
            let requests =
                metrics().collect::<BTreeSet<_>>().into_iter().filter_map(|name| requests.get(name)).sum();
            if missed || !notes.is_empty() {
                of.insert(address, Finding { notes, missed, requests, ..Finding::default() });
            }
        }
        of
    }

    /// Reads metrics, each by itself, so that what keeps one from being read keeps no other.
    async fn read(&self, needed: Vec<Needed>, hourly: bool) -> Vec<Read> {
        let one = |needed: Needed| async move {
            let bare = |failed| {
                let (metric, known) = (needed.name.clone(), needed.known.clone());
                Read {
                    history: History { metric, known, stretches: Vec::new(), series: Vec::new() },
                    requests: 1,
                    failed,
                }
            };
            let found: Result<Past, ApiError> = if hourly {
                by_hour(self.api, &needed, self.span, &self.budget).await
            } else {
                past(self.api, std::slice::from_ref(&needed), self.span, self.span.end, &self.budget).await
            };
            match found {
                Ok(Past { mut histories, requests }) => match histories.pop() {
                    Some(history) => Read { history, requests, failed: None },
                    None => bare(None),
                },
                Err(error) => bare(Some(error.to_string())),
            }
        };
        stream::iter(needed).map(one).buffered(AT_ONCE).collect().await
    }
}

/// All of a metric.
fn whole(name: &str) -> Needed {
    Needed { name: name.to_owned(), known: Metric::default(), selector: Selector::Source("*".to_owned()) }
}

/// What a stream of a chart draws.
struct Drawn {
    metrics: Vec<String>,
    streams: Streams,
}

fn drawn(chart: &Chart) -> Vec<Drawn> {
    let one = |stream: &librato_apply::model::Stream| {
        if let Some(text) = &stream.composite {
            let tree = composite::parse(text).ok()?;
            let metrics = tree
                .reads()
                .iter()
                .map(|read| read.metric.to_owned())
                .filter(|name| !name.contains('*'))
                .collect::<Vec<_>>();
            return (!metrics.is_empty()).then_some(Drawn { metrics, streams: Streams::All });
        }
        let metric = stream.metric.clone().filter(|_| stream.stream_type.is_none())?;
        let tagged = stream.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let source = stream.source.as_deref().filter(|source| !tagged && !source.contains('%'));
        Some(Drawn { metrics: vec![metric], streams: Streams::new(source, Vec::new()) })
    };
    chart.streams.value().into_iter().flatten().filter_map(one).collect()
}

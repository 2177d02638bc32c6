//! `backtest`: how often alerts would have notified over the past, as they are and as the files change them.

pub mod blind;
pub mod coverage;
pub mod document;
pub mod fetch;
mod markdown;
mod outcome;
pub mod show;
pub mod sides;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use librato_apply::composite::{self, Selector};
use librato_apply::diag::{counted, to_json};
use librato_apply::model::{Address, Collection, Resource};
use librato_apply::offline::{self, Metric, Span, Subject, Sweep};
use librato_apply::plan::length;
use librato_apply::remote::Client;
use librato_apply::remote::fetch::{Actual, FetchPlan, fetch};
use serde_json::Value;

use super::args::Global;
use super::args::backtest::{Backtest as Args, BacktestFormat};
use super::endpoint::{self, Access};
use super::exit::{Exit, Stop};
use super::inputs::{self, Read};
use super::progress::waiting;
use super::target::{Target, target};
use super::ui::{Ui, pretty};
use super::{credentials, time};
use document::BacktestDocument;
use fetch::{Budget, Cut, Limits, Needed, Past, past};
use outcome::{Outcome, Results, Swept};
use sides::{Definitions, Pair};

/// More metrics than this are listed rather than looked up one by one.
const LOOKED_UP: usize = 50;

pub async fn backtest(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let now = time::now();
    let span = span(args, now)?;
    let sweeps = sweeps(args)?;
    let read = if args.from_service { None } else { Some(inputs::read_without_secrets(&args.inputs(), ui)?) };
    let made = make(args, (span, now, sweeps), read.as_ref(), global, ui).await;
    if let Err(error) = &made {
        let why = format!("{error:#}");
        let found = match read.as_ref().map(|read| to_json(&read.report, &read.files)) {
            Some(Value::Array(found)) => found,
            _ => Vec::new(),
        };
        match args.format {
            BacktestFormat::Text => {}
            BacktestFormat::Json => ui.document(&pretty(&BacktestDocument::without(&why, found))?),
            // A comment is updated with this output: without one it would go on showing an earlier commit's.
            BacktestFormat::Markdown => ui.document(&markdown::without(&why, &found)),
        }
    }
    let results = made?;
    match args.format {
        BacktestFormat::Text => ui.out(&show::text(&results)),
        BacktestFormat::Json => ui.document(&pretty(&BacktestDocument::of(&results))?),
        BacktestFormat::Markdown => ui.document(&markdown::text(&results)),
    }
    Ok(verdict(args, &results, ui))
}

async fn make(
    args: &Args,
    (span, now, sweeps): (Span, i64, Vec<Sweep>),
    read: Option<&Read>,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Results> {
    if let Some(read) = read {
        read.check(args.reading.strict, ui)?;
    }
    let given = credentials::given(global, ui)?;
    let written = || match read {
        Some(read) => Ok(read.endpoint()),
        None => inputs::endpoint_here(ui),
    };
    let target = target(global, written, &given, ui)?;
    let connection = endpoint::connect(global, &target, &given, Access::Read, ui).await;
    let connection = connection.map_err(|error| target.explain_way(error))?;
    let asking = Asking { args, span, now, sweeps, read, target: &target, ui };
    let done = asking.results(&connection.client).await;
    connection.close().await?;
    done.map_err(|error| target.explain(error))
}

/// The flag that a limit is set by.
fn flag(cut: Cut, limits: Limits) -> String {
    match cut {
        Cut::Requests => format!("--max-requests {}", limits.requests),
        Cut::Points => format!("--max-points {}", limits.points),
        Cut::Time => format!("--time-limit {}s", limits.time.as_secs()),
    }
}

/// Too many notifications are an error; what a limit cut off makes it done in part.
fn verdict(args: &Args, results: &Results, ui: &Ui) -> Exit {
    let mut exit = Exit::Done;
    if let Some(cut) = &results.cut {
        ui.error(
            &format!("not everything was read: {cut} was met"),
            &["a shorter time, fewer alerts, or a higher limit".to_owned()],
        );
        exit = Exit::Partial;
    }
    let failed =
        |outcome: &Outcome| [&outcome.before, &outcome.after].into_iter().flatten().any(Result::is_err);
    if results.outcomes.iter().any(failed) {
        exit = Exit::Error;
    }
    let Some(most) = args.max_notifications else { return exit };
    for outcome in &results.outcomes {
        let sent = outcome.newest().map_or(0, |found| found.totals().notifications);
        if sent > most {
            let name = &outcome.pair.name;
            ui.error(
                &format!("`{name}` would have notified {sent} times, --max-notifications is {most}"),
                &[],
            );
            exit = Exit::Error;
        }
    }
    exit
}

fn span(args: &Args, now: i64) -> Result<Span, Stop> {
    let at = |flag, text: &str| time::parse(if text.trim() == "now" { "+0" } else { text }, now, flag);
    let span = Span { start: at("--start", &args.start)?, end: at("--end", &args.end)?.min(now) };
    if span.start < 0 || span.end <= span.start {
        return Err(Stop::usage(
            "--end is not after --start",
            "both can be relative to now: --start -14d --end -7d; what lies ahead has no history",
        ));
    }
    Ok(span)
}

fn sweeps(args: &Args) -> Result<Vec<Sweep>, Stop> {
    if args.sweep.len() > 2 {
        return Err(Stop::usage("--sweep can be given twice at most", "vary one more value in another run"));
    }
    let read = |text: &String| Sweep::parse(text).map_err(|why| Stop::usage("--sweep cannot be read", why));
    args.sweep.iter().map(read).collect()
}

/// Everything results are made from.
struct Asking<'a> {
    args: &'a Args,
    span: Span,
    now: i64,
    sweeps: Vec<Sweep>,
    read: Option<&'a Read>,
    target: &'a Target,
    ui: &'a Ui,
}

impl Asking<'_> {
    async fn results(&self, client: &Client) -> anyhow::Result<Results> {
        let desired = self.read.map(|read| &read.desired);
        let what = format!("reading the alerts of {}", self.target);
        let mut alerts = FetchPlan::default();
        alerts.add(Collection::Alerts);
        let mut actual =
            waiting(self.ui, &what, fetch(client, &alerts)).await.context("the alerts cannot be read")?;
        let names = Definitions { desired, actual: &actual.state }.chosen(&self.args.alerts)?;
        self.metrics(client, &names, &mut actual).await.context("the metrics cannot be read")?;
        let definitions = Definitions { desired, actual: &actual.state };
        let mut pairs = definitions.pairs(&names);
        if self.args.changed {
            pairs.retain(Pair::is_changed);
        }
        self.check_sweeps(&pairs)?;
        let needed = definitions.needed(&pairs);
        let limits = Limits {
            requests: self.args.max_requests,
            points: self.args.max_points,
            time: Duration::from_secs(self.args.time_limit),
        };
        let what = format!("reading {} of {}", counted(needed.len(), "metric"), self.target);
        let budget = Budget::new(limits);
        let Past { histories, requests } =
            waiting(self.ui, &what, past(client, &needed, self.span, self.now, &budget))
                .await
                .context("the measurements cannot be read")?;
        let bare = |name: &&str| {
            histories.iter().any(|it| it.metric == **name && it.series.is_empty() && !it.stretches.is_empty())
        };
        // Where only some sources were asked for, others may have been measured.
        let all =
            |it: &&Needed| it.selector == Selector::Source("*".to_owned()) || !definitions.is_known(&it.name);
        let missing =
            needed.iter().filter(all).map(|it| it.name.as_str()).filter(bare).map(str::to_owned).collect();
        let outcomes = pairs.into_iter().map(|pair| self.outcome(pair, &histories, &definitions)).collect();
        Ok(Results {
            target: self.target.to_string(),
            span: self.span,
            requests,
            points: budget.points(),
            cut: budget.cut().map(|cut| flag(cut, limits)),
            missing,
            outcomes,
            only_changed: self.args.changed,
        })
    }

    /// Adds what the service knows of the metrics that alerts watch, and of those that composites read.
    async fn metrics(
        &self,
        client: &Client,
        names: &BTreeSet<String>,
        actual: &mut Actual,
    ) -> anyhow::Result<()> {
        let desired = self.read.map(|read| &read.desired);
        // First what conditions name, then what composites among that are made of.
        for _ in 0..2 {
            let definitions = Definitions { desired, actual: &actual.state };
            let mut wanted: BTreeSet<String> = definitions.watched(names);
            let objects = desired.map(|desired| &desired.objects);
            let composites: Vec<String> = wanted
                .iter()
                .flat_map(|name| {
                    let address = Address::metric(name.as_str());
                    let written = objects.and_then(|all| Some(&all.get(&address)?.resource));
                    let both = [written, actual.state.get(&address)].into_iter().flatten();
                    both.filter_map(|it: &Resource| Metric::of(it)?.composite).collect::<Vec<_>>()
                })
                .collect();
            let trees = composites.iter().filter_map(|text| composite::parse(text).ok());
            wanted.extend(
                trees.flat_map(|tree| {
                    tree.reads().iter().map(|read| read.metric.to_owned()).collect::<Vec<_>>()
                }),
            );
            let mut more = FetchPlan::default();
            let unknown = |name: &String| !actual.state.contains_key(&Address::metric(name.as_str()));
            let (patterns, exact): (Vec<String>, Vec<String>) =
                wanted.into_iter().filter(unknown).partition(|name| name.contains('*'));
            if !patterns.is_empty() || exact.len() > LOOKED_UP {
                more.collections.insert(Collection::Metrics);
            } else {
                more.metrics = exact.iter().map(|name| Address::metric(name.as_str())).collect();
            }
            let what = format!("reading the metrics of {}", self.target);
            let found = waiting(self.ui, &what, fetch(client, &more)).await?;
            actual.state.extend(found.state);
        }
        Ok(())
    }

    fn check_sweeps(&self, pairs: &[Pair]) -> Result<(), Stop> {
        if self.sweeps.is_empty() {
            return Ok(());
        }
        let [pair] = pairs else {
            return Err(Stop::usage(
                "--sweep is for one alert",
                "name it: backtest shop.checkout.slow --sweep …",
            ));
        };
        let Some(subject) = pair.newest() else { return Ok(()) };
        offline::check_sweeps(subject, &self.sweeps)
            .map_err(|why| Stop::usage("the sweep does not fit the alert", why))?;
        if self.args.at_most.is_some() && subject.services.is_empty() {
            return Err(Stop::usage(
                format!("`{}` has no services, so every value notifies nobody", pair.name),
                "leave --at-most out, and look at the incidents",
            ));
        }
        Ok(())
    }

    fn outcome(&self, pair: Pair, histories: &[offline::History], definitions: &Definitions<'_>) -> Outcome {
        let run = |side: &Option<Result<Subject, String>>| {
            let subject = side.as_ref()?;
            Some(subject.as_ref().map_err(Clone::clone).and_then(|subject| {
                offline::backtest(subject, histories, self.span).map_err(|problem| problem.message)
            }))
        };
        let before = run(&pair.before);
        // What means the same is evaluated once.
        let same = pair.after.is_some() && !pair.is_changed();
        let after = if same { before.clone() } else { run(&pair.after) };
        let swept = pair.newest().filter(|_| !self.sweeps.is_empty()).and_then(|subject| {
            let runs = offline::sweep(subject, histories, self.span, &self.sweeps).ok()?;
            let at_most = self
                .args
                .at_most
                .map(|most| (most, offline::most_sensitive(subject, &self.sweeps, &runs, most).cloned()));
            Some(Swept { sweeps: self.sweeps.clone(), runs, at_most })
        });
        let newest = after.as_ref().or(before.as_ref()).and_then(|found| found.as_ref().ok());
        let time = length(self.span.end - self.span.start);
        let blind = newest.zip(pair.newest());
        let blind = blind.map(|(found, subject)| blind::reasons(found, subject, definitions, &time));
        Outcome { blind: blind.unwrap_or_default(), pair, before, after, swept }
    }
}

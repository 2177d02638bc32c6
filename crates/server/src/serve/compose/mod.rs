//! Composite queries: definitions in a query and the data of composite metrics, in both dialects.
//! What a definition means is known to the module `composite` alone; where its samples lie, to `stored`.

mod shown;
mod stored;
mod sums;

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use self::shown::{Dialect, Head};
use self::stored::Tables;
use super::catalog::metrics::metric::{Kind, Metric};
use super::http::answer;
use super::http::body::Query;
use super::http::fields::{Object, Reader};
use super::http::problem::Problem;
use super::measurements::interval::Interval;
use super::measurements::legacy::{self, UNASSIGNED};
use super::measurements::tags::{Filter, Tags};
use super::measurements::{Data, records};
use super::refusal::Errors;
use super::store::Store;
use super::store::tx::Tx;
use super::tsdb::aggregate::{Aggregate, Point};
use super::tsdb::range::TimeRange;
use crate::composite::eval::{Limits, Outcome, Series, Window, evaluate};
use crate::composite::{self, Labels, SOURCE, Statistic};

/// What one query may cost: a thousand series of a day's minutes go through ten functions.
const LIMITS: Limits = Limits { work: 20_000_000, memory: 120_000_000 };

/// `GET /v1/metrics?compose=…`
pub async fn legacy(store: &Store, query: Object) -> Result<Response, Problem> {
    answered(store, query, Dialect::Sources).await
}

/// `GET /v1/measurements?compose=…`
pub async fn tagged(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    answered(&store, query, Dialect::Tags).await
}

async fn answered(store: &Store, query: Object, dialect: Dialect) -> Result<Response, Problem> {
    let now = store.now();
    let mut read = Reader::new(&query);
    read.require("compose");
    let text = read.text("compose").value().unwrap_or_default();
    read.finish()?;
    let compiled = compiled("compose", &text)?;
    let window = window(&query, now)?;
    let evaluated = move |tx: &Tx| {
        let mut tables = Tables::new(tx, now, window.resolution, &|_: &Labels| true);
        let outcome = run("compose", &text, &compiled, &mut tables, &window)?;
        let head = Head { name: None, compose: &text, resolution: window.resolution };
        shown::written(&head, &outcome.series, &tables, dialect)
    };
    Ok(answer::written(store.query(evaluated).await?))
}

/// The data of a composite metric in the dialect of tags, as JSON. `tags_search` narrows what its definition reads,
/// since what comes out need not have the tags any more.
pub fn written(tx: &Tx<'_>, metric: &Metric, query: &Object, now: i64) -> Result<Vec<u8>, Problem> {
    refuse_parameters(query)?;
    let filter = Filter::read(query)?;
    let window = window(query, now)?;
    let text = definition(metric);
    let compiled = compiled("composite", text)?;
    let wants = |labels: &Labels| filter.holds(labels as &Tags);
    let mut tables = Tables::new(tx, now, window.resolution, &wants);
    let outcome = run("composite", text, &compiled, &mut tables, &window)?;
    let head = Head { name: Some(&metric.name), compose: text, resolution: window.resolution };
    shown::written(&head, &outcome.series, &tables, Dialect::Tags)
}

/// What `question` asks of a composite metric, in the dialect of sources: its series are taken for gauges. The sources
/// that are asked for narrow what its definition reads.
pub fn data(tx: &Tx<'_>, metric: &Metric, question: &legacy::Question, now: i64) -> Result<Data, Problem> {
    let legacy::Question { interval, .. } = question;
    let text = definition(metric);
    let compiled = compiled("composite", text)?;
    let window = of_span(interval.span, interval.resolution, Statistic::Mean);
    let wants = |labels: &Labels| question.wants(labels.get(SOURCE).map(String::as_str));
    let mut tables = Tables::new(tx, now, window.resolution, &wants);
    let Outcome { series, .. } = run("composite", text, &compiled, &mut tables, &window)?;
    // The first period is whole, though it may begin before the interval does.
    let mut question = question.clone();
    let first = series.iter().filter_map(|series| series.points.first()).map(|point| point.time).min();
    question.interval.span.start = question.interval.span.start.min(first.unwrap_or(i64::MAX));
    let mut answer = records::Answer::new(&question, Kind::Gauge);
    let mut names: HashMap<&str, u32> = HashMap::new();
    for one in &series {
        let source = one.labels.get(SOURCE).map_or(UNASSIGNED, String::as_str);
        let times = names.entry(source).and_modify(|times| *times += 1).or_insert(1);
        // What the answer tells apart by source alone may hold several series of one.
        let name = if *times == 1 { source.to_owned() } else { format!("{source} ({times})") };
        answer.add(Some(&name), points(one))?;
    }
    Ok(Data::new(interval.resolution, answer))
}

/// The whole results of a definition over a stretch of seconds, for who watches them: a point a period, by the labels of each series.
pub fn evaluated(
    tx: &Tx<'_>,
    text: &str,
    (start, end): (i64, i64),
    period: i64,
    now: i64,
) -> Result<Results, Problem> {
    let compiled = compiled("composite", text)?;
    let window = of_span(TimeRange { start, end }, period, Statistic::Mean);
    let mut tables = Tables::new(tx, now, window.resolution, &|_: &Labels| true);
    let outcome = run("composite", text, &compiled, &mut tables, &window)?;
    let points = |series: &Series| series.points.iter().map(|point| (point.time, point.value)).collect();
    Ok(outcome.series.iter().map(|series| (Labels::clone(&series.labels), points(series))).collect())
}

/// The series of a definition for a picture, as finely as `resolution`, of what `wants` takes; or what is wrong with it, in words.
pub fn series(
    tx: &Tx<'_>,
    text: &str,
    span: TimeRange,
    resolution: i64,
    now: i64,
    wants: &dyn Fn(&Labels) -> bool,
) -> Result<Result<Vec<Series>, String>, Problem> {
    let query = match composite::compile(text) {
        Ok(query) => query,
        Err(problems) => return Ok(Err(problems.first().map(|one| one.located(text)).unwrap_or_default())),
    };
    let window = of_span(span, resolution, Statistic::Mean);
    let mut tables = Tables::new(tx, now, window.resolution, wants);
    match (evaluate(&query, &mut tables, &window, LIMITS), tables.failed.take()) {
        (Ok(outcome), _) => Ok(Ok(outcome.series)),
        (Err(_), Some(problem)) => Err(problem),
        (Err(error), None) => Ok(Err(composite::Problem::from(error).located(text))),
    }
}

/// Series of results, as pairs of time and value.
pub type Results = Vec<(Labels, Vec<(i64, f64)>)>;

fn compiled(parameter: &str, text: &str) -> Result<composite::Query, Problem> {
    composite::compile(text).map_err(|problems| {
        let mut errors = Errors::default();
        problems.iter().for_each(|problem| errors.add(parameter, problem.located(text)));
        Problem::from(errors)
    })
}

fn run(
    parameter: &str,
    text: &str,
    query: &composite::Query,
    tables: &mut Tables<'_>,
    window: &Window,
) -> Result<Outcome, Problem> {
    evaluate(query, tables, window, LIMITS).map_err(|error| match tables.failed.take() {
        Some(problem) => problem,
        None => Problem::param(parameter, composite::Problem::from(error).located(text)),
    })
}

/// A composite without a definition cannot be stored; its data would be that of nothing.
fn definition(metric: &Metric) -> &str {
    metric.composite.as_deref().unwrap_or_default()
}

fn window(query: &Object, now: i64) -> Result<Window, Problem> {
    let (span, resolution) = Interval::composed(query, now)?;
    let mut read = Reader::new(query);
    let name = read.text("summary_function").value().filter(|name| !name.is_empty());
    let summarize = match name.as_deref() {
        None | Some("mean" | "average") => Statistic::Mean,
        Some("min") => Statistic::Min,
        Some("max") => Statistic::Max,
        Some("sum") => Statistic::Sum,
        Some(_) => {
            read.errors.add("summary_function", "is not one of those for composites: mean, min, max, sum");
            Statistic::Mean
        }
    };
    read.finish()?;
    Ok(of_span(span, resolution, summarize))
}

fn of_span(span: TimeRange, resolution: i64, summarize: Statistic) -> Window {
    let resolution = u64::try_from(resolution).unwrap_or(1).max(1);
    Window { start: span.start, end: span.end, resolution, summarize, source: None }
}

/// What the API documents for metrics but not for composites.
fn refuse_parameters(query: &Object) -> Result<(), Problem> {
    let mut errors = Errors::default();
    let given = |name: &str| match query.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !matches!(text.trim(), "" | "*"),
        Some(_) => true,
    };
    if given("tags") {
        errors.add("tags", "is not for composites, use tags_search");
    }
    if given("group_by") {
        errors.add("group_by", "is not for composites, which can group in their definition");
    }
    Ok(errors.finish()?)
}

fn points(series: &Series) -> Vec<Point> {
    let point =
        |point: &composite::eval::Point| Point { time: point.time, stats: Aggregate::single(point.value) };
    series.points.iter().map(point).collect()
}

//! Measurements going out, in both dialects: what a query asks of the metric that has them. Answers no route.

pub mod interval;
#[cfg(test)]
mod laws;
pub mod legacy;
pub mod records;
pub mod tagged;
pub mod tags;

use std::collections::HashSet;
use std::ops::Bound;

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use self::interval::Interval;
use self::records::{Answer, Measurements};
use self::tags::Tags;
use super::budget;
use super::catalog::metrics::metric::Metric;
use super::http::claimed;
use super::http::fields::{Object, Reader};
use super::http::problem::Problem;
use super::series;
use super::series::points::Reader as PointReader;
use super::store::tx::Tx;
use super::tsdb::aggregate::downsample;
use super::tsdb::labels::{Labels, bytes_of_tags};
use super::tsdb::range::TimeRange;

/// How far before an interval the value is looked for that its first difference is taken from, in seconds.
const LOOK_BACK: i64 = 3600;
/// Measurements in one answer to a query by tags; the rest follows its `links`.
const MOST: usize = 30_000;
/// The parameter of a link that tells where it goes on.
const CURSOR: &str = "cursor";

/// Where an answer stopped. As text it is base64 of JSON.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Cursor {
    /// The stream that came last.
    tags: Tags,
    /// The time of its next measurement, when it was cut.
    time: Option<i64>,
}

/// What a query in the dialect of sources adds to how a metric is shown.
#[derive(Serialize)]
pub struct Data {
    resolution: i64,
    measurements: Measurements,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Next>,
}

#[derive(Serialize)]
struct Next {
    next_time: i64,
}

impl Data {
    pub fn new(resolution: i64, answer: Answer<'_>) -> Data {
        let (measurements, next_time) = answer.finish();
        Data { resolution, measurements, query: next_time.map(|next_time| Next { next_time }) }
    }
}

/// What `question` asks of the metric, in the dialect of sources.
pub fn data(tx: &Tx<'_>, metric: &Metric, question: &legacy::Question) -> Result<Data, Problem> {
    let mut series: Vec<(Option<String>, i64)> = Vec::new();
    let points = series::of(tx);
    for one in points.series(metric.id)? {
        budget::proceed()?;
        if let Labels::Source(source) = one.labels
            && question.wants(source.as_deref())
        {
            series.push((source, one.id));
        }
    }
    let wanted = series.iter().map(|(_, id)| *id).collect();
    let resolution = question.interval.resolution;
    let mut reader = PointReader::new(&*points, &wanted, reach(&question.interval))?;
    let mut answer = Answer::new(question, metric.kind);
    for (source, id) in series {
        budget::proceed()?;
        let points = budget::beside(answer.bytes(), || reader.points(id, resolution))?;
        budget::need(answer.bytes_with(&points))?;
        answer.add(source.as_deref(), points)?;
    }
    budget::need(answer.bytes())?;
    Ok(Data::new(resolution, answer))
}

/// The span to read: the interval, and some time before it for the sake of differences.
fn reach(interval: &Interval) -> TimeRange {
    TimeRange { start: interval.span.start - LOOK_BACK.max(interval.resolution), ..interval.span }
}

/// What `query` asks of the streams of a metric in the dialect of tags, as JSON, in the order of their tags. With a link to what
/// follows, below the address that was asked.
pub fn written(
    tx: &Tx<'_>,
    metric: &Metric,
    query: &Object,
    uri: &Uri,
    now: i64,
) -> Result<Vec<u8>, Problem> {
    let question = tagged::Question::read(query, now, &tx.aging())?;
    let (mut shown, next) = page(tx, metric, &question, cursor(query)?.as_ref())?;
    if let Some(next) = next {
        let href = next_href(uri, question.interval.span, &next);
        shown.links.push(json!({ "rel": "next", "href": href }));
    }
    claimed::json(&shown)
}

/// Streams as they are shown.
#[derive(Serialize)]
struct Shown {
    name: String,
    resolution: i64,
    links: Vec<Value>,
    series: Vec<ShownStream>,
}

#[derive(Serialize)]
struct ShownStream {
    tags: Tags,
    measurements: Vec<tagged::Measurement>,
}

/// One page of streams, and where it stopped when more may follow.
fn page(
    tx: &Tx<'_>,
    metric: &Metric,
    question: &tagged::Question,
    after: Option<&Cursor>,
) -> Result<(Shown, Option<Cursor>), Problem> {
    let points = series::of(tx);
    let streams = question.streams(points.series(metric.id)?)?;
    let from = match after {
        None => Bound::Unbounded,
        Some(Cursor { tags, time: None }) => Bound::Excluded(tags),
        Some(Cursor { tags, time: Some(_) }) => Bound::Included(tags),
    };
    let cut = after.and_then(|after| Some((&after.tags, after.time?)));
    let mut rest = streams.range::<Tags, _>((from, Bound::Unbounded)).peekable();
    let wanted: HashSet<i64> = rest.clone().flat_map(|(_, sets)| sets.iter().flatten().copied()).collect();
    let resolution = question.interval.resolution;
    let mut reader = PointReader::new(&*points, &wanted, reach(&question.interval))?;
    let (mut series, mut held, mut next) = (Vec::new(), 0, None);
    while let Some((tags, sets)) = rest.next() {
        let mut stream = question.stream(metric);
        for ids in sets {
            let mut together = Vec::new();
            for id in ids {
                budget::proceed()?;
                let beside = stream.bytes() + 2 * size_of_val(together.as_slice());
                together.extend(budget::beside(beside, || reader.points(*id, resolution))?);
            }
            budget::need(stream.bytes_with(&together))?;
            stream.add(&downsample(together, resolution));
        }
        let start = cut.filter(|(cut, _)| *cut == tags).map_or(i64::MIN, |(_, time)| time);
        let (measurements, more) = stream.finish(start, MOST - held);
        held += measurements.len();
        if !measurements.is_empty() {
            let measured = size_of::<tagged::Measurement>() * measurements.capacity();
            budget::hold(measured + bytes_of_tags(tags))?;
            series.push(ShownStream { tags: tags.clone(), measurements });
        }
        if more.is_some() || (held >= MOST && rest.peek().is_some()) {
            next = Some(Cursor { tags: tags.clone(), time: more });
            break;
        }
    }
    Ok((Shown { name: metric.name.clone(), resolution, links: Vec::new(), series }, next))
}

fn cursor(query: &Object) -> Result<Option<Cursor>, Problem> {
    let mut read = Reader::new(query);
    let text = read.text(CURSOR).value().filter(|text| !text.is_empty());
    read.finish()?;
    let decode = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    text.map(|text| decode(&text).ok_or_else(|| Problem::param(CURSOR, "is not one of this server's")))
        .transpose()
}

/// The same query, but from where it stopped and with its time nailed down: later pages must not see a later now.
fn next_href(uri: &Uri, span: TimeRange, stopped: &Cursor) -> String {
    let replaced = ["start_time=", "end_time=", "duration=", "cursor="];
    let kept = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !replaced.iter().any(|name| pair.starts_with(name)));
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    pairs.push(format!("start_time={}", span.start));
    pairs.push(format!("end_time={}", span.end));
    pairs.push(format!("{CURSOR}={}", URL_SAFE_NO_PAD.encode(json!(stopped).to_string())));
    format!("{}?{}", uri.path(), pairs.join("&"))
}

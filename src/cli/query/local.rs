//! Evaluation on this side, over series read from the service: it can tell how an answer comes about, whatever the service is.
//! The evaluator asks for its series at once, the network takes its time: so it is run again until nothing it asks for is missing.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use librato_apply::composite::eval::{EvalError, Limits, Outcome, Request, Stored, Window, evaluate};
use librato_apply::composite::{Query, Selector, matches, nested};
use librato_apply::diag::printable;
use librato_apply::remote::{ApiError, Listing, ReadApi, segment};
use librato_apply::wire::lenient;
use serde_json::Value;

use super::read::{self, Wanted};
use super::time::Span;

/// How many series calls are read at once, and how many metrics of one.
const CONCURRENCY: usize = 8;

/// What a `series` call asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    metric: String,
    selector: Selector,
    period: Option<u64>,
    start: i64,
    end: i64,
}

/// What there is for it; a refusal in words where there is none.
type Known = BTreeMap<Asked, Result<Vec<Stored>, String>>;

/// Evaluates a query over what the service has.
///
/// # Errors
/// Where series cannot be read; inside, why there is no answer although they can.
pub async fn run(
    api: &impl ReadApi,
    query: &Query,
    window: &Window,
) -> Result<Result<Outcome, EvalError>, ApiError> {
    let mut known = Known::new();
    loop {
        let mut missing = BTreeSet::new();
        let outcome = attempt(query, window, &known, &mut missing);
        if missing.is_empty() {
            return Ok(outcome);
        }
        let reads = stream::iter(missing).map(|asked| async {
            let found = stored(api, &asked, window.resolution).await?;
            Ok((asked, found))
        });
        let found: Vec<_> = reads.buffer_unordered(CONCURRENCY).try_collect().await?;
        known.extend(found);
    }
}

/// Evaluates with what is known, and notes what is not.
fn attempt(
    query: &Query,
    window: &Window,
    known: &Known,
    missing: &mut BTreeSet<Asked>,
) -> Result<Outcome, EvalError> {
    let mut fetch = |request: &Request<'_>| {
        let asked = Asked {
            metric: request.metric.to_owned(),
            selector: request.selector.clone(),
            period: request.period,
            start: request.start,
            end: request.end,
        };
        known.get(&asked).cloned().unwrap_or_else(|| {
            missing.insert(asked);
            Ok(Vec::new())
        })
    };
    evaluate(query, &mut fetch, window, Limits::default())
}

async fn stored(
    api: &impl ReadApi,
    asked: &Asked,
    resolution: u64,
) -> Result<Result<Vec<Stored>, String>, ApiError> {
    let metrics = match metrics(api, &asked.metric).await? {
        Ok(metrics) => metrics,
        Err(why) => return Ok(Err(why)),
    };
    let reads = stream::iter(metrics).map(|raw| of_metric(api, asked, raw, resolution));
    let found: Vec<Vec<Stored>> = reads.buffered(CONCURRENCY).try_collect().await?;
    Ok(Ok(found.into_iter().flatten().collect()))
}

/// The metrics a name or pattern means, as the service shows them.
async fn metrics(api: &impl ReadApi, pattern: &str) -> Result<Result<Vec<Value>, String>, ApiError> {
    let is_composite = |raw: &Value| raw["type"] == "composite";
    if !pattern.contains('*') {
        return match api.get(&format!("/metrics/{}", segment(pattern)), &[]).await {
            Ok(raw) if is_composite(&raw) => Ok(Err(nested(pattern))),
            Ok(raw) => Ok(Ok(vec![raw])),
            Err(error) if error.is_not_found() => Ok(Ok(Vec::new())),
            Err(error) => Err(error),
        };
    }
    // The API searches for a part of the name; the longest one that is certain leaves the least to read.
    let part = pattern.split('*').max_by_key(|part| part.len()).unwrap_or_default();
    let query = if part.is_empty() { Vec::new() } else { vec![("name".to_owned(), part.to_owned())] };
    let identity: fn(&Value) -> Option<String> = |raw| lenient::text(&raw["name"]).map(str::to_lowercase);
    let listing = Listing {
        path: "/metrics".to_owned(),
        key: "metrics",
        query,
        order: Some("name"),
        identity,
        tagged: false,
    };
    let mut found = api.list(&listing).await?;
    let meant = |raw: &Value| lenient::text(&raw["name"]).is_some_and(|name| matches(pattern, name));
    found.retain(|raw| meant(raw) && !is_composite(raw));
    Ok(Ok(found))
}

async fn of_metric(
    api: &impl ReadApi,
    asked: &Asked,
    raw: Value,
    resolution: u64,
) -> Result<Vec<Stored>, ApiError> {
    let name = lenient::text(&raw["name"]).unwrap_or(&asked.metric);
    let period = lenient::u64(&raw["period"]);
    let wanted = asked.period.or(period).filter(|period| *period > 0).unwrap_or(resolution);
    // The first period is wanted whole.
    let step = i64::try_from(wanted).unwrap_or(i64::MAX);
    let span = Span { start: asked.start.div_euclid(step).saturating_mul(step), end: asked.end };
    let wanted =
        Wanted { metric: name, selector: &asked.selector, span, resolution: wanted, statistics: true };
    let found = match read::series(api, wanted).await {
        Ok(found) => found,
        // It went between the look and the reading.
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let stored = |one: read::Raw| Stored {
        metric: printable(name),
        labels: one.labels.into(),
        period,
        interval: found.resolution,
        samples: one.rows.iter().map(|row| row.sample).collect(),
    };
    Ok(found.series.into_iter().map(stored).collect())
}

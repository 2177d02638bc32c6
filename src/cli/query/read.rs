//! The series of one metric as the service gives them, in whichever dialect it speaks. Follows pages, and goes to a coarser
//! resolution where the one that is wanted is no longer kept. Knows nothing of composites.

use std::collections::BTreeMap;

use librato_apply::composite::eval::Sample;
use librato_apply::composite::{Labels, SOURCE, Selector};
use librato_apply::diag::printable;
use librato_apply::remote::{ApiError, ReadApi, segment};
use librato_apply::wire::lenient;
use serde_json::Value;

use super::time::Span;

/// The resolutions at which measurements are kept ever longer.
const KEPT: [u64; 3] = [60, 900, 3600];

/// The name under which measurements without a source are reported.
const UNASSIGNED: &str = "unassigned";

/// More pages than this are taken for a service that goes in circles.
const MAX_PAGES: usize = 10_000;

/// Which series, of which time, how finely.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub metric: &'a str,
    pub selector: &'a Selector,
    pub span: Span,
    /// Seconds.
    pub resolution: u64,
    /// Whether all statistics are wanted, or one value by the metric's own function.
    pub statistics: bool,
}

/// A series as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    pub labels: Labels,
    pub rows: Vec<Row>,
}

/// One measurement as it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The value the service shows.
    pub value: f64,
    pub sample: Sample,
    /// The last measurement in it, where that is known: the reading of a counter.
    pub last: Option<f64>,
}

/// Series, and the resolution at which they could be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub series: Vec<Raw>,
    pub resolution: u64,
}

/// Reads the series.
///
/// # Errors
/// Whatever keeps the service from answering in either dialect.
pub async fn series(api: &impl ReadApi, wanted: Wanted<'_>) -> Result<Found, ApiError> {
    let mut resolution = wanted.resolution;
    loop {
        match in_a_dialect(api, Wanted { resolution, ..wanted }).await {
            Ok(series) => return Ok(Found { series, resolution }),
            Err(error) => match KEPT.into_iter().find(|kept| *kept > resolution) {
                Some(coarser) if is_too_fine(&error) => resolution = coarser,
                _ => return Err(error),
            },
        }
    }
}

/// The words are the service's own; it has no code for them.
fn is_too_fine(error: &ApiError) -> bool {
    let ApiError::Status { status: 400, messages, .. } = error else { return false };
    let said = messages.to_string();
    said.contains("resolution") && said.contains("unavailable")
}

/// Tags see everything, sources included, where a service knows them. Where they see nothing, there may be sources.
async fn in_a_dialect(api: &impl ReadApi, wanted: Wanted<'_>) -> Result<Vec<Raw>, ApiError> {
    let other = |error: &ApiError| may_be_the_dialect(error) && !is_too_fine(error);
    let sources_too = !has_tags(wanted.selector);
    let found = match of_tags(api, wanted).await {
        Ok(series) if series.is_empty() && sources_too => match of_sources(api, wanted).await {
            Err(error) if other(&error) => Ok(series),
            found => found,
        },
        Err(error) if other(&error) && sources_too => {
            // Where neither answers, the first refusal is the one that says why.
            let found = of_sources(api, wanted).await;
            found.map_err(|second| if other(&second) { error } else { second })
        }
        found => found,
    };
    let mut series = found?;
    series.retain(|one| wanted.selector.matches(&one.labels));
    Ok(series)
}

fn has_tags(selector: &Selector) -> bool {
    matches!(selector, Selector::Tags(tags) if !tags.is_empty())
}

/// Whether the other dialect may fare better.
pub fn may_be_the_dialect(error: &ApiError) -> bool {
    matches!(error, ApiError::Status { status: 400 | 404 | 405 | 410 | 501, .. })
}

async fn of_tags(api: &impl ReadApi, wanted: Wanted<'_>) -> Result<Vec<Raw>, ApiError> {
    let mut query = time(wanted);
    if wanted.statistics {
        query.push(("summary_function".to_owned(), "all".to_owned()));
    }
    match wanted.selector {
        Selector::Source(source) if matches!(source.as_str(), "*" | "%" | UNASSIGNED) => {}
        Selector::Source(source) => query.push((format!("tags[{SOURCE}]"), source.clone())),
        Selector::Tags(tags) => query.extend(tags.iter().map(|(name, pattern)| {
            let pattern = if pattern == "%" { "*" } else { pattern };
            (format!("tags[{name}]"), pattern.to_owned())
        })),
    }
    let path = format!("/measurements/{}", segment(wanted.metric));
    let mut series = BTreeMap::new();
    for _ in 0..MAX_PAGES {
        let page = get(api, &path, &query).await?;
        for one in page["series"].as_array().into_iter().flatten() {
            add(&mut series, labels(&one["tags"]), rows(&one["measurements"], "time"));
        }
        let Some(next) = next(&page) else { return Ok(in_order(series)) };
        if next == query {
            break;
        }
        query = next;
    }
    Err(endless(path))
}

/// The query of the link to the next page.
fn next(page: &Value) -> Option<Vec<(String, String)>> {
    let links = page["links"].as_array()?;
    let href = links.iter().find(|link| link["rel"] == "next")?["href"].as_str()?;
    let (_, query) = href.split_once('?')?;
    Some(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

async fn of_sources(api: &impl ReadApi, wanted: Wanted<'_>) -> Result<Vec<Raw>, ApiError> {
    let path = format!("/metrics/{}", segment(wanted.metric));
    let mut series = BTreeMap::new();
    let mut from = wanted.span.start;
    for _ in 0..MAX_PAGES {
        let span = Span { start: from, ..wanted.span };
        let mut query = time(Wanted { span, ..wanted });
        if let Selector::Source(source) = wanted.selector
            && !matches!(source.as_str(), "*" | "%")
        {
            query.push(("source".to_owned(), source.clone()));
        }
        let page = get(api, &path, &query).await?;
        for (source, measurements) in page["measurements"].as_object().into_iter().flatten() {
            let source = printable(source);
            let labels: Labels = Some(source)
                .filter(|name| name != UNASSIGNED)
                .map(|name| (SOURCE.to_owned(), name))
                .into_iter()
                .collect();
            let rows = rows(measurements, "measure_time");
            add(&mut series, labels, rows);
        }
        match page["query"]["next_time"].as_i64() {
            Some(next) if next > from => from = next,
            Some(_) => break,
            None => return Ok(in_order(series)),
        }
    }
    Err(endless(path))
}

/// A page may go on with a series of the one before.
fn add(series: &mut BTreeMap<Labels, Vec<Row>>, labels: Labels, rows: Vec<Row>) {
    series.entry(labels).or_default().extend(rows);
}

fn in_order(series: BTreeMap<Labels, Vec<Row>>) -> Vec<Raw> {
    series.into_iter().map(|(labels, rows)| Raw { labels, rows }).collect()
}

fn endless(path: String) -> ApiError {
    ApiError::Decode { path, detail: "its pages have no end".to_owned() }
}

async fn get(api: &impl ReadApi, path: &str, query: &[(String, String)]) -> Result<Value, ApiError> {
    let query: Vec<(&str, String)> =
        query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    api.get(path, &query).await
}

fn time(wanted: Wanted<'_>) -> Vec<(String, String)> {
    let Span { start, end } = wanted.span;
    [
        ("start_time", start.to_string()),
        ("end_time", end.to_string()),
        ("resolution", wanted.resolution.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Tags as labels that can be printed.
pub fn labels(tags: &Value) -> Labels {
    let pairs = tags.as_object().into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((printable(name), printable(lenient::text(value)?)))).collect()
}

/// The measurements of a list; what has neither a time nor a value is passed over.
pub fn rows(list: &Value, time: &str) -> Vec<Row> {
    list.as_array().into_iter().flatten().filter_map(|one| row(one, time)).collect()
}

fn row(one: &Value, time: &str) -> Option<Row> {
    let at = one[time].as_i64()?;
    let number = |key: &str| lenient::f64(&one[key]);
    let value =
        number("value").or_else(|| Some(number("sum")? / number("count")?)).filter(|v| v.is_finite())?;
    let sample = match (number("count").filter(|count| *count > 0.0), number("sum")) {
        (Some(count), Some(sum)) => Sample {
            time: at,
            count,
            sum,
            min: number("min").unwrap_or(sum / count),
            max: number("max").unwrap_or(sum / count),
        },
        _ => Sample::single(at, value),
    };
    Some(Row { value, sample, last: number("last") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn measurements_are_read_as_far_as_they_can_be() {
        let list = json!([{"time": 60, "value": 2.5, "count": 2, "sum": 5.0, "min": 1, "max": 4},
            {"time": 120, "value": "7"}, {"time": 180, "value": null}, {"value": 1}, {"time": 240, "count": 4, "sum": 2}]);
        let seen: Vec<_> = rows(&list, "time")
            .iter()
            .map(|r| (r.sample.time, r.value, r.sample.count, r.sample.max))
            .collect();
        assert_eq!(seen, [(60, 2.5, 2.0, 4.0), (120, 7.0, 1.0, 7.0), (240, 0.5, 4.0, 0.5)]);
    }

    #[test]
    fn links_lead_to_the_next_page() {
        let page = json!({"links": [{"rel": "self", "href": "/x"}, {"rel": "next", "href": "/v1/measurements/m?a=b%20c&tags[x]=y"}]});
        assert_eq!(next(&page).unwrap(), [("a".into(), "b c".into()), ("tags[x]".into(), "y".into())]);
        assert_eq!(next(&json!({"links": []})), None);
    }
}

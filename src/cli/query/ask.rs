//! What the service answers: the series of a metric, and those of a composite, in whichever form it gives them.

use std::collections::BTreeMap;

use librato_apply::composite::SOURCE;
use librato_apply::composite::eval::{Point, Sample};
use librato_apply::diag::{printable, suggest};
use librato_apply::remote::{ApiError, ReadApi, segment};
use librato_apply::wire::lenient;
use serde_json::Value;

use super::answer::Line;
use super::read::{self, Row, Wanted};
use super::time::Span;

/// Looks a metric up by its exact name. `None` where it does not exist.
///
/// # Errors
/// Where the service does not answer.
pub async fn metric(api: &impl ReadApi, name: &str) -> Result<Option<Value>, ApiError> {
    match api.get(&format!("/metrics/{}", segment(name)), &[]).await {
        Ok(raw) => Ok(Some(raw)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A metric whose name is nearly this one. A search finds parts of names, and one half of it is most likely right.
pub async fn close_to(api: &impl ReadApi, name: &str) -> Option<String> {
    let middle = (0..=name.len() / 2).rev().find(|at| name.is_char_boundary(*at))?;
    for half in [&name[..middle], &name[middle..]] {
        let query = [("name", half.to_owned()), ("length", "100".to_owned())];
        let found = api.get("/metrics", &query).await.ok()?;
        let names = found["metrics"].as_array().into_iter().flatten();
        let names = names.filter_map(|raw| lenient::text(&raw["name"]));
        if let Some(close) = suggest(name, names) {
            return Some(printable(close));
        }
    }
    None
}

/// The series of a metric, each point by the metric's own function.
///
/// # Errors
/// Where the service does not answer.
pub async fn native(api: &impl ReadApi, raw: &Value, wanted: Wanted<'_>) -> Result<Vec<Line>, ApiError> {
    // A service that gives all statistics does not say which one is the metric's.
    let function = function(raw).filter(|_| wanted.statistics);
    let found = read::series(api, Wanted { statistics: function.is_some(), ..wanted }).await?;
    let period = lenient::u64(&raw["period"]).unwrap_or(0).max(found.resolution);
    let line = |one: read::Raw| Line {
        metric: Some(printable(lenient::text(&raw["name"]).unwrap_or(wanted.metric))),
        labels: one.labels,
        period,
        units: units(raw),
        points: points(&one.rows, function),
        samples: if function.is_some() { samples(&one.rows) } else { Vec::new() },
    };
    Ok(found.series.into_iter().map(line).collect())
}

/// The series a composite makes, as the service evaluates it.
///
/// # Errors
/// Where the service does not answer in either dialect.
pub async fn composite(
    api: &impl ReadApi,
    text: &str,
    span: Span,
    resolution: u64,
) -> Result<Vec<Line>, ApiError> {
    let query = [
        ("compose", text.to_owned()),
        ("start_time", span.start.to_string()),
        ("end_time", span.end.to_string()),
        ("resolution", resolution.to_string()),
    ];
    let body = match api.get("/measurements", &query).await {
        Err(error) if read::may_be_the_dialect(&error) => {
            // Where neither answers, the first refusal is the one that says why.
            api.get("/metrics", &query).await.map_err(|_| error)?
        }
        found => found?,
    };
    Ok(lines(&body, resolution))
}

/// The series of an answer: a bare list, `series` (tags) or `measurements` (sources).
fn lines(body: &Value, resolution: u64) -> Vec<Line> {
    let list =
        body.as_array().or_else(|| body["series"].as_array()).or_else(|| body["measurements"].as_array());
    list.into_iter().flatten().map(|one| line(one, resolution)).collect()
}

fn line(one: &Value, resolution: u64) -> Line {
    let mut labels = read::labels(&one["tags"]);
    let source = lenient::text(&one["source"]["name"]).or_else(|| lenient::text(&one["source"]));
    if let Some(source) = source.filter(|name| *name != "unassigned") {
        labels.insert(SOURCE.to_owned(), printable(source));
    }
    let rows = match &one["measurements"] {
        list @ Value::Array(_) => read::rows(list, "time"),
        _ => read::rows(&one["series"], "measure_time"),
    };
    Line {
        metric: lenient::text(&one["metric"]["name"]).map(printable),
        labels,
        period: lenient::u64(&one["period"]).unwrap_or(0).max(resolution),
        units: units(&one["metric"]),
        points: points(&rows, None),
        samples: Vec::new(),
    }
}

/// What a metric is measured in, by its attributes.
pub fn units(metric: &Value) -> Option<String> {
    let text = |key: &str| lenient::text(&metric["attributes"][key]).filter(|text| !text.trim().is_empty());
    text("display_units_short").or_else(|| text("display_units_long")).map(printable)
}

/// Of a bucket.
type Function = fn(&Sample) -> f64;

/// The function of a metric, where all that it needs is in a sample.
fn function(metric: &Value) -> Option<Function> {
    if lenient::text(&metric["type"]).is_some_and(|kind| kind != "gauge") {
        return None;
    }
    let name = lenient::text(&metric["attributes"]["summarize_function"]).unwrap_or("average");
    Some(match name.to_ascii_lowercase().as_str() {
        "average" | "mean" => |sample| sample.sum / sample.count,
        "sum" => |sample| sample.sum,
        "count" => |sample| sample.count,
        "min" => |sample| sample.min,
        "max" => |sample| sample.max,
        _ => return None,
    })
}

/// One point for each time.
fn points(rows: &[Row], function: Option<Function>) -> Vec<Point> {
    let value = |row: &Row| function.map_or(row.value, |function| function(&row.sample));
    let by_time: BTreeMap<i64, f64> = rows.iter().map(|row| (row.sample.time, value(row))).collect();
    by_time.into_iter().map(|(time, value)| Point { time, value }).collect()
}

/// What lies behind the points, in their order.
fn samples(rows: &[Row]) -> Vec<Sample> {
    let by_time: BTreeMap<i64, Sample> = rows.iter().map(|row| (row.sample.time, row.sample)).collect();
    by_time.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_dialects_and_a_bare_list_say_the_same() {
        let metric = json!({"name": "m", "attributes": {"display_units_short": "ms"}});
        let tagged = json!({"tags": {"source": "a"}, "metric": metric, "period": 60, "measurements": [{"time": 60, "value": 1.5}]});
        let sources = json!({"source": {"name": "a", "display_name": null}, "metric": metric, "period": 60,
            "series": [{"measure_time": 60, "value": 1.5}]});
        let expected = lines(&json!({"series": [tagged], "links": []}), 1);
        assert_eq!(lines(&json!([tagged]), 1), expected);
        assert_eq!(lines(&json!({"measurements": [sources]}), 1), expected);
        assert_eq!(
            (expected[0].units.as_deref(), expected[0].period, expected[0].points.len()),
            (Some("ms"), 60, 1)
        );
        assert!(lines(&json!({"unheard": "of"}), 1).is_empty());
    }
}

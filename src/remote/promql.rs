//! Range queries (`query_range`) to a Prometheus, or to what speaks its API, cut so that none asks for more points than it gives.
//! Reads only, and knows nothing of rules and alerts.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::client::Body;
use super::{ApiError, Client, Method};

/// Points of one series that Prometheus answers with at most.
const MOST_POINTS: i64 = 11_000;

/// A Prometheus that is asked.
#[derive(Debug, Clone)]
pub struct Prometheus {
    client: Client,
    /// The path below the endpoint under which `/api/v1` is.
    below: &'static str,
}

/// A series and its points, by second.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Seconds and values, in order.
    pub points: Vec<(i64, f64)>,
}

impl Prometheus {
    /// One that a client reaches, whose endpoint is what stands before `/api/v1`.
    pub fn new(client: Client) -> Self {
        Self { client, below: "" }
    }

    /// The one that a Mimir or Cortex is beside its ruler.
    pub fn of_ruler(client: Client) -> Self {
        Self { client, below: "/prometheus" }
    }

    /// The value of an expression at each step from `start` to `end`, by series.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn range(
        &self,
        expression: &str,
        (start, end): (i64, i64),
        step: i64,
    ) -> Result<Vec<Series>, ApiError> {
        let mut all: BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> = BTreeMap::new();
        for (from, until) in slices(start, end, step) {
            let query = [("start", from), ("end", until), ("step", step.max(1))];
            let query = query.map(|(key, value)| (key, value.to_string()));
            for series in self.slice(expression, &query).await? {
                all.entry(series.labels).or_default().extend(series.points);
            }
        }
        Ok(all.into_iter().map(|(labels, points)| Series { labels, points }).collect())
    }

    async fn slice(&self, expression: &str, times: &[(&str, String)]) -> Result<Vec<Series>, ApiError> {
        let path = format!("{}/api/v1/query_range", self.below);
        let ask = || {
            // Expressions are too long for the paths that proxies take.
            let pairs = times.iter().map(|(key, value)| (*key, value.as_str()));
            let body = Body::Form(std::iter::once(("query", expression)).chain(pairs).collect());
            let read = |bytes: &[u8]| serde_json::from_slice(bytes).map(|answer| read(&answer));
            self.client.exchange_for(Method::Post, &path, &[], (body, HeaderMap::new()), read)
        };
        let (answer, _) = self.client.with_retry(ask).await?;
        answer.flatten().ok_or_else(|| ApiError::Decode {
            path: path.clone(),
            detail: "it is no answer of Prometheus".to_owned(),
        })
    }
}

/// Stretches of time with as many steps as one query may have.
fn slices(start: i64, end: i64, step: i64) -> Vec<(i64, i64)> {
    let (step, mut from, mut found) = (step.max(1), start, Vec::new());
    while from <= end {
        let until = end.min(from.saturating_add(step.saturating_mul(MOST_POINTS - 1)));
        found.push((from, until));
        from = until.saturating_add(step) - (until - from) % step;
    }
    found
}

/// What an answer holds; nothing of one that is none.
fn read(answer: &Value) -> Option<Vec<Series>> {
    let data = answer.get("data").filter(|data| data["resultType"] == "matrix")?;
    let point = |point: &Value| {
        let time = point.get(0)?.as_f64()?;
        #[allow(clippy::cast_possible_truncation)] // Seconds of our days.
        Some((time.round() as i64, point.get(1)?.as_str()?.parse().ok()?))
    };
    let series = |series: &Value| {
        let labels = series.get("metric")?.as_object()?.iter();
        let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let points = series.get("values")?.as_array()?.iter().map(point).collect::<Option<_>>()?;
        Some(Series { labels: labels.collect::<Option<_>>()?, points })
    };
    data["result"].as_array()?.iter().map(series).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_query_asks_for_more_points_than_are_given() {
        assert_eq!(slices(0, 600, 60), [(0, 600)]);
        let week = slices(0, 604_800, 30);
        assert_eq!(week, [(0, 329_970), (330_000, 604_800)]);
        for (start, end, step) in [(0, 604_800, 1), (7, 100_000, 7), (5, 5, 60), (0, 59, 60), (10, 0, 60)] {
            let all: Vec<i64> = slices(start, end, step)
                .into_iter()
                .flat_map(|(from, until)| {
                    let steps: Vec<i64> = (from..=until).step_by(usize::try_from(step).unwrap()).collect();
                    assert!(steps.len() <= 11_000);
                    steps
                })
                .collect();
            let expected: Vec<i64> = (start..=end).step_by(usize::try_from(step).unwrap()).collect();
            assert_eq!(all, expected, "{start} {end} {step}");
        }
    }

    #[test]
    fn answers_are_read_or_are_none() {
        let answer = json!({ "status": "success", "data": { "resultType": "matrix", "result": [
            { "metric": { "source": "a" }, "values": [[60, "1.5"], [120.0, "NaN"]] } ] } });
        let found = read(&answer).unwrap();
        assert_eq!(found[0].labels["source"], "a");
        assert_eq!(found[0].points[0], (60, 1.5));
        assert!(found[0].points[1].1.is_nan());
        for odd in [json!({}), json!({ "data": { "resultType": "vector", "result": [] } }), json!([1])] {
            assert_eq!(read(&odd), None);
        }
    }
}

//! Measurements by tags, as `/measurements/:name` gives them.
//! Follows an answer's links to its other parts, but never to another address.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::read::decode;
use super::time::Window;
use super::words::GroupFunction;
use super::{Error, Librato, Metric, More, Objects, read};
use crate::remote::{ApiError, ReadApi, segment};
use crate::wire::lenient;

/// Which measurements: a stretch of time, tags, and how streams become one.
#[derive(Debug, Clone, PartialEq)]
pub struct TagQuery {
    window: Window,
    parameters: Vec<(String, String)>,
}

impl TagQuery {
    /// All streams of a stretch of time.
    pub fn new(window: Window) -> Self {
        Self { window, parameters: Vec::new() }
    }

    /// Only streams with this tag; `*` stands for anything, a `!` in front for anything else. Said twice for one tag,
    /// either value will do; different tags must all fit.
    pub fn tag(mut self, name: &str, pattern: impl Into<String>) -> Self {
        self.parameters.push((format!("tags[{name}]"), pattern.into()));
        self
    }

    /// Merges streams that have the same values of these tags; no tags at all merge every stream.
    pub fn group_by<'t>(mut self, tags: impl IntoIterator<Item = &'t str>, function: &GroupFunction) -> Self {
        let tags: Vec<&str> = tags.into_iter().collect();
        let tags = if tags.is_empty() { "*".to_owned() } else { tags.join(",") };
        self.parameters.push(("group_by".into(), tags));
        self.parameters.push(("group_by_function".into(), function.to_string()));
        self
    }

    /// Which statistic: `sum`, `min`, `max`, `count`, `mean`, `derivative` or `stddev`.
    pub fn summary(mut self, function: impl Into<String>) -> Self {
        self.parameters.push(("summary_function".into(), function.into()));
        self
    }

    fn query(&self) -> Vec<(&str, String)> {
        let mut query: Vec<(&str, String)> = self.window.query();
        query.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.clone())));
        if !self.parameters.iter().any(|(name, _)| name.starts_with("tags[")) {
            query.push(("tags", "*".to_owned()));
        }
        query
    }
}

/// One stream: its tags and its points.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Series {
    /// What tells it from the other streams.
    #[serde(default, deserialize_with = "read::or_default")]
    pub tags: BTreeMap<String, String>,
    /// Its points, oldest first.
    #[serde(rename = "measurements", default, deserialize_with = "read::list")]
    pub points: Vec<Point>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

/// A value at a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Point {
    /// When, in seconds since the epoch.
    #[serde(alias = "measure_time", deserialize_with = "read::count")]
    pub time: u64,
    /// The value.
    #[serde(default, deserialize_with = "read::number")]
    pub value: Option<f64>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Objects<'_, Metric> {
    /// The measurements of a metric by tags; all parts of an answer that comes in several.
    ///
    /// # Errors
    /// 404 where there is no such metric; where the service does not keep the resolution for these times.
    pub async fn series(&self, name: &str, query: &TagQuery) -> Result<Vec<Series>, Error> {
        let path = format!("/measurements/{}", segment(&self.librato().metric_name(name)));
        let parts = all_parts(self.librato(), &path, query.query()).await?;
        Ok(decode(&path, Value::Array(parts))?)
    }
}

/// The series of every part of an answer.
pub(super) async fn all_parts(
    librato: &Librato,
    path: &str,
    query: Vec<(&str, String)>,
) -> Result<Vec<Value>, Error> {
    let mut query: Vec<(String, String)> =
        query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut series = Vec::new();
    loop {
        let asked: Vec<(&str, String)> =
            query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let (part, next) = take_apart(librato.client().get(path, &asked).await?);
        series.extend(part);
        match next {
            None => return Ok(series),
            Some(next) if next == query => {
                let detail = "its continuation does not get on".to_owned();
                return Err(ApiError::Decode { path: path.to_owned(), detail }.into());
            }
            Some(next) => query = next,
        }
    }
}

/// The series of one part and the parameters of the next. Composites come as a bare array from some services.
fn take_apart(answer: Value) -> (Vec<Value>, Option<Vec<(String, String)>>) {
    if let Value::Array(series) = answer {
        return (series, None);
    }
    let next = answer["links"].as_array().and_then(|links| links.iter().find(|link| link["rel"] == "next"));
    // Only the parameters are taken over: an address in an answer must not lead the token elsewhere.
    let next = next.and_then(|link| lenient::text(&link["href"])?.split_once('?')).map(|(_, query)| {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    });
    (answer["series"].as_array().cloned().unwrap_or_default(), next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_gives_its_parameters_and_never_its_host() {
        let answer = json!({"series": [{"tags": {}}], "links": [{"rel": "prev", "href": "/x?a=1"},
            {"rel": "next", "href": "https://elsewhere.example/v1/measurements/m?cursor=a%3D&tags%5Ba%5D=b"}]});
        let (series, next) = take_apart(answer);
        assert_eq!(series.len(), 1);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(next, Some(vec![pair("cursor", "a="), pair("tags[a]", "b")]));
        assert_eq!(take_apart(json!([1, 2])), (vec![json!(1), json!(2)], None));
    }
}

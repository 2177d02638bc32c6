//! Composite queries: a definition evaluated over a stretch of time, which always has a start.
//! Reads both the answer of the dialect of sources and that of tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::read::decode;
use super::tagged::{Point, all_parts};
use super::time::Window;
use super::{Error, Librato, More, read};
use crate::remote::ReadApi;
use crate::wire::lenient;

/// What a composite came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Composed {
    /// Seconds of one point.
    pub resolution: Option<u64>,
    /// The resulting series.
    pub series: Vec<ComposedSeries>,
}

/// One resulting series.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ComposedSeries {
    /// The metric it was made from, where there is one: its `name`, `type` and so on.
    #[serde(default, deserialize_with = "read::or_default")]
    pub metric: Map<String, Value>,
    /// The source it was made from, where there is one: its `name`.
    #[serde(default, deserialize_with = "read::or_default")]
    pub source: Map<String, Value>,
    /// The tags that all its inputs have.
    #[serde(default, deserialize_with = "read::or_default")]
    pub tags: BTreeMap<String, String>,
    /// Its points, oldest first.
    #[serde(rename = "series", alias = "measurements", default, deserialize_with = "read::list")]
    pub points: Vec<Point>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Librato {
    /// Evaluates a composite over measurements by sources. A window always has a start, which the API demands.
    ///
    /// # Errors
    /// Where the definition is wrong, in the words of the service.
    pub async fn compose(&self, definition: &str, window: &Window) -> Result<Composed, Error> {
        let mut query = window.query();
        query.push(("compose", definition.to_owned()));
        let answer = self.client().get("/metrics", &query).await?;
        let resolution = lenient::u64(&answer["resolution"]);
        let series = answer.get("measurements").cloned().unwrap_or_default();
        Ok(Composed { resolution, series: decode::<Option<_>>("/metrics", series)?.unwrap_or_default() })
    }

    /// Evaluates a composite over measurements by tags.
    ///
    /// # Errors
    /// As [`Librato::compose`].
    pub async fn compose_tagged(&self, definition: &str, window: &Window) -> Result<Composed, Error> {
        let mut query = window.query();
        query.push(("compose", definition.to_owned()));
        let series = all_parts(self, "/measurements", query).await?;
        Ok(Composed { resolution: None, series: decode("/measurements", Value::Array(series))? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_dialects_are_read() {
        let of_sources = json!({"metric": {"name": "net.rx"}, "source": {"name": "web-1", "display_name": null},
            "query": {"metric": "net.*"}, "period": 60, "series": [{"measure_time": 60, "value": 5831.0}]});
        let of_tags =
            json!({"tags": {"region": "eu"}, "measurements": [{"time": 60, "value": 1}], "source": null});
        let series: Vec<ComposedSeries> = decode("/x", json!([of_sources, of_tags])).unwrap();
        assert_eq!((series[0].points[0].time, series[0].points[0].value), (60, Some(5831.0)));
        assert_eq!(series[0].source["name"], "web-1");
        assert_eq!((series[1].points[0].time, series[1].tags["region"].as_str()), (60, "eu"));
    }
}

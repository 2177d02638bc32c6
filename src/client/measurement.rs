//! A metric with its measurements by source, as `/metrics/:name` gives them.
//! Puts answers that were cut off together again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::read::decode;
use super::time::Interval;
use super::{Error, Metric, More, Objects, read};
use crate::remote::{ApiError, ReadApi};
use crate::wire::lenient;

/// A metric and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The metric.
    pub metric: Metric,
    /// Seconds of one measurement.
    pub resolution: Option<u64>,
    /// Measurements by source, oldest first. Those without a source stand under `unassigned`, those of all sources
    /// together under `all`.
    pub measurements: BTreeMap<String, Vec<Record>>,
}

/// One measurement: a single value, or what several come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, in seconds since the epoch.
    #[serde(deserialize_with = "read::count")]
    pub measure_time: u64,
    /// The value; the mean where it stands for several.
    #[serde(default, deserialize_with = "read::number", skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// How many values it stands for.
    #[serde(default, deserialize_with = "read::whole", skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Their sum.
    #[serde(default, deserialize_with = "read::number", skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    /// The smallest.
    #[serde(default, deserialize_with = "read::number", skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest.
    #[serde(default, deserialize_with = "read::number", skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Of a counter: the difference to the measurement before.
    #[serde(default, deserialize_with = "read::number", skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Objects<'_, Metric> {
    /// A metric with its measurements. An answer that was cut off is continued until it is whole.
    ///
    /// # Errors
    /// 404 where there is no such metric; where the service does not keep the resolution for these times.
    pub async fn measurements(&self, name: &str, interval: &Interval) -> Result<Measured, Error> {
        let path = self.path_of(name);
        let mut found = self.part(&path, interval).await?;
        let mut measured = found.measured;
        while let Some(next) = found.next_time {
            found = self.part(&path, &interval.continued(next)).await?;
            // A service that does not get on would be asked for ever.
            if found.next_time.is_some_and(|later| later <= next) {
                let detail = "its continuation does not get on".to_owned();
                return Err(ApiError::Decode { path, detail }.into());
            }
            for (source, more) in found.measured.measurements {
                let records = measured.measurements.entry(source).or_default();
                let last = records.last().map(|record| record.measure_time);
                records.extend(more.into_iter().filter(|record| Some(record.measure_time) > last));
            }
        }
        Ok(measured)
    }

    async fn part(&self, path: &str, interval: &Interval) -> Result<Part, Error> {
        let raw = self.librato().client().get(path, &interval.measurements()).await?;
        Ok(Part::read(path, raw)?)
    }
}

/// One answer and where it goes on.
struct Part {
    measured: Measured,
    next_time: Option<u64>,
}

impl Part {
    fn read(path: &str, mut raw: Value) -> Result<Self, ApiError> {
        let mut take = |key: &str| raw.as_object_mut().and_then(|fields| fields.shift_remove(key));
        let by_source = take("measurements").unwrap_or_else(|| Value::Object(Map::new()));
        let (query, resolution) = (take("query").unwrap_or_default(), take("resolution"));
        let measured = Measured {
            metric: decode(path, raw)?,
            resolution: resolution.as_ref().and_then(lenient::u64),
            measurements: decode(path, by_source)?,
        };
        Ok(Self { measured, next_time: lenient::u64(&query["next_time"]) })
    }
}

impl Measured {
    /// The measurements that have no source.
    pub fn unassigned(&self) -> &[Record] {
        self.measurements.get("unassigned").map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_texts_and_what_is_unknown_is_kept() {
        let raw = json!({"name": "m", "type": "gauge", "period": null, "attributes": null, "resolution": "60",
            "measurements": {"web": [{"measure_time": "60", "value": "1.5", "count": 1.0, "sum_squares": 2.25}]},
            "query": {"next_time": "120"}});
        let part = Part::read("/metrics/m", raw).unwrap();
        let record = &part.measured.measurements["web"][0];
        assert_eq!((record.measure_time, record.value, record.count), (60, Some(1.5), Some(1)));
        assert_eq!(record.more["sum_squares"], 2.25);
        assert_eq!((part.measured.resolution, part.next_time), (Some(60), Some(120)));
        assert!(part.measured.metric.more.is_empty());
    }
}

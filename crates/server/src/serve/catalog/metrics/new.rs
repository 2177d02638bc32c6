//! What measurements say of their metric, for the case that it does not exist yet. Read when they come in, so that whoever makes
//! the metric has nothing to read any more; what is wrong with it is no reason to refuse them as long as the metric exists.

use std::sync::Arc;

use serde_json::Value;

use super::metric::{Changes, Kind, Metric};
use crate::serve::http::fields::Object;
use crate::serve::refusal::{Errors, Refusal};

/// Parameters of a measurement that describe its metric.
const NAMED: [&str; 5] = ["display_name", "description", "period", "source_lag", "attributes"];

/// A metric as its first measurement would make it. Nothing where nothing is said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewMetric(Option<Arc<Result<Changes, Errors>>>);

/// What a request says of all metrics in it that do not say it themselves.
pub struct Shared<'a> {
    period: Option<&'a Value>,
    alone: NewMetric,
}

impl<'a> Shared<'a> {
    /// The `period` of a request.
    pub fn read(body: &'a Object) -> Shared<'a> {
        let period = body.get("period");
        let alone = period
            .map(|period| NewMetric::of(&[("period".to_owned(), period.clone())].into_iter().collect()));
        Shared { period, alone: alone.unwrap_or_default() }
    }

    /// What the measurement `item` says of its metric.
    pub fn with(&self, item: &Object) -> NewMetric {
        if !item.keys().any(|name| NAMED.contains(&name.as_str())) {
            return self.alone.clone();
        }
        let own = item.iter().filter(|(name, _)| NAMED.contains(&name.as_str()));
        let mut said: Object = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(period) = self.period.filter(|_| !said.contains_key("period")) {
            said.insert("period".to_owned(), period.clone());
        }
        NewMetric::of(&said)
    }
}

impl NewMetric {
    fn of(said: &Object) -> NewMetric {
        NewMetric(Some(Arc::new(Changes::read(said))))
    }

    /// The metric, without an id.
    ///
    /// # Errors
    /// When what is said of it cannot be.
    pub fn make(&self, name: &str, kind: Kind, agent: Option<&str>) -> Result<Metric, Refusal> {
        let mut metric = Metric::new(name, kind, agent);
        if let Some(changes) = &self.0 {
            changes.as_ref().as_ref().map_err(Errors::clone)?.apply(&mut metric)?;
        }
        Ok(metric)
    }
}

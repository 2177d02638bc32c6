//! A metric and the changes a request makes to it: reading, merging, showing. Pure; knows no SQL.

use serde::Serialize;
use serde_json::{Value, json};

use super::attributes::{self, CREATED_BY};
use crate::composite;
use crate::serve::http::bounds;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::refusal::{Errors, Refusal};

/// What a metric is; fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Gauge,
    Counter,
    Composite,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Composite => "composite",
        }
    }

    pub fn of(name: &str) -> Option<Kind> {
        [Kind::Gauge, Kind::Counter, Kind::Composite].into_iter().find(|kind| kind.name() == name)
    }
}

/// A metric as stored and as shown: `period` and `attributes` are always there, even for composites, since
/// python-librato indexes them.
#[derive(Serialize)]
pub struct Metric {
    #[serde(skip)]
    pub id: i64,
    pub name: String,
    pub display_name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub attributes: Object,
    pub description: Option<String>,
    pub period: Option<i64>,
    pub source_lag: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composite: Option<String>,
}

impl Metric {
    /// A metric as a first submission makes it. `agent` is the `User-Agent` of that request.
    pub fn new(name: &str, kind: Kind, agent: Option<&str>) -> Metric {
        let mut attributes = Object::new();
        if let Some(agent) = agent {
            attributes.insert(CREATED_BY.to_owned(), json!(agent));
        }
        Metric {
            id: 0,
            name: name.to_owned(),
            kind,
            display_name: None,
            description: None,
            period: None,
            source_lag: None,
            composite: None,
            attributes,
        }
    }

    /// The answer to a measurement or change of another type; clients look for these very words.
    pub fn wrong_type(&self) -> Refusal {
        let message =
            format!("'{}' is a {}, but was submitted as different type", self.name, self.kind.name());
        Refusal::field("type", message)
    }
}

/// What a request says about a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    pub kind: Option<Kind>,
    display_name: Given<String>,
    description: Given<String>,
    period: Given<i64>,
    source_lag: Given<i64>,
    composite: Given<String>,
    /// `null` takes the attribute away.
    attributes: Vec<(String, Value)>,
}

impl Changes {
    pub fn read(body: &Object) -> Result<Changes, Errors> {
        // A change to many metrics may name as many as it likes.
        let ours = body.iter().filter(|(name, _)| !matches!(name.as_str(), "names" | "exclude"));
        bounds::check(ours, &["display_name"])?;
        let mut read = Reader::new(body);
        let kind = read.text("type").value().filter(|text| !text.is_empty());
        let known = kind.as_deref().map(Kind::of);
        if known == Some(None) {
            read.errors.add("type", "is not one of: gauge, counter, composite");
        }
        let mut in_attributes = Errors::default();
        let mut changes = Changes {
            kind: known.flatten(),
            display_name: read.text("display_name"),
            description: read.text("description"),
            period: read.integer("period"),
            source_lag: read.integer("source_lag"),
            composite: read.text("composite"),
            attributes: read_attributes(read.object("attributes").value(), &mut in_attributes),
        };
        if matches!(changes.period, Given::Value(period) if period < 1) {
            read.errors.add("period", "must be a positive number of seconds");
        }
        if matches!(changes.source_lag, Given::Value(lag) if lag < 0) {
            read.errors.add("source_lag", "must not be negative");
        }
        if matches!(&changes.composite, Given::Value(text) if text.trim().is_empty()) {
            changes.composite = Given::Null;
        }
        if let Given::Value(text) = &changes.composite {
            let problems = composite::compile(text).err().unwrap_or_default();
            problems.iter().for_each(|problem| read.errors.add("composite", problem.located(text)));
        }
        read.errors.nest("attributes", in_attributes);
        read.finish()?;
        Ok(changes)
    }

    /// For a change to many metrics, whose attributes may stand at top level.
    pub fn read_flat(body: &Object) -> Result<Changes, Errors> {
        let mut changes = Changes::read(body)?;
        changes.kind = None;
        let flat: Object = body
            .iter()
            .filter(|(name, _)| attributes::KNOWN.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut errors = Errors::default();
        changes.attributes.extend(read_attributes(Some(&flat), &mut errors));
        errors.finish()?;
        Ok(changes)
    }

    /// Lays the changes over `metric`: properties and attributes that are not mentioned stay.
    pub fn apply(&self, metric: &mut Metric) -> Result<(), Refusal> {
        if self.kind.is_some_and(|kind| kind != metric.kind) {
            return Err(metric.wrong_type());
        }
        match (metric.kind, &self.composite) {
            (Kind::Composite, Given::Value(text)) => metric.composite = Some(text.clone()),
            (Kind::Gauge | Kind::Counter, Given::Value(_)) => {
                return Err(Refusal::field("composite", "is only for metrics of type composite"));
            }
            (_, Given::Absent | Given::Null) => {}
        }
        if metric.kind == Kind::Composite && metric.composite.is_none() {
            return Err(Refusal::field("composite", "is not present"));
        }
        self.display_name.clone().put(&mut metric.display_name);
        self.description.clone().put(&mut metric.description);
        self.period.clone().put(&mut metric.period);
        self.source_lag.clone().put(&mut metric.source_lag);
        for (name, value) in &self.attributes {
            if value.is_null() {
                metric.attributes.shift_remove(name);
            } else {
                metric.attributes.insert(name.clone(), value.clone());
            }
        }
        bounds::whole(metric)
    }

    /// The same changes without what a metric of this kind does not have.
    pub fn fitting(&self, kind: Kind) -> Changes {
        let fits = |name: &str| kind == Kind::Gauge || !attributes::is_gauge_only(name);
        Changes {
            kind: None,
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            period: self.period.clone(),
            source_lag: self.source_lag.clone(),
            composite: Given::Absent,
            attributes: self.attributes.iter().filter(|(name, _)| fits(name)).cloned().collect(),
        }
    }
}

fn read_attributes(sent: Option<&Object>, errors: &mut Errors) -> Vec<(String, Value)> {
    let mut read = Vec::new();
    for (name, value) in sent.into_iter().flatten().filter(|(name, _)| *name != CREATED_BY) {
        let checked = if value.is_null() { Ok(Value::Null) } else { attributes::check(name, value) };
        match checked {
            Ok(value) => read.push((name.clone(), value)),
            Err(message) => errors.add(name, message),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(metric: &mut Metric, body: &Value) -> Result<(), Refusal> {
        Changes::read(body.as_object().unwrap())?.apply(metric)
    }

    #[test]
    fn attributes_merge_key_by_key() {
        let mut metric = Metric::new("a", Kind::Gauge, Some("agent/1"));
        changed(
            &mut metric,
            &json!({"attributes": {"color": "#000000", "display_min": "0", "created_by_ua": "forged"}}),
        )
        .unwrap();
        changed(&mut metric, &json!({"type": null, "attributes": {"color": null, "aggregate": "true"}}))
            .unwrap();
        let expected = json!({"created_by_ua": "agent/1", "display_min": "0", "aggregate": true});
        assert_eq!(json!(metric)["attributes"], expected);
    }

    #[test]
    fn null_clears_and_absence_keeps() {
        let mut metric = Metric::new("a", Kind::Gauge, None);
        changed(&mut metric, &json!({"display_name": "A", "description": "d", "period": "60"})).unwrap();
        changed(&mut metric, &json!({"description": null})).unwrap();
        assert_eq!(
            (metric.display_name.as_deref(), metric.description, metric.period),
            (Some("A"), None, Some(60))
        );
    }

    #[test]
    fn types_and_composites_are_guarded() {
        let mut gauge = Metric::new("a", Kind::Gauge, None);
        assert!(changed(&mut gauge, &json!({"type": "counter"})).is_err());
        assert!(changed(&mut gauge, &json!({"composite": "s(\"a\",\"*\")"})).is_err());
        assert!(changed(&mut gauge, &json!({"type": "dial"})).is_err());
        assert!(changed(&mut gauge, &json!({"period": 0})).is_err());
        let mut composite = Metric::new("c", Kind::Composite, None);
        assert!(changed(&mut composite, &json!({"composite": " "})).is_err());
        changed(&mut composite, &json!({"composite": " s( \"a\",\"*\") "})).unwrap();
        assert_eq!(json!(composite)["composite"], " s( \"a\",\"*\") ", "kept verbatim");
    }
}

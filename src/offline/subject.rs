//! From the definition of an alert to what the machine evaluates. What of it cannot be evaluated is said at its place.
//! Knows nothing of what is measured.

use crate::composite::{self, Query};
use crate::diag::{Code, Route};
use crate::model::check::{Checker, Finding, at};
use crate::model::{Alert, Condition, ConditionType, Field, MetricType, Resource, Seconds, SummaryFunction};
use crate::pattern::matches;
use crate::watch::{self, Function, Kind, Shape, Streams, Tag, Test};

/// The period of a composite, and how far its evaluation stays behind, where nothing is said.
const PERIOD: i64 = 60;
const LAG: i64 = 120;

/// What is known of a metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metric {
    /// Its type; nothing of one that no one declares.
    pub metric_type: Option<MetricType>,
    /// The definition of a composite.
    pub composite: Option<String>,
    /// In seconds.
    pub period: Option<i64>,
    /// Seconds that a composite's evaluation stays behind.
    pub lag: Option<i64>,
    /// Whether the service aggregates its measurements to periods.
    pub aggregate: bool,
}

impl Metric {
    /// What a definition says of it; nothing where it is of something else.
    pub fn of(resource: &Resource) -> Option<Self> {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        let period = |period: &Field<Seconds>| period.value().map(|it| seconds(it.0)).filter(|it| *it > 0);
        match resource {
            Resource::Metric(metric) => Some(Self {
                metric_type: metric.metric_type.value().and_then(|word| word.known()),
                period: period(&metric.period),
                aggregate: metric.attributes.aggregate.value().copied().unwrap_or(false),
                ..Self::default()
            }),
            Resource::Composite(composite) => Some(Self {
                composite: Some(composite.composite.value().cloned().unwrap_or_default()),
                period: period(&composite.period),
                lag: composite.source_lag.value().map(|lag| seconds(lag.0)),
                ..Self::default()
            }),
            _ => None,
        }
    }
}

/// An alert ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Subject {
    /// For the machine. Services are known by their place in `services`.
    pub alert: watch::Alert,
    /// Their titles.
    pub services: Vec<String>,
    /// The names, or patterns of names, of all metrics that it depends on.
    pub metrics: Vec<String>,
    /// Those of each condition.
    pub depends: Vec<Vec<String>>,
    /// The composites that conditions watch.
    pub(super) composites: Vec<Worked>,
}

impl Subject {
    /// Whether it depends on a metric.
    pub fn reads(&self, metric: &str) -> bool {
        self.metrics.iter().any(|pattern| matches(pattern, metric))
    }

    /// Whether the composites that conditions watch are the same ones.
    pub fn same_composites(&self, other: &Self) -> bool {
        self.depends == other.depends && self.composites == other.composites
    }
}

/// A composite that the condition at a place watches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Worked {
    pub place: usize,
    pub query: Query,
    pub period: i64,
}

/// Reads an alert; `metric` tells what is known of those it watches.
///
/// # Errors
/// What cannot be evaluated, with routes inside the alert.
pub fn subject(name: &str, alert: &Alert, metric: &dyn Fn(&str) -> Metric) -> Result<Subject, Vec<Finding>> {
    let mut found = Checker::new(name);
    let (mut conditions, mut composites, mut depends) = (Vec::new(), Vec::new(), Vec::new());
    for (place, written) in alert.conditions.value().into_iter().flatten().enumerate() {
        let here = at(["conditions"]).index(place);
        let known = metric(&written.metric_name);
        let Some(condition) = condition(written, &known, &here, &mut found) else { continue };
        if let Some(text) = &known.composite {
            depends.push(read_by(text));
            let period = condition.shape.period.unwrap_or(PERIOD);
            match composite::compile(text) {
                Ok(query) => composites.push(Worked { place, query, period }),
                Err(_) => {
                    let message = format!("the composite `{}` cannot be evaluated", written.metric_name);
                    found.error(here.key("metric_name"), Code::InvalidComposite, message);
                }
            }
        } else {
            depends.push(vec![written.metric_name.clone()]);
        }
        conditions.push(condition);
    }
    let findings = found.into_findings();
    if !findings.is_empty() {
        return Err(findings);
    }
    let services: Vec<String> = alert.services.value().into_iter().flatten().cloned().collect();
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let alert = watch::Alert {
        id: 1,
        name: name.to_owned(),
        conditions,
        active: alert.is_active(),
        rearm: seconds(alert.rearm().0),
        per_signal: alert.rearm_per_signal.value().copied().unwrap_or(false),
        services: (0..).take(services.len()).collect(),
    };
    let metrics = depends.concat();
    Ok(Subject { alert, services, metrics, depends, composites })
}

/// The metrics that a composite reads, by name or by pattern.
fn read_by(text: &str) -> Vec<String> {
    let tree = composite::parse(text);
    tree.map_or_else(|_| Vec::new(), |tree| tree.reads().iter().map(|read| read.metric.to_owned()).collect())
}

fn condition(
    written: &Condition,
    known: &Metric,
    here: &Route,
    found: &mut Checker<'_>,
) -> Option<watch::Condition> {
    let unknown = |found: &mut Checker<'_>, key: &str| {
        let message = "this program does not know this word, so it cannot evaluate the condition";
        found.error(here.key(key), Code::UnknownValue, message);
    };
    let kind = match (&known.composite, known.metric_type) {
        (Some(_), _) => Kind::Composite { lag: known.lag.unwrap_or(LAG).max(0) },
        (None, Some(MetricType::Counter)) => Kind::Counter,
        (None, _) => Kind::Gauge,
    };
    let Some(condition_type) = written.condition_type.known() else {
        unknown(found, "type");
        return None;
    };
    let duration = written.duration.map(|duration| i64::try_from(duration.0).unwrap_or(i64::MAX));
    let threshold = written.threshold.unwrap_or_default();
    let test = match condition_type {
        ConditionType::Absent => Test::Absent { duration: duration.unwrap_or_default() },
        ConditionType::Above | ConditionType::Below => {
            let above = condition_type == ConditionType::Above;
            let Some(function) = function(written, kind) else {
                unknown(found, "summary_function");
                return None;
            };
            Test::Threshold { above, threshold, duration, function }
        }
    };
    let period = match kind {
        Kind::Composite { .. } => Some(known.period.unwrap_or(PERIOD).max(PERIOD)),
        Kind::Gauge | Kind::Counter => known.period,
    };
    let tags = written.tags.iter().flatten().map(|tag| Tag {
        name: tag.name.clone(),
        values: tag.values.clone().unwrap_or_default(),
        grouped: tag.grouped.unwrap_or(false),
        dynamic: tag.dynamic.unwrap_or(false),
    });
    Some(watch::Condition {
        id: None,
        metric: written.metric_name.clone(),
        streams: Streams::new(written.source.as_deref(), tags.collect()),
        test,
        shape: Shape { kind, period, aggregate: known.aggregate && known.composite.is_none() },
    })
}

/// Which value counts; `None` for a word that no one knows. What is not written depends on the metric.
fn function(written: &Condition, kind: Kind) -> Option<Function> {
    let change = Function::Derivative { detect_reset: written.detect_reset.unwrap_or(true) };
    Some(match &written.summary_function {
        None if kind == Kind::Counter => change,
        None => Function::Average,
        Some(word) => match word.known()? {
            SummaryFunction::Min => Function::Min,
            SummaryFunction::Max => Function::Max,
            SummaryFunction::Average => Function::Average,
            SummaryFunction::Sum => Function::Sum,
            SummaryFunction::Count => Function::Count,
            SummaryFunction::Derivative => change,
            SummaryFunction::AbsoluteValue => Function::AbsoluteValue,
        },
    })
}

//! What measurements say of a plan: how often alerts would have notified before and after it, what is lost with a metric, which charts
//! show nothing. Values that someone else has found; judges only what is too noisy, and is no part of what is written or saved.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Refusal, Step};
use crate::diag::{Code, counted};
use crate::diff::Change;
use crate::model::Address;

/// What was found, and what it took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// What was looked at.
    pub looked: Looked,
    /// By what it is about.
    pub of: BTreeMap<Address, Finding>,
}

/// What was looked at to find evidence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Looked {
    /// The first second, since the epoch.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// How many requests were made for it.
    pub requests: usize,
    /// How many measurements were read.
    pub measurements: usize,
    /// The limit that kept it from reading everything, and what failed until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
    /// The objects that were therefore not looked at, or not as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
}

/// A picture of what an alert watches, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// What it shows, in words.
    pub caption: String,
    /// As SVG that stands for itself.
    pub svg: String,
}

/// What was found of one object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The streams that measurements are of now; those of all conditions of an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<StreamsFound>,
    /// What came of an alert as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Figures>,
    /// What would have come of it as it will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Figures>,
    /// Pictures of what an alert watches, where someone will look at them.
    #[serde(skip)]
    pub sketches: Vec<Sketch>,
    /// Seconds of the time for which there are measurements of what an alert watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<i64>,
    /// How well the figures are known, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
    /// How well each condition is known, stretch by stretch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownStretch>,
    /// How many measurements a metric has in the time that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurements: Option<usize>,
    /// The program that made a metric, as the service kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// What else a reviewer should know, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether measurements could not be read, or not as a whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
    /// Requests for it; what several objects need is counted for each of them.
    pub requests: usize,
}

/// Streams that measurements are of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamsFound {
    /// How many.
    pub count: usize,
    /// Some of their names, in order.
    pub names: Vec<String>,
    /// Seconds since the last measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_for: Option<i64>,
    /// Seconds from one measurement of a stream to the next, as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<i64>,
}

/// How often an alert fired and notified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Incidents.
    pub fired: usize,
    /// How often each service would have been told of a trigger, repetitions included.
    pub notified: usize,
    /// Incidents of which rolled-up data cannot tell whether they were there; not counted above.
    #[serde(default)]
    pub unsure: usize,
    /// Whether anybody is told: the alert is switched on and has services.
    pub pages: bool,
    /// Why it cannot fire: what it watches was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_fire: Option<String>,
    /// Why it cannot be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How well a condition is known in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownStretch {
    /// The place of the condition, from 0.
    pub condition: usize,
    /// The first second.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// Seconds that one value stands for.
    pub resolution: i64,
    /// `exact`, `shifted`, `more`, `less`, `either`, `unknown`, `incomparable` or `unread`, as `backtest` says it.
    pub fidelity: String,
}

impl Evidence {
    /// What was found of an object.
    pub fn of(&self, address: &Address) -> Option<&Finding> {
        self.of.get(address)
    }

    /// Every alert that is made or changed and would have notified more often than this.
    pub fn noisy_alerts(&self, steps: &[Step], most: usize) -> Option<Refusal> {
        let noisy = self.alerts(steps).filter_map(|(change, finding)| {
            let after = finding.after.as_ref().filter(|after| after.pages && after.notified > most)?;
            let days = length(self.looked.end - self.looked.start);
            let (kind, alert) = (change.kind, &change.address.name);
            Some(format!("{kind}/{alert}: would have notified {} in {days}", times(after.notified)))
        });
        let noisy: Vec<String> = noisy.collect();
        (!noisy.is_empty()).then(|| Refusal {
            code: Code::NoisyAlerts.name().into(),
            message: format!(
                "{} would have notified more than {}",
                counted(noisy.len(), "alert"),
                times(most)
            ),
            names: noisy,
            lift: Some(
                "a milder threshold (librato-apply backtest NAME --sweep … finds one), or a higher N".into(),
            ),
        })
    }

    /// The alerts that are made or changed, of which it is not known how often they would have notified.
    pub fn unjudged<'s>(&'s self, steps: &'s [Step]) -> impl Iterator<Item = &'s str> {
        let open = |finding: &Finding| {
            let unknown = |after: &Figures| after.pages && (after.error.is_some() || finding.missed);
            finding.after.as_ref().map_or(finding.missed, unknown)
        };
        self.alerts(steps)
            .filter(move |(_, finding)| open(finding))
            .map(|(change, _)| change.address.name.as_str())
    }

    fn alerts<'s>(&'s self, steps: &'s [Step]) -> impl Iterator<Item = (&'s Change, &'s Finding)> {
        let stays = |step: &&Step| step.change.action.after().is_some_and(|after| after.as_alert().is_some());
        let found = |step: &'s Step| Some((&step.change, self.of(&step.change.address)?));
        steps.iter().filter(stays).filter(|step| !step.parks()).filter_map(found)
    }
}

/// `7 d`, `36 h`.
pub fn length(seconds: i64) -> String {
    match seconds {
        some if some % 86_400 == 0 => format!("{} d", some / 86_400),
        some if some % 3_600 == 0 => format!("{} h", some / 3_600),
        some => format!("{} min", some / 60),
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

//! What the tests leave out: alerts without any, conditions that are never met, or never left.

use std::collections::BTreeMap;

use librato_apply::diag::counted;
use librato_apply::model::{Collection, Desired, Intent};
use librato_apply::offline::{Coverage, Gap};

use super::case::Result;

/// What the tests leave out.
#[derive(Debug, Default)]
pub struct Gaps {
    /// How many alerts there are.
    pub alerts: usize,
    /// Names of alerts without a test.
    pub untested: Vec<String>,
    /// Conditions, by alert and place.
    pub never_met: Vec<(String, usize)>,
    pub never_left: Vec<(String, usize)>,
}

impl Gaps {
    /// Of all tests of the files.
    pub fn of(desired: &Desired, results: &[Result<'_>]) -> Self {
        let mut tested: BTreeMap<&str, Vec<Coverage>> = BTreeMap::new();
        for result in results {
            let all = tested.entry(result.case.alert()).or_default();
            all.resize(result.case.subject.alert.conditions.len(), Coverage::default());
            if let Ok(verdict) = &result.verdict {
                all.iter_mut().zip(&verdict.coverage).for_each(|(all, one)| all.merge(one));
            }
        }
        let mut gaps = Self::default();
        let alerts = desired.objects.iter().filter(|(address, _)| address.collection == Collection::Alerts);
        for (address, _) in alerts.filter(|(_, declared)| declared.intent == Intent::Present) {
            gaps.alerts += 1;
            let Some(conditions) = tested.get(address.name.as_str()) else {
                gaps.untested.push(address.name.clone());
                continue;
            };
            for (place, coverage) in conditions.iter().enumerate() {
                match coverage.gap() {
                    Some(Gap::NeverMet) => gaps.never_met.push((address.name.clone(), place)),
                    Some(Gap::NeverLeft) => gaps.never_left.push((address.name.clone(), place)),
                    None => {}
                }
            }
        }
        gaps
    }

    pub fn is_empty(&self) -> bool {
        self.untested.is_empty() && self.never_met.is_empty() && self.never_left.is_empty()
    }

    pub fn text(&self) -> String {
        if self.alerts == 0 {
            return String::new();
        }
        let tested = self.alerts - self.untested.len();
        let verb = if tested == 1 && self.alerts == 1 { "has" } else { "have" };
        let mut out = format!("Coverage: {tested} of {} {verb} a test.\n", counted(self.alerts, "alert"));
        let conditions = |all: &[(String, usize)]| {
            all.iter().map(|(alert, place)| format!("{alert} conditions[{place}]")).collect::<Vec<_>>()
        };
        for (title, names) in [
            ("without a test", self.untested.clone()),
            ("never met", conditions(&self.never_met)),
            ("met and never left", conditions(&self.never_left)),
        ] {
            for (i, name) in names.iter().enumerate() {
                out.push_str(&format!("  {:<18}  {name}\n", if i == 0 { title } else { "" }));
            }
        }
        out
    }
}

//! Changes that alter what an alert means without touching it: of the metrics and composites it watches, and of the
//! services it notifies. What they do to paging cannot be told, only that they may. Knows nothing of conditions.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::effect::{Effect, Impact, Verdict};
use super::words::{listed, quoted};
use crate::diag::Seg;
use crate::diff::{Action, Change};
use crate::model::{Address, Alert, AlertUse, Desired, Kind, MetricType, Resource, Spec, State};

/// The changes of a plan as far as they concern alerts, and what is known beside them.
pub struct Touched<'a> {
    actual: &'a State,
    desired: &'a Desired,
    /// What happens to objects that alerts use, by the names alerts may know them under.
    objects: BTreeMap<Address, Touch>,
}

/// What happens to one object.
#[derive(Debug, Clone)]
struct Touch {
    kind: Kind,
    used: AlertUse,
    /// Its names, before and after.
    names: Vec<String>,
    /// `is deleted`, to be read behind "which".
    what: String,
    weakens: Verdict,
}

/// What the plan means to an alert that it does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Indirect {
    /// The alert's name.
    pub alert: String,
    /// What it means.
    pub impact: Impact,
}

impl<'a> Touched<'a> {
    /// Finds in the changes of a plan, before they are ordered, what concerns alerts.
    pub fn of(changes: &[Change], actual: &'a State, desired: &'a Desired) -> Self {
        let mut touched = Self { actual, desired, objects: BTreeMap::new() };
        changes.iter().for_each(|change| touched.add(change));
        touched.add_readers(changes);
        touched
    }

    fn add(&mut self, change: &Change) {
        let old_name = match &change.action {
            Action::Update { renamed_from: Some(old), .. } => Some(old),
            _ => None,
        };
        let Some((used, what, weakens)) = what_happens(change) else { return };
        let kind = change.action.before().map_or(change.kind, Resource::kind);
        let both = || [Some(&change.address), old_name].into_iter().flatten();
        let names: Vec<String> = both().map(|address| address.name.clone()).collect();
        for address in both() {
            let touch = Touch { kind, used, names: names.clone(), what: what.clone(), weakens };
            self.objects.insert(address.clone(), touch);
        }
    }

    /// Composites that read what is touched are touched too. They read no other composites, so one round will do.
    fn add_readers(&mut self, changes: &[Change]) {
        let planned: BTreeMap<&Address, Option<&Resource>> =
            changes.iter().map(|change| (&change.address, change.action.after())).collect();
        let untouched = self.actual.iter().filter(|(address, _)| !planned.contains_key(*address));
        let used = AlertUse::Watched;
        let readers = untouched
            .chain(planned.iter().filter_map(|(address, after)| Some((*address, (*after)?))))
            .filter(|(_, resource)| resource.spec().use_to_alerts() == Some(used));
        let mut found = Vec::new();
        for (address, reader) in readers.filter(|(address, _)| !self.objects.contains_key(*address)) {
            let read = reader
                .spec()
                .references()
                .into_iter()
                .find_map(|reference| self.objects.get(&reference.to).map(|touch| (reference.to, touch)));
            if let Some((metric, touch)) = read {
                let what = format!("reads the {} {}, which {}", touch.kind, quoted(&metric.name), touch.what);
                let (names, weakens) = (vec![address.name.clone()], Verdict::CannotTell);
                found.push((address.clone(), Touch { kind: reader.kind(), used, names, what, weakens }));
            }
        }
        self.objects.extend(found);
    }

    /// The type a metric has on the remote.
    pub(super) fn type_of(&self, metric: &str) -> Option<MetricType> {
        self.actual.get(&Address::metric(metric))?.metric_type()
    }

    /// Whether an alert holds secrets in what the words speak of; its prose they never quote.
    pub(super) fn hides(&self, alert: &Address) -> bool {
        let prose = |seg: Option<&Seg>| matches!(seg, Some(Seg::Key(key)) if key == "description" || key == "attributes");
        let declared = self.desired.objects.get(alert);
        declared.is_some_and(|declared| declared.secrets.keys().any(|route| !prose(route.segs().first())))
    }

    /// What happens to the objects an alert uses, each said once. Of services only those it used before: a new one changes nothing
    /// about whom it called.
    pub(super) fn effects_on(&self, before: &Alert, alert: &Alert) -> Vec<Effect> {
        if self.objects.is_empty() {
            return Vec::new();
        }
        let used: BTreeSet<Address> = alert.references().into_iter().map(|reference| reference.to).collect();
        let effect = |address: &Address| {
            let touch = self.objects.get(address)?;
            let called = before.services.value().map_or(&[][..], Vec::as_slice);
            let how = match touch.used {
                AlertUse::Watched => "page",
                AlertUse::Notified if touch.names.iter().any(|name| called.contains(name)) => "notify",
                AlertUse::Notified => return None,
            };
            let object = format!("the {} {}, which {}", touch.kind, quoted(&address.name), touch.what);
            Some(Effect::new(touch.weakens, format!("may {how} differently: it uses {object}")))
        };
        used.iter().filter_map(effect).collect()
    }
}

/// What a change does to the alerts that use the object, where it can do anything to them.
fn what_happens(change: &Change) -> Option<(AlertUse, String, Verdict)> {
    let before = change.action.before()?.spec();
    let used = before.use_to_alerts()?;
    let (what, weakens) = match &change.action {
        Action::Create { .. } => return None,
        Action::Delete { .. } if used == AlertUse::Notified => ("is deleted".to_owned(), Verdict::Yes),
        Action::Delete { .. } => ("is deleted".to_owned(), Verdict::CannotTell),
        Action::Replace { because, .. } => (format!("is replaced: {because}"), Verdict::CannotTell),
        Action::Update { fields, .. } => {
            let mut names: Vec<String> = fields
                .iter()
                .map(|field| field.route.to_string())
                .filter(|name| before.matters_to_alerts(name))
                .map(|name| if name.starts_with("settings.") { "settings".to_owned() } else { name })
                .map(|name| name.trim_start_matches("attributes.").to_owned())
                .collect();
            names.dedup();
            if names.is_empty() {
                return None;
            }
            let what = format!("changes its {}", listed(&names, " and "));
            (what.replace("its composite", "its definition"), Verdict::CannotTell)
        }
    };
    Some((used, what, weakens))
}

/// What the plan means to alerts it does not change, whoever owns them. Those switched off page no one either way.
pub fn indirect(changes: &[Change], touched: &Touched<'_>) -> Vec<Indirect> {
    let changed: BTreeSet<&Address> = changes
        .iter()
        .flat_map(|change| match &change.action {
            Action::Update { renamed_from: Some(old), .. } => [Some(&change.address), Some(old)],
            _ => [Some(&change.address), None],
        })
        .flatten()
        .collect();
    let alerts =
        touched.actual.iter().filter_map(|(address, resource)| Some((address, resource.as_alert()?)));
    alerts
        .filter(|(address, alert)| alert.is_active() && !changed.contains(address))
        .map(|(address, alert)| Indirect {
            alert: address.name.clone(),
            impact: Impact { effects: touched.effects_on(alert, alert) },
        })
        .filter(|indirect| !indirect.impact.is_empty())
        .collect()
}

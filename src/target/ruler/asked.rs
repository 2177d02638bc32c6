//! What of the definitions a ruler is asked for: kinds it cannot hold are taken as given, alerts that are switched off are no rules, and
//! what cannot be rendered is left out with the reason. Writes nothing down but that.

use std::collections::BTreeMap;

use super::found::{Found, Hand, left_behind};
use super::normal::Normal;
use super::rendered::{Refused, Wanted, rendered};
use crate::diag::{Code, Diagnostic, Files, Part, Report, Route, counted};
use crate::diff::undeclared;
use crate::model::{Address, Collection, Declared, Desired, Intent, Kind, Metric, Resource, State};
use crate::prometheus::Settings;

/// What is asked of a ruler that holds these kinds; all else is external from now on, and stands in `actual` too.
pub fn asked(
    desired: &Desired,
    files: &Files,
    settings: &Settings,
    holds: &dyn Fn(Kind) -> bool,
    found: &[Found],
    actual: &mut State,
    report: &mut Report,
) -> Desired {
    let mut asked = desired.clone();
    for (address, declared) in &desired.objects {
        // What has taken its place is there already.
        left_behind(found, address, declared).iter().for_each(|old| _ = actual.remove(old));
    }
    if settings.absent_memory.is_none() {
        let message =
            "on a ruler every rule belongs to a definition, and those of `absent_memory: recorded` do not";
        let found = Diagnostic::error(Code::NotOnTarget, message);
        report.push(found.help("write how long streams are remembered, such as `absent_memory: 24h`"));
    }
    let mut left: BTreeMap<Kind, usize> = BTreeMap::new();
    for (address, declared) in &desired.objects {
        if holds(declared.kind) {
            // A receiver of somebody else takes its place, and is there.
            let named = declared.kind == Kind::Service && settings.receivers.contains_key(&address.name);
            if named && declared.intent == Intent::Present {
                take_as_given(&mut asked, address, actual);
            } else if declared.intent == Intent::Present && is_off(&declared.resource) {
                switch_off(&mut asked, address, declared, actual);
            }
        } else if declared.intent == Intent::Absent {
            asked.objects.remove(address);
        } else {
            *left.entry(declared.kind).or_default() += usize::from(declared.intent == Intent::Present);
            take_as_given(&mut asked, address, actual);
        }
    }
    left.retain(|_, count| *count > 0);
    if !left.is_empty() {
        report.push(not_held(&left, holds));
    }
    take_metrics_as_given(&mut asked, actual);
    adopt(found, actual);
    let all = rendered(&asked, actual, files, settings);
    if !settings.definition {
        take_texts(&all.rules, found, actual);
    }
    for refused in all.refused {
        let is_named =
            refused.kind == Kind::Service && settings.receivers.contains_key(&refused.address.name);
        if is_named && holds(Kind::Service) {
            // Alerts would be routed past it.
            report.push(without_receiver(&refused, &asked, files));
            continue;
        }
        if asked
            .objects
            .get(&refused.address)
            .is_some_and(|declared| declared.intent == Intent::Present && holds(declared.kind))
        {
            report.push(left_out(&refused, &asked, files));
            take_as_given(&mut asked, &refused.address, actual);
        }
    }
    asked
}

/// How many of what is asked for were taken as given because their kind is not held.
pub fn given(asked: &Desired, holds: &dyn Fn(Kind) -> bool) -> impl Fn(&Address) -> bool {
    let given = asked
        .objects
        .iter()
        .filter(|(_, declared)| declared.intent == Intent::External && !holds(declared.kind));
    let given: std::collections::BTreeSet<Address> = given.map(|(address, _)| address.clone()).collect();
    move |address| given.contains(address)
}

/// What was read before it was known what is declared stands under the name that it is declared under.
fn adopt(found: &[Found], actual: &mut State) {
    for rule in found.iter().filter(|rule| rule.hand == Hand::Foreign) {
        let read_as = Address::metric(rule.key().1);
        if rule.address != read_as && rule.address.collection == Collection::Metrics {
            actual.remove(&read_as);
            actual.entry(rule.address.clone()).or_insert_with(|| rule.resource().clone());
        }
    }
}

/// Where rules carry no definitions, one that asks what would be rendered now is what it is rendered from; of any other one only that its
/// expression is another one is known.
fn take_texts(wanted: &BTreeMap<Address, Wanted>, found: &[Found], actual: &mut State) {
    for rule in found.iter().filter(|rule| rule.hand == Hand::Foreign) {
        let Some(Wanted { rule: rendered, resource, .. }) = wanted.get(&rule.address) else { continue };
        let same = Normal::of(rendered).judged == rule.normal.judged;
        let known = if same { Some(resource.clone()) } else { rule.beside(resource) };
        actual.extend(known.map(|known| (rule.address.clone(), known)));
    }
}

fn is_off(resource: &Resource) -> bool {
    resource
        .as_alert()
        .is_some_and(|alert| !alert.is_active() || alert.conditions.value().is_some_and(Vec::is_empty))
}

/// There is no rule for what is switched off.
fn switch_off(asked: &mut Desired, address: &Address, declared: &Declared, actual: &State) {
    let off = Declared { intent: Intent::Absent, renamed_from: None, ..declared.clone() };
    let old = declared.renamed_from.as_ref().map(|old| address.renamed(old));
    if let Some(old) = old.filter(|old| actual.contains_key(old) && !asked.objects.contains_key(old)) {
        asked.objects.insert(old, off.clone());
    }
    asked.objects.insert(address.clone(), off);
}

fn take_as_given(asked: &mut Desired, address: &Address, actual: &mut State) {
    let Some(declared) = asked.objects.get_mut(address) else { return };
    (declared.intent, declared.renamed_from) = (Intent::External, None);
    actual.entry(address.clone()).or_insert_with(|| declared.resource.clone());
}

/// Metrics that are used come from somewhere else: a ruler does not know which there are.
fn take_metrics_as_given(asked: &mut Desired, actual: &mut State) {
    for (metric, users) in undeclared(Collection::Metrics, asked) {
        let user = users.first().and_then(|(user, _)| asked.objects.get(user));
        let Some(origin) = user.map(|user| user.origin.clone()) else { continue };
        if actual.contains_key(&metric) {
            continue;
        }
        let resource = Resource::Metric(Metric::default());
        actual.insert(metric.clone(), resource.clone());
        let given = Declared {
            kind: Kind::Metric,
            resource,
            intent: Intent::External,
            protect: false,
            renamed_from: None,
            origin,
            secrets: BTreeMap::new(),
        };
        asked.objects.insert(metric, given);
    }
}

fn not_held(left: &BTreeMap<Kind, usize>, holds: &dyn Fn(Kind) -> bool) -> Diagnostic {
    let one = |(kind, count): (&Kind, &usize)| match kind {
        Kind::Metric => format!("the attributes of {}", counted(*count, "metric")),
        Kind::Annotation => counted(*count, "annotation stream"),
        kind => counted(*count, kind.noun()),
    };
    let left = left.iter().map(one).collect::<Vec<_>>().join(", ");
    let kinds: Vec<&str> = Kind::ALL.into_iter().filter(|kind| holds(*kind)).map(Kind::section).collect();
    let message = format!("not on this target, which holds {}: {left}", kinds.join(", "));
    Diagnostic::note(Code::NotOnTarget, message)
}

fn without_receiver(refused: &Refused, asked: &Desired, files: &Files) -> Diagnostic {
    let why = refused.reasons.first().map_or_else(String::new, |reason| reason.text.clone());
    let found = Diagnostic::error(Code::NoReceiver, format!("service \"{}\": {why}", refused.address));
    let found = found.help("name a receiver that the configuration of Alertmanager has");
    match asked.objects.get(&refused.address) {
        Some(declared) => found.at(declared.origin.place(files, &Route::root(), Part::Key), "declared here"),
        None => found,
    }
}

fn left_out(refused: &Refused, asked: &Desired, files: &Files) -> Diagnostic {
    let Refused { address, reasons, .. } = refused;
    let message = format!("{} \"{address}\" is not written to this target", refused.kind);
    let mut found = Diagnostic::warning(Code::NotRendered, message);
    if let Some(declared) = asked.objects.get(address) {
        let why = reasons.first().map_or_else(String::new, |reason| reason.text.clone());
        found = found.at(declared.origin.place(files, &Route::root(), Part::Key), why);
    }
    for help in reasons.iter().filter_map(|reason| reason.help.clone()) {
        found = found.help(help);
    }
    found
}

//! The rules that objects become, each with its definition, and the groups they belong into by name. Knows nothing of what stands on the
//! ruler but which names it has.

use std::collections::BTreeMap;

use serde_json::Value;

use super::normal::Normal;
use super::receivers;
use crate::diag::Files;
use crate::diff::{Comparison, undeclared};
use crate::model::{Address, Collection, Declared, Desired, Intent, Kind, Resource, State};
use crate::prometheus::{self, DEFINITION, Definition, Question, ReportedReason, Settings, Tests};

/// A rule as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub group: String,
    /// As it is sent.
    pub rule: Value,
    /// What it is made of.
    pub resource: Resource,
}

/// What is not rendered, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Which object.
    pub address: Address,
    pub kind: Kind,
    pub reasons: Vec<ReportedReason>,
}

/// All that was rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    /// Rules by object.
    pub rules: BTreeMap<Address, Wanted>,
    /// What is not rendered.
    pub refused: Vec<Refused>,
    /// The routes of alerts, to the receivers of this owner.
    pub routes: BTreeMap<Address, Vec<Value>>,
    /// The receivers of services.
    pub receivers: BTreeMap<Address, Template>,
    /// What to ask of the past of alerts.
    pub questions: Vec<Question>,
}

/// A receiver with stand-ins for its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// As it stands in the list.
    pub value: Value,
    /// What it is made of.
    pub definition: String,
    /// The service as it will be.
    pub service: Resource,
}

/// Renders alerts and composites as they will be: what is not written stays as the rule that is there defines it.
pub fn rendered(asked: &Desired, actual: &State, files: &Files, settings: &Settings) -> Rendered {
    let whole = as_they_will_be(asked, actual);
    let rendering = prometheus::render(&whole, files, settings, Tests::None);
    let mut texts: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
    for (group, rules) in &rendering.groups {
        let named = |rule| (super::found::key(rule).1, rule);
        texts.extend(rules.iter().map(named).map(|(name, rule)| ((group.as_str(), name), rule)));
    }
    let mut done = Rendered { questions: rendering.questions, ..Rendered::default() };
    for object in rendering.report.objects {
        let Some(kind) = Kind::parse(&object.kind) else { continue };
        let address = match kind {
            Kind::Alert => Address::new(Collection::Alerts, &object.name),
            Kind::Composite => Address::metric(&object.name),
            Kind::Service => Address::service(&object.name),
            _ => continue,
        };
        if object.fidelity == "refused" {
            done.refused.push(Refused { address, kind, reasons: object.reasons });
            continue;
        }
        let Some(declared) = whole.objects.get(&address) else { continue };
        if let Some(value) = rendering.receivers.get(&object.name).filter(|_| kind == Kind::Service) {
            let value = value.clone();
            let definition = receivers::definition(&object.name, &declared.resource, &value);
            done.receivers
                .insert(address, Template { value, definition, service: declared.resource.clone() });
            continue;
        }
        if let Some(routes) = rendering.routes.get(&object.name).filter(|_| kind == Kind::Alert) {
            done.routes.insert(address.clone(), routes.clone());
        }
        let place =
            object.output.as_ref().and_then(|output| Some((output.group.as_deref()?, output.rule.as_str())));
        let Some((place, rule)) = place.and_then(|place| Some((place, *texts.get(&place)?))) else {
            continue;
        };
        let old = declared.renamed_from.clone().filter(|old| actual.contains_key(&address.renamed(old)));
        let resource = declared.resource.clone();
        let rule = match settings.definition {
            true => with_definition(rule.clone(), &object.name, &resource, old),
            false => rule.clone(),
        };
        done.rules.insert(address, Wanted { group: place.0.to_owned(), rule, resource });
    }
    done
}

/// The objects with what is there laid under what is written.
fn as_they_will_be(asked: &Desired, actual: &State) -> Desired {
    let mut whole = asked.clone();
    let types = |name: &str| {
        asked.metric_type(name).or_else(|| actual.get(&Address::metric(name)).and_then(Resource::metric_type))
    };
    for (address, declared) in &mut whole.objects {
        let may_be_held = matches!(declared.kind, Kind::Alert | Kind::Composite | Kind::Service);
        if !may_be_held {
            // What stands beside the rules is as it is written, but for metrics of which nothing is known.
            let known = !declared.resource.fields().is_empty();
            declared.intent = if known { Intent::Present } else { declared.intent };
            continue;
        }
        let old = declared.renamed_from.as_ref().map(|old| address.renamed(old));
        let have =
            actual.get(address).or_else(|| actual.get(&old?)).filter(|have| have.kind() == declared.kind);
        declared.resource = match (declared.intent, have) {
            (Intent::Present, Some(have)) => Comparison::of(&declared.resource, have, &types).overlay(),
            (Intent::Present, None) => declared.resource.with_defaults(),
            // One that someone else keeps here is read as it is.
            (Intent::External, Some(have)) => {
                declared.intent = Intent::Present;
                have.clone()
            }
            _ => continue,
        };
    }
    // Composites of the namespace that no one declares are read as recorded, too.
    for (metric, users) in undeclared(Collection::Metrics, asked) {
        let origin = users.first().and_then(|(user, _)| Some(asked.objects.get(user)?.origin.clone()));
        if let (Some(resource @ Resource::Composite(_)), Some(origin)) = (actual.get(&metric), origin) {
            let declared = Declared {
                kind: Kind::Composite,
                resource: resource.clone(),
                intent: Intent::Present,
                protect: false,
                renamed_from: None,
                origin,
                secrets: BTreeMap::new(),
            };
            whole.objects.insert(metric, declared);
        }
    }
    whole
}

fn with_definition(mut rule: Value, name: &str, resource: &Resource, renamed_from: Option<String>) -> Value {
    let rendered = Normal::of(&rule).digest();
    let definition = Definition { name: name.to_owned(), resource: resource.clone(), rendered, renamed_from };
    match rule["expr"].as_str().filter(|_| rule.get("record").is_some()) {
        Some(expr) => rule["expr"] = definition.before(expr).into(),
        None => rule["annotations"][DEFINITION] = definition.text().into(),
    }
    rule
}

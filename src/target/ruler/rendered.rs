//! The rules that objects become, each with its definition, and the groups they belong into: by name, and cut where a ruler takes no more
//! rules in one group. Knows nothing of what stands on the ruler but which names it has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::normal::Normal;
use super::receivers;
use super::subtree::receiver_of;
use crate::diag::Files;
use crate::diff::{Comparison, undeclared};
use crate::model::{Address, Collection, Declared, Desired, Intent, Kind, Resource, State};
use crate::pattern::fold;
use crate::prometheus::{self, DEFINITION, Definition, ReportedReason, Settings, Tests};

/// How many rules a group may have; more are refused by a Mimir as it comes.
pub const MOST_RULES: usize = 20;

/// A rule as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub group: String,
    /// As it is sent.
    pub rule: Value,
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
    let mut done = Rendered::default();
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
            let mut value = value.clone();
            value["name"] = receiver_of(&settings.owner, &object.name).into();
            let definition = receivers::definition(&object.name, &declared.resource, &value);
            done.receivers
                .insert(address, Template { value, definition, service: declared.resource.clone() });
            continue;
        }
        if let Some(routes) = rendering.routes.get(&object.name).filter(|_| kind == Kind::Alert) {
            let ours = routes.iter().map(|route| to_own_receiver(route, settings));
            done.routes.insert(address.clone(), ours.collect());
        }
        let place =
            object.output.as_ref().and_then(|output| Some((output.group.as_deref()?, output.rule.as_str())));
        let Some((place, rule)) = place.and_then(|place| Some((place, *texts.get(&place)?))) else {
            continue;
        };
        let old = declared.renamed_from.clone().filter(|old| actual.contains_key(&address.renamed(old)));
        let rule = with_definition(rule.clone(), &object.name, &declared.resource, old);
        done.rules.insert(address, Wanted { group: place.0.to_owned(), rule });
    }
    done
}

/// A route to the receiver as this owner has it; several owners share one configuration.
fn to_own_receiver(route: &Value, settings: &Settings) -> Value {
    let mut route = route.clone();
    if let Some(title) = route["receiver"].as_str().and_then(|name| name.strip_prefix("librato/")) {
        route["receiver"] = receiver_of(&settings.owner, title).into();
    }
    route
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

/// Cuts groups that would have more rules than a ruler takes: by the next part of the names, then by their order. `others` tells how many
/// rules that are no one's here stand in a group. Composites stay with the alerts that read them.
pub fn cut(rules: &mut BTreeMap<Address, Wanted>, asked: &Desired, others: &dyn Fn(&str) -> usize) {
    let mut groups: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for (address, wanted) in rules.iter() {
        groups.entry(wanted.group.clone()).or_default().push(address.clone());
    }
    for (group, members) in groups {
        if members.len() + others(&group) <= MOST_RULES {
            continue;
        }
        let mut parts: BTreeMap<String, Vec<Vec<Address>>> = BTreeMap::new();
        let common = common_parts(&members);
        for unit in units(&members, asked) {
            let next = unit.first().and_then(|address| address.name.split('.').nth(common)).unwrap_or("rest");
            let next: String =
                next.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
            parts.entry(format!("{group}.{next}")).or_default().push(unit);
        }
        // Where nearly every name has a part of its own, that would make a group of each rule.
        if parts.len() * 2 > members.len() {
            by_order(rules, &group, &units(&members, asked), others);
            continue;
        }
        for (part, units) in parts {
            let all: usize = units.iter().map(Vec::len).sum();
            if all + others(&part) <= MOST_RULES {
                units.iter().flatten().for_each(|address| into(rules, address, &part));
            } else {
                by_order(rules, &part, &units, others);
            }
        }
    }
}

fn into(rules: &mut BTreeMap<Address, Wanted>, address: &Address, group: &str) {
    if let Some(wanted) = rules.get_mut(address) {
        group.clone_into(&mut wanted.group);
    }
}

fn by_order(
    rules: &mut BTreeMap<Address, Wanted>,
    part: &str,
    units: &[Vec<Address>],
    others: &dyn Fn(&str) -> usize,
) {
    let name = |number: usize| format!("{part}.{number}");
    let (mut number, mut filled) = (1, others(&name(1)));
    for unit in units {
        let whole = unit.len() <= MOST_RULES;
        if whole && filled + unit.len() > MOST_RULES {
            number += 1;
            filled = others(&name(number));
        }
        for address in unit {
            while filled >= MOST_RULES {
                number += 1;
                filled = others(&name(number));
            }
            into(rules, address, &name(number));
            filled += 1;
        }
    }
}

/// How many parts all names begin with alike; the last part of a name is its own.
fn common_parts(members: &[Address]) -> usize {
    let split = |address: &Address| -> Vec<String> { address.name.split('.').map(fold).collect() };
    let Some(first) = members.first().map(split) else { return 0 };
    let alike = |parts: &Vec<String>| first.iter().zip(parts).take_while(|(a, b)| a == b).count();
    members.iter().map(split).map(|parts| alike(&parts)).min().unwrap_or_default()
}

/// What has to stay together: composites, and the alerts that read them; in order of names.
fn units(members: &[Address], asked: &Desired) -> Vec<Vec<Address>> {
    let mut units: Vec<BTreeSet<&Address>> = Vec::new();
    for address in members {
        let declared = asked.objects.get(address);
        let reads = declared.map_or_else(Vec::new, |declared| declared.resource.spec().references());
        let mut unit = BTreeSet::from([address]);
        unit.extend(members.iter().filter(|other| reads.iter().any(|read| read.to == **other)));
        let (joined, apart): (Vec<_>, Vec<_>) =
            units.into_iter().partition(|other| !other.is_disjoint(&unit));
        unit.extend(joined.into_iter().flatten());
        units = apart;
        units.push(unit);
    }
    let in_order = |unit: BTreeSet<&Address>| -> Vec<Address> { unit.into_iter().cloned().collect() };
    let mut units: Vec<Vec<Address>> = units.into_iter().map(in_order).collect();
    units.sort_by_key(|unit| unit.iter().map(|address| fold(&address.name)).min());
    units
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cut_groups(names: &[String], others: &dyn Fn(&str) -> usize) -> BTreeMap<String, usize> {
        let wanted = || Wanted { group: "shop".into(), rule: json!({}) };
        let mut rules: BTreeMap<Address, Wanted> =
            names.iter().map(|name| (Address::new(Collection::Alerts, name), wanted())).collect();
        cut(&mut rules, &Desired::default(), others);
        let mut groups = BTreeMap::new();
        rules.values().for_each(|wanted| *groups.entry(wanted.group.clone()).or_insert(0) += 1);
        groups
    }

    #[test]
    fn groups_are_cut_only_where_they_must_be() {
        let names =
            |count: usize, part: &str| (0..count).map(|n| format!("shop.{part}.n{n:02}")).collect::<Vec<_>>();
        let none = |_: &str| 0;
        assert_eq!(cut_groups(&names(20, "web"), &none), BTreeMap::from([("shop".into(), 20)]));
        let both = [names(15, "web"), names(10, "db")].concat();
        let by_part = BTreeMap::from([("shop.db".into(), 10), ("shop.web".into(), 15)]);
        assert_eq!(cut_groups(&both, &none), by_part);
        let many = BTreeMap::from([
            ("shop.web.1".into(), 20),
            ("shop.web.2".into(), 20),
            ("shop.web.3".into(), 5),
            ("shop.db".into(), 2),
        ]);
        assert_eq!(cut_groups(&[names(45, "web"), names(2, "db")].concat(), &none), many);
        let each: Vec<String> = (0..25).map(|n| format!("shop.n{n:02}")).collect();
        assert_eq!(cut_groups(&each, &none), BTreeMap::from([("shop.1".into(), 20), ("shop.2".into(), 5)]));
        let crowded = |group: &str| if group == "shop" { 8 } else { 0 };
        assert_eq!(cut_groups(&both[..20], &crowded).len(), 2, "rules of others count");
    }
}

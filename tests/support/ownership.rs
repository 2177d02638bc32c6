//! Who owns what, worked out a second time: what a run may touch, what must go, what must be refused.
//! Follows the documentation (docs/); uses nothing of how the program decides.

use std::collections::BTreeSet;

use librato_apply::model::{
    Address, Collection, Declared, Field, Intent, Kind, MetricType, Resource, Scopes, Word,
};
use serde_json::Value;

use super::oracle::{Truth, kept};
use super::world::Input;

/// What must become of what is kept.
#[derive(Debug, Default)]
pub struct Expected {
    /// Declared objects that are compared.
    pub in_view: BTreeSet<Address>,
    /// What may be written, by key.
    pub managed: BTreeSet<String>,
    /// What goes, by key.
    pub gone: BTreeSet<String>,
    /// The rules that refuse the run.
    pub refusals: BTreeSet<&'static str>,
    /// Whether it cannot be told here which alert is which by then, and so which services stay in use.
    pub services_unclear: bool,
}

/// Whether a glob of `*`, `?`, `{a,b}` and `[ab]` matches the whole name.
pub fn matches(glob: &str, name: &str, ignore_case: bool) -> bool {
    if ignore_case {
        return matches(&glob.to_lowercase(), &name.to_lowercase(), false);
    }
    let Some(first) = glob.chars().next() else { return name.is_empty() };
    let rest = &glob[first.len_utf8()..];
    let mut letters = name.chars();
    match first {
        '*' => {
            (0..=name.len()).filter(|i| name.is_char_boundary(*i)).any(|i| matches(rest, &name[i..], false))
        }
        '?' => letters.next().is_some() && matches(rest, letters.as_str(), false),
        '[' => {
            let (set, rest) = rest.split_once(']').unwrap();
            letters.next().is_some_and(|letter| set.contains(letter))
                && matches(rest, letters.as_str(), false)
        }
        '{' => {
            let (ways, rest) = rest.split_once('}').unwrap();
            ways.split(',').any(|way| matches(&format!("{way}{rest}"), name, false))
        }
        letter => letters.next() == Some(letter) && matches(rest, letters.as_str(), false),
    }
}

/// Names are known without regard to case; titles and names of spaces are not.
fn ignores_case(kind: Kind) -> bool {
    matches!(kind, Kind::Metric | Kind::Composite | Kind::Annotation | Kind::Alert)
}

fn named(scopes: &Scopes, kind: Kind, name: &str) -> bool {
    scopes.of(kind).iter().any(|glob| matches(glob, name, ignores_case(kind)))
}

fn targeted(input: &Input, kind: Kind, name: &str) -> bool {
    let means = |target: &String| {
        let (of, glob) = target.split_once('/').unwrap();
        Kind::parse(of) == Some(kind) && matches(glob, name, ignores_case(kind))
    };
    input.targets.is_empty() || input.targets.iter().any(means)
}

/// Kind and address of something kept.
pub fn identity(key: &str, object: &Value) -> (Kind, Address) {
    let name = object.get("title").or(object.get("name")).and_then(Value::as_str).unwrap();
    let (kind, collection) = match key.split('/').next().unwrap() {
        "metrics" if object["type"] == "composite" => (Kind::Composite, Collection::Metrics),
        "metrics" => (Kind::Metric, Collection::Metrics),
        "annotations" => (Kind::Annotation, Collection::Annotations),
        "services" => (Kind::Service, Collection::Services),
        "spaces" => (Kind::Space, Collection::Spaces),
        // Without its space: the rules that are generated do not speak of charts.
        "charts" => (Kind::Chart, Collection::Charts),
        _ => (Kind::Alert, Collection::Alerts),
    };
    (kind, Address::new(collection, name))
}

/// What a run must do to `before`.
pub fn expected(before: &Truth, input: &Input) -> Expected {
    let mut expected = Expected { in_view: in_view(before, input), ..Expected::default() };
    let of = |address: &Address| kept(before, address).map(|(key, _)| key.to_owned());
    let mut replaced = BTreeSet::new();
    let mut destroyed_by_wish = Vec::new();
    for address in &expected.in_view {
        let declared = &input.desired.objects[address];
        match declared.intent {
            Intent::External => {}
            Intent::Absent => {
                destroyed_by_wish.extend(of(address).map(|key| (key, declared)));
                expected.gone.extend(of(address));
            }
            Intent::Present => {
                expected.managed.extend(of(address));
                expected.managed.extend(former(address, declared).and_then(|old| of(&old)));
                if let Some((key, _)) = kept(before, address).filter(|(_, kept)| other_type(declared, kept)) {
                    destroyed_by_wish.push((key.to_owned(), declared));
                    replaced.insert(key.to_owned());
                }
            }
        }
    }
    let pruned = pruned(before, input);
    expected.gone.extend(pruned.iter().cloned());
    let lost: BTreeSet<&String> = expected.gone.iter().chain(&replaced).collect();

    let names: BTreeSet<Address> = lost.iter().map(|key| identity(key, &before[*key]).1).collect();
    let limit = input.desired.settings.max_deletes.map_or(usize::MAX, |limit| limit as usize);
    let holds_data =
        |key: &&&String| matches!(identity(key, &before[**key]).0, Kind::Metric | Kind::Annotation);
    let guarded = |(key, declared): &(String, &Declared)| {
        let (kind, address) = identity(key, &before[key]);
        declared.protect || named(&input.desired.settings.protect, kind, &address.name)
    };
    let (used, unclear) = service_in_use(before, input, &expected);
    let duplicates = pruned.iter().filter(|key| {
        let (_, address) = identity(key, &before[*key]);
        before.iter().any(|(other, object)| {
            other != *key
                && key.split('/').next() == other.split('/').next()
                && identity(other, object).1 == address
        })
    });
    let rules = [
        ("too-many-deletes", names.len() > limit),
        ("data-lost", !input.delete_data && lost.iter().any(|key| holds_data(&key))),
        ("protected", destroyed_by_wish.iter().any(guarded)),
        ("service-in-use", used),
        ("ambiguous", duplicates.count() > 0),
    ];
    expected.refusals = rules.into_iter().filter(|(_, broken)| *broken).map(|(code, _)| code).collect();
    expected.services_unclear = unclear;
    expected
}

fn former(address: &Address, declared: &Declared) -> Option<Address> {
    declared.renamed_from.as_ref().map(|old| Address::new(address.collection, old))
}

/// What a target names, with the links of their renames, and what they use that is declared but does not exist.
fn in_view(before: &Truth, input: &Input) -> BTreeSet<Address> {
    let all = &input.desired.objects;
    let mut view: BTreeSet<Address> = all
        .iter()
        .filter(|(address, declared)| targeted(input, declared.kind, &address.name))
        .map(|(address, _)| address.clone())
        .collect();
    loop {
        let mut more = BTreeSet::new();
        for (address, declared) in all {
            if let Some(old) = former(address, declared).filter(|old| all.contains_key(old)) {
                let linked = [address.clone(), old];
                if linked.iter().any(|link| view.contains(link)) {
                    more.extend(linked);
                }
            }
        }
        for address in &view {
            let Resource::Alert(alert) = &all[address].resource else { continue };
            let services = alert.services.value().into_iter().flatten().map(Address::service);
            let metrics = serde_json::to_value(&alert.conditions).unwrap();
            let metrics = metrics.as_array().cloned().unwrap_or_default();
            let metrics = metrics.iter().filter_map(|it| Some(Address::metric(it["metric_name"].as_str()?)));
            let used: Vec<Address> = services.chain(metrics).collect();
            more.extend(used.into_iter().filter(|it| all.contains_key(it) && kept(before, it).is_none()));
        }
        let size = view.len();
        view.extend(more);
        if view.len() == size {
            return view;
        }
    }
}

/// Undeclared, inside prune, and neither ignored nor protected nor left out by a target.
fn pruned(before: &Truth, input: &Input) -> BTreeSet<String> {
    let settings = &input.desired.settings;
    let declared = &input.desired.objects;
    let goes = |(key, object): &(&String, &Value)| {
        let (kind, address) = identity(key, object);
        let name = &address.name;
        let spoken_for = declared.contains_key(&address)
            || declared.iter().any(|(new, declared)| former(new, declared).as_ref() == Some(&address));
        named(&settings.prune, kind, name)
            && !named(&settings.ignore, kind, name)
            && !named(&settings.protect, kind, name)
            && targeted(input, kind, name)
            && !spoken_for
            && *key != "annotations/librato.alerts"
    };
    before.iter().filter(goes).map(|(key, _)| key.clone()).collect()
}

/// Whether a metric is declared as another type than it has, which no service can change.
fn other_type(declared: &Declared, kept: &Value) -> bool {
    let wanted = match &declared.resource {
        Resource::Composite(_) => "composite",
        Resource::Metric(metric) => match metric.metric_type {
            Field::Set(Word::Known(MetricType::Counter)) => "counter",
            Field::Set(Word::Known(MetricType::Gauge)) => "gauge",
            _ => return kept["type"] == "composite",
        },
        _ => return false,
    };
    kept["type"] != wanted
}

/// Whether a service that goes is used by an alert that stays, and whether that can be told here.
fn service_in_use(before: &Truth, input: &Input, expected: &Expected) -> (bool, bool) {
    let (mut used, mut unclear) = (false, false);
    for (key, alert) in before {
        let (kind, address) = identity(key, alert);
        let uses_gone = || {
            let ids = alert["services"].as_array().unwrap().iter();
            ids.map(|id| format!("services/{id}")).any(|service| expected.gone.contains(&service))
        };
        if kind != Kind::Alert || expected.gone.contains(key) || !uses_gone() {
            continue;
        }
        // What is declared uses nothing that goes, if it says at all what it uses.
        let claims: Vec<bool> = expected
            .in_view
            .iter()
            .map(|new| (new, &input.desired.objects[new]))
            .filter(|(new, it)| **new == address || former(new, it).as_ref() == Some(&address))
            .map(|(_, it)| matches!(&it.resource, Resource::Alert(alert) if alert.services.value().is_some()))
            .collect();
        match (claims.contains(&true), claims.contains(&false)) {
            (true, true) => unclear = true,
            (true, false) => {}
            (false, _) => used = true,
        }
    }
    (used, unclear)
}

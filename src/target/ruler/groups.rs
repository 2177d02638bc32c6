//! How many rules a group may have, and what that comes to: groups that would have more are cut, and rules that keep a state do not move
//! unless somebody says so. Knows nothing of what rules say but whether they keep a state.

use std::collections::{BTreeMap, BTreeSet};

use super::found::Found;
use super::rendered::Wanted;
use crate::diag::{Code, Diagnostic, Files, Part, Report, Route};
use crate::model::{Address, Desired};
use crate::pattern::{self, fold};
use crate::prometheus::Settings;

/// How many rules a group may have where that is not told; a Mimir as it comes refuses more.
pub const MOST_RULES: usize = 20;

/// How many rules a group may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub most: usize,
    /// Whether the ruler told it.
    pub told: bool,
}

impl Limit {
    /// As it was told; 0 says that there is none.
    pub fn of(told: Option<u64>) -> Self {
        match told {
            None => Self { most: MOST_RULES, told: false },
            Some(0) => Self { most: usize::MAX, told: true },
            Some(most) => Self { most: usize::try_from(most).unwrap_or(usize::MAX), told: true },
        }
    }
}

/// Whether one of the groups of these names would hold more than is taken where nothing is told.
pub fn is_crowded<'n>(names: impl Iterator<Item = &'n str>, settings: &Settings) -> bool {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in names {
        groups.entry(settings.group_of(name)).or_default().insert(fold(name));
    }
    groups.values().any(|names| names.len() > MOST_RULES)
}

/// A group that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub group: String,
    /// How many rules it would have had.
    pub count: usize,
    /// The groups that its rules are in now.
    pub into: BTreeSet<String>,
}

/// Cuts groups that would have more rules than a ruler takes: by the next part of the names, then by their order. `others` tells how many
/// rules that are no one's here stand in a group. Composites stay with the alerts that read them. Gives what was cut, and into what.
pub fn cut(
    rules: &mut BTreeMap<Address, Wanted>,
    asked: &Desired,
    most: usize,
    others: &dyn Fn(&str) -> usize,
) -> Vec<Cut> {
    let mut done = Vec::new();
    let mut groups: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for (address, wanted) in rules.iter() {
        groups.entry(wanted.group.clone()).or_default().push(address.clone());
    }
    for (group, members) in groups {
        let count = members.len() + others(&group);
        if count <= most {
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
            by_order(rules, &group, &units(&members, asked), most, others);
        } else {
            for (part, units) in parts {
                let all: usize = units.iter().map(Vec::len).sum();
                if all + others(&part) <= most {
                    units.iter().flatten().for_each(|address| into(rules, address, &part));
                } else {
                    by_order(rules, &part, &units, most, others);
                }
            }
        }
        let into = members.iter().filter_map(|address| Some(rules.get(address)?.group.clone())).collect();
        done.push(Cut { group, count, into });
    }
    done
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
    most: usize,
    others: &dyn Fn(&str) -> usize,
) {
    let name = |number: usize| format!("{part}.{number}");
    let (mut number, mut filled) = (1, others(&name(1)));
    for unit in units {
        let whole = unit.len() <= most;
        if whole && filled + unit.len() > most {
            number += 1;
            filled = others(&name(number));
        }
        for address in unit {
            while filled >= most {
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

/// Says what was cut. Where rules keep a state nothing is cut: with the next rule some would move, and begin anew.
pub fn note_cuts(cuts: &[Cut], limit: Limit, stateful: bool, report: &mut Report) {
    for cut in cuts {
        let Cut { group, count, into } = cut;
        let most = match limit {
            Limit { most, told: true } => format!("the {most} that this ruler takes"),
            Limit { most, told: false } => {
                format!("the {most} that a Mimir as it comes takes (this ruler does not tell its limit)")
            }
        };
        let whole = format!("group \"{group}\" would have {count} rules, more than {most}");
        if stateful {
            let message = format!("{whole}; it is not cut, since rules with `for:` that move begin anew");
            let found = Diagnostic::error(Code::GroupCut, message);
            report.push(found.help(
                "say which rules belong together: `groups: [{ match: …, group: … }]` in settings.prometheus",
            ));
            continue;
        }
        let names: Vec<&str> = into.iter().map(String::as_str).collect();
        let message = format!("{whole}: it is cut into {}", names.join(", "));
        report.push(Diagnostic::note(Code::GroupCut, message));
    }
}

/// Refuses that rules with `for:` move to another group, where they would begin anew, unless the settings name the group they move to.
pub fn refuse_moves(
    wanted: &BTreeMap<Address, Wanted>,
    found: &[Found],
    settings: &Settings,
    (desired, files): (&Desired, &Files),
    report: &mut Report,
) {
    for (address, rule) in wanted.iter().filter(|(_, it)| it.rule.get("for").is_some()) {
        let places = || found.iter().filter(|it| it.address == *address);
        let Some(old) = places().next().filter(|_| places().all(|it| it.group != rule.group)) else {
            continue;
        };
        let groups = settings.written.groups.iter().flatten();
        let is_named = groups.into_iter().any(|named| pattern::matches(&named.glob, &address.name));
        let (from, to) = (&old.group, &rule.group);
        let message = format!("alert \"{address}\" moves from group \"{from}\" to \"{to}\"");
        let mut diagnostic = if is_named {
            let message =
                format!("{message}, where its `for:` begins anew, as settings.prometheus.groups says");
            Diagnostic::warning(Code::StateLost, message)
        } else {
            let message = format!("{message}, where its `for:` would begin anew");
            let help = format!(
                "`groups: [{{ match: {address}, group: {from} }}]` in settings.prometheus keeps it where it is; with `group: {to}` it moves"
            );
            Diagnostic::error(Code::StateLost, message).help(help)
        };
        if let Some(declared) = desired.objects.get(address) {
            let place = declared.origin.place(files, &Route::root(), Part::Key);
            diagnostic = diagnostic.at(place, "declared here");
        }
        report.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Collection, Metric, Resource};

    fn cut_groups(names: &[String], others: &dyn Fn(&str) -> usize) -> BTreeMap<String, usize> {
        let resource = Resource::Metric(Metric::default());
        let wanted = || Wanted { group: "shop".into(), rule: json!({}), resource: resource.clone() };
        let mut rules: BTreeMap<Address, Wanted> =
            names.iter().map(|name| (Address::new(Collection::Alerts, name), wanted())).collect();
        let done = cut(&mut rules, &Desired::default(), MOST_RULES, others);
        let mut groups = BTreeMap::new();
        rules.values().for_each(|wanted| *groups.entry(wanted.group.clone()).or_insert(0) += 1);
        let into: BTreeSet<String> = done.into_iter().flat_map(|cut| cut.into).collect();
        assert!(into.is_empty() || into.iter().eq(groups.keys()), "{into:?}");
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

//! What definitions do not say of rules: the group, labels, and texts that are not as they would be rendered now. Adds that to a
//! difference, says whose hand it was, and gathers what is written group by group. Reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::asked::given;
use super::found::{Found, Hand, left_behind, name_of};
use super::groups::{Limit, cut, note_cuts, refuse_moves};
use super::normal::{Normal, definition_text, digest_of_group, milliseconds};
use super::rendered::{Wanted, rendered};
use super::routed::Routes;
use super::subtree::Subtree;
use super::writing::{Gone, GroupWriting, RoutesWriting, find};
use crate::diag::{Code, Diagnostic, Part, Report, Route};
use crate::diff::{Action, Change, Diff, FieldChange, Origins};
use crate::model::{Address, Collection, Desired, Intent, Kind, PrometheusDurations, Resource};
use crate::prometheus::Settings;
use crate::remote::ruler::Group;
use crate::target::Compared;

/// What is compared with.
pub struct Rules<'a> {
    pub settings: &'a Settings,
    pub groups: &'a [Group],
    pub found: &'a [Found],
    pub holds: &'a dyn Fn(Kind) -> bool,
    /// How many rules a group may have.
    pub limit: Limit,
    /// As a duration.
    pub interval: String,
    /// Our part of the configuration of Alertmanager, where it is ours.
    pub subtree: Option<&'a Subtree>,
}

/// Completes the difference; gives what is written, by group, and to the configuration of Alertmanager.
pub fn complete(
    rules: &Rules<'_>,
    compared: &Compared<'_>,
    diff: &mut Diff,
    report: &mut Report,
) -> (Vec<GroupWriting>, Option<RoutesWriting>) {
    let desired = compared.desired;
    let mut all = rendered(desired, &compared.actual.state, compared.files, rules.settings);
    let mut wanted = std::mem::take(&mut all.rules);
    let named = &rules.settings.receivers;
    let routes = rules.subtree.map(|found| Routes { found, rendered: &all, named });
    wanted.retain(|address, _| is_wanted(desired, address));
    let goes: BTreeSet<Address> =
        diff.changes.iter().filter(|it| it.action.after().is_none()).map(|it| it.address.clone()).collect();
    let old = |change: &Change| renamed_from(change).cloned();
    let mut renamed: BTreeSet<Address> = diff.changes.iter().filter_map(old).collect();
    let left: BTreeMap<Address, Address> = desired
        .objects
        .iter()
        .filter_map(|(address, declared)| {
            Some((address.clone(), left_behind(rules.found, address, declared)?))
        })
        .collect();
    renamed.extend(left.values().cloned());
    let others = |group: &str| {
        let stays = |it: &&Found| {
            !wanted.contains_key(&it.address) && !goes.contains(&it.address) && !renamed.contains(&it.address)
        };
        rules.found.iter().filter(|it| it.group == group).filter(stays).count()
    };
    let counts: BTreeMap<String, usize> =
        rules.groups.iter().map(|group| (name_of(group).to_owned(), others(name_of(group)))).collect();
    let others = |group: &str| counts.get(group).copied().unwrap_or_default();
    let cuts = cut(&mut wanted, desired, rules.limit.most, &others);
    let stateful = rules.settings.durations == PrometheusDurations::For;
    note_cuts(&cuts, rules.limit, stateful, report);
    refuse_moves(&wanted, rules.found, rules.settings, (desired, compared.files), report);

    let mut gathered = Gathered { rules, groups: BTreeMap::new() };
    for change in &mut diff.changes {
        let places = rules.places(renamed_from(change).unwrap_or(&change.address));
        if let (Some(wanted), Action::Update { fields, .. }) =
            (wanted.get(&change.address), &mut change.action)
        {
            if let Some(place) = rules.by_text(&places) {
                *fields = differences(&place.normal, &Normal::of(&wanted.rule));
            }
            fields.extend(rules.moved(&places, wanted));
        }
        if change.action.after().is_some() && rules.by_text(&places).is_none() {
            note_hand(&places, change.kind, &change.address, compared, report);
        }
        if change.address.collection != Collection::Services {
            gathered.change(change, &wanted);
            if let (Some(old), Some(wanted)) = (left.get(&change.address), wanted.get(&change.address)) {
                gathered.gone(old, &change.address, Some(&wanted.group), None);
            }
        }
    }
    let changed: BTreeSet<Address> = diff.changes.iter().map(|change| change.address.clone()).collect();
    for (address, wanted) in
        wanted.iter().filter(|(it, _)| !changed.contains(*it) && compared.view.includes(it))
    {
        let routed = routes.as_ref().and_then(|routes| routes.drifted(address));
        let name = |old: &Address| {
            field("name", Some(json!(format!("{old}, {address}"))), Some(json!(address.name)))
        };
        let more = routed.into_iter().chain(left.get(address).map(name));
        let Some(change) = rules.drifted(address, wanted, more, compared) else { continue };
        let places = rules.places(address);
        if rules.by_text(&places).is_none() {
            note_hand(&places, change.kind, address, compared, report);
        }
        gathered.put(address, wanted);
        if let Some(old) = left.get(address) {
            gathered.gone(old, address, Some(&wanted.group), None);
        }
        diff.unchanged = diff.unchanged.saturating_sub(1);
        diff.changes.push(change);
    }
    if let Some(routes) = &routes {
        let services = all.receivers.keys().filter(|it| is_wanted(desired, it) && compared.view.includes(it));
        for address in services.filter(|it| !changed.contains(*it)) {
            let Some(field) = routes.drifted_receiver(address) else { continue };
            let Some(before) = compared.actual.state.get(address).cloned() else { continue };
            let after = all.receivers[address].service.clone();
            diff.unchanged = diff.unchanged.saturating_sub(1);
            diff.changes.push(update(address, before, after, vec![field]));
        }
    }
    diff.changes.sort_by(|a, b| (a.kind, &a.address).cmp(&(b.kind, &b.address)));
    let given = given(desired, rules.holds);
    let uncounted = desired.objects.keys().filter(|it| compared.view.includes(it) && given(it)).count();
    diff.unchanged = diff.unchanged.saturating_sub(uncounted);
    let routed = routes.and_then(|routes| routes.writing(&diff.changes));
    (gathered.groups.into_values().collect(), routed)
}

fn update(address: &Address, before: Resource, after: Resource, fields: Vec<FieldChange>) -> Change {
    let kind = before.kind();
    let action = Action::Update { before, after, fields, renamed_from: None, origins: Origins::default() };
    Change { address: address.clone(), kind, action }
}

fn is_wanted(desired: &Desired, address: &Address) -> bool {
    desired.objects.get(address).is_some_and(|declared| declared.intent == Intent::Present)
}

fn renamed_from(change: &Change) -> Option<&Address> {
    match &change.action {
        Action::Update { renamed_from, .. } => renamed_from.as_ref(),
        _ => None,
    }
}

impl Rules<'_> {
    fn places(&self, address: &Address) -> Vec<&Found> {
        self.found.iter().filter(|it| it.address == *address).collect()
    }

    /// The rule that an object is known by, where rules carry no definitions: then all there is to compare is its text.
    fn by_text<'f>(&self, places: &[&'f Found]) -> Option<&'f Found> {
        let foreign = places.iter().all(|place| place.hand == Hand::Foreign);
        places.first().copied().filter(|_| foreign && !self.settings.definition)
    }

    /// The change of the group, where there is one.
    fn moved(&self, places: &[&Found], wanted: &Wanted) -> Option<FieldChange> {
        let mut groups: Vec<&str> = places.iter().map(|it| it.group.as_str()).collect();
        groups.sort_unstable();
        let is_there = groups.as_slice() == [wanted.group.as_str()];
        (!is_there).then(|| field("group", Some(groups.join(", ").into()), Some(json!(wanted.group))))
    }

    /// A change that definitions know nothing of.
    fn drifted(
        &self,
        address: &Address,
        wanted: &Wanted,
        more: impl Iterator<Item = FieldChange>,
        compared: &Compared<'_>,
    ) -> Option<Change> {
        let places = self.places(address);
        let before = compared.actual.state.get(address)?.clone();
        let mut fields: Vec<FieldChange> = self.moved(&places, wanted).into_iter().collect();
        let place = places.iter().find(|it| it.group == wanted.group).or(places.first())?;
        fields.extend(differences(&place.normal, &Normal::of(&wanted.rule)));
        let group = find(self.groups, &wanted.group);
        let interval = group.map(|group| group.get("interval").and_then(Value::as_str).unwrap_or_default());
        if interval.is_some_and(|interval| milliseconds(interval) != milliseconds(&self.interval)) {
            fields.push(field("interval", interval.map(Value::from), Some(json!(self.interval))));
        }
        if !self.settings.definition && definition_text(&place.rule).is_some() {
            fields.push(field("definition", Some(json!("carried along")), None));
        }
        fields.extend(more);
        let after = before.clone();
        (!fields.is_empty()).then(|| update(address, before, after, fields))
    }
}

fn differences(have: &Normal, want: &Normal) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    for (have, want) in [(&have.judged, &want.judged), (&have.dressed, &want.dressed)] {
        let keys: BTreeSet<&String> = have.keys().chain(want.keys()).collect();
        let changed = keys.into_iter().filter(|key| have.get(*key) != want.get(*key));
        fields.extend(changed.map(|key| field(key, have.get(key).cloned(), want.get(key).cloned())));
    }
    fields
}

fn field(key: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    let route = key.splitn(2, '.').fold(Route::root().key("rule"), |route, part| route.key(part));
    FieldChange { route, before, after, sensitive: false }
}

/// Says of a rule that is written over whose hand it shows.
fn note_hand(places: &[&Found], kind: Kind, address: &Address, compared: &Compared<'_>, report: &mut Report) {
    let edited = places.iter().any(|it| matches!(it.hand, Hand::Judged | Hand::Dressed));
    let foreign = places.iter().any(|it| it.hand == Hand::Foreign);
    let what = match (edited, foreign) {
        (true, _) => "was edited by hand on the ruler since it was written",
        (false, true) => "was made by hand, or by another tool: it carries no definition",
        (false, false) => return,
    };
    let message = format!("the rule of {kind} \"{address}\" {what}; it is written over");
    let mut found = Diagnostic::warning(Code::EditedByHand, message);
    if let Some(declared) = compared.desired.objects.get(address) {
        found = found.at(declared.origin.place(compared.files, &Route::root(), Part::Key), "declared here");
    }
    report.push(found.help("take over into the files what is to stay"));
}

/// What is written, while it is gathered.
struct Gathered<'a> {
    rules: &'a Rules<'a>,
    groups: BTreeMap<String, GroupWriting>,
}

impl Gathered<'_> {
    fn group(&mut self, name: &str, object: &Address) -> &mut GroupWriting {
        let rules = self.rules;
        let group = self.groups.entry(name.to_owned()).or_insert_with(|| GroupWriting {
            name: name.to_owned(),
            seen: find(rules.groups, name).map(digest_of_group),
            interval: rules.interval.clone(),
            ..GroupWriting::default()
        });
        group.objects.insert(object.clone());
        group
    }

    fn change(&mut self, change: &Change, wanted: &BTreeMap<Address, Wanted>) {
        match wanted.get(&change.address).filter(|_| change.action.after().is_some()) {
            Some(rule) => {
                self.put(&change.address, rule);
                if let Some(old) = renamed_from(change) {
                    self.gone(old, &change.address, Some(&rule.group), wanted.get(old));
                }
            }
            None => self.gone(&change.address, &change.address, None, None),
        }
    }

    fn put(&mut self, address: &Address, wanted: &Wanted) {
        self.group(&wanted.group, address).put.push(wanted.rule.clone());
        self.gone(address, address, Some(&wanted.group), Some(wanted));
    }

    /// An object goes from where it stands, but for where it is put.
    fn gone(&mut self, old: &Address, object: &Address, moved_to: Option<&str>, kept: Option<&Wanted>) {
        for place in self.rules.places(old) {
            let (kind, name) = place.key();
            let stays = kept.is_some_and(|kept| {
                kept.group == place.group && super::found::key(&kept.rule) == (kind, name)
            });
            if stays {
                continue;
            }
            let moved_to = moved_to.filter(|group| *group != place.group).map(str::to_owned);
            let gone =
                Gone { kind: kind.to_owned(), name: name.to_owned(), object: object.clone(), moved_to };
            let (group, found) = (place.group.clone(), gone);
            let group = self.group(&group, object);
            if !group.gone.contains(&found) {
                group.gone.push(found);
            }
        }
    }
}

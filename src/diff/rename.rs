//! Which objects are really to be renamed: `renamed_from` against what exists.
//! Handles chains (a to b, b to c) and circles (two names swapped), also when an earlier run stopped half way; and
//! services that a run recreated under another title, because the API would not change their type, and left like that.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::fields::{self, FieldChange};
use crate::diag::Seg;
use crate::model::{Address, Desired, Intent, State};

/// How the title of a replacement ends; see [`replacement`].
const RETYPED: &str = ".librato-apply-retyping";

/// What a `renamed_from` comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rename {
    /// The object of this name becomes the declared one.
    From(Address),
    /// Only the new name exists: the line has done its work.
    Done,
    /// Both exist and neither gives way.
    Both(Address),
    /// Neither exists.
    Neither,
}

/// The name an object has while a circle of renames is under way; it tells which name it is to get.
pub fn temporary(target: &Address) -> Address {
    target.renamed(format!("{}.librato-apply-renaming", target.name))
}

/// The title under which a service is recreated where the API does not change its type; it tells which one it replaces.
pub fn replacement(service: &Address) -> Address {
    service.renamed(format!("{}{RETYPED}", service.name))
}

/// Whether this is the title of a service that was made to replace another one.
pub fn is_replacement(address: &Address) -> bool {
    address.collection.recreates() && address.name.ends_with(RETYPED)
}

/// Whether the type of a service is among what changes.
pub fn retypes(fields: &[FieldChange]) -> bool {
    fields.iter().any(|change| matches!(change.route.segs(), [Seg::Key(field)] if field == "type"))
}

/// A service and the one an interrupted run made to replace it: both exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover<'a> {
    /// The declared service.
    pub service: &'a Address,
    /// What was to replace it.
    pub replacement: Address,
    /// Whether another type than that of the old one is still asked for; if not, the replacement is a leftover.
    pub wanted: bool,
}

/// Where a service was being recreated and its predecessor is still there.
pub fn handovers<'a>(
    desired: &'a Desired,
    actual: &State,
    renames: &BTreeMap<Address, Rename>,
) -> Vec<Handover<'a>> {
    let ours = desired
        .objects
        .iter()
        .filter(|(address, declared)| address.collection.recreates() && declared.intent != Intent::External);
    let found = ours.filter_map(|(service, declared)| {
        let replacement = replacement(service);
        let current = match renames.get(service) {
            Some(Rename::From(old)) => old,
            _ => service,
        };
        if *current == replacement || desired.objects.contains_key(&replacement) {
            return None;
        }
        actual.get(&replacement)?;
        let wanted = declared.intent == Intent::Present
            && actual
                .get(current)
                .is_some_and(|have| retypes(&fields::changes(&declared.resource, have, &declared.secrets)));
        Some(Handover { service, replacement, wanted })
    });
    found.collect()
}

/// Decides for every declared with a former name, and for every service of which only the replacement is left.
///
/// `distance` counts the fields in which a declared object differs from an existing one. Whether a circle was turned
/// already its names cannot tell, so it is turned only where its members then fit what is written better than now: an
/// edit of one that was turned does not turn it back.
pub fn decide(
    desired: &Desired,
    actual: &State,
    distance: impl Fn(&Address, &Address) -> usize,
) -> BTreeMap<Address, Rename> {
    let declarations: BTreeMap<&Address, Address> = desired
        .objects
        .iter()
        .filter(|(_, declared)| declared.intent == Intent::Present)
        .filter_map(|(address, declared)| Some((address, address.renamed(declared.renamed_from.as_ref()?))))
        // In names that only differ in case there is no former one to look for.
        .filter(|(address, old)| *address != old)
        .collect();
    let source = |new: &Address, old: &Address| {
        let parked = temporary(new);
        if actual.contains_key(&parked) { parked } else { old.clone() }
    };
    let mut pending: BTreeSet<&Address> = declarations
        .iter()
        .filter(|(new, old)| actual.contains_key(&source(new, old)))
        .map(|(new, _)| *new)
        .collect();
    for circle in circles(&declarations) {
        let whole =
            circle.iter().all(|new| actual.contains_key(new) && !actual.contains_key(&temporary(new)));
        let as_it_is: usize = circle.iter().map(|new| distance(new, new)).sum();
        let turned: usize = circle.iter().map(|new| distance(new, &declarations[new])).sum();
        if whole && turned >= as_it_is {
            circle.iter().for_each(|new| _ = pending.remove(new));
        }
    }
    // What stays blocks what wants its name, and takes it from what wants to be renamed from it; until nothing changes.
    loop {
        let leaves =
            |name: &Address| declarations.iter().any(|(new, old)| old == name && pending.contains(new));
        let blocked = |new: &Address| {
            let source = source(new, &declarations[new]);
            let taken = actual.contains_key(new) && !leaves(new);
            let stays = declarations.contains_key(&source) && !pending.contains(&source);
            taken || stays
        };
        let before = pending.len();
        let still: BTreeSet<&Address> = pending.iter().copied().filter(|new| !blocked(new)).collect();
        pending = still;
        if pending.len() == before {
            break;
        }
    }
    let outcome = |new: &Address, old: &Address| {
        let source = source(new, old);
        let old_exists = actual.contains_key(&source) && !desired.objects.contains_key(&source);
        if pending.contains(new) {
            Rename::From(source)
        } else if actual.contains_key(new) {
            if old_exists { Rename::Both(source) } else { Rename::Done }
        } else {
            Rename::Neither
        }
    };
    let mut renames: BTreeMap<Address, Rename> =
        declarations.iter().map(|(new, old)| ((*new).clone(), outcome(new, old))).collect();
    for (address, rename) in respelled(desired, actual) {
        if matches!(renames.get(&address), None | Some(Rename::Done)) {
            renames.insert(address, rename);
        }
    }
    for service in unfinished(desired, actual) {
        let rename = renames.entry(service.clone()).or_insert(Rename::Neither);
        if *rename == Rename::Neither {
            *rename = Rename::From(replacement(service));
        }
    }
    renames
}

/// Alerts that exist in another spelling, which makes no difference to the service and can be changed; and what comes of a
/// `renamed_from` that says no more than that.
fn respelled(desired: &Desired, actual: &State) -> impl Iterator<Item = (Address, Rename)> {
    let alerts = desired
        .objects
        .iter()
        .filter(|(address, declared)| address.collection.respells() && declared.intent == Intent::Present);
    alerts.filter_map(|(address, declared)| {
        let rename = match actual.get_key_value(address) {
            Some((there, _)) if there.name != address.name => Rename::From(there.clone()),
            Some(_) if declared.renamed_from.is_some() => Rename::Done,
            _ => return None,
        };
        Some((address.clone(), rename))
    })
}

/// Services of which there is only the one that was made to replace them.
fn unfinished<'a>(desired: &'a Desired, actual: &State) -> impl Iterator<Item = &'a Address> {
    let present = desired
        .objects
        .iter()
        .filter(|(address, declared)| address.collection.recreates() && declared.intent == Intent::Present);
    present.map(|(address, _)| address).filter(|address| {
        let replacement = replacement(address);
        !actual.contains_key(address)
            && actual.contains_key(&replacement)
            && !desired.objects.contains_key(&replacement)
    })
}

/// The remote as it will be read once the renamed services have their titles, and replacements have taken over: alerts
/// keep using the same services, under their new names.
pub fn foresee<'a>(
    desired: &Desired,
    actual: &'a State,
    renames: &BTreeMap<Address, Rename>,
) -> Cow<'a, State> {
    let renamed = renames.iter().filter_map(|(new, rename)| match rename {
        Rename::From(old) if new.collection.recreates() => Some((old.clone(), new.name.clone())),
        _ => None,
    });
    let handovers = handovers(desired, actual, renames);
    let taken_over = handovers.into_iter().filter(|handover| handover.wanted);
    let names: BTreeMap<Address, String> = taken_over
        .map(|handover| (handover.replacement, handover.service.name.clone()))
        .chain(renamed)
        .collect();
    if names.is_empty() {
        return Cow::Borrowed(actual);
    }
    let mut foreseen = actual.clone();
    foreseen.values_mut().for_each(|object| object.follow_renames(&|used| names.get(used).cloned()));
    Cow::Owned(foreseen)
}

/// Names that are each renamed from another one of them.
fn circles<'a>(declarations: &BTreeMap<&'a Address, Address>) -> Vec<Vec<&'a Address>> {
    let mut found: Vec<Vec<&Address>> = Vec::new();
    for start in declarations.keys() {
        let mut path = vec![*start];
        while let Some((next, _)) = declarations.get_key_value(&declarations[path[path.len() - 1]]) {
            if *next == *start {
                if path.iter().min() == Some(start) {
                    found.push(path);
                }
                break;
            }
            if path.contains(next) {
                break;
            }
            path.push(next);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Files, Route};
    use crate::model::{Alert, Collection, Declared, Field, Origin, Resource};

    fn alert(name: &str) -> Address {
        Address::new(Collection::Alerts, name)
    }

    fn file() -> FileId {
        Files::default().add("a.yaml", String::new(), |_| crate::load::yaml::index(""))
    }

    fn service(kind: &str) -> Resource {
        let service_type = Field::Set(kind.to_owned());
        Resource::Service(crate::model::Service { service_type, ..Default::default() })
    }

    fn declared(resource: Resource, renamed_from: &str) -> Declared {
        Declared {
            kind: resource.kind(),
            resource,
            intent: Intent::Present,
            protect: false,
            renamed_from: (!renamed_from.is_empty()).then(|| renamed_from.to_owned()),
            origin: Origin { file: file(), route: Route::root(), defaults: None },
            secrets: BTreeMap::new(),
        }
    }

    /// What a service of type `slack` is renamed from, and whether a change of type is to be resumed.
    fn retyping(renamed_from: &str, exist: &[(&str, &str)]) -> (Option<Rename>, Vec<bool>) {
        let mut desired = Desired::default();
        desired.objects.insert(Address::service("ops"), declared(service("slack"), renamed_from));
        let actual = exist.iter().map(|(title, kind)| (Address::service(*title), service(kind))).collect();
        let renames = decide(&desired, &actual, |_, _| 0);
        let wanted = handovers(&desired, &actual, &renames).iter().map(|handover| handover.wanted).collect();
        (renames.into_values().next(), wanted)
    }

    #[test]
    fn a_change_of_type_is_taken_up_where_it_was_broken_off() {
        let made = ("ops.librato-apply-retyping", "slack");
        let replacement = Some(Rename::From(Address::service(made.0)));
        let old = Some(Rename::From(Address::service("old")));
        assert_eq!(retyping("", &[("ops", "mail")]), (None, vec![]));
        assert_eq!(retyping("", &[("ops", "mail"), made]), (None, vec![true]));
        assert_eq!(retyping("", &[("ops", "slack"), made]), (None, vec![false]));
        assert_eq!(retyping("", &[made]), (replacement.clone(), vec![]));
        assert_eq!(retyping("old", &[("old", "mail"), made]), (old.clone(), vec![true]));
        assert_eq!(retyping("old", &[("old", "slack"), made]), (old, vec![false]));
        assert_eq!(retyping("old", &[made]), (replacement, vec![]));
    }

    fn decided(declarations: &[(&str, &str)], exist: &[&str], turned: bool) -> Vec<String> {
        let mut desired = Desired::default();
        for (new, old) in declarations {
            desired.objects.insert(alert(new), declared(Resource::Alert(Alert::default()), old));
        }
        let actual = exist.iter().map(|name| (alert(name), Resource::Alert(Alert::default()))).collect();
        let shown = |rename| match rename {
            Rename::From(old) => format!("from {}", old.name),
            Rename::Done => "done".into(),
            Rename::Both(_) => "both".into(),
            Rename::Neither => "neither".into(),
        };
        decide(&desired, &actual, |new, have| usize::from((new == have) != turned))
            .into_values()
            .map(shown)
            .collect()
    }

    #[test]
    fn the_table_of_one_rename() {
        assert_eq!(decided(&[("new", "old")], &["old"], false), ["from old"]);
        assert_eq!(decided(&[("new", "old")], &["new"], false), ["done"]);
        assert_eq!(decided(&[("new", "old")], &["new", "old"], false), ["both"]);
        assert_eq!(decided(&[("new", "old")], &[], false), ["neither"]);
    }

    #[test]
    fn another_spelling_is_a_rename_without_being_said() {
        assert_eq!(decided(&[("Slow", "slow")], &["slow"], false), ["from slow"]);
        assert_eq!(decided(&[("Slow", "slow")], &["Slow"], false), ["done"]);
        assert_eq!(decided(&[("Slow", "slow")], &[], false), [""; 0]);
        assert_eq!(decided(&[("Slow", "")], &["slow"], false), ["from slow"]);
        assert_eq!(decided(&[("Slow", "")], &["Slow"], false), [""; 0]);
        assert_eq!(decided(&[("Slow", "old")], &["slow"], false), ["from slow"]);
    }

    #[test]
    fn a_chain_is_followed_and_found_done() {
        let chain = [("b", "a"), ("c", "b")];
        assert_eq!(decided(&chain, &["a", "b"], false), ["from a", "from b"]);
        assert_eq!(decided(&chain, &["a", "c"], false), ["from a", "done"]);
        assert_eq!(decided(&chain, &["b", "c"], false), ["done", "done"]);
    }

    #[test]
    fn a_swap_survives_an_interruption_at_any_point() {
        let swap = [("a", "b"), ("b", "a")];
        assert_eq!(decided(&swap, &["a", "b"], false), ["from b", "from a"]);
        assert_eq!(decided(&swap, &["a", "b"], true), ["done", "done"]);
        // Parked for a: b's object. Then a became b. Then what was parked becomes a.
        assert_eq!(
            decided(&swap, &["a", "a.librato-apply-renaming"], false),
            ["from a.librato-apply-renaming", "from a"]
        );
        assert_eq!(
            decided(&swap, &["b", "a.librato-apply-renaming"], false),
            ["from a.librato-apply-renaming", "done"]
        );
    }

    #[test]
    fn alerts_keep_their_services_when_these_swap_titles() {
        let using = |title: &str| Alert { services: Field::Set(vec![title.to_owned()]), ..Alert::default() };
        let actual = State::from([(alert("x"), Resource::Alert(using("a")))]);
        let renames = [("a", "b"), ("b", "a")]
            .map(|(new, old)| (Address::service(new), Rename::From(Address::service(old))));
        let foreseen = foresee(&Desired::default(), &actual, &BTreeMap::from(renames));
        assert_eq!(foreseen[&alert("x")], Resource::Alert(using("b")));
    }
}

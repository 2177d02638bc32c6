//! Which objects are really to be renamed: `renamed_from` against what exists.
//! Handles chains (a to b, b to c) and circles (two names swapped), also when an earlier run stopped half way.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Alert, Collection, Desired, Field, Intent, Resource, State};

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

/// Decides for every wish with a former name.
///
/// `settled` tells whether a declared object is already as written: a circle whose members all are has been turned.
pub fn decide(
    desired: &Desired,
    actual: &State,
    settled: impl Fn(&Address) -> bool,
) -> BTreeMap<Address, Rename> {
    let wishes: BTreeMap<&Address, Address> = desired
        .objects
        .iter()
        .filter(|(_, wish)| wish.intent == Intent::Present)
        .filter_map(|(address, wish)| Some((address, address.renamed(wish.renamed_from.as_ref()?))))
        .collect();
    let source = |new: &Address, old: &Address| {
        let parked = temporary(new);
        if actual.contains_key(&parked) { parked } else { old.clone() }
    };
    let mut pending: BTreeSet<&Address> = wishes
        .iter()
        .filter(|(new, old)| actual.contains_key(&source(new, old)))
        .map(|(new, _)| *new)
        .collect();
    for circle in circles(&wishes) {
        if circle.iter().all(|new| actual.contains_key(new) && settled(new)) {
            circle.iter().for_each(|new| _ = pending.remove(new));
        }
    }
    // What stays blocks what wants its name, and takes it from what wants to be renamed from it; until nothing changes.
    loop {
        let leaves = |name: &Address| wishes.iter().any(|(new, old)| old == name && pending.contains(new));
        let blocked = |new: &Address| {
            let source = source(new, &wishes[new]);
            let taken = actual.contains_key(new) && !leaves(new);
            let stays = wishes.contains_key(&source) && !pending.contains(&source);
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
    wishes.iter().map(|(new, old)| ((*new).clone(), outcome(new, old))).collect()
}

/// The remote as it will be read once the renamed services have their titles: alerts keep using the same services,
/// under their new names.
pub fn foresee<'a>(actual: &'a State, renames: &BTreeMap<Address, Rename>) -> Cow<'a, State> {
    let titles: BTreeMap<&str, &str> = renames
        .iter()
        .filter_map(|(new, rename)| match rename {
            Rename::From(old) if new.collection == Collection::Services => {
                Some((old.name.as_str(), new.name.as_str()))
            }
            _ => None,
        })
        .collect();
    if titles.is_empty() {
        return Cow::Borrowed(actual);
    }
    let mut foreseen = actual.clone();
    for object in foreseen.values_mut() {
        let Resource::Alert(Alert { services: Field::Set(services), .. }) = object else { continue };
        for title in services {
            if let Some(new) = titles.get(title.as_str()) {
                *title = (*new).to_owned();
            }
        }
    }
    Cow::Owned(foreseen)
}

/// Names that are each renamed from another one of them.
fn circles<'a>(wishes: &BTreeMap<&'a Address, Address>) -> Vec<Vec<&'a Address>> {
    let mut found: Vec<Vec<&Address>> = Vec::new();
    for start in wishes.keys() {
        let mut path = vec![*start];
        while let Some((next, _)) = wishes.get_key_value(&wishes[path[path.len() - 1]]) {
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
    use crate::model::{Kind, Origin, Wish};

    fn alert(name: &str) -> Address {
        Address::new(Collection::Alerts, name)
    }

    fn file() -> FileId {
        Files::default().add("a.yaml", String::new(), |_| crate::load::yaml::index(""))
    }

    fn decided(wishes: &[(&str, &str)], exist: &[&str], settled: bool) -> Vec<String> {
        let mut desired = Desired::default();
        for (new, old) in wishes {
            let wish = Wish {
                kind: Kind::Alert,
                resource: Resource::Alert(Alert::default()),
                intent: Intent::Present,
                protect: false,
                renamed_from: (!old.is_empty()).then(|| (*old).to_owned()),
                origin: Origin { file: file(), route: Route::root(), defaults: None },
                secrets: BTreeMap::new(),
            };
            desired.objects.insert(alert(new), wish);
        }
        let actual = exist.iter().map(|name| (alert(name), Resource::Alert(Alert::default()))).collect();
        let shown = |rename| match rename {
            Rename::From(old) => format!("from {}", old.name),
            Rename::Done => "done".into(),
            Rename::Both(_) => "both".into(),
            Rename::Neither => "neither".into(),
        };
        decide(&desired, &actual, |_| settled).into_values().map(shown).collect()
    }

    #[test]
    fn the_table_of_one_rename() {
        assert_eq!(decided(&[("new", "old")], &["old"], false), ["from old"]);
        assert_eq!(decided(&[("new", "old")], &["new"], false), ["done"]);
        assert_eq!(decided(&[("new", "old")], &["new", "old"], false), ["both"]);
        assert_eq!(decided(&[("new", "old")], &[], false), ["neither"]);
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
        let service = |title| Address::service(title);
        let using = |title: &str| Alert { services: Field::Set(vec![title.to_owned()]), ..Alert::default() };
        let actual = State::from([(alert("x"), Resource::Alert(using("a")))]);
        let renames = [("a", "b"), ("b", "a")].map(|(new, old)| (service(new), Rename::From(service(old))));
        let foreseen = foresee(&actual, &BTreeMap::from(renames));
        assert_eq!(foreseen[&alert("x")], Resource::Alert(using("b")));
    }
}

//! The order of writing: what is referred to first, deletes last, a name freed before it is taken.
//! A circle of renames is opened by parking one object under a temporary name.

use std::collections::BTreeMap;

use super::Step;
use crate::diff::{Action, Change, rename};
use crate::model::{Address, Collection, Kind, Reference};

/// How a parked name ends; see [`rename::temporary`].
pub const PARKED: &str = ".librato-apply-renaming";

/// Room between the levels of two kinds, for chains within one and for charts, which are created one after the other.
const GAP: u32 = 1_000_000;

/// Puts the changes into the order of writing. `rank` is the place of a chart in its space: a service shows charts in the
/// order in which they were created.
pub fn order(changes: Vec<Change>, rank: &dyn Fn(&Address) -> u32) -> Vec<Step> {
    let changes = open_circles(changes);
    let needs: Vec<Vec<usize>> = (0..changes.len()).map(|i| needs(i, &changes)).collect();
    let levels = levels(&changes, &needs, rank);
    let mut by_level: Vec<usize> = (0..changes.len()).collect();
    by_level.sort_by_key(|i| (levels[*i], *i));
    let mut position = vec![0; changes.len()];
    by_level.iter().enumerate().for_each(|(new, old)| position[*old] = new);
    let mut changes: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    let step = |old: usize| {
        let mut needs: Vec<usize> = needs[old].iter().map(|need| position[*need]).collect();
        needs.sort_unstable();
        let change = changes[old].take()?;
        let (level, place, field_places) = (levels[old], None, Vec::new());
        Some(Step { change, level, needs, place, field_places, protected: false, impact: None })
    };
    by_level.into_iter().filter_map(step).collect()
}

/// The least level of each kind of step, raised above everything it needs.
fn levels(changes: &[Change], needs: &[Vec<usize>], in_space: &dyn Fn(&Address) -> u32) -> Vec<u32> {
    let last = Kind::ALL.len() as u32;
    let rank =
        |change: &Change| Kind::ALL.iter().position(|kind| *kind == change.kind).unwrap_or_default() as u32;
    let mut levels: Vec<u32> = changes
        .iter()
        .enumerate()
        .map(|(i, change)| match &change.action {
            // A delete that frees a name stands with the writes; every other one comes after all of them.
            Action::Delete { .. } if !needed_by_write(i, changes, needs) => GAP * (2 * last - rank(change)),
            Action::Create { .. } => GAP * rank(change) + in_space(&change.address).min(GAP / 2),
            _ => GAP * rank(change),
        })
        .collect();
    // Needs form no circle once renames are opened, so the longest chain bounds the rounds.
    for _ in 0..changes.len() {
        let mut settled = true;
        for i in 0..changes.len() {
            let least = needs[i].iter().map(|need| levels[*need] + 1).max().unwrap_or_default();
            if levels[i] < least {
                levels[i] = least;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
    levels
}

fn needed_by_write(i: usize, changes: &[Change], needs: &[Vec<usize>]) -> bool {
    let is_write = |change: &Change| !matches!(change.action, Action::Delete { .. });
    needs.iter().zip(changes).any(|(needs, change)| is_write(change) && needs.contains(&i))
}

/// Which steps must have succeeded before step `i` makes sense.
fn needs(i: usize, changes: &[Change]) -> Vec<usize> {
    let this = &changes[i];
    let mut uses = uses(this.action.after().map(|after| after.spec().references()));
    // Nothing can be done to a chart as long as its space is not there, or is still called otherwise.
    uses.extend(this.address.container());
    (0..changes.len())
        .filter(|&j| j != i)
        .filter(|&j| {
            let other = &changes[j];
            let makes_what_this_uses = uses.contains(&other.address) && appears(&other.action);
            makes_what_this_uses || lets_go(this, other) || frees(this, other)
        })
        .collect()
}

fn uses(references: Option<Vec<Reference>>) -> Vec<Address> {
    references.into_iter().flatten().map(|reference| reference.to).collect()
}

/// Whether an object comes into being under its name by this action.
fn appears(action: &Action) -> bool {
    match action {
        Action::Create { .. } | Action::Replace { .. } => true,
        Action::Update { renamed_from, .. } => renamed_from.is_some(),
        Action::Delete { .. } => false,
    }
}

/// Whether `this` deletes what `other` used before and does not use any more.
fn lets_go(this: &Change, other: &Change) -> bool {
    let used = |references| uses(references).contains(&this.address);
    matches!(this.action, Action::Delete { .. })
        && used(other.action.before().map(|before| before.spec().references()))
        && !used(other.action.after().map(|after| after.spec().references()))
}

/// Whether `this` takes a name that `other` gives up. Services and alerts may ignore case where we do not.
fn frees(this: &Change, other: &Change) -> bool {
    let given_up = match &other.action {
        Action::Delete { .. } => &other.address,
        Action::Update { renamed_from: Some(old), .. } => old,
        _ => return false,
    };
    // The name an object is parked under is free before as it is after.
    if this.address == *given_up && given_up.name.ends_with(PARKED) {
        return false;
    }
    let source = match &this.action {
        Action::Update { renamed_from: Some(old), .. } => Some(old),
        Action::Create { .. } => None,
        _ => return false,
    };
    // What is renamed must have been parked first; and an object that is renamed gives its own name up.
    let parked = source.is_some_and(|source| *source == other.address && source.name.ends_with(PARKED));
    // A temporary name is free before it is taken; who gives it up comes after who takes it.
    let waits = source != Some(given_up) && !given_up.name.ends_with(PARKED);
    parked || waits && folded(given_up) == folded(&this.address)
}

fn folded(address: &Address) -> (Collection, Option<&str>, String) {
    (address.collection, address.parent.as_deref(), address.name.to_lowercase())
}

/// Parks one object of every circle of renames.
fn open_circles(mut changes: Vec<Change>) -> Vec<Change> {
    let renames: BTreeMap<Address, Address> = changes
        .iter()
        .filter_map(|change| match &change.action {
            Action::Update { renamed_from: Some(old), .. } => Some((change.address.clone(), old.clone())),
            _ => None,
        })
        .collect();
    let in_circle = |start: &Address| {
        let mut at = start;
        let mut members = vec![start];
        while let Some(old) = renames.get(at) {
            if old == start {
                return members.iter().min() == Some(&start);
            }
            if members.contains(&old) {
                return false;
            }
            members.push(old);
            at = old;
        }
        false
    };
    let mut parked = Vec::new();
    for change in &mut changes {
        if !in_circle(&change.address) {
            continue;
        }
        if let Action::Update { before, renamed_from: Some(old), .. } = &mut change.action {
            let address = rename::temporary(&change.address);
            let source = std::mem::replace(old, address.clone());
            let (before, after) = (before.clone(), before.clone());
            let action = Action::Update { before, after, fields: Vec::new(), renamed_from: Some(source) };
            parked.push(Change { address, kind: change.kind, action });
        }
    }
    changes.extend(parked);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alert, Resource};

    fn rename(from: &str, to: &str) -> Change {
        let address = Address::new(Collection::Alerts, to);
        let (before, after) = (Resource::Alert(Alert::default()), Resource::Alert(Alert::default()));
        let renamed_from = Some(address.renamed(from));
        Change {
            address,
            kind: Kind::Alert,
            action: Action::Update { before, after, fields: Vec::new(), renamed_from },
        }
    }

    #[test]
    fn a_circle_of_renames_is_opened_and_every_step_needs_only_what_comes_before_it() {
        for circle in [vec![("a", "b"), ("b", "a")], vec![("a", "b"), ("b", "c"), ("c", "a")]] {
            let steps = order(circle.iter().map(|(from, to)| rename(from, to)).collect(), &|_| 0);
            assert_eq!(steps.len(), circle.len() + 1);
            assert!(steps[0].parks(), "{steps:?}");
            for (i, step) in steps.iter().enumerate() {
                assert!(step.needs.iter().all(|need| *need < i), "{i} needs {:?}", step.needs);
                assert_eq!(step.needs.is_empty(), i == 0, "{i} needs {:?}", step.needs);
            }
        }
    }
}

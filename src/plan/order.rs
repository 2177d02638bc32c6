//! The order of writing: what is referred to first, deletes last, a name freed before it is taken.
//! A circle of renames is opened by parking one object under a temporary name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::step::{PARKED, Step};
use crate::diff::{Action, Change, Origins, rename};
use crate::model::{Address, Kind, Reference};

/// Room between the levels of two kinds, for chains within one and for charts, which are created one after the other.
const GAP: u32 = 1_000_000;

/// Puts the changes into the order of writing. `rank` is the place of a chart in its space: a service shows charts in the
/// order in which they were created.
pub fn order(changes: Vec<Change>, rank: &dyn Fn(&Address) -> u32) -> Vec<Step> {
    let changes = open_circles(changes);
    let index = Index::of(&changes);
    let needs: Vec<Vec<usize>> = (0..changes.len()).map(|i| index.needs(i, &changes)).collect();
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
    let needed_by_write = needed_by_write(changes, needs);
    let mut levels: Vec<u32> = changes
        .iter()
        .enumerate()
        .map(|(i, change)| match &change.action {
            // A delete that frees a name stands with the writes; every other one comes after all of them.
            Action::Delete { .. } if !needed_by_write[i] => GAP * (2 * last - rank(change)),
            Action::Create { .. } => GAP * rank(change) + in_space(&change.address).min(GAP / 2),
            _ => GAP * rank(change),
        })
        .collect();
    let mut needed_by = vec![Vec::new(); changes.len()];
    for (i, needs) in needs.iter().enumerate() {
        needs.iter().for_each(|need| needed_by[*need].push(i));
    }
    // Needs form no circle once renames are opened, so everything gets its turn.
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut settled: Vec<usize> = (0..changes.len()).filter(|i| open[*i] == 0).collect();
    while let Some(i) = settled.pop() {
        for above in &needed_by[i] {
            levels[*above] = levels[*above].max(levels[i] + 1);
            open[*above] -= 1;
            if open[*above] == 0 {
                settled.push(*above);
            }
        }
    }
    levels
}

/// Of each step whether a step that writes needs it.
fn needed_by_write(changes: &[Change], needs: &[Vec<usize>]) -> Vec<bool> {
    let mut needed = vec![false; changes.len()];
    for (needs, change) in needs.iter().zip(changes) {
        if !matches!(change.action, Action::Delete { .. }) {
            needs.iter().for_each(|need| needed[*need] = true);
        }
    }
    needed
}

/// What some changes do to names, so that each finds those it waits for without asking all.
struct Index<'a> {
    by_address: HashMap<&'a Address, Vec<usize>>,
    /// Who makes an object of this name appear.
    makers: HashMap<&'a Address, Vec<usize>>,
    /// Who uses an object before, and not after.
    leavers: HashMap<Address, Vec<usize>>,
    /// Who gives up a name.
    givers: HashMap<&'a Address, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(changes: &'a [Change]) -> Index<'a> {
        let mut index = Index {
            by_address: HashMap::new(),
            makers: HashMap::new(),
            leavers: HashMap::new(),
            givers: HashMap::new(),
        };
        for (i, change) in changes.iter().enumerate() {
            index.by_address.entry(&change.address).or_default().push(i);
            if appears(&change.action) {
                index.makers.entry(&change.address).or_default().push(i);
            }
            for left in left_alone(&change.action) {
                index.leavers.entry(left).or_default().push(i);
            }
            if let Some(name) = given_up(change) {
                index.givers.entry(name).or_default().push(i);
            }
        }
        index
    }

    /// Which steps must have succeeded before step `i` makes sense.
    fn needs(&self, i: usize, changes: &'a [Change]) -> Vec<usize> {
        let this = &changes[i];
        let mut uses = uses(this.action.after().map(|after| after.spec().references()));
        // Nothing can be done to a chart as long as its space is not there, or is still called otherwise.
        uses.extend(this.address.container());
        let makers = uses.iter().filter_map(|used| self.makers.get(used)).flatten();
        let leavers = match this.action {
            Action::Delete { .. } => self.leavers.get(&this.address),
            _ => None,
        };
        let parked = renamed_from(this).and_then(|source| self.by_address.get(source));
        let givers = parked.into_iter().chain(self.givers.get(&this.address)).flatten();
        let givers = givers.filter(|giver| frees(this, &changes[**giver]));
        let needs = makers.chain(leavers.into_iter().flatten()).chain(givers).copied();
        needs.filter(|need| *need != i).collect::<BTreeSet<usize>>().into_iter().collect()
    }
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

/// What is used before and not any more after.
fn left_alone(action: &Action) -> Vec<Address> {
    let mut before = uses(action.before().map(|before| before.spec().references()));
    if !before.is_empty() {
        let after = uses(action.after().map(|after| after.spec().references()));
        before.retain(|used| !after.contains(used));
    }
    before
}

fn renamed_from(change: &Change) -> Option<&Address> {
    match &change.action {
        Action::Update { renamed_from, .. } => renamed_from.as_ref(),
        _ => None,
    }
}

/// The name that no one has after this change, unless someone takes it.
fn given_up(change: &Change) -> Option<&Address> {
    match &change.action {
        Action::Delete { .. } => Some(&change.address),
        _ => renamed_from(change),
    }
}

/// Whether `this` takes a name that `other` gives up.
fn frees(this: &Change, other: &Change) -> bool {
    let Some(given_up) = given_up(other) else { return false };
    // The name an object is parked under is free before as it is after.
    if this.address == *given_up && given_up.name.ends_with(PARKED) {
        return false;
    }
    let source = renamed_from(this);
    if source.is_none() && !matches!(this.action, Action::Create { .. }) {
        return false;
    }
    // What is renamed must have been parked first; and an object that is renamed gives its own name up.
    let parked = source.is_some_and(|source| *source == other.address && source.name.ends_with(PARKED));
    // A temporary name is free before it is taken; who gives it up comes after who takes it.
    let waits = source != Some(given_up) && !given_up.name.ends_with(PARKED);
    parked || waits && *given_up == this.address
}

/// Parks one object of every circle of renames.
fn open_circles(mut changes: Vec<Change>) -> Vec<Change> {
    let renames: BTreeMap<Address, Address> = changes
        .iter()
        .filter_map(|change| match &change.action {
            // Another spelling of a name is in no one's way.
            Action::Update { renamed_from: Some(old), .. } if *old != change.address => {
                Some((change.address.clone(), old.clone()))
            }
            _ => None,
        })
        .collect();
    let in_circle = |start: &Address| {
        let mut at = start;
        let mut members = BTreeSet::from([start]);
        while let Some(old) = renames.get(at) {
            if old == start {
                return members.first() == Some(&start);
            }
            if !members.insert(old) {
                return false;
            }
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
            let action = Action::Update {
                before,
                after,
                fields: Vec::new(),
                renamed_from: Some(source),
                origins: Origins::default(),
            };
            parked.push(Change { address, kind: change.kind, action });
        }
    }
    changes.extend(parked);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alert, Collection, Resource};

    fn rename(from: &str, to: &str) -> Change {
        let address = Address::new(Collection::Alerts, to);
        let (before, after) = (Resource::Alert(Alert::default()), Resource::Alert(Alert::default()));
        let renamed_from = Some(address.renamed(from));
        Change {
            address,
            kind: Kind::Alert,
            action: Action::Update {
                before,
                after,
                fields: Vec::new(),
                renamed_from,
                origins: Origins::default(),
            },
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

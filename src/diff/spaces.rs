//! Charts belong to spaces by id: where a space is renamed its charts come along, and what relates to it still does.
//! Knows nothing of how a rename is decided, nor of how it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::rename::Rename;
use crate::model::{Address, State};

/// The remote as it will be read once the renamed spaces have their names.
pub fn moved<'a>(state: Cow<'a, State>, renames: &BTreeMap<Address, Rename>) -> Cow<'a, State> {
    let renamed = renames.iter().filter_map(|(new, rename)| match rename {
        Rename::From(old) if new.collection.holds().is_some() => Some((old, new)),
        _ => None,
    });
    let names: BTreeMap<&Address, &Address> = renamed.collect();
    if names.is_empty() {
        return state;
    }
    let new_name = |space: &Address| names.get(space).map(|new| new.name.clone());
    let moved = state.iter().map(|(address, object)| {
        let (mut address, mut object) = (address.clone(), object.clone());
        if let Some(new) = address.container().and_then(|space| new_name(&space)) {
            address.parent = Some(new);
        }
        object.follow_renames(&new_name);
        (address, object)
    });
    Cow::Owned(moved.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chart, Field, Resource, Space};

    #[test]
    fn charts_come_along_when_two_spaces_swap_names() {
        let chart = |related: &str| {
            Resource::Chart(Chart { related_space: Field::Set(related.into()), ..Chart::default() })
        };
        let state = State::from([
            (Address::space("A"), Resource::Space(Space::default())),
            (Address::space("B"), Resource::Space(Space::default())),
            (Address::chart("A", "x"), chart("B")),
            (Address::chart("B", "x"), chart("C")),
        ]);
        let from = |name: &str| Rename::From(Address::space(name));
        let renames = BTreeMap::from([(Address::space("A"), from("B")), (Address::space("B"), from("A"))]);
        let after = moved(Cow::Borrowed(&state), &renames);
        assert_eq!(after[&Address::chart("B", "x")], chart("A"));
        assert_eq!(after[&Address::chart("A", "x")], chart("C"));
        assert_eq!(after.len(), 4);
    }
}

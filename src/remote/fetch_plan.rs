//! Which part of the remote has to be read: no collection that no one speaks of, no charts that no one asks for.
//! Knows nothing of how anything is read.

use std::collections::BTreeSet;

use super::placeholder;
use crate::diff::scope::Globs;
use crate::diff::{rename, undeclared};
use crate::model::{Address, Collection, Desired, Intent, Kind};

/// How many metrics are looked up one by one before listing all of them is the lesser evil.
const MAX_LOOK_UPS: usize = 100;

/// Which part of the remote is needed.
#[derive(Debug, Clone, Default)]
pub struct FetchPlan {
    /// Collections to list.
    pub collections: BTreeSet<Collection>,
    /// Metrics to look up where they are not listed anyway.
    pub metrics: BTreeSet<Address>,
    /// Annotation streams of which a listing does not tell whether an interrupted run has finished making them.
    pub bare_streams: BTreeSet<Address>,
    /// Of which spaces the charts are read; each costs a request.
    pub spaces: Spaces,
    /// The names of declared alerts and composites, by which a ruler knows what its groups will hold.
    pub rules: BTreeSet<String>,
}

/// Spaces by their names.
#[derive(Debug, Clone, Default)]
pub enum Spaces {
    /// None of them.
    #[default]
    None,
    /// Those of these names, and those that the patterns mean but for the second names.
    Some(BTreeSet<String>, Globs, BTreeSet<String>),
    /// All of them.
    All,
}

impl FetchPlan {
    /// What is needed to plan for `desired`, if undeclared objects in `prune` may go.
    pub fn of(desired: &Desired, prune: &Globs) -> Self {
        let mut collections: BTreeSet<Collection> =
            desired.objects.keys().map(|address| address.collection).collect();
        let pruned: BTreeSet<Collection> = prune.kinds().map(Kind::collection).collect();
        let absent = desired.objects.iter().filter(|(_, entry)| entry.intent == Intent::Absent);
        let shrinking = absent.map(|(address, _)| address.collection).chain(pruned.iter().copied());
        // Whether what is deleted is in use only its users can tell.
        collections.extend(shrinking.filter_map(Collection::needed_by));
        collections.extend(pruned);
        let used = |collection| undeclared(collection, desired).into_keys();
        let metrics: BTreeSet<Address> = used(Collection::Metrics).collect();
        if used(Collection::Annotations).next().is_some() {
            collections.insert(Collection::Annotations);
        }
        if metrics.len() > MAX_LOOK_UPS {
            collections.insert(Collection::Metrics);
        }
        let bare_streams = placeholder::bare_streams(desired);
        let rules = desired.objects.iter().filter(|(_, entry)| {
            matches!(entry.kind, Kind::Alert | Kind::Composite) && entry.intent == Intent::Present
        });
        let rules = rules.map(|(address, _)| address.name.clone()).collect();
        let spaces = spaces(desired, prune);
        let mut wanted = Self { collections, metrics, bare_streams, spaces, rules };
        for collection in wanted.collections.clone() {
            wanted.add(collection);
        }
        wanted
    }

    /// Everything there is.
    pub fn all() -> Self {
        let collections = Kind::ALL.into_iter().map(Kind::collection).collect();
        Self { collections, spaces: Spaces::All, ..Self::default() }
    }

    /// Adds a collection, and what it cannot be understood without: alerts name services by id, charts spaces.
    pub fn add(&mut self, collection: Collection) {
        self.collections.extend([Some(collection), collection.names()].into_iter().flatten());
    }

    /// Whether the charts of this space are needed.
    pub fn charts_of(&self, space: &str) -> bool {
        match &self.spaces {
            Spaces::None => false,
            Spaces::Some(names, globs, but) => {
                names.contains(space) || globs.contains(Kind::Space, space) && !but.contains(space)
            }
            Spaces::All => true,
        }
    }
}

/// Charts are needed where some are declared or may be pruned, and of spaces that may go: these take theirs along.
fn spaces(desired: &Desired, prune: &Globs) -> Spaces {
    let prunes_charts = prune.kinds().any(|kind| kind == Kind::Chart);
    let (mut names, mut declared) = (BTreeSet::new(), BTreeSet::new());
    for (address, entry) in desired.objects.iter().filter(|(a, _)| a.collection == Collection::Spaces) {
        let old = entry.renamed_from.clone();
        let all = || [address.name.clone(), rename::temporary(address).name].into_iter().chain(old.clone());
        declared.extend(all());
        let has_charts = desired.chart_order.contains_key(&address.name);
        if has_charts || prunes_charts || entry.intent == Intent::Absent {
            names.extend(all());
        }
    }
    Spaces::Some(names, prune.clone(), declared)
}

impl From<BTreeSet<Collection>> for FetchPlan {
    fn from(collections: BTreeSet<Collection>) -> Self {
        Self { collections, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::scope::parse_target;
    use crate::model::Scopes;

    #[test]
    fn only_spaces_that_may_go_are_looked_into_without_being_declared() {
        let mut scopes = Scopes::default();
        parse_target("space/Shop*", &mut scopes).unwrap();
        let wanted = FetchPlan::of(&Desired::default(), &Globs::compile(&scopes).unwrap());
        assert_eq!(wanted.collections, BTreeSet::from([Collection::Spaces]));
        assert!(wanted.charts_of("Shop old") && !wanted.charts_of("Other"));
        assert!(!FetchPlan::of(&Desired::default(), &Globs::default()).charts_of("Shop"));
    }
}

//! What the service has and no file declares: named or only counted. Changes nothing, forbids nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diag::plural;
use crate::model::{Address, Kind};

/// Objects of the kinds that the files speak of, which are in none of them and stay as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unmanaged {
    /// Kind by kind, in order of names.
    pub objects: Vec<(Kind, Address)>,
    /// Whether their names were asked for.
    pub named: bool,
}

/// What the service has and no file declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnmanagedDocument {
    /// How many of each kind that the files speak of.
    pub counts: BTreeMap<Kind, usize>,
    /// Which; only with `--unmanaged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<Named>>,
}

/// An object by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// Its name; of a chart, its space and its name.
    pub name: String,
}

impl Unmanaged {
    /// How many of each kind.
    fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        self.objects.iter().for_each(|(kind, _)| *counts.entry(*kind).or_default() += 1);
        counts
    }

    /// `1 service, 2 alerts`.
    pub fn counted(&self) -> String {
        let kinds = self.objects.chunk_by(|(a, _), (b, _)| a == b);
        let words = kinds.map(|all| plural(all.len(), all[0].0.noun(), all[0].0.section()));
        words.collect::<Vec<_>>().join(", ")
    }

    /// For machines; none where nothing is known to be there.
    pub fn document(&self) -> Option<UnmanagedDocument> {
        let named = |(kind, address): &(Kind, Address)| Named { kind: *kind, name: address.to_string() };
        let objects = self.named.then(|| self.objects.iter().map(named).collect());
        (self.named || !self.objects.is_empty()).then(|| UnmanagedDocument { counts: self.counts(), objects })
    }
}

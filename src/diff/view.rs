//! What a run compares, as `scope` decided it. Decides nothing.

use std::collections::BTreeSet;

use crate::model::Address;

/// What a run compares: everything that is declared, or what was asked for with what it cannot do without.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Declared objects, if not all.
    pub only: Option<BTreeSet<Address>>,
    /// Undeclared objects that go.
    pub prune: Vec<Address>,
}

impl View {
    /// Whether a target leaves nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.only.as_ref().is_some_and(BTreeSet::is_empty) && self.prune.is_empty()
    }

    /// Whether a declared object is compared.
    pub fn includes(&self, address: &Address) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(address))
    }
}

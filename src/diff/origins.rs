//! Of which remote items the items of an object that changes are made, so that whoever writes it need not find out again.
//! Knows nothing of what items are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lists::Pair;

/// By the field that holds the list: for each item the index of the remote one it is made of, none for a new one. A list that
/// is not here is meant as it is there, item by item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origins(BTreeMap<String, Vec<Option<usize>>>);

impl Origins {
    pub(super) fn of(pairs: &BTreeMap<String, Vec<Pair>>) -> Self {
        let wanted = |pairs: &Vec<Pair>| {
            pairs.iter().filter(|pair| pair.want.is_some()).map(|pair| pair.have).collect()
        };
        Self(pairs.iter().map(|(field, pairs)| (field.clone(), wanted(pairs))).collect())
    }

    /// Whether all lists are meant as they are there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origins of the items of a list, if they were looked for.
    pub fn get(&self, field: &str) -> Option<&[Option<usize>]> {
        self.0.get(field).map(Vec::as_slice)
    }
}

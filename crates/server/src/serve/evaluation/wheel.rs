//! Which series are to be looked at in which second, since a point of theirs closes then. Pure.

use std::collections::BTreeMap;

/// Slots by second. An entry may be out of date; who is looked at knows better.
#[derive(Debug, Default)]
pub struct Wheel(BTreeMap<i64, Vec<u32>>);

impl Wheel {
    pub fn put(&mut self, second: i64, slot: u32) {
        self.0.entry(second).or_default().push(slot);
    }

    /// Takes out the next entries up to a second.
    pub fn take(&mut self, until: i64) -> Option<(i64, Vec<u32>)> {
        let first = self.0.first_entry().filter(|first| *first.key() <= until)?;
        Some(first.remove_entry())
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

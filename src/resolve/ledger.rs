//! What a whole run used, and how much it may still use: text in place of references, objects, suggestions.
//! Knows nothing of what any of it says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde_json::Value;

use crate::diag::Suggestions;

/// What a whole run puts in place of references, in bytes: a few variables that double each other could otherwise fill
/// any memory.
const MAX_BYTES: usize = 64 << 20;

/// What all `for_each` of a run may make, charts included: lists repeat each other as variables do.
pub const MAX_OBJECTS: usize = 100_000;

/// What references were used for, over a whole run.
#[derive(Debug)]
pub struct Ledger {
    /// Names of variables.
    pub used: RefCell<BTreeSet<String>>,
    /// Names of variables whose values are not known, which was reported with them.
    pub unknown: RefCell<BTreeSet<String>>,
    /// How many bytes may still be put in place of references.
    bytes: Left,
    /// How many objects `for_each` may still make.
    objects: Left,
    /// What misspelt names may have been meant to be.
    pub near: Suggestions,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            used: RefCell::default(),
            unknown: RefCell::default(),
            bytes: Left::of(MAX_BYTES),
            objects: Left::of(MAX_OBJECTS),
            near: Suggestions::default(),
        }
    }
}

impl Ledger {
    /// The bound on what references stand for, in MiB.
    pub const MIB: usize = MAX_BYTES >> 20;

    /// Whether so many more objects may be made.
    ///
    /// # Errors
    /// Where they may not; see [`Refused`].
    pub fn takes_objects(&self, count: usize) -> Result<(), Refused> {
        self.objects.take(count)
    }

    /// Whether a value can still be put in place of a reference.
    ///
    /// # Errors
    /// Where it cannot; see [`Refused`].
    pub fn takes(&self, value: &Value) -> Result<(), Refused> {
        self.bytes.take(size(value))
    }
}

/// What is left of a bound. That nothing is left is no refusal yet: all that was asked for may have been given.
#[derive(Debug)]
struct Left {
    left: Cell<usize>,
    refused: Cell<bool>,
}

impl Left {
    fn of(bound: usize) -> Self {
        Self { left: Cell::new(bound), refused: Cell::new(false) }
    }

    fn take(&self, count: usize) -> Result<(), Refused> {
        match self.left.get().checked_sub(count) {
            Some(left) if !self.refused.get() => {
                self.left.set(left);
                Ok(())
            }
            _ if self.refused.replace(true) => Err(Refused::Again),
            _ => Err(Refused::First),
        }
    }
}

/// That a bound is met. The first refusal is to be reported; after it nothing is taken any more, and there is nothing more to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The bound is met just now.
    First,
    /// It was met before.
    Again,
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 16,
        Value::Array(items) => 16 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 16 + map.iter().map(|(key, value)| key.len() + size(value)).sum::<usize>(),
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_is_told_from_others_also_when_all_was_given_out_exactly() {
        let left = Left::of(5);
        assert_eq!([left.take(2), left.take(3), left.take(0)], [Ok(()), Ok(()), Ok(())]);
        assert_eq!([left.take(1), left.take(1)], [Err(Refused::First), Err(Refused::Again)]);
        let left = Left::of(5);
        assert_eq!([left.take(6), left.take(1)], [Err(Refused::First), Err(Refused::Again)]);
    }
}

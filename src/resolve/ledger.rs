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
    left: Cell<usize>,
    /// How many objects `for_each` may still make.
    objects: Cell<usize>,
    /// What misspelt names may have been meant to be.
    pub near: Suggestions,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            used: RefCell::default(),
            unknown: RefCell::default(),
            left: Cell::new(MAX_BYTES),
            objects: Cell::new(MAX_OBJECTS),
            near: Suggestions::default(),
        }
    }
}

impl Ledger {
    /// The bound on what references stand for, in MiB.
    pub const MIB: usize = MAX_BYTES >> 20;

    /// Whether nothing more is put in place of references.
    pub fn is_full(&self) -> bool {
        self.left.get() == 0
    }

    /// Whether so many more objects may be made. The first refusal is to be reported; after it nothing is taken any more, and
    /// there is nothing more to say.
    pub fn takes_objects(&self, count: usize) -> Result<(), Refused> {
        let before = self.objects.get();
        let left = before.checked_sub(count);
        self.objects.set(left.unwrap_or(0));
        match left {
            Some(_) => Ok(()),
            None if before == 0 => Err(Refused::Again),
            None => Err(Refused::First),
        }
    }

    /// Whether a value can still be put in place of a reference.
    pub fn takes(&self, value: &Value) -> bool {
        let left = self.left.get().checked_sub(size(value));
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Why no more objects are made.
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

//! Stored values that were found damaged. Whoever reads skips such a value and notes its row here; who called the reader is
//! told by [`watch`] and sees to the rest. Knows nothing of what the values are.

use std::cell::RefCell;

/// The row of a value that was found damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    pub table: &'static str,
    pub row: i64,
}

thread_local! {
    static NOTED: RefCell<Vec<Damage>> = const { RefCell::new(Vec::new()) };
}

/// Runs `job`, and gives what was noted as damaged meanwhile.
pub fn watch<T>(job: impl FnOnce() -> T) -> (T, Vec<Damage>) {
    NOTED.take();
    let outcome = job();
    (outcome, NOTED.take())
}

/// To be called where a damaged value is skipped.
pub fn note(table: &'static str, row: i64) {
    NOTED.with_borrow_mut(|noted| noted.push(Damage { table, row }));
}

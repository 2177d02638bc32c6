//! The row of an object by its id, or that there is none.

use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx};

/// The row of `table`, or that it is missing.
pub fn find<T>(
    tx: &Tx<'_>,
    table: &str,
    id: i64,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<T, Refusal> {
    rows::find(tx, table, id, row)?.ok_or(Refusal::Missing)
}

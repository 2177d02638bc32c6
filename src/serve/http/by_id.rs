//! The row of an object by its id, or the answer that there is none.

use super::problem::Problem;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx};

/// The row of `table`, or 404.
pub fn find<T>(
    tx: &Tx<'_>,
    table: &str,
    id: i64,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<T, Problem> {
    rows::find(tx, table, id, row)?.ok_or_else(Problem::not_found)
}

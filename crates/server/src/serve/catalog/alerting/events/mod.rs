//! Events of incidents in the annotation stream `librato.alerts`: one for each incident that someone was to be told of.

mod begun;
mod table;

use self::begun::Begun;
use crate::notify::Message;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// The annotation stream of alerts.
const STREAM: &str = "librato.alerts";

/// Makes an event of each message, a trigger. Their ids, in order.
pub fn begin(tx: &Tx<'_>, messages: &[&Message]) -> Result<Vec<i64>, StoreError> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let stream = table::stream(tx, STREAM)?;
    table::insert(tx, stream, messages.iter().map(|message| Begun::of(message)))
}

/// Ends events, by the keys of their incidents, at a second.
pub fn end(tx: &Tx<'_>, ended: &[(String, i64)]) -> Result<(), StoreError> {
    if ended.is_empty() { Ok(()) } else { table::end(tx, ended) }
}

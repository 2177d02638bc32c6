//! Writing what a step of the maintenance has worked out, in one transaction: whoever reads sees all of it or nothing.

use rusqlite::{Connection, params};

use super::pages::{self, New};
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::page::write::Written;

/// The outcome of a step, to be written as it is.
#[derive(Debug, Default)]
pub struct Work {
    pub layers: Vec<New>,
    /// Pages that are in these layers.
    pub replaced: Vec<i64>,
    /// Blocks that are in these layers.
    pub blocks: Vec<i64>,
    /// Pages without what was in them of metrics that are gone.
    pub cleared: Vec<(i64, Option<Written>)>,
    /// How far that has come.
    pub clearing: Option<Clearing>,
    /// The last row of the journal that is in these layers.
    pub compacted: Option<i64>,
    /// Points that outlived the last tier, and go.
    pub dropped: u64,
    /// Whether much waits for later steps.
    pub behind: bool,
}

/// For these metrics, which are gone, pages were looked through up to one, or all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Clearing {
    pub metrics: Vec<i64>,
    pub to: Option<i64>,
}

pub fn write(connection: &Connection, work: &Work) -> Result<(), StoreError> {
    // Before anything is inserted: ids of pages come back.
    for id in &work.replaced {
        connection.prepare_cached("DELETE FROM pages WHERE id = ?1")?.execute([id])?;
    }
    for (id, page) in &work.cleared {
        match page {
            Some(page) => pages::replace(connection, *id, page)?,
            None => pages::delete(connection, *id)?,
        }
    }
    for id in &work.blocks {
        connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id])?;
    }
    for layer in &work.layers {
        pages::insert(connection, layer)?;
    }
    if let Some(last) = work.compacted {
        connection.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([last])?;
    }
    for metric in work.clearing.iter().flat_map(|clearing| &clearing.metrics) {
        let to = work.clearing.as_ref().and_then(|clearing| clearing.to);
        let sql = match to {
            Some(_) => "UPDATE metrics_gone SET cleared = ?2 WHERE metric = ?1",
            None => "DELETE FROM metrics_gone WHERE metric = ?1 AND ?2 IS NULL",
        };
        connection.prepare_cached(sql)?.execute(params![metric, to])?;
    }
    Ok(())
}

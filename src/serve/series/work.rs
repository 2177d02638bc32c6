//! What a step of the upkeep has worked out, cut into what is written in one transaction. Knows nothing of when that is due,
//! nor of points.

use std::mem;

use rusqlite::Connection;

use super::frontier::Frontier;
use super::table::put_block;
use super::tier::Tier;
use crate::serve::store::error::StoreError;

/// Blocks written in one transaction, some milliseconds, for which the writer can do nothing else.
const WRITTEN: usize = 1024;

/// The outcome of a step, to be written as it is.
#[derive(Default)]
pub struct Work {
    /// In order of their series.
    pub blocks: Vec<(Key, Vec<u8>)>,
    /// Ids of blocks that were rolled up.
    pub expired: Vec<i64>,
    /// The last row of the journal that is in these blocks.
    pub folded: Option<i64>,
    /// Points that outlived the last tier, and go.
    pub dropped: u64,
    /// Whether much waits for later steps.
    pub behind: bool,
}

/// What of a step is written in one transaction. After each of them everything can be read once, and the next step can
/// go on.
#[derive(Default)]
pub struct Part {
    blocks: Vec<(Key, Vec<u8>)>,
    expired: Vec<i64>,
    frontier: Option<Frontier>,
    /// Rows of the journal up to this one are in blocks.
    folded: Option<i64>,
}

/// Which block is meant: its series, its tier and where it begins.
pub type Key = (i64, Tier, i64);

impl Work {
    /// To be written one after the other.
    pub fn parts(self) -> Vec<Part> {
        self.parts_of(WRITTEN)
    }

    /// With about `most` blocks each; the blocks of one series stay together.
    pub fn parts_of(self, most: usize) -> Vec<Part> {
        let Work { blocks, expired, folded, .. } = self;
        let mut last = Part { expired, folded, ..Part::default() };
        let Some(row) = folded else {
            last.blocks = blocks;
            return vec![last];
        };
        let mut parts = Vec::new();
        for block in blocks {
            let (series, before) = (block.0.0, last.blocks.last().map(|(key, _)| key.0));
            if last.blocks.len() >= most
                && let Some(before) = before.filter(|before| *before != series)
            {
                let frontier = Some(Frontier { row, series: before });
                parts.push(Part { blocks: mem::take(&mut last.blocks), frontier, ..Part::default() });
            }
            last.blocks.push(block);
        }
        parts.push(last);
        parts
    }
}

impl Part {
    /// Writes it. Blocks of series that were deleted since are left out: their ids never come back.
    pub fn write(self, connection: &Connection) -> Result<(), StoreError> {
        // Before anything is inserted: ids of blocks come back, so a new block could get that of one which was rolled up and
        // has been deleted since, with its metric.
        for id in &self.expired {
            connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id])?;
        }
        for ((series, tier, start), block) in &self.blocks {
            put_block(connection, *series, *tier, *start, block)?;
        }
        if let Some(frontier) = self.frontier {
            frontier.put(connection)?;
        }
        if let Some(last) = self.folded {
            connection.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([last])?;
            Frontier::default().put(connection)?;
        }
        Ok(())
    }
}

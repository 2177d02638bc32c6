//! Appending to the journal: a batch of a lane, its number and what it rests on in one statement, so that all of them commit or none.

use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::lanes::{Batch, Journal, Settled};
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::journal::{self, Row};

/// What lanes write.
#[derive(Debug)]
pub struct Lanes;

/// The second it is by the clock of the database, unless a parameter says otherwise.
const NOW: &str = "coalesce(CAST(?1 AS BIGINT), CAST(floor(extract(epoch FROM now())) AS BIGINT))";

/// Rows as a statement takes them, from parameter 2 on.
const ROWS: &str =
    "unnest(CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[]), CAST(?4 AS BIGINT[]), CAST(?5 AS BYTEA[]))
    AS new (part, first_series, last_series, block)";

impl Journal for Lanes {
    fn open(&self, tx: &Tx<'_>, node: &str) -> Result<i64, StoreError> {
        let sql =
            format!("INSERT INTO lanes (node, seq, used_at) VALUES (?2, 0, {NOW}) RETURNING lane AS id");
        tx.id(&sql, params![None::<i64>, node])
    }

    fn append(&self, tx: &Tx<'_>, batch: &Batch<'_>) -> Result<bool, StoreError> {
        let Batch { lane, seq, epoch, samples, second } = *batch;
        let sql = format!(
            "WITH lane AS (
                UPDATE lanes SET seq = ?7, used_at = {NOW}
                WHERE lane = ?6 AND seq = ?7 - CAST(1 AS BIGINT) AND EXISTS (SELECT 1 FROM catalog WHERE epoch = ?8)
                RETURNING lane, seq, used_at)
            INSERT INTO journal (part, lane, seq, received_at, first_series, last_series, block)
            SELECT part, lane, seq, used_at, first_series, last_series, block FROM lane, {ROWS}"
        );
        let rows = Columns::of(journal::rows(samples, tx.parts()));
        let Columns { parts, first, last, blocks } = &rows;
        let written = tx.execute(&sql, params![second, parts, first, last, blocks, lane, seq, epoch])?;
        Ok(written > 0)
    }

    fn settle(&self, tx: &Tx<'_>, lane: i64, seq: i64) -> Result<Settled, StoreError> {
        let sql = "UPDATE lanes SET seq = CASE WHEN seq = ?2 - CAST(1 AS BIGINT) THEN ?2 + CAST(1 AS BIGINT) ELSE seq END
            WHERE lane = ?1 RETURNING seq";
        // To its end, which is that of the transaction: the row comes before the commit, and before a warning that only one machine has it.
        let found: Vec<i64> = tx.all(sql, params![lane, seq], |row| row.get("seq"))?;
        Ok(match found[..] {
            [found] if found == seq => Settled::Stored,
            [found, ..] => Settled::NotStored { last: found },
            [] => Settled::Gone,
        })
    }
}

/// Appends rows in a transaction of other things, by a lane that all share; they wait for each other.
pub fn append(tx: &Tx<'_>, rows: &[Row], received: i64) -> Result<(), StoreError> {
    let sql = "UPDATE lanes SET seq = seq + 1 WHERE lane = 0 RETURNING seq";
    let seq: Option<i64> = tx.one(sql, params![], |row| row.get("seq"))?;
    let seq = seq.ok_or_else(|| StoreError::internal("the table of lanes has none for transactions"))?;
    let sql = "INSERT INTO journal (part, lane, seq, received_at, first_series, last_series, block)
        VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6)";
    tx.many(sql, |many| {
        rows.iter()
            .try_for_each(|row| many.run(params![row.part, seq, received, row.first, row.last, row.block]))
    })
    .map(drop)
}

/// Rows column by column.
#[derive(Default)]
struct Columns {
    parts: Vec<i64>,
    first: Vec<i64>,
    last: Vec<i64>,
    blocks: Vec<Vec<u8>>,
}

impl Columns {
    fn of(rows: Vec<Row>) -> Columns {
        let mut columns = Columns::default();
        for Row { part, first, last, block } in rows {
            columns.parts.push(part);
            columns.first.push(first);
            columns.last.push(last);
            columns.blocks.push(block);
        }
        columns
    }
}

//! Following the journal: what was appended behind a cursor, and what waits in it to be compacted.

use rusqlite::{Connection, Row};

use super::origin::Origin;
use crate::serve::budget;
use crate::serve::series::points::{Cursor, Received, Tail};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::journal;
use crate::serve::tsdb::sample::Sample;

/// The one lane of a file.
pub const LANE: i64 = 0;

/// What was appended behind `after`, as much as lies in about `most` bytes.
pub fn tail(
    connection: &Connection,
    after: &Cursor,
    most: usize,
    wanted: &dyn Fn(i64) -> bool,
) -> Result<Tail, StoreError> {
    // Ids never come back, so a row that is younger than the cursor and gone has been there.
    let first = connection.prepare_cached("SELECT min(id) FROM journal")?.query_row([], |row| row.get(0))?;
    let first: i64 = match first {
        Some(first) => first,
        None => end(connection)?.last(LANE) + 1,
    };
    let after = after.last(LANE);
    let missed = first > after + 1;
    let mut tail = Tail { next: Cursor::at(LANE, after.max(first - 1)), missed, ..Tail::default() };
    let sql = "SELECT id, received_at, block FROM journal WHERE id > ?1 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([after])?;
    while tail.bytes < most
        && let Some(row) = rows.next()?
    {
        budget::proceed()?;
        let (id, at, samples) = read(row, &mut tail.bytes)?;
        tail.next = Cursor::at(LANE, id);
        let mut samples = samples.unwrap_or_default();
        samples.retain(|sample| wanted(sample.series));
        if !samples.is_empty() {
            tail.rows.push(Received { at, samples });
        }
    }
    Ok(tail)
}

/// The last row there was.
pub fn end(connection: &Connection) -> Result<Cursor, StoreError> {
    let sql = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'journal'";
    Ok(Cursor::at(LANE, connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
}

/// Goes through the rows up to `until`.
pub fn waiting(
    connection: &Connection,
    until: &Cursor,
    wanted: &dyn Fn(i64) -> bool,
    each: &mut dyn FnMut(i64, &Sample),
) -> Result<(), StoreError> {
    let sql = "SELECT id, received_at, block FROM journal WHERE id <= ?1 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([until.last(LANE)])?;
    while let Some(row) = rows.next()? {
        budget::proceed()?;
        let (_, at, samples) = read(row, &mut 0)?;
        for sample in samples.iter().flatten() {
            if wanted(sample.series) {
                each(at, sample);
            }
        }
    }
    Ok(())
}

/// The id of a row, when it was received, and its samples, unless they are damaged.
fn read(row: &Row<'_>, bytes: &mut usize) -> Result<(i64, i64, Option<Vec<Sample>>), StoreError> {
    let id = row.get("id")?;
    let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
    *bytes += packed.len();
    let samples = journal::open(packed).inspect_err(|_| damage::note(Origin::Journal.table(), id)).ok();
    Ok((id, row.get("received_at")?, samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::series::sqlite::testing;
    use crate::serve::store::sqlite::scratch;
    use crate::serve::tsdb::labels::Labels;
    use crate::serve::tsdb::sample::Stats;

    /// Whoever follows the journal reads each sample once, in order, and is told when some went past.
    #[test]
    fn the_journal_can_be_followed() {
        let connection = scratch();
        let submit = |value: f64| testing::submit(&connection, "m", 60, &[(Labels::Source(None), 60, value)]);
        let tail = |after: &Cursor, most| tail(&connection, after, most, &|_| true).unwrap();
        let values = |tail: &Tail| {
            let samples = tail.rows.iter().flat_map(|row| &row.samples);
            samples.map(|one| one.stats).collect::<Vec<_>>()
        };
        assert_eq!(tail(&Cursor::default(), 100), Tail::default());
        (1..=3).for_each(|value| submit(f64::from(value)));
        let first = tail(&Cursor::default(), 1);
        assert_eq!((values(&first), first.missed), (vec![Stats::Single(1.0)], false));
        assert_eq!(first.rows[0].at, 60);
        let rest = tail(&first.next, usize::MAX);
        assert_eq!((values(&rest), rest.missed), (vec![Stats::Single(2.0), Stats::Single(3.0)], false));
        assert_eq!(end(&connection).unwrap(), rest.next);
        let unwanted = super::tail(&connection, &first.next, usize::MAX, &|_| false).unwrap();
        assert_eq!((unwanted.rows.len(), &unwanted.next), (0, &rest.next));
        testing::compact(&connection, 60);
        let none = tail(&rest.next, usize::MAX);
        assert_eq!((values(&none), &none.next, none.missed), (vec![], &rest.next, false));
        submit(4.0);
        testing::compact(&connection, 60);
        assert!(tail(&none.next, usize::MAX).missed, "compacted before it was read");
        submit(5.0);
        let late = tail(&none.next, usize::MAX);
        assert_eq!((values(&late), late.missed), (vec![Stats::Single(5.0)], true));
        assert!(!tail(&late.next, usize::MAX).missed);
    }

    #[test]
    fn what_waits_is_what_is_in_no_page() {
        let connection = scratch();
        let submit = |now: i64, value: f64| {
            testing::submit(&connection, "m", now, &[(Labels::Source(None), 60, value)]);
        };
        submit(60, 1.0);
        testing::compact(&connection, 60);
        submit(61, 2.0);
        let until = end(&connection).unwrap();
        submit(62, 3.0);
        let mut found = Vec::new();
        let each = &mut |at: i64, sample: &Sample| found.push((at, sample.stats));
        waiting(&connection, &until, &|_| true, each).unwrap();
        assert_eq!(found, [(61, Stats::Single(2.0))]);
    }
}

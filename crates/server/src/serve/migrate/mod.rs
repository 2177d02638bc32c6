//! All of one store into another that is empty, whichever databases they are: definitions as rows, measurements window by window. Each step
//! is written together with how far it has come, so one that was broken off goes on. At the end both are read once more and compared.

mod error;
mod place;
mod table;
#[cfg(all(unix, feature = "postgres"))]
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::error::MigrateError;
use self::place::Opened;
pub use self::place::Place;
use self::table::{Mark, TABLES};
use super::series::whole;
use super::store::error::StoreError;
use super::store::tx::Tx;
use super::tsdb::tier::{TIERS, Tier, Window};

/// What was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// Rows of definitions and of what belongs to them.
    pub rows: u64,
    /// Points, of all resolutions.
    pub points: u64,
    /// Whether a migration was gone on with.
    pub resumed: bool,
    /// Whether all of it had been moved before, so that it was only compared.
    pub already: bool,
}

/// How many points a metric has in a tier, how many measurements they are of, and the sum of those.
type Totals = BTreeMap<(i64, i64), (u64, u64, f64)>;

/// Moves all of one place into another, which is empty or was left in the middle of the same, or at its end before that was said. `told`
/// hears how far it has come.
///
/// # Errors
/// Where one of them is in use or cannot be read or written, the target holds anything else, or the two are not the same in the end.
pub async fn migrate(from: &Place, to: &Place, told: impl Fn(&str)) -> Result<Moved, MigrateError> {
    let from = from.source().await?;
    let to = to.target().await?;
    let moved = moved(&from, &to, &told).await;
    // Both keep what they have acknowledged; closing a file takes its lock away.
    let closed = tokio::task::spawn_blocking(move || {
        from.store.close();
        to.store.close();
    });
    let _ = closed.await;
    moved
}

async fn moved(from: &Opened, to: &Opened, told: &impl Fn(&str)) -> Result<Moved, MigrateError> {
    let source = from.read(table::name).await?;
    if from.read(whole::has_blocks).await? {
        return Err(MigrateError::Blocks);
    }
    let begun = to
        .read(|tx| {
            let mark = Mark::of(tx)?;
            let holds = if mark.is_some() { None } else { table::holds(tx)? };
            Ok::<_, StoreError>((mark, holds, table::moved_from(tx)?))
        })
        .await?;
    let (mark, resumed) = match begun {
        (Some(mark), ..) if mark.source == source => (mark, true),
        (Some(_), ..) => return Err(MigrateError::Another),
        (None, Some(table), Some(known)) if known == source => return again(from, to, table, told).await,
        (None, Some(table), _) => return Err(MigrateError::NotEmpty(table)),
        (None, None, _) => (Mark { source, step: 0, after: 0 }, false),
    };
    let mark = rows(from, to, mark, told).await?;
    let mark = points(from, to, mark, told).await?;
    told("comparing");
    let moved = compare(from, to).await?;
    if !from.store.condition().take_noticed().is_empty() {
        return Err(MigrateError::Damaged);
    }
    to.write(move |tx| mark.end(tx)).await?;
    Ok(Moved { resumed, ..moved })
}

/// What was moved to its end may have been killed before it said so: nothing is left to do, unless the two differ by now.
async fn again(
    from: &Opened,
    to: &Opened,
    holds: &'static str,
    told: &impl Fn(&str),
) -> Result<Moved, MigrateError> {
    told("comparing with what was moved before");
    match compare(from, to).await {
        Ok(moved) => Ok(Moved { already: true, ..moved }),
        Err(MigrateError::Differs(_)) => Err(MigrateError::NotEmpty(holds)),
        Err(failed) => Err(failed),
    }
}

/// The tables, from where it was broken off.
async fn rows(
    from: &Opened,
    to: &Opened,
    mut mark: Mark,
    told: &impl Fn(&str),
) -> Result<Mark, MigrateError> {
    while let Some(table) = TABLES.get(mark.step) {
        told(table.name);
        loop {
            let after = mark.after;
            let (rows, next) = from.read(move |tx| table::rows(tx, table, after)).await?;
            let last = from.read(move |tx| last_id(tx, table)).await?;
            let ended = next.is_none();
            mark.after = next.unwrap_or(0);
            mark.step += usize::from(ended);
            let mark = mark.clone();
            to.write(move |tx| {
                table::write(tx, table, &rows)?;
                if let Some(last) = last.filter(|_| ended) {
                    tx.ids_begin_after(table.name, last)?;
                }
                mark.set(tx)
            })
            .await?;
            if ended {
                break;
            }
        }
    }
    if let Some(clock) = from.read(table::clock).await? {
        to.write(move |tx| table::set_clock(tx, &clock)).await?;
    }
    Ok(mark)
}

fn last_id(tx: &Tx<'_>, table: &table::Table) -> Result<Option<i64>, StoreError> {
    if table.has_ids() { tx.last_id(table.name).map(Some) } else { Ok(None) }
}

/// The windows of measurements, tier by tier, from where it was broken off.
async fn points(
    from: &Opened,
    to: &Opened,
    mut mark: Mark,
    told: &impl Fn(&str),
) -> Result<Mark, MigrateError> {
    let windows = from.query(whole::windows).await?;
    let place =
        |(tier, start): Window| (TABLES.len() + TIERS.iter().take_while(|t| **t != tier).count(), start);
    let (count, parts) = (windows.len(), to.store.parts());
    for (n, window) in (1..).zip(windows) {
        let (step, start) = place(window);
        // Behind the tables it begins with the first window.
        let first = mark.step == TABLES.len() && mark.after == 0;
        if !first && (step, start) <= (mark.step, mark.after) {
            continue;
        }
        told(&format!("window {n} of {count}"));
        let layers = Arc::new(from.query(move |tx| whole::read(tx, window, parts)).await?);
        (mark.step, mark.after) = (step, start);
        let mark = mark.clone();
        to.write(move |tx| {
            whole::write(tx, window, &layers)?;
            mark.set(tx)
        })
        .await?;
    }
    Ok(mark)
}

/// Counts both.
async fn compare(from: &Opened, to: &Opened) -> Result<Moved, MigrateError> {
    let mut moved = Moved::default();
    // Both have properties of their own beside those of the data.
    for table in TABLES.iter().filter(|table| table.name != "file_properties") {
        let count = async |opened: &Opened| opened.query(move |tx| table::count(tx, table)).await;
        let (there, here) = (count(from).await?, count(to).await?);
        if there != here {
            return Err(MigrateError::Differs(format!("{} has {here} rows in place of {there}", table.name)));
        }
        moved.rows += there;
    }
    let (there, here) = (totals(from).await?, totals(to).await?);
    for (key, total) in &there {
        if here.get(key) != Some(total) {
            let (resolution, metric) = key;
            let found = here.get(key).copied().unwrap_or_default();
            let why = format!("metric {metric} at {resolution} s has {found:?} in place of {total:?}");
            return Err(MigrateError::Differs(why));
        }
        moved.points += total.0;
    }
    if here.len() != there.len() {
        return Err(MigrateError::Differs("there are points of other metrics".to_owned()));
    }
    Ok(moved)
}

/// Added up in the same order in every database, or the sums would differ in their last digits.
async fn totals(opened: &Opened) -> Result<Totals, MigrateError> {
    let mut totals = Totals::new();
    for window in opened.query(whole::windows).await? {
        let before = Arc::new(totals);
        let known = Arc::clone(&before);
        totals = opened
            .query(move |tx| {
                let mut totals = Totals::clone(&known);
                let (Tier { resolution, .. }, _) = window;
                whole::each(tx, window, |_, metric, _, points| {
                    let total = totals.entry((resolution, metric)).or_default();
                    for point in points {
                        total.0 += 1;
                        total.1 += point.stats.count;
                        total.2 += point.stats.sum;
                    }
                })?;
                Ok::<_, StoreError>(totals)
            })
            .await?;
    }
    Ok(totals)
}

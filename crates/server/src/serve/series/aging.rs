//! For how long measurements are kept is said in the data themselves, so that whoever reads them knows it: how it is read, and changed by
//! whoever starts a server. What is too old by it goes later, window by window, as anything that ages.

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::retention::Retention;
use crate::serve::tsdb::tier::Tier;

/// What a page takes, about, in bytes.
const PAGE: u64 = 8_000;

/// As it is by default where nobody said anything else.
pub fn read(tx: &Tx<'_>) -> Result<Aging, StoreError> {
    let sql = "SELECT tier, kept, since FROM retention ORDER BY tier";
    let rows = tx.all(sql, params![], |row| Ok((row.get("tier")?, row.get("kept")?, row.get("since")?)))?;
    if rows.is_empty() {
        return Ok(Aging::default());
    }
    Aging::of_rows(&rows).ok_or_else(|| StoreError::internal("the table `retention` lacks a tier"))
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub before: Retention,
    pub aging: Aging,
    going: Vec<Going>,
}

/// Windows of a tier that have outlived it, and the pages in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Going {
    tier: Tier,
    windows: u64,
    pages: u64,
}

/// Keeps measurements as `wanted` from `now` on, the time by which they age. Nothing where they are kept like that already.
pub fn change(tx: &Tx<'_>, wanted: Retention, now: i64) -> Result<Option<Changed>, StoreError> {
    let before = read(tx)?;
    if before.retention == wanted {
        return Ok(None);
    }
    let aging = before.with(wanted, now);
    for (tier, kept, since) in aging.rows() {
        let sql = "INSERT INTO retention (tier, kept, since) VALUES (?1, ?2, ?3)
            ON CONFLICT (tier) DO UPDATE SET kept = excluded.kept, since = excluded.since";
        tx.execute(sql, params![tier, kept, since])?;
    }
    let (mut going, parts) = (Vec::new(), Vec::from_iter(0..tx.parts()));
    for (tier, _) in wanted.tiers() {
        let of_parts = tx.any("part", 3);
        let sql = format!(
            "SELECT count(*) AS windows, CAST(coalesce(sum(pages), 0) AS BIGINT) AS pages
            FROM (SELECT count(*) AS pages FROM pages WHERE {of_parts} AND tier = ?1 AND start < ?2 GROUP BY part, start) AS w"
        );
        let found =
            tx.one(&sql, params![tier.resolution, aging.expired_before(tier, now), parts], |row| {
                Ok((row.get::<i64>("windows")?.unsigned_abs(), row.get::<i64>("pages")?.unsigned_abs()))
            })?;
        going.extend(found.map(|(windows, pages)| Going { tier, windows, pages }));
    }
    going.retain(|going| going.windows > 0);
    Ok(Some(Changed { before: before.retention, aging, going }))
}

impl Changed {
    /// How many windows of which resolution have outlived their tier.
    #[cfg(test)]
    pub fn windows(&self) -> Vec<(i64, u64)> {
        self.going.iter().map(|going| (going.tier.resolution, going.windows)).collect()
    }

    /// Says it, and what goes because of it.
    pub fn tell(&self) {
        let (before, now) = (self.before, self.aging.retention);
        tracing::warn!(target: "librato_apply::serve", "measurements are kept for {now} from now on, and were for {before}");
        for Going { tier, windows, pages } in &self.going {
            let (s, megabytes) = (if *windows == 1 { "" } else { "s" }, (pages * PAGE).div_ceil(1_000_000));
            let what = match tier.next() {
                Some(next) => format!("rolled up to {} s", next.resolution),
                None => "dropped".to_owned(),
            };
            tracing::warn!(target: "librato_apply::serve", "{windows} window{s} of {} s, about {megabytes} MB, will be {what}, one after the other while everything goes on", tier.resolution);
        }
    }
}

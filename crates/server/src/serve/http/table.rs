//! What servers of the same data tell each other of those who ask: how much of a minute a user has used, and which credentials were wrong.

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// What was taken of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// So many measurements.
    pub size: u64,
    /// What all servers have taken now.
    pub used: u64,
}

/// Takes a slice of a minute for so many measurements, larger than `wanted` as long as there is enough for others; of no size where not
/// so many are left.
pub fn reserve(
    tx: &Tx<'_>,
    account: &[u8; 32],
    minute: i64,
    wanted: u64,
    limit: u64,
) -> Result<Slice, StoreError> {
    let sql = "SELECT used FROM rates WHERE account = ?1 AND minute = ?2";
    let known: Option<i64> = tx.one(sql, params![account, minute], |row| row.get("used"))?;
    let used = known.unwrap_or(0).max(0).unsigned_abs();
    let Some(size) = slice(used, wanted, limit) else { return Ok(Slice { size: 0, used }) };
    let used = used + size;
    let write = "INSERT INTO rates (account, minute, used) VALUES (?1, ?2, ?3)
        ON CONFLICT (account, minute) DO UPDATE SET used = excluded.used";
    tx.execute(write, params![account, minute, i64::try_from(used).unwrap_or(i64::MAX)])?;
    Ok(Slice { size, used })
}

/// How much to take of what is left.
fn slice(used: u64, wanted: u64, limit: u64) -> Option<u64> {
    /// A slice is this part of the limit.
    const PART: u64 = 50;
    let left = limit.saturating_sub(used);
    let slice = wanted.max(limit / PART);
    if slice <= left { Some(slice) } else { (wanted <= left).then_some(wanted) }
}

/// What all servers were given that was wrong, in the last minute.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// By everybody.
    pub all: u64,
    /// From this address.
    pub of_address: u64,
    /// Digests of what was different among those.
    pub different: Vec<Vec<u8>>,
}

/// Notes that credentials were wrong, and what else was from that address. `most` digests at the most are told apart.
pub fn fail(
    tx: &Tx<'_>,
    address: &str,
    sent: &[u8; 32],
    now: i64,
    most: i64,
) -> Result<Failures, StoreError> {
    let note = "INSERT INTO login_failures (failed_at, address, sent) VALUES (?1, ?2, ?3)";
    tx.execute(note, params![now, address, sent])?;
    let count = "SELECT COUNT(*) AS everybody, COUNT(CASE WHEN address = ?2 THEN 1 END) AS here
        FROM login_failures WHERE failed_at > ?1";
    let since = now - 60;
    let counts = tx.one(count, params![since, address], |row| {
        Ok((row.get::<i64>("everybody")?.unsigned_abs(), row.get::<i64>("here")?.unsigned_abs()))
    })?;
    let different = "SELECT DISTINCT sent FROM login_failures WHERE failed_at > ?1 AND address = ?2 LIMIT ?3";
    let different = tx.all(different, params![since, address, most], |row| row.get("sent"))?;
    let (all, of_address) = counts.unwrap_or_default();
    Ok(Failures { all, of_address, different })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_exact_near_the_end() {
        assert_eq!(slice(0, 1, 1000), Some(20));
        assert_eq!(slice(0, 300, 1000), Some(300));
        assert_eq!(slice(980, 1, 1000), Some(20));
        assert_eq!(slice(981, 1, 1000), Some(1));
        assert_eq!((slice(999, 1, 1000), slice(999, 2, 1000), slice(1000, 1, 1000)), (Some(1), None, None));
        assert_eq!((slice(0, 1, 10), slice(0, 0, 0), slice(5, 1, 3)), (Some(1), Some(0), None));
    }
}

//! What is kept for a time only, as in SQLite (`series/sqlite/history.rs`): keys of requests, the audit, the history of alerts. One server at a
//! time looks at it, in the transaction in which it takes its turn. Deletes no incident that is open and no delivery that may yet be sent.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

const DAY: i64 = 86_400;

/// How long what was muted keeps what it says, in seconds.
const MUTED: i64 = 7 * DAY;

/// Rows that are looked at in one transaction.
const TOGETHER: i64 = 1_000;

/// What a row takes beside its texts, in bytes.
const EACH: i64 = 300;

/// What is left of a text in a summary, in characters.
const LEFT: usize = 100;

/// Takes the turn unless another server has had it less than `every` milliseconds ago, or has it now. The clocks of servers differ: a turn
/// that ends later than it can is none.
pub fn take_turn(tx: &Tx<'_>, wall: i64, every: i64) -> Result<bool, StoreError> {
    let make = "INSERT INTO leases (name, token, until, waiting) VALUES ('sweep', 0, 0, 0) ON CONFLICT (name) DO NOTHING";
    tx.execute(make, params![])?;
    let free = "SELECT token FROM leases WHERE name = 'sweep' AND (until <= ?1 OR until > ?2) FOR UPDATE SKIP LOCKED";
    let until = wall.saturating_add(every);
    if !tx.exists(free, params![wall, until])? {
        return Ok(false);
    }
    tx.execute("UPDATE leases SET until = ?1, token = token + 1 WHERE name = 'sweep'", params![until])?;
    Ok(true)
}

/// Deletes what is too old, and shrinks what deliveries that are done said to a summary.
pub fn forget_old(tx: &Tx<'_>, now: i64) -> Result<(), StoreError> {
    let old = [
        ("DELETE FROM idempotency_keys WHERE made_at < ?1", now - DAY),
        ("DELETE FROM audit WHERE made_at < ?1", now - 90 * DAY),
        ("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1", 100_000),
        ("DELETE FROM incidents WHERE closed < ?1", now - 90 * DAY),
        ("DELETE FROM silences WHERE ends < ?1", now - 90 * DAY),
        ("DELETE FROM deliveries WHERE ended_at < ?1", now - 30 * DAY),
        ("DELETE FROM login_failures WHERE failed_at < ?1", now - 3600),
        ("DELETE FROM rates WHERE minute < ?1", now / 60 - 60),
        ("DELETE FROM commits WHERE made_at < ?1", now - 3600),
        ("DELETE FROM nodes WHERE seen / 1000 < ?1", now - DAY),
    ];
    old.iter().try_for_each(|(sql, before)| tx.execute(sql, params![*before]).map(drop))?;
    shrink(tx, now)
}

fn shrink(tx: &Tx<'_>, now: i64) -> Result<(), StoreError> {
    let sql = "SELECT id, payload FROM deliveries WHERE ended_at IS NOT NULL AND octet_length(payload) > 1000
        AND (status <> 'muted' OR ended_at < ?1) ORDER BY id LIMIT ?2";
    let mut summaries: Vec<(i64, String)> = Vec::new();
    tx.each(sql, params![now - MUTED, TOGETHER], |row| {
        // What cannot be read stays as it is, for whoever examines the data.
        if let Ok(payload) = serde_json::from_str(row.get("payload")?) {
            summaries.push((row.get("id")?, summary(&payload).to_string()));
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    if summaries.is_empty() {
        return Ok(());
    }
    tx.many("UPDATE deliveries SET payload = ?2 WHERE id = ?1", |many| {
        summaries.iter().try_for_each(|(id, summary)| many.run(params![id, summary]))
    })
    .map(drop)
}

fn summary(payload: &Value) -> Value {
    let cut = |text: &Value| text.as_str().map(|text| text.chars().take(LEFT).collect::<String>());
    let trigger = &payload["what"]["trigger"];
    let first = &trigger["violations"][0];
    json!({
        "account": cut(&payload["account"]),
        "violations": trigger["violations"].as_array().map(Vec::len),
        "truncated": trigger["truncated"],
        "stream": cut(&first["stream"]),
        "value": first["value"],
    })
}

/// Deletes incidents and deliveries that have ended, the oldest ends first, until what is left takes `most` bytes. How many.
pub fn bound(tx: &Tx<'_>, most: u64) -> Result<u64, StoreError> {
    let taken = format!(
        "SELECT CAST((SELECT coalesce(sum(octet_length(snapshot) + {EACH}), 0) FROM incidents)
            + (SELECT coalesce(sum(octet_length(payload) + {EACH}), 0) FROM deliveries) AS BIGINT) AS taken"
    );
    let taken: i64 = tx.one(&taken, params![], |row| row.get("taken"))?.unwrap_or(0);
    let mut excess = taken.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX));
    if excess <= 0 {
        return Ok(0);
    }
    let ended = format!(
        "SELECT CAST(0 AS BIGINT) AS kind, id, CAST(octet_length(snapshot) + {EACH} AS BIGINT) AS bytes, closed AS ended
            FROM incidents WHERE closed IS NOT NULL
        UNION ALL SELECT 1, id, octet_length(payload) + {EACH}, ended_at FROM deliveries WHERE ended_at IS NOT NULL
        ORDER BY ended, kind, id LIMIT {TOGETHER}"
    );
    let rows: Vec<(i64, i64, i64)> =
        tx.all(&ended, params![], |row| Ok((row.get("kind")?, row.get("id")?, row.get("bytes")?)))?;
    let (mut incidents, mut deliveries) = (Vec::new(), Vec::new());
    for (kind, id, bytes) in rows {
        if excess <= 0 {
            break;
        }
        if kind == 0 {
            incidents.push(id);
        } else {
            deliveries.push(id);
        }
        excess -= bytes;
    }
    for (table, ids) in [("incidents", &incidents), ("deliveries", &deliveries)] {
        tx.execute(&format!("DELETE FROM {table} WHERE {}", tx.any("id", 1)), params![ids])?;
    }
    Ok((incidents.len() + deliveries.len()) as u64)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::serve::Opening;
    use crate::serve::store::Store;
    use crate::serve::store::postgres::tests::{another, store_with};

    const NOW: i64 = 1_700_000_000;

    fn sql(store: &Store, sql: &str) {
        store.apart(|tx| tx.execute(sql, params![])).unwrap();
    }

    fn incident(store: &Store, key: &str, closed: Option<i64>, bytes: usize) {
        let sql = "INSERT INTO incidents (key, alert_id, alert, opened, closed, silent, snapshot)
            VALUES (?1, 1, 'a', 0, ?2, 0, ?3)";
        let text = json!({ "x": "y".repeat(bytes) }).to_string();
        store.apart(|tx| tx.execute(sql, params![key, closed, text])).unwrap();
    }

    fn delivery(store: &Store, key: &str, status: &str, ended: Option<i64>, payload: &str) {
        let sql = "INSERT INTO deliveries (key, seq, alert_id, alert, service_id, service_type, service_title, kind,
            at, created_at, next_at, attempts, ended_at, status, in_doubt, rest, payload)
            VALUES (?1, 0, 1, 'a', 1, 'mail', 't', 'trigger', 0, 0, 0, 0, ?2, ?3, 0, '[]', ?4)";
        store.apart(|tx| tx.execute(sql, params![key, ended, status, payload])).unwrap();
    }

    fn keys(store: &Store, table: &str) -> Vec<String> {
        let sql = format!("SELECT key FROM {table} ORDER BY key");
        store.apart(|tx| tx.all(&sql, params![], |row| row.get("key"))).unwrap()
    }

    #[test]
    fn what_is_over_goes_after_its_time_and_nothing_else() {
        let Some((store, _)) = store_with(Opening::default()) else { return };
        store.rest();
        for (key, closed) in [("a", None), ("b", Some(NOW - 90 * DAY)), ("c", Some(NOW - 90 * DAY - 1))] {
            incident(&store, key, closed, 0);
        }
        for (key, status, ended) in [
            ("a", "waiting", None),
            ("b", "sent", Some(NOW - 30 * DAY)),
            ("c", "failed", Some(NOW - 30 * DAY - 1)),
        ] {
            delivery(&store, key, status, ended, "{}");
        }
        sql(&store, "INSERT INTO rates (account, minute, used) VALUES ('a', 1, 1)");
        store.apart(|tx| forget_old(tx, NOW)).unwrap();
        assert_eq!(
            (keys(&store, "incidents"), keys(&store, "deliveries")),
            (vec!["a".to_owned(), "b".to_owned()], vec!["a".to_owned(), "b".to_owned()])
        );
        assert!(!store.apart(|tx| tx.exists("SELECT 1 FROM rates", params![])).unwrap());
    }

    #[test]
    fn what_was_said_shrinks_when_it_is_done_and_what_cannot_be_read_stays() {
        let Some((store, _)) = store_with(Opening::default()) else { return };
        store.rest();
        let violation = json!({ "stream": "ü".repeat(3_000), "value": 12.5 });
        let trigger = json!({ "violations": vec![violation; 5], "truncated": 7, "again": false });
        let payload = json!({ "account": "o".repeat(400), "what": { "trigger": trigger } }).to_string();
        let broken = "x".repeat(2_000);
        for (key, status, ended, text) in [
            ("a", "waiting", None, &payload),
            ("b", "sent", Some(NOW), &payload),
            ("c", "muted", Some(NOW), &payload),
            ("d", "sent", Some(NOW), &broken),
        ] {
            delivery(&store, key, status, ended, text);
        }
        store.apart(|tx| forget_old(tx, NOW)).unwrap();
        let kept: Vec<String> = store
            .apart(|tx| {
                tx.all("SELECT payload FROM deliveries ORDER BY key", params![], |row| row.get("payload"))
            })
            .unwrap();
        assert_eq!((&kept[0], &kept[2], &kept[3]), (&payload, &payload, &broken));
        assert!(kept[1].len() <= 1_000, "{}", kept[1].len());
        let shrunk: Value = serde_json::from_str(&kept[1]).unwrap();
        assert_eq!((&shrunk["violations"], &shrunk["truncated"]), (&json!(5), &json!(7)));
        assert_eq!((&shrunk["stream"], &shrunk["value"]), (&json!("ü".repeat(100)), &json!(12.5)));
    }

    #[test]
    fn the_oldest_ends_go_first_when_there_is_too_much() {
        let Some((store, _)) = store_with(Opening::default()) else { return };
        store.rest();
        for n in 0..10 {
            incident(&store, &format!("i{n}"), (n > 0).then_some(100 + n), 1_000);
            delivery(&store, &format!("d{n}"), "sent", Some(105 + n), &"y".repeat(1_000));
        }
        let gone = store.apart(|tx| bound(tx, 20_000)).unwrap();
        let left = (keys(&store, "incidents"), keys(&store, "deliveries"));
        assert_eq!(gone as usize, 20 - left.0.len() - left.1.len());
        assert!(left.0.contains(&"i0".to_owned()), "it is open");
        assert!(!left.0.contains(&"i1".to_owned()) && left.1.contains(&"d9".to_owned()), "{left:?}");
        assert_eq!(store.apart(|tx| bound(tx, 20_000)).unwrap(), 0);
    }

    #[test]
    fn one_server_has_the_turn_and_a_wrong_clock_keeps_nobody_from_the_next() {
        let Some((store, address)) = store_with(Opening::default()) else { return };
        let other = another(&address);
        store.rest();
        other.rest();
        sql(&store, "UPDATE leases SET until = 0");
        let takes = |store: &Store, wall: i64| store.apart(|tx| take_turn(tx, wall, 5_000)).unwrap();
        assert!(takes(&store, 100_000) && !takes(&other, 100_000) && !takes(&store, 104_999));
        assert!(takes(&other, 105_000));
        assert!(takes(&store, 900_000), "its clock is ahead");
        assert!(takes(&other, 106_000), "what it took ends later than any turn does");
    }
}

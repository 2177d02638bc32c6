//! What is kept for a time only: keys of requests, the audit, and the history of alerts, which is bounded in bytes as well. By the time
//! that is believed, as measurements age. Deletes no incident that is open and no delivery that may yet be sent.

use rusqlite::{Connection, params};

const DAY: i64 = 86_400;

/// Days for which the audit is kept, and how many of its newest entries.
const AUDITED_DAYS: i64 = 90;
const AUDITED: i64 = 100_000;

/// Days for which incidents and silences are kept after their end, and deliveries.
const INCIDENT_DAYS: i64 = 90;
const DELIVERY_DAYS: i64 = 30;

/// How long what was muted keeps what it says.
const MUTED_DAYS: i64 = 7;

/// Rows that are looked at in one transaction.
const TOGETHER: i64 = 10_000;

/// What a row takes beside its texts.
const EACH: i64 = 300;

/// Deletes what is too old, and shrinks what deliveries that are done said to a summary.
pub fn forget_old(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    let old = |sql: &str, before: i64| connection.prepare_cached(sql)?.execute([before]);
    old("DELETE FROM idempotency_keys WHERE made_at < ?1", now - DAY)?;
    old("DELETE FROM audit WHERE made_at < ?1", now - AUDITED_DAYS * DAY)?;
    old("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1", AUDITED)?;
    old("DELETE FROM incidents WHERE closed < ?1", now - INCIDENT_DAYS * DAY)?;
    old("DELETE FROM silences WHERE ends < ?1", now - INCIDENT_DAYS * DAY)?;
    old("DELETE FROM deliveries WHERE ended_at < ?1", now - DELIVERY_DAYS * DAY)?;
    // As `deliveries_to_shrink` has it: those that are left find nothing. What was muted may go yet.
    let shrink = "UPDATE deliveries SET payload = json_object(
            'account', substr(json_extract(payload, '$.account'), 1, 100),
            'violations', json_array_length(payload, '$.what.trigger.violations'),
            'truncated', json_extract(payload, '$.what.trigger.truncated'),
            'stream', substr(json_extract(payload, '$.what.trigger.violations[0].stream'), 1, 100),
            'value', json_extract(payload, '$.what.trigger.violations[0].value'))
        WHERE id IN (SELECT id FROM deliveries
            WHERE ended_at IS NOT NULL AND length(payload) > 1000 AND json_valid(payload)
            AND (status <> 'muted' OR ended_at < ?2) LIMIT ?1)";
    connection.prepare_cached(shrink)?.execute([TOGETHER, now - MUTED_DAYS * DAY])?;
    Ok(())
}

/// Deletes incidents and deliveries that have ended, the oldest ends first, until what is left takes `most` bytes. How many.
pub fn bound(connection: &Connection, most: u64) -> rusqlite::Result<u64> {
    let taken = format!(
        "SELECT (SELECT coalesce(sum(octet_length(snapshot) + {EACH}), 0) FROM incidents)
            + (SELECT coalesce(sum(octet_length(payload) + {EACH}), 0) FROM deliveries)"
    );
    let taken: i64 = connection.query_row(&taken, [], |row| row.get(0))?;
    let mut excess = taken.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX));
    if excess <= 0 {
        return Ok(0);
    }
    let ended = format!(
        "SELECT 0 AS kind, id, octet_length(snapshot) + {EACH} AS bytes, closed AS ended FROM incidents
            WHERE closed IS NOT NULL
        UNION ALL SELECT 1, id, octet_length(payload) + {EACH}, ended_at FROM deliveries WHERE ended_at IS NOT NULL
        ORDER BY ended, kind, id LIMIT {TOGETHER}"
    );
    let mut select = connection.prepare(&ended)?;
    let rows = select
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let mut gone = 0;
    for (kind, id, bytes) in rows {
        if excess <= 0 {
            break;
        }
        let table = if kind == 0 { "incidents" } else { "deliveries" };
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?.execute(params![id])?;
        (excess, gone) = (excess - bytes, gone + 1);
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::serve::store::sqlite::{Scratch, scratch};

    const NOW: i64 = 1_700_000_000;

    fn incident(scratch: &Scratch, key: &str, closed: Option<i64>, bytes: usize) {
        let sql = "INSERT INTO incidents (key, alert_id, alert, opened, closed, silent, snapshot)
            VALUES (?1, 1, 'a', 0, ?2, 0, ?3)";
        scratch.execute(sql, params![key, closed, json!({ "x": "y".repeat(bytes) }).to_string()]).unwrap();
    }

    fn delivery(scratch: &Scratch, key: &str, status: &str, ended: Option<i64>, payload: &Value) {
        let sql = "INSERT INTO deliveries (key, seq, alert_id, alert, service_id, service_type, service_title, kind,
            at, created_at, next_at, attempts, ended_at, status, in_doubt, rest, payload)
            VALUES (?1, 0, 1, 'a', 1, 'mail', 't', 'trigger', 0, 0, 0, 0, ?2, ?3, 0, '[]', ?4)";
        scratch.execute(sql, params![key, ended, status, payload.to_string()]).unwrap();
    }

    fn keys(scratch: &Scratch, table: &str) -> Vec<String> {
        let mut select = scratch.prepare(&format!("SELECT key FROM {table} ORDER BY key")).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn what_is_over_goes_after_its_time_and_nothing_else() {
        let scratch = scratch();
        for (key, closed) in [("a", None), ("b", Some(NOW - 90 * DAY)), ("c", Some(NOW - 90 * DAY - 1))] {
            incident(&scratch, key, closed, 0);
        }
        for (key, status, ended) in [
            ("a", "waiting", None),
            ("b", "held", None),
            ("c", "sent", Some(NOW - 30 * DAY)),
            ("d", "failed", Some(NOW - 30 * DAY - 1)),
        ] {
            delivery(&scratch, key, status, ended, &json!({}));
        }
        for (alert, ends) in [("a", NOW - 90 * DAY), ("b", NOW - 90 * DAY - 1)] {
            let sql = "INSERT INTO silences (alert, stream, starts, ends, made_by, why, created_at)
                VALUES (?1, '*', 0, ?2, 'u', 'w', 0)";
            scratch.execute(sql, params![alert, ends]).unwrap();
        }
        forget_old(&scratch, NOW).unwrap();
        assert_eq!(keys(&scratch, "incidents"), ["a", "b"]);
        assert_eq!(keys(&scratch, "deliveries"), ["a", "b", "c"]);
        let left: i64 = scratch.query_row("SELECT count(*) FROM silences", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 1);
    }

    #[test]
    fn what_was_said_shrinks_when_it_is_done() {
        let violation = json!({ "stream": "ü".repeat(3_000), "value": 12.5 });
        let trigger = json!({ "violations": vec![violation; 5], "truncated": 7, "again": false });
        let payload = json!({ "key": "k", "account": "o".repeat(400), "what": { "trigger": trigger } });
        let clear = json!({ "what": { "clear": { "how": "auto" } }, "conditions": ["x".repeat(2_000)] });
        let scratch = scratch();
        delivery(&scratch, "a", "waiting", None, &payload);
        delivery(&scratch, "b", "sent", Some(NOW), &payload);
        delivery(&scratch, "c", "sent", Some(NOW), &clear);
        delivery(&scratch, "d", "sent", Some(NOW), &json!({ "small": 1 }));
        forget_old(&scratch, NOW).unwrap();
        let kept = |key: &str| -> Value {
            let sql = "SELECT payload FROM deliveries WHERE key = ?1";
            let text: String = scratch.query_row(sql, [key], |row| row.get(0)).unwrap();
            assert!(key == "a" || text.len() <= 1_000, "{}", text.len());
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!((kept("a"), kept("d")), (payload, json!({ "small": 1 })));
        let shrunk = kept("b");
        assert_eq!((&shrunk["violations"], &shrunk["truncated"]), (&json!(5), &json!(7)));
        assert_eq!((&shrunk["stream"], &shrunk["value"]), (&json!("ü".repeat(100)), &json!(12.5)));
        assert_eq!(kept("c")["stream"], Value::Null);
    }

    #[test]
    fn the_oldest_ends_go_first_when_there_is_too_much() {
        let scratch = scratch();
        for n in 0..10 {
            incident(&scratch, &format!("i{n}"), (n > 0).then_some(100 + n), 1_000);
            delivery(&scratch, &format!("d{n}"), "sent", Some(105 + n), &json!({ "x": "y".repeat(1_000) }));
        }
        assert_eq!(bound(&scratch, 1_000_000).unwrap(), 0);
        assert_eq!(bound(&scratch, 13 * 1_308).unwrap(), 7);
        // i1 to i5 end before d0, with which i5 ends.
        assert_eq!(keys(&scratch, "incidents"), ["i0", "i7", "i8", "i9"]);
        assert_eq!(keys(&scratch, "deliveries").len(), 9);
        bound(&scratch, 0).unwrap();
        assert_eq!(keys(&scratch, "incidents"), ["i0"], "what is open stays");
    }
}

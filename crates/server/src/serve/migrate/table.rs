//! The tables of definitions and what belongs to them, as rows that go from one database to another: with their ids, in an order in which
//! what is referred to comes first. How far that has come is written beside the rows.

use std::fmt;
use std::ops::ControlFlow;

use crate::serve::store::MIGRATING;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Held, Param, Tx, params};

/// Rows that are moved in one transaction.
const TOGETHER: usize = 1000;

/// A table.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    columns: &'static str,
    /// What its rows are read in the order of. The first column alone, if it tells them apart.
    order: &'static str,
}

/// With ids.
const fn ids(name: &'static str, columns: &'static str) -> Table {
    Table { name, columns, order: "id" }
}

/// All that are moved.
pub static TABLES: [Table; 28] = [
    ids(
        "metrics",
        "id, key, name, type, display_name, description, period, source_lag, composite, attributes",
    ),
    ids("sources", "id, key, name, display_name"),
    ids("streams", "id, key, name, display_name"),
    ids("events", "id, stream_id, title, description, source, start_time, end_time, links"),
    ids("services", "id, key, type, title, settings, updated_at"),
    ids(
        "alerts",
        "id, key, name, description, attributes, active, rearm_seconds, rearm_per_signal, md, created_at, updated_at, revision, incidents",
    ),
    ids(
        "conditions",
        "id, alert_id, position, type, metric_name, source, tags, threshold, summary_function, duration, detect_reset, since",
    ),
    Table {
        name: "alert_services",
        columns: "alert_id, service_id, position",
        order: "alert_id, service_id",
    },
    ids("spaces", "id, key, name, tags"),
    ids("charts", "id, space_id, body"),
    ids("instruments", "id, name, attributes, updated_at"),
    ids("streams_of_charts", "id, chart_id, instrument_id, body"),
    ids("dashboards", "id, key, name"),
    Table {
        name: "dashboard_instruments",
        columns: "dashboard_id, position, instrument_id",
        order: "dashboard_id, position",
    },
    ids("chart_tokens", "id, token, entity_type, entity_id"),
    ids("jobs", "id, state, output"),
    ids("snapshots", "id, job_id, subject, duration, end_time, created_at, updated_at"),
    Table { name: "pictures", columns: "snapshot_id, key, made_at, bytes, png", order: "snapshot_id" },
    ids("api_tokens", "id, key, name, token, digest, active, role, created_at, updated_at"),
    ids("idempotency_keys", "id, account, path, request_key, digest, object_id, made_at"),
    ids(
        "audit",
        "id, made_at, made_by, address, kind, object_id, name, key, action, before_change, after_change",
    ),
    ids("alert_states", "id, alert_id, page, pages, through, body"),
    ids(
        "incidents",
        "id, key, alert_id, alert, stream, opened, triggered, closed, how, silent, event_id, snapshot",
    ),
    ids(
        "deliveries",
        "id, key, seq, alert_id, alert, service_id, service_type, service_title, kind, at, created_at, next_at, attempts, first_at, \
         last_at, ended_at, status, in_doubt, digest, detail, rest, payload",
    ),
    ids("silences", "id, alert, stream, starts, ends, made_by, why, created_at, ended_at"),
    ids("series", "id, metric_id, dialect, key, labels, checksum"),
    Table { name: "retention", columns: "tier, kept, since", order: "tier" },
    // Of both databases the same is kept; those of the target were made with it.
    Table { name: "file_properties", columns: "key, value", order: "key" },
];

impl Table {
    pub fn has_ids(&self) -> bool {
        self.order == "id"
    }

    /// Rows that come with the tables.
    fn is_filled_when_made(&self) -> bool {
        self.name == "file_properties"
    }

    fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.split(", ")
    }
}

/// A row, by its columns.
pub type Row = Vec<Held>;

/// Some rows of a table behind a place, and the place behind them; none where there are no more.
pub fn rows(tx: &Tx<'_>, table: &Table, after: i64) -> Result<(Vec<Row>, Option<i64>), StoreError> {
    let Table { name, columns, order } = table;
    let place = if table.has_ids() { "WHERE id > ?1" } else { "" };
    let offset = if table.has_ids() { "" } else { "OFFSET ?1" };
    let sql = format!("SELECT {columns} FROM {name} {place} ORDER BY {order} LIMIT {TOGETHER} {offset}");
    let mut found = Vec::new();
    let mut next = after;
    tx.each(&sql, params![after], |row| {
        let values = table.columns().map(|column| row.get::<Held>(column));
        found.push(values.collect::<Result<Row, _>>()?);
        next = if table.has_ids() { row.get("id")? } else { next + 1 };
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    let more = (found.len() == TOGETHER).then_some(next);
    Ok((found, more))
}

/// Writes rows as they are.
pub fn write(tx: &Tx<'_>, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
    let Table { name, columns, order } = table;
    let places: Vec<String> = table.columns().enumerate().map(|(at, _)| format!("?{}", at + 1)).collect();
    let taken = if table.is_filled_when_made() {
        format!("ON CONFLICT ({order}) DO UPDATE SET value = excluded.value")
    } else {
        String::new()
    };
    let sql = format!("INSERT INTO {name} ({columns}) VALUES ({}) {taken}", places.join(", "));
    let is_own = |row: &&Row| matches!(row.first(), Some(Held::Text(key)) if table.is_filled_when_made() && OWN.contains(&key.as_str()));
    tx.many(&sql, |many| {
        rows.iter().filter(|row| !is_own(row)).try_for_each(|row| {
            let params: Vec<&dyn Param> = row.iter().map(|value| value as &dyn Param).collect();
            many.run(&params)
        })
    })
    .map(drop)
}

/// Properties that are not of the data, but of where they lie.
const OWN: [&str; 4] = ["opened_by", "copied_at", MIGRATING, MOVED_FROM];

/// How many rows it has.
pub fn count(tx: &Tx<'_>, table: &Table) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) AS n FROM {}", table.name);
    let count: Option<i64> = tx.one(&sql, params![], |row| row.get("n"))?;
    Ok(count.unwrap_or(0).unsigned_abs())
}

/// The first table that holds anything, where there is one: such a database is no target.
pub fn holds(tx: &Tx<'_>) -> Result<Option<&'static str>, StoreError> {
    for table in TABLES.iter().filter(|table| !table.is_filled_when_made()) {
        if tx.exists(&format!("SELECT 1 FROM {} LIMIT 1", table.name), params![])? {
            return Ok(Some(table.name));
        }
    }
    for name in ["journal", "pages"] {
        if tx.exists(&format!("SELECT 1 FROM {name} LIMIT 1"), params![])? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether measurements wait in the journal.
pub fn has_journal(tx: &Tx<'_>) -> Result<bool, StoreError> {
    tx.exists("SELECT 1 FROM journal LIMIT 1", params![])
}

/// How far alerts had been evaluated, and whether notifications are held back.
pub type Clock = (Held, Held, Held, Held);

/// Groups of alerts may be of different times, and the target may have others: of the oldest nothing is skipped.
pub fn clock(tx: &Tx<'_>) -> Result<Option<Clock>, StoreError> {
    let sql = "SELECT min(file) AS file, min(clock) AS clock, min(wall) AS wall, max(held) AS held
        FROM alert_clock HAVING count(*) > 0";
    tx.one(sql, params![], |row| {
        Ok((row.get("file")?, row.get("clock")?, row.get("wall")?, row.get("held")?))
    })
}

/// Sets the clocks of all groups.
pub fn set_clock(tx: &Tx<'_>, (file, clock, wall, held): &Clock) -> Result<(), StoreError> {
    let sql = "UPDATE alert_clock SET file = ?1, clock = ?2, wall = ?3, held = ?4";
    tx.execute(sql, params![file, clock, wall, held]).map(drop)
}

/// How far a migration has come, as the target says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What the source is called, so that no other one goes on with it.
    pub source: String,
    /// Which step is under way, and the place in it behind which nothing was moved yet.
    pub step: usize,
    pub after: i64,
}

/// What the target was moved from to the end, as that was called.
const MOVED_FROM: &str = "moved_from";

/// What all of it was moved from, if it ever was.
pub fn moved_from(tx: &Tx<'_>) -> Result<Option<String>, StoreError> {
    property(tx, MOVED_FROM)
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.source, self.step, self.after)
    }
}

impl Mark {
    fn read(text: &str) -> Option<Mark> {
        let mut words = text.split(' ');
        let mut next = || words.next();
        Some(Mark { source: next()?.to_owned(), step: next()?.parse().ok()?, after: next()?.parse().ok()? })
    }

    pub fn of(tx: &Tx<'_>) -> Result<Option<Mark>, StoreError> {
        let text = property(tx, MIGRATING)?;
        let read = |text: String| {
            Mark::read(&text).ok_or_else(|| StoreError::internal("how far it has come cannot be read"))
        };
        text.map(read).transpose()
    }

    pub fn set(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        set_property(tx, MIGRATING, &self.to_string())
    }

    /// It is done.
    pub fn end(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        tx.execute("DELETE FROM file_properties WHERE key = ?1", params![MIGRATING])?;
        set_property(tx, MOVED_FROM, &self.source)
    }
}

/// What tells a database from others.
pub fn name(tx: &Tx<'_>) -> Result<String, StoreError> {
    property(tx, "tag_key")?.ok_or_else(|| StoreError::internal("the data have no key for tags"))
}

fn property(tx: &Tx<'_>, key: &str) -> Result<Option<String>, StoreError> {
    tx.one("SELECT value FROM file_properties WHERE key = ?1", params![key], |row| row.get("value"))
}

fn set_property(tx: &Tx<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO file_properties (key, value) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, params![key, value]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_has_come_is_read_as_it_was_written() {
        let mark = Mark { source: "AB12".to_owned(), step: 3, after: i64::MIN };
        assert_eq!(Mark::read(&mark.to_string()), Some(mark));
        assert_eq!(Mark::read("AB12 3"), None);
    }

    /// Tables of a file that are not moved as they are.
    const OTHERS: [&str; 7] =
        ["alert_clock", "blocks", "damaged", "journal", "metrics_gone", "pages", "parts"];

    #[test]
    fn every_column_of_a_file_is_moved() {
        use crate::serve::store::sqlite::schema;

        let connection = rusqlite::Connection::open_in_memory().unwrap();
        schema::build(&connection, schema::CURRENT).unwrap();
        let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite@_%' ESCAPE '@'";
        let mut select = connection.prepare(sql).unwrap();
        let columns = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let mut found: Vec<(String, String)> = columns.map(Result::unwrap).collect();
        found.retain(|(table, _)| !OTHERS.contains(&table.as_str()));
        let mut moved: Vec<(String, String)> = TABLES
            .iter()
            .flat_map(|table| table.columns().map(|column| (table.name.to_owned(), column.to_owned())))
            .collect();
        found.sort();
        moved.sort();
        assert_eq!(found, moved);
    }
}

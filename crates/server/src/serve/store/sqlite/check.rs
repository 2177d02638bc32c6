//! The examination of a data file: is it whole, is its schema the right one, can everything in it be read?
//! Reads only; repairs nothing.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::column::JSON;
use super::contents::Examination;
use super::file::DataFile;
use super::open::identify;
use super::open_error::OpenError;
use super::properties::OPENED_BY;
use super::reading;
use super::report::{MAX_REPORTED, Report};
use super::schema::{self, WITH_PROPERTIES};
use super::unclean;

/// Examines the data file at `path`: SQLite's own check, the schema, references between tables, and whether every
/// JSON text and every block of measurements can be read. Blocks for as long as reading the whole file takes.
///
/// # Errors
/// When it cannot be examined: it does not exist or cannot be read, a server has it open, or it is not a data file.
pub fn check(path: &Path, examinations: &[Examination]) -> Result<Report, OpenError> {
    let file = DataFile::examine(path)?;
    let path = file.path().to_owned();
    let beside = unclean::look(&path)?;
    let connection = reading::still(&file)?;
    let schema = identify(&connection, &path)?;
    let mut report = Report::new(path, schema);
    if beside.lost_commits > 0 {
        report.problem(unclean::told_lost(beside.lost_commits));
    }
    let opened_by = |connection| OPENED_BY.get(connection).ok().flatten();
    if !beside.has_log && schema >= WITH_PROPERTIES && opened_by(&connection).is_some() {
        report.note(format!("note: {}", unclean::LOG_MISSING));
    }
    let ours: [Examination; 4] = [integrity, tables, references, json];
    for examine in ours.iter().chain(examinations) {
        // What cannot be read at all is a finding, too; the other examinations go on.
        if let Err(error) = examine(&connection, &mut report) {
            report.problem(error.to_string());
        }
    }
    Ok(report)
}

fn integrity(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut pragma = connection.prepare(&format!("PRAGMA integrity_check({MAX_REPORTED})"))?;
    for message in pragma.query_map([], |row| row.get::<_, String>(0))? {
        let message = message?;
        if message != "ok" {
            report.problem(message);
        }
    }
    Ok(())
}

/// Compares the schema with the one that this program would have made, and counts rows.
fn tables(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let model = Connection::open_in_memory()?;
    schema::build(&model, report.schema())?;
    let (expected, mut found) = (describe(&model)?, describe(connection)?);
    for (name, text) in expected {
        match found.remove(&name) {
            None => report.problem(format!("{name} is missing")),
            Some(other) if other != text => report.problem(format!("{name} is not as it was made")),
            Some(_) if text.starts_with("CREATE TABLE") => {
                let count = connection
                    .query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get::<_, i64>(0))?;
                report.counted(name, count.unsigned_abs());
            }
            Some(_) => {}
        }
    }
    found.into_keys().for_each(|name| report.problem(format!("{name} does not belong there")));
    Ok(())
}

/// The tables and indexes, with what made them.
fn describe(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut select = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite@_%' ESCAPE '@'")?;
    let rows = select
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default())))?;
    rows.collect()
}

fn references(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut pragma = connection.prepare("PRAGMA foreign_key_check")?;
    let rows = pragma.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?))
    })?;
    for row in rows {
        let (table, id, target) = row?;
        let id = id.map_or_else(|| "a row".to_owned(), |id| format!("row {id}"));
        report.problem(format!("{id} of {table} refers to something that is not in {target}"));
    }
    Ok(())
}

fn json(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    for (table, column, shape) in JSON.into_iter().filter(|(table, ..)| report.has(table)).collect::<Vec<_>>()
    {
        let sql = format!(
            "SELECT id FROM {table}
            WHERE CASE WHEN json_valid({column}) THEN json_type({column}) <> ?1 ELSE true END LIMIT {MAX_REPORTED}"
        );
        let mut select = connection.prepare(&sql)?;
        for id in select.query_map([shape], |row| row.get::<_, i64>(0))? {
            report.problem(format!("{column} in row {} of {table} is not a JSON {shape}", id?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use crate::serve::{Data, Store, check};

    fn made() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        Store::open(&Data::File(path.clone())).unwrap().close();
        (dir, path)
    }

    #[test]
    fn a_new_file_is_sound() {
        let (_dir, path) = made();
        let report = check(&path).unwrap();
        assert!(report.is_sound(), "{report}");
        assert_eq!((report.count("metrics"), report.count("points in journal")), (Some(0), Some(0)));
        assert!(report.to_string().contains("a.db: sound (schema "));
    }

    #[test]
    fn every_kind_of_damage_is_told() {
        let (_dir, path) = made();
        let spoil = Connection::open(&path).unwrap();
        let spoilt = "PRAGMA foreign_keys = OFF;
            INSERT INTO journal (id, received_at, block) VALUES (7, 0, x'01ff');
            INSERT INTO metrics (id, key, name, type, attributes) VALUES (1, 'm', 'm', 'gauge', '{}');
            INSERT INTO series (id, metric_id, dialect, key, labels) VALUES (3, 1, 'source', '', '');
            INSERT INTO blocks (id, series_id, resolution, start, block) VALUES (5, 3, 1, 0, x'0105');
            INSERT INTO pages (id, part, tier, start, first, seq, no, level, last, block) VALUES (8, 0, 1, 0, 1, 1, 1, 0, 1, x'01');
            INSERT INTO events (stream_id, title, start_time, links) VALUES (99, 't', 0, '[');
            INSERT INTO alert_states (id, alert_id, page, pages, through, body) VALUES (4, 1, 0, 1, 0, x'c5ffff');
            INSERT INTO alert_states (id, alert_id, page, pages, through, body) VALUES (6, 2, 0, 2, 0, CAST('{}' AS BLOB));
            INSERT INTO incidents (key, alert_id, alert, opened, how, silent, snapshot)
                VALUES ('k', 1, 'a', 0, 'loud', 0, '[]');
            INSERT INTO deliveries (key, seq, alert_id, alert, service_id, service_type, service_title, kind, at,
                created_at, next_at, attempts, status, in_doubt, rest, payload)
                VALUES ('k', 0, 1, 'a', 1, 'mail', 't', 'shout', 0, 0, 0, 0, 'lost', 0, '{}', '{');
            DROP INDEX events_by_time;
            CREATE TABLE more (x);";
        spoil.execute_batch(spoilt).unwrap();
        drop(spoil);
        let report = check(&path).unwrap();
        assert!(!report.is_sound());
        for problem in [
            "row 7 of journal cannot be read",
            "row 5 of blocks cannot be read",
            "row 8 of pages is cut short",
            "row 8 of pages is of a layer that does not begin",
            "row 1 of events refers to something that is not in streams",
            "links in row 1 of events is not a JSON array",
            "row 4 of alert_states is cut short",
            "row 6 of alert_states: pages of alert 2 are missing",
            "snapshot in row 1 of incidents is not a JSON object",
            "how in row 1 of incidents is none of the words that belong there",
            "kind in row 1 of deliveries is none of the words that belong there",
            "status in row 1 of deliveries is none of the words that belong there",
            "rest in row 1 of deliveries is not a JSON array",
            "payload in row 1 of deliveries is not a JSON object",
            "events_by_time is missing",
            "more does not belong there",
        ] {
            assert!(report.to_string().contains(&format!("  problem: {problem}\n")), "{problem}: {report}");
        }
    }

    #[test]
    fn spoilt_pages_are_told() {
        let (_dir, path) = made();
        // Those of other pages may say what tables there are.
        let file = Connection::open(&path).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'events'";
        let page: u32 = file.query_row(sql, [], |row| row.get(0)).unwrap();
        drop(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096 * (page as usize - 1)..4096 * page as usize].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        assert!(!check(&path).unwrap().is_sound());
    }

    #[test]
    fn what_cannot_be_examined_is_an_error() {
        let (dir, path) = made();
        assert!(check(&dir.path().join("none.db")).is_err());
        let _store = Store::open(&Data::File(path.clone())).unwrap();
        assert!(matches!(check(&path), Err(OpenError::InUse { .. })));
        let text = dir.path().join("text");
        std::fs::write(&text, "something else, long enough to look at ".repeat(50)).unwrap();
        assert!(matches!(check(&text), Err(OpenError::NotOurs(_))));
    }
}

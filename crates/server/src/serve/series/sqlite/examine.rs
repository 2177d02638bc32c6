//! The examination of series and points in a data file, and of the states of alerts: can all of them be read, and what was set aside?

use rusqlite::{Connection, Row};

use super::super::aging;
use super::damage::{all_set_aside, stored_labels};
use super::pages;
use crate::serve::store::sqlite::report::{MAX_REPORTED, Report};
use crate::serve::store::sqlite::schema::WITH_CHECKSUMS_OF_LABELS;
use crate::serve::store::sqlite::session::Session;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::retention::Retention;
use crate::serve::tsdb::{Error, block, envelope, journal};

/// A table of packed measurements: its name, the columns needed, and what opens a row of them.
type Packed = (&'static str, &'static str, fn(&Row<'_>) -> rusqlite::Result<Result<usize, Error>>);

const PACKED: &[Packed] = &[
    ("journal", "id, block", |row| Ok(journal::open(row.get_ref(1)?.as_blob()?).map(|points| points.len()))),
    ("blocks", "id, block, series_id, resolution, start", |row| {
        let opened = block::open(row.get(2)?, row.get(3)?, row.get(4)?, row.get_ref(1)?.as_blob()?);
        Ok(opened.map(|points| points.len()))
    }),
    ("pages", "id, block, tier, start", |row| {
        Ok(pages::count(row.get(2)?, row.get(3)?, row.get_ref(1)?.as_blob()?))
    }),
];

/// For how long measurements are kept, where that was said.
pub fn retention(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    if report.has("retention") {
        match aging::read(&Tx::on_sqlite(Session(connection), Aging::default())) {
            Ok(Aging { retention, .. }) if retention == Retention::default() => {}
            Ok(Aging { retention, .. }) => report.note(format!("measurements are kept for {retention}")),
            Err(error) => report.problem(error.to_string()),
        }
    }
    Ok(())
}

/// Those of older files are only known to be wrong when they cannot be read.
pub fn labels(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let sql = if report.schema() >= WITH_CHECKSUMS_OF_LABELS {
        "SELECT id, metric_id, dialect, labels, checksum FROM series WHERE dialect <> 'damaged'"
    } else if report.has("series") {
        "SELECT id FROM series WHERE dialect = 'tags'
            AND CASE WHEN json_valid(labels) THEN json_type(labels) <> 'object' ELSE true END"
    } else {
        return Ok(());
    };
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get("id")?;
        if report.schema() < WITH_CHECKSUMS_OF_LABELS {
            report.problem(format!("labels in row {id} of series is not a JSON object"));
        } else if let Err(why) = Labels::read(row.get("metric_id")?, &stored_labels(row)?) {
            report.problem(format!("row {id} of series: {why}"));
        }
    }
    Ok(())
}

pub fn packed(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    for (table, columns, open) in PACKED.iter().filter(|(table, ..)| report.has(table)).collect::<Vec<_>>() {
        let mut select = connection.prepare(&format!("SELECT {columns} FROM {table}"))?;
        let mut rows = select.query([])?;
        let mut measurements = 0;
        while let Some(row) = rows.next()? {
            match open(row)? {
                Ok(count) => measurements += count as u64,
                Err(why) => report.problem(format!("row {} of {table} {why}", row.get::<_, i64>(0)?)),
            }
        }
        report.counted(format!("points in {table}"), measurements);
    }
    Ok(())
}

/// Layers are found by their first page.
pub fn layers(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    if !report.has("pages") {
        return Ok(());
    }
    let sql = format!(
        "SELECT min(id) FROM pages GROUP BY part, tier, start, seq HAVING min(no) <> 0 LIMIT {MAX_REPORTED}"
    );
    let mut select = connection.prepare(&sql)?;
    for id in select.query_map([], |row| row.get::<_, i64>(0))? {
        report.problem(format!("row {} of pages is of a layer that does not begin", id?));
    }
    Ok(())
}

pub fn set_aside(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    if report.has("damaged") {
        all_set_aside(connection)?.into_iter().for_each(|told| report.note(format!("set aside: {told}")));
    }
    Ok(())
}

/// Columns of the history of alerts, with the words that belong there.
pub const WORDS: [(&str, &str, &[&str]); 3] = [
    ("incidents", "how", &["normal", "manual", "auto"]),
    ("deliveries", "kind", &["trigger", "clear"]),
    (
        "deliveries",
        "status",
        &[
            "waiting",
            "sent",
            "failed",
            "expired",
            "silenced",
            "muted",
            "held",
            "unsupported",
            "replaced",
            "dropped",
        ],
    ),
];

pub fn alerting(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    for (table, column, known) in
        WORDS.into_iter().filter(|(table, ..)| report.has(table)).collect::<Vec<_>>()
    {
        let known: Vec<String> = known.iter().map(|word| format!("'{word}'")).collect();
        let sql = format!(
            "SELECT id FROM {table} WHERE {column} NOT IN ({}) LIMIT {MAX_REPORTED}",
            known.join(", ")
        );
        let mut select = connection.prepare(&sql)?;
        for id in select.query_map([], |row| row.get::<_, i64>(0))? {
            report.problem(format!(
                "{column} in row {} of {table} is none of the words that belong there",
                id?
            ));
        }
    }
    if report.has("alert_states") { states(connection, report) } else { Ok(()) }
}

fn states(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut select = connection.prepare(
        "SELECT id, alert_id, page, body, pages, (SELECT count(*) FROM alert_states AS all_of
            WHERE all_of.alert_id = alert_states.alert_id) AS there FROM alert_states ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (id, alert, page): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let opened = envelope::open(&[alert, page], row.get_ref(3)?.as_blob()?);
        match opened.map(serde_json::from_slice::<serde::de::IgnoredAny>) {
            Ok(Ok(_)) if row.get::<_, i64>(4)? == row.get::<_, i64>(5)? => {}
            Ok(Ok(_)) => {
                report.problem(format!("row {id} of alert_states: pages of alert {alert} are missing"));
            }
            Ok(Err(_)) => report.problem(format!("row {id} of alert_states {}", Error::Unreadable)),
            Err(why) => report.problem(format!("row {id} of alert_states {why}")),
        }
    }
    Ok(())
}

//! The tables, as a list of migrations: entry n brings a file from schema n to n + 1. Entries are never edited
//! once released, only added.

use rusqlite::Connection;

use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::checksum;

/// Marks a SQLite file as ours: `LbAP` in SQLite's `application_id` header field.
pub const APPLICATION_ID: i32 = 0x4C62_4150;

/// The schema this program writes, kept in SQLite's `user_version` header field.
pub const CURRENT: i32 = MIGRATIONS.len() as i32;

/// The first schema with properties of the file.
pub const WITH_PROPERTIES: i32 = 5;

/// The first schema with checksums of labels.
pub const WITH_CHECKSUMS_OF_LABELS: i32 = 6;

const MIGRATIONS: &[&str] = &[
    DEFINITIONS_AND_JOURNAL,
    BLOCKS_AND_SOURCES,
    SPACES_AND_TOKENS,
    RANGES_OF_THE_JOURNAL,
    PROPERTIES_AND_DAMAGE,
    CHECKSUMS_OF_LABELS,
    CHANGES,
    ALERTING,
    BLOCKS_IN_COLUMNS,
    PAGES,
    PICTURES_OF_SNAPSHOTS,
    RETENTION,
];

/// Ids are never reused (AUTOINCREMENT), so a reference to something deleted can not come to mean something new.
/// `key` is the folded name, under which names are unique. Maps and lists that are only ever read whole are JSON.
const DEFINITIONS_AND_JOURNAL: &str = "
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    display_name TEXT,
    description TEXT,
    period INTEGER,
    source_lag INTEGER,
    composite TEXT,
    attributes TEXT NOT NULL
) STRICT;

CREATE TABLE streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    display_name TEXT
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    source TEXT,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    links TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (stream_id, start_time, id);

CREATE TABLE services (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    settings TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    attributes TEXT NOT NULL,
    active INTEGER NOT NULL,
    rearm_seconds INTEGER NOT NULL,
    rearm_per_signal INTEGER NOT NULL,
    md INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE conditions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    metric_name TEXT NOT NULL,
    source TEXT,
    tags TEXT NOT NULL,
    threshold REAL,
    summary_function TEXT,
    duration INTEGER,
    detect_reset INTEGER
) STRICT;
CREATE INDEX conditions_by_alert ON conditions (alert_id, position);

CREATE TABLE alert_services (
    alert_id INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    service_id INTEGER NOT NULL REFERENCES services ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (alert_id, service_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_services_by_service ON alert_services (service_id);

-- One series: a metric with one source (dialect 'source', labels the source's name or '') or one set of tags
-- (dialect 'tags', labels a JSON object with sorted keys). `key` is the folded form of `labels`.
CREATE TABLE series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    metric_id INTEGER NOT NULL REFERENCES metrics ON DELETE CASCADE,
    dialect TEXT NOT NULL,
    key TEXT NOT NULL,
    labels TEXT NOT NULL,
    UNIQUE (metric_id, dialect, key)
) STRICT;

-- Accepted measurements, one packed row per request, in order of acceptance. Rows may speak of series that have
-- been deleted since; readers skip those.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    block BLOB NOT NULL
) STRICT;
";

/// Measurements move from the journal into blocks: the points of one series at one resolution (1, 60, 900 or 3600
/// seconds) over one stretch of time that begins at `start`. Sources are remembered from their first measurement on.
const BLOCKS_AND_SOURCES: &str = "
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    resolution INTEGER NOT NULL,
    start INTEGER NOT NULL,
    block BLOB NOT NULL,
    UNIQUE (series_id, resolution, start)
) STRICT;
CREATE INDEX blocks_by_age ON blocks (resolution, start);

CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    display_name TEXT
) STRICT;
INSERT INTO sources (key, name)
    SELECT key, labels FROM series WHERE dialect = 'source' AND key <> '' GROUP BY key ORDER BY min(id);

CREATE INDEX alerts_by_change ON alerts (updated_at, id);
CREATE INDEX services_by_title ON services (key, id);
";

/// A stream of a chart and one of an instrument are the same thing, and ids of streams are unique among both. API
/// tokens are looked up by `digest`, their SHA-256.
const SPACES_AND_TOKENS: &str = "
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    tags INTEGER
) STRICT;
CREATE INDEX spaces_by_name ON spaces (key, id);

CREATE TABLE charts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space_id INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX charts_by_space ON charts (space_id, id);

CREATE TABLE instruments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    attributes TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX instruments_by_change ON instruments (updated_at, id);

CREATE TABLE streams_of_charts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chart_id INTEGER REFERENCES charts ON DELETE CASCADE,
    instrument_id INTEGER REFERENCES instruments ON DELETE CASCADE,
    body TEXT NOT NULL,
    CHECK ((chart_id IS NULL) <> (instrument_id IS NULL))
) STRICT;
CREATE INDEX streams_by_chart ON streams_of_charts (chart_id, id);
CREATE INDEX streams_by_instrument ON streams_of_charts (instrument_id, id);

CREATE TABLE dashboards (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    name TEXT NOT NULL
) STRICT;
CREATE INDEX dashboards_by_name ON dashboards (key, id);

CREATE TABLE dashboard_instruments (
    dashboard_id INTEGER NOT NULL REFERENCES dashboards ON DELETE CASCADE,
    position INTEGER NOT NULL,
    instrument_id INTEGER NOT NULL REFERENCES instruments ON DELETE CASCADE,
    PRIMARY KEY (dashboard_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX dashboards_by_instrument ON dashboard_instruments (instrument_id);

CREATE TABLE chart_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    entity_type TEXT NOT NULL,
    entity_id INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs,
    subject TEXT NOT NULL,
    duration INTEGER NOT NULL,
    end_time INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    name TEXT,
    token TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL UNIQUE,
    active INTEGER NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
";

/// The smallest and the largest id of a series in a row of the journal, so that whoever reads some series need not go
/// through all rows; rows of older files may hold any. And how far the folding has come, in one row.
const RANGES_OF_THE_JOURNAL: &str = "
ALTER TABLE journal ADD COLUMN first_series INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN last_series INTEGER NOT NULL DEFAULT 9223372036854775807;
CREATE INDEX journal_by_series ON journal (first_series, last_series);

CREATE TABLE journal_folded (
    row INTEGER NOT NULL,
    series INTEGER NOT NULL
) STRICT;
INSERT INTO journal_folded VALUES (0, 0);
";

/// What is to be known of the file as a whole (see `properties.rs`); for a file of before, its last measurements tell when
/// it was last written. And rows of `blocks` and `journal` whose bytes are damaged, set aside so that the rest goes on:
/// the bytes as they were, with what is known of them. `series` is the name of the series; those of a row of the journal,
/// which holds many, are not known.
const PROPERTIES_AND_DAMAGE: &str = "
CREATE TABLE file_properties (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
INSERT INTO file_properties (key, value)
    SELECT 'last_seen_ms', 1000 * min(max(time), unixepoch()) FROM (
        SELECT max(received_at) AS time FROM journal
        UNION ALL SELECT max(start) + 3600 FROM blocks WHERE resolution = 1
    ) HAVING max(time) IS NOT NULL;

CREATE TABLE damaged (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    found_at INTEGER NOT NULL,
    origin TEXT NOT NULL,
    origin_row INTEGER NOT NULL,
    series_id INTEGER REFERENCES series ON DELETE CASCADE,
    series TEXT,
    resolution INTEGER,
    start INTEGER,
    reason TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX damaged_by_series ON damaged (series_id);
";

/// What says of labels that they are as they were written, see `tsdb/labels.rs`. A series whose labels are set aside has the dialect
/// 'damaged' from then on, and its id as `key`.
const CHECKSUMS_OF_LABELS: &str = "
ALTER TABLE series ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
";

/// What was made by requests that may come again; who changed which definition, with `{}` where there was nothing before or is
/// nothing after; and the key with which tags of objects are made.
const CHANGES: &str = "
CREATE TABLE idempotency_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account BLOB NOT NULL,
    path TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest BLOB NOT NULL,
    object_id INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    UNIQUE (account, path, request_key)
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (made_at);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    address TEXT,
    kind TEXT NOT NULL,
    object_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    before_change TEXT NOT NULL,
    after_change TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (made_at, id);

INSERT INTO file_properties (key, value) VALUES ('tag_key', hex(randomblob(32)));
";

/// What the evaluation of alerts keeps: its clock, what tells incidents of this file from those of others, and whether its
/// notifications are held back, as they are at first in a file whose alerts no one evaluated; the states of alerts; what was found and
/// who was told. `revision` of an alert grows with each change of it or of its state by someone else than the evaluation, `incidents`
/// is the number of its last incident, `since` of a condition the second from which it counts. What is kept
/// of incidents and deliveries outlives the alert and the service.
const ALERTING: &str = "
CREATE TABLE alert_clock (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    clock INTEGER,
    wall INTEGER,
    held INTEGER NOT NULL
) STRICT;
INSERT INTO alert_clock (id, file, held)
    VALUES (1, abs(random() % 4294967296), EXISTS (SELECT 1 FROM alerts));

ALTER TABLE alerts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN incidents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conditions ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE conditions SET since = unixepoch();

-- `body` is a page of the state in an envelope; `pages` is how many there are.
CREATE TABLE alert_states (
    id INTEGER PRIMARY KEY,
    alert_id INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    page INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    through INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (alert_id, page)
) STRICT;

-- `snapshot` is why it opened. `triggered` is the last trigger, `event_id` the event in librato.alerts.
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    alert_id INTEGER NOT NULL,
    alert TEXT NOT NULL,
    stream TEXT,
    opened INTEGER NOT NULL,
    triggered INTEGER,
    closed INTEGER,
    how TEXT,
    silent INTEGER NOT NULL,
    event_id INTEGER,
    snapshot TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_alert ON incidents (alert_id, id);
CREATE INDEX incidents_by_opening ON incidents (opened, id);
CREATE INDEX incidents_by_end ON incidents (closed, id);

-- `at` is event time. `rest` is who is still to be told, of a mail to many. `in_doubt` says that an attempt may have arrived, `digest` in
-- which delivery it went along.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    alert_id INTEGER NOT NULL,
    alert TEXT NOT NULL,
    service_id INTEGER NOT NULL,
    service_type TEXT NOT NULL,
    service_title TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    first_at INTEGER,
    last_at INTEGER,
    ended_at INTEGER,
    status TEXT NOT NULL,
    in_doubt INTEGER NOT NULL,
    digest INTEGER,
    detail TEXT,
    rest TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (key, service_id, seq)
) STRICT;
CREATE INDEX deliveries_by_status ON deliveries (status, next_at, id);
CREATE INDEX deliveries_by_time ON deliveries (created_at, id);
CREATE INDEX deliveries_by_end ON deliveries (ended_at, id);
CREATE INDEX deliveries_to_shrink ON deliveries (id) WHERE ended_at IS NOT NULL AND length(payload) > 1000;

CREATE TABLE silences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert TEXT NOT NULL,
    stream TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    why TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX silences_by_end ON silences (ends, id);

CREATE INDEX conditions_by_metric ON conditions (lower(metric_name));
";

/// Blocks are written in a form that earlier programs cannot read, in the tables that there are.
const BLOCKS_IN_COLUMNS: &str = "";

/// Measurements move from the journal into pages, which hold many series of one window of a tier (`tsdb/page/`); `first` and `last` are
/// the smallest and the largest id of a metric in one. Pages that were written together have one `seq`, the younger the larger, and
/// numbers from nothing on. What is in `blocks` becomes pages bit by bit. Whatever was in pages of metrics that are gone is cleared
/// away, as far as the pages with an id up to `cleared`.
const PAGES: &str = "
CREATE TABLE parts (
    part INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO parts VALUES (0, 0);

CREATE TABLE pages (
    id INTEGER PRIMARY KEY,
    part INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    start INTEGER NOT NULL,
    first INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    no INTEGER NOT NULL,
    level INTEGER NOT NULL,
    last INTEGER NOT NULL,
    block BLOB NOT NULL
) STRICT;
-- With all that is asked for before a page is read.
CREATE UNIQUE INDEX pages_in_order ON pages (part, tier, start, first, seq, no, last);
CREATE INDEX layers ON pages (part, tier, start, seq, level) WHERE no = 0;

CREATE TABLE metrics_gone (
    metric INTEGER PRIMARY KEY,
    cleared INTEGER NOT NULL
) STRICT;
CREATE INDEX metrics_gone_by_turn ON metrics_gone (cleared);
CREATE TRIGGER metric_is_gone AFTER DELETE ON metrics BEGIN
    INSERT INTO metrics_gone VALUES (old.id, 0);
END;

DROP TABLE journal_folded;
";

/// The first schema whose points lie in pages.
const WITH_PAGES: i32 = 10;

/// Up to schema 9 the compaction was in several transactions: of rows up to one, the samples of series up to another were in blocks
/// already. They are taken out of these rows.
fn finish_compaction(connection: &Connection) -> rusqlite::Result<()> {
    let (row, series): (i64, i64) =
        connection
            .query_row("SELECT row, series FROM journal_folded", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut select = connection.prepare("SELECT id, block FROM journal WHERE id <= ?1")?;
    let rows = select.query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, Vec<u8>)> = rows.collect::<rusqlite::Result<_>>()?;
    for (id, stored) in rows {
        // One that is damaged is set aside as any.
        let Ok(mut samples) = journal::open(&stored) else { continue };
        samples.retain(|sample| sample.series > series);
        let Some(left) = journal::row(&samples) else {
            connection.execute("DELETE FROM journal WHERE id = ?1", [id])?;
            continue;
        };
        let sql = "UPDATE journal SET first_series = ?2, last_series = ?3, block = ?4 WHERE id = ?1";
        connection.execute(sql, rusqlite::params![id, left.first, left.last, left.block])?;
    }
    Ok(())
}

/// Snapshots are drawn. `output` is why one was not; `key` is what cannot be guessed in the address of a picture.
const PICTURES_OF_SNAPSHOTS: &str = "
ALTER TABLE jobs ADD COLUMN output TEXT;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX snapshots_by_job ON snapshots (job_id);

CREATE TABLE pictures (
    snapshot_id INTEGER PRIMARY KEY REFERENCES snapshots,
    key TEXT NOT NULL UNIQUE,
    made_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    png BLOB NOT NULL
) STRICT;
CREATE INDEX pictures_by_time ON pictures (made_at);
";

/// For how many seconds each tier is kept, and since when all of that is there; by default where it is empty. Earlier programs would roll
/// up by the default.
const RETENTION: &str = "
CREATE TABLE retention (
    tier INTEGER PRIMARY KEY,
    kept INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT;
";

/// Gives the labels that are there their checksums.
fn sum_all_labels(connection: &Connection) -> rusqlite::Result<()> {
    /// Held at one time.
    const TOGETHER: usize = 10_000;
    let mut select = connection.prepare(&format!(
        "SELECT id, metric_id, dialect, labels FROM series WHERE id > ?1 ORDER BY id LIMIT {TOGETHER}"
    ))?;
    let mut update = connection.prepare("UPDATE series SET checksum = ?2 WHERE id = ?1")?;
    let mut last = 0;
    loop {
        let sums = select.query_map([last], |row| {
            let (dialect, labels) = (row.get_ref(2)?.as_bytes()?, row.get_ref(3)?.as_bytes()?);
            Ok((row.get::<_, i64>(0)?, checksum(row.get(1)?, dialect, labels)))
        })?;
        let sums: Vec<_> = sums.collect::<rusqlite::Result<_>>()?;
        for (id, sum) in &sums {
            update.execute([id, sum])?;
            last = *id;
        }
        if sums.len() < TOGETHER {
            return Ok(());
        }
    }
}

/// Brings the file to [`CURRENT`] in one transaction: after a crash it has the old schema or the new one.
pub fn migrate(connection: &Connection, from: i32) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for (to, step) in (1..).zip(MIGRATIONS).skip(usize::try_from(from).unwrap_or(0)) {
        if to == WITH_PAGES {
            finish_compaction(&transaction)?;
        }
        transaction.execute_batch(step)?;
    }
    if from < WITH_CHECKSUMS_OF_LABELS {
        sum_all_labels(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", CURRENT)?;
    transaction.commit()
}

/// Makes the tables of schema `version` in an empty database.
pub fn build(connection: &Connection, version: i32) -> rusqlite::Result<()> {
    let steps = MIGRATIONS.iter().take(usize::try_from(version).unwrap_or(0));
    steps.into_iter().try_for_each(|step| connection.execute_batch(step))
}

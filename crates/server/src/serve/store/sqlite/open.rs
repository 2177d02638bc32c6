//! Opening a data file: locks it for this process, makes sure it is ours, brings its schema up to date.
//! Changes nothing in a file it refuses.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::file::{DataFile, Held};
use super::open_error::{OpenError, failure};
use super::properties::{COPIED_AT, MIGRATION, OPENED_BY};
use super::reading;
use super::schema::{self, APPLICATION_ID, CURRENT, WITH_PROPERTIES};
use super::unclean;
use crate::serve::budget;
use crate::serve::store::error::Trouble;
use crate::serve::store::opening::Data;

/// Connections that only read.
const READERS: usize = 4;

/// Bytes that the write-ahead log keeps when it begins again.
const LONGEST_LOG: i64 = 16 << 20;

/// The connections of an open file; none of it in memory but the writer's.
pub struct Opened {
    pub writer: Held,
    pub readers: Vec<Held>,
    /// Reads for the thread that keeps the file in order.
    pub maintenance: Option<Held>,
    pub read_only: bool,
    /// When it was copied from another file, if no one adopted it since.
    pub copied_at: Option<i64>,
}

/// Opens it, if its data are whole or others are being moved into it by whoever asks.
pub fn open(data: &Data, migrating: bool) -> Result<Opened, OpenError> {
    match data {
        Data::File(path) => open_file(path, migrating),
        Data::ReadOnly(path) => read_file(path),
        Data::Memory => {
            let failed = |source| OpenError::Database { path: PathBuf::from(":memory:"), source };
            let mut writer = Connection::open_in_memory().map_err(failed)?;
            configure(&writer).and_then(|()| schema::migrate(&writer, 0)).map_err(failed)?;
            bound(&mut writer).map_err(failed)?;
            let writer = Held::new(writer, None);
            Ok(Opened { writer, readers: Vec::new(), maintenance: None, read_only: false, copied_at: None })
        }
    }
}

fn open_file(path: &Path, migrating: bool) -> Result<Opened, OpenError> {
    let file = Arc::new(DataFile::open(path)?);
    let opened = connect(&file, migrating);
    if opened.is_err() {
        file.discard();
    }
    opened
}

fn connect(file: &Arc<DataFile>, migrating: bool) -> Result<Opened, OpenError> {
    let path = file.path();
    let failed = |source| failure(path, source);
    let held = |connection| Held::new(connection, Some(file));
    let beside = unclean::look(path)?;
    unclean::keep_log(path, &beside).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let writer = held(Connection::open(path).map_err(failed)?);
    let version = claim(file, &writer)?;
    let opened_by = if version < WITH_PROPERTIES { None } else { OPENED_BY.get(&writer).map_err(failed)? };
    if beside.is_unclean(path, opened_by) {
        unclean::examine(&writer, path)?;
    }
    if version >= WITH_PROPERTIES && !migrating {
        whole(&writer, path)?;
    }
    if version > 0 && version < CURRENT {
        tell_migration(path, version);
    }
    prepare(&writer, version).map_err(failed)?;
    on_any_disk(mark(&writer)).map_err(failed)?;
    let reader = || -> rusqlite::Result<Held> {
        let mut connection = Connection::open(path)?;
        bound(&mut connection)?;
        let connection = held(connection);
        configure(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    let readers = (0..READERS).map(|_| reader()).collect::<rusqlite::Result<_>>().map_err(failed)?;
    let maintenance = Some(reader().map_err(failed)?);
    let copied_at = COPIED_AT.get(&writer).map_err(failed)?;
    Ok(Opened { writer, readers, maintenance, read_only: false, copied_at })
}

/// Nothing is written, not even beside the file; what is to be written fails.
fn read_file(path: &Path) -> Result<Opened, OpenError> {
    let file = Arc::new(DataFile::examine(path)?);
    let path = file.path();
    if reading::has_log(path) {
        return Err(OpenError::LogBeside(path.to_owned()));
    }
    let reader = || -> Result<Held, OpenError> {
        let mut connection = reading::immutable(path)?;
        bound(&mut connection)
            .and_then(|()| configure(&connection))
            .map_err(|source| failure(path, source))?;
        Ok(Held::new(connection, Some(&file)))
    };
    let writer = reader()?;
    let found = identify(&writer, path)?;
    if found < CURRENT {
        return Err(OpenError::Older { path: path.to_owned(), found });
    }
    whole(&writer, path)?;
    let readers = (0..READERS).map(|_| reader()).collect::<Result<_, _>>()?;
    let copied_at = COPIED_AT.get(&writer).map_err(|source| failure(path, source))?;
    Ok(Opened { writer, readers, maintenance: None, read_only: true, copied_at })
}

/// Refuses data that were moved in part.
fn whole(writer: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source| failure(path, source);
    if MIGRATION.get(writer).map_err(failed)?.is_none() {
        return Ok(());
    }
    // The log that was left stays, or the next one would miss it.
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    Err(OpenError::Migrating(path.to_owned()))
}

/// Lets statements end with the budget of the request that runs them.
fn bound(connection: &mut Connection) -> rusqlite::Result<()> {
    /// Steps of SQLite's machine between two looks, well below a millisecond.
    const SELDOM: i32 = 10_000;
    connection.progress_handler(SELDOM, Some(budget::is_over))
}

/// Notes who has the file open, in the file itself: a copy of it without its log tells that it is one.
fn mark(writer: &Connection) -> rusqlite::Result<()> {
    OPENED_BY.set(writer, &std::process::id())?;
    writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// What there is no way back from but a copy is said before it is done.
fn tell_migration(path: &Path, version: i32) {
    let path = path.display();
    tracing::warn!(
        target: "librato_apply::serve",
        "{path} has schema {version} and gets schema {CURRENT}, which earlier versions of this program cannot read; the way back is a copy \
         that was made before, by `librato-apply serve backup` of the earlier version"
    );
}

/// A full disk is no reason not to start: what is there can be read, and deleted.
pub(in crate::serve) fn on_any_disk(written: rusqlite::Result<()>) -> rusqlite::Result<()> {
    match written {
        Err(error) if Trouble::of(&error) == Some(Trouble::Full) => {
            tracing::warn!(target: "librato_apply::serve", "the disk is full");
            Ok(())
        }
        written => written,
    }
}

/// The schema version of a file that is to be written, if it is ours or empty. Only then is anything of it changed.
pub(super) fn claim(file: &DataFile, connection: &Connection) -> Result<i32, OpenError> {
    let identified = identify(connection, file.path());
    match &identified {
        Ok(_) => file.close_to_others(),
        Err(OpenError::NotOurs(_)) => file.leave(),
        Err(_) => {}
    }
    identified
}

/// The schema version of a file that is ours or empty.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<i32, OpenError> {
    let failed = |source| failure(path, source);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);
    let (owner, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let blank = owner == 0 && version == 0 && tables == 0;
    if owner != APPLICATION_ID && !blank {
        return Err(OpenError::NotOurs(path.to_owned()));
    }
    if version > CURRENT {
        return Err(OpenError::Newer { path: path.to_owned(), found: version });
    }
    Ok(version)
}

fn prepare(connection: &Connection, version: i32) -> rusqlite::Result<()> {
    if version == 0 {
        // So that the file gives back what it does not need any more; of one with tables this cannot be changed.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    configure(connection)?;
    // Once a burst or a long read is over, the log gives its space back.
    connection.pragma_update_and_check(None, "journal_size_limit", LONGEST_LOG, |_| Ok(()))?;
    if version < CURRENT {
        schema::migrate(connection, version)?;
    }
    Ok(())
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // FULL: in WAL mode a commit returns only after the log is flushed.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Without it some builds of SQLite compile a statement again whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::check;
    use crate::serve::series::points::Points as _;
    use crate::serve::series::sqlite::Sqlite;
    #[cfg(unix)]
    use crate::serve::store::sqlite::lock::sibling;
    use crate::serve::tsdb::journal;
    use crate::serve::tsdb::range::TimeRange;
    use crate::serve::tsdb::sample::{Sample, Stats};

    fn open(data: &Data) -> Result<Opened, OpenError> {
        super::open(data, false)
    }

    fn refused(path: &Path) -> String {
        let before = std::fs::read(path).unwrap();
        let error = match open(&Data::File(path.to_owned())) {
            Ok(_) => panic!("opened"),
            Err(error) => error.to_string(),
        };
        assert_eq!(std::fs::read(path).unwrap(), before, "a refused file was changed");
        error
    }

    /// What docs/serve.md promises of a loss of power.
    #[test]
    fn commits_wait_for_the_disk() {
        let connection = Connection::open_in_memory().unwrap();
        configure(&connection).unwrap();
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(synchronous, 2, "FULL");
    }

    #[test]
    fn files_of_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        std::fs::write(&text, "something else, long enough to look at ".repeat(50)).unwrap();
        assert!(refused(&text).contains("not a data file"));
        let foreign = dir.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        #[cfg(unix)]
        for path in [&text, &foreign] {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
            refused(path);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
            assert!(!sibling(path, "-lock").exists());
        }
        assert!(refused(&foreign).contains("not a data file"));
        let Err(error) = open(&Data::File(dir.path().join("no/such/dir.db"))) else { panic!("opened") };
        assert!(error.to_string().contains("there is no directory"), "{error}");
    }

    /// So that a service can open what root moved to its directory.
    #[cfg(unix)]
    #[test]
    fn what_root_makes_belongs_to_the_owner_of_its_directory() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let dir = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            chown(dir.path(), Some(65_532), Some(65_531)).unwrap();
        }
        let path = dir.path().join("a.db");
        let opened = open(&Data::File(path.clone())).unwrap();
        let owner = |path: &Path| (path.metadata().unwrap().uid(), path.metadata().unwrap().gid());
        for end in ["", "-wal", "-shm", "-lock"] {
            assert_eq!(owner(&sibling(&path, end)), owner(dir.path()), "{end}");
        }
        drop(opened);
    }

    #[test]
    fn newer_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(open(&Data::File(path.clone())).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", CURRENT + 1).unwrap();
        connection.pragma_update(None, "journal_mode", "DELETE").unwrap_or(());
        drop(connection);
        assert!(refused(&path).contains("newer version"));
    }

    /// Also as they are left by a process that was killed, with a log.
    #[cfg(unix)]
    #[test]
    fn files_that_were_moved_in_part_are_refused_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let (first, path) = (dir.path().join("a.db"), dir.path().join("b.db"));
        let opened = open(&Data::File(first.clone())).unwrap();
        MIGRATION.set(&opened.writer, &"AB12 3 0".to_owned()).unwrap();
        for end in ["", "-wal"] {
            std::fs::copy(sibling(&first, end), sibling(&path, end)).unwrap();
        }
        let log = std::fs::read(sibling(&path, "-wal")).unwrap();
        for _ in 0..2 {
            assert!(refused(&path).contains("run the same `serve migrate` again"));
            assert_eq!(std::fs::read(sibling(&path, "-wal")).unwrap(), log);
        }
        assert!(super::open(&Data::File(path), true).is_ok());
    }

    /// What was accepted under an older schema can be read under the newest, whatever is in the journal.
    #[test]
    fn older_files_are_brought_up_to_date() {
        for version in 1..CURRENT {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.db");
            let old = Connection::open(&path).unwrap();
            schema::build(&old, version).unwrap();
            old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            old.pragma_update(None, "user_version", version).unwrap();
            let sample = Sample { metric: 1, series: 7, time: 60, stats: Stats::Single(1.5) };
            let values = rusqlite::params![journal::encode(&[sample])];
            old.execute("INSERT INTO journal (received_at, block) VALUES (0, ?1)", values).unwrap();
            drop(old);
            let opened = open(&Data::File(path.clone())).unwrap();
            let time = TimeRange { start: 0, end: 100 };
            let found = Sqlite(&opened.writer).recent(&[7].into(), time).unwrap();
            assert_eq!(found[&7][0].stats.last, 1.5, "schema {version}");
            drop(opened);
            let report = check(&path).unwrap();
            assert!(report.is_sound(), "schema {version}: {report}");
        }
    }

    /// Up to schema 9 some of what was in the journal could be in blocks already.
    #[test]
    fn what_was_half_compacted_is_there_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let old = Connection::open(&path).unwrap();
        schema::build(&old, 9).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 9).unwrap();
        for row in [&[7, 8, 9][..], &[7], &[7, 9]] {
            let sample =
                |series: &i64| Sample { metric: 1, series: *series, time: 60, stats: Stats::Single(1.5) };
            let row = journal::row(&row.iter().map(sample).collect::<Vec<_>>()).unwrap();
            let sql =
                "INSERT INTO journal (received_at, first_series, last_series, block) VALUES (0, ?1, ?2, ?3)";
            old.execute(sql, rusqlite::params![row.first, row.last, row.block]).unwrap();
        }
        old.execute("UPDATE journal_folded SET row = 2, series = 8", []).unwrap();
        drop(old);
        let opened = open(&Data::File(path)).unwrap();
        let found = Sqlite(&opened.writer).recent(&[7, 8, 9].into(), TimeRange::ALWAYS).unwrap();
        let counts = [7, 8, 9].map(|series| found.get(&series).map_or(0, Vec::len));
        assert_eq!(counts, [1, 0, 2]);
        let rows =
            "SELECT group_concat(id ORDER BY id) FROM journal WHERE first_series <= 9 AND last_series >= 9";
        let rows: String = opened.writer.query_row(rows, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, "1,3");
    }

    /// What is free at the end of a new file is given back.
    #[test]
    fn new_files_can_give_space_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let opened = open(&Data::File(path)).unwrap();
        let mode: i64 = opened.writer.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
        assert_eq!(mode, 2, "INCREMENTAL");
    }

    #[test]
    fn one_server_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let first = open(&Data::File(path.clone())).unwrap();
        let message = refused(&path);
        assert!(message.contains(&format!("(process {})", std::process::id())), "{message}");
        drop(first);
        assert!(open(&Data::File(path)).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_two_names_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.db"), dir.path().join("b.db"));
        drop(open(&Data::File(path.clone())).unwrap());
        std::fs::hard_link(&path, &other).unwrap();
        assert!(refused(&path).contains("hard link"), "{}", refused(&path));
        std::fs::remove_file(&other).unwrap();
        assert!(open(&Data::File(path)).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(open(&Data::File(path.clone())).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

//! Opening, examining and copying the data: puts the store together with what is kept in it.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::series::sqlite::CONTENTS;
#[cfg(feature = "postgres")]
use super::store::Postgres;
#[cfg(feature = "postgres")]
use super::store::error::StoreError;
#[cfg(feature = "postgres")]
use super::store::postgres::upkeep::{Keeper, Upkeep};
use super::store::sqlite::contents::Contents;
use super::store::sqlite::{check, copy};
use super::store::{Copied, CopyError, Copying, Data, OpenError, Opening, Report, Store};

impl Store {
    /// Opens the data for this process alone, bringing an older file up to date.
    ///
    /// # Errors
    /// When another server has the file open, when it is not one of ours, when a newer version of the program
    /// wrote it, or when it cannot be read or written. Nothing is changed in a file that is refused.
    pub fn open(data: &Data) -> Result<Store, OpenError> {
        Store::open_with(data, Opening::default())
    }

    /// The same, told more.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(data: &Data, opening: Opening) -> Result<Store, OpenError> {
        Store::start(data, opening, &CONTENTS)
    }

    /// Uses a PostgreSQL database, in which the tables are made that are missing. Blocks.
    ///
    /// # Errors
    /// When it cannot be reached, can lose what it acknowledged, holds tables that are not ours, or was brought further by
    /// a newer version of the program than this one can read.
    #[cfg(feature = "postgres")]
    pub fn connect(database: &Postgres, opening: Opening) -> Result<Store, OpenError> {
        use super::series::postgres;
        Store::start_on(database, opening, postgres::upkeep::begin, &postgres::append::Lanes)
    }
}

/// What is kept in order while data are moved: nothing, so that they stay where they are.
const STILL: Contents = Contents { aging: CONTENTS.aging, jobs: &[], examinations: &[] };

#[cfg(feature = "postgres")]
struct Nothing;

#[cfg(feature = "postgres")]
impl Upkeep for Nothing {
    fn begin(&mut self, _: &Keeper<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn round(&mut self, _: &Keeper<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Store {
    /// Opens a file whose data are moved as a whole. Blocks.
    pub(in crate::serve) fn still(path: &Path, opening: Opening) -> Result<Store, OpenError> {
        let store = Store::start(&Data::File(path.to_owned()), opening, &STILL)?;
        Ok(store.with_read_time(MOVING))
    }

    /// The same of a database. Blocks.
    #[cfg(feature = "postgres")]
    pub(in crate::serve) fn still_on(database: &Postgres, opening: Opening) -> Result<Store, OpenError> {
        let store = Store::start_on(
            database,
            opening,
            |_, _, _| Box::new(Nothing),
            &crate::serve::series::postgres::append::Lanes,
        )?;
        Ok(store.with_read_time(MOVING))
    }
}

/// How long one read of them may take.
const MOVING: Duration = Duration::from_secs(6 * 3_600);

/// Examines the data file at `path`: SQLite's own check, the schema, references between tables, and whether every
/// JSON text, the labels of every series, every page of measurements and every state of an alert can be read. Blocks for as long as reading the
/// whole file takes.
///
/// # Errors
/// When it cannot be examined: it does not exist or cannot be read, a server has it open, or it is not a data file.
pub fn check(path: &Path) -> Result<Report, OpenError> {
    check::check(path, CONTENTS.examinations)
}

/// Examines a database, which servers may use: its tables, ids, references, and whether all in it can be read. Blocks for as long as reading all
/// of it takes.
///
/// # Errors
/// When it cannot be reached, or there is nothing of ours in it.
#[cfg(feature = "postgres")]
pub fn check_database(database: &Postgres) -> Result<Report, OpenError> {
    Ok(super::store::postgres::check::check(database, super::series::postgres::examine::EXAMINATIONS)?)
}

/// Copies the data file `from`, which a server may have open, to a new file `to`, as it is at one moment. It is checked
/// before it gets its name. Blocks for as long as reading the whole file takes, or until `stop` is set.
///
/// # Errors
/// When either file cannot be used, when the original is damaged, or when `stop` was set.
pub fn copy(from: &Path, to: &Path, how: Copying, stop: &AtomicBool) -> Result<Copied, CopyError> {
    copy::copy(from, to, how, stop, CONTENTS.examinations)
}

#[cfg(all(unix, feature = "postgres"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::store::postgres::test_server;
    use crate::serve::store::postgres::tests::store_with;
    use crate::serve::store::{Connecting, SetupError};

    #[tokio::test]
    async fn a_new_database_is_sound_and_every_kind_of_damage_is_told() {
        let Some((store, address)) = store_with(Opening::default()) else { return };
        let target = Postgres::new(&address, &Connecting::default()).unwrap();
        let check = || {
            let target = target.clone();
            std::thread::spawn(move || check_database(&target).unwrap()).join().unwrap()
        };
        let report = check();
        assert!(report.is_sound(), "{report}");
        assert_eq!((report.count("metrics"), report.count("points in journal")), (Some(0), Some(0)));
        store.close();
        let (_, database) = address.rsplit_once('/').unwrap();
        let server = test_server::server().unwrap();
        for sql in [
            "INSERT INTO metrics (id, key, name, type, attributes) VALUES (99, 'm', 'm', 'gauge', '[]')",
            "INSERT INTO series (metric_id, dialect, key, labels, checksum) VALUES (99, 'source', 'a', 'a', 0)",
            "INSERT INTO journal (part, lane, seq, received_at, first_series, last_series, block) VALUES (0, 0, 0, 0, 1, 1, '\\x01ff')",
            "INSERT INTO pages (part, tier, start, seq, first, no, level, last, block) VALUES (35, 1, 0, 1, 99, 1, 0, 99, '\\x01')",
            "INSERT INTO incidents (key, alert_id, alert, opened, how, silent, snapshot) VALUES ('k', 1, 'a', 0, 'loud', 0, '{}')",
            "INSERT INTO lanes VALUES (7, 'n', 2, 0), (8, 'n', 5, 0)",
            "INSERT INTO journal (part, lane, seq, received_at, first_series, last_series, block) VALUES
                (0, 7, 3, 0, 1, 1, ''), (0, 8, 3, 0, 1, 1, ''), (0, 8, 5, 0, 1, 1, ''), (0, 9, 1, 0, 1, 1, '')",
            "INSERT INTO tails VALUES ('alerts/05', 0, '{8}', '{6}')",
            "INSERT INTO compacted VALUES (1, 8, 2), (2, 7, 9)",
            "INSERT INTO leases VALUES ('alerts/3', 5, 1, 9000000000000, 0), ('outbox', 5, 1, 50000 + extract(epoch FROM now()) * 1000, 0)",
            "INSERT INTO nodes VALUES (6, 'web-1', '0', 2, NULL, '', 0, extract(epoch FROM now()) * 1000, 'http maintenance')",
            "DROP TABLE dashboard_instruments",
            "CREATE TABLE more (x BIGINT)",
        ] {
            server.sql(database, &format!("SET search_path TO librato_apply; {sql}"));
        }
        let report = check();
        for problem in [
            "the ids of metrics go on behind 0, and there is 99 already",
            "attributes in row 99 of metrics is not a JSON object",
            "row 1 of series: ",
            "row 1 of journal ",
            "page 1 of layer 1 in part 35 (1 s from 0) ",
            "how in row 1 of incidents is none of the words that belong there",
            "dashboard_instruments is missing",
            "more does not belong there",
            "the journal has batch 3 of lane 7, which ends with 2,",
            "the journal has batches of lane 9, which is not there,",
            "no server that is there evaluates alerts:",
            "batch 9 of lane 7 was compacted, and the lane ends with 2:",
            "`alerts/05` has read lane 8 up to batch 6, and the lane ends with 5,",
            "a server that is not there has the duty `alerts/3` for ",
            "a server that is not there has the duty `outbox` and is not heard:",
        ] {
            assert!(report.to_string().contains(&format!("  problem: {problem}")), "{problem}: {report}");
        }
        assert!(report.to_string().contains("  note: lane 8 leaves 1 number out"), "{report}");
    }

    #[test]
    fn a_database_without_data_is_named() {
        let Some(address) = test_server::empty() else { return };
        let target = Postgres::new(&address, &Connecting::default()).unwrap();
        let refused = check_database(&target).unwrap_err();
        assert!(matches!(refused, OpenError::Setup(SetupError::Nothing(_))), "{refused}");
    }
}

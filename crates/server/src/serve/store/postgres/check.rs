//! The examination of a database: are its tables there, do ids go on behind those that were given, can everything in it be read? Over one
//! snapshot, while servers go on; repairs nothing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::thread;

use tokio::runtime::Handle;

use super::check_servers;
use super::connection::Connection;
use super::counts;
use super::error::words;
use super::open_error::SetupError;
use super::schema::MIGRATIONS;
use super::session::Session;
use super::target::Postgres;
use super::{Network, session};
use crate::serve::store::Report;
use crate::serve::store::error::StoreError;
use crate::serve::store::sqlite::column::JSON;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::aging::Aging;

/// A part of the examination; what is wrong is added to the report.
pub type Examination = fn(&Tx<'_>, &mut Report) -> Result<(), StoreError>;

/// Examines a database. Blocks for as long as reading all of it takes.
pub fn check(target: &Postgres, examinations: &[Examination]) -> Result<Report, SetupError> {
    let (network, runtime) = Network::start()?;
    let examined = thread::scope(|scope| scope.spawn(|| examine(target, &runtime, examinations)).join());
    network.end();
    examined.unwrap_or(Err(SetupError::Panicked))
}

fn examine(target: &Postgres, runtime: &Handle, examinations: &[Examination]) -> Result<Report, SetupError> {
    let failed = |why: String| SetupError::Database { address: target.to_string(), why };
    let connection = Connection::open(target, runtime, 0).map_err(|error| failed(words(&error)))?;
    let tx = Tx::on_postgres(Session(&connection), Aging::default());
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    connection.run(begin).map_err(|error| failed(error.to_string()))?;
    let meta = "SELECT 1 FROM pg_tables WHERE schemaname = 'librato_apply' AND tablename = 'meta'";
    if !tx.exists(meta, params![]).map_err(|error| failed(error.to_string()))? {
        return Err(SetupError::Nothing(target.to_string()));
    }
    let schema = tx.one("SELECT schema FROM meta", params![], |row| row.get::<i64>("schema"));
    let schema = schema.map_err(|error| failed(error.to_string()))?.unwrap_or_default();
    let mut report =
        Report::new(PathBuf::from(target.to_string()), i32::try_from(schema).unwrap_or(i32::MAX));
    let ours: [Examination; 7] = [
        tables,
        ids,
        json,
        check_servers::lanes,
        check_servers::tails,
        check_servers::leases,
        check_servers::duties,
    ];
    let counts = (schema >= counts::SINCE).then_some(counts::examine as Examination);
    for examination in ours.iter().chain(&counts).chain(examinations) {
        // A statement that failed ends the snapshot.
        if let Err(error) = examination(&tx, &mut report) {
            report.problem(error.to_string());
            break;
        }
    }
    Ok(report)
}

/// Whether the tables are there that this program made, and how many rows they have.
fn tables(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let schema = usize::try_from(report.schema()).unwrap_or(usize::MAX);
    let made = MIGRATIONS.iter().take(schema).flat_map(|migration| migration.sql.lines());
    let made = made.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next());
    let sql = "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = 'librato_apply'";
    let mut found: BTreeSet<String> = tx.all(sql, params![], |row| row.get("name"))?.into_iter().collect();
    for name in made.chain(["meta"]) {
        if !found.remove(name) {
            report.problem(format!("{name} is missing"));
            continue;
        }
        let count = tx.one(&format!("SELECT count(*) AS n FROM {name}"), params![], |row| row.get("n"))?;
        report.counted(name.to_owned(), count.unwrap_or(0_i64).unsigned_abs());
    }
    found.into_iter().for_each(|name| report.problem(format!("{name} does not belong there")));
    Ok(())
}

/// Whether ids that are given from now on are none that were given before, as they may be after tables were restored one by one.
fn ids(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    for name in tx.all(session::TABLES_WITH_IDS, params![], |row| row.get::<String>("name"))? {
        let largest = format!("SELECT coalesce(max(id), 0) AS id FROM {name}");
        let largest: i64 = tx.one(&largest, params![], |row| row.get("id"))?.unwrap_or(0);
        let last = tx.last_id(&name)?;
        if largest > last {
            report.problem(format!("the ids of {name} go on behind {last}, and there is {largest} already"));
        }
    }
    Ok(())
}

fn json(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    for (table, column, shape) in JSON {
        let first = if shape == "array" { '[' } else { '{' };
        let sql = format!("SELECT id, {column} AS body FROM {table}");
        tx.each(&sql, params![], |row| {
            let body: &str = row.get("body")?;
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
            if !is_json || !body.trim_start().starts_with(first) {
                let id: i64 = row.get("id")?;
                report.problem(format!("{column} in row {id} of {table} is not a JSON {shape}"));
            }
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}

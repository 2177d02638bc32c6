//! What is looked at and made before a database is used: that it keeps what it acknowledges, and that its tables are ours and as new as
//! this program.

use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connection::Connection;
use super::error::words;
use super::open_error::SetupError;
use super::schema::{META, Migration, expanding, groups};
use super::target::Postgres;
use crate::serve::store::MIGRATING;

/// Of PostgreSQL, as its number.
const OLDEST: i64 = 140_000;

/// Into how many parts measurements are divided in a new database, where no one says. It stays as it is.
const PARTS: i64 = 64;

/// How often servers that begin together try to make the same tables.
const TRIES: u32 = 20;

/// Why a step was not done.
pub enum Failed {
    Driver(tokio_postgres::Error),
    Setup(SetupError),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Failed {
        Failed::Driver(error)
    }
}

/// A database whose tables are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prepared {
    /// Into how many parts measurements are divided.
    pub parts: i64,
    /// The schema that its tables have.
    pub schema: i64,
    /// Whether it is a copy of what another PostgreSQL holds, which nobody has adopted.
    pub is_copy: bool,
    /// Whether other data were moved into it, and not to the end.
    pub is_partial: bool,
}

/// Looks at the database, and makes the tables that are missing, of `all` that this program knows. Blocks.
pub fn prepare(target: &Postgres, runtime: &Handle, all: &[Migration]) -> Result<Prepared, SetupError> {
    again(target, runtime, &async |client: &Client| {
        look(client, target.may_forget()).await?;
        migrate(client, target.using().parts, all).await
    })
}

/// Does something over a connection of its own, once more where other servers were doing the same. Blocks.
pub fn again<T>(
    target: &Postgres,
    runtime: &Handle,
    job: &impl AsyncFn(&Client) -> Result<T, Failed>,
) -> Result<T, SetupError> {
    let database = |error: &tokio_postgres::Error| SetupError::Database {
        address: target.to_string(),
        why: words(error),
    };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let connection = Connection::open(target, runtime, 0).map_err(|error| database(&error))?;
        match runtime.block_on(job(connection.client())) {
            Ok(done) => return Ok(done),
            Err(Failed::Setup(error)) => return Err(error),
            Err(Failed::Driver(error)) if attempt < TRIES && is_race(&error) => {
                thread::sleep(Duration::from_millis(50));
            }
            Err(Failed::Driver(error)) => return Err(database(&error)),
        }
    }
}

/// Whether another server was making the same.
fn is_race(error: &tokio_postgres::Error) -> bool {
    let races = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_SCHEMA,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.code().is_some_and(|code| races.contains(code))
}

async fn look(client: &Client, may_forget: bool) -> Result<(), Failed> {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value = setting_of(client, setting).await?;
        if value == "off" && !may_forget {
            return Err(Failed::Setup(SetupError::Forgets { setting, value }));
        }
    }
    let version = setting_of(client, "server_version_num").await?;
    if version.parse().is_ok_and(|version: i64| version < OLDEST) {
        let version = setting_of(client, "server_version").await?;
        return Err(Failed::Setup(SetupError::TooOld(version)));
    }
    match setting_of(client, "server_encoding").await? {
        encoding if encoding == "UTF8" => Ok(()),
        encoding => Err(Failed::Setup(SetupError::Encoding(encoding))),
    }
}

async fn setting_of(client: &Client, name: &str) -> Result<String, Failed> {
    Ok(client.query_one("SELECT current_setting($1)", &[&name]).await?.try_get(0)?)
}

/// What tells one PostgreSQL from another, where its user may know.
pub async fn system(client: &Client) -> Option<String> {
    let sql = "SELECT CAST(system_identifier AS TEXT) FROM pg_control_system()";
    client.query_one(sql, &[]).await.ok()?.try_get(0).ok()
}

/// Applies what only adds to the tables, in one transaction, while no one else does.
async fn migrate(client: &Client, wanted: Option<u16>, all: &[Migration]) -> Result<Prepared, Failed> {
    let (known, system) = (all.len() as i64, system(client).await);
    let count = "SELECT count(*) FILTER (WHERE tablename = 'meta'), count(*) FROM pg_tables
        WHERE schemaname = 'librato_apply'";
    let found = client.query_one(count, &[]).await?;
    let (ours, tables): (i64, i64) = (found.try_get(0)?, found.try_get(1)?);
    if ours == 0 && tables > 0 {
        return Err(Failed::Setup(SetupError::NotOurs));
    }
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; CREATE SCHEMA IF NOT EXISTS librato_apply; {META} LOCK TABLE meta IN EXCLUSIVE MODE"
    );
    client.batch_execute(&begin).await?;
    let row = client.query_opt("SELECT schema, oldest_reader FROM meta", &[]).await?;
    let (from, oldest) = match &row {
        Some(row) => (row.try_get(0)?, row.try_get(1)?),
        None => (0_i64, 0_i64),
    };
    if oldest > known {
        return Err(Failed::Setup(SetupError::Newer { oldest, known }));
    }
    // A new database has nothing that could be taken away.
    let missing = if from == 0 { all } else { expanding(all, from) };
    let (schema, oldest) = apply(client, (from, oldest), missing).await?;
    if from == 0 {
        begin_data(client, (schema, oldest), wanted.map_or(PARTS, i64::from)).await?;
    }
    client.execute("UPDATE meta SET origin = $1 WHERE origin IS NULL", &[&system]).await?;
    let row = client.query_one("SELECT parts, origin FROM meta", &[]).await?;
    let (parts, origin): (i64, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    if let Some(wanted) = wanted.filter(|wanted| i64::from(*wanted) != parts) {
        return Err(Failed::Setup(SetupError::Parts { parts, wanted }));
    }
    let partial = "SELECT 1 FROM file_properties WHERE key = $1";
    let is_partial = client.query_opt(partial, &[&MIGRATING]).await?.is_some();
    client.batch_execute("COMMIT").await?;
    Ok(Prepared { parts, schema, is_copy: system.is_some() && origin != system, is_partial })
}

/// Applies migrations behind a schema, which has an oldest program that can use it. The schema then, and the oldest of its programs.
pub async fn apply(
    client: &Client,
    (from, oldest): (i64, i64),
    missing: &[Migration],
) -> Result<(i64, i64), Failed> {
    for migration in missing {
        client.batch_execute(&migration.statements()).await?;
    }
    let schema = from + missing.len() as i64;
    let oldest = missing.iter().map(|migration| migration.oldest_reader).fold(oldest, i64::max);
    if !missing.is_empty() {
        client.execute("UPDATE meta SET schema = $1, oldest_reader = $2", &[&schema, &oldest]).await?;
    }
    Ok((schema, oldest))
}

/// What belongs to these data and to no others.
async fn begin_data(client: &Client, (schema, oldest): (i64, i64), parts: i64) -> Result<(), Failed> {
    let mut random = [0_u8; 52];
    getrandom::fill(&mut random).map_err(|_| {
        let why = "this machine has no source of randomness".to_owned();
        Failed::Setup(SetupError::Database { address: String::new(), why })
    })?;
    let (cluster, rest) = random.split_at(16);
    let (tag_key, file) = rest.split_at(32);
    let file = file.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    let levels: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&schema, &oldest, &parts, &hex::encode(cluster)];
    client.execute("INSERT INTO meta VALUES (1, $1, $2, $1, $3, $4)", levels).await?;
    let key = hex::encode_upper(tag_key);
    client.execute("INSERT INTO file_properties VALUES ('tag_key', $1)", &[&key]).await?;
    let clocks = "INSERT INTO alert_clock (id, file, held)
        SELECT number, CAST($1 AS BIGINT), 0 FROM generate_series(CAST(1 AS BIGINT), $2) AS number";
    client.execute(clocks, &[&file, &groups(schema)]).await?;
    Ok(())
}

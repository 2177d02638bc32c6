//! `serve upgrade`: what must wait until no older program uses a database any more. Servers of two versions work side by side, in either direction,
//! until then: what only adds to the tables is applied by the first that knows it, and rows are written as the older ones can read them.

use std::thread;

use tokio_postgres::Client;

use super::Network;
use super::counts;
use super::open_error::SetupError;
use super::schema::{MIGRATIONS, Migration};
use super::setup::{self, Failed, Prepared};
use super::target::Postgres;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgraded {
    /// The level of rows before.
    pub from: i64,
    /// And now.
    pub to: i64,
    /// Whether a copy was made the original.
    pub adopted: bool,
}

/// Brings a database as far as this program knows; with `adopt` what is in it is the original from now on. Blocks.
pub fn upgrade(target: &Postgres, adopt: bool) -> Result<Upgraded, SetupError> {
    upgrade_to(target, adopt, MIGRATIONS)
}

/// The same of a program that knows `all` these migrations.
pub fn upgrade_to(target: &Postgres, adopt: bool, all: &[Migration]) -> Result<Upgraded, SetupError> {
    let (network, runtime) = Network::start()?;
    let job = || {
        let is_there = setup::again(target, &runtime, &async |client: &Client| Ok(is_ours(client).await?))?;
        if !is_there {
            return Err(SetupError::Nothing(target.to_string()));
        }
        let Prepared { is_copy, .. } = setup::prepare(target, &runtime, all)?;
        setup::again(target, &runtime, &async |client: &Client| raise(client, adopt && is_copy, all).await)
    };
    let done = thread::scope(|scope| scope.spawn(job).join());
    network.end();
    done.unwrap_or(Err(SetupError::Panicked))
}

async fn is_ours(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'librato_apply' AND tablename = 'meta')";
    client.query_one(sql, &[]).await?.try_get(0)
}

/// Takes away what only older programs use, unless one of them is there.
async fn raise(client: &Client, adopt: bool, all: &[Migration]) -> Result<Upgraded, Failed> {
    let (known, system) = (all.len() as i64, setup::system(client).await);
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED; LOCK TABLE meta IN EXCLUSIVE MODE").await?;
    let older = "SELECT name, version FROM nodes
        WHERE level < $1 AND seen > CAST(extract(epoch FROM now()) * 1000 AS BIGINT) - 10000 ORDER BY name";
    let older = client.query(older, &[&known]).await?;
    if !older.is_empty() {
        let named = older
            .iter()
            .map(|row| Ok(format!("{} ({})", row.try_get::<_, &str>(0)?, row.try_get::<_, &str>(1)?)));
        let named: Result<Vec<String>, tokio_postgres::Error> = named.collect();
        return Err(Failed::Setup(SetupError::Older(named?.join(", "))));
    }
    let row = client.query_one("SELECT schema, oldest_reader, writes_level FROM meta", &[]).await?;
    let (schema, oldest, level): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let missing = all.get(usize::try_from(schema).unwrap_or(0)..).unwrap_or_default();
    let (schema, _) = setup::apply(client, (schema, oldest), missing).await?;
    if schema >= counts::SINCE {
        client.batch_execute(counts::ANEW).await?;
    }
    // What a newer program has raised stays.
    let to = level.max(known);
    client.execute("UPDATE meta SET writes_level = $1", &[&to]).await?;
    if adopt {
        client.execute("UPDATE meta SET origin = $1", &[&system]).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(Upgraded { from: level, to, adopted: adopt })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::test_server;
    use super::super::tests::{another, fresh, target};
    use super::*;

    /// What a program makes of a database that knows these migrations.
    fn opened(target: &Postgres, all: &[Migration]) -> Result<Prepared, SetupError> {
        let (network, runtime) = Network::start()?;
        let done = thread::scope(|scope| scope.spawn(|| setup::prepare(target, &runtime, all)).join());
        network.end();
        done.unwrap()
    }

    fn sql(address: &str, sql: &str) -> String {
        let (_, database) = address.rsplit_once('/').unwrap();
        let sql = format!("SET search_path TO librato_apply; {sql}");
        test_server::server().unwrap().sql(database, &sql).lines().last().unwrap_or_default().to_owned()
    }

    const LEVELS: &str = "SELECT schema || ' ' || oldest_reader || ' ' || writes_level FROM meta";

    /// What this program knows, and one version more, which takes something away.
    fn next() -> Vec<Migration> {
        let known = MIGRATIONS.iter().map(|one| Migration { sql: one.sql, ..*one });
        let sql = "ALTER TABLE streams DROP COLUMN display_name";
        known
            .chain([Migration { sql, oldest_reader: MIGRATIONS.len() as i64 + 1, takes_away: true }])
            .collect()
    }

    #[test]
    fn what_takes_something_away_waits_until_no_older_server_is_there() {
        let Some(address) = fresh() else { return };
        let (target, n) = (target(&address), MIGRATIONS.len());
        let (all, newer) = (next(), n + 1);
        // Both versions use it side by side, whichever came first.
        for known in [MIGRATIONS, &all, MIGRATIONS] {
            opened(&target, known).unwrap();
            assert_eq!(sql(&address, LEVELS), format!("{n} 4 {n}"));
        }
        let seen = "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)";
        sql(&address, &format!("INSERT INTO nodes VALUES (1, 'web-1', '0.1.0', {n}, NULL, '', 0, {seen})"));
        let refused = upgrade_to(&target, false, &all).unwrap_err();
        assert!(matches!(&refused, SetupError::Older(who) if who == "web-1 (0.1.0)"), "{refused}");
        assert_eq!(sql(&address, LEVELS), format!("{n} 4 {n}"), "nothing was done");

        sql(&address, "UPDATE nodes SET seen = 0");
        let done = upgrade_to(&target, false, &all).unwrap();
        assert_eq!((done.from, done.to, done.adopted), (n as i64, newer as i64, false));
        assert_eq!(sql(&address, LEVELS), format!("{newer} {newer} {newer}"));
        let refused = opened(&target, MIGRATIONS).unwrap_err();
        assert!(matches!(refused, SetupError::Newer { .. }), "{refused}");
        let again = upgrade_to(&target, false, &all).unwrap();
        assert_eq!((again.from, again.to), (newer as i64, newer as i64));
    }

    /// All alerts had one clock, and are evaluated by whoever has the lease for them, until no program is there that knows no groups.
    #[test]
    fn each_group_of_alerts_goes_on_from_where_all_of_them_were() {
        let Some(address) = test_server::empty() else { return };
        let (target, before) = (target(&address), &MIGRATIONS[..2]);
        opened(&target, before).unwrap();
        sql(&address, "UPDATE alert_clock SET clock = 500, wall = 501, held = 1");
        sql(&address, "INSERT INTO leases VALUES ('alerts', 5, 3, 0, 0), ('outbox', 5, 3, 0, 0)");
        let clocks = "SELECT count(*) || ' ' || min(id) || ' ' || max(id) || ' ' || count(DISTINCT file)
            || ' ' || min(clock) || ' ' || max(clock) || ' ' || min(wall) || ' ' || min(held) FROM alert_clock";
        for known in [before, MIGRATIONS] {
            opened(&target, known).unwrap();
            assert_eq!(
                sql(&address, clocks),
                "1 1 1 1 500 500 501 1",
                "a program that is started takes nothing away"
            );
        }
        upgrade(&target, false).unwrap();
        assert_eq!(sql(&address, clocks), "64 1 64 1 500 500 501 1");
        assert_eq!(sql(&address, "SELECT string_agg(name, ' ') FROM leases"), "outbox");
        assert!(matches!(opened(&target, before).unwrap_err(), SetupError::Newer { oldest: 4, known: 2 }));

        // A new database has the same.
        let Some(address) = fresh() else { return };
        assert_eq!(
            sql(
                &address,
                "SELECT count(*) || ' ' || count(DISTINCT file) || ' ' || count(clock) FROM alert_clock"
            ),
            "64 1 0"
        );
    }

    /// As `pg_dump` brings it to another PostgreSQL.
    #[test]
    fn what_was_restored_elsewhere_is_a_copy_until_it_is_adopted() {
        let Some(address) = fresh() else { return };
        let target = target(&address);
        let is_copy = || {
            let store = another(&address);
            let is_copy = store.is_unadopted_copy();
            store.close();
            is_copy
        };
        assert!(!is_copy());
        sql(&address, "UPDATE meta SET origin = '1'");
        assert!(is_copy());
        assert!(!upgrade(&target, false).unwrap().adopted);
        assert!(is_copy(), "it was not asked for");
        assert!(upgrade(&target, true).unwrap().adopted);
        assert!(!is_copy());
        assert!(!upgrade(&target, true).unwrap().adopted, "there is nothing to adopt");
    }

    #[test]
    fn where_nothing_of_ours_is_nothing_is_made() {
        let Some(address) = test_server::empty() else { return };
        let refused = upgrade(&target(&address), false).unwrap_err();
        assert!(matches!(refused, SetupError::Nothing(_)), "{refused}");
        let refused = upgrade(&target(&address), true).unwrap_err();
        assert!(matches!(refused, SetupError::Nothing(_)), "no tables were made: {refused}");
    }
}

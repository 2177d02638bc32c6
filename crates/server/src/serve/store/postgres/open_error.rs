//! Why a database cannot be used, with what to do about it.

use std::io;

/// Why a database cannot be used; the text says what to do. Holds no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// It cannot be reached, or lets us not in.
    #[error("cannot use the database {address}: {why}")]
    Database {
        /// Hosts and name.
        address: String,
        /// What was said.
        why: String,
    },
    /// It does not keep what it acknowledges.
    #[error("the database has {setting} = {value}, so what it acknowledged can be lost; set it to on")]
    Forgets {
        /// A setting of PostgreSQL.
        setting: &'static str,
        /// What it is set to.
        value: String,
    },
    /// It is too old.
    #[error("the database is PostgreSQL {0}; at least version 14 is needed")]
    TooOld(String),
    /// It cannot hold all texts.
    #[error(
        "the database has the encoding {0}; make one with UTF8 (createdb --encoding=UTF8 --template=template0)"
    )]
    Encoding(String),
    /// There are tables of someone else where ours would stand.
    #[error(
        "the schema librato_apply of the database holds tables that are not of librato-apply; choose another database"
    )]
    NotOurs,
    /// A newer version made the tables what they are.
    #[error(
        "the database can be used from schema {oldest} on, and this program knows {known}; update the program"
    )]
    Newer {
        /// The oldest schema whose programs can read it.
        oldest: i64,
        /// Ours.
        known: i64,
    },
    /// Servers of an older version use it.
    #[error(
        "servers of an older version use the database: {0}; update or stop them, and run this again ten seconds later"
    )]
    Older(String),
    /// It was made with another number of parts.
    #[error(
        "the database was made with {parts} parts, which stays so; leave out --parts, or make another database for {wanted}"
    )]
    Parts {
        /// Those it has.
        parts: i64,
        /// Those that were asked for.
        wanted: u16,
    },
    /// There is nothing of ours in it.
    #[error(
        "there are no data of librato-apply in {0}; is the address right? `serve` alone makes the tables"
    )]
    Nothing(String),
    /// Others were moved into it, and not to the end.
    #[error(
        "the database holds a part of other data that are being moved into it; run the same `serve migrate` again, to its end"
    )]
    Migrating,
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// What has to be read before anything else cannot be.
    #[error("cannot use what is in the database: {0}")]
    Unusable(String),
    /// A fault of the program.
    #[error("setting up the database panicked")]
    Panicked,
}

//! Where a server keeps its data: a file, or a database that others share. What is said of both at once, or of neither, is refused with
//! what to do.

use std::fmt;
use std::path::PathBuf;

use librato_apply::serve::{Data, Opening, Store};

use super::commands::once;
use crate::cli::exit::Stop;
use crate::cli::settings::{Resolved, Settings, TABLE};

/// Where the data are.
pub enum Stored {
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Database(Box<librato_apply::serve::Postgres>),
}

impl Stored {
    /// As the options say.
    ///
    /// # Errors
    /// Where they contradict each other, or the address of the database cannot be used.
    pub fn of(resolved: &Resolved) -> Result<Stored, Stop> {
        let settings = &resolved.settings;
        if settings.store.url.is_some() {
            contradicted(resolved)?;
            return database(settings);
        }
        // One of a file of settings stands behind the directory of that file.
        if settings.data.to_string_lossy().contains("postgres://") {
            let help = "give its address as --store, or in LIBRATO_APPLY_STORE where it holds a password";
            return Err(Stop::usage("--data names a file, and this is a database", help));
        }
        let lost = TABLE.iter().find(|opt| opt.key.starts_with("store.") && resolved.says(opt.key));
        if let Some(opt) = lost {
            let message = format!("`{}` is about a database, and none is named", opt.key);
            return Err(Stop::usage(message, "give --store postgres://USER@HOST/DATABASE, or leave it out"));
        }
        Ok(Stored::File(settings.data.clone()))
    }

    /// Opens it. Blocks.
    pub fn open(&self, opening: Opening) -> anyhow::Result<Store> {
        match self {
            Stored::File(path) => Store::open_with(&Data::File(path.clone()), opening),
            #[cfg(feature = "postgres")]
            Stored::Database(database) => Store::connect(database, opening),
        }
        .map_err(once)
    }
}

impl Stored {
    /// What it means that a database is a copy, and what to do.
    pub fn unadopted(&self) -> String {
        format!(
            "note: {self} was restored from another PostgreSQL: a server over it notifies nobody; once the original is served no more, run \
             `librato-apply serve upgrade --adopt URL`, and start its servers again"
        )
    }
}

/// As the server says when it starts.
impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stored::File(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "postgres")]
            Stored::Database(database) => write!(f, "{database}, schema librato_apply"),
        }
    }
}

/// What is said beside a database that is for files alone.
fn contradicted(resolved: &Resolved) -> Result<(), Stop> {
    if resolved.says("data") {
        let message = "--store and --data name two places for the data";
        return Err(Stop::usage(
            message,
            "leave one of them out; `data` may also stand in the environment or in the file of --config",
        ));
    }
    if resolved.settings.demo {
        let message = "--demo keeps its data in a temporary file, and --store names a database";
        return Err(Stop::usage(message, "leave one of them out"));
    }
    if resolved.says("limits.max_disk") {
        let message = "--max-disk bounds a file, and the data are in a database";
        return Err(Stop::usage(message, "leave it out, and watch the disk of the database"));
    }
    Ok(())
}

#[cfg(feature = "postgres")]
fn database(settings: &Settings) -> Result<Stored, Stop> {
    use librato_apply::serve::{Connecting, Postgres, Using, host_name};
    use secrecy::ExposeSecret as _;

    let store = &settings.store;
    let mut connecting = Connecting::default();
    connecting.password = store.password.clone();
    connecting.passfile = crate::cli::credentials::env("PGPASSFILE").map(PathBuf::from);
    connecting.ca = store.ca_file.clone();
    connecting.allow_insecure = store.allow_insecure;
    let url = store.url.as_ref().map(|url| url.expose_secret()).unwrap_or_default();
    let found = Postgres::new(url, &connecting).map_err(|error| {
        Stop::usage(format!("the database cannot be used: {error}"), "see docs/several-machines.md")
    })?;
    let mut using = Using::default();
    using.connections = store.connections;
    using.patience = store.patience;
    using.parts = store.parts;
    using.duties = store.duties;
    (using.journal_soft, using.journal_hard) = (store.journal_soft, store.journal_hard);
    if store.journal_soft > store.journal_hard {
        let message = "--journal-soft is more than --journal-hard, so measurements would be refused before they are slowed down";
        return Err(Stop::usage(
            message,
            "leave one of them out, or give the smaller number as --journal-soft",
        ));
    }
    let node = store.node.clone();
    using.node = Some(node.unwrap_or_else(|| format!("{}:{}", host_name(), std::process::id())));
    Ok(Stored::Database(Box::new(found.used(using))))
}

#[cfg(not(feature = "postgres"))]
fn database(_: &Settings) -> Result<Stored, Stop> {
    Err(Stop::usage("this build knows no databases", "build it with the feature `postgres`"))
}

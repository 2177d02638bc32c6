//! Databases whose addresses are arguments of commands: their passwords stand elsewhere.

use std::path::PathBuf;

use librato_apply::serve::Place;

use crate::cli::args::Reaching;
use crate::cli::exit::Stop;
use crate::cli::settings::{self, shows_credentials};

/// The database at this address, as a program that does `what`.
pub fn database(address: &str, reaching: &Reaching, what: &str, parts: Option<u16>) -> Result<Place, Stop> {
    if shows_credentials(address) {
        let message = "the address would show a password: everybody on this machine sees arguments";
        let help = "write the password into a file and give --store-password-file FILE, or set PGPASSFILE";
        return Err(Stop::usage(message, help));
    }
    reached(address, reaching, what, parts)
}

#[cfg(feature = "postgres")]
fn reached(address: &str, reaching: &Reaching, what: &str, parts: Option<u16>) -> Result<Place, Stop> {
    use librato_apply::serve::{Connecting, Postgres, Using};

    let mut connecting = Connecting::default();
    connecting.password = reaching.store_password_file.as_deref().map(password).transpose()?;
    connecting.passfile = crate::cli::credentials::env("PGPASSFILE").map(PathBuf::from);
    connecting.ca = reaching.store_ca_file.clone();
    connecting.allow_insecure = reaching.allow_insecure_store;
    let found = Postgres::new(address, &connecting).map_err(|error| {
        Stop::usage(format!("the database cannot be used: {error}"), "see docs/several-machines.md")
    })?;
    let mut using = Using::default();
    using.node = Some(format!("{what}:{}", std::process::id()));
    let wrong = |why| Stop::usage("the value of --parts cannot be used", why);
    using.parts = parts.map(|n| settings::parts(&n.to_string())).transpose().map_err(wrong)?;
    Ok(Place::Database(Box::new(found.used(using))))
}

/// What stands in a file alone.
#[cfg(feature = "postgres")]
fn password(path: &std::path::Path) -> Result<secrecy::SecretString, Stop> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = librato_apply::diag::in_plain_words(&error);
        Stop::usage(
            format!("cannot read {}: {why}", path.display()),
            "give a file that holds the password alone",
        )
    })?;
    Ok(text.trim().to_owned().into())
}

#[cfg(not(feature = "postgres"))]
fn reached(_: &str, _: &Reaching, _: &str, _: Option<u16>) -> Result<Place, Stop> {
    Err(Stop::usage("this build knows no databases", "build it with the feature `postgres`"))
}

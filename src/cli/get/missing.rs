//! What is said of a thing that is not there, and of what it may mean.

use librato_apply::diag::{printable, suggest};

use crate::cli::args::kind::Kind;
use crate::cli::exit::{Exit, Stop};
use crate::cli::remote::Entry;

/// What was asked for is not there.
pub fn missing(kind: Kind, which: &str, close: Option<String>) -> anyhow::Error {
    let help = close.map(|close| format!("did you mean \"{}\"?", printable(&close))).into_iter().collect();
    Stop { exit: Exit::Error, message: format!("there is no {} {which}", kind.noun()), help }.into()
}

/// Nothing of what there is has this name; what is close to it may be meant, or the only one that begins so.
pub fn not_called(kind: Kind, name: &str, all: &[Entry]) -> anyhow::Error {
    let names = || all.iter().map(|entry| entry.name.as_str());
    let close = suggest(name, names()).or_else(|| beginning(name, names())).map(str::to_owned);
    missing(kind, &format!("called \"{}\"", printable(name)), close)
}

/// The only name that begins so, whatever the case.
fn beginning<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let mut found = names.filter(|name| name.to_lowercase().starts_with(&typed));
    found.next().filter(|_| found.next().is_none())
}

/// The same error with one hint more.
pub fn with_help(error: anyhow::Error, help: String) -> anyhow::Error {
    match error.downcast::<Stop>() {
        Ok(mut stop) => {
            stop.help.push(help);
            stop.into()
        }
        Err(other) => other,
    }
}

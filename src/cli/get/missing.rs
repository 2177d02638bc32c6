//! What is said of a thing that is not there, and of what it may mean.

use librato_apply::diag::printable;

use crate::cli::args::kind::Kind;
use crate::cli::exit::{Exit, Stop};

/// What was asked for is not there.
pub fn missing(kind: Kind, which: &str, close: Option<String>) -> anyhow::Error {
    let help = close.map(|close| format!("did you mean \"{}\"?", printable(&close))).into_iter().collect();
    Stop { exit: Exit::Error, message: format!("there is no {} {which}", kind.noun()), help }.into()
}

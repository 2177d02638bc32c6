//! How the program ends: the exit codes, and errors that choose one.

use std::fmt;
use std::process::ExitCode;

/// The exit codes. They are part of what the program promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error, or warnings under `--strict`.
    Error = 1,
    /// Changes are pending and `--detailed-exitcode` asks for it to be told.
    Pending = 2,
    /// A safety rule refuses.
    Refused = 3,
    /// Some of it was done.
    Partial = 4,
    /// The command line makes no sense.
    Usage = 64,
    /// The user stopped it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that ends the program with a code of its own.
#[derive(Debug)]
pub struct Stop {
    /// The code.
    pub exit: Exit,
    /// What went wrong.
    pub message: String,
    /// How to mend it.
    pub help: Vec<String>,
}

impl Stop {
    /// Wrong usage, with a hint.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), help: vec![help.into()] }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Stop {}

/// An error with its causes, those of the system in plain words.
pub fn chain(error: &anyhow::Error) -> String {
    let words = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<std::io::Error>() {
        Some(error) => librato_apply::diag::in_plain_words(error),
        None => cause.to_string(),
    };
    error.chain().map(words).collect::<Vec<_>>().join(": ")
}

//! Asking before something is written: only someone at a terminal can answer, and only `yes` is a yes.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;

use super::exit::{Exit, Stop};
use super::ui::Ui;

/// A question needs someone to answer it.
///
/// # Errors
/// Where standard input is no terminal.
pub fn check_that_somebody_can_answer(hint: &str) -> Result<(), Stop> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Stop::usage("nobody can be asked: standard input is not a terminal", hint))
}

/// Asks whether to go on.
///
/// # Errors
/// Unless the answer is `yes`.
pub fn ask(question: &str, refused: &str, ui: &Ui) -> anyhow::Result<()> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{} Only `yes` is a yes: ", ui.redact(question))?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(Stop { exit: Exit::Error, message: format!("not confirmed: {refused}"), help: Vec::new() }.into())
}

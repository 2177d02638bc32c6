//! `serve migrate`: from a file into a database, and back.

use std::path::PathBuf;

use librato_apply::serve::{self, Place};

use super::reach;
use crate::cli::args::Reaching;
use crate::cli::exit::{Exit, Stop};
use crate::cli::interrupts::told_to_stop;
use crate::cli::settings::is_database;
use crate::cli::ui::Ui;

/// Moves all of it, and says how much that was.
pub async fn run(
    from: &str,
    to: &str,
    reaching: &Reaching,
    parts: Option<u16>,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let place = |text: &str| match text {
        text if is_database(text) => reach::database(text, reaching, "migrate", parts),
        path => Ok(Place::File(PathBuf::from(path))),
    };
    let (from, to) = (place(from)?, place(to)?);
    if let Place::File(path) = &from
        && !path.exists()
    {
        let message = format!("there is no file {}", path.display());
        return Err(Stop { exit: Exit::Error, message, help: vec!["is the path right?".to_owned()] }.into());
    }
    let told = |step: &str| ui.say(&format!("moving: {step}"));
    let moved = tokio::select! {
        moved = serve::migrate(&from, &to, told) => moved,
        () = told_to_stop() => {
            ui.complain("stopped; run the same again to go on");
            return Ok(Exit::Interrupted);
        }
    };
    let moved = moved.map_err(|error| anyhow::anyhow!("{error}"))?;
    let resumed = if moved.resumed { ", the last of it now" } else { "" };
    let (rows, points) = (moved.rows, moved.points);
    let done = if moved.already { "Nothing is left to do, it had been moved before:" } else { "Moved" };
    ui.out(&format!(
        "{done} {from} to {to}: {rows} rows and {points} points{resumed}.\n\
         Compared: the rows of each table; points, measurements and their sum of each metric and resolution.\n"
    ));
    Ok(Exit::Done)
}

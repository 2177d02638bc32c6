//! `serve upgrade`: a database is used as this version does from now on.

use super::reach;
use crate::cli::args::Reaching;
use crate::cli::exit::{Exit, Stop};
use crate::cli::settings::is_database;
use crate::cli::ui::Ui;

/// Does it, and says what that was.
#[cfg(feature = "postgres")]
pub async fn run(address: &str, adopt: bool, reaching: &Reaching, ui: &Ui) -> anyhow::Result<Exit> {
    check(address)?;
    let place = reach::database(address, reaching, "upgrade", None)?;
    let shown = place.to_string();
    let done = tokio::task::spawn_blocking(move || place.upgrade(adopt)).await?;
    let done = done.map_err(|error| anyhow::anyhow!("{error}"))?;
    let level = if done.from == done.to {
        format!("is at level {} already", done.to)
    } else {
        format!("was at level {} and is at {} now", done.from, done.to)
    };
    let original = match (adopt, done.adopted) {
        (false, _) => "",
        (true, true) => ". It is the original from now on: start its servers again, and they notify",
        (true, false) => ". It is no copy, so there was nothing to adopt",
    };
    ui.out(&format!("{shown} {level}{original}.\n"));
    Ok(Exit::Done)
}

/// Without the feature no database can be reached.
#[cfg(not(feature = "postgres"))]
pub async fn run(address: &str, _: bool, reaching: &Reaching, _: &Ui) -> anyhow::Result<Exit> {
    check(address)?;
    reach::database(address, reaching, "upgrade", None)?;
    Ok(Exit::Error)
}

fn check(address: &str) -> Result<(), Stop> {
    if is_database(address) {
        return Ok(());
    }
    let message = "`serve upgrade` is about databases, and this is a file";
    let help = "a file is brought up to date when it is served; a copy of one is adopted by `librato-apply serve adopt FILE`";
    Err(Stop::usage(message, help))
}

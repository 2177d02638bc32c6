//! `serve check`, `backup`, `restore`, `migrate`, `upgrade` and `adopt`: what looks after the data of a server.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use librato_apply::serve::{self, Copied, CopyError, Copying, OpenError};

use super::super::args::{Reaching, ServeCommand};
use super::super::exit::{Exit, Stop};
use super::super::interrupts::told_to_stop;
use super::super::ui::Ui;
use super::{migrate, reach, upgrade};
use crate::cli::settings::is_database;

/// Does one of them.
pub async fn run(command: &ServeCommand, ui: &Ui) -> anyhow::Result<Exit> {
    refuse_database(command)?;
    match command {
        ServeCommand::Check { file, reaching } if is_database(&file.to_string_lossy()) => {
            database(&file.to_string_lossy(), reaching, ui).await
        }
        ServeCommand::Check { file, .. } => check(file, ui).await,
        ServeCommand::Migrate { from, to, reaching, parts } => {
            migrate::run(from, to, reaching, *parts, ui).await
        }
        ServeCommand::Backup { from, to, overwrite } => {
            let mut how = Copying::default();
            how.overwrite = *overwrite;
            let free =
                if *overwrite { "choose another name" } else { "choose another name, or give --overwrite" };
            let Some(copied) = copy(from, to, how, free, ui).await? else { return Ok(Exit::Interrupted) };
            report("Copied", from, to, &copied, ui);
            Ok(Exit::Done)
        }
        ServeCommand::Restore { from, to, adopt } => {
            let mut how = Copying::default();
            how.adopt = *adopt;
            how.hand_over = true;
            let free = "rename it first, with its -wal: it may hold what the copy does not; no server may have it open";
            let Some(copied) = copy(from, to, how, free, ui).await? else { return Ok(Exit::Interrupted) };
            report("Restored", from, to, &copied, ui);
            if !adopt {
                ui.say(&unadopted(to, None));
            }
            Ok(Exit::Done)
        }
        ServeCommand::Upgrade { database, adopt, reaching } => {
            upgrade::run(database, *adopt, reaching, ui).await
        }
        ServeCommand::Adopt { file } => adopt(file, ui).await,
    }
}

/// What looks after a file does not look after a database, which has programs of its own.
fn refuse_database(command: &ServeCommand) -> Result<(), Stop> {
    let (files, name, help) = match command {
        ServeCommand::Check { .. } | ServeCommand::Migrate { .. } | ServeCommand::Upgrade { .. } => {
            return Ok(());
        }
        ServeCommand::Backup { from, to, .. } => (
            [from, to],
            "backup",
            "have PostgreSQL make backups of it: pg_basebackup with archived logs (pgBackRest, Barman, the provider), or `pg_dump --schema=librato_apply`",
        ),
        ServeCommand::Restore { from, to, .. } => (
            [from, to],
            "restore",
            "have PostgreSQL restore it: from its base backup and archived logs, or by pg_restore",
        ),
        ServeCommand::Adopt { file } => {
            ([file, file], "adopt", "of a database it is `librato-apply serve upgrade --adopt URL`")
        }
    };
    if files.iter().any(|file| is_database(&file.to_string_lossy())) {
        let message = format!("`serve {name}` is about files, and this is a database");
        return Err(Stop::usage(message, help));
    }
    Ok(())
}

/// Reports on stdout. That a file is in use says nothing about it, so that has an exit code of its own.
pub async fn check(file: &Path, ui: &Ui) -> anyhow::Result<Exit> {
    there(file)?;
    let path = file.to_owned();
    let report = match tokio::task::spawn_blocking(move || serve::check(&path)).await? {
        Ok(report) => report,
        Err(error @ OpenError::InUse { .. }) => {
            let file = file.display();
            let message = format!("not checked, so nothing is known of it: {error}");
            let help = format!(
                "a copy can be checked while the server runs: `librato-apply serve backup {file} copy.db`, then `serve check copy.db`"
            );
            return Err(Stop { exit: Exit::Refused, message, help: vec![help] }.into());
        }
        Err(error) => return Err(once(error)),
    };
    ui.out(&report.to_string());
    Ok(if report.is_sound() { Exit::Done } else { Exit::Error })
}

/// The same of a database, which servers may use.
async fn database(address: &str, reaching: &Reaching, ui: &Ui) -> anyhow::Result<Exit> {
    let database = reach::database(address, reaching, "check", None)?;
    let report = tokio::task::spawn_blocking(move || database.check()).await?.map_err(once)?;
    ui.out(&report.to_string());
    Ok(if report.is_sound() { Exit::Done } else { Exit::Error })
}

/// An error whose text holds its cause already, without the cause.
pub fn once(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// What it means that a file is a copy, made at `copied_at` if that is known, and what to do.
pub fn unadopted(file: &Path, copied_at: Option<i64>) -> String {
    let file = file.display();
    let made = copied_at.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let made = made.map(|time| time.strftime(" of %Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    format!(
        "note: {file} is a copy{made}: a server over it notifies nobody and knows no sessions of the original; once the original is \
         served no more, run `librato-apply serve adopt {file}`"
    )
}

/// A file that is looked after is there already.
fn there(file: &Path) -> Result<(), Stop> {
    if file.exists() {
        return Ok(());
    }
    let message = format!("there is no file {}", file.display());
    Err(Stop {
        exit: Exit::Error,
        message,
        help: vec!["is the path right? `serve` alone makes a new file".to_owned()],
    })
}

/// `None` when it was stopped.
async fn copy(from: &Path, to: &Path, how: Copying, free: &str, ui: &Ui) -> anyhow::Result<Option<Copied>> {
    there(from)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (source, target, stopped) = (from.to_owned(), to.to_owned(), Arc::clone(&stop));
    let mut copying = tokio::task::spawn_blocking(move || serve::copy(&source, &target, how, &stopped));
    let copied = tokio::select! {
        copied = &mut copying => copied?,
        () = told_to_stop() => {
            stop.store(true, Ordering::Relaxed);
            copying.await?
        }
    };
    let message = match copied {
        Ok(copied) => return Ok(Some(copied)),
        Err(error) => error,
    };
    let help = match &message {
        CopyError::Stopped => {
            ui.complain("stopped; nothing was written");
            return Ok(None);
        }
        CopyError::Exists(_) => free.to_owned(),
        CopyError::Damaged(report) => {
            ui.complain(&report.to_string());
            format!(
                "nothing was written; stop the server and see `librato-apply serve check {}`",
                from.display()
            )
        }
        _ => "nothing was written".to_owned(),
    };
    Err(Stop { exit: Exit::Error, message: message.to_string(), help: vec![help] }.into())
}

fn report(done: &str, from: &Path, to: &Path, copied: &Copied, ui: &Ui) {
    let (from, to, size) = (from.display(), to.display(), size(copied.bytes));
    ui.out(&format!("{done} {from} to {to}: {size}.\n{}", copied.report));
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

async fn adopt(file: &Path, ui: &Ui) -> anyhow::Result<Exit> {
    there(file)?;
    let path = file.to_owned();
    let marked = tokio::task::spawn_blocking(move || serve::adopt(&path)).await?.map_err(once)?;
    let file = file.display();
    ui.say(&if marked {
        format!("{file} is no longer marked as a copy: what is served from it is the original")
    } else {
        format!("{file} is not marked as a copy: there is nothing to do")
    });
    Ok(Exit::Done)
}

//! Waiting for a data file that another process has, and telling who that is.

use std::path::Path;
use std::time::{Duration, Instant};

use librato_apply::serve::{Data, OpenError, Store};

use super::exit::{Exit, Stop};
use super::ui::Ui;

/// How long a command waits for another one; what takes longer is a question no one answers, or much to write.
pub const LONGEST: Duration = Duration::from_secs(10);

/// How long people wait without wondering.
const WONDER: Duration = Duration::from_secs(1);

/// How often it is tried.
const GLANCE: Duration = Duration::from_millis(50);

/// Opens a data file. While another command has it this is tried for a while; a server keeps it.
///
/// # Errors
/// Where it cannot be used, or is still in use at the end.
pub async fn open(data: &Data, limit: Duration, ui: &Ui) -> anyhow::Result<Store> {
    let (begun, mut said) = (Instant::now(), false);
    loop {
        let wanted = data.clone();
        let (path, process) = match tokio::task::spawn_blocking(move || Store::open(&wanted)).await? {
            Ok(store) => return Ok(store),
            Err(OpenError::InUse { path, process }) => (path, process),
            Err(error) => {
                return Err(Stop { exit: Exit::Error, message: error.to_string(), help: Vec::new() }.into());
            }
        };
        let holder = process.map_or(Holder { process: None, command: None }, Holder::of);
        let waited = begun.elapsed();
        if holder.is_server() || waited >= limit {
            return Err(holder.refuses(&path).into());
        }
        if waited >= WONDER.min(limit / 2) && !std::mem::replace(&mut said, true) {
            let limit = limit.as_secs_f64().ceil();
            ui.say(&format!("{} is in use by {holder}; waiting for up to {limit} s", path.display()));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// The commands that may have one.
const COMMANDS: &[&str] =
    &["serve", "plan", "apply", "export", "query", "submit", "annotate", "get", "delete", "resolve"];

/// A process that has a data file.
struct Holder {
    process: Option<u32>,
    /// Which of our commands it runs, as far as that can be seen.
    command: Option<&'static str>,
}

impl Holder {
    fn of(process: u32) -> Self {
        // Only one of our own words is ever shown of it: arguments may hold anything.
        let command = std::fs::read(format!("/proc/{process}/cmdline")).ok().and_then(|line| {
            let words = String::from_utf8_lossy(&line);
            words.split('\0').skip(1).find_map(|word| COMMANDS.iter().find(|known| **known == word)).copied()
        });
        Self { process: Some(process), command }
    }

    fn is_server(&self) -> bool {
        self.command == Some("serve")
    }

    fn refuses(&self, path: &Path) -> Stop {
        let help = if self.is_server() {
            "stop that one, or talk to it: --endpoint http://…, the address it listens on"
        } else {
            "wait until that one has ended, or stop that one; it may be waiting for an answer at another terminal"
        };
        let message = format!("{} is in use by {self}", path.display());
        Stop { exit: Exit::Error, message, help: vec![help.to_owned()] }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.command, self.process) {
            (Some(command), Some(id)) => write!(f, "`librato-apply {command}` (process {id})"),
            (_, Some(id)) => write!(f, "another librato-apply (process {id})"),
            _ => write!(f, "another librato-apply"),
        }
    }
}

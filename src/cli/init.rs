//! `init`: a small commented project that plans and applies at once. Never overwrites anything.

use std::io::ErrorKind;
use std::path::Path;

use librato_apply::diag::in_plain_words;

use super::exit::{Exit, Stop};
use super::export;
use super::files::{self, Readers};
use super::ui::Ui;

const DEFINITIONS: &str = include_str!("init.yaml");
const IGNORED: &str = "# Files of the built-in server, and backups\n*.db\n*.db-*\n.librato-apply/\n";

/// Writes the project.
pub fn init(dir: &Path, ui: &Ui) -> anyhow::Result<Exit> {
    let cannot = |path: &Path, error: &std::io::Error| {
        let help = match error.kind() {
            ErrorKind::AlreadyExists => "nothing was overwritten; choose another directory",
            _ => "choose a directory that can be written to",
        };
        Stop {
            exit: Exit::Error,
            message: format!("cannot write {}: {}", path.display(), in_plain_words(error)),
            help: vec![help.into()],
        }
    };
    std::fs::create_dir_all(dir).map_err(|error| cannot(dir, &error))?;
    let definitions = dir.join("librato-apply.yaml");
    let text = format!("{}{DEFINITIONS}", export::SCHEMA_LINE);
    files::create(&definitions, text.as_bytes(), Readers::All)
        .map_err(|error| cannot(&definitions, &error))?;
    ui.say(&format!("wrote {}", definitions.display()));
    export::write_schema(dir, ui)?;
    let ignored = dir.join(".gitignore");
    match files::create(&ignored, IGNORED.as_bytes(), Readers::All) {
        Ok(()) => ui.say(&format!("wrote {}", ignored.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            ui.say(&format!("left {} as it is; let it name *.db and .librato-apply/", ignored.display()));
        }
        Err(error) => return Err(cannot(&ignored, &error).into()),
    }
    let shown = if dir == Path::new(".") { String::new() } else { format!(" {}", dir.display()) };
    ui.done(&format!("Next: librato-apply plan{shown}, then librato-apply apply{shown}\n"));
    Ok(Exit::Done)
}

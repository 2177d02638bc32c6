//! `init`: a small commented project that plans and applies at once, or one of the examples. Never overwrites anything.

use std::io::ErrorKind;
use std::path::Path;

use librato_apply::diag::{Severity, in_plain_words, printable};

use super::examples::Example;
use super::exit::{Exit, Stop};
use super::export;
use super::files::{self, Readers};
use super::ui::Ui;
use super::{args, inputs};

const DEFINITIONS: &str = include_str!("init.yaml");
const IGNORED: &str = "# Files of the built-in server, and backups\n*.db\n*.db-*\n.librato-apply/\n";

/// Writes the project, or an example.
pub fn init(args: &args::Init, ui: &Ui) -> anyhow::Result<Exit> {
    let Some(name) = &args.example else {
        return project(args.dir.as_deref().unwrap_or(Path::new(".")), ui);
    };
    let example = Example::named(name);
    let example = example.ok_or_else(|| Stop::usage(format!("there is no example {name}"), "see --help"))?;
    self::example(example, args.dir.as_deref().unwrap_or(Path::new(name)), ui)
}

fn cannot(path: &Path, error: &std::io::Error) -> Stop {
    let help = match error.kind() {
        ErrorKind::AlreadyExists => "nothing was overwritten; choose another directory",
        _ => "choose a directory that can be written to",
    };
    Stop {
        exit: Exit::Error,
        message: format!("cannot write {}: {}", path.display(), in_plain_words(error)),
        help: vec![help.into()],
    }
}

/// Writes an example; nothing of it where one of its files is there already.
fn example(example: &Example, dir: &Path, ui: &Ui) -> anyhow::Result<Exit> {
    for (name, _) in example.files(dir) {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(cannot(&path, &ErrorKind::AlreadyExists.into()).into());
        }
    }
    write_example(example, dir)?;
    ui.say(&format!("wrote the example {} to {}", example.name, dir.display()));
    export::write_schema(dir, ui)?;
    let shown = dir.display();
    ui.done(&format!("Next: librato-apply validate {shown}, then librato-apply plan {shown}\n"));
    Ok(Exit::Done)
}

/// Writes the files of an example.
pub fn write_example(example: &Example, dir: &Path) -> Result<(), Stop> {
    for (name, text) in example.files(dir) {
        let path = dir.join(name);
        let above = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(above).map_err(|error| cannot(above, &error))?;
        files::create(&path, text.as_bytes(), Readers::All).map_err(|error| cannot(&path, &error))?;
    }
    Ok(())
}

fn project(dir: &Path, ui: &Ui) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(dir).map_err(|error| cannot(dir, &error))?;
    let definitions = dir.join("librato-apply.yaml");
    // One that is there already ends it anyway.
    let strangers = if definitions.exists() { Vec::new() } else { strangers(dir, ui)? };
    let text = format!("{}{}", export::SCHEMA_LINE, excluding(&strangers));
    files::create(&definitions, text.as_bytes(), Readers::All)
        .map_err(|error| cannot(&definitions, &error))?;
    ui.say(&format!("wrote {}", definitions.display()));
    if !strangers.is_empty() {
        let names = printable(&strangers.join(", "));
        ui.say(&format!(
            "left out by its `settings.exclude`, since they cannot be read as definitions: {names}"
        ));
    }
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

/// The YAML files that are here already and would be errors, by their paths below the directory. What was written for us before
/// stays what it is.
fn strangers(dir: &Path, ui: &Ui) -> Result<Vec<String>, Stop> {
    let given = args::Inputs { paths: vec![dir.to_owned()], reading: args::Reading::default() };
    let read = inputs::read(&given, true, ui)?;
    if let Some((file, _)) = read.desired.settings.home {
        let message =
            format!("{} has settings already, and they stand in one file only", read.files.name(file));
        let help =
            "these are definitions: go on with `librato-apply plan`, or choose another directory".to_owned();
        return Err(Stop { exit: Exit::Error, message, help: vec![help] });
    }
    let errors = read.report.iter().filter(|found| found.severity == Severity::Error);
    let places = errors.filter_map(|found| Some(found.primary.as_ref()?.place.file()));
    let mut names: Vec<String> = places.map(|file| below(dir, read.files.name(file))).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The path of a file as it is seen from the directory.
fn below(dir: &Path, name: &str) -> String {
    let path = Path::new(name);
    let dir = dir.strip_prefix(".").unwrap_or(dir);
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}

/// The definitions, with settings that leave these files out.
fn excluding(files: &[String]) -> String {
    if files.is_empty() {
        return DEFINITIONS.to_owned();
    }
    let quoted = |name: &String| {
        let pattern = globset::escape(name);
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let simple = pattern.starts_with(|c: char| c.is_ascii_alphabetic()) && pattern.chars().all(plain);
        if simple { pattern } else { serde_json::Value::from(pattern).to_string() }
    };
    let items: String = files.iter().map(|name| format!("    - {}\n", quoted(name))).collect();
    let exclude = format!("  # Files that hold no definitions, as patterns.\n  exclude:\n{items}");
    DEFINITIONS.replacen("\nvars:\n", &format!("{exclude}\nvars:\n"), 1)
}

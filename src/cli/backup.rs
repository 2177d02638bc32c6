//! Before anything is changed or destroyed: what will be lost, written down in our own format.
//! Applying the file brings back what the API can.

use std::path::{Path, PathBuf};

use anyhow::Context;
use librato_apply::diag::printable;
use librato_apply::load::yaml;
use librato_apply::model::{Address, Resource};
use librato_apply::plan::Plan;
use librato_apply::render::{ServiceTypes, definitions, restorable};
use librato_apply::target::Target;
use serde_json::{Map, Value};

use super::exit::Stop;
use super::files::{self, Readers};
use super::session::as_error;
use super::ui::Ui;

/// The first words of every backup.
const BEGINNING: &str = "# What librato-apply changed or deleted";

/// What is said after a backup was applied.
pub const RESTORED: &str = "note: this stands in none of your files: write it there, or the next `apply` with `prune` deletes it again";

/// Whether a file is a backup.
pub fn is_one(path: &Path) -> bool {
    let mut begins = vec![0; BEGINNING.len()];
    let read =
        std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut begins));
    read.is_ok() && begins == BEGINNING.as_bytes()
}

/// Writes the objects that the plan changes, replaces or deletes, as they are before, to a new file below `dir`; nothing where
/// there are none. `types` are those of the services there are.
///
/// # Errors
/// Where the file cannot be written; then nothing may be destroyed.
pub fn write(plan: &Plan, types: &ServiceTypes, dir: &Path, ui: &Ui) -> anyhow::Result<Option<PathBuf>> {
    let lost = plan.steps.iter().filter(|step| !step.parks());
    let lost: Vec<_> =
        lost.filter_map(|step| Some((&step.change.address, step.change.action.before()?))).collect();
    if lost.is_empty() {
        return Ok(None);
    }
    let now = jiff::Timestamp::now();
    let text = text(lost, types, &plan.target, &now, ui)?;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    keep_out_of_git(dir);
    let path = save(dir, &now.strftime("%Y%m%dT%H%M%SZ").to_string(), &text)?;
    Ok(Some(path))
}

/// Keeps the whole document of others that a plan is written into, in a new file for the owner alone.
///
/// # Errors
/// Where there can be none, it cannot be read, or the file is there or cannot be written.
pub async fn document(goal: &dyn Target, path: &Path, ui: &Ui) -> anyhow::Result<()> {
    let Some(text) = goal.document().await.map_err(as_error)? else {
        return Err(Stop::usage(
            "--backup-document is for plans that write routes into the configuration of a ruler's Alertmanager",
            "`settings: { prometheus: { alertmanager: { own: subtree } } }` lets them, against mimir+https:// or cortex+https://",
        )
        .into());
    };
    if text.is_empty() {
        ui.say("there is no configuration of Alertmanager yet, so none is kept");
        return Ok(());
    }
    files::create(path, text.as_bytes(), Readers::Owner)
        .with_context(|| format!("cannot keep the configuration of Alertmanager in {}", path.display()))?;
    ui.say(&format!(
        "the configuration of Alertmanager is kept in {}, with the secrets in it",
        path.display()
    ));
    Ok(())
}

/// A file that brings the objects back; what would make it invalid stands in its comments.
fn text<'a>(
    lost: impl IntoIterator<Item = (&'a Address, &'a Resource)>,
    types: &ServiceTypes,
    target: &str,
    now: &jiff::Timestamp,
    ui: &Ui,
) -> anyhow::Result<String> {
    let found = restorable(lost);
    let written = definitions(&found.objects, &found.order, types);
    let refused = definitions(&found.refused, &found.order, types);
    let mut text = format!(
        "{BEGINNING} on {} at {}, as it was before.\n# `librato-apply apply FILE` brings it back; measurements and events cannot be.\n",
        printable(target),
        now.strftime("%Y-%m-%d %H:%M:%S UTC")
    );
    for (variable, place) in &written.secrets {
        text.push_str(&format!("# Set {variable} to the secret of {}.\n", printable(place)));
    }
    let yaml = |document: Map<String, Value>| {
        let mut document = Value::Object(document);
        as_references(&mut document, ui);
        yaml::write(&document).map_err(anyhow::Error::msg)
    };
    if !found.losses.is_empty() {
        text.push_str("#\n# This file cannot bring back:\n");
        for loss in &found.losses {
            let part = loss.part.as_ref().map(|part| format!(", {part}")).unwrap_or_default();
            let line = format!("{} \"{}\"{part}: {}", loss.kind, loss.name, loss.reason);
            text.push_str(&format!("#   {}\n", printable(&ui.secrets.as_references(&line))));
        }
    }
    if !refused.document.is_empty() {
        text.push_str("# To be made by hand, or under another name:\n");
        yaml(refused.document)?.lines().for_each(|line| text.push_str(&format!("#   {line}\n")));
    }
    if !written.document.is_empty() {
        text.push_str(&yaml(written.document)?);
    }
    Ok(text)
}

/// What the program keeps for itself is no part of a repository, whoever made the directory.
pub fn keep_out_of_git(below: &Path) {
    let ours = below.ancestors().find(|dir| dir.file_name().is_some_and(|name| name == ".librato-apply"));
    if let Some(dir) = ours {
        // That it is there already is as good.
        let _ = files::create(&dir.join(".gitignore"), b"*\n", Readers::All);
    }
}

/// A secret may stand in any text, such as a description: where this run read it, it becomes a reference again.
fn as_references(value: &mut Value, ui: &Ui) {
    match value {
        Value::String(text) => *text = ui.secrets.as_references(text),
        Value::Array(items) => items.iter_mut().for_each(|item| as_references(item, ui)),
        Value::Object(map) => map.values_mut().for_each(|one| as_references(one, ui)),
        _ => {}
    }
}

/// A new file; a second backup within one second gets a number.
fn save(dir: &Path, stamp: &str, text: &str) -> anyhow::Result<PathBuf> {
    for number in 1_u32.. {
        let name = if number == 1 { format!("{stamp}.yaml") } else { format!("{stamp}-{number}.yaml") };
        let path = dir.join(name);
        match files::create(&path, text.as_bytes(), Readers::All) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot write the backup {}", path.display()));
            }
        }
    }
    anyhow::bail!("no name is left for a backup in {}", dir.display())
}

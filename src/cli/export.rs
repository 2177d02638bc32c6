//! `export`: what exists on the service, as definitions that a person could have written.
//! Decides which objects are meant and where they are written; how they look is the business of `render`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use librato_apply::diag::{counted, plural, printable};
use librato_apply::diff::scope::{Globs, parse_target};
use librato_apply::load::yaml;
use librato_apply::model::{Address, Collection, Kind, Scopes, published_schema};
use librato_apply::remote::fetch::{Actual, FetchPlan, Spaces, service_types, unmapped};
use librato_apply::render::{Definitions, Expressible, Loss, definitions, expressible};
use serde_json::{Map, Value, json};

use super::args::{Export, Global, Output, Split};
use super::exit::{Exit, Stop};
use super::files::{self, Readers};
use super::progress::waiting;
use super::remote::with_target;
use super::session::as_error;
use super::ui::Ui;

/// What editors look for; `librato-apply schema` prints the file.
const SCHEMA_FILE: &str = "librato-apply.schema.json";
pub const SCHEMA_LINE: &str = "# yaml-language-server: $schema=librato-apply.schema.json\n";

/// Sections by the name of their file.
type Files = BTreeMap<String, Map<String, Value>>;

/// Reads the service and writes what it has.
pub async fn export(args: &Export, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let globs = targets(&args.targets)?;
    let wanted = wanted(&globs);
    let (actual, held) = with_target(global, ui, args.owner.as_deref(), async |goal, target| {
        let read = waiting(ui, &format!("reading {target}"), goal.read(&wanted)).await;
        let read = read.map_err(as_error).with_context(|| format!("cannot read {target}"))?;
        Ok((read, Kind::ALL.into_iter().filter(|kind| goal.holds(*kind)).collect::<Vec<Kind>>()))
    })
    .await?;
    let found = found(&actual, &globs, &held)?;
    let missing = missing(&args.targets, &found)?;
    if found.objects.is_empty() && found.losses.is_empty() && !missing.is_empty() {
        let message = format!("there is nothing to export: nothing fits {}", missing.join(", "));
        let help = "targets are KIND/GLOB, such as alert/web.*; `librato-apply get KIND` lists what there is";
        return Err(Stop { exit: Exit::Error, message, help: vec![help.to_owned()] }.into());
    }
    missing.iter().for_each(|target| ui.complain(&format!("nothing fits {target}")));
    // Elsewhere another service may have the title: what paged must not come to mail.
    let written = definitions(&found.objects, &actual.chart_order, &service_types(&actual.ids));
    write(&args.output, &written, ui)?;
    report(&found, &written, ui);
    Ok(if found.losses.is_empty() && missing.is_empty() { Exit::Done } else { Exit::Partial })
}

/// The targets that name an object or a part of the names, and that nothing fits: a misspelt one is no success. A kind of which
/// there is nothing is none.
fn missing(given: &[String], found: &Expressible) -> Result<Vec<String>, Stop> {
    let mut missing = Vec::new();
    for text in given.iter().filter(|text| text.contains('/')) {
        let globs = targets(std::slice::from_ref(text))?;
        let mut all = found.objects.iter().map(|(address, resource)| (resource.kind(), address));
        let lost = found.losses.iter().any(|loss| text.ends_with(&format!("/{}", loss.name)));
        if !lost && !all.any(|(kind, address)| globs.mean(kind, address)) {
            missing.push(printable(text));
        }
    }
    Ok(missing)
}

/// The patterns of the command line; all kinds where there are none.
fn targets(given: &[String]) -> Result<Globs, Stop> {
    let mut scopes = Scopes::default();
    let all: Vec<String> = Kind::ALL.iter().map(|kind| kind.noun().to_owned()).collect();
    for text in if given.is_empty() { &all } else { given } {
        let whole = if text.contains('/') { text.clone() } else { format!("{text}/*") };
        parse_target(&whole, &mut scopes).map_err(|error| {
            Stop::usage(error.to_string(), "write KIND or KIND/GLOB, such as alert/web.*")
        })?;
    }
    Globs::compile(&scopes).map_err(|error| Stop::usage(error.to_string(), "write KIND/GLOB"))
}

/// Charts need a request for each space, so they are read only where they can be meant.
fn wanted(globs: &Globs) -> FetchPlan {
    let mut wanted = FetchPlan::default();
    let kinds: Vec<Kind> = globs.kinds().collect();
    kinds.iter().for_each(|kind| wanted.add(kind.collection()));
    if kinds.contains(&Kind::Alert) {
        wanted.add(Collection::Services);
    }
    wanted.spaces = match (kinds.contains(&Kind::Chart), kinds.contains(&Kind::Space)) {
        (true, _) => Spaces::All,
        (false, true) => Spaces::Some(Default::default(), globs.clone(), Default::default()),
        (false, false) => Spaces::None,
    };
    wanted
}

/// What can be written of what is meant, and everything that cannot.
fn found(actual: &Actual, globs: &Globs, held: &[Kind]) -> anyhow::Result<Expressible> {
    // Of a service of which only the title is known there is nothing to write.
    let is_known = |address: &Address| {
        let fields = actual.state.get(address).map(|object| object.fields());
        address.collection != Collection::Services || fields.is_some_and(|fields| !fields.is_empty())
    };
    let meant =
        |kind, address: &Address| held.contains(&kind) && globs.mean(kind, address) && is_known(address);
    let mut found = expressible(&actual.state, &actual.duplicates, &meant);
    for (address, remote) in &actual.ids {
        let Some(object) = actual.state.get(address) else { continue };
        let kind = object.kind();
        if !globs.mean(kind, address) || !found.objects.contains_key(address) {
            continue;
        }
        let raw = remote
            .raw
            .read()
            .with_context(|| format!("cannot read what the service says of {kind} \"{address}\""))?;
        for part in unmapped(&raw, object) {
            let known = found.losses.iter().any(|loss| {
                loss.kind == kind && loss.name == address.to_string() && loss.part.as_ref() == Some(&part)
            });
            if !known {
                let reason = "definitions cannot say this".to_owned();
                found.losses.push(Loss { kind, name: address.to_string(), part: Some(part), reason });
            }
        }
    }
    Ok(found)
}

/// A document of these sections, with a blank line between them.
fn document(sections: &Map<String, Value>) -> anyhow::Result<String> {
    let mut text = SCHEMA_LINE.to_owned();
    for (name, section) in sections {
        text.push('\n');
        text.push_str(&yaml::write(&json!({ (name): section })).map_err(anyhow::Error::msg)?);
    }
    Ok(text)
}

/// Writes definitions where they are wanted.
///
/// # Errors
/// Where files exist already, or cannot be written.
pub fn write(output: &Output, written: &Definitions, ui: &Ui) -> anyhow::Result<()> {
    match &output.out {
        None => ui.document(&document(&written.document)?),
        Some(dir) => write_files(dir, output, written, ui)?,
    }
    Ok(())
}

fn write_files(dir: &Path, args: &Output, written: &Definitions, ui: &Ui) -> anyhow::Result<()> {
    let files: Vec<(PathBuf, String)> = divided(&written.document, args.split)
        .into_iter()
        .map(|(name, sections)| Ok((dir.join(name), document(&sections)?)))
        .collect::<anyhow::Result<_>>()?;
    // All or none: a directory with half of the files would apply, and prune what the other half declares.
    let taken: Vec<String> =
        files.iter().filter(|(path, _)| path.exists()).map(|(path, _)| path.display().to_string()).collect();
    if !args.force && !taken.is_empty() {
        return Err(Stop {
            exit: Exit::Error,
            message: format!("nothing was written: {} would be overwritten", taken.join(", ")),
            help: vec!["give another --out, or --force".into()],
        }
        .into());
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (path, text) in &files {
        files::replace(path, ui.redact(text).as_bytes(), Readers::All)
            .with_context(|| format!("cannot write {}", path.display()))?;
        ui.say(&format!("wrote {}", path.display()));
    }
    write_schema(dir, ui)
}

/// Writes what the first line of each file names, for editors, unless it is there.
pub fn write_schema(dir: &Path, ui: &Ui) -> anyhow::Result<()> {
    let schema = dir.join(SCHEMA_FILE);
    if !schema.exists() {
        let text = serde_json::to_string_pretty(&published_schema())? + "\n";
        files::replace(&schema, text.as_bytes(), Readers::All)
            .with_context(|| format!("cannot write {}", schema.display()))?;
        ui.say(&format!("wrote {}", schema.display()));
    }
    Ok(())
}

fn divided(document: &Map<String, Value>, split: Split) -> Files {
    let mut files = Files::new();
    for (section, objects) in document {
        for (name, object) in objects.as_object().into_iter().flatten() {
            let file = match split {
                Split::Kind => section.clone(),
                Split::Prefix => prefix(section, name),
            };
            let sections = files.entry(format!("{file}.yaml")).or_default();
            sections.entry(section).or_insert_with(|| json!({}))[name] = object.clone();
        }
    }
    files
}

/// What a name begins with. Services and spaces have free text for a name, which is no name for a file.
fn prefix(section: &str, name: &str) -> String {
    match name.split_once('.') {
        _ if matches!(section, "services" | "spaces") => section.to_owned(),
        // File systems take names of 255 bytes.
        Some((prefix, _)) if (1..=200).contains(&prefix.len()) => prefix.to_lowercase().replace(':', "-"),
        _ => section.to_owned(),
    }
}

/// What must be set before the definitions can be applied, and what is not in them.
fn report(found: &Expressible, written: &Definitions, ui: &Ui) {
    if found.objects.is_empty() {
        ui.complain("nothing was found that is meant");
    }
    name_secrets(written, ui);
    for loss in &found.losses {
        let part = loss.part.as_ref().map(|part| format!(", {part}")).unwrap_or_default();
        let what = format!("{} \"{}\"{part}", loss.kind, loss.name);
        ui.complain(&format!("not exported: {}: {}", printable(&what), printable(&loss.reason)));
    }
    let objects = counted(found.objects.len(), "object");
    match found.losses.len() {
        0 => ui.say(&format!("exported {objects}")),
        count => {
            ui.complain(&format!("exported {objects}; {} not", plural(count, "thing was", "things were")));
        }
    }
}

/// Which variables hold what was left out because it is secret.
pub fn name_secrets(written: &Definitions, ui: &Ui) {
    if !written.secrets.is_empty() {
        ui.complain("set these variables before applying:");
        for (variable, place) in &written.secrets {
            ui.complain(&format!("    {variable}: the secret of {}", printable(place)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_what_is_in_them() {
        let document = json!({
            "metrics": {"web.ms": {}, "cpu": {}, ".odd": {}},
            "services": {"ops.slack/x": {}},
            "alerts": {"Web.slow": {}, "a:b.c": {}},
        });
        let names = |split| divided(document.as_object().unwrap(), split).into_keys().collect::<Vec<_>>();
        assert_eq!(names(Split::Kind), ["alerts.yaml", "metrics.yaml", "services.yaml"]);
        assert_eq!(names(Split::Prefix), ["a-b.yaml", "metrics.yaml", "services.yaml", "web.yaml"]);
        let files = divided(document.as_object().unwrap(), Split::Prefix);
        assert_eq!(
            Value::Object(files["web.yaml"].clone()),
            json!({"metrics": {"web.ms": {}}, "alerts": {"Web.slow": {}}})
        );
    }
}

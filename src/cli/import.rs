//! `import`: definitions of another tool as ours. Reads files and prints; what the files mean is found out in the library.

use std::path::{Path, PathBuf};

use librato_apply::diag::{Files, Report, printable, render};
use librato_apply::import::{self, Imported, Source};
use librato_apply::load::{Foreign, read_foreign, yaml};
use librato_apply::render::{Definitions, definitions, plural};
use serde_json::Value;

use super::args::{self, Tool};
use super::exit::{Exit, Stop};
use super::ui::Ui;

/// Reads, prints what became of it, and ends with 4 where something could not be carried over.
pub fn import(args: &args::Import, ui: &Ui) -> anyhow::Result<Exit> {
    let (paths, wanted, read): (_, fn(&Path) -> bool, fn(&[Source], &mut Files) -> Imported) = match &args.tool {
        Tool::Terraform(files) => (&files.paths, is_configuration, import::terraform),
        Tool::Lbrt(files) => (&files.paths, is_ruby, import::lbrt),
    };
    let mut files = Files::default();
    let (found, mut report) = read_foreign(paths, wanted, &mut std::io::stdin(), &mut files);
    let sources: Vec<Source> = found.iter().map(source).collect();
    let imported = read(&sources, &mut files);
    report.extend(imported.report);
    report.sort(&files);
    let Definitions { document, secrets } =
        definitions(imported.objects.iter().map(|(address, resource)| (address, resource)));
    let shown = render(&report, &files, ui.styled_err());
    if !shown.is_empty() && (!ui.quiet() || report.has_errors()) {
        ui.complain(&shown);
    }
    if imported.objects.is_empty() {
        return Err(nothing(paths, &report).into());
    }
    ui.out(&yaml::write(&Value::Object(document)).map_err(anyhow::Error::msg)?);
    if !secrets.is_empty() {
        ui.say("Secrets were left out. Set these in the environment before you plan:");
        let width = secrets.keys().map(String::len).max().unwrap_or(0);
        for (variable, place) in &secrets {
            ui.say(&format!("  {variable:width$}  {}", printable(place)));
        }
    }
    ui.say(&format!("{} imported.", plural(imported.objects.len(), "object", "objects")));
    if report.has_errors() {
        ui.complain(&format!("{} could not be carried over.", plural(report.errors(), "thing", "things")));
        return Ok(Exit::Partial);
    }
    Ok(Exit::Done)
}

fn source(found: &Foreign) -> Source {
    let dir = found.dir.to_string_lossy().replace('\\', "/");
    Source { file: found.file, dir, name: found.name.clone() }
}

fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.ends_with(".tf") || name.ends_with(".tf.json")
}

fn is_ruby(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rb")
}

fn nothing(paths: &[PathBuf], report: &Report) -> Stop {
    let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let help = if report.is_empty() {
        "no alert, metric, service, space or chart was found".to_owned()
    } else {
        "see above why".to_owned()
    };
    let message = format!("there is nothing to import in {}", printable(&named.join(", ")));
    Stop { exit: Exit::Error, message, help: vec![help] }
}

//! `import`: definitions of another tool as ours. Reads files and prints; what the files mean is found out in the library.

use std::path::{Path, PathBuf};

use librato_apply::diag::{Files, Report, printable, render};
use librato_apply::import::{self, Imported, Made, Source};
use librato_apply::load::{Foreign, read_foreign};
use librato_apply::model::ChartOrder;
use librato_apply::render::{definitions, plural};

use super::args::{self, Tool};
use super::exit::{Exit, Stop};
use super::export;
use super::ui::Ui;

type Reading = fn(&[Source], &mut Files) -> Imported;

/// Reads, prints what became of it, and ends with 4 where something could not be carried over.
pub fn import(args: &args::Import, ui: &Ui) -> anyhow::Result<Exit> {
    let (wanted, read): (fn(&Path) -> bool, Reading) = match args.tool {
        Tool::Terraform => (is_configuration, import::terraform),
        Tool::Lbrt => (is_ruby, import::lbrt),
    };
    let mut files = Files::default();
    let (found, mut report) = read_foreign(&args.paths, wanted, &mut std::io::stdin(), &mut files);
    let sources: Vec<Source> = found.iter().map(source).collect();
    let imported = read(&sources, &mut files);
    report.extend(imported.report);
    report.sort(&files);
    let shown = render(&report, &files, ui.styled_err());
    if !shown.is_empty() && (!ui.quiet() || report.has_errors()) {
        ui.complain(&shown);
    }
    if imported.objects.is_empty() {
        return Err(nothing(&args.paths, &report).into());
    }
    let objects = imported.objects.iter().map(|(address, resource)| (address, resource));
    let mut written = definitions(objects, &chart_order(&imported.objects));
    written.say_types(&imported.externals);
    export::write(&args.output, &written, ui)?;
    export::name_secrets(&written, ui);
    let objects = plural(imported.objects.len(), "object", "objects");
    if report.has_errors() {
        let lost = plural(report.errors(), "thing was", "things were");
        ui.complain(&format!("imported {objects}; {lost} not carried over"));
        return Ok(Exit::Partial);
    }
    ui.say(&format!("imported {objects}"));
    Ok(Exit::Done)
}

fn chart_order(objects: &[Made]) -> ChartOrder {
    let mut order = ChartOrder::new();
    for (address, _) in objects {
        if let Some(space) = &address.parent {
            order.entry(space.clone()).or_default().push(address.name.clone());
        }
    }
    order
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

//! `import`: definitions of another tool as ours. Reads files and prints; what the files mean is found out in the library.

use std::path::{Path, PathBuf};

use librato_apply::diag::{Files, Report, RouteIndex, counted, printable, render};
use librato_apply::import::{self, Made, Source, Variables};
use librato_apply::load::{Foreign, read_foreign};
use librato_apply::model::ChartOrder;
use librato_apply::render::definitions;

use super::args::{self, Tool};
use super::exit::{Exit, Stop};
use super::export;
use super::ui::Ui;

/// Reads, prints what became of it, and ends with 4 where something could not be carried over.
pub fn import(args: &args::Import, ui: &Ui) -> anyhow::Result<Exit> {
    let wanted = if args.tool == Tool::Terraform { is_configuration } else { is_ruby };
    let mut files = Files::default();
    let (found, mut report) = read_foreign(&args.paths, wanted, &mut std::io::stdin(), &mut files);
    let sources: Vec<Source> = found.iter().map(source).collect();
    let variables = variables(args, &mut files, &mut report)?;
    let states = if args.tool == Tool::Terraform { states_beside(&args.paths) } else { Vec::new() };
    let imported = match args.tool {
        Tool::Terraform => import::terraform(&sources, &variables, &mut files),
        Tool::Lbrt => import::lbrt(&sources, &mut files),
    };
    let left_out = report.errors() + imported.left_out();
    report.extend(imported.report);
    report.sort(&files);
    let shown = render(&report, &files, ui.styled_err());
    if !shown.is_empty() && (!ui.quiet() || report.has_errors()) {
        ui.complain(&shown);
    }
    if imported.objects.is_empty() {
        return Err(nothing(&args.paths, &report, &states).into());
    }
    if let Some(state) = states.first() {
        ui.say(&format!(
            "read the configuration; a state is beside it, which holds every value and was not read: librato-apply import terraform {state}"
        ));
    }
    let objects = imported.objects.iter().map(|(address, resource)| (address, resource));
    let written = definitions(objects, &chart_order(&imported.objects), &imported.externals);
    export::write(&args.output, &written, ui)?;
    export::name_secrets(&written, ui);
    let mut summary = format!("{} written", counted(imported.objects.len(), "object"));
    if left_out > 0 {
        summary += &format!(", {left_out} left out");
    }
    if report.has_errors() {
        ui.complain(&summary);
        return Ok(Exit::Partial);
    }
    ui.say(&summary);
    Ok(Exit::Done)
}

/// The values that are given for variables.
fn variables(args: &args::Import, files: &mut Files, report: &mut Report) -> Result<Variables, Stop> {
    if args.tool == Tool::Lbrt && !(args.vars.is_empty() && args.var_files.is_empty()) {
        return Err(Stop::usage("lbrt has no variables", "leave out --var and --var-file"));
    }
    let (found, problems) = read_foreign(&args.var_files, |_| false, &mut std::io::empty(), files);
    report.extend(problems);
    let mut variables = Variables { files: found.iter().map(source).collect(), set: Vec::new() };
    for text in &args.vars {
        let Some((name, _)) = text.split_once('=') else {
            return Err(Stop::usage("--var is written NAME=VALUE", "write --var region=eu-1"));
        };
        let name = name.trim().to_owned();
        let file = files.add_foreign(format!("--var {name}"), text.clone(), |_| RouteIndex::default());
        variables.set.push((name, file));
    }
    Ok(variables)
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
    let automatic =
        |end: &str| name == format!("terraform.tfvars{end}") || name.ends_with(&format!(".auto.tfvars{end}"));
    name.ends_with(".tf") || name.ends_with(".tf.json") || automatic("") || automatic(".json")
}

/// States directly in these directories, which are read only where they are named.
fn states_beside(paths: &[PathBuf]) -> Vec<String> {
    let is_state = |path: &PathBuf| path.extension().is_some_and(|end| end == "tfstate");
    if paths.iter().any(is_state) {
        return Vec::new();
    }
    let below =
        |dir: &PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.iter().flat_map(below).filter(is_state).collect();
    found.sort();
    found.iter().map(|path| printable(&path.display().to_string())).collect()
}

fn is_ruby(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rb")
}

fn nothing(paths: &[PathBuf], report: &Report, states: &[String]) -> Stop {
    let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let help = if let Some(state) = states.first() {
        format!("a state is read where it is named: librato-apply import terraform {state}")
    } else if report.is_empty() {
        "no alert, metric, service, space or chart was found".to_owned()
    } else {
        "see above why".to_owned()
    };
    let message = format!("there is nothing to import in {}", printable(&named.join(", ")));
    Stop { exit: Exit::Error, message, help: vec![help] }
}

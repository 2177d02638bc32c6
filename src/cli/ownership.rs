//! From `settings` and `--target` to what a run may see and delete.
//! Pruning is only for a run that sees all files of the directory which asks for it.

use std::path::Path;

use librato_apply::diag::{Code, Diagnostic, Part, Place, Report, Route, printable, suggest};
use librato_apply::diff::scope::{GlobError, Globs, Scope, View, parse_target};
use librato_apply::load::Root;
use librato_apply::model::{Address, Desired, Kind, Scopes, State};

use super::exit::{Exit, Stop};
use super::inputs::Read;

/// Compiles the patterns; what is wrong with those of the files goes into their report.
///
/// # Errors
/// For a `--target` that makes no sense.
pub fn scope(read: &mut Read, targets: &[String]) -> Result<Scope, Stop> {
    let settings = read.desired.settings.clone();
    let mut compile = |scopes: &Scopes, key: &str| {
        let told = report_mistakes(read, key, scopes);
        Globs::compile(scopes).unwrap_or_else(|error| {
            if !told {
                report_glob(read, Route::root().key("settings").key(key), &error);
            }
            Globs::default()
        })
    };
    let mut scope = Scope {
        prune: compile(&settings.prune, "prune"),
        ignore: compile(&settings.ignore, "ignore"),
        protect: compile(&settings.protect, "protect"),
        target: self::targets(targets)?,
    };
    if !settings.prune.is_empty() && !is_covered(read) {
        scope.prune = Globs::default();
        if let Some((file, dir)) = &settings.home {
            let place = Place::Node {
                file: *file,
                route: Route::root().key("settings").key("prune"),
                part: Part::Key,
            };
            read.report.push(
                Diagnostic::warning(
                    Code::PruneOff,
                    "nothing is pruned, since not all files of the directory are read",
                )
                .at(place, "asked for here")
                .help(format!("give the whole directory: {}", shown(dir))),
            );
        }
    }
    if scope.prune.kinds().next().is_some()
        && read.report.iter().any(|found| found.code == Code::SkippedFile.name())
    {
        let message = "files were skipped, and what they should have declared would be pruned";
        read.report
            .push(Diagnostic::warning(Code::PruneAndSkipped, message).help(
                "correct the names of their sections, or keep other tools' files out of the directory",
            ));
    }
    let contradictions = scope.contradictions(&read.desired, &read.files);
    read.report.extend(contradictions);
    Ok(scope)
}

/// Whether any pattern by itself cannot be read. All of them together can still be too large.
fn report_mistakes(read: &mut Read, key: &str, scopes: &Scopes) -> bool {
    let mistakes = Globs::mistakes(scopes);
    for (kind, i, error) in &mistakes {
        let route = Route::root().key("settings").key(key).key(kind.section()).index(*i);
        report_glob(read, route, error);
    }
    !mistakes.is_empty()
}

fn report_glob(read: &mut Read, route: Route, error: &GlobError) {
    if let Some((file, _)) = read.desired.settings.home {
        let place = Place::Node { file, route, part: Part::Value };
        read.report.push(Diagnostic::error(Code::InvalidPattern, error.to_string()).at(place, ""));
    }
}

fn targets(targets: &[String]) -> Result<Option<Globs>, Stop> {
    if targets.is_empty() {
        return Ok(None);
    }
    let wrong = |error: GlobError| {
        let message = format!("--target: {error}");
        let help =
            (!message.contains("KIND/GLOB")).then(|| "write KIND/GLOB, such as alert/web.*".to_owned());
        Stop { exit: Exit::Usage, message, help: help.into_iter().collect() }
    };
    let mut scopes = Scopes::default();
    targets.iter().try_for_each(|target| parse_target(target, &mut scopes)).map_err(wrong)?;
    Globs::compile(&scopes).map(Some).map_err(wrong)
}

/// Each `--target` by itself, to say which of them means nothing.
///
/// # Errors
/// For one that makes no sense.
pub fn each_target(texts: &[String]) -> Result<Vec<(String, Globs)>, Stop> {
    let one = |text: &String| Ok(targets(std::slice::from_ref(text))?.map(|globs| (text.clone(), globs)));
    Ok(texts.iter().map(one).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Each `--target` that means nothing: whoever wrote it meant something.
pub fn aimless(targets: &[(String, Globs)], desired: &Desired, view: &View, actual: &State) -> Report {
    let mut known: Vec<(Kind, &Address)> =
        desired.objects.iter().map(|(address, declared)| (declared.kind, address)).collect();
    known.extend(view.prune.iter().filter_map(|address| Some((actual.get(address)?.kind(), address))));
    let names: Vec<String> = known.iter().map(|(kind, address)| format!("{kind}/{address}")).collect();
    let mut report = Report::default();
    for (text, globs) in targets {
        if known.iter().any(|(kind, address)| globs.mean(*kind, address)) {
            continue;
        }
        let message = format!("--target {} means nothing that is declared or may be pruned", printable(text));
        let help = match suggest(text, names.iter().map(String::as_str)) {
            Some(close) => format!("did you mean {}?", printable(close)),
            None => "a pattern has stars, such as alert/web.*".to_owned(),
        };
        report.push(Diagnostic::error(Code::NothingTargeted, message).help(help));
    }
    report
}

/// Whether the inputs cover the whole directory of the file that holds the settings.
fn is_covered(read: &Read) -> bool {
    let Some(home) = &read.desired.settings.real_home else { return false };
    read.roots.iter().any(|root| matches!(root, Root::Directory(covered) if home.starts_with(covered)))
}

fn shown(dir: &Path) -> String {
    if dir.as_os_str().is_empty() { ".".into() } else { dir.display().to_string() }
}

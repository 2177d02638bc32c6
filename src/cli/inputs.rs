//! From paths and flags to what the files ask for, with everything that is wrong with them.
//! The one place where the environment and other files reach `resolve`.

use std::path::Path;

use librato_apply::diag::{
    Code, Diagnostic, FileId, Files, Place, Report, Route, Seg, Severity, counted, printable, render,
};
use librato_apply::load::{self, Document, Loaded, Root};
use librato_apply::model::Desired;
use librato_apply::resolve::{self, Given, OPEN_PREFIX, Outside, Source};

use super::args::Inputs;
use super::exit::Stop;
use super::target::Written;
use super::ui::Ui;

/// What the files ask for, and the files themselves, for places.
pub struct Read {
    /// The texts.
    pub files: Files,
    /// What they ask for; incomplete where the report holds errors.
    pub desired: Desired,
    /// Everything that was found.
    pub report: Report,
    /// How many files hold definitions.
    pub documents: usize,
    /// What the inputs cover.
    pub roots: Vec<Root>,
}

/// Reads and resolves. `offline` makes secrets that are not set a warning.
///
/// # Errors
/// For `--var` arguments that make no sense; all else is in the report.
pub fn read(inputs: &Inputs, offline: bool, ui: &Ui) -> Result<Read, Stop> {
    let loaded = load::load(&inputs.paths, &mut std::io::stdin());
    let allowed = allowed(&inputs.reading.allow_env, std::env::var("LIBRATO_ALLOW_ENV").ok().as_deref());
    resolved(loaded, inputs, offline, &Here { ui, allowed: &allowed }, ui)
}

/// Reads and resolves with the files of tests. Secrets are not looked at, so that it makes no difference whether they are set.
///
/// # Errors
/// As of [`read`].
pub fn read_with_tests(inputs: &Inputs, ui: &Ui) -> Result<Read, Stop> {
    without_secrets(load::load_with_tests(&inputs.paths, &mut std::io::stdin()), inputs, ui)
}

/// Reads and resolves, and looks at no secrets.
///
/// # Errors
/// As of [`read`].
pub fn read_without_secrets(inputs: &Inputs, ui: &Ui) -> Result<Read, Stop> {
    without_secrets(load::load(&inputs.paths, &mut std::io::stdin()), inputs, ui)
}

fn without_secrets(loaded: Loaded, inputs: &Inputs, ui: &Ui) -> Result<Read, Stop> {
    let allowed = allowed(&inputs.reading.allow_env, std::env::var("LIBRATO_ALLOW_ENV").ok().as_deref());
    let mut read = resolved(loaded, inputs, true, &Blind(Here { ui, allowed: &allowed }), ui)?;
    let mut report = Report::default();
    let unset =
        |found: &&Diagnostic| found.severity == Severity::Warning && found.code == Code::UnsetSecret.name();
    read.report.iter().filter(|found| !unset(found)).for_each(|found| report.push(found.clone()));
    read.report = report;
    Ok(read)
}

fn resolved(
    loaded: Loaded,
    inputs: &Inputs,
    offline: bool,
    outside: &dyn Outside,
    ui: &Ui,
) -> Result<Read, Stop> {
    let Loaded { mut files, documents, mut report, roots } = loaded;
    let mut variables = Vec::new();
    for path in &inputs.reading.var_files {
        match load::read_variables(path, &mut files) {
            Ok(read) => variables.extend(from_file(path, &read)),
            Err(diagnostic) => report.push(diagnostic),
        }
    }
    for argument in &inputs.reading.vars {
        variables.push(from_argument(argument, "--var", |text| parse(text, &mut files, &mut report))?);
    }
    for argument in &inputs.reading.var_strings {
        variables.push(from_argument(argument, "--var-string", |text| Some(text.into()))?);
    }
    let options = resolve::Options { variables, lenient_secrets: offline };
    let count = documents.len();
    let (desired, found) = resolve::resolve(documents, &mut files, &options, outside);
    report.extend(found);
    report.sort(&files);
    resolve::secret_texts(&desired).iter().for_each(|text| ui.hide(text));
    Ok(Read { files, desired, report, documents: count, roots })
}

/// The endpoint that the definitions in the working directory name, for commands that read nothing else of them.
///
/// # Errors
/// Where several name one, or what they say of it cannot be understood.
pub fn endpoint_here(ui: &Ui) -> Result<Option<Written>, Stop> {
    const HELP: &str = "give --endpoint, or set LIBRATO_ENDPOINT: then these files are not looked at";
    let Loaded { mut files, mut documents, mut report, .. } = load::load_settings(Path::new("."));
    let named: Vec<(FileId, String)> = documents.iter().filter_map(named).collect();
    if named.len() > 1 {
        let names: Vec<&str> = named.iter().take(3).map(|(file, _)| files.name(*file)).collect();
        let more = if named.len() > names.len() { ", …" } else { "" };
        let names = printable(&names.join(", "));
        return Err(Stop::usage(format!("several files below here name an endpoint: {names}{more}"), HELP));
    }
    let (home, text) = named.into_iter().next().unzip();
    for document in documents.iter_mut().filter(|document| Some(document.file) != home) {
        document.value.remove("settings");
    }
    let options = resolve::Options { variables: Vec::new(), lenient_secrets: true };
    let (desired, found) = resolve::resolve(documents, &mut files, &options, &Here { ui, allowed: &[] });
    report.extend(found);
    report.sort(&files);
    // What is wrong elsewhere is the business of who reads that.
    let refers = text.is_some_and(|text| text.contains("${"));
    let matters = |place: &Place| match place {
        Place::Node { route, .. } => {
            refers || matches!(route.segs().first(), Some(Seg::Key(section)) if section == "settings")
        }
        Place::Bytes { .. } | Place::File(_) => desired.settings.endpoint.is_none(),
    };
    let mut errors = Report::default();
    let wrong = report.iter().filter(|found| found.severity == Severity::Error);
    let wrong = wrong.filter(|found| found.primary.as_ref().is_some_and(|label| matters(&label.place)));
    wrong.for_each(|found| errors.push(found.clone()));
    if errors.has_errors() {
        let (shown, _) = errors.first_errors(SHOWN);
        ui.complain(&render(&shown, &files, ui.styled_err()));
        return Err(Stop::usage("the endpoint of the settings cannot be read", HELP));
    }
    Ok(endpoint(&desired, &files))
}

/// The file of a document whose settings name an endpoint, and the endpoint as it is written.
fn named(document: &Document) -> Option<(FileId, String)> {
    let endpoint = document.value.get("settings")?.get("endpoint")?.as_str()?;
    Some((document.file, endpoint.to_owned()))
}

fn endpoint(desired: &Desired, files: &Files) -> Option<Written> {
    let (text, dir) = desired.settings.endpoint.clone()?;
    let file = desired.settings.home.as_ref().map_or("the files", |(file, _)| files.name(*file));
    Some(Written { text, dir, place: format!("`settings.endpoint` in {}", printable(file)) })
}

impl Read {
    /// The endpoint that the files name.
    pub fn endpoint(&self) -> Option<Written> {
        endpoint(&self.desired, &self.files)
    }

    /// Prints what was found; gives an end where it forbids going on.
    ///
    /// # Errors
    /// For errors, and for warnings where they count as such.
    pub fn check(&self, strict: bool, ui: &Ui) -> Result<(), Stop> {
        check(&self.report, &self.files, strict, ui)
    }
}

/// How many errors are shown: who reads that many mends them first.
const SHOWN: usize = 20;

/// Prints a report; gives an end where it forbids going on.
///
/// # Errors
/// For errors, and for warnings where they count as such.
pub fn check(report: &Report, files: &Files, strict: bool, ui: &Ui) -> Result<(), Stop> {
    let mut report = report.clone();
    report.fold();
    let failed = report.has_errors() || strict && report.warnings() > 0;
    if !report.is_empty() && (failed || !ui.quiet()) {
        let (shown, more) = report.first_errors(SHOWN);
        ui.complain(&render(&shown, files, ui.styled_err()));
        if more > 0 {
            let more = counted(more, "more error");
            ui.complain(&format!("and {more}; validate --format json has all\n\n"));
        }
    }
    if failed {
        let (errors, warnings) = (report.errors(), report.warnings());
        let counts = match (errors, warnings) {
            (0, warnings) => format!("{}, and --strict makes them errors", counted(warnings, "warning")),
            (errors, 0) => counted(errors, "error"),
            (errors, warnings) => {
                format!("{} and {}", counted(errors, "error"), counted(warnings, "warning"))
            }
        };
        return Err(Stop { exit: super::Exit::Error, message: counts, help: Vec::new() });
    }
    Ok(())
}

/// The variables of the environment that may be shown, by flags and by LIBRATO_ALLOW_ENV.
fn allowed(flags: &[String], more: Option<&str>) -> Vec<String> {
    let more = more.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    flags.iter().cloned().chain(more.map(str::to_owned)).collect()
}

fn from_file(path: &Path, read: &load::Variables) -> Vec<Given> {
    let dir = path.parent().map(Path::to_owned).unwrap_or_default();
    let source = |file: FileId, name: &str| Source { file, route: Route::root().key(name), dir: dir.clone() };
    let one = |(name, value): (&String, &serde_json::Value)| Given {
        name: name.clone(),
        value: Some(value.clone()),
        source: Some(source(read.file, name)),
    };
    read.value.iter().map(one).collect()
}

fn from_argument(
    argument: &str,
    flag: &str,
    value: impl FnOnce(&str) -> Option<serde_json::Value>,
) -> Result<Given, Stop> {
    let (name, text) = argument.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Stop::usage(format!("{flag} needs NAME=VALUE"), format!("such as {flag} region=eu-west-1"))
    })?;
    Ok(Given { name: name.to_owned(), value: value(text), source: None })
}

/// The value of `--var` as a YAML scalar, list or map.
fn parse(text: &str, files: &mut Files, report: &mut Report) -> Option<serde_json::Value> {
    let file = files.add("--var", text.to_owned(), load::yaml::index);
    let help = |diagnostic: Diagnostic| {
        report.push(diagnostic.help("use --var-string for text that is not YAML"));
    };
    load::yaml::parse(text, file).map_err(help).ok()
}

/// The environment and files of this machine.
pub struct Here<'a> {
    /// What keeps secrets from being shown.
    pub ui: &'a Ui,
    /// Variables of the environment that files may have shown.
    pub allowed: &'a [String],
}

impl Outside for Here<'_> {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn may_read(&self, name: &str) -> bool {
        name.starts_with(OPEN_PREFIX) || self.allowed.iter().any(|allowed| allowed == name)
    }

    fn secret(&self, name: &str) -> Option<String> {
        let value = self.env(name)?;
        // As definitions hold it, and without the line end that is left out of them.
        self.ui.secrets.hide_named(name, &value);
        self.ui.secrets.hide_named(name, value.trim_end_matches(['\r', '\n']));
        Some(value)
    }

    fn file(&self, dir: &Path, path: &str) -> Result<String, String> {
        load::read_below(dir, path)
    }
}

/// The same without secrets.
struct Blind<'a>(Here<'a>);

impl Outside for Blind<'_> {
    fn env(&self, name: &str) -> Option<String> {
        self.0.env(name)
    }

    fn may_read(&self, name: &str) -> bool {
        self.0.may_read(name)
    }

    fn secret(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, dir: &Path, path: &str) -> Result<String, String> {
        self.0.file(dir, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_may_read_comes_from_outside_them() {
        let flags = ["A".to_owned()];
        assert_eq!(allowed(&flags, Some("B, C,")), ["A", "B", "C"]);
        assert_eq!(allowed(&[], None), [""; 0]);
    }
}

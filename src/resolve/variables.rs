//! Variables: from `vars`, from files, from the command line; each may use others, without cycles.
//! Knows which source wins. Knows nothing of objects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use super::findings::tell;
use super::interpolate::{Resolved, Scope, describe, interpolate};
use super::ledger::Ledger;
use super::outside::Outside;
use super::template::{self, Part};
use crate::diag::{Code, Diagnostic, FileId, Part as Half, Place, Report, Route, Severity, suggest};
use crate::load::Document;

/// A variable as it was given.
#[derive(Debug, Clone)]
pub struct Given {
    pub name: String,
    /// The value, references not yet replaced; none where it could not be read, which is reported already.
    pub value: Option<Value>,
    /// The file it stands in; none for the command line, where nothing is replaced.
    pub source: Option<Source>,
}

/// Where a variable stands.
#[derive(Debug, Clone)]
pub struct Source {
    pub file: FileId,
    /// The variable in it.
    pub route: Route,
    /// The directory of the file, which `${file.…}` starts from.
    pub dir: PathBuf,
}

impl Source {
    fn place(&self, part: Half) -> Place {
        Place::Node { file: self.file, route: self.route.clone(), part }
    }
}

/// Gathers variables of all documents and lets overrides win, later ones over earlier ones.
pub fn gather(documents: &[Document], overrides: &[Given], report: &mut Report) -> BTreeMap<String, Given> {
    let mut given: BTreeMap<String, Given> = BTreeMap::new();
    for document in documents {
        let section = document.value.get("vars").unwrap_or(&Value::Null);
        if !matches!(section, Value::Object(_) | Value::Null) {
            let place =
                Place::Node { file: document.file, route: Route::root().key("vars"), part: Half::Value };
            let message = format!("expected a map of variables, found {}", describe(section));
            let wrong = Diagnostic::error(Code::WrongType, message).at(place, "");
            report.push(wrong.help("each stands behind its name, without `-`: `vars: { NAME: value }`"));
        }
        for (name, value) in section.as_object().into_iter().flatten() {
            let route = Route::root().key("vars").key(name);
            let source = Source { file: document.file, route, dir: document.dir.clone() };
            let place = source.place(Half::Key);
            if !is_name(name) {
                let message = format!("`{name}` cannot be the name of a variable");
                let hint = "letters, digits, `_` and `-`, beginning with a letter";
                report.push(Diagnostic::error(Code::InvalidName, message).at(place.clone(), "").help(hint));
            }
            let one = Given { name: name.clone(), value: Some(value.clone()), source: Some(source) };
            if let Some(Given { source: Some(first), .. }) = given.insert(name.clone(), one) {
                let first = first.place(Half::Key);
                report.push(
                    Diagnostic::error(Code::RepeatedName, format!("the variable `{name}` is defined twice"))
                        .at(place, "defined again here")
                        .also(first, "defined here"),
                );
            }
        }
    }
    for one in overrides {
        given.insert(one.name.clone(), one.clone());
    }
    given
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Resolves variables, those first that others use. A cycle is reported once, with its members.
pub fn resolve(
    given: &BTreeMap<String, Given>,
    ledger: &Ledger,
    outside: &dyn Outside,
    lenient_secrets: bool,
    report: &mut Report,
) -> BTreeMap<String, Resolved> {
    let mut done: BTreeMap<String, Resolved> = BTreeMap::new();
    let (order, stuck) = order(given);
    for name in order {
        let one = &given[name];
        let Some(value) = &one.value else {
            ledger.unknown.borrow_mut().insert(name.clone());
            continue;
        };
        let Some(source) = &one.source else {
            done.insert(name.clone(), Resolved { value: value.clone(), secrets: BTreeMap::new() });
            continue;
        };
        let mut findings = Vec::new();
        let outside = Some((outside, source.dir.as_path()));
        let scope = Scope { variables: &done, ledger, each: None, outside, lenient_secrets };
        let value = interpolate(value, &scope, &mut findings);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            ledger.unknown.borrow_mut().insert(name.clone());
        }
        for finding in findings {
            let route = source.route.join(&finding.route);
            let place = Place::Node { file: source.file, route, part: finding.part };
            tell(finding, place, report);
        }
        done.insert(name.clone(), value);
    }
    if !stuck.is_empty() {
        report_cycle(&circle(stuck.clone(), given), given, report);
        // What uses them shall not be reported as well.
        ledger.unknown.borrow_mut().extend(stuck.into_iter().cloned());
    }
    done
}

/// The variables, each behind all that it uses; and those that are in a circle or use one that is.
fn order(given: &BTreeMap<String, Given>) -> (Vec<&String>, Vec<&String>) {
    let mut users: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    let mut waiting: BTreeMap<&String, usize> = BTreeMap::new();
    for (name, one) in given {
        let used: BTreeSet<String> = one.value.as_ref().map(uses).unwrap_or_default().into_iter().collect();
        // A name that nothing defines is reported where it is used, and holds no one up.
        let known = used.iter().filter_map(|other| given.get_key_value(other));
        known.clone().for_each(|(other, _)| users.entry(other).or_default().push(name));
        waiting.insert(name, known.count());
    }
    let mut order: Vec<&String> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut next = 0;
    while let Some(name) = order.get(next).copied() {
        next += 1;
        for user in users.get(name).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*user) {
                *count -= 1;
                if *count == 0 {
                    order.push(user);
                }
            }
        }
    }
    waiting.retain(|_, count| *count > 0);
    (order, waiting.into_keys().collect())
}

/// Variables given from outside that nothing uses: most likely misspelt.
pub fn report_unused(
    overrides: &[Given],
    used: &BTreeSet<String>,
    known: &BTreeMap<String, Given>,
    report: &mut Report,
) {
    for one in overrides.iter().filter(|one| one.source.is_none() && !used.contains(&one.name)) {
        let others = known.iter().filter(|(name, _)| **name != one.name).map(|(name, _)| name.as_str());
        let mut diagnostic =
            Diagnostic::error(Code::UnusedVariable, format!("no file uses the variable `{}`", one.name));
        if let Some(close) = suggest(&one.name, others) {
            diagnostic = diagnostic.help(format!("did you mean `{close}`?"));
        }
        report.push(diagnostic.help("it was given with --var or --var-string"));
    }
}

/// Variables of the files that nothing uses.
pub fn report_idle(
    overrides: &[Given],
    used: &BTreeSet<String>,
    known: &BTreeMap<String, Given>,
    report: &mut Report,
) {
    // A file of variables may be shared with others.
    let given = |name: &String| overrides.iter().any(|one| one.name == *name);
    for (name, one) in known.iter().filter(|(name, _)| !used.contains(*name) && !given(name)) {
        let Some(source) = &one.source else { continue };
        let diagnostic =
            Diagnostic::warning(Code::UnusedVariable, format!("nothing uses the variable `{name}`"));
        let help = format!("remove it, or use it as `${{var.{name}}}`");
        report.push(diagnostic.at(source.place(Half::Key), "").help(help));
    }
}

/// Those of `names` that are used by others of them: without what only uses a circle.
fn circle<'a>(mut names: Vec<&'a String>, given: &BTreeMap<String, Given>) -> Vec<&'a String> {
    loop {
        let used: BTreeSet<String> =
            names.iter().flat_map(|name| given[*name].value.as_ref().map(uses).unwrap_or_default()).collect();
        let before = names.len();
        names.retain(|name| used.contains(*name));
        if names.len() == before {
            return names;
        }
    }
}

fn report_cycle(names: &[&String], given: &BTreeMap<String, Given>, report: &mut Report) {
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut diagnostic =
        Diagnostic::error(Code::VariableCycle, format!("variables refer to each other in a circle: {list}"));
    for (i, name) in names.iter().enumerate() {
        if let Some(source) = &given[*name].source {
            let place = source.place(Half::Value);
            diagnostic = if i == 0 { diagnostic.at(place, "") } else { diagnostic.also(place, "") };
        }
    }
    report.push(diagnostic);
}

fn uses(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => template::parts(text)
            .into_iter()
            .flatten()
            .filter_map(|part| match part {
                Part::Reference(reference) => reference.strip_prefix("var."),
                Part::Literal(_) => None,
            })
            .filter_map(|path| path.split('.').next().map(str::to_owned))
            .collect(),
        Value::Array(items) => items.iter().flat_map(uses).collect(),
        Value::Object(map) => map.values().flat_map(uses).collect(),
        _ => Vec::new(),
    }
}

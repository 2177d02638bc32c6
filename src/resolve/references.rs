//! Uses of objects by other objects, as far as the files alone can tell.
//! Whether an undeclared metric exists is for the plan to find out.

use std::collections::BTreeMap;

use super::entry::LOST;
use super::findings::tell;
use crate::diag::{Code, Diagnostic, Files, Part, Place, Report, Route, Suggestions};
use crate::model::check::{Checker, at};
use crate::model::{Address, Collection, Declared, DeclaredTest, Desired, Intent, Kind, Reference, State};

/// Reports uses of what is not declared, or is declared to be absent, and renames that contradict each other.
pub fn check(desired: &Desired, files: &Files, report: &mut Report) {
    let near = Suggestions::default();
    for (address, declaration) in &desired.objects {
        if declaration.intent == Intent::Present {
            for reference in declaration.resource.spec().references() {
                check_reference(address, declaration, &reference, (desired, &near), files, report);
            }
        }
    }
    check_periods(desired, files, report);
    check_functions(desired, files, report);
    check_renames(desired, files, report);
    check_tests(desired, files, report);
}

/// Tests of alerts that are not there.
fn check_tests(desired: &Desired, files: &Files, report: &mut Report) {
    let near = Suggestions::default();
    let mut names: BTreeMap<&str, &DeclaredTest> = BTreeMap::new();
    for declared in &desired.tests {
        if let Some(first) = names.insert(&declared.name, declared) {
            let [here, there] =
                [declared, first].map(|test| test.origin.place(files, &Route::root(), Part::Key));
            let message = format!("there are two tests called `{}`", declared.name);
            let diagnostic = Diagnostic::error(Code::RepeatedName, message);
            report.push(if here == there {
                diagnostic.at(here, "").help("use `${each.key}` in the name")
            } else {
                diagnostic.at(here, "declared again here").also(there, "declared here")
            });
        }
        let name = &declared.test.alert;
        let found = desired.objects.get(&Address::new(Collection::Alerts, name));
        let place = || declared.origin.place(files, &at(["alert"]), Part::Value);
        let wrong = |message: String| Diagnostic::error(Code::UnknownAlert, message).at(place(), "");
        match found.map(|declaration| declaration.intent) {
            Some(Intent::Present) => {}
            Some(Intent::Absent) => {
                let message = format!("the alert `{name}` is declared to be absent, so it cannot be tested");
                report.push(wrong(message));
            }
            Some(Intent::External) => {
                let message = format!("the alert `{name}` is external, so no file says what it does");
                report.push(wrong(message));
            }
            None => {
                let alerts = desired.objects.keys().filter(|a| a.collection == Collection::Alerts);
                let help = near.of(name, alerts.map(|a| a.name.as_str())).map_or_else(
                    || "a test is about an alert of the files that are read together with it".to_owned(),
                    |close| format!("did you mean `{close}`?"),
                );
                report.push(wrong(format!("no file declares an alert `{name}`")).help(help));
            }
        }
    }
}

/// Composites that put together what is reported at different intervals.
fn check_periods(desired: &Desired, files: &Files, report: &mut Report) {
    let nothing = State::new();
    let known = |pattern: &str| desired.periods(pattern, &nothing);
    for (address, declaration) in
        desired.objects.iter().filter(|(_, declaration)| declaration.intent == Intent::Present)
    {
        let mut found = Checker::new(&address.name);
        declaration.resource.spec().check_periods(&known, &mut found);
        for finding in found.into_findings() {
            let place = declaration.place(files, &finding.route, finding.part);
            tell(finding, place, report);
        }
    }
}

/// Statistics in conditions that metrics of the declared type do not have.
fn check_functions(desired: &Desired, files: &Files, report: &mut Report) {
    let type_of = |metric: &str| desired.metric_type(metric);
    for (address, declaration) in
        desired.objects.iter().filter(|(_, declaration)| declaration.intent == Intent::Present)
    {
        let mut found = Checker::new(&address.name);
        declaration.resource.spec().check_functions(&type_of, &mut found);
        for finding in found.into_findings() {
            let place = declaration.place(files, &finding.route, finding.part);
            tell(finding, place, report);
        }
    }
}

fn check_reference(
    user: &Address,
    declaration: &Declared,
    reference: &Reference,
    (desired, near): (&Desired, &Suggestions),
    files: &Files,
    report: &mut Report,
) {
    // Finding a place reads its file again, so only for what is reported.
    match desired.objects.get(&reference.to) {
        None if matches!(reference.to.collection, Collection::Metrics | Collection::Annotations) => return,
        Some(target) if target.intent != Intent::Absent && target.kind != Kind::Composite => return,
        // What a broken reference left behind was reported there.
        None if reference.to.name == LOST => return,
        _ => {}
    }
    let place = declaration.place(files, &reference.route, reference.part);
    let name = &reference.to.name;
    let who = format!("{} \"{user}\"", declaration.kind);
    match desired.objects.get(&reference.to) {
        None if reference.to.collection == Collection::Services => {
            report.push(unknown_service(&who, name, place, desired, near));
        }
        None if reference.to.collection == Collection::Spaces => {
            report.push(unknown_space(&who, name, place, desired, near));
        }
        None => {}
        Some(target) if target.intent == Intent::Absent => {
            let kind = target.kind;
            let declared = target.origin.place(files, &at(["ensure"]), Part::Value);
            report.push(
                Diagnostic::error(
                    Code::AbsentReference,
                    format!("{who} uses a {kind} that is declared to be absent"),
                )
                .at(place, format!("`{name}` is used here"))
                .also(declared, "and shall not exist"),
            );
        }
        Some(target) if matches!(reference.part, Part::Text { .. }) && target.kind == Kind::Composite => {
            let declared = target.origin.place(files, &Route::root(), Part::Key);
            let diagnostic =
                Diagnostic::error(Code::NestedComposite, format!("{who} uses another composite"))
                    .at(place, format!("`{name}` is a composite, and composites cannot be nested"))
                    .also(declared, "declared here")
                    .help("write the definition of the other one in its place");
            report.push(match declaration.kind {
                Kind::Chart => diagnostic.help(format!("to show it as it is, write `metric: {name}`")),
                _ => diagnostic,
            });
        }
        Some(_) => {}
    }
}

fn unknown_service(
    who: &str,
    title: &str,
    place: Place,
    desired: &Desired,
    near: &Suggestions,
) -> Diagnostic {
    Diagnostic::error(Code::UnknownService, format!("{who} notifies a service that is not declared"))
        .at(place, "no service has this title")
        .help(how_to_declare(title, Collection::Services, desired, near))
}

fn unknown_space(who: &str, name: &str, place: Place, desired: &Desired, near: &Suggestions) -> Diagnostic {
    Diagnostic::error(Code::UnknownSpace, format!("{who} leads to a space that is not declared"))
        .at(place, "no space has this name")
        .help(how_to_declare(name, Collection::Spaces, desired, near))
}

fn how_to_declare(name: &str, collection: Collection, desired: &Desired, near: &Suggestions) -> String {
    let known = desired.objects.keys().filter(|a| a.collection == collection).map(|a| a.name.as_str());
    let section = collection.kind().section();
    near.of(name, known).map_or_else(
        || {
            format!(
                "declare it under `{section}:`; if another team owns it, as `{name}: {{ external: true }}`"
            )
        },
        |close| format!("did you mean `{close}`?"),
    )
}

/// A former name must be free: neither declared, nor claimed by two objects.
fn check_renames(desired: &Desired, files: &Files, report: &mut Report) {
    let mut claimed: BTreeMap<Address, &Declared> = BTreeMap::new();
    for (address, declaration) in &desired.objects {
        let Some(old) = &declaration.renamed_from else { continue };
        let old = address.renamed(old);
        let place = declaration.origin.place(files, &at(["renamed_from"]), Part::Value);
        if let Some(other) = desired.objects.get(&old).filter(|other| other.renamed_from.is_none()) {
            let declared = other.origin.place(files, &Route::root(), Part::Key);
            report.push(
                Diagnostic::error(
                    Code::RenamedFromDeclared,
                    format!("`{old}` is declared, so nothing can be renamed from it"),
                )
                .at(place.clone(), "")
                .also(declared, "declared here")
                .help("an object is either renamed or kept: take out one of the two"),
            );
        }
        if let Some(first) = claimed.insert(old.clone(), declaration) {
            let first = first.origin.place(files, &at(["renamed_from"]), Part::Value);
            report.push(
                Diagnostic::error(Code::RepeatedName, format!("two objects are renamed from `{old}`"))
                    .at(place, "")
                    .also(first, "the other one"),
            );
        }
    }
}

//! Uses of objects by other objects, as far as the files alone can tell.
//! Whether an undeclared metric exists is for the plan to find out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{as_written, at_route, problem};
use crate::diag::{Diagnostic, Files, Part, Place, Report, Route, suggest};
use crate::model::check::{Checker, at};
use crate::model::{Address, Collection, Desired, Intent, Kind, Reference, Resource, Wish};

/// Reports uses of what is not declared, or is declared to be absent, and renames that contradict each other.
pub fn check(desired: &Desired, files: &Files, report: &mut Report) {
    for (address, wish) in &desired.objects {
        if wish.intent == Intent::Present {
            for reference in wish.resource.spec().references() {
                check_reference(address, wish, &reference, desired, files, report);
            }
        }
    }
    check_periods(desired, files, report);
    check_renames(desired, files, report);
}

/// Composites that put together what is reported at different intervals.
fn check_periods(desired: &Desired, files: &Files, report: &mut Report) {
    let period = |name: &str| match &desired.objects.get(&Address::metric(name))?.resource {
        Resource::Metric(metric) => metric.period.value().map(|seconds| seconds.0),
        _ => None,
    };
    for (address, wish) in desired.objects.iter().filter(|(_, wish)| wish.intent == Intent::Present) {
        let Resource::Composite(composite) = &wish.resource else { continue };
        let mut found = Checker::new(&address.name);
        composite.check_periods(&period, &mut found);
        for finding in found.into_findings() {
            let place = place_of(wish, &finding.route, finding.part, files);
            report.push(problem(finding, place));
        }
    }
}

fn check_reference(
    user: &Address,
    wish: &Wish,
    reference: &Reference,
    desired: &Desired,
    files: &Files,
    report: &mut Report,
) {
    // Finding a place reads its file again, so only for what is reported.
    match desired.objects.get(&reference.to) {
        None if reference.to.collection == Collection::Metrics => return,
        Some(target) if target.intent != Intent::Absent && target.kind != Kind::Composite => return,
        _ => {}
    }
    let place = place_of(wish, &reference.route, reference.part, files);
    let name = &reference.to.name;
    let who = format!("{} \"{user}\"", wish.kind);
    match desired.objects.get(&reference.to) {
        None if reference.to.collection == Collection::Services => {
            report.push(unknown_service(&who, name, place, desired));
        }
        None => {}
        Some(target) if target.intent == Intent::Absent => {
            let kind = target.kind;
            let declared = target.origin.place(files, &at(["ensure"]), Part::Value);
            report.push(
                Diagnostic::error(
                    "absent-reference",
                    format!("{who} uses a {kind} that is declared to be absent"),
                )
                .at(place, format!("`{name}` is used here"))
                .also(declared, "and shall not exist"),
            );
        }
        Some(target) if wish.kind == Kind::Composite && target.kind == Kind::Composite => {
            let declared = target.origin.place(files, &Route::root(), Part::Key);
            report.push(
                Diagnostic::error("nested-composite", format!("{who} uses another composite"))
                    .at(place, format!("`{name}` is a composite, and composites cannot be nested"))
                    .also(declared, "declared here")
                    .help("write the definition of the other one in its place"),
            );
        }
        Some(_) => {}
    }
}

/// The place of something inside a field: in a longer text, the very words.
fn place_of(wish: &Wish, field: &Route, part: Part, files: &Files) -> Place {
    let place = wish.origin.place(files, field, Part::Value);
    let Place::Node { file, route, part: Part::Value } = place else { return place };
    let fields = Value::Object(wish.resource.fields());
    let resolved = at_route(&fields, field).and_then(Value::as_str);
    let part = as_written(part, resolved, files.scalar(file, &route).as_deref());
    Place::Node { file, route, part }
}

fn unknown_service(who: &str, title: &str, place: Place, desired: &Desired) -> Diagnostic {
    let known =
        desired.objects.keys().filter(|a| a.collection == Collection::Services).map(|a| a.name.as_str());
    let hint = suggest(title, known).map_or_else(
        || {
            format!(
                "declare it under `services:`; if another team owns it, as `{title}: {{ external: true }}`"
            )
        },
        |close| format!("did you mean `{close}`?"),
    );
    Diagnostic::error("unknown-service", format!("{who} notifies a service that is not declared"))
        .at(place, "no service has this title")
        .help(hint)
}

/// A former name must be free: neither declared, nor claimed by two objects.
fn check_renames(desired: &Desired, files: &Files, report: &mut Report) {
    let mut claimed: BTreeMap<Address, &Wish> = BTreeMap::new();
    for (address, wish) in &desired.objects {
        let Some(old) = &wish.renamed_from else { continue };
        let old = address.renamed(old);
        let place = wish.origin.place(files, &at(["renamed_from"]), Part::Value);
        if let Some(other) = desired.objects.get(&old).filter(|other| other.renamed_from.is_none()) {
            let declared = other.origin.place(files, &Route::root(), Part::Key);
            report.push(
                Diagnostic::error(
                    "renamed-from-declared",
                    format!("`{old}` is declared, so nothing can be renamed from it"),
                )
                .at(place.clone(), "")
                .also(declared, "declared here")
                .help("an object is either renamed or kept: take out one of the two"),
            );
        }
        if let Some(first) = claimed.insert(old.clone(), wish) {
            let first = first.origin.place(files, &at(["renamed_from"]), Part::Value);
            report.push(
                Diagnostic::error("repeated-name", format!("two objects are renamed from `{old}`"))
                    .at(place, "")
                    .also(first, "the other one"),
            );
        }
    }
}

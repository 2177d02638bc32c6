//! The `tests` section: names, `for_each`, references, and what a test says, held against the schema.
//! Knows nothing of the alerts that are tested.

use serde_json::{Map, Value};

use super::entry::Context;
use super::findings::{error, tell};
use super::interpolate::{Each, Resolved, describe};
use super::ledger::Refused;
use super::section::{as_map, items, too_many};
use crate::diag::{Code, Part, Place, Report, Route, Severity};
use crate::load::Document;
use crate::model::check::{Checker, Finding};
use crate::model::{AlertTest, DeclaredTest, Origin, read as read_fields};

/// Reads the tests of a document.
pub fn read(document: &Document, context: &Context<'_>, report: &mut Report) -> Vec<DeclaredTest> {
    let route = Route::root().key("tests");
    let section = document.value.get("tests").and_then(|section| as_map(section, document, &route, report));
    let mut all = Vec::new();
    for (name, body) in section.into_iter().flatten() {
        let origin = Origin { file: document.file, route: route.key(name), defaults: None };
        let mut findings = Vec::new();
        for (name, test) in expand(name, body, context, &mut findings) {
            all.push(DeclaredTest { name, test, origin: origin.clone() });
        }
        for Finding { route, part, .. } in &mut findings {
            *route = origin.route.join(route);
            // The name of a test is no part of it.
            if *route == origin.route && *part == Part::Value {
                *part = Part::Key;
            }
        }
        for finding in findings {
            let place = Place::Node { file: document.file, route: finding.route.clone(), part: finding.part };
            tell(finding, place, report);
        }
    }
    all
}

fn expand(
    name: &str,
    body: &Value,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<(String, AlertTest)> {
    let Value::Object(fields) = body else {
        let message = format!("expected a map of fields, found {}", describe(body));
        findings.push(error(
            Route::root(),
            Code::WrongType,
            &message,
            "a test begins with `alert: NAME` and `input:`",
        ));
        return Vec::new();
    };
    let items = items(body, None, context, findings);
    let made_by_lists = items.iter().flatten().count();
    match context.ledger.takes_objects(made_by_lists) {
        Ok(()) => {}
        Err(Refused::First) => findings.push(too_many(made_by_lists)),
        Err(Refused::Again) => {}
    }
    // Not with the list of a `for_each`, which would be copied for each of its items.
    let rest = fields.iter().filter(|(key, _)| *key != "for_each");
    let rest = Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>());
    let make = |each: &Option<Each>| one(name, &rest, each.as_ref(), context, findings);
    items.iter().filter_map(make).collect()
}

/// One test, its references replaced. They may be to variables only: a test sees nothing of the machine it runs on.
fn one(
    name: &str,
    body: &Value,
    each: Option<&Each>,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Option<(String, AlertTest)> {
    let before = findings.len();
    let named = context.interpolate(&Value::String(name.to_owned()), each, None, findings);
    findings[before..].iter_mut().for_each(|finding| finding.part = Part::Key);
    let Resolved { value, secrets } = context.interpolate(body, each, None, findings);
    for route in secrets.into_keys().chain(named.secrets.into_keys()) {
        let message = "a secret cannot be part of a test: what tests say is shown";
        findings.push(error(
            route,
            Code::MisplacedReference,
            message,
            "use a variable without a secret in it",
        ));
    }
    let is_sound = |findings: &[Finding]| findings.iter().all(|found| found.severity != Severity::Error);
    if !is_sound(&findings[before..]) {
        return None;
    }
    context.schema.check(&value, "AlertTestEntry", findings);
    if !is_sound(&findings[before..]) {
        return None;
    }
    let test = match read_fields::<AlertTest>(value.as_object()?) {
        Ok(test) => test,
        Err(wrong) => {
            findings.push(Finding {
                help: Vec::new(),
                ..error(wrong.route, Code::WrongValue, &wrong.message, "")
            });
            return None;
        }
    };
    let name = match named.value {
        Value::String(name) => name,
        other => other.to_string(),
    };
    let mut checker = Checker::new(&name);
    test.check(&mut checker);
    findings.extend(checker.into_findings());
    Some((name, test))
}

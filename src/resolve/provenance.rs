//! Where a wrong value comes from: the variable that a diagnostic's place refers to, and whether it has a value at all.
//! Works on what is reported already, so that a good run pays nothing for it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::template::{self, Part};
use super::variables::Given;
use crate::diag::{Code, Diagnostic, Files, Part as Half, Place, Report, Route};

/// Codes about what a value is; of the others the place itself is what is wrong.
const ABOUT_VALUES: &[Code] = &[Code::CannotClear, Code::MissingField, Code::WrongType, Code::WrongValue];

/// Codes about references themselves, which say all there is to say.
const ABOUT_REFERENCES: &[Code] = &[
    Code::HiddenVariable,
    Code::MisplacedReference,
    Code::OpenReference,
    Code::RepeatedName,
    Code::TooLarge,
    Code::UnknownReference,
    Code::UnknownVariable,
    Code::Unreadable,
    Code::UnsetSecret,
    Code::UnsetVariable,
    Code::UnusedVariable,
    Code::VariableCycle,
];

fn is_one(name: &str, codes: &[Code]) -> bool {
    codes.iter().any(|code| code.name() == name)
}

/// Variables that refer to one another are followed so far.
const MAX_STEPS: usize = 8;

/// Adds to each diagnostic whose place is a reference to a variable where its value comes from.
pub fn add(report: &mut Report, given: &BTreeMap<String, Given>, files: &Files) {
    for diagnostic in report.iter_mut().filter(|d| !is_one(d.code, ABOUT_REFERENCES)) {
        let place = diagnostic.primary.as_ref().map(|label| &label.place);
        let Some(reference) = place.and_then(|place| reference_at(place, files)) else { continue };
        let Some(one) = source(&reference, given) else { continue };
        if one.value == Some(Value::Null) && is_one(diagnostic.code, ABOUT_VALUES) {
            diagnostic.code = Code::UnsetVariable.name();
            diagnostic.message = format!("the variable `{}` has no value", one.name);
            diagnostic.help = vec![format!("give it with --var {}=… or --var-file", one.name)];
            tell(diagnostic, one, "blank here");
        } else {
            tell(diagnostic, one, "the value comes from here");
        }
    }
}

fn tell(diagnostic: &mut Diagnostic, one: &Given, label: &str) {
    let also = match &one.source {
        Some(source) => {
            let place = Place::Node { file: source.file, route: source.route.clone(), part: Half::Value };
            diagnostic.clone().also(place, label)
        }
        None => {
            let help = format!("the value of `{}` was given with --var or --var-string", one.name);
            diagnostic.clone().help(help)
        }
    };
    *diagnostic = also;
}

/// The variable that is referred to at a place, or at the nearest value around it that is written.
fn reference_at(place: &Place, files: &Files) -> Option<String> {
    let Place::Node { file, route, part } = place else { return None };
    let written = (0..=route.segs().len()).rev().map(|len| Route(route.segs()[..len].to_vec()));
    let route = written.into_iter().find(|route| files.contains(*file, route))?;
    let text = files.scalar(*file, &route)?;
    match part {
        Half::Text { start, end } => variable(text.get(*start..*end)?),
        Half::Key | Half::Value => variable(&text),
    }
}

/// The first variable in a text.
fn variable(text: &str) -> Option<String> {
    template::parts(text)?.into_iter().find_map(|part| match part {
        Part::Reference(reference) => {
            let path = reference.strip_prefix("var.")?;
            Some(path.split('.').next().unwrap_or(path).to_owned())
        }
        Part::Literal(_) => None,
    })
}

/// What gives a variable its value: itself, or the one it only passes on.
fn source<'a>(name: &str, given: &'a BTreeMap<String, Given>) -> Option<&'a Given> {
    let mut one = given.get(name)?;
    for _ in 0..MAX_STEPS {
        let Some(Value::String(text)) = &one.value else { break };
        match template::parts(text).as_deref() {
            Some([Part::Reference(_)]) if one.source.is_some() => {
                let Some(next) = variable(text).and_then(|name| given.get(&name)) else { break };
                one = next;
            }
            _ => break,
        }
    }
    Some(one)
}

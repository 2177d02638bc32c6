//! Values of the variables of root modules, in the order in which Terraform lets one win over another: the default,
//! `terraform.tfvars`, `*.auto.tfvars`, files that are named, single values.
//! Knows nothing of the environment; what is given nowhere is unknown.

use std::collections::{BTreeMap, HashMap};

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use serde_json::Value;

use super::super::node::{Fields, Node};
use super::super::{Source, Variables};
use super::hcl::{normal, parse_body};
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Report};

/// A file of variables, or a single one as it was typed.
enum Written {
    Hcl(Body),
    Json(Fields),
}

/// What was parsed, in the order of its weight.
pub(super) struct Parsed {
    /// With the directory of the root it belongs to; `None` for all roots.
    files: Vec<(Option<String>, FileId, Written)>,
    /// Single values: the name, the text, and what the text is as an expression.
    set: Vec<(String, String, FileId, Option<Body>)>,
}

/// Whether a file by its name holds variables.
pub(super) fn is_of_variables(name: &str) -> bool {
    name.trim_end_matches(".json").ends_with(".tfvars")
}

/// Whether Terraform reads a file of variables without being asked.
fn is_automatic(name: &str) -> bool {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).trim_end_matches(".json");
    name == "terraform.tfvars" || name.ends_with(".auto.tfvars")
}

/// Reads files of variables: those that stand beside the configuration, and those that are named.
pub(super) fn parse(beside: &[&Source], named: &Variables, files: &Files, report: &mut Report) -> Parsed {
    let (automatic, others): (Vec<&Source>, Vec<&Source>) =
        beside.iter().copied().partition(|source| is_automatic(&source.name));
    let mut parsed = Parsed { files: Vec::new(), set: Vec::new() };
    let (common, mut own): (Vec<&Source>, Vec<&Source>) =
        automatic.into_iter().partition(|source| !source.name.contains(".auto.tfvars"));
    own.sort_by(|a, b| a.name.cmp(&b.name));
    for source in common.into_iter().chain(own) {
        let written = written(source, files, report);
        parsed.files.extend(written.map(|written| (Some(normal(&source.dir)), source.file, written)));
    }
    for source in others.into_iter().chain(&named.files) {
        parsed.files.extend(written(source, files, report).map(|written| (None, source.file, written)));
    }
    for (name, file) in &named.set {
        let text = files.text(*file);
        let value = text.split_once('=').map_or("", |(_, value)| value);
        parsed.set.push((name.clone(), value.to_owned(), *file, parse_body(text).ok()));
    }
    parsed
}

fn written(source: &Source, files: &Files, report: &mut Report) -> Option<Written> {
    let text = files.text(source.file);
    let read = if source.name.ends_with(".json") {
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(map)) => {
                let place = Place::File(source.file);
                Some(Written::Json(
                    map.iter().map(|(name, value)| (name.clone(), Node::of_json(value, &place))).collect(),
                ))
            }
            _ => None,
        }
    } else {
        parse_body(text).ok().map(Written::Hcl)
    };
    if read.is_none() {
        let message = format!("`{}` is no file of variables", source.name);
        report.push(Diagnostic::error(Code::InvalidVariables, message).at(Place::File(source.file), ""));
    }
    read
}

/// A value that was given for a variable.
pub(super) enum Given<'a> {
    Node(&'a Node),
    Expression(FileId, &'a Expression),
    Typed(&'a str, FileId, Option<&'a Expression>),
}

/// The values by name; those of single roots by their directory.
pub(super) struct Values<'a> {
    of_all: HashMap<&'a str, Given<'a>>,
    of_roots: BTreeMap<&'a str, HashMap<&'a str, Given<'a>>>,
}

impl<'a> Values<'a> {
    /// What is given last counts.
    pub fn of(parsed: &'a Parsed) -> Self {
        let mut values = Self { of_all: HashMap::new(), of_roots: BTreeMap::new() };
        for (dir, file, written) in &parsed.files {
            let all = match dir {
                Some(dir) => values.of_roots.entry(dir.as_str()).or_default(),
                None => &mut values.of_all,
            };
            match written {
                Written::Json(fields) => {
                    all.extend(fields.iter().map(|(name, node)| (name.as_str(), Given::Node(node))));
                }
                Written::Hcl(body) => all.extend(
                    body.attributes().map(|one| (one.key.as_str(), Given::Expression(*file, &one.value))),
                ),
            }
        }
        for (name, text, file, body) in &parsed.set {
            let expression = body.as_ref().and_then(|body| body.attributes().next()).map(|one| &one.value);
            values.of_all.insert(name, Given::Typed(text, *file, expression));
        }
        values
    }

    pub fn get(&self, dir: &str, name: &str) -> Option<&Given<'a>> {
        self.of_all.get(name).or_else(|| self.of_roots.get(dir)?.get(name))
    }
}

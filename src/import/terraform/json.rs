//! JSON documents: the output of `terraform show -json`, of a state or of a saved plan. States themselves are read in `state`.
//! Knows the shape of that document, and nothing of what the resources mean.

use serde_json::{Map, Value};

use super::super::node::{Fields, Node};
use super::block::{Block, HINT, type_of};
use super::state::{self, node};
use crate::diag::{Code, Diagnostic, FileId, Part, Place, Report, Route};

/// What is written by each resource beside its own fields.
const IGNORED: &[&str] = &["id", "timeouts", "created_by_ua"];

/// Reads all resources that are ours.
pub(super) fn read(world: usize, file: FileId, text: &str, report: &mut Report) -> Vec<Block> {
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            report.push(not_json(file, text, &error));
            return Vec::new();
        }
    };
    if state::is_state(&document) {
        return state::read(world, file, &document, report);
    }
    let (top, observed) = match (document.get("planned_values"), document.get("values")) {
        (Some(_), _) => ("planned_values", false),
        (None, Some(_)) => ("values", true),
        (None, None) => {
            report.push(not_shown(file, &document));
            return Vec::new();
        }
    };
    let mut reading =
        Reading { world, file, observed, unknown: unknown(&document), report, blocks: Vec::new() };
    let route = Route::root().key(top).key("root_module");
    reading.module(&document[top]["root_module"], &route);
    reading.blocks
}

/// A file in the JSON form of the configuration language.
pub(super) fn not_supported(file: FileId) -> Diagnostic {
    Diagnostic::error(Code::NotSupported, "configurations in JSON (.tf.json) are not read")
        .at(Place::File(file), "")
        .help(HINT)
}

fn not_json(file: FileId, text: &str, error: &serde_json::Error) -> Diagnostic {
    let start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = (start + error.column().saturating_sub(1)).min(text.len());
    // The words of the parser, without the place and without anything of the text.
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ if error.to_string().starts_with("recursion limit") => "it is nested too deeply",
        _ => "there is something that does not belong here",
    };
    Diagnostic::error(Code::InvalidJson, format!("this is not JSON: {what}"))
        .at(Place::Bytes { file, span: at..at }, "")
        .help("write it again with: terraform state pull > state.json")
}

fn not_shown(file: FileId, document: &Value) -> Diagnostic {
    let found = if document.get("terraform_version").is_some() && document.get("version").is_some() {
        Diagnostic::error(
            Code::RawState,
            "this is a state of a version that is not read here: versions 3 and 4 are",
        )
    } else if document.get("format_version").is_some() {
        Diagnostic::error(Code::EmptyState, "there are no values in it: nothing has been applied")
    } else {
        Diagnostic::error(
            Code::NotTerraform,
            "this is neither a state nor the output of `terraform show -json`",
        )
    };
    found
        .at(Place::File(file), "")
        .help("give terraform.tfstate, or what `terraform show -json` or `terraform state pull` writes")
}

/// What a plan does not know before it is applied, by the address of the resource.
fn unknown(document: &Value) -> Map<String, Value> {
    let changes = document["resource_changes"].as_array().into_iter().flatten();
    changes
        .filter_map(|change| {
            Some((change["address"].as_str()?.to_owned(), change["change"]["after_unknown"].clone()))
        })
        .collect()
}

struct Reading<'a> {
    world: usize,
    file: FileId,
    observed: bool,
    unknown: Map<String, Value>,
    report: &'a mut Report,
    blocks: Vec<Block>,
}

impl Reading<'_> {
    /// A module and those in it. The parser has bounded how deep they can be.
    fn module(&mut self, module: &Value, route: &Route) {
        for (i, resource) in module["resources"].as_array().into_iter().flatten().enumerate() {
            self.resource(resource, &route.key("resources").index(i));
        }
        for (i, child) in module["child_modules"].as_array().into_iter().flatten().enumerate() {
            self.module(child, &route.key("child_modules").index(i));
        }
    }

    fn resource(&mut self, resource: &Value, route: &Route) {
        let place = Place::Node { file: self.file, route: route.key("address"), part: Part::Value };
        let Some(name) = resource["type"].as_str() else { return };
        let address = resource["address"].as_str().unwrap_or(name).to_owned();
        // Deposed objects are about to be destroyed; another one has their address.
        let deposed = resource.get("deposed_key").is_some();
        if deposed || resource["mode"].as_str().is_some_and(|mode| mode != "managed") {
            return;
        }
        let (provider, made) = match type_of(name) {
            Ok(Some(known)) => known,
            Ok(None) => return,
            Err(()) => {
                self.report.push(super::resources::unknown_type(&address, name, place));
                return;
            }
        };
        let mut fields = Fields::new();
        let values = route.key("values");
        for (name, value) in resource["values"].as_object().into_iter().flatten() {
            fields.push((name.clone(), node(self.file, value, values.key(name))));
        }
        for (name, unknown) in self.unknown.get(&address).and_then(Value::as_object).into_iter().flatten() {
            if holds_true(unknown) && !IGNORED.contains(&name.as_str()) {
                fields.retain(|(known, _)| known != name);
                fields.push((name.clone(), Node::unknown("known only after apply", place.clone())));
            }
        }
        self.blocks.push(Block {
            provider,
            made,
            world: self.world,
            address,
            observed: self.observed,
            fields,
            place,
        });
    }
}

fn holds_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Array(items) => items.iter().any(holds_true),
        Value::Object(map) => map.values().any(holds_true),
        _ => false,
    }
}

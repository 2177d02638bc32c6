//! Terraform: states, the output of `terraform show -json`, and configurations, as far as they can be worked out without running anything.
//! Both become the same blocks of fields, from which `objects` makes definitions.

mod block;
mod charts;
mod comprehension;
mod evaluate;
mod functions;
mod hcl;
mod instance;
mod json;
mod legacy;
mod links;
mod modules;
mod objects;
mod operators;
mod parts;
mod references;
mod resources;
mod services;
mod state;
mod variables;
mod worth;

use std::collections::HashSet;

use super::{Imported, Source, Variables, collected::Collected};
use crate::diag::{Code, Diagnostic, Files, Report, printable};
use block::Block;

/// Reads states, plans, configurations and their variables, all of them one world: what one file refers to may stand in another.
///
/// Secrets of services are made known to `files`, and what of the texts may be shown.
pub fn terraform(sources: &[Source], variables: &Variables, files: &mut Files) -> Imported {
    let mut out = Collected::default();
    let mut blocks = Vec::new();
    let (mut configurations, mut values) = (Vec::new(), Vec::new());
    for (world, source) in sources.iter().enumerate() {
        let text = files.text(source.file);
        if variables::is_of_variables(&source.name) {
            values.push(source);
        } else if source.name.ends_with(".tf.json") {
            out.report.push(json::not_supported(source.file));
        } else if source.name.ends_with(".json") || text.trim_start().starts_with('{') {
            blocks.extend(json::read(world, source.file, text, &mut out.report));
        } else {
            configurations.push(source);
        }
    }
    let parsed = hcl::parse(&configurations, files, &mut out.report);
    let values = variables::parse(&values, variables, files, &mut out.report);
    let configured = modules::expand(&parsed, &values, variables, sources.len(), &mut out.report);
    blocks = states_first(blocks, configured, &mut out.report);
    objects::make(blocks, files, &mut out);
    out.finish()
}

/// Of a configuration and its own state the state alone: it is what exists, and the same resources are in both.
fn states_first(observed: Vec<Block>, configured: Vec<Block>, report: &mut Report) -> Vec<Block> {
    let known: HashSet<&str> = observed.iter().map(|block| block.address.as_str()).collect();
    let (both, only): (Vec<&Block>, Vec<&Block>) =
        configured.iter().partition(|block| known.contains(block.address.as_str()));
    let Some(first) = both.first() else { return observed.into_iter().chain(configured).collect() };
    let message = "the state holds what this configuration made: it is read, and the configuration is not";
    let mut note = Diagnostic::note(Code::RepeatedName, message).at(first.place.clone(), "in both");
    if let Some(new) = only.first() {
        note = note.help(format!(
            "`{}` is not in the state: it is not imported, since it was not made",
            printable(&new.address)
        ));
    }
    report.push(note);
    observed
}

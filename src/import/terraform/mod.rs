//! Terraform: states, the output of `terraform show -json`, and configurations, as far as they can be worked out without running anything.
//! Both become the same blocks of fields, from which `objects` makes definitions.

mod charts;
mod comprehension;
mod evaluate;
mod functions;
mod hcl;
mod json;
mod legacy;
mod links;
mod modules;
mod objects;
mod operators;
mod references;
mod resources;
mod services;
mod state;
mod variables;

use super::node::{Fields, Node, take};
use super::{Imported, Source, Variables, collected::Collected};
use crate::diag::{Files, Place};
use crate::model::Kind;

/// What to do about a value that is not known.
const HINT: &str = "import the state instead, which holds the values Terraform worked out; variables can be given by --var and --var-file";

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
    blocks.extend(modules::expand(&parsed, &values, variables, sources.len(), &mut out.report));
    objects::make(blocks, files, &mut out);
    out.finish()
}

/// Whose resource it is: the two providers send different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    Librato,
    AppOptics,
}

/// What a resource makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Type {
    Alert,
    Metric,
    Service,
    Space,
    Chart,
}

impl Type {
    fn kind(self) -> Kind {
        match self {
            Self::Alert => Kind::Alert,
            Self::Metric => Kind::Metric,
            Self::Service => Kind::Service,
            Self::Space => Kind::Space,
            Self::Chart => Kind::Chart,
        }
    }
}

/// A type of resource; `Ok(None)` where it is of another provider, an error where it is one we should know.
fn type_of(name: &str) -> Result<Option<(Provider, Type)>, ()> {
    let (provider, rest) = match name.split_once('_') {
        Some(("librato", rest)) => (Provider::Librato, rest),
        Some(("appoptics", rest)) => (Provider::AppOptics, rest),
        _ => return Ok(None),
    };
    let found = match (provider, rest) {
        (_, "alert") => Type::Alert,
        (_, "metric") => Type::Metric,
        (_, "service") | (Provider::AppOptics, "notification_service") => Type::Service,
        (_, "space") | (Provider::AppOptics, "dashboard") => Type::Space,
        (_, "space_chart") | (Provider::AppOptics, "dashboard_chart") => Type::Chart,
        _ => return Err(()),
    };
    Ok(Some((provider, found)))
}

/// One resource instance: its fields as the provider's schema names them, nested blocks as lists of maps.
#[derive(Debug, Clone)]
pub(super) struct Block {
    provider: Provider,
    made: Type,
    /// Which state or root module it belongs to: addresses and ids mean something within one only.
    world: usize,
    /// Unique there: `module.web.librato_alert.slow["eu"]`.
    address: String,
    /// Whether the fields are what the service has, rather than what somebody asked for.
    observed: bool,
    fields: Fields,
    place: Place,
}

impl Block {
    fn take(&mut self, name: &str) -> Option<Node> {
        take(&mut self.fields, name)
    }
}

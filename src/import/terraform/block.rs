//! Resources of the two providers: which types there are, and one instance as it was read.
//! Knows nothing of where it was read, nor of what it becomes.

use super::super::node::{Fields, Node, take};
use crate::diag::Place;
use crate::model::Kind;

/// What to do about a value that is not known.
pub(super) const HINT: &str = "import the state instead, which holds the values Terraform worked out; variables can be given by --var and --var-file";

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
    pub(super) fn kind(self) -> Kind {
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
pub(super) fn type_of(name: &str) -> Result<Option<(Provider, Type)>, ()> {
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
    pub(super) provider: Provider,
    pub(super) made: Type,
    /// Which state or root module it belongs to: addresses and ids mean something within one only.
    pub(super) world: usize,
    /// Unique there: `module.web.librato_alert.slow["eu"]`.
    pub(super) address: String,
    /// Whether the fields are what the service has, rather than what someone asked for.
    pub(super) observed: bool,
    pub(super) fields: Fields,
    pub(super) place: Place,
}

impl Block {
    pub(super) fn take(&mut self, name: &str) -> Option<Node> {
        take(&mut self.fields, name)
    }
}

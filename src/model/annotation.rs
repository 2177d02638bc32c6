//! Annotation streams. Their events are data, not definitions, and are no one's business here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::Checker;
use super::{Address, Collection, Field, Kind, Reference, Spec, compare};

/// The stream the service itself writes firing alerts to; it is never deleted.
pub const ALERT_STREAM: &str = "librato.alerts";

/// Whether the service itself made an object, and needs it: no one declares it, and it is never deleted.
pub fn belongs_to_the_service(address: &Address) -> bool {
    address.collection == Collection::Annotations && address.name == ALERT_STREAM
}

/// A stream of annotation events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// The name shown in charts.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub display_name: Field<String>,
}

impl Spec for Annotation {
    fn kind(&self) -> Kind {
        Kind::Annotation
    }

    fn check(&self, found: &mut Checker<'_>) {
        found.name_of_letters();
    }

    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    fn canonical(&self, _: &str, value: &Value) -> Value {
        compare::plain(value)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn clearable(&self) -> &'static [&'static str] {
        &["display_name"]
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &[]
    }
}

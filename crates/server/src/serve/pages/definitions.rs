//! Objects as definitions for files: asked of whoever runs the server, which knows no files itself.

use std::collections::BTreeMap;

use serde_json::Value;

/// A document, and what is not in it.
#[derive(Debug)]
pub struct Written {
    /// YAML.
    pub text: String,
    /// What is not in it, and which variables it takes, a sentence each.
    pub notes: Vec<String>,
}

/// A space, its charts, and the names of those spaces that charts lead to, by their ids.
type OfSpace = fn(&Value, &[Value], &BTreeMap<u64, String>) -> Result<Written, String>;

/// How objects are written, each given as the API shows it. Fails with the reason in words.
#[derive(Debug, Clone, Copy)]
pub struct Definitions {
    /// A metric or a composite.
    pub metric: fn(&Value) -> Result<Written, String>,
    /// An alert, with the services that it notifies as external ones.
    pub alert: fn(&Value) -> Result<Written, String>,
    /// A service; what is hidden in its settings becomes a reference to a variable.
    pub service: fn(&Value) -> Result<Written, String>,
    /// A space, its charts, and the names of those spaces that charts lead to, by their ids.
    pub space: OfSpace,
}

/// Nothing can be written.
impl Default for Definitions {
    fn default() -> Definitions {
        let none = |_: &Value| Err(UNKNOWN.to_owned());
        Definitions { metric: none, alert: none, service: none, space: |_, _, _| Err(UNKNOWN.to_owned()) }
    }
}

const UNKNOWN: &str = "this server was started without a writer of definitions";

//! The types of metrics that a definition names, on which its defaults depend.

use std::collections::HashMap;

use serde_json::Value;

use super::metric::Kind;
use super::table;
use crate::serve::http::fields::{self, Object};
use crate::serve::names::fold;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// Metrics that do not exist are tolerated: whether the hosted service refused them is known only by hearsay.
pub struct Kinds(HashMap<String, Kind>);

impl Kinds {
    /// Those of all metrics that conditions or streams in `body` name, looked up together.
    pub fn of(tx: &Tx<'_>, body: &Object) -> Result<Kinds, StoreError> {
        let mut names = Vec::new();
        body.values().for_each(|value| collect(value, &mut names));
        names.sort();
        names.dedup();
        Ok(Kinds(if names.is_empty() { HashMap::new() } else { table::kinds(tx, &names)? }))
    }

    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.0.get(&fold(name)).copied()
    }
}

/// The folded names in what stands in lists of a body.
fn collect(value: &Value, names: &mut Vec<String>) {
    let object = |object: &Object, names: &mut Vec<String>| {
        let given = ["metric_name", "metric"].into_iter().filter_map(|key| object.get(key));
        names.extend(given.filter_map(|name| fields::text(name).ok()).map(|name| fold(&name)));
    };
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_object).for_each(|item| object(item, names)),
        Value::Object(items) => {
            items.values().filter_map(Value::as_object).for_each(|item| object(item, names));
        }
        _ => {}
    }
}

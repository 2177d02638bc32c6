//! Settings of services: texts by name, nearly all of them secrets.
//! A secret need not be known to be carried over, only its name: its value comes from the environment later.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Fields, Val};
use super::reader::Reader;
use crate::diag::Files;
use crate::model::is_harmless;

/// Stands for a secret that the files do not hold; it passes for an address, which some settings have to be.
const ELSEWHERE: &str = "secret://elsewhere";

/// The settings of a service of a type. What may not be shown is made known to `files`.
pub(super) fn read(
    fields: Fields,
    of: Option<&str>,
    files: &mut Files,
    reader: &mut Reader,
) -> Map<String, Value> {
    let mut map = Map::new();
    // As JSON goes through Go it is sorted, so this is the order people know from what they see of it.
    let sorted: BTreeMap<_, _> = fields.into_iter().collect();
    for (name, value) in sorted {
        let secret = !is_harmless(of, &name);
        let known = !matches!(&value.value, Val::Unknown { .. } | Val::Reference(_));
        let text = if secret && !known {
            ELSEWHERE.to_owned()
        } else {
            // A setting is a text; an empty one is kept as it is.
            reader.text(&value, &name).unwrap_or_default()
        };
        if secret && known {
            files.add_secret(&text);
        }
        map.insert(name, text.into());
    }
    map
}

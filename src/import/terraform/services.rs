//! Services: a title, a type, and settings, which are a JSON text.
//! Knows nothing of which settings are secret.

use serde_json::{Map, Value};

use super::super::draft::Draft;
use super::super::node::{GAP, Node, Val};
use super::super::reader::{Reader, Want};
use super::super::settings;
use super::block::Block;
use crate::diag::{Code, Files, Place};

/// The definition of a service.
pub(super) fn service(block: &mut Block, files: &mut Files, reader: &mut Reader) -> Draft {
    let mut draft = Draft::new(&block.address, block.place.clone());
    let kind = reader.field(&mut block.fields, "type", Want::Text);
    let name = kind.as_ref().and_then(|(value, _)| value.as_str()).map(str::to_owned);
    draft.put("type", kind);
    if let Some(node) = block.take("settings") {
        let place = node.place.clone();
        let read = reader.whole(|reader| read(node, name.as_deref(), files, reader));
        draft.put("settings", read.flatten().map(|map| (Value::Object(map), place)));
    }
    draft
}

/// Settings that may not be known whole; `None` where nothing at all can be made of them.
fn read(node: Node, of: Option<&str>, files: &mut Files, reader: &mut Reader) -> Option<Map<String, Value>> {
    let place = node.place.clone();
    let fields = match node.value {
        Val::Json(inner) => match inner.value {
            Val::Map(fields) => Some(fields),
            _ => None,
        },
        Val::Map(fields) => Some(fields),
        Val::Text(text) | Val::Unknown { sketch: Some(text), .. } => parse(&text, &place),
        Val::Unknown { .. } => {
            reader.text(&node, "settings");
            return None;
        }
        _ => None,
    };
    let Some(fields) = fields else {
        let message = format!("`settings` of {} is left out: it is not a JSON map of texts", reader.who);
        reader.lose(place, Code::InvalidSettings, message, Some(super::parts::kept("settings")));
        return None;
    };
    Some(settings::read(fields, of, files, reader))
}

/// The settings in a text, those with a gap unknown.
fn parse(text: &str, place: &Place) -> Option<Vec<(String, Node)>> {
    let map: Map<String, Value> = serde_json::from_str(text).ok()?;
    map.into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Null => Val::Null,
                Value::String(text) if text.contains(GAP) => Val::unknown("a part of it is not known here"),
                Value::String(text) => Val::Text(text),
                Value::Number(number) => Val::Number(number),
                Value::Bool(flag) => Val::Bool(flag),
                Value::Array(_) | Value::Object(_) => return None,
            };
            Some((name, Node::new(value, place.clone())))
        })
        .collect()
}

//! What resources of several types have in common: their names, tags, and fields that no one takes.

use serde_json::Value;

use super::super::collected::Collected;
use super::super::node::{Node, Val, take};
use super::super::reader::{Reader, Want};
use super::block::{Block, HINT};
use super::resources::name_field;
use crate::diag::{Code, Diagnostic, Place};

/// What Terraform computes and no one writes.
pub(super) const COMPUTED: &[&str] = &["id", "timeouts", "created_by_ua"];

/// The name of the object; without one there is no object.
pub(super) fn name(block: &mut Block, out: &mut Collected) -> Option<String> {
    let field = name_field(block.made);
    let node = block.take(field);
    let name = node.as_ref().and_then(|node| match &node.value {
        Val::Number(number) => Some(number.to_string()),
        _ => node.as_text().map(str::to_owned),
    });
    if name.is_none() {
        let (what, help) = match node.as_ref().map(|node| &node.value) {
            None | Some(Val::Null | Val::Text(_)) => (format!("it has no `{field}`"), None),
            Some(Val::Unknown { why, .. }) => {
                (format!("its `{field}` would have to be worked out: {why}"), Some(HINT))
            }
            Some(other) => (format!("its `{field}` is {}", other.noun()), None),
        };
        let place = node.map_or_else(|| block.place.clone(), |node| node.place);
        let found =
            Diagnostic::error(Code::NoName, format!("{} is left out: {what}", block.address)).at(place, "");
        out.report.push(help.into_iter().fold(found, Diagnostic::help));
    }
    name
}

/// Reports fields of a block that no one took.
pub(super) fn rest(block: &mut Block, out: &mut Collected) {
    let mut fields = std::mem::take(&mut block.fields);
    fields.retain(|(name, _)| !COMPUTED.contains(&name.as_str()));
    Reader::new(&block.address, HINT, &mut out.report).rest(fields, &block.address);
}

/// Says that an id was found in the files of another server only, as far as anybody knows.
pub(super) fn note_elsewhere(address: Option<&str>, field: &str, place: &Place, reader: &mut Reader) {
    if let Some(address) = address {
        let message = format!("`{field}` of {} is taken for {address} of another root or state", reader.who);
        let help = "only that one has the id; import states of different servers apart";
        reader.note(place.clone(), Code::FoundElsewhere, message, help);
    }
}

/// What becomes of a field that is not written.
pub(super) fn kept(field: &str) -> String {
    format!("what is not written is not managed: the service keeps its {field}")
}

/// Tags of a condition or of a stream.
pub(super) fn tags(node: Node, reader: &mut Reader) -> Option<(Value, Place)> {
    let place = node.place.clone();
    let items = reader.items(node, "tags")?;
    let mut list = Vec::new();
    for item in items {
        let mut fields = reader.map(item, "tags")?;
        let mut tag = serde_json::Map::new();
        for (name, want) in [("name", Want::Text), ("grouped", Want::OnlyTrue), ("dynamic", Want::OnlyTrue)] {
            tag.extend(reader.field(&mut fields, name, want).map(|(value, _)| (name.to_owned(), value)));
        }
        if let Some(values) = take(&mut fields, "values") {
            let values = reader.flat_items(values, "values").unwrap_or_default();
            let values: Vec<String> = values.iter().filter_map(|one| reader.text(one, "values")).collect();
            if !values.is_empty() {
                tag.insert("values".into(), values.into());
            }
        }
        reader.rest(fields, "a tag");
        list.push(Value::Object(tag));
    }
    (!list.is_empty()).then_some((Value::Array(list), place))
}

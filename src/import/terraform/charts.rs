//! Charts: each belongs to a space, which it names by id. Made last, when all spaces are known.
//! Knows the order in which the provider sends streams, since the service keeps it.

use super::super::collected::Collected;
use super::super::draft::Draft;
use super::super::node::{Node, Val, take};
use super::super::reader::{Reader, Want};
use super::block::{Block, HINT, Provider, Type};
use super::links::{Found, Links};
use super::parts::{kept, name, note_elsewhere, rest, tags};
use super::resources::{never_sent, stream_order};
use crate::diag::Code;
use crate::model::Kind;

/// Makes a definition of every chart. Charts of a state come in the order of their ids, in which they were created.
pub(super) fn make(mut blocks: Vec<Block>, links: &Links, out: &mut Collected) {
    blocks.sort_by_key(creation);
    for mut block in blocks {
        let Some(name) = name(&mut block, out) else { continue };
        let mut reader = Reader::new(&block.address, HINT, &mut out.report);
        let space = space(&mut block, links, &mut reader);
        let draft = chart(&mut block, links, &mut reader);
        rest(&mut block, out);
        if let Some(space) = space {
            out.add(Kind::Chart, Some(space), &name, draft);
        }
    }
}

fn creation(block: &Block) -> Option<u64> {
    let id = block.fields.iter().find(|(name, _)| name == "id");
    id.and_then(|(_, node)| match &node.value {
        Val::Text(text) => text.parse().ok(),
        Val::Number(number) => number.as_u64(),
        _ => None,
    })
}

/// The name of the space that holds the chart; where it is not known, the chart is lost.
fn space(block: &mut Block, links: &Links, reader: &mut Reader) -> Option<String> {
    let Some(node) = block.take("space_id") else {
        let message = format!("{} is left out: it has no `space_id`", block.address);
        reader.lose(block.place.clone(), Code::MissingField, message, None);
        return None;
    };
    let (what, help) = match links.find(block.world, Type::Space, &node) {
        Found::Name(name, elsewhere) => {
            note_elsewhere(elsewhere, "space_id", &node.place, reader);
            return Some(name.to_owned());
        }
        Found::Nothing(why) => (why, None),
        Found::Stranger(id) => (
            format!("no space here has the id {id}"),
            Some("give the files that declare the space as well".to_owned()),
        ),
        Found::Other => match node.value {
            Val::Unknown { why, .. } => {
                (format!("its space would have to be worked out: {why}"), Some(HINT.to_owned()))
            }
            other => (format!("its `space_id` is {}", other.noun()), None),
        },
    };
    reader.lose(node.place, Code::UnknownSpace, format!("{} is left out: {what}", block.address), help);
    None
}

fn chart(block: &mut Block, links: &Links, reader: &mut Reader) -> Draft {
    let mut draft = Draft::new(&block.address, block.place.clone());
    for (name, want) in [("type", Want::Text), ("label", Want::Text)] {
        draft.put(name, reader.field(&mut block.fields, name, want));
    }
    for name in ["min", "max"] {
        bound(block, name, &mut draft, reader);
    }
    if let Some(node) = block.take("related_space").filter(|node| !node.value.is_nothing()) {
        match links.find(block.world, Type::Space, &node) {
            Found::Name(name, elsewhere) => {
                note_elsewhere(elsewhere, "related_space", &node.place, reader);
                draft.put("related_space", Some((name.into(), node.place)));
            }
            Found::Other => _ = reader.text(&node, "related_space"),
            found @ (Found::Nothing(_) | Found::Stranger(_)) => {
                let why = if let Found::Nothing(why) = found {
                    why
                } else {
                    "that space is not known here".to_owned()
                };
                let message = format!("`related_space` of {} is left out: {why}", block.address);
                reader.lose(node.place, Code::UnknownSpace, message, Some(kept("related space")));
            }
        }
    }
    if let Some(node) = block.take("stream") {
        let read = reader.whole(|reader| {
            let items = reader.items(node, "stream").unwrap_or_default();
            items.into_iter().filter_map(|item| stream(item, block, reader)).collect::<Vec<_>>()
        });
        match read {
            Some(mut streams) => {
                sort(&mut streams, block.provider, reader);
                draft.put_items("streams", streams);
            }
            None => reader.leave_out(block.place.clone(), "`streams`", &block.address),
        }
    }
    draft
}

/// One end of the axis. Neither provider sends a zero when it creates a chart, and one of them reads a zero where there is nothing.
fn bound(block: &mut Block, name: &str, draft: &mut Draft, reader: &mut Reader) {
    let Some(node) = block.take(name) else { return };
    let read = reader.value(&node, name, Want::Number);
    match read {
        Some((value, place)) if value.as_f64() == Some(0.0) => {
            if !block.observed {
                let message = format!(
                    "`{name} = 0` of {} is left out: the provider does not send a zero",
                    block.address
                );
                reader.note(
                    place,
                    Code::NeverSent,
                    message,
                    &format!("write `{name}: 0` by hand to have it"),
                );
            }
        }
        read => draft.put(name, read),
    }
}

fn stream(item: Node, block: &Block, reader: &mut Reader) -> Option<Draft> {
    let mut fields = reader.map(item.clone(), "stream")?;
    let mut draft = Draft::new(&block.address, item.place);
    if !block.observed {
        for name in never_sent(block.provider) {
            if let Some(node) = take(&mut fields, name).filter(|node| !node.value.is_nothing()) {
                let message = format!(
                    "`{name}` of a stream of {} is left out: the provider never sends it",
                    block.address
                );
                reader.note(node.place, Code::NeverSent, message, "write it by hand to have it");
            }
        }
    }
    let texts = [
        "metric",
        "composite",
        "source",
        "group_function",
        "summary_function",
        "transform_function",
        "name",
        "color",
        "units_short",
        "units_long",
    ];
    for name in texts {
        draft.put(name, reader.field(&mut fields, name, Want::Text));
    }
    if let Some(node) = take(&mut fields, "tags") {
        draft.put("tags", tags(node, reader));
    }
    // Librato's provider tells a zero from nothing when it sends a stream, but not when it reads one.
    let bound = if block.observed { Want::NonZero } else { Want::Number };
    for (name, want) in [("min", bound), ("max", bound), ("period", Want::NonZero)] {
        draft.put(name, reader.field(&mut fields, name, want));
    }
    reader.rest(fields, "a stream");
    Some(draft)
}

/// Brings streams into the order in which the provider sent them.
fn sort(streams: &mut [Draft], provider: Provider, reader: &mut Reader) {
    let text = |draft: &Draft, name: &str| {
        draft.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let place = |draft: &Draft| {
        stream_order(provider, &text(draft, "metric"), &text(draft, "source"), &text(draft, "composite"))
    };
    streams.sort_by_cached_key(place);
    for pair in streams.windows(2) {
        if let [first, second] = pair
            && place(first) == place(second)
        {
            let message =
                format!("the provider takes two streams of {} for one, and sends one of them", reader.who);
            let help = "both are kept here: the first plan adds the other";
            reader.note(second.place().clone(), Code::NeverSent, message, help);
        }
    }
}

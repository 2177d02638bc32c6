//! From resource blocks to definitions: metrics, alerts, spaces. What the provider writes for a field no one set is dropped.
//! Services and charts stand in files of their own.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::collected::Collected;
use super::super::draft::Draft;
use super::super::node::{Fields, Node, Val, take};
use super::super::reader::{Reader, Want};
use super::block::{Block, HINT, Provider, Type};
use super::links::{Found, Links};
use super::parts::{COMPUTED, kept, name, note_elsewhere, rest, tags};
use super::resources::name_field;
use super::{charts, services};
use crate::diag::{Code, Files};
use crate::model::Kind;

/// Makes a definition of every block.
pub(super) fn make(blocks: Vec<Block>, files: &mut Files, out: &mut Collected) {
    let mut links = Links::of(&blocks);
    // What others refer to comes first: by then it has the name it is referred to by.
    let (named, others): (Vec<Block>, Vec<Block>) =
        blocks.into_iter().partition(|block| matches!(block.made, Type::Service | Type::Space));
    for block in &named {
        let (kind, name) =
            (block.made.kind(), block.fields.iter().find(|(key, _)| key == name_field(block.made)));
        name.and_then(|(_, node)| node.as_text()).into_iter().for_each(|name| out.reserve(kind, name));
    }
    let (charts, others): (Vec<Block>, Vec<Block>) =
        others.into_iter().partition(|block| block.made == Type::Chart);
    for mut block in named.into_iter().chain(others) {
        let Some(name) = name(&mut block, out) else { continue };
        let (kind, draft) = {
            let mut reader = Reader::new(&block.address, HINT, &mut out.report);
            match block.made {
                Type::Alert => (Kind::Alert, alert(&mut block, &links, &mut reader)),
                Type::Metric => metric(&mut block, &mut reader),
                Type::Service => (Kind::Service, services::service(&mut block, files, &mut reader)),
                Type::Space | Type::Chart => (Kind::Space, Draft::new(&block.address, block.place.clone())),
            }
        };
        rest(&mut block, out);
        let name = out.add(kind, None, &name, draft);
        links.settle(block.world, &block.address, name);
    }
    charts::make(charts, &links, out);
}

fn alert(block: &mut Block, links: &Links, reader: &mut Reader) -> Draft {
    let mut draft = Draft::new(&block.address, block.place.clone());
    draft.put("description", reader.field(&mut block.fields, "description", Want::Text));
    draft.put("active", reader.field(&mut block.fields, "active", Want::Flag));
    draft.put("rearm_seconds", reader.field(&mut block.fields, "rearm_seconds", Want::NonZero));
    // A list is owned whole, so one that lacks an item is not written at all: the service then keeps what it has.
    let conditions = block.take("condition");
    let conditions = conditions.unwrap_or_else(|| Node::new(Val::List(Vec::new()), block.place.clone()));
    let provider = block.provider;
    let read = reader.whole(|reader| {
        let items = reader.items(conditions, "condition").unwrap_or_default();
        items.into_iter().filter_map(|item| condition(item, provider, reader)).collect::<Vec<_>>()
    });
    match read {
        Some(conditions) => draft.put_items("conditions", conditions),
        None => reader.leave_out(block.place.clone(), "`conditions`", &block.address),
    }
    if let Some(node) = block.take("services") {
        let place = node.place.clone();
        if let Some(titles) = titles(node, block.world, links, reader).filter(|titles| !titles.is_empty()) {
            draft.put("services", Some((titles.into(), place)));
        }
    }
    if let Some(node) = block.take("attributes") {
        let mut map = Draft::new(&block.address, node.place.clone());
        for (name, value) in one_block(node, "attributes", reader) {
            map.put(&name, reader.value(&value, &name, Want::Text));
        }
        draft.put_map("attributes", map);
    }
    draft
}

/// The titles of the services an alert notifies; `None` where one of them is not known.
fn titles(node: Node, world: usize, links: &Links, reader: &mut Reader) -> Option<Vec<String>> {
    reader.whole(|reader| {
        let items = reader.flat_items(node, "services").unwrap_or_default();
        let mut titles: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for item in items {
            match links.find(world, Type::Service, &item) {
                Found::Name(title, elsewhere) => {
                    note_elsewhere(elsewhere, "services", &item.place, reader);
                    titles.extend(seen.insert(title).then(|| title.to_owned()));
                }
                Found::Nothing(why) => {
                    let message = format!("`services` of {} is left out: {why}", reader.who);
                    reader.lose(item.place, Code::UnknownService, message, Some(kept("services")));
                }
                Found::Stranger(id) => {
                    let message =
                        format!("`services` of {} is left out: no service here has the id {id}", reader.who);
                    let help = format!("{}; write their titles by hand", kept("services"));
                    reader.lose(item.place, Code::UnknownService, message, Some(help));
                }
                Found::Other => _ = reader.text(&item, "services"),
            }
        }
        titles
    })
}

fn condition(item: Node, provider: Provider, reader: &mut Reader) -> Option<Draft> {
    let place = item.place.clone();
    let mut fields = reader.map(item, "condition")?;
    let mut draft = Draft::new(&reader.who, place.clone());
    for name in ["type", "metric_name", "source"] {
        draft.put(name, reader.field(&mut fields, name, Want::Text));
    }
    if let Some(node) = take(&mut fields, "tag") {
        draft.put("tags", tags(node, reader));
    }
    let absent = draft.get("type").is_some_and(|value| value == "absent");
    let threshold = reader.field(&mut fields, "threshold", Want::Number);
    // The provider sends a zero where no one wrote a threshold, and `absent` has none.
    draft.put("threshold", threshold.or(Some((json!(0), place))).filter(|_| !absent));
    draft.put("duration", reader.field(&mut fields, "duration", Want::NonZero));
    let function = reader.field(&mut fields, "summary_function", Want::Text);
    draft.put("summary_function", function.filter(|_| !absent));
    let detect = reader.field(&mut fields, "detect_reset", Want::OnlyTrue);
    let derivative = draft.get("summary_function").is_some_and(|value| value == "derivative");
    // The service looks at it for derivatives only; AppOptics' provider never sends it.
    draft.put("detect_reset", detect.filter(|_| derivative && provider == Provider::Librato));
    reader.rest(fields, "a condition");
    Some(draft)
}

fn metric(block: &mut Block, reader: &mut Reader) -> (Kind, Draft) {
    let mut draft = Draft::new(&block.address, block.place.clone());
    draft.put("type", reader.field(&mut block.fields, "type", Want::Text));
    draft.put("composite", reader.field(&mut block.fields, "composite", Want::Text));
    for (name, want) in [("display_name", Want::Text), ("description", Want::Text), ("period", Want::NonZero)]
    {
        draft.put(name, reader.field(&mut block.fields, name, want));
    }
    let zero = if block.provider == Provider::AppOptics { Want::NonZero } else { Want::Number };
    if let Some(node) = block.take("attributes") {
        let mut fields = one_block(node, "attributes", reader);
        fields.retain(|(name, _)| !COMPUTED.contains(&name.as_str()));
        let mut map = Draft::new(&block.address, block.place.clone());
        for name in ["color", "display_units_long", "display_units_short", "summarize_function"] {
            map.put(name, reader.field(&mut fields, name, Want::Text));
        }
        for name in ["display_max", "display_min"] {
            map.put(name, reader.field(&mut fields, name, zero));
        }
        // False is what the provider sends and reads where no one wrote anything.
        for name in ["display_stacked", "gap_detection", "aggregate"] {
            map.put(name, reader.field(&mut fields, name, Want::OnlyTrue));
        }
        reader.rest(fields, "the attributes of a metric");
        draft.put_map("attributes", map);
    }
    // AppOptics' provider makes a composite of whatever has a definition, and a gauge of everything else.
    let composite = draft.get("composite").is_some();
    let kind = match draft.get("type").and_then(Value::as_str) {
        Some("composite") => Kind::Composite,
        _ if composite && block.provider == Provider::AppOptics => Kind::Composite,
        None if composite => Kind::Composite,
        _ => Kind::Metric,
    };
    if kind == Kind::Composite {
        draft.remove("type");
    } else if block.provider == Provider::AppOptics && !block.observed {
        draft.put("type", Some(("gauge".into(), block.place.clone())));
    }
    (kind, draft)
}

/// The fields of a block that can stand once, which a state shows as a list.
fn one_block(node: Node, name: &str, reader: &mut Reader) -> Fields {
    let items = reader.items(node, name).unwrap_or_default();
    let mut all = Fields::new();
    for item in items {
        all.extend(reader.map(item, name).unwrap_or_default());
    }
    all
}

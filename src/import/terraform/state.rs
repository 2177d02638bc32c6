//! States as Terraform keeps them: version 3, of Terraform up to 0.11, whose fields are flat, and version 4.
//! Knows nothing of what the resources mean; outputs and data sources are passed over.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::node::{Fields, Node, Val};
use super::block::{Block, type_of};
use super::resources;
use crate::diag::{Code, Diagnostic, FileId, Part, Place, Report, Route};

/// How many names a flat key is taken apart into; those of the providers have four.
const DEEPEST: usize = 16;

/// Whether a document is a state of a version that is read here.
pub(super) fn is_state(document: &Value) -> bool {
    document.get("terraform_version").is_some() && matches!(document["version"].as_u64(), Some(3 | 4))
}

/// Reads all resources of a state that are ours.
pub(super) fn read(world: usize, file: FileId, document: &Value, report: &mut Report) -> Vec<Block> {
    let mut reading = Reading { world, file, report, blocks: Vec::new(), empty: true };
    if document["version"] == 3 {
        reading.modules(document);
    } else {
        reading.resources(document);
    }
    if reading.empty {
        let found = Diagnostic::error(Code::EmptyState, "there are no resources in this state");
        reading.report.push(found.at(Place::File(file), ""));
    }
    reading.blocks
}

struct Reading<'a> {
    world: usize,
    file: FileId,
    report: &'a mut Report,
    blocks: Vec<Block>,
    empty: bool,
}

impl Reading<'_> {
    /// Version 3: resources by name within modules, the fields of the primary instance flat.
    fn modules(&mut self, document: &Value) {
        for (i, module) in document["modules"].as_array().into_iter().flatten().enumerate() {
            let here = Route::root().key("modules").index(i).key("resources");
            let path = module["path"].as_array().into_iter().flatten().skip(1).filter_map(Value::as_str);
            let path: String = path.map(|name| format!("module.{name}.")).collect();
            for (name, resource) in module["resources"].as_object().into_iter().flatten() {
                self.empty = false;
                // What was replaced and is yet to be destroyed stands beside, as `deposed`.
                let Some(flat) = resource["primary"]["attributes"].as_object() else { continue };
                let route = here.key(name);
                let fields = self.flat(flat, &route.key("primary").key("attributes"));
                if !name.starts_with("data.") {
                    self.add(resource["type"].as_str(), format!("{path}{name}"), fields, &route);
                }
            }
        }
    }

    /// Version 4: resources with their instances.
    fn resources(&mut self, document: &Value) {
        for (i, resource) in document["resources"].as_array().into_iter().flatten().enumerate() {
            self.empty = false;
            let (of, name) = (resource["type"].as_str(), resource["name"].as_str().unwrap_or_default());
            if resource["mode"] != "managed" {
                continue;
            }
            let path = resource["module"].as_str().map(|path| format!("{path}.")).unwrap_or_default();
            let here = Route::root().key("resources").index(i).key("instances");
            for (at, instance) in resource["instances"].as_array().into_iter().flatten().enumerate() {
                if instance.get("deposed").is_some_and(|deposed| !deposed.is_null()) {
                    continue;
                }
                let key = match &instance["index_key"] {
                    Value::Null => String::new(),
                    key => format!("[{key}]"),
                };
                let route = here.index(at);
                let fields =
                    match (instance["attributes"].as_object(), instance["attributes_flat"].as_object()) {
                        (Some(map), _) => {
                            let here = route.key("attributes");
                            map.iter()
                                .map(|(name, value)| (name.clone(), node(self.file, value, here.key(name))))
                                .collect()
                        }
                        // A state of version 3 that no provider has touched since.
                        (None, Some(flat)) => self.flat(flat, &route.key("attributes_flat")),
                        (None, None) => continue,
                    };
                let address = format!("{path}{}.{name}{key}", of.unwrap_or_default());
                self.add(of, address, fields, &route);
            }
        }
    }

    fn add(&mut self, of: Option<&str>, address: String, fields: Fields, route: &Route) {
        let place = Place::Node { file: self.file, route: route.clone(), part: Part::Key };
        match type_of(of.unwrap_or_default()) {
            Ok(Some((provider, made))) => {
                let world = self.world;
                self.blocks.push(Block { provider, made, world, address, observed: true, fields, place });
            }
            Ok(None) => {}
            Err(()) => self.report.push(resources::unknown_type(&address, of.unwrap_or_default(), place)),
        }
    }

    /// The fields of flat keys: `condition.77.type`, with the size of a list at `condition.#` and that of a map at `settings.%`.
    fn flat(&self, flat: &Map<String, Value>, route: &Route) -> Fields {
        let leaves = flat.iter().filter_map(|(key, value)| {
            let text = value.as_str()?;
            let place = Place::Node { file: self.file, route: route.key(key), part: Part::Value };
            Some((key.as_str(), Node::text(text, place)))
        });
        fields(leaves.collect(), 0)
    }
}

/// Puts together what begins with the same name.
fn fields(leaves: Vec<(&str, Node)>, depth: usize) -> Fields {
    let mut single = Fields::new();
    let mut below: BTreeMap<&str, Vec<(&str, Node)>> = BTreeMap::new();
    for (key, node) in leaves {
        match key.split_once('.').filter(|_| depth < DEEPEST) {
            Some((name, rest)) => below.entry(name).or_default().push((rest, node)),
            None => single.push((key.to_owned(), node)),
        }
    }
    for (name, inside) in below {
        let place = inside.first().map(|(_, node)| node.place.clone());
        single.extend(place.map(|place| (name.to_owned(), group(inside, place, depth + 1))));
    }
    single
}

fn group(leaves: Vec<(&str, Node)>, first: Place, depth: usize) -> Node {
    let count = |sign: &str| leaves.iter().find(|(key, _)| *key == sign).map(|(_, node)| node.place.clone());
    let (map, list) = (count("%"), count("#"));
    let place = map.clone().or_else(|| list.clone()).unwrap_or(first);
    let rest: Vec<(&str, Node)> = leaves.into_iter().filter(|(key, _)| !matches!(*key, "%" | "#")).collect();
    if map.is_some() {
        // The keys of a map may have dots themselves.
        return Node::new(
            Val::Map(rest.into_iter().map(|(key, node)| (key.to_owned(), node)).collect()),
            place,
        );
    }
    let mut inside = fields(rest, depth);
    if list.is_none() {
        return Node::new(Val::Map(inside), place);
    }
    // The keys of a list are its indices; those of a set are checksums, by whose digits it is sorted.
    let size = inside.len();
    let index = |key: &str| key.parse::<usize>().ok().filter(|index| *index < size);
    if inside.iter().all(|(key, _)| index(key).is_some()) {
        inside.sort_by_key(|(key, _)| index(key));
    } else {
        inside.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Node::new(Val::List(inside.into_iter().map(|(_, node)| node).collect()), place)
}

/// A value with its places.
pub(super) fn node(file: FileId, value: &Value, route: Route) -> Node {
    let value = match value {
        Value::Array(items) => {
            Val::List(items.iter().enumerate().map(|(i, item)| node(file, item, route.index(i))).collect())
        }
        Value::Object(map) => Val::Map(
            map.iter().map(|(key, value)| (key.clone(), node(file, value, route.key(key)))).collect(),
        ),
        scalar => return Node::of_json(scalar, &Place::Node { file, route, part: Part::Value }),
    };
    Node::new(value, Place::Node { file, route, part: Part::Value })
}

//! Functions of lists and maps.
//! The order of a list is kept; what is the same is decided as `==` decides it.

use std::collections::BTreeMap;

use super::super::super::node::{Fields, Node, Val};
use super::super::operators::same;
use super::arguments::{count, text};

/// How many numbers `range` makes.
const MOST: usize = 10_000;

pub(super) fn call(name: &str, arguments: &[Node]) -> Option<Val> {
    if let ("list", items) = (name, arguments) {
        return Some(Val::List(items.to_vec()));
    }
    let lists: Option<Vec<&[Node]>> = arguments.iter().map(list).collect();
    match (name, arguments) {
        ("concat", _) => Some(Val::List(lists?.concat())),
        ("coalescelist", _) => {
            lists?.into_iter().find(|list| !list.is_empty()).map(|list| Val::List(list.into()))
        }
        ("coalesce", _) => arguments
            .iter()
            .find(|node| !matches!(&node.value, Val::Null) && node.value != Val::Text(String::new()))
            .map(|node| node.value.clone()),
        ("merge" | "map" | "zipmap", _) => map(name, arguments),
        ("range", _) => range(arguments),
        ("length", [one]) => {
            let length = match &one.value {
                Val::List(items) => items.len(),
                Val::Map(fields) => fields.len(),
                Val::Text(text) => text.chars().count(),
                _ => return None,
            };
            Some(Val::Number(length.into()))
        }
        ("lookup", [Node { value: Val::Map(fields), .. }, key, default @ ..]) => {
            let key = text(&key.value)?;
            let found = fields.iter().find(|(name, _)| *name == key).map(|(_, node)| node);
            found.or(default.first()).map(|node| node.value.clone())
        }
        ("keys" | "values", [Node { value: Val::Map(fields), .. }]) => {
            let mut fields = fields.clone();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let item =
                |(key, node): (String, Node)| if name == "keys" { Node::text(key, node.place) } else { node };
            Some(Val::List(fields.into_iter().map(item).collect()))
        }
        (name, [one]) => alone(name, list(one)?),
        ("element", [items, index]) => {
            let items = list(items).filter(|items| !items.is_empty())?;
            items.get(count(index)? % items.len()).map(|node| node.value.clone())
        }
        ("contains", [items, wanted]) => Some(Val::Bool(position(list(items)?, wanted)?.is_some())),
        ("index", [items, wanted]) => position(list(items)?, wanted)?.map(|at| Val::Number(at.into())),
        ("slice", [items, from, to]) => {
            list(items)?.get(count(from)?..count(to)?).map(|part| Val::List(part.into()))
        }
        _ => None,
    }
}

fn list(node: &Node) -> Option<&[Node]> {
    match &node.value {
        Val::List(items) => Some(items),
        _ => None,
    }
}

/// Functions of a single list.
fn alone(name: &str, items: &[Node]) -> Option<Val> {
    let made = match name {
        "reverse" => items.iter().rev().cloned().collect(),
        "compact" => items
            .iter()
            .filter(|node| !matches!(&node.value, Val::Null) && node.value != Val::Text(String::new()))
            .cloned()
            .collect(),
        "distinct" => {
            let mut kept: Vec<Node> = Vec::new();
            for item in items {
                if position(&kept, item)?.is_none() {
                    kept.push(item.clone());
                }
            }
            kept
        }
        "sort" => {
            let texts: Option<Vec<(String, &Node)>> =
                items.iter().map(|node| Some((text(&node.value)?, node))).collect();
            let mut texts = texts?;
            texts.sort_by(|a, b| a.0.cmp(&b.0));
            texts.into_iter().map(|(text, node)| Node::text(text, node.place.clone())).collect()
        }
        "flatten" => {
            let mut flat = Vec::new();
            let mut waiting: Vec<&Node> = items.iter().rev().collect();
            while let Some(node) = waiting.pop() {
                match list(node) {
                    Some(inner) => waiting.extend(inner.iter().rev()),
                    None => flat.push(node.clone()),
                }
            }
            flat
        }
        "one" if items.len() == 1 => return items.first().map(|node| node.value.clone()),
        _ => return None,
    };
    Some(Val::List(made))
}

/// Where a value stands in a list; nothing at all where that cannot be told.
fn position(items: &[Node], wanted: &Node) -> Option<Option<usize>> {
    for (at, item) in items.iter().enumerate() {
        let equal = match (&item.value, &wanted.value) {
            (Val::Reference(a), Val::Reference(b)) => a == b,
            (a, b) => same(a, b)?,
        };
        if equal {
            return Some(Some(at));
        }
    }
    Some(None)
}

fn map(name: &str, arguments: &[Node]) -> Option<Val> {
    let mut all = BTreeMap::new();
    match (name, arguments) {
        ("merge", maps) => {
            for one in maps {
                let Val::Map(fields) = &one.value else { return None };
                all.extend(fields.iter().cloned());
            }
        }
        ("zipmap", [keys, values]) => {
            let (keys, values) = (list(keys)?, list(values)?);
            if keys.len() != values.len() {
                return None;
            }
            for (key, value) in keys.iter().zip(values) {
                all.insert(text(&key.value)?, value.clone());
            }
        }
        ("map", pairs) if pairs.len() % 2 == 0 => {
            for pair in pairs.chunks(2) {
                let [key, value] = pair else { return None };
                all.insert(text(&key.value)?, value.clone());
            }
        }
        _ => return None,
    }
    Some(Val::Map(all.into_iter().collect::<Fields>()))
}

/// `range(end)`, `range(start, end)`, `range(start, end, step)`, upwards.
fn range(arguments: &[Node]) -> Option<Val> {
    let counts: Option<Vec<usize>> = arguments.iter().map(count).collect();
    let (start, end, step) = match counts?.as_slice() {
        [end] => (0, *end, 1),
        [start, end] => (*start, *end, 1),
        [start, end, step] if *step > 0 => (*start, *end, *step),
        _ => return None,
    };
    let numbers: Vec<usize> = (start..end).step_by(step).take(MOST + 1).collect();
    let place = arguments.first()?.place.clone();
    let node = |number: usize| Node::new(Val::Number(number.into()), place.clone());
    (numbers.len() <= MOST).then(|| Val::List(numbers.into_iter().map(node).collect()))
}

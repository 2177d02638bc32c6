//! The few functions whose results need nothing from outside: conversions, joins, the JSON of settings.
//! Every other function is unknown, by its name.

use std::collections::BTreeMap;

use super::super::node::{Node, Val};

/// What a function makes of its arguments.
pub(super) fn call(name: &str, arguments: Vec<Node>) -> Val {
    let open = |node: &Node| match &node.value {
        Val::Unknown { why, .. } => Some(why.clone()),
        _ => None,
    };
    // The JSON of a map is known by its names, even where a value is not.
    if name != "jsonencode"
        && let Some(why) = arguments.iter().find_map(open)
    {
        return Val::unknown(why);
    }
    known(name, arguments).unwrap_or_else(|| Val::unknown(format!("the function `{name}`")))
}

fn known(name: &str, mut arguments: Vec<Node>) -> Option<Val> {
    let only = |arguments: Vec<Node>| <[Node; 1]>::try_from(arguments).ok().map(|[one]| one);
    match name {
        "jsonencode" => Some(Val::Json(Box::new(only(arguments)?))),
        "tolist" | "tomap" | "toset" => converted(name, only(arguments)?.value),
        "tostring" | "tonumber" | "tobool" => scalar(name, only(arguments)?.value),
        "list" => Some(Val::List(arguments)),
        "concat" => {
            let mut all = Vec::new();
            for argument in arguments {
                let Val::List(items) = argument.value else { return None };
                all.extend(items);
            }
            Some(Val::List(all))
        }
        "merge" => {
            let mut all = BTreeMap::new();
            for argument in arguments {
                let Val::Map(fields) = argument.value else { return None };
                all.extend(fields);
            }
            Some(Val::Map(all.into_iter().collect()))
        }
        "join" => {
            let list = arguments.pop()?;
            let Val::Text(separator) = only(arguments)?.value else { return None };
            let Val::List(items) = list.value else { return None };
            let texts: Option<Vec<String>> = items.iter().map(|item| text(&item.value)).collect();
            Some(Val::Text(texts?.join(&separator)))
        }
        "lower" | "upper" | "trimspace" | "chomp" => {
            let Val::Text(text) = only(arguments)?.value else { return None };
            Some(Val::Text(match name {
                "lower" => text.to_lowercase(),
                "upper" => text.to_uppercase(),
                "trimspace" => text.trim().to_owned(),
                _ => text.trim_end_matches(['\n', '\r']).to_owned(),
            }))
        }
        "length" => {
            let length = match only(arguments)?.value {
                Val::List(items) => items.len(),
                Val::Map(fields) => fields.len(),
                Val::Text(text) => text.chars().count(),
                _ => return None,
            };
            Some(Val::Number(length.into()))
        }
        "keys" | "values" => {
            let Val::Map(mut fields) = only(arguments)?.value else { return None };
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let item =
                |(key, node): (String, Node)| if name == "keys" { Node::text(key, node.place) } else { node };
            Some(Val::List(fields.into_iter().map(item).collect()))
        }
        _ => None,
    }
}

fn converted(name: &str, value: Val) -> Option<Val> {
    match (name, value) {
        ("tomap", Val::Map(fields)) => Some(Val::Map(fields)),
        ("tolist", Val::List(items)) => Some(Val::List(items)),
        // A set has each item once, and Terraform goes through it in order.
        ("toset", Val::List(items)) => {
            let mut set = BTreeMap::new();
            for item in items {
                set.entry(text(&item.value)?).or_insert(item);
            }
            Some(Val::List(set.into_iter().map(|(key, item)| Node::text(key, item.place)).collect()))
        }
        _ => None,
    }
}

fn scalar(name: &str, value: Val) -> Option<Val> {
    let written = text(&value)?;
    match name {
        "tonumber" => written.parse().ok().and_then(super::super::node::number).map(Val::Number),
        "tobool" => written.parse().ok().map(Val::Bool),
        _ => Some(Val::Text(written)),
    }
}

/// A scalar as text.
pub(super) fn text(value: &Val) -> Option<String> {
    match value {
        Val::Text(text) => Some(text.clone()),
        Val::Number(number) => Some(number.to_string()),
        Val::Bool(flag) => Some(flag.to_string()),
        Val::Null | Val::List(_) | Val::Map(_) | Val::Json(_) | Val::Reference(_) | Val::Unknown { .. } => {
            None
        }
    }
}

//! The charts of a space: items of a list that become objects of their own, named by their space and their name.
//! Knows nothing of what a chart says; that is read in `entry`, like every other object.

use serde_json::Value;

use super::blueprint::{Spot, Template};
use super::findings::error;
use super::interpolate::{Each, describe};
use crate::diag::{Code, Route};
use crate::model::Kind;
use crate::model::check::Finding;

/// The charts of one space made by `template`, each with its route there, or what is wrong with its place in the list.
pub(super) fn read<'a>(
    template: &'a Template<'a>,
    space: &'a str,
    each: Option<&'a Each>,
) -> Vec<Result<(Route, Template<'a>), Finding>> {
    let here = Route::root().key("charts");
    let items = match template.body.get("charts") {
        None => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => {
            let message = format!("expected a list of charts, found {}", describe(other));
            let help = "write the charts out, `- name: …` for each; `[]` for none";
            return vec![Err(error(here, Code::WrongType, &message, help))];
        }
    };
    let chart = |(i, body): (usize, &'a Value)| {
        let route = here.index(i);
        let Some(Value::String(name)) = body.get("name") else { return Err(nameless(body, route)) };
        let at = Spot { route: template.at.route.join(&route), ..template.at.clone() };
        let chart =
            Template { kind: Kind::Chart, name, body, at, space: Some(space), outer: each, above: None };
        Ok((route, chart))
    };
    items.iter().enumerate().map(chart).collect()
}

fn nameless(body: &Value, route: Route) -> Finding {
    match (body, body.get("name")) {
        (Value::Object(_), None | Some(Value::Null)) => {
            error(route, Code::MissingField, "`name` is missing here", "charts are told apart by their names")
        }
        (Value::Object(_), Some(other)) => {
            let message = format!("expected text, found {}", describe(other));
            error(route.key("name"), Code::WrongType, &message, "put it in quotes")
        }
        _ => {
            let message = format!("expected a map of fields, found {}", describe(body));
            error(route, Code::WrongType, &message, "a chart is written as `- name: …` and its fields below")
        }
    }
}

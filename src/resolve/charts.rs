//! The charts of a space: items of a list that become objects of their own, named by their space and their name.
//! Knows nothing of what a chart says; that is read in `entry`, like every other object.

use serde_json::Value;

use super::entry::Context;
use super::interpolate::{Each, describe};
use super::section::{Spot, Template, error};
use crate::diag::{Files, Route};
use crate::model::check::Finding;
use crate::model::{Address, Intent, Kind, Wish};

/// The charts of one space made by `template`. Of a space that shall not exist they are checked and left out: they go with it.
pub(super) fn read(
    template: &Template<'_>,
    space: &str,
    wish: &Wish,
    each: Option<&Each>,
    context: &Context<'_>,
    files: &Files,
    findings: &mut Vec<Finding>,
) -> Vec<(Address, Wish)> {
    let here = Route::root().key("charts");
    let items = match template.body.get("charts") {
        None => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => {
            let message = format!("expected a list of charts, found {}", describe(other));
            let help = "write the charts out, `- name: …` for each; `[]` for none";
            findings.push(error(here, "wrong-type", &message, help));
            return Vec::new();
        }
    };
    let mut made = Vec::new();
    for (i, body) in items.iter().enumerate() {
        let route = here.index(i);
        let name = match body.get("name") {
            Some(Value::String(name)) => name,
            _ => {
                findings.push(nameless(body, route));
                continue;
            }
        };
        let at = Spot { route: template.at.route.join(&route), ..template.at.clone() };
        let chart =
            Template { kind: Kind::Chart, name, body, at, space: Some(space), outer: each, above: None };
        let mut inside = Vec::new();
        made.extend(chart.make(context, files, &mut inside));
        findings.extend(inside.into_iter().map(|found| Finding { route: route.join(&found.route), ..found }));
    }
    if wish.intent == Intent::Absent { Vec::new() } else { made }
}

fn nameless(body: &Value, route: Route) -> Finding {
    match (body, body.get("name")) {
        (Value::Object(_), None | Some(Value::Null)) => {
            error(route, "missing-field", "`name` is missing here", "charts are told apart by their names")
        }
        (Value::Object(_), Some(other)) => {
            let message = format!("expected text, found {}", describe(other));
            error(route.key("name"), "wrong-type", &message, "put it in quotes")
        }
        _ => {
            let message = format!("expected a map of fields, found {}", describe(body));
            error(route, "wrong-type", &message, "a chart is written as `- name: …` and its fields below")
        }
    }
}

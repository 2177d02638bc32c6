//! One object of the API as the definition that `export` writes of it: what the pages of the server are given, which know no files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::load::yaml;
use crate::model::{Address, ChartOrder, Collection, Resource, Space, State};
use crate::remote::fetch::decode;
use crate::render::{Expressible, Loss, ServiceTypes, definitions, expressible};
use crate::serve::{Definitions, Written};

/// What the pages show objects with.
pub fn writer() -> Definitions {
    Definitions { metric, alert, service, space }
}

/// A metric or a composite.
fn metric(raw: &Value) -> Result<Written, String> {
    let address = Address::new(Collection::Metrics, text(raw, "name"));
    written(&one(&address, raw)?, &BTreeMap::new(), &ServiceTypes::new(), &ChartOrder::new(), &|found| {
        *found == address
    })
}

/// An alert, with the services that it notifies as external ones.
fn alert(raw: &Value) -> Result<Written, String> {
    let address = Address::new(Collection::Alerts, text(raw, "name"));
    let mut state = one(&address, raw)?;
    let mut types = ServiceTypes::new();
    for service in list(raw, "services") {
        let (title, of) = (text(service, "title"), text(service, "type"));
        types.insert(title.to_owned(), of.to_owned());
        state.extend(one(&Address::service(title), service)?);
    }
    written(&state, &BTreeMap::new(), &types, &ChartOrder::new(), &|found| *found == address)
}

/// A service; what is hidden in its settings becomes a reference to a variable.
fn service(raw: &Value) -> Result<Written, String> {
    let state = one(&Address::service(text(raw, "title")), raw)?;
    let found = Expressible { objects: state, losses: Vec::new() };
    document(&found, &ServiceTypes::new(), &ChartOrder::new())
}

/// A space with its charts. `spaces` are the names of those that charts lead to, by their ids.
fn space(raw: &Value, charts: &[Value], spaces: &BTreeMap<u64, String>) -> Result<Written, String> {
    let name = text(raw, "name");
    let mut state: State =
        spaces.values().map(|other| (Address::space(other), Resource::Space(Space::default()))).collect();
    state.extend(one(&Address::space(name), raw)?);
    let mut same: BTreeMap<Address, Vec<u64>> = BTreeMap::new();
    let mut order = Vec::new();
    for chart in charts {
        let address = Address::chart(name, text(chart, "name"));
        let id = chart["id"].as_u64();
        same.entry(address.clone()).or_default().extend(id);
        order.push(address.name.clone());
        let decoded = decode(Collection::Charts, chart, spaces).map_err(|unfit| unfit.to_string())?;
        state.entry(address).or_insert(decoded);
    }
    same.retain(|_, ids| ids.len() > 1);
    let order = ChartOrder::from([(name.to_owned(), order)]);
    let is_meant = |address: &Address| address.name == name || address.parent.as_deref() == Some(name);
    written(&state, &same, &ServiceTypes::new(), &order, &is_meant)
}

/// One object as far as it can be understood.
fn one(address: &Address, raw: &Value) -> Result<State, String> {
    let decoded = decode(address.collection, raw, &BTreeMap::new()).map_err(|unfit| unfit.to_string())?;
    Ok(State::from([(address.clone(), decoded)]))
}

fn written(
    state: &State,
    same: &BTreeMap<Address, Vec<u64>>,
    types: &ServiceTypes,
    order: &ChartOrder,
    is_meant: &dyn Fn(&Address) -> bool,
) -> Result<Written, String> {
    document(&expressible(state, same, &|_, address| is_meant(address)), types, order)
}

fn document(found: &Expressible, types: &ServiceTypes, order: &ChartOrder) -> Result<Written, String> {
    let made = definitions(&found.objects, order, types);
    let sections =
        made.document.iter().map(|(name, section)| yaml::write(&json!({ (name.as_str()): section })));
    let loss = |Loss { kind, name, part, reason }: &Loss| {
        let part = part.as_ref().map_or_else(String::new, |part| format!(", {part}"));
        format!("not in it: {kind} \"{name}\"{part}: {reason}")
    };
    let secret =
        |(variable, place): (&String, &String)| format!("{variable} is to hold the secret of {place}");
    Ok(Written {
        text: sections.collect::<Result<Vec<_>, _>>()?.join("\n"),
        notes: found.losses.iter().map(loss).chain(made.secrets.iter().map(secret)).collect(),
    })
}

fn text<'a>(raw: &'a Value, name: &str) -> &'a str {
    raw[name].as_str().unwrap_or_default()
}

fn list<'a>(raw: &'a Value, name: &str) -> &'a [Value] {
    raw[name].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_written_with_its_services_outside() {
        let raw = json!({
            "id": 1, "name": "shop.slow", "active": true, "rearm_seconds": 600, "description": null, "attributes": {}, "md": false,
            "rearm_per_signal": false, "services": [{ "id": 1, "type": "slack", "title": "on call", "settings": { "url": "[hidden]" } }],
            "conditions": [{ "id": 1, "type": "above", "metric_name": "shop.latency", "source": "web-*", "threshold": 800.0, "duration": 300,
                "summary_function": "max", "tags": [] }],
        });
        let Written { text, notes } = alert(&raw).unwrap();
        let expected = "services:
  on call:
    external: true
    type: slack

alerts:
  shop.slow:
    services:
      - on call
    conditions:
      - type: above
        metric_name: shop.latency
        source: web-*
        threshold: 800
        duration: 5m
        summary_function: max
";
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        assert_eq!((lines(&text), notes), (lines(expected), Vec::new()), "{text}");
    }

    #[test]
    fn hidden_settings_become_variables() {
        let raw = json!({ "id": 1, "type": "slack", "title": "on call", "settings": { "url": "[hidden]", "room": "ops" } });
        let Written { text, notes } = service(&raw).unwrap();
        assert!(text.contains("${secret.ON_CALL_URL}") && !text.contains("[hidden]"), "{text}");
        let named = "ON_CALL_URL is to hold the secret of service \"on call\", settings.url";
        assert!(notes.iter().any(|note| note == named), "{notes:?}");
    }

    #[test]
    fn charts_stand_in_their_space_and_what_cannot_is_said() {
        let raw = json!({ "id": 1, "name": "Shop" });
        let chart = |id: i64, name: &str| json!({ "id": id, "name": name, "type": "line", "streams": [{ "metric": "m", "source": "*" }], "related_space": 7 });
        let spaces = BTreeMap::from([(7, "Other".to_owned())]);
        let Written { text, notes } =
            space(&raw, &[chart(1, "b"), chart(2, "a"), chart(3, "a")], &spaces).unwrap();
        assert!(
            text.contains("  Shop:\n") && text.contains("name: b") && text.contains("related_space: Other"),
            "{text}"
        );
        assert!(!text.contains("name: a"), "{text}");
        assert_eq!(notes.len(), 1, "{notes:?}");
    }
}

//! The rules of a namespace as objects of the kinds they have: what carries a definition is what that says; a rule whose expression no one
//! rendered is an alert with a condition that only the ruler understands, or a composite in its language.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::normal::{Normal, collapsed, definition_text};
use crate::model::{Address, Collection, Declared, Desired, Kind, Resource, State};
use crate::prometheus::{Definition, comment_of, recorded};
use crate::remote::ruler::Group;

/// The type of a condition that is an expression of someone else.
pub const FOREIGN: &str = "promql";

/// What is known of how a rule came to be as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// As it was rendered.
    Ours,
    /// Rendered, and edited since: its expression or how long it must hold.
    Judged,
    /// Rendered, and edited since: its labels or annotations.
    Dressed,
    /// It carries no definition that can be read.
    Foreign,
}

/// A rule that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Which object it is.
    pub address: Address,
    pub group: String,
    /// As it stands there.
    pub rule: Value,
    /// In the form in which rules are compared.
    pub normal: Normal,
    /// Whose it is.
    pub hand: Hand,
    /// The name of the rule that it took the place of, where it was renamed when it was written.
    pub renamed_from: Option<String>,
    resource: Resource,
}

/// All rules of the groups.
pub fn all(groups: &[Group]) -> Vec<Found> {
    let rules = |group: &Group| {
        let name = name_of(group).to_owned();
        let rules = group.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
        rules.into_iter().filter_map(move |rule| Found::read(&name, rule))
    };
    groups.iter().flat_map(rules).collect()
}

/// The same, where recorded series without a definition belong to the composites that are declared under their names.
pub fn all_for(groups: &[Group], asked: &Desired) -> Vec<Found> {
    let mut found = all(groups);
    let composites = asked.objects.iter().filter(|(_, declared)| declared.kind == Kind::Composite);
    let recorded: BTreeMap<String, &Address> =
        composites.map(|(address, _)| (recorded(&address.name), address)).collect();
    for rule in found.iter_mut().filter(|rule| rule.hand == Hand::Foreign) {
        let (kind, name) = key(&rule.rule);
        if let Some(address) = recorded.get(name).filter(|_| kind == "record") {
            rule.address = (*address).clone();
        }
    }
    found
}

/// The name of a group.
pub fn name_of(group: &Group) -> &str {
    group.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// The same as a state. Of rules with one name the first that stands as it was rendered counts, else the first.
pub fn state(found: &[Found]) -> State {
    let mut state = State::new();
    for pass in [|hand: Hand| hand == Hand::Ours, |_| true] {
        for rule in found.iter().filter(|rule| pass(rule.hand)) {
            state.entry(rule.address.clone()).or_insert_with(|| rule.resource.clone());
        }
    }
    state
}

/// The former name of a declared object whose rule a run that was broken off left behind, after the one of the new name was written.
pub fn left_behind(found: &[Found], address: &Address, declared: &Declared) -> Option<Address> {
    let old = declared.renamed_from.as_ref()?;
    let took_over = |it: &Found| it.address == *address && it.renamed_from.as_ref() == Some(old);
    let old = address.renamed(old);
    (found.iter().any(took_over) && found.iter().any(|it| it.address == old)).then_some(old)
}

impl Found {
    fn read(group: &str, rule: Value) -> Option<Self> {
        let normal = Normal::of(&rule);
        let definition = definition_text(&rule).and_then(Definition::read);
        let recorded = rule.get("record").and_then(Value::as_str);
        let (kind, name) = match (recorded, rule.get("alert").and_then(Value::as_str)) {
            (Some(name), _) => (Kind::Composite, name),
            (None, Some(name)) => (Kind::Alert, name),
            (None, None) => return None,
        };
        let definition = definition
            .filter(|it| it.resource.kind() == kind && (kind == Kind::Composite || it.name == name));
        let hand = definition.as_ref().map_or(Hand::Foreign, |it| hand(&it.rendered, &normal.digest()));
        let address = match &definition {
            Some(definition) if kind == Kind::Composite => Address::metric(&definition.name),
            _ if kind == Kind::Composite => Address::metric(name),
            _ => Address::new(Collection::Alerts, name),
        };
        let renamed_from = definition.as_ref().and_then(|it| it.renamed_from.clone());
        let resource = match definition {
            Some(definition) if hand != Hand::Judged => definition.resource,
            definition => foreign(kind, &rule, definition.map(|it| it.resource))?,
        };
        Some(Self { address, group: group.to_owned(), rule, normal, hand, renamed_from, resource })
    }

    /// The object that it is.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The object with the expression that stands there, and the rest of what is declared.
    pub fn beside(&self, declared: &Resource) -> Option<Resource> {
        foreign(declared.kind(), &self.rule, Some(declared.clone()))
    }

    /// How a group knows the rule.
    pub fn key(&self) -> (&'static str, &str) {
        key(&self.rule)
    }
}

/// How a group knows a rule: recording or alerting, and the name.
pub fn key(rule: &Value) -> (&'static str, &str) {
    match rule.get("record").and_then(Value::as_str) {
        Some(name) => ("record", name),
        None => ("alert", rule.get("alert").and_then(Value::as_str).unwrap_or_default()),
    }
}

fn hand(rendered: &str, now: &str) -> Hand {
    match (rendered.split_once('.'), now.split_once('.')) {
        (Some((judged, _)), Some((now, _))) if judged != now => Hand::Judged,
        (Some((_, dressed)), Some((_, now))) if dressed != now => Hand::Dressed,
        (Some(_), Some(_)) => Hand::Ours,
        _ => Hand::Foreign,
    }
}

/// An object whose expression is not ours, with what its definition says of the rest.
fn foreign(kind: Kind, rule: &Value, defined: Option<Resource>) -> Option<Resource> {
    let expr = collapsed(comment_of(rule["expr"].as_str().unwrap_or_default()).1);
    let mut fields = defined.map_or_else(Map::new, |it| it.fields());
    if kind == Kind::Composite {
        fields.insert("composite".into(), expr.into());
        return Resource::from_fields(kind, &fields).ok();
    }
    if let (Some(text), false) =
        (rule["annotations"]["description"].as_str(), fields.contains_key("description"))
    {
        fields.insert("description".into(), text.into());
    }
    let expr = match rule.get("for").and_then(Value::as_str) {
        Some(wait) => format!("{expr} for {wait}"),
        None => expr,
    };
    fields.insert("conditions".into(), json!([{"type": FOREIGN, "metric_name": expr}]));
    Resource::from_fields(kind, &fields).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(threshold: u32) -> Value {
        let mut rule = json!({"alert": "shop.slow", "expr": format!("x > {threshold}"), "labels": {"librato_apply": "shop"},
            "annotations": {"summary": "s"}});
        let fields = json!({"conditions": [{"type": "above", "metric_name": "x", "threshold": threshold}], "services": ["ops"]});
        let resource = Resource::from_fields(Kind::Alert, fields.as_object().unwrap()).unwrap();
        let definition = Definition {
            name: "shop.slow".into(),
            resource,
            rendered: Normal::of(&rule).digest(),
            renamed_from: None,
        };
        rule["annotations"]["librato_definition"] = definition.text().into();
        rule
    }

    fn read(rule: Value) -> Found {
        Found::read("shop", rule).unwrap()
    }

    #[test]
    fn a_rule_is_what_its_definition_says_until_somebody_edits_it() {
        let ours = read(rendered(5));
        assert_eq!(ours.hand, Hand::Ours);
        assert_eq!(ours.resource.fields()["conditions"][0]["threshold"], 5.0);

        let mut edited = rendered(5);
        edited["expr"] = json!("x > 6");
        let edited = read(edited);
        assert_eq!(edited.hand, Hand::Judged);
        assert_eq!(
            edited.resource.fields()["conditions"],
            json!([{"type": "promql", "metric_name": "x > 6"}])
        );
        assert_eq!(edited.resource.fields()["services"], json!(["ops"]), "what was not edited is known");

        let mut labelled = rendered(5);
        labelled["labels"]["severity"] = json!("page");
        assert_eq!(read(labelled).hand, Hand::Dressed);

        let made =
            read(json!({"alert": "own", "expr": "y  > 1", "for": "5m", "annotations": {"description": "d"}}));
        assert_eq!(made.hand, Hand::Foreign);
        assert_eq!(
            Value::Object(made.resource.fields()),
            json!({"description": "d", "conditions": [{"type": "promql", "metric_name": "y > 1 for 5m"}]})
        );
    }

    #[test]
    fn a_definition_of_another_rule_means_nothing() {
        let mut copied = rendered(5);
        copied["alert"] = json!("shop.copied");
        assert_eq!(read(copied).hand, Hand::Foreign);
        assert_eq!(Found::read("g", json!({"expr": "x"})), None);
    }

    #[test]
    fn of_rules_with_one_name_the_rendered_one_counts() {
        let mut edited = rendered(9);
        edited["expr"] = json!("x > 10");
        let group = |rules: Value| json!({"name": "shop", "rules": rules}).as_object().unwrap().clone();
        let found = all(&[group(json!([edited])), group(json!([rendered(5)]))]);
        let state = state(&found);
        assert_eq!(found.len(), 2);
        assert_eq!(state.values().next().unwrap().fields()["conditions"][0]["threshold"], 5.0);
    }
}

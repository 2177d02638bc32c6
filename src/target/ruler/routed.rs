//! Routes and receivers beside what the configuration of Alertmanager has: what of them changes with a plan, and what has drifted without
//! one. Reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::receivers::filled;
use super::rendered::{Rendered, Template};
use super::subtree::Subtree;
use super::writing::{ReceiverWriting, RoutesWriting, digest_of_subtree};
use crate::diag::Route;
use crate::diff::{Action, Change, FieldChange};
use crate::model::{Address, Collection};

/// What is compared.
pub struct Routes<'a> {
    pub found: &'a Subtree,
    pub rendered: &'a Rendered,
    /// Receivers of others that take the place of services, by their titles.
    pub named: &'a BTreeMap<String, String>,
}

impl Routes<'_> {
    fn of(&self, alert: &Address) -> Vec<&Value> {
        self.found.routes.iter().filter(|route| alert_of(route).as_deref() == Some(&alert.name)).collect()
    }

    fn wanted(&self, alert: &Address) -> &[Value] {
        self.rendered.routes.get(alert).map_or(&[], Vec::as_slice)
    }

    /// The change of an alert's routes, where there is one.
    pub fn drifted(&self, alert: &Address) -> Option<FieldChange> {
        let (found, wanted) = (self.of(alert), self.wanted(alert));
        if found.iter().copied().eq(wanted) {
            return None;
        }
        let words = |routes: Vec<&Value>| {
            let words: Vec<String> = routes.into_iter().map(in_words).collect();
            (!words.is_empty()).then(|| words.join("; ").into())
        };
        let route = Route::root().key("routes");
        Some(FieldChange {
            route,
            before: words(found),
            after: words(wanted.iter().collect()),
            sensitive: false,
        })
    }

    /// The change of a receiver that its service knows nothing of; neither side of it is shown.
    pub fn drifted_receiver(&self, service: &Address) -> Option<FieldChange> {
        let Template { value, service: wanted, .. } = self.rendered.receivers.get(service)?;
        let found = self.found.receivers.iter().find(|it| it.title == service.name)?;
        let route = Route::root().key("receiver");
        let differs = filled(value, wanted).is_some_and(|wanted| wanted != found.value);
        differs.then(|| FieldChange {
            route,
            before: Some(Value::Null),
            after: Some(Value::Null),
            sensitive: true,
        })
    }

    /// What is written with these changes; nothing where they leave all routes and receivers as they are.
    pub fn writing(&self, changes: &[Change]) -> Option<RoutesWriting> {
        let mut writing = RoutesWriting { seen: digest_of_subtree(self.found), ..RoutesWriting::default() };
        let mut routes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for route in &self.found.routes {
            routes.entry(alert_of(route).unwrap_or_default()).or_default().push(route.clone());
        }
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for change in changes {
            let old = match &change.action {
                Action::Update { renamed_from: Some(old), .. } => Some(old),
                _ => None,
            };
            let address = &change.address;
            match address.collection {
                Collection::Alerts => {
                    let names = || [Some(address), old].into_iter().flatten();
                    let before = names().any(|name| routes.remove(&name.name).is_some());
                    let wanted = if change.action.after().is_some() { self.wanted(address) } else { &[] };
                    let same = old.is_none() && self.of(address).into_iter().eq(wanted);
                    if !wanted.is_empty() {
                        routes.insert(address.name.clone(), wanted.to_vec());
                    }
                    if !same && (before || !wanted.is_empty()) {
                        writing.objects.insert(address.clone());
                    }
                }
                Collection::Services => {
                    gone.insert(&address.name);
                    gone.extend(old.map(|old| old.name.as_str()));
                    writing.objects.insert(address.clone());
                    if let (Some(template), Some(_)) =
                        (self.rendered.receivers.get(address), change.action.after())
                    {
                        let (value, definition) = (template.value.clone(), template.definition.clone());
                        writing.put.push(ReceiverWriting { title: address.name.clone(), value, definition });
                    }
                }
                _ => {}
            }
        }
        if writing.objects.is_empty() {
            return None;
        }
        let titles = self.found.receivers.iter().map(|it| it.title.as_str());
        let stays = |title: &&str| !gone.contains(title) && !self.named.contains_key(*title);
        writing.kept = titles.filter(stays).map(str::to_owned).collect();
        writing.routes = routes.into_values().flatten().collect();
        Some(writing)
    }
}

/// The alert that a route is for.
fn alert_of(route: &Value) -> Option<String> {
    let matcher = route["matchers"].as_array()?.first()?.as_str()?;
    let name = matcher.strip_prefix("alertname=\"")?.strip_suffix('"')?;
    Some(name.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Where a route leads, and how often.
fn in_words(route: &Value) -> String {
    let text = |key: &str| route[key].as_str().unwrap_or("?");
    let by: Vec<&str> =
        route["group_by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let [receiver, wait, tick, repeat] =
        ["receiver", "group_wait", "group_interval", "repeat_interval"].map(text);
    format!("{receiver} by [{}] after {wait}, every {repeat} at ticks of {tick}", by.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_route_says_which_alert_it_is_for() {
        for (matcher, name) in
            [("alertname=\"a.b\"", Some("a.b")), ("alertname=\"a\\\"b\"", Some("a\"b")), ("team=\"x\"", None)]
        {
            assert_eq!(alert_of(&json!({"matchers": [matcher]})).as_deref(), name);
        }
    }
}

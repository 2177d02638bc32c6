//! What writing a plan to a ruler takes, as a value that is saved with the plan: for each group what was seen of it, which rules go in, and
//! which go. Holds no secret.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::found::{key, name_of};
use super::normal::{digest, digest_of_group};
use super::receivers::filled;
use super::subtree::{Receiver, Subtree};
use crate::model::{Address, Resource};
use crate::remote::ruler::Group;

/// Everything that is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writing {
    /// Whose rules they are.
    pub owner: String,
    pub namespace: String,
    pub tenant: String,
    /// The groups, by name.
    pub groups: Vec<GroupWriting>,
    /// The configuration of Alertmanager, where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<RoutesWriting>,
}

/// What is written to the configuration of Alertmanager.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutesWriting {
    /// A digest of our part of it; of its absence, too.
    pub seen: String,
    /// All routes below our own.
    pub routes: Vec<Value>,
    /// The receivers that stay as they are, by title.
    pub kept: BTreeSet<String>,
    /// The receivers that are written, in place of those of their titles.
    pub put: Vec<ReceiverWriting>,
    /// The objects that are written by this.
    pub objects: BTreeSet<Address>,
}

/// A receiver that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverWriting {
    /// The title of its service, whose settings are in the plan.
    pub title: String,
    /// With stand-ins for secrets.
    pub value: Value,
    /// What it is made of.
    pub definition: String,
}

impl RoutesWriting {
    /// Our part as it is to be; nothing where a secret is missing. `service` finds services of the plan.
    pub fn applied(&self, found: &Subtree, service: &dyn Fn(&str) -> Option<Resource>) -> Option<Subtree> {
        let stays = |it: &&Receiver| self.kept.contains(&it.title);
        let mut receivers: Vec<Receiver> = found.receivers.iter().filter(stays).cloned().collect();
        for ReceiverWriting { title, value, definition } in &self.put {
            let value = filled(value, &service(title)?)?;
            receivers.push(Receiver { title: title.clone(), value, definition: definition.clone() });
        }
        receivers.sort_by(|a, b| a.title.cmp(&b.title));
        Some(Subtree { routes: self.routes.clone(), receivers })
    }
}

/// The digest of our part, but for what is secret in it.
pub fn digest_of_subtree(subtree: &Subtree) -> String {
    let receivers: Vec<Value> = subtree.receivers.iter().map(|it| json!([it.title, it.definition])).collect();
    digest(&json!([subtree.routes, receivers]))
}

/// What is written to one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupWriting {
    pub name: String,
    /// A digest of what stood there; nothing where there was no such group.
    pub seen: Option<String>,
    /// How often it is evaluated.
    pub interval: String,
    /// Rules that go in, in place of those of their names.
    pub put: Vec<Value>,
    /// Rules that go.
    pub gone: Vec<Gone>,
    /// The objects that are written by this.
    pub objects: BTreeSet<Address>,
}

/// A rule that goes from a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// `record` or `alert`.
    pub kind: String,
    pub name: String,
    /// The object it is.
    pub object: Address,
    /// The group that has it by then.
    pub moved_to: Option<String>,
}

impl GroupWriting {
    /// The group as it is after this; `None` where nothing is left of it. `held` go later.
    pub fn applied(&self, current: Option<&Group>, held: &dyn Fn(&Gone) -> bool) -> Option<Group> {
        let goes = |rule: &Value| {
            let (kind, name) = key(rule);
            self.gone.iter().any(|gone| gone.kind == kind && gone.name == name && !held(gone))
        };
        let rules = current
            .and_then(|group| group.get("rules"))
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut put = self.put.clone();
        let mut after = Vec::new();
        for rule in rules.into_iter().filter(|rule| !goes(rule)) {
            // A rule that is there more than once comes to one.
            if !self.put.iter().any(|new| key(new) == key(&rule)) {
                after.push(rule);
            } else if let Some(place) = put.iter().position(|new| key(new) == key(&rule)) {
                after.push(put.remove(place));
            }
        }
        // What is recorded stands before who may read it.
        let (records, alerts): (Vec<Value>, Vec<Value>) =
            put.into_iter().partition(|rule| rule.get("record").is_some());
        let begin = after.iter().rposition(|rule| rule.get("record").is_some()).map_or(0, |last| last + 1);
        after.splice(begin..begin, records);
        after.extend(alerts);
        if after.is_empty() {
            return None;
        }
        let mut group = current.cloned().unwrap_or_default();
        group.insert("name".into(), json!(self.name));
        if !self.put.is_empty() || !group.contains_key("interval") {
            group.insert("interval".into(), json!(self.interval));
        }
        group.insert("rules".into(), after.into());
        Some(group)
    }

    /// Whether this is what the plan was made from.
    pub fn is_as_seen(&self, current: Option<&Group>) -> bool {
        current.map(digest_of_group) == self.seen
    }
}

/// The group of this name.
pub fn find<'g>(groups: &'g [Group], name: &str) -> Option<&'g Group> {
    groups.iter().find(|group| name_of(group) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_declares_is_carried_along_as_it_is() {
        let group = json!({"name": "shop", "interval": "30s", "limit": 5, "rules": [
            {"record": "own:x", "expr": "x"}, {"alert": "a", "expr": "old"}, {"alert": "hand", "expr": "h", "odd": 1},
            {"alert": "b", "expr": "b"}, {"alert": "a", "expr": "again"}]});
        let gone =
            Gone { kind: "alert".into(), name: "b".into(), object: Address::metric("b"), moved_to: None };
        let writing = GroupWriting {
            name: "shop".into(),
            interval: "1m".into(),
            put: vec![json!({"alert": "a", "expr": "new"}), json!({"record": "librato:y", "expr": "y"})],
            gone: vec![gone.clone()],
            ..GroupWriting::default()
        };
        let after = writing.applied(group.as_object(), &|_| false).unwrap();
        assert_eq!(
            Value::Object(after),
            json!({"name": "shop", "interval": "1m", "limit": 5, "rules": [
                {"record": "own:x", "expr": "x"}, {"record": "librato:y", "expr": "y"}, {"alert": "a", "expr": "new"},
                {"alert": "hand", "expr": "h", "odd": 1}]})
        );
        let held = writing.applied(group.as_object(), &|it| *it == gone).unwrap();
        assert_eq!(held["rules"].as_array().unwrap().len(), 5);
        let last = GroupWriting { gone: vec![gone], ..GroupWriting::default() };
        let only = json!({"name": "shop", "rules": [{"alert": "b", "expr": "b"}]});
        assert_eq!(last.applied(only.as_object(), &|_| false), None);
    }
}

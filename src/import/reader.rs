//! Reads fields of the types our definitions want out of values, and reports what cannot be read: what is left out, where, and why.
//! Knows none of the tools, and no kind of object.

use serde_json::Value;

use super::node::{Fields, Node, Val, number, take, truth};
use crate::diag::{Code, Diagnostic, Place, Report};

/// What a field holds, and which of its values the other tool writes for "not set".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Text; an empty one is not set.
    Text,
    /// A number, also one in text.
    Number,
    /// A number; zero is not set.
    NonZero,
    /// True or false.
    Flag,
    /// True; false is not set.
    OnlyTrue,
}

/// A value that was read, with its place.
pub(super) type Read = Option<(Value, Place)>;

/// Reads the fields of one object.
pub(super) struct Reader<'a> {
    /// How the object is called in messages: `librato_alert.web`.
    pub who: String,
    /// What would make the tool say it all.
    hint: &'static str,
    report: &'a mut Report,
    losses: usize,
}

impl<'a> Reader<'a> {
    pub fn new(who: impl Into<String>, hint: &'static str, report: &'a mut Report) -> Self {
        Self { who: who.into(), hint, report, losses: 0 }
    }

    /// Reports something that cannot be carried over.
    pub fn lose(&mut self, place: Place, code: Code, message: String, help: Option<String>) {
        self.losses += 1;
        let found = Diagnostic::error(code, message).at(place, "");
        self.report.push(help.into_iter().fold(found, Diagnostic::help));
    }

    /// Reports something that is no loss.
    pub fn note(&mut self, place: Place, code: Code, message: String, help: &str) {
        self.report.push(Diagnostic::note(code, message).at(place, "").help(help));
    }

    /// Says that lists are not written, since a part of what belongs to them is not known.
    pub fn leave_out(&mut self, place: Place, lists: &str, owner: &str) {
        let message = format!("{lists} of {owner} left out: a list that is not whole is not written");
        self.note(
            place,
            Code::LeftOut,
            message,
            "the service keeps what it has; write it by hand to manage it",
        );
    }

    /// What `read` makes, unless any part of it was lost: a list that lacks an item would say something else.
    pub fn whole<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let before = self.losses;
        let made = read(self);
        (self.losses == before).then_some(made)
    }

    /// Takes a field; `None` where it is not set, or where it cannot be read, which is reported.
    pub fn field(&mut self, fields: &mut Fields, name: &str, want: Want) -> Read {
        let node = take(fields, name)?;
        self.value(&node, name, want)
    }

    /// A value of a field.
    pub fn value(&mut self, node: &Node, name: &str, want: Want) -> Read {
        let value = match want {
            Want::Text => self.text(node, name).map(Value::String),
            Want::Number | Want::NonZero => self.number(node, name),
            Want::Flag | Want::OnlyTrue => self.flag(node, name),
        }?;
        let unset = match want {
            Want::NonZero => value.as_f64() == Some(0.0),
            Want::OnlyTrue => value == false,
            Want::Text | Want::Number | Want::Flag => false,
        };
        (!unset).then(|| (value, node.place.clone()))
    }

    /// A text that is not empty.
    pub fn text(&mut self, node: &Node, name: &str) -> Option<String> {
        match &node.value {
            Val::Null => None,
            Val::Text(text) => (!text.is_empty()).then(|| text.clone()),
            Val::Number(number) => Some(number.to_string()),
            Val::Bool(flag) => Some(flag.to_string()),
            _ => self.unreadable(node, name, "a text"),
        }
    }

    fn number(&mut self, node: &Node, name: &str) -> Option<Value> {
        let float = match &node.value {
            Val::Null => return None,
            Val::Number(number) => number.as_f64(),
            // Providers write NaN for a bound that no one set, and a number field may hold an empty text.
            Val::Text(text) if matches!(text.trim(), "" | "NaN") => return None,
            Val::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match float.and_then(number) {
            Some(found) => Some(Value::Number(found)),
            None => self.unreadable(node, name, "a number"),
        }
    }

    fn flag(&mut self, node: &Node, name: &str) -> Option<Value> {
        match &node.value {
            Val::Null => None,
            Val::Text(text) if text.is_empty() => None,
            value => match truth(value) {
                Some(flag) => Some(flag.into()),
                None => self.unreadable(node, name, "true or false"),
            },
        }
    }

    /// The items of a list; one value stands for a list of one, as in older files. `None` where nothing is known of it.
    pub fn items(&mut self, node: Node, name: &str) -> Option<Vec<Node>> {
        match node.value {
            Val::Null => Some(Vec::new()),
            Val::List(items) => Some(items),
            Val::Map(_) | Val::Text(_) | Val::Number(_) | Val::Reference(_) => Some(vec![node]),
            _ => self.unreadable(&node, name, "a list"),
        }
    }

    /// The items of a list of scalars, those of lists in it among them: `["${x.*.id}"]` was one list until Terraform 0.12.
    pub fn flat_items(&mut self, node: Node, name: &str) -> Option<Vec<Node>> {
        let flat = |item: Node| match item.value {
            Val::List(items) => items,
            _ => vec![item],
        };
        Some(self.items(node, name)?.into_iter().flat_map(flat).collect())
    }

    /// The fields of a map.
    pub fn map(&mut self, node: Node, name: &str) -> Option<Fields> {
        match node.value {
            Val::Map(fields) => Some(fields),
            Val::Null => Some(Fields::new()),
            _ => self.unreadable(&node, name, "a block of fields"),
        }
    }

    /// Reports fields that no one asked for.
    pub fn rest(&mut self, fields: Fields, inside: &str) {
        for (name, node) in fields.into_iter().filter(|(_, node)| !node.value.is_nothing()) {
            let message = format!("`{name}` of {inside} is not known here: it is left out");
            let help = "nothing of our format corresponds to it".to_owned();
            self.lose(node.place, Code::UnknownField, message, Some(help));
        }
    }

    fn unreadable<T>(&mut self, node: &Node, name: &str, wanted: &str) -> Option<T> {
        let who = &self.who;
        match &node.value {
            Val::Unknown { why, .. } => {
                let message = format!("`{name}` of {who} would have to be worked out: {why}");
                self.lose(node.place.clone(), Code::NeedsEvaluation, message, Some(self.hint.to_owned()));
            }
            other => {
                let message = format!("`{name}` of {who} is {}, not {wanted}: it is left out", other.noun());
                self.lose(node.place.clone(), Code::WrongType, message, None);
            }
        }
        None
    }
}

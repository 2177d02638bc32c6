//! Why a definition is not kept as it was sent, or is not there: in words about its fields, its name, itself. Knows nothing of HTTP;
//! what a client is told of it is the business of `http::problem`.

use serde_json::{Map, Value, json};

use super::store::error::{Failure, StoreError, Trouble};

/// Something about an object that was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such object.
    #[error("there is no such object")]
    Missing,
    /// It is there, and nothing can be done to it any more.
    #[error("{0}")]
    Over(String),
    /// The value of this field must be the only one, and is that of another object.
    #[error("the value of {0} is already taken")]
    Taken(&'static str),
    /// Single fields are not as they must be.
    #[error("{0:?}")]
    Fields(Errors),
    /// The object as a whole is not.
    #[error("{0}")]
    Whole(String),
    /// It is not the fault of the object.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refusal {
    /// One field is not as it must be.
    pub fn field(name: &str, message: impl Into<String>) -> Refusal {
        Refusal::Fields(Errors::of(name, message))
    }

    /// Whether there is nothing that anything could be done to.
    pub fn is_missing(&self) -> bool {
        matches!(self, Refusal::Missing | Refusal::Over(_))
    }
}

impl From<Errors> for Refusal {
    fn from(errors: Errors) -> Refusal {
        Refusal::Fields(errors)
    }
}

impl Failure for Refusal {
    fn trouble(&self) -> Option<Trouble> {
        match self {
            Refusal::Store(error) => error.trouble(),
            _ => None,
        }
    }
}

/// Everything that is wrong with the parameters of one request, collected so that one answer tells it all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Errors(Map<String, Value>);

impl Errors {
    /// One message for one parameter.
    pub fn of(name: &str, message: impl Into<String>) -> Errors {
        let mut errors = Errors::default();
        errors.add(name, message);
        errors
    }

    /// Adds `message` to the list of the parameter `name`; said twice, it is told once.
    pub fn add(&mut self, name: &str, message: impl Into<String>) {
        let list = self.0.entry(name).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            let message = Value::String(message.into());
            if !list.contains(&message) {
                list.push(message);
            }
        }
    }

    /// Puts the errors of something nested (a condition, the settings of a service) under `name`.
    pub fn nest(&mut self, name: &str, inner: Errors) {
        if inner.0.is_empty() {
            return;
        }
        let mut nested = match self.0.remove(name) {
            Some(Value::Object(map)) => Errors(map),
            _ => Errors::default(),
        };
        for (key, messages) in inner.0 {
            for message in messages.as_array().into_iter().flatten().filter_map(Value::as_str) {
                nested.add(&key, message);
            }
        }
        self.0.insert(name.to_owned(), Value::Object(nested.0));
    }

    /// Adds the errors of another item of the same list.
    pub fn merge(&mut self, other: Errors) {
        for (name, messages) in other.0 {
            match messages {
                Value::Array(messages) => {
                    for message in messages.iter().filter_map(Value::as_str) {
                        self.add(&name, message);
                    }
                }
                Value::Object(inner) => self.nest(&name, Errors(inner)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }

    /// Whether nothing was said about the parameter `name` yet.
    pub fn lacks(&self, name: &str) -> bool {
        !self.0.contains_key(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` when nothing was added, else all of it.
    pub fn finish(self) -> Result<(), Errors> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The messages by parameter: lists, below lists and objects the names of what they hold.
    pub fn into_params(self) -> Map<String, Value> {
        self.0
    }
}

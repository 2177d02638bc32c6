//! What a kind of object says about itself, so that one handle serves all kinds.
//! Knows where objects stand in the API; sends nothing.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Error, Librato};
use crate::remote::Listing;
use crate::wire::lenient;

/// One chapter of the API: where the objects of a kind stand and how they are told apart.
#[derive(Debug, Clone, Copy)]
pub struct Collection {
    /// One of them in a sentence: `alert`.
    pub noun: &'static str,
    /// The path below `/v1`: `/alerts`.
    pub path: &'static str,
    /// Where the objects stand in a page: `alerts`.
    pub key: &'static str,
    /// The field that holds what people call an object: `name`, or `title`.
    pub name: &'static str,
    /// What addresses an object.
    pub identity: Identity,
    /// Whether the list can be searched for a part of the name.
    pub searchable: bool,
    /// The field by which pages can be ordered such that writing does not move objects between them.
    pub order: Option<&'static str>,
}

/// What addresses an object in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A number the service gave it; several objects can have one name.
    Id,
    /// Its name.
    Name,
    /// Its name, upper and lower case being the same.
    FoldedName,
}

impl Collection {
    /// What tells this object from all others of the collection; `None` where the service did not say it.
    pub fn identity_of(&self, raw: &Value) -> Option<String> {
        (self.listing(self.path.to_owned()).identity)(raw)
    }

    /// What people call this object.
    pub fn name_of<'v>(&self, raw: &'v Value) -> Option<&'v str> {
        lenient::text(&raw[self.name])
    }

    /// Whether `name` is the name of this object, not only a part of it.
    pub fn is_called(&self, raw: &Value, name: &str) -> bool {
        self.name_of(raw).is_some_and(|found| match self.identity {
            Identity::FoldedName => found.eq_ignore_ascii_case(name),
            Identity::Id | Identity::Name => found == name,
        })
    }

    /// How all of it is listed. `path` differs from that of the collection below another object.
    pub fn listing(&self, path: String) -> Listing {
        let identity: fn(&Value) -> Option<String> = match self.identity {
            Identity::Id => |raw| object_id(raw).map(|id| id.to_string()),
            Identity::Name => |raw| lenient::text(&raw["name"]).map(str::to_owned),
            Identity::FoldedName => |raw| lenient::text(&raw["name"]).map(str::to_ascii_lowercase),
        };
        Listing { path, key: self.key, query: Vec::new(), order: self.order, identity, tagged: false }
    }
}

/// The id of an object; API tokens and snapshots say it only at the end of their `href`.
pub fn object_id(raw: &Value) -> Option<u64> {
    lenient::id(&raw["id"]).or_else(|| lenient::text(&raw["href"])?.rsplit('/').next()?.parse().ok())
}

/// An object of the service.
pub trait Object: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Where its kind stands.
    const COLLECTION: Collection;

    /// What addresses one of them: `&str` or `u64`.
    type Key<'k>: Display + Copy + Send;

    /// What addresses this one; `None` where it did not come from the service.
    fn key(&self) -> Option<Self::Key<'_>>;

    /// The body that creates it: what is not said is left out, so that the service's defaults hold.
    ///
    /// # Errors
    /// As [`Object::whole`].
    fn creation(&self) -> Result<Value, Error> {
        let mut body = self.whole()?;
        if let Value::Object(fields) = &mut body {
            fields.retain(|_, value| !value.is_null());
        }
        Ok(body)
    }

    /// The body that makes the service's object equal to this one: `null` for what is not there any more.
    ///
    /// # Errors
    /// [`Error::Unwritable`] where it cannot be written as JSON, which no object of this library does.
    fn whole(&self) -> Result<Value, Error> {
        let unwritable = |error: serde_json::Error| Error::Unwritable {
            kind: Self::COLLECTION.noun,
            why: error.to_string(),
        };
        serde_json::to_value(self).map_err(unwritable)
    }

    /// The key, of an object that came from the service.
    ///
    /// # Errors
    /// [`Error::NoId`] for any other.
    fn saved_key(&self) -> Result<Self::Key<'_>, Error> {
        self.key().ok_or(Error::NoId { kind: Self::COLLECTION.noun })
    }

    /// A name as it is sent: metrics have theirs sanitized.
    #[doc(hidden)]
    fn spelled(name: &str, _: &Librato) -> String {
        name.to_owned()
    }
}

//! Why a plan cannot be saved or opened, in words.

use crate::model::{Address, Kind};
use crate::plan::SourcePlace;

/// Why a plan cannot be saved or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// A changed service holds a secret that stands in the files as it is.
    #[error("the {kind} \"{address}\" holds a secret at `{route}` that stands in the files as it is{}", shown(.place.as_ref()))]
    Literal {
        /// The kind of the object.
        kind: Kind,
        /// The object.
        address: Address,
        /// The field.
        route: String,
        /// Where.
        place: Option<SourcePlace>,
    },
    /// The file is none, or of another version.
    #[error("this is not a saved plan of this version: {0}")]
    NotOurs(String),
    /// It is not as it was saved, or was sealed with another key.
    #[error("the plan file is not as it was saved, or was sealed with another key or token")]
    Broken,
    /// It was made for another service.
    #[error("the plan was made for {planned}, and this is {here}")]
    OtherTarget {
        planned: String,
        /// The one at hand.
        here: String,
    },
    /// Objects are not what they were.
    #[error("changed since the plan was made: {}", .0.join(", "))]
    Moved(Vec<String>),
    /// A secret cannot be read.
    #[error("{0}")]
    Unset(String),
    /// Nothing can be sealed with this key.
    #[error("a plan cannot be sealed with this key: {0}")]
    Unkeyed(String),
    /// It has no form in JSON.
    #[error("a part of the plan cannot be written as JSON: {0}")]
    Unwritable(String),
}

fn shown(place: Option<&SourcePlace>) -> String {
    place.map(|place| format!(" ({place})")).unwrap_or_default()
}

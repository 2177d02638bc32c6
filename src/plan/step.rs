//! A change with its place in the order of writing. A value; knows nothing of how the order came about.

use serde::{Deserialize, Serialize};

use super::impact::Impact;
use crate::diag::Position;
use crate::diff::Change;

/// A change with its place in the order of writing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What happens.
    pub change: Change,
    /// Steps of one level are written concurrently; a level begins when the one before it has ended.
    pub level: u32,
    /// Steps, by index, without which this one makes no sense.
    pub needs: Vec<usize>,
    /// Where the object stands in the files; nothing for what is deleted because it no longer does.
    pub place: Option<SourcePlace>,
    /// Where its changed fields stand, one for each.
    pub field_places: Vec<Option<SourcePlace>>,
    /// Whether the object must not be deleted, not even to be recreated at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// What it means to the people on call; for alerts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
}

/// A place in the files, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourcePlace {
    /// The file, as it was given on the command line.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl std::fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl From<Position> for SourcePlace {
    fn from(position: Position) -> Self {
        Self { file: position.file, line: position.line, column: position.column }
    }
}

impl Step {
    /// Whether this step only moves an object out of the way, in a circle of renames.
    pub fn parks(&self) -> bool {
        self.change.address.name.ends_with(PARKED)
    }
}

/// How a parked name ends; see `diff/rename.rs`.
pub const PARKED: &str = ".librato-apply-renaming";

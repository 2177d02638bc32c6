//! From a route to the bytes of its key and value.
use std::ops::Range;

use super::{Part, Route};

/// From routes to positions in one text.
#[derive(Default)]
pub struct RouteIndex {}
/// Builds an index.
#[derive(Default)]
pub struct IndexBuilder {}

impl RouteIndex {
    pub(super) fn span(&self, _route: &Route, _part: Part) -> Option<Range<usize>> {
        None
    }
    pub(super) fn contains(&self, _route: &Route) -> bool {
        false
    }
}

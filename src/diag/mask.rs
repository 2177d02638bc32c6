//! What of a text must not be shown.
use std::ops::Range;

use super::RouteIndex;

pub(super) fn ranges(_text: &str, _index: &RouteIndex) -> Vec<Range<usize>> {
    Vec::new()
}

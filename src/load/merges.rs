//! How much the merge keys of a text would bring in, told without bringing it in: each level of a few short lines can double
//! what the one before it merges.

use std::collections::HashMap;
use std::ops::Range;

use serde_yaml::granit_parser::{Event, Parser};

/// The nodes that all merges of a file may bring in.
const MAX_MERGED: usize = 1_000_000;

/// The same for merges of what merges something itself, whose nodes count once for each level: these are copied once a level.
const MAX_NESTED: usize = 100_000;

/// A finished node: its nodes when all is brought in, and how many levels of merges are in it.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    levels: usize,
}

struct Open {
    anchor: usize,
    size: Size,
    map: bool,
    /// In a map: whether the next node is a key.
    key: bool,
    /// Whether what comes next is merged.
    merging: bool,
}

/// The place of the alias by which the merges of a text grow too much.
pub(super) fn too_much(text: &str) -> Option<Range<usize>> {
    if !text.contains("<<") {
        return None;
    }
    let mut counting = Counting::default();
    for event in Parser::new_from_str(text) {
        // What is no YAML is reported by who reads it.
        let Ok((event, span)) = event else { return None };
        match event {
            Event::Scalar(value, _, anchor, _) => {
                counting.finish(anchor, Size { nodes: 1, levels: 0 }, &value);
            }
            Event::MappingStart(_, anchor, _) => counting.begin(anchor, true),
            Event::SequenceStart(_, anchor, _) => counting.begin(anchor, false),
            Event::MappingEnd | Event::SequenceEnd => counting.end(),
            Event::Alias(anchor) => {
                counting.alias(anchor);
                if counting.merged > MAX_MERGED || counting.nested > MAX_NESTED {
                    return Some(span.byte_range().unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    None
}

#[derive(Default)]
struct Counting {
    open: Vec<Open>,
    anchors: HashMap<usize, Size>,
    merged: usize,
    nested: usize,
}

impl Counting {
    fn begin(&mut self, anchor: usize, map: bool) {
        // A list below `<<` is a list of what is merged.
        let merging = !map && self.open.last().is_some_and(|open| open.merging);
        self.open.push(Open { anchor, size: Size { nodes: 1, levels: 0 }, map, key: map, merging });
    }

    fn end(&mut self) {
        if let Some(Open { anchor, size, .. }) = self.open.pop() {
            self.finish(anchor, size, "");
        }
    }

    fn alias(&mut self, anchor: usize) {
        let size = self.anchors.get(&anchor).copied().unwrap_or_default();
        if self.open.last().is_some_and(|open| open.merging) {
            self.merged = self.merged.saturating_add(size.nodes);
            self.nested = self.nested.saturating_add(size.nodes.saturating_mul(size.levels));
        }
        self.finish(0, size, "");
    }

    fn finish(&mut self, anchor: usize, size: Size, text: &str) {
        if anchor > 0 {
            self.anchors.insert(anchor, size);
        }
        let Some(open) = self.open.last_mut() else { return };
        if open.map && open.key {
            open.merging = text == "<<";
        } else {
            open.size.nodes = open.size.nodes.saturating_add(size.nodes);
            // A list of merged mappings is no level of its own.
            let level = usize::from(open.map && open.merging);
            open.size.levels = open.size.levels.max(size.levels + level);
            open.merging &= !open.map;
        }
        open.key = open.map && !open.key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubling(levels: usize) -> String {
        let line = |i: usize| format!("x-{i}: &a{i} {{<<: [*a{0}, *a{0}]}}\n", i - 1);
        std::iter::once("x-0: &a0 {type: gauge}\n".to_owned()).chain((1..levels).map(line)).collect()
    }

    #[test]
    fn merges_that_double_each_other_are_stopped_at_the_alias() {
        assert_eq!(too_much(&doubling(8)), None);
        let text = doubling(40);
        let place = too_much(&text).unwrap();
        assert!(text[place.clone()].starts_with("*a"), "{place:?}");
    }

    #[test]
    fn common_fields_may_be_merged_by_thousands_through_levels() {
        let mut text =
            "x-a: &a {type: gauge, period: 60}\nx-b: &b {<<: *a, description: d}\nmetrics:\n".to_owned();
        (0..5_000).for_each(|i| text.push_str(&format!("  m.{i}: {{<<: *b}}\n")));
        assert_eq!(too_much(&text), None);
    }
}

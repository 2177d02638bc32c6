//! The shape of one document with the bytes of every key and value, and the way from a route to them.
//! Built from outside, event by event, so that this module needs no YAML parser; aliases and merges are followed when looking up.

use std::{collections::HashMap, ops::Range};

use super::{Part, Route, Seg};

/// How many merges are followed from one mapping before giving up: a mapping may merge itself.
const MERGE_DEPTH: usize = 8;

/// From routes to key and value positions in one text, with a nearest-enclosing look-up.
#[derive(Debug, Default)]
pub struct RouteIndex {
    pub(super) nodes: Vec<Node>,
    /// The top of each document in the text.
    pub(super) roots: Vec<usize>,
    /// Whether the whole text was understood; if not, nothing is known about what lies where.
    pub(super) complete: bool,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
    /// Whether it is a list or mapping without brackets, which starts below its key.
    block: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar,
    Seq(Vec<usize>),
    Map(Vec<Entry>),
    /// The node of the anchor it refers to.
    Alias(usize),
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The text of the key; empty for a key that is itself a list or a mapping.
    pub(super) key: String,
    pub(super) key_node: usize,
    pub(super) value: usize,
}

/// A key written more than once in one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    pub key: String,
    /// The bytes of its first occurrence.
    pub first: Range<usize>,
    /// The bytes of a later one.
    pub again: Range<usize>,
}

impl RouteIndex {
    /// Every key that occurs more than once in its mapping, in the order of the text. Merge keys are left out.
    pub fn repeated(&self) -> Vec<Repeated> {
        let mut found = Vec::new();
        for node in &self.nodes {
            let Kind::Map(entries) = &node.kind else { continue };
            for pair in entries.windows(2) {
                let [before, after] = pair else { continue };
                if before.key == after.key && self.is_scalar(after.key_node) && after.key != "<<" {
                    let first = entries.partition_point(|e| e.key < after.key);
                    found.push(Repeated {
                        key: after.key.clone(),
                        first: entries.get(first).map_or(0..0, |e| self.bytes(e.key_node)),
                        again: self.bytes(after.key_node),
                    });
                }
            }
        }
        found.sort_by_key(|r| r.again.start);
        found
    }

    /// The keys at the top of every document in the text; `None` when the text was not understood.
    pub fn top_keys(&self) -> Option<Vec<&str>> {
        let entries = |root: &usize| match self.nodes.get(*root).map(|n| &n.kind) {
            Some(Kind::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        self.complete.then(|| self.roots.iter().flat_map(entries).map(|e| e.key.as_str()).collect())
    }

    /// The bytes of the node at `route`, or of the nearest node above it that is written; `None` for an empty document.
    pub(super) fn span(&self, route: &Route, part: Part) -> Option<Range<usize>> {
        let mut node = *self.roots.first()?;
        let mut key = None;
        let mut exact = true;
        for seg in route.segs() {
            let Some((key_below, below)) = self.step(node, seg) else {
                exact = false;
                break;
            };
            (key, node) = (key_below, below);
        }
        let part = if exact { part } else { Part::Key };
        Some(self.part(key, node, part))
    }

    /// The bytes of the scalar at exactly this route, also of one that an alias leads to.
    pub(super) fn scalar(&self, route: &Route) -> Option<Range<usize>> {
        let root = *self.roots.first()?;
        let node =
            route.segs().iter().try_fold(root, |node, seg| self.step(node, seg).map(|(_, below)| below))?;
        self.is_scalar(node).then(|| self.bytes(self.target(node)))
    }

    /// Whether exactly this node exists.
    pub(super) fn contains(&self, route: &Route) -> bool {
        let Some(root) = self.roots.first() else { return false };
        route
            .segs()
            .iter()
            .try_fold(*root, |node, seg| self.step(node, seg).map(|(_, below)| below))
            .is_some()
    }

    pub(super) fn bytes(&self, node: usize) -> Range<usize> {
        self.nodes.get(node).map_or(0..0, |n| n.span.clone())
    }

    /// A block that starts below its key, and a value left blank, are best shown by the key.
    fn part(&self, key: Option<usize>, node: usize, part: Part) -> Range<usize> {
        let value = self.bytes(node);
        let block = self.nodes.get(node).is_some_and(|n| n.block);
        match key {
            Some(key) if part == Part::Key || value.is_empty() || block => self.bytes(key),
            _ => value,
        }
    }

    fn step(&self, node: usize, seg: &Seg) -> Option<(Option<usize>, usize)> {
        match seg {
            Seg::Key(key) => self.entry(node, key, MERGE_DEPTH).map(|e| (Some(e.key_node), e.value)),
            Seg::Index(i) => match &self.nodes.get(self.target(node))?.kind {
                Kind::Seq(items) => items.get(*i).map(|item| (None, *item)),
                Kind::Scalar | Kind::Map(_) | Kind::Alias(_) => None,
            },
        }
    }

    fn entry(&self, node: usize, key: &str, depth: usize) -> Option<&Entry> {
        let Kind::Map(entries) = &self.nodes.get(self.target(node))?.kind else { return None };
        let at = |key: &str| {
            entries.get(entries.partition_point(|e| e.key.as_str() < key)).filter(|e| e.key == key)
        };
        if let Some(own) = at(key) {
            return Some(own);
        }
        let depth = depth.checked_sub(1)?;
        let merged = self.target(at("<<")?.value);
        match &self.nodes.get(merged)?.kind {
            Kind::Seq(items) => items.iter().find_map(|item| self.entry(*item, key, depth)),
            Kind::Map(_) => self.entry(merged, key, depth),
            Kind::Scalar | Kind::Alias(_) => None,
        }
    }

    fn target(&self, node: usize) -> usize {
        match self.nodes.get(node).map(|n| &n.kind) {
            Some(Kind::Alias(target)) => *target,
            _ => node,
        }
    }

    fn is_scalar(&self, node: usize) -> bool {
        matches!(self.nodes.get(self.target(node)).map(|n| &n.kind), Some(Kind::Scalar))
    }
}

/// Takes the nodes of a text in their order and makes the index of it.
///
/// Which scalar is a key and which a value follows from the nesting. All spans are bytes from the start of the text; an `anchor` of
/// zero means that the node has none.
#[derive(Default)]
pub struct IndexBuilder {
    index: RouteIndex,
    open: Vec<Open>,
    anchors: HashMap<usize, (usize, String)>,
}

struct Open {
    node: usize,
    /// The key whose value comes next.
    key: Option<(String, usize)>,
}

impl IndexBuilder {
    /// A scalar: its text after unescaping.
    pub fn scalar(&mut self, text: &str, span: Range<usize>, anchor: usize) {
        let node = self.push(span, Kind::Scalar);
        if anchor > 0 {
            self.anchors.insert(anchor, (node, text.to_owned()));
        }
        self.attach(node, text);
    }

    /// The start of a list.
    pub fn begin_list(&mut self, span: Range<usize>, anchor: usize) {
        self.begin(span, anchor, Kind::Seq(Vec::new()));
    }

    /// The start of a mapping.
    pub fn begin_map(&mut self, span: Range<usize>, anchor: usize) {
        self.begin(span, anchor, Kind::Map(Vec::new()));
    }

    /// The end of the list or mapping begun last.
    pub fn end(&mut self, span: &Range<usize>) {
        let Some(open) = self.open.pop() else { return };
        if let Some(node) = self.index.nodes.get_mut(open.node) {
            node.span.end = span.end.max(node.span.start);
            if let Kind::Map(entries) = &mut node.kind {
                entries.sort_by(|a, b| a.key.cmp(&b.key));
            }
        }
        self.attach(open.node, "");
    }

    /// An alias of an anchor that came before.
    pub fn alias(&mut self, anchor: usize, span: Range<usize>) {
        let (target, text) = self.anchors.get(&anchor).cloned().unwrap_or_default();
        let node = self.push(span, Kind::Alias(target));
        self.attach(node, &text);
    }

    /// The index. `complete` says that the whole text was taken in; otherwise places in it are unknown, and all that could be a
    /// secret is masked.
    pub fn finish(mut self, complete: bool) -> RouteIndex {
        self.index.complete = complete;
        if complete { self.index } else { RouteIndex::default() }
    }

    fn begin(&mut self, span: Range<usize>, anchor: usize, kind: Kind) {
        // The parser gives a bracket a place, and none to the start of a block.
        let block = span.is_empty();
        let node = self.push(span, kind);
        self.index.nodes[node].block = block;
        if anchor > 0 {
            self.anchors.insert(anchor, (node, String::new()));
        }
        self.open.push(Open { node, key: None });
    }

    fn push(&mut self, span: Range<usize>, kind: Kind) -> usize {
        self.index.nodes.push(Node { span, kind, block: false });
        self.index.nodes.len() - 1
    }

    /// Gives a finished node its place: a top, a list item, a key, or the value of the key before it.
    fn attach(&mut self, node: usize, text: &str) {
        let Some(open) = self.open.last_mut() else {
            self.index.roots.push(node);
            return;
        };
        match self.index.nodes.get_mut(open.node).map(|n| &mut n.kind) {
            Some(Kind::Seq(items)) => items.push(node),
            Some(Kind::Map(entries)) => match open.key.take() {
                Some((key, key_node)) => entries.push(Entry { key, key_node, value: node }),
                None => open.key = Some((text.to_owned(), node)),
            },
            _ => {}
        }
    }
}

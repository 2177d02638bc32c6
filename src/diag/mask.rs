//! What of a text must not be shown because it may be a secret: the settings of services, wherever they really stand.
//! Knows the few words of the file format that lead there, and errs on the side of hiding.

use std::{collections::HashSet, ops::Range};

use super::index::{Entry, Kind, RouteIndex};
use super::{mask_text, suggest};

/// Keys of our own `settings` section, which holds no secrets; other keys in it look like service settings that slipped to the left.
const OWN_SETTINGS: &[&str] = &["endpoint", "prune", "ignore", "protect", "max_deletes"];

/// What stands beside the settings of a service; other keys look like settings that slipped to the left.
const BESIDE_SETTINGS: &[&str] =
    &["type", "title", "external", "ensure", "protect", "renamed_from", "for_each"];

/// The bytes to be hidden, sorted and disjoint.
pub(super) fn ranges(text: &str, index: &RouteIndex) -> Vec<Range<usize>> {
    let found = if index.complete { Walk::over(text, index) } else { mask_text::ranges(text) };
    merged(found)
}

/// Sorts ranges and joins those that touch.
pub(super) fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|r| !r.is_empty());
    ranges.sort_by_key(|r| r.start);
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What a node is for, as far as hiding goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    /// The whole document.
    Top,
    /// The value of `defaults`.
    Defaults,
    /// Our own settings section.
    OwnSettings,
    /// The value of `services`: services by title.
    Services,
    /// One service.
    Service,
    /// A service's settings and all below.
    Secret,
    /// Anything else.
    Plain,
}

impl Role {
    /// The role of the value under a key of a node with this role.
    fn below(self, key: &str) -> Self {
        let settings = suggest(key, ["settings"]).is_some();
        match self {
            _ if key == "<<" => self,
            Role::Secret => Role::Secret,
            Role::Top if settings => Role::OwnSettings,
            Role::Top if key == "defaults" => Role::Defaults,
            Role::Top if suggest(key, ["services"]).is_some() => Role::Services,
            Role::Defaults if key == "services" => Role::Service,
            Role::OwnSettings if !OWN_SETTINGS.contains(&key) => Role::Secret,
            Role::Services => Role::Service,
            Role::Service if settings || suggest(key, BESIDE_SETTINGS.iter().copied()).is_none() => {
                Role::Secret
            }
            Role::Plain | Role::Defaults if settings => Role::Secret,
            _ => Role::Plain,
        }
    }
}

struct Walk<'a> {
    text: &'a str,
    index: &'a RouteIndex,
    todo: Vec<(usize, Role)>,
    found: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    /// Goes through the tree without recursion, since nesting is the author's choice, and visits a node once per role, since
    /// aliases may make of a small text a very large tree.
    fn over(text: &'a str, index: &'a RouteIndex) -> Vec<Range<usize>> {
        let todo = index.roots.iter().map(|root| (*root, Role::Top)).collect();
        let mut walk = Walk { text, index, todo, found: Vec::new() };
        let mut seen = HashSet::new();
        while let Some((node, role)) = walk.todo.pop() {
            if seen.insert((node, role)) {
                walk.visit(node, role);
            }
        }
        walk.found
    }

    fn visit(&mut self, node: usize, role: Role) {
        let index = self.index;
        let Some(here) = index.nodes.get(node) else { return };
        if role == Role::Secret && !matches!(here.kind, Kind::Alias(_)) {
            self.hide_comments(&here.span);
        }
        match &here.kind {
            Kind::Scalar if role == Role::Secret => self.found.push(here.span.clone()),
            Kind::Scalar => {}
            Kind::Alias(target) => self.todo.push((*target, role)),
            Kind::Seq(items) => self.todo.extend(items.iter().map(|item| (*item, role))),
            Kind::Map(entries) => {
                for entry in entries {
                    self.visit_entry(entry, role);
                }
            }
        }
    }

    fn visit_entry(&mut self, entry: &Entry, role: Role) {
        let index = self.index;
        let below = role.below(&entry.key);
        self.todo.push((entry.value, below));
        if below != Role::Secret {
            return;
        }
        // `{url:SECRET}` without a blank after the colon is a key without a value, and so is a stray word between braces.
        let key = index.bytes(entry.key_node);
        let blank = index.bytes(entry.value).is_empty()
            && !self.text.get(key.end..).is_some_and(|t| t.starts_with(':'));
        let odd = !matches!(index.nodes.get(entry.key_node).map(|n| &n.kind), Some(Kind::Scalar));
        if blank || odd {
            self.todo.push((entry.key_node, Role::Secret));
        }
    }

    /// A setting that was commented out is still a secret.
    fn hide_comments(&mut self, region: &Range<usize>) {
        let rest = self.text.get(region.end..).unwrap_or_default();
        let end = region.end + rest.find('\n').unwrap_or(rest.len());
        let Some(text) = self.text.get(region.start..end) else { return };
        let mut from = region.start;
        for line in text.split_inclusive('\n') {
            let start = line.char_indices().zip(std::iter::once(' ').chain(line.chars()));
            if let Some(((at, _), _)) =
                start.into_iter().find(|((_, c), before)| *c == '#' && before.is_whitespace())
            {
                self.found.push(from + at..from + line.trim_end().len());
            }
            from += line.len();
        }
    }
}

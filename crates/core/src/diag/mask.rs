//! What of a text must not be shown because it may be a secret: the settings of services, wherever they really stand.
//! Knows the few words of the file format that lead there, and errs on the side of hiding.

use std::{collections::HashSet, ops::Range};

use super::index::{Entry, Kind, RouteIndex};
use super::{harmless_settings, mask_text, suggest};

/// The sections of a document; what stands beside them and resembles none may be anything that slipped to the left.
const SECTIONS: &[&str] = &[
    "settings",
    "vars",
    "defaults",
    "metrics",
    "composites",
    "annotations",
    "services",
    "alerts",
    "spaces",
    "charts",
    "tests",
];

/// Keys of our own `settings` section, which holds no secrets; other keys in it look like service settings that slipped to the left.
const OWN_SETTINGS: &[&str] = &["endpoint", "prune", "ignore", "exclude", "protect", "max_deletes"];

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
    Service,
    /// The settings of a service, of which these are harmless.
    Settings(&'static [&'static str]),
    /// A setting that is harmless, unless it took in what does not belong to it.
    Harmless,
    /// What may be a secret, and all below.
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
            Role::Settings(harmless) if harmless.contains(&key) => Role::Harmless,
            Role::Secret | Role::Settings(_) | Role::Harmless => Role::Secret,
            Role::Top if settings => Role::OwnSettings,
            Role::Top if key == "defaults" => Role::Defaults,
            Role::Top if suggest(key, ["services"]).is_some() => Role::Services,
            Role::Top if !key.starts_with("x-") && suggest(key, SECTIONS.iter().copied()).is_none() => {
                Role::Secret
            }
            Role::Defaults if key == "services" => Role::Service,
            Role::OwnSettings if !OWN_SETTINGS.contains(&key) => Role::Secret,
            Role::Services => Role::Service,
            Role::Service if settings || suggest(key, BESIDE_SETTINGS.iter().copied()).is_none() => {
                Role::Secret
            }
            Role::Defaults if suggest(key, SECTIONS.iter().copied()).is_none() => Role::Secret,
            Role::Plain | Role::Defaults if settings => Role::Secret,
            _ => Role::Plain,
        }
    }
}

impl Role {
    /// The role of a node of this kind: where a mapping belongs, a scalar or a list is a value that slipped in.
    fn of(self, kind: &Kind) -> Self {
        match (self, kind) {
            (
                Role::OwnSettings | Role::Services | Role::Service | Role::Settings(_),
                Kind::Scalar | Kind::Seq(_),
            ) => Role::Secret,
            (Role::Harmless, Kind::Map(_)) => Role::Secret,
            _ => self,
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
        let mut walk = Walk { text, index, todo, found: comments(text) };
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
        let role = role.of(&here.kind);
        if !matches!(role, Role::Top | Role::Defaults | Role::Plain) {
            self.hide_properties(here.span.start);
        }
        match &here.kind {
            Kind::Scalar if self.is_hidden(role, &here.span) => {
                self.found.push(here.span.clone());
            }
            Kind::Scalar => {}
            Kind::Alias(target) => self.todo.push((*target, role)),
            Kind::Seq(items) => self.todo.extend(items.iter().map(|item| (*item, role))),
            Kind::Map(entries) => {
                let harmless = if role == Role::Service { self.harmless(entries) } else { &[] };
                for entry in entries {
                    self.visit_entry(entry, role, harmless);
                }
            }
        }
    }

    fn visit_entry(&mut self, entry: &Entry, role: Role, harmless: &'static [&'static str]) {
        let index = self.index;
        let below = match role.below(&entry.key) {
            Role::Secret if entry.key == "settings" && !harmless.is_empty() => Role::Settings(harmless),
            below => below,
        };
        self.todo.push((entry.value, below));
        if !matches!(self.index.nodes.get(entry.key_node).map(|n| &n.kind), Some(Kind::Scalar)) {
            // One stray `? ` makes a key of all that follows.
            self.todo.push((entry.key_node, role));
        }
        // An object that stands too far left is named in the message.
        let is_map = matches!(index.nodes.get(entry.value).map(|n| &n.kind), Some(Kind::Map(_)));
        if below != Role::Secret || role == Role::Top && is_map && mask_text::is_name(&entry.key) {
            return;
        }
        // `{url:SECRET}` without a blank after the colon is a key without a value, and so is a stray word between braces; a broken
        // block scalar turns its lines into keys.
        let key = index.bytes(entry.key_node);
        let rest = self.text.get(key.end..).unwrap_or_default();
        let blank = index.bytes(entry.value).is_empty() && !rest.starts_with(':');
        if blank || !mask_text::is_word(&entry.key) {
            self.todo.push((entry.key_node, Role::Secret));
        }
    }

    fn is_hidden(&self, role: Role, span: &Range<usize>) -> bool {
        match role {
            Role::Secret => !self.text.get(span.clone()).is_some_and(is_reference),
            Role::Harmless => !self.text.get(span.clone()).is_some_and(is_plain),
            _ => self.swallows_settings(span),
        }
    }

    /// The harmless settings of a service with these entries, which say once and in plain words of which type it is.
    fn harmless(&self, entries: &[Entry]) -> &'static [&'static str] {
        let mut types = entries.iter().filter(|entry| entry.key == "type");
        let (Some(only), None) = (types.next(), types.next()) else { return &[] };
        let scalar = self.index.nodes.get(only.value).filter(|node| matches!(node.kind, Kind::Scalar));
        let text = scalar.and_then(|node| self.text.get(node.span.clone())).unwrap_or_default();
        harmless_settings(text.trim().trim_matches(['"', '\'']))
    }

    /// Whether it is a string that was closed too late and took in what follows it.
    fn swallows_settings(&self, span: &Range<usize>) -> bool {
        self.text.get(span.clone()).is_some_and(|text| text.contains('\n') && text.contains("setting"))
    }

    /// A password that begins with `!` or `&` is read as the tag or the anchor of what follows.
    fn hide_properties(&mut self, mut start: usize) {
        while let Some(before) = self.text.get(..start).map(str::trim_end) {
            let token = before.trim_end_matches(|c: char| !c.is_whitespace() && !"[{,".contains(c)).len();
            if !before[token..].starts_with(['!', '&']) {
                break;
            }
            self.found.push(token..before.len());
            start = token;
        }
    }
}

/// Whether a harmless value is surely nothing else: one line without what could begin another key or value.
fn is_plain(text: &str) -> bool {
    unquoted(text).chars().all(|c| c.is_alphanumeric() || " _-.@,/+".contains(c))
}

/// Whether a value is one reference and nothing else: it says where a secret is, and messages name it too. What a shell would take for
/// one (`$NAME`) is none, and may be a password.
fn is_reference(text: &str) -> bool {
    let path = unquoted(text).strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    path.and_then(|path| path.split_once('.')).is_some_and(|(space, name)| {
        matches!(space, "secret" | "env" | "var")
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn unquoted(text: &str) -> &str {
    let inner = text.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| inner.strip_prefix(quote)?.strip_suffix(quote));
    quoted.unwrap_or(inner)
}

/// A setting that was commented out is still a secret, wherever the line stands now. Takes every `#` for the start of a comment.
fn comments(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    if !lower.contains("setting") && !lower.contains("service") {
        return found;
    }
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let before = std::iter::once(' ').chain(line.chars());
        let hash =
            line.char_indices().zip(before).find(|((_, c), before)| *c == '#' && before.is_whitespace());
        if let Some(((at, _), _)) = hash {
            found.push(from + at..from + line.trim_end().len());
        }
        from += line.len();
    }
    found
}

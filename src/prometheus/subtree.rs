//! Our part of a configuration of Alertmanager that belongs to others: one route and its receivers, between comments by which they are found
//! again. All else stays byte for byte as it is, for comments live in it; what cannot be placed like that is refused. Works on the text, and
//! holds what it did to it against what YAML reads of it. Knows nothing of alerts.

use serde_json::Value;

/// What is told of no one in our part goes to the receiver of this title.
pub const NOBODY: &str = "none";

/// What is put into a configuration, each line without its indentation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subtree {
    /// The item of `routes` that is ours.
    pub route: Vec<String>,
    /// The items of `receivers`.
    pub receivers: Vec<String>,
}

/// The name of a receiver of an owner.
pub fn receiver_of(owner: &str, title: &str) -> String {
    format!("librato/{owner}/{title}")
}

/// The configuration with ours in it, in place of what was ours.
///
/// # Errors
/// In words that repeat nothing of it: why it cannot be placed, or what stands elsewhere and claims what is ours.
pub fn placed(text: &str, owner: &str, ours: &Subtree) -> Result<String, String> {
    unclaimed(text, owner)?;
    let with = insert(text, owner, Part::Routes, &ours.route)?;
    let with = insert(&with, owner, Part::Receivers, &ours.receivers)?;
    // What was meant is what it means now, and the rest means what it meant.
    let before = parsed(&without(text, owner)?)?;
    let wanted = (items(&ours.route)?, items(&ours.receivers)?);
    let is_meant = || {
        let after = parsed(&without(&with, owner)?)?;
        Ok::<_, String>(plain(before) == plain(after) && own(&parsed(&with)?, owner) == wanted)
    };
    match is_meant() {
        Ok(true) => Ok(with),
        _ => Err("its layout leaves no place where routes and receivers could be put".to_owned()),
    }
}

/// Our routes and receivers in a configuration.
///
/// # Errors
/// In words, where it cannot be read, or what stands elsewhere claims what is ours.
pub fn found(text: &str, owner: &str) -> Result<(Vec<Value>, Vec<Value>), String> {
    unclaimed(text, owner)?;
    Ok(own(&parsed(text)?, owner))
}

/// The lines between the comments around our receivers.
///
/// # Errors
/// Where the comments do not stand in pairs.
pub fn receivers<'t>(text: &'t str, owner: &str) -> Result<Vec<&'t str>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let range = between(&lines, owner, Part::Receivers)?;
    Ok(range.map_or_else(Vec::new, |(begin, end)| lines[begin + 1..end].to_vec()))
}

/// That nothing outside of our part claims what is ours.
fn unclaimed(text: &str, owner: &str) -> Result<(), String> {
    let rest = parsed(&without(text, owner)?)?;
    let (routes, receivers) = own(&rest, owner);
    if !routes.is_empty() {
        return Err(format!("a route of somebody else matches {}", matcher(owner)));
    }
    if let Some(foreign) = receivers.first() {
        let name = foreign["name"].as_str().unwrap_or_default();
        return Err(format!("a receiver of somebody else is called {name}"));
    }
    Ok(())
}

/// What has our name or looks at our label.
pub fn own(config: &Value, owner: &str) -> (Vec<Value>, Vec<Value>) {
    let prefix = receiver_of(owner, "");
    let is_ours = |one: &&Value| one["name"].as_str().is_some_and(|name| name.starts_with(&prefix));
    let receivers = config["receivers"].as_array().into_iter().flatten().filter(is_ours);
    let route = find_route(&config["route"], &matcher(owner));
    (route.into_iter().cloned().collect(), receivers.cloned().collect())
}

fn items(lines: &[String]) -> Result<Vec<Value>, String> {
    let items = parsed(&lines.join("\n"))?;
    Ok(items.as_array().cloned().unwrap_or_default())
}

/// The two places.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Routes,
    Receivers,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::Receivers => "receivers",
        }
    }

    fn begin(self, owner: &str) -> String {
        format!("# librato-apply {owner}: {}, do not edit", self.word())
    }

    fn end(self, owner: &str) -> String {
        format!("# librato-apply {owner}: end of {}", self.word())
    }
}

/// Lists that only held our part may be missing without it.
fn plain(mut config: Value) -> Value {
    if config["route"]["routes"].is_null()
        && let Some(route) = config["route"].as_object_mut()
    {
        route.shift_remove("routes");
    }
    config
}

/// What our route looks at.
pub fn matcher(owner: &str) -> String {
    format!("librato_apply=\"{owner}\"")
}

fn parsed(text: &str) -> Result<Value, String> {
    // Messages of the reader show what stands in the text.
    serde_yaml::from_str(text).map_err(|_| "the configuration is not YAML that can be read".to_owned())
}

fn find_route<'v>(route: &'v Value, matcher: &str) -> Option<&'v Value> {
    let owner = matcher.split('"').nth(1).unwrap_or_default();
    let matchers = route["matchers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '"').collect::<String>();
    let old = route["match"]["librato_apply"] == *owner;
    if old || matchers.into_iter().any(|own| plain(own) == plain(matcher)) {
        return Some(route);
    }
    route["routes"].as_array()?.iter().find_map(|below| find_route(below, matcher))
}

/// The numbers of the lines between the comments, if there are any.
fn between(lines: &[&str], owner: &str, part: Part) -> Result<Option<(usize, usize)>, String> {
    let at = |wanted: &str| -> Vec<usize> {
        lines.iter().enumerate().filter(|(_, line)| line.trim() == wanted).map(|(at, _)| at).collect()
    };
    match (at(&part.begin(owner)).as_slice(), at(&part.end(owner)).as_slice()) {
        ([], []) => Ok(None),
        ([begin], [end]) if begin < end => Ok(Some((*begin, *end))),
        _ => Err(format!(
            "the comments `{}` and `{}` do not stand in pairs",
            part.begin(owner),
            part.end(owner)
        )),
    }
}

/// The text without our part.
pub fn without(text: &str, owner: &str) -> Result<String, String> {
    let mut lines: Vec<&str> = text.lines().collect();
    for part in [Part::Routes, Part::Receivers] {
        if let Some((begin, end)) = between(&lines, owner, part)? {
            lines.drain(begin..=end);
        }
    }
    Ok(lines.join("\n") + "\n")
}

/// The text with these lines as one part of ours: where it was, else at the beginning of the list that it belongs to.
fn insert(text: &str, owner: &str, part: Part, new: &[String]) -> Result<String, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let bare: Vec<&str> = lines.iter().map(|line| line.trim_end_matches(['\n', '\r'])).collect();
    let (range, indent, ahead) = match between(&bare, owner, part)? {
        Some((begin, end)) => (begin..end + 1, indent_of(bare[begin]), None),
        None => {
            let (at, indent, ahead) = place(&bare, part).ok_or_else(|| {
                format!("it has no list of {} in block style, with an item on each line", part.word())
            })?;
            (at..at, indent, ahead)
        }
    };
    let mut out: String = lines[..range.start].concat();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let pad = " ".repeat(indent);
    out.extend(ahead);
    for line in std::iter::once(&part.begin(owner)).chain(new).chain(std::iter::once(&part.end(owner))) {
        out += &format!("{pad}{line}\n");
    }
    out += &lines[range.end..].concat();
    Ok(out)
}

/// Before which line a part goes, how far it is indented, and a line that has to stand before it.
fn place(lines: &[&str], part: Part) -> Option<(usize, usize, Option<String>)> {
    let is_key = |line: &str, key: &str| {
        line.trim_start().strip_prefix(key).and_then(|rest| rest.strip_prefix(':')).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with('#')
        })
    };
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let next = |from: usize| (from..lines.len()).find(|at| !blank(lines[*at]));
    let item = |at: usize, least: usize| {
        let line = lines[at];
        (line.trim_start().starts_with('-') && indent_of(line) >= least).then(|| (at, indent_of(line), None))
    };
    let top = |key: &str| lines.iter().position(|line| indent_of(line) == 0 && is_key(line, key));
    if part == Part::Receivers {
        return item(next(top("receivers")? + 1)?, 0);
    }
    let route = top("route")?;
    let child = indent_of(lines[next(route + 1)?]);
    if child == 0 {
        return None;
    }
    let end = (route + 1..lines.len()).find(|at| !blank(lines[*at]) && indent_of(lines[*at]) < child);
    let mut inside = route + 1..end.unwrap_or(lines.len());
    match inside.find(|at| indent_of(lines[*at]) == child && is_key(lines[*at], "routes")) {
        Some(routes) => item(next(routes + 1)?, child),
        None => Some((route + 1, child + 2, Some(format!("{}routes:\n", " ".repeat(child))))),
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "# the whole company\nglobal:\n  smtp_from: a@example.org # ours\nroute: # first things first\n  receiver: desk\n  \
        # by team\n  routes:\n    # the platform\n    - matchers: [team=\"platform\"]\n      receiver: desk\n\n# who is told\nreceivers:\n- name: desk # a desk\n  \
        webhook_configs: [{ url: 'http://canary.example.org' }]\n\n# the end\ninhibit_rules: []\n";

    fn ours(receivers: &[&str]) -> Subtree {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let route = lines("- matchers: ['librato_apply=\"shop\"']\n  receiver: librato/shop/none");
        let receiver = |title: &&str| {
            lines(&format!("- name: {}\n  webhook_configs:\n    - url_file: a", receiver_of("shop", title)))
        };
        Subtree { route, receivers: receivers.iter().flat_map(receiver).collect() }
    }

    /// The lines that are in the second text only; those of the first are all in it, in their order.
    fn added(before: &str, after: &str) -> Vec<String> {
        let mut left = before.lines().peekable();
        let new = after.lines().filter(|line| left.next_if_eq(line).is_none()).map(str::to_owned).collect();
        assert_eq!(left.next(), None, "gone");
        new
    }

    #[test]
    fn what_is_not_ours_stays_as_it_is() {
        let once = placed(BASE, "shop", &ours(&["none", "pager"])).unwrap();
        let new = added(BASE, &once);
        assert_eq!(new[0], "    # librato-apply shop: routes, do not edit");
        assert_eq!(new[1], "    - matchers: ['librato_apply=\"shop\"']");
        assert_eq!(
            placed(&once, "shop", &ours(&["none", "pager"])).unwrap(),
            once,
            "a second time changes nothing"
        );
        let less = placed(&once, "shop", &ours(&["none"])).unwrap();
        added(BASE, &less);
        assert!(!less.contains("shop/pager"), "{less}");
        assert_eq!(without(&once, "shop").unwrap(), BASE);
        // A second owner finds room beside the first.
        let web = Subtree {
            route: vec![
                "- matchers: ['librato_apply=\"web\"']".into(),
                "  receiver: librato/web/none".into(),
            ],
            receivers: vec!["- name: librato/web/none".into()],
        };
        let both = placed(&once, "web", &web).unwrap();
        added(&once, &both);
        assert_eq!(found(&both, "shop"), found(&once, "shop"));
        assert_eq!(without(&without(&both, "web").unwrap(), "shop").unwrap(), BASE);
    }

    #[test]
    fn a_part_that_was_moved_to_another_place_stays_there() {
        let once = placed(BASE, "shop", &ours(&["none"])).unwrap();
        let is_route = |line: &str| line.contains("shop: routes");
        let block: String = once.split_inclusive('\n').skip_while(|line| !is_route(line)).take(4).collect();
        let below = "      receiver: desk\n";
        let nested = block.replace("    ", "        ");
        let moved = once.replace(&block, "").replace(below, &format!("{below}      routes:\n{nested}"));
        let again = placed(&moved, "shop", &ours(&["none"])).unwrap();
        assert_eq!(again, moved);
    }

    #[test]
    fn a_route_without_others_gets_some() {
        let base = "receivers:\n  - name: desk\nroute:\n  receiver: desk\n# end\n";
        let text = placed(base, "shop", &ours(&["none"])).unwrap();
        assert_eq!(
            text,
            "receivers:\n  # librato-apply shop: receivers, do not edit\n  - name: librato/shop/none\n    webhook_configs:\n      - url_file: a\n  \
             # librato-apply shop: end of receivers\n  - name: desk\nroute:\n  routes:\n    # librato-apply shop: routes, do not edit\n    \
             - matchers: ['librato_apply=\"shop\"']\n      receiver: librato/shop/none\n    # librato-apply shop: end of routes\n  receiver: desk\n# end\n"
        );
    }

    #[test]
    fn what_cannot_be_placed_or_is_claimed_by_others_is_refused_without_a_word_of_it() {
        let claimed = BASE.replace("team=\"platform\"", "librato_apply=\"shop\"");
        let old = BASE.replace("matchers: [team=\"platform\"]", "match: { librato_apply: shop }");
        let called = BASE.replace("name: desk", "name: librato/shop/own");
        let odd = "# librato-apply shop: routes, do not edit\n".to_owned() + BASE;
        let flow = "route: {receiver: base}\nreceivers: [{name: base, x: canary}]\n".to_owned();
        let lists =
            "route:\n  receiver: d\n  routes: [{receiver: d}]\nreceivers:\n  - name: d # canary\n".to_owned();
        for (text, why) in [
            (claimed, "a route of somebody else matches librato_apply=\"shop\""),
            (old, "a route of somebody else matches"),
            (called, "a receiver of somebody else is called librato/shop/own"),
            (odd, "do not stand in pairs"),
            (flow, "no list of routes in block style"),
            (lists, "no place"),
            ("route: [".to_owned(), "not YAML"),
        ] {
            let error = placed(&text, "shop", &ours(&["none"])).unwrap_err();
            assert!(error.contains(why) && !error.contains("canary"), "{text}: {error}");
        }
    }
}

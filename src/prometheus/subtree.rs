//! Our route and receivers inside a configuration of Alertmanager that belongs to someone else, as text: whatever is not ours stays as
//! it is, comments too. Knows nothing of alerts; what it does to the text is held against what YAML reads of it before it is given out.

use serde_json::Value;

/// What is put into a configuration.
#[derive(Debug, Clone, Copy)]
pub struct Subtree<'a> {
    /// Whose it is.
    pub owner: &'a str,
    /// The item of `route.routes`, from its dash on, without indentation.
    pub route: &'a str,
    /// The items of `receivers`, likewise.
    pub receivers: &'a str,
}

/// What all our receivers begin with.
const PREFIX: &str = "librato/";

/// The configuration with ours in it, in place of what was ours.
///
/// # Errors
/// Why it cannot be placed.
pub fn placed(base: &str, ours: &Subtree<'_>) -> Result<String, String> {
    let before = read(base)?;
    let lines: Vec<&str> = base.lines().collect();
    let root = Block { first: 0, end: lines.len(), indent: 0 };
    let receivers =
        root.child(&lines, "receivers").ok_or("it has no `receivers`, each below its own dash")?;
    let route = root.child(&lines, "route").ok_or("it has no `route`")?;
    let routes = route.child(&lines, "routes");

    let mut edits: Vec<Edit> = Vec::new();
    let items = receivers.items(&lines);
    let names = before["receivers"].as_array().map_or(&[][..], Vec::as_slice);
    let is_ours = |receiver: &Value| receiver["name"].as_str().is_some_and(|name| name.starts_with(PREFIX));
    let indent = match items.first() {
        Some(first) => first.indent,
        None => return Err("its `receivers` are not written below each other".to_owned()),
    };
    if items.len() != names.len() {
        return Err("its `receivers` are not written below each other".to_owned());
    }
    edits.extend(items.iter().zip(names).filter(|(_, name)| is_ours(name)).map(|(item, _)| Edit::gone(item)));
    edits.push(Edit {
        first: receivers.content_end(&lines),
        end: receivers.content_end(&lines),
        text: indented(ours.receivers, indent),
    });

    match routes {
        Some(routes) => {
            let items = routes.items(&lines);
            let read = before["route"]["routes"].as_array().map_or(&[][..], Vec::as_slice);
            let Some(first) = items.first().filter(|_| items.len() == read.len()) else {
                return Err("its `routes` are not written below each other".to_owned());
            };
            let mine = items.iter().zip(read).filter(|(_, route)| is_of(route, ours.owner));
            edits.extend(mine.map(|(item, _)| Edit::gone(item)));
            edits.push(Edit {
                first: first.first,
                end: first.first,
                text: indented(ours.route, first.indent),
            });
        }
        None => {
            let indent = route.inner(&lines).ok_or("its `route` is not written below its key")?;
            let text = format!("{}routes:\n{}", " ".repeat(indent), indented(ours.route, indent + 2));
            let end = route.content_end(&lines);
            edits.push(Edit { first: end, end, text });
        }
    }
    let text = edited(&lines, edits);
    verified(&before, &text, ours)?;
    Ok(text)
}

fn read(text: &str) -> Result<Value, String> {
    serde_yaml::from_str(text).map_err(|_| "it is no YAML that can be read".to_owned())
}

/// Whether a route takes the alerts of an owner.
fn is_of(route: &Value, owner: &str) -> bool {
    let wanted = format!("librato_apply=\"{owner}\"");
    let plain = format!("librato_apply={owner}");
    let matchers = route["matchers"].as_array().into_iter().flatten();
    let mut matchers = matchers.filter_map(Value::as_str).map(|text| text.replace(' ', ""));
    matchers.any(|matcher| matcher == wanted || matcher == plain)
}

/// Whether a route, or one below it, looks at the label of any owner.
fn looks_at_owners(route: &Value) -> bool {
    let keys = ["matchers", "match", "match_re"];
    keys.iter().any(|key| route[*key].to_string().contains("librato_apply"))
        || route["routes"].as_array().into_iter().flatten().any(looks_at_owners)
}

/// Takes what is ours out of what was read, and gives it back.
fn apart(config: &mut Value, owner: &str) -> (Vec<Value>, Vec<Value>) {
    let mut out = |pointer: &str, ours: &dyn Fn(&Value) -> bool| {
        let Some(list) = config.pointer_mut(pointer).and_then(Value::as_array_mut) else { return Vec::new() };
        let (mine, others) = std::mem::take(list).into_iter().partition(|item| ours(item));
        *list = others;
        mine
    };
    let receivers =
        out("/receivers", &|one| one["name"].as_str().is_some_and(|name| name.starts_with(PREFIX)));
    let routes = out("/route/routes", &|route| is_of(route, owner));
    if config.pointer("/route/routes").is_some_and(|routes| routes.as_array().is_some_and(Vec::is_empty))
        && let Some(route) = config["route"].as_object_mut()
    {
        route.shift_remove("routes");
    }
    (routes, receivers)
}

/// Holds the text against what was there: the others' part is as it was, and ours is what it should be.
fn verified(before: &Value, text: &str, ours: &Subtree<'_>) -> Result<(), String> {
    let unplaced = || "it is written in a form in which nothing can be placed for sure".to_owned();
    let (mut before, mut after) = (before.clone(), read(text).map_err(|_| unplaced())?);
    apart(&mut before, ours.owner);
    let (routes, receivers) = apart(&mut after, ours.owner);
    if looks_at_owners(&before["route"]) {
        return Err("a route of its own looks at the label `librato_apply`".to_owned());
    }
    let expected = |text: &str| read(text).map_err(|_| unplaced());
    let ours = (expected(ours.route)?, expected(ours.receivers)?);
    if before == after && Value::from(routes) == ours.0 && Value::from(receivers) == ours.1 {
        return Ok(());
    }
    Err(unplaced())
}

/// Some lines, those of one key or one item.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: usize,
    /// The one behind the last.
    end: usize,
    /// Of its key or dash.
    indent: usize,
}

impl Block {
    /// The lines below a key right inside it.
    fn child(&self, lines: &[&str], key: &str) -> Option<Block> {
        let indent = if self.first == 0 && self.indent == 0 && self.end == lines.len() {
            0
        } else {
            self.inner(lines)?
        };
        let is_key = |line: &str| {
            let rest = line.get(indent..).and_then(|rest| rest.strip_prefix(key)?.strip_prefix(':'));
            indent_of(line) == Some(indent) && rest.is_some_and(|rest| is_empty(rest.trim_start()))
        };
        let start = (self.first..self.end).find(|at| is_key(lines[*at]))?;
        let ends = |line: &str| {
            let at = indent_of(line);
            // The items of a list may stand as far in as its key.
            at.is_some_and(|at| at < indent || at == indent && !line[indent..].starts_with('-'))
        };
        let end = (start + 1..self.end).find(|at| ends(lines[*at])).unwrap_or(self.end);
        Some(Block { first: start + 1, end, indent })
    }

    /// How far in its own keys stand.
    fn inner(&self, lines: &[&str]) -> Option<usize> {
        lines[self.first..self.end].iter().find_map(|line| indent_of(line))
    }

    /// The items of the list that it is, each from its dash on.
    fn items(&self, lines: &[&str]) -> Vec<Block> {
        let Some(indent) = self.inner(lines) else { return Vec::new() };
        let is_item = |at: &usize| {
            let line = lines[*at];
            indent_of(line) == Some(indent) && line[indent..].starts_with("- ")
        };
        let starts: Vec<usize> = (self.first..self.end).filter(is_item).collect();
        let ends = starts.iter().skip(1).copied().chain([self.end]);
        starts.iter().zip(ends).map(|(first, end)| Block { first: *first, end, indent }).collect()
    }

    /// The line behind the last one that says something: comments at the end belong to what follows.
    fn content_end(&self, lines: &[&str]) -> usize {
        (self.first..self.end)
            .rev()
            .find(|at| indent_of(lines[*at]).is_some())
            .map_or(self.first, |at| at + 1)
    }
}

/// How far in a line stands that is neither empty nor a comment.
fn indent_of(line: &str) -> Option<usize> {
    let text = line.trim_start_matches(' ');
    (!is_empty(text)).then(|| line.len() - text.len())
}

fn is_empty(text: &str) -> bool {
    text.trim().is_empty() || text.starts_with('#')
}

/// Lines that are replaced by others.
struct Edit {
    first: usize,
    end: usize,
    text: String,
}

impl Edit {
    /// An item goes; comments behind it belong to what follows.
    fn gone(item: &Block) -> Edit {
        Edit { first: item.first, end: item.end, text: String::new() }
    }
}

fn edited(lines: &[&str], mut edits: Vec<Edit>) -> String {
    for edit in edits.iter_mut().filter(|edit| edit.first < edit.end) {
        while edit.end > edit.first + 1 && indent_of(lines[edit.end - 1]).is_none() {
            edit.end -= 1;
        }
    }
    let mut out = String::new();
    for at in 0..=lines.len() {
        edits.iter().filter(|edit| edit.first == at).for_each(|edit| out += &edit.text);
        if let Some(line) =
            lines.get(at).filter(|_| !edits.iter().any(|edit| (edit.first..edit.end).contains(&at)))
        {
            out += line;
            out.push('\n');
        }
    }
    out
}

fn indented(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    text.lines().map(|line| format!("{pad}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Subtree<'_> = Subtree {
        owner: "shop",
        route: "- matchers: ['librato_apply=\"shop\"']\n  receiver: librato/none\n",
        receivers: "- name: librato/none\n- name: librato/pager\n  webhook_configs:\n    - url_file: a\n",
    };

    const BASE: &str = "# the whole company\nglobal:\n  smtp_from: a@example.org # ours\nroute: # first things first\n  receiver: desk\n  \
        # by team\n  routes:\n    # the platform\n    - matchers: [team=\"platform\"]\n      receiver: desk\n\n# who is told\nreceivers:\n- name: desk # a desk\n  \
        webhook_configs: [{ url: 'http://canary.example.org' }]\n\n# the end\ninhibit_rules: []\n";

    #[test]
    fn what_is_not_ours_stays_as_it_is() {
        let text = placed(BASE, &OURS).unwrap();
        let expected = BASE
            .replace(
                "    - matchers: [team",
                "    - matchers: ['librato_apply=\"shop\"']\n      receiver: librato/none\n    - matchers: [team",
            )
            .replace(
                "\n\n# the end",
                "\n- name: librato/none\n- name: librato/pager\n  webhook_configs:\n    - url_file: a\n\n# the end",
            );
        assert_eq!(text, expected);
        assert_eq!(placed(&text, &OURS).unwrap(), text, "a second time changes nothing");
        let other = Subtree { receivers: "- name: librato/none\n", ..OURS };
        let less = placed(&text, &other).unwrap();
        assert!(!less.contains("librato/pager") && less.contains("# the end") && less.contains("# by team"));
    }

    #[test]
    fn a_route_without_others_gets_some() {
        let base = "receivers:\n  - name: desk\nroute:\n  receiver: desk\n# end\n";
        assert_eq!(
            placed(base, &OURS).unwrap(),
            "receivers:\n  - name: desk\n  - name: librato/none\n  - name: librato/pager\n    webhook_configs:\n      - url_file: a\n\
             route:\n  receiver: desk\n  routes:\n    - matchers: ['librato_apply=\"shop\"']\n      receiver: librato/none\n# end\n"
        );
    }

    #[test]
    fn where_nothing_can_be_placed_it_is_said() {
        for (base, expected) in [
            ("a: [", "no YAML"),
            ("route: { receiver: desk }\nreceivers:\n  - name: desk\n", "no `route`"),
            ("route:\n  receiver: desk\nreceivers: [{ name: desk }]\n", "no `receivers`"),
            (
                "route:\n  receiver: desk\n  routes: [{ receiver: desk }]\nreceivers:\n  - name: desk\n",
                "nothing can be placed",
            ),
            (
                "route:\n  receiver: desk\n  routes:\n    - match_re: { librato_apply: '.*' }\nreceivers:\n  - name: desk\n",
                "looks at the label",
            ),
        ] {
            let why = placed(base, &OURS).unwrap_err();
            assert!(why.contains(expected), "{base}: {why}");
        }
    }
}

//! Our part of a configuration of Alertmanager: one route and its receivers, between comments by which they are found again. All else stays
//! byte for byte as it is, for comments live in it; what cannot be placed like that is refused. Works on the text; sends nothing.

use serde_json::{Map, Value, json};

/// What is told of no one in our subtree goes to the receiver of this title.
const NOBODY: &str = "none";

/// A configuration that has nothing but what every one needs.
const BARE: &str = "route:\n  receiver: none\nreceivers:\n  - name: none\n";

/// One of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    /// The title of the service.
    pub title: String,
    /// As it stands in the list.
    pub value: Value,
    /// What it was made of, on one line; without secrets.
    pub definition: String,
}

/// Our part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subtree {
    /// The routes below our own.
    pub routes: Vec<Value>,
    /// The receivers, but for that of no one.
    pub receivers: Vec<Receiver>,
}

/// The name of a receiver of an owner.
pub fn receiver_of(owner: &str, title: &str) -> String {
    format!("librato/{owner}/{title}")
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

/// Reads our part of a configuration.
///
/// # Errors
/// In words, where it cannot be read, or what stands elsewhere claims what is ours.
pub fn read(text: &str, owner: &str) -> Result<Subtree, String> {
    let config = parsed(text)?;
    let rest = parsed(&without(text, owner)?)?;
    let own = matcher(owner);
    if find_route(&rest["route"], &own).is_some() {
        return Err(format!("a route of somebody else matches {own}"));
    }
    let prefix = receiver_of(owner, "");
    let name = |receiver: &Value| receiver["name"].as_str().unwrap_or_default().to_owned();
    let all = |config: &Value| config["receivers"].as_array().cloned().unwrap_or_default();
    if let Some(foreign) = all(&rest).iter().map(name).find(|name| name.starts_with(&prefix)) {
        return Err(format!("a receiver of somebody else is called {foreign}"));
    }
    let definitions = lines_of(text, owner, Part::Receivers)?;
    let definition = |title: &str| {
        let texts = definitions.iter().filter_map(|line| line.trim().strip_prefix("# librato_definition "));
        let of = |text: &&str| serde_json::from_str::<Value>(text).is_ok_and(|it| it["name"] == *title);
        texts.into_iter().find(of).unwrap_or_default().to_owned()
    };
    let receivers = all(&config).into_iter().filter_map(|value| {
        let title = name(&value).strip_prefix(&prefix)?.to_owned();
        (title != NOBODY).then(|| Receiver { definition: definition(&title), title, value })
    });
    let route = find_route(&config["route"], &own);
    let routes = route.and_then(|route| route["routes"].as_array()).cloned().unwrap_or_default();
    Ok(Subtree { routes, receivers: receivers.collect() })
}

/// The configuration with our part as it is to be.
///
/// # Errors
/// In words, where there is no place for it.
pub fn written(text: Option<&str>, owner: &str, subtree: &Subtree) -> Result<String, String> {
    let text = text.unwrap_or(BARE);
    read(text, owner)?;
    let nobody = receiver_of(owner, NOBODY);
    let mut routes =
        vec![format!("- matchers: [{}]", json!(matcher(owner))), format!("  receiver: {}", json!(nobody))];
    if !subtree.routes.is_empty() {
        routes.push("  routes:".to_owned());
        routes.extend(subtree.routes.iter().map(|route| format!("    - {route}")));
    }
    let mut receivers = vec![format!("- {}", json!({"name": nobody}))];
    for receiver in &subtree.receivers {
        receivers.push(format!("# librato_definition {}", receiver.definition));
        receivers.push(format!("- {}", receiver.value));
    }
    let placed = placed(text, owner, Part::Routes, &routes)?;
    let placed = self::placed(&placed, owner, Part::Receivers, &receivers)?;
    // What was meant is what it means now, and the rest means what it meant.
    let (before, after) = (parsed(&without(text, owner)?)?, parsed(&without(&placed, owner)?)?);
    if plain(before) != plain(after) || read(&placed, owner)? != *subtree {
        return Err("its layout leaves no place where routes and receivers could be put".to_owned());
    }
    Ok(placed)
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

fn matcher(owner: &str) -> String {
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

fn lines_of<'t>(text: &'t str, owner: &str, part: Part) -> Result<Vec<&'t str>, String> {
    let lines: Vec<&str> = text.lines().collect();
    Ok(between(&lines, owner, part)?.map_or_else(Vec::new, |(begin, end)| lines[begin + 1..end].to_vec()))
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
fn placed(text: &str, owner: &str, part: Part, new: &[String]) -> Result<String, String> {
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

/// What a configuration holds that no message may repeat.
pub fn scalars(envelope: &Map<String, Value>) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.len() >= 6 => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|one| collect(one, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let config = envelope.get("alertmanager_config").and_then(Value::as_str).unwrap_or_default();
    if let Ok(config) = parsed(config) {
        config
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "route")
            .for_each(|(_, part)| collect(part, &mut found));
    }
    // The longer one first, where one is part of another.
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "# of the platform team\nglobal:\n  slack_api_url: https://hooks.example.org/canary\nroute:\n  receiver: base # by day\n  \
        group_by: [job]\n  routes:\n    # the night shift\n    - matchers: ['team=\"night\"']\n      receiver: base\nreceivers:\n- name: base\n  \
        webhook_configs: [{url: 'https://a.example.org'}]\ntemplates: [own.tmpl]\n";

    fn subtree(titles: &[&str]) -> Subtree {
        let receiver = |title: &&str| Receiver {
            title: (*title).to_owned(),
            value: json!({"name": receiver_of("shop", title), "slack_configs": [{"api_url": "https://x"}]}),
            definition: json!({"name": title, "service": {"type": "slack"}}).to_string(),
        };
        let route = |title: &&str| json!({"matchers": ["alertname=\"a\""], "receiver": receiver_of("shop", title), "continue": true});
        Subtree {
            routes: titles.iter().map(route).collect(),
            receivers: titles.iter().map(receiver).collect(),
        }
    }

    /// The lines that are in one text only.
    fn difference(before: &str, after: &str) -> Vec<String> {
        let mut left: Vec<&str> = before.lines().collect();
        let mut new = Vec::new();
        for line in after.lines() {
            match left.first() {
                Some(first) if *first == line => _ = left.remove(0),
                _ => new.push(line.to_owned()),
            }
        }
        assert!(left.is_empty(), "gone: {left:?}");
        new
    }

    #[test]
    fn all_that_is_not_ours_stays_byte_for_byte() {
        let wanted = subtree(&["ops", "dev"]);
        let once = written(Some(BASE), "shop", &wanted).unwrap();
        let new = difference(BASE, &once);
        assert_eq!(new[0], "    # librato-apply shop: routes, do not edit");
        assert_eq!(new[1], "    - matchers: [\"librato_apply=\\\"shop\\\"\"]");
        assert_eq!(read(&once, "shop").unwrap(), wanted);
        assert_eq!(written(Some(&once), "shop", &wanted).unwrap(), once);
        let fewer = written(Some(&once), "shop", &subtree(&["dev"])).unwrap();
        assert_eq!(read(&fewer, "shop").unwrap(), subtree(&["dev"]));
        // A second owner finds room beside the first.
        let both = written(Some(&once), "web", &Subtree::default()).unwrap();
        difference(&once, &both);
        assert_eq!(read(&both, "shop").unwrap(), wanted);
        assert_eq!(without(&without(&both, "web").unwrap(), "shop").unwrap(), BASE);
    }

    #[test]
    fn a_part_that_was_moved_to_another_place_stays_there() {
        let once = written(Some(BASE), "shop", &subtree(&["ops"])).unwrap();
        let block: String =
            once.split_inclusive('\n').skip_while(|line| !line.contains(": routes")).take(6).collect();
        let moved = once.replace(&block, "").replace("receivers:\n", &format!("{block}receivers:\n"));
        let again = written(Some(&moved), "shop", &subtree(&["dev"])).unwrap();
        assert_eq!(again.replace("dev", "ops"), moved);
    }

    #[test]
    fn where_there_is_nothing_a_whole_configuration_is_made() {
        let made = written(None, "shop", &subtree(&["ops"])).unwrap();
        assert_eq!(read(&made, "shop").unwrap(), subtree(&["ops"]));
        assert!(made.starts_with("route:\n  routes:\n"), "{made}");
    }

    #[test]
    fn what_cannot_be_placed_or_is_claimed_by_others_is_refused_without_a_word_of_it() {
        let claimed = BASE.replace("'team=\"night\"'", "'librato_apply = \"shop\"'");
        let called = BASE.replace("name: base", "name: librato/shop/own");
        let odd = "# librato-apply shop: routes, do not edit\n".to_owned() + BASE;
        let flow = "route: {receiver: base}\nreceivers: [{name: base, x: canary}]\n".to_owned();
        for (text, why) in [
            (claimed, "a route of somebody else matches librato_apply=\"shop\""),
            (called, "a receiver of somebody else is called librato/shop/own"),
            (odd, "do not stand in pairs"),
            (flow, "no list of routes in block style"),
            ("route: [".to_owned(), "not YAML"),
        ] {
            let error = written(Some(&text), "shop", &subtree(&["ops"])).unwrap_err();
            assert!(error.contains(why) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn what_may_be_secret_is_known() {
        let envelope = json!({"template_files": {}, "alertmanager_config": BASE});
        let found = scalars(envelope.as_object().unwrap());
        assert!(found.iter().any(|text| text == "https://hooks.example.org/canary"), "{found:?}");
    }
}

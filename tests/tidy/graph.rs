//! Which file names what of which other file: reads the modules, `use` lines and paths of a crate from its text.
//! A path counts for the file that *owns* what it leads to, however many `pub use` lie on the way: a `mod.rs` that only
//! hands on what is beneath it names nothing. `mod x;` is no arrow, and tests are left out.

use std::collections::{BTreeMap, BTreeSet};

/// From a file to the files it names, and the full paths of what it names there.
pub type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The longest chain of `use` lines that is followed.
const CHAIN: usize = 16;

/// A module as its text has it.
#[derive(Debug, Default)]
struct Module {
    file: String,
    /// Its path below the root of the crate, the name of the crate first.
    path: Vec<String>,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths of more than one step, and all words, outside of `use` lines.
    paths: BTreeSet<Vec<String>>,
    words: BTreeSet<String>,
}

/// One leaf of a `use` line.
#[derive(Debug)]
struct Import {
    path: Vec<String>,
    /// What it is called here; `*` for everything.
    name: String,
    handed_on: bool,
}

/// Where a path leads.
enum Target {
    Module(usize),
    Item(usize, String),
}

/// All modules that a set of files makes.
#[derive(Debug, Default)]
struct Crates {
    modules: Vec<Module>,
    /// By name: `crate` of a program is another one than that of its library.
    roots: BTreeMap<String, usize>,
}

/// The arrows between the files of one or more crates, each given by its name and the file of its root.
pub fn arrows(sources: &BTreeMap<String, String>, roots: &[(&str, &str)]) -> Arrows {
    let mut crates = Crates::default();
    for (name, file) in roots {
        let root = crates.open(file, vec![(*name).to_owned()], None);
        crates.roots.insert((*name).to_owned(), root);
        crates.read_file(sources, root);
    }
    let mut arrows = Arrows::new();
    for (id, module) in crates.modules.iter().enumerate() {
        arrows.entry(module.file.clone()).or_default();
        for (owner, name) in crates.named(id) {
            let owner = &crates.modules[owner];
            if owner.file != module.file {
                let to =
                    arrows.entry(module.file.clone()).or_default().entry(owner.file.clone()).or_default();
                to.insert(
                    format!("{}::{name}", owner.path[1..].join("::")).trim_start_matches(':').to_owned(),
                );
            }
        }
    }
    arrows
}

/// The circles: the largest sets of files that all reach each other.
pub fn circles(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|from| (from, reachable(arrows, from))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (from, reach) in &reached {
        if reach.contains(from) && !found.iter().any(|circle| circle.contains(*from)) {
            let back = reach.iter().filter(|to| reached.get(**to).is_some_and(|back| back.contains(from)));
            found.push(back.map(|to| (*to).clone()).collect());
        }
    }
    found
}

fn reachable<'a>(arrows: &'a Arrows, from: &String) -> BTreeSet<&'a String> {
    let (mut reach, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(file) = left.pop() {
        for to in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reach.insert(to) {
                left.push(to);
            }
        }
    }
    reach
}

impl Crates {
    fn open(&mut self, file: &str, path: Vec<String>, parent: Option<usize>) -> usize {
        self.modules.push(Module { file: file.to_owned(), path, parent, ..Module::default() });
        self.modules.len() - 1
    }

    fn read_file(&mut self, sources: &BTreeMap<String, String>, id: usize) {
        let text = sources.get(&self.modules[id].file).map_or("", String::as_str);
        let tokens = tokens(text);
        let mut reader = Reader { sources, tokens: &tokens, at: 0, crates: self };
        reader.module(id);
    }

    /// Everything that a module names, by the module that owns it.
    fn named(&self, id: usize) -> BTreeSet<(usize, String)> {
        let module = &self.modules[id];
        let mut found = BTreeSet::new();
        let mut note = |target| {
            if let Some(Target::Item(owner, name)) = target {
                found.insert((owner, name));
            }
        };
        for import in &module.imports {
            match (import.name.as_str(), self.resolve(id, &import.path, CHAIN)) {
                ("*", Some(Target::Module(from))) if !import.handed_on => {
                    module.words.iter().for_each(|word| note(self.look_up(from, word, true, CHAIN)));
                }
                (name, target) if !import.handed_on || module.words.contains(name) => note(target),
                _ => {}
            }
        }
        module.paths.iter().for_each(|path| note(self.resolve(id, path, CHAIN)));
        found
    }

    fn resolve(&self, from: usize, path: &[String], chain: usize) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => self.roots[&self.modules[from].path[0]],
            "self" => from,
            "super" => self.modules[from].parent?,
            name => match self.look_up(from, name, rest.is_empty(), chain) {
                Some(Target::Module(module)) => module,
                Some(item) => return Some(item),
                None => *self.roots.get(name)?,
            },
        };
        while let Some((step, more)) = rest.split_first() {
            module = match (step.as_str(), self.look_up(module, step, more.is_empty(), chain)) {
                ("super", _) => self.modules[module].parent?,
                (_, Some(Target::Module(module))) => module,
                (_, Some(item)) => return Some(item),
                // made by a macro
                (_, None) => return Some(Target::Item(module, step.clone())),
            };
            rest = more;
        }
        Some(Target::Module(module))
    }

    /// A name in a module. At the end of a path it rather is a function than the module of the same name.
    fn look_up(&self, module: usize, name: &str, is_last: bool, chain: usize) -> Option<Target> {
        let chain = chain.checked_sub(1)?;
        let here = &self.modules[module];
        let child = || here.children.get(name).map(|child| Target::Module(*child));
        let imported = || {
            let named = here.imports.iter().filter(|import| import.name == name);
            let mut targets = named.filter_map(|import| self.resolve(module, &import.path, chain));
            targets.next()
        };
        let through_star = || {
            let stars = here.imports.iter().filter(|import| import.name == "*");
            stars.into_iter().find_map(|import| match self.resolve(module, &import.path, chain)? {
                Target::Module(from) if from != module => self.look_up(from, name, is_last, chain),
                _ => None,
            })
        };
        let item = || here.items.contains(name).then(|| Target::Item(module, name.to_owned()));
        if is_last {
            item().or_else(imported).or_else(child).or_else(through_star)
        } else {
            child().or_else(imported).or_else(item).or_else(through_star)
        }
    }
}

/// What a text consists of: words, `::`, and single signs. Comments, strings and characters are left out.
fn tokens(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if let Some(length) = skipped(rest) {
            rest = &rest[length..];
            continue;
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    found
}

/// The length of the comment, string, character or lifetime at the start of a text.
fn skipped(text: &str) -> Option<usize> {
    let until =
        |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return Some(until("\n", 0));
    }
    if text.starts_with("/*") {
        return Some(until("*/", 2));
    }
    let bare = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - bare.len();
    if let Some(raw) = bare.strip_prefix('r').filter(|_| prefix <= 1) {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        if raw[marks..].starts_with('"') {
            return Some(until(&format!("\"{}", "#".repeat(marks)), prefix + 1 + marks + 1));
        }
    }
    if bare.starts_with('"') && prefix <= 1 {
        return Some(prefix + closed(bare, '"'));
    }
    if bare.starts_with('\'') && prefix <= 1 {
        let mut inside = bare[1..].chars();
        return Some(match (inside.next(), inside.next()) {
            (Some('\\'), _) | (Some(_), Some('\'')) => prefix + closed(bare, '\''),
            _ => prefix + 1 + bare[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0),
        });
    }
    None
}

/// The length of a quotation, from its opening mark to its closing one.
fn closed(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Reads the tokens of one file into modules.
struct Reader<'a> {
    sources: &'a BTreeMap<String, String>,
    tokens: &'a [&'a str],
    at: usize,
    crates: &'a mut Crates,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn word(&self, ahead: usize) -> Option<&'a str> {
        let token = self.peek(ahead);
        token.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(token)
    }

    /// Reads until the brace that closes the module, or the end.
    fn module(&mut self, id: usize) {
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "#" => self.attribute(),
                // the path of `pub(in path)` names nobody
                "pub" if self.peek(1) == "(" => {
                    self.at += 1;
                    self.group();
                }
                "mod" if self.word(1).is_some() => self.child(id),
                "use" if self.peek(1) != "<" => {
                    let handed_on = self.is_public();
                    self.at += 1;
                    self.import(id, &mut Vec::new(), handed_on);
                }
                "}" if depth == 0 => {
                    self.at += 1;
                    return;
                }
                "{" => (depth, self.at) = (depth + 1, self.at + 1),
                "}" => (depth, self.at) = (depth - 1, self.at + 1),
                keyword => {
                    let defines = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
                    let name = if defines.contains(&keyword) {
                        self.word(1).filter(|name| !matches!(*name, "fn" | "_"))
                    } else if keyword == "macro_rules" {
                        self.word(2)
                    } else {
                        None
                    };
                    match name.map(str::to_owned) {
                        Some(name) if depth == 0 => {
                            self.crates.modules[id].items.insert(name);
                            self.at += if keyword == "macro_rules" { 3 } else { 2 };
                        }
                        _ => self.path(id),
                    }
                }
            }
        }
    }

    /// Whether the word before is `pub` or `pub(...)`.
    fn is_public(&self) -> bool {
        let before = &self.tokens[..self.at];
        let before = match before.last() {
            Some(&")") => &before[..before.iter().rposition(|token| *token == "(").unwrap_or(0)],
            _ => before,
        };
        before.last() == Some(&"pub")
    }

    /// Skips an attribute, and what it is for if that is there for tests only.
    fn attribute(&mut self) {
        self.at += if self.peek(1) == "!" { 2 } else { 1 };
        let start = self.at;
        self.group();
        let inside = &self.tokens[start..self.at.min(self.tokens.len())];
        let says = |word| inside.contains(&word);
        if says("cfg") && says("test") && !says("not") {
            while self.peek(0) == "#" {
                self.at += 1;
                self.group();
            }
            self.item();
        }
    }

    /// Skips a bracket and all within.
    fn group(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Skips an item, field or statement: to its `;`, its `,`, or the end of its braces.
    fn item(&mut self) {
        let (mut is_value, mut is_function) = (false, false);
        while self.at < self.tokens.len() {
            match self.peek(0) {
                ";" => return self.at += 1,
                "," if !is_function => return self.at += 1,
                ")" | "]" | "}" => return,
                "{" if !is_value => return self.group(),
                "(" | "[" | "{" => self.group(),
                "use" | "=" => (is_value, self.at) = (true, self.at + 1),
                "fn" | "impl" => (is_function, self.at) = (true, self.at + 1),
                _ => self.at += 1,
            }
        }
    }

    /// `mod name;` or `mod name { ... }`
    fn child(&mut self, parent: usize) {
        let name = self.peek(1).to_owned();
        let above = &self.crates.modules[parent];
        let path: Vec<String> = above.path.iter().cloned().chain([name.clone()]).collect();
        let file = above.file.clone();
        self.at += 3;
        if self.peek(0).is_empty() || self.tokens[self.at - 1] == ";" {
            let below = format!("src/{}", path[1..].join("/"));
            let mut names = [format!("{below}.rs"), format!("{below}/mod.rs")].into_iter();
            let Some(file) = names.find(|name| self.sources.contains_key(name)) else { return };
            let id = self.crates.open(&file, path, Some(parent));
            self.crates.modules[parent].children.insert(name, id);
            self.crates.read_file(self.sources, id);
        } else {
            let id = self.crates.open(&file, path, Some(parent));
            self.crates.modules[parent].children.insert(name, id);
            self.module(id);
        }
    }

    /// The tree of a `use` line, with the steps before it.
    fn import(&mut self, id: usize, before: &mut Vec<String>, handed_on: bool) {
        let steps = before.len();
        loop {
            match self.peek(0) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.peek(0), "}" | "") {
                        self.import(id, before, handed_on);
                        self.at += usize::from(self.peek(0) == ",");
                    }
                    self.at += 1;
                    break;
                }
                "::" => self.at += 1,
                "*" => {
                    self.at += 1;
                    let import = Import { path: before.clone(), name: "*".to_owned(), handed_on };
                    self.crates.modules[id].imports.push(import);
                    break;
                }
                _ => {
                    let Some(step) = self.word(0).map(str::to_owned) else { break };
                    self.at += 1;
                    if step != "self" || before.is_empty() {
                        before.push(step);
                    }
                    if self.peek(0) != "::" {
                        let mut name = before.last().cloned().unwrap_or_default();
                        if self.peek(0) == "as" {
                            name = self.peek(1).to_owned();
                            self.at += 2;
                        }
                        self.crates.modules[id].imports.push(Import {
                            path: before.clone(),
                            name,
                            handed_on,
                        });
                        break;
                    }
                }
            }
        }
        before.truncate(steps);
    }

    /// A path in the code, or a single token.
    fn path(&mut self, id: usize) {
        let continues = self.at > 0 && self.tokens[self.at - 1] == "::";
        let mut path = Vec::new();
        while let Some(step) = self.word(0) {
            path.push(step.to_owned());
            self.at += 1;
            if self.peek(0) != "::" || self.word(1).is_none() {
                break;
            }
            self.at += 1;
        }
        let module = &mut self.crates.modules[id];
        match path.len() {
            0 => self.at += 1,
            _ if continues => {}
            1 => {
                module.words.extend(path);
            }
            _ => {
                module.words.insert(path[0].clone());
                module.paths.insert(path);
            }
        }
    }
}

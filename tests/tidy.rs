//! The shape of the source: who imports whom, file headers, lengths, leftovers.
//! The import rules are read from the module table of ARCHITECTURE.md, so that the document and the code cannot part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests are tests to us.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files longer than this hold more than one concept.
const MAX_LINES: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helper", "helpers", "common", "misc"];

/// What a pure module cannot touch: files, clock, network, environment, processes, printing.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant::",
    "tokio::",
    "reqwest::",
    "std::io::std",
];

/// One row of the module table.
#[derive(Debug, Default)]
struct Rule {
    /// No files, clock, network, environment or printing.
    pure: bool,
    /// Everything may be imported.
    all: bool,
    /// Paths that may be imported, and all below them.
    may: Vec<String>,
    /// Paths that may be imported by some files only: the path and the files.
    may_in: Vec<(String, Vec<String>)>,
    /// Paths that may not be imported although a path above may.
    not: Vec<String>,
}

impl Rule {
    fn allows(&self, import: &str, file: &str) -> bool {
        let below = |path: &String| import == path || import.starts_with(&format!("{path}::"));
        let here = |(path, files): &(String, Vec<String>)| {
            below(path) && files.iter().any(|name| file.ends_with(&format!("/{name}")))
        };
        self.all
            || !self.not.iter().any(below) && (self.may.iter().any(below) || self.may_in.iter().any(here))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All source files by their path below the project, `/` between the steps.
fn sources() -> BTreeMap<String, String> {
    rust_files("src")
}

fn rust_files(below: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root().join(below)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The words in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Reads the table of ARCHITECTURE.md whose header starts with `| Module |`: modules, purity, imports. The clauses of the third
/// column are divided by `;`: a list of paths, a list `in` files, or `not` and a list.
fn rules(text: &str) -> BTreeMap<String, Rule> {
    let table = text.lines().skip_while(|line| !line.starts_with("| Module |")).skip(2);
    let mut rules = BTreeMap::new();
    for row in table.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [modules, pure, imports, ..] = cells.as_slice() else { panic!("not a row of the table: {row}") };
        for module in quoted(modules) {
            let mut rule = Rule { pure: pure.trim() == "yes", ..Rule::default() };
            for clause in imports.split(';') {
                if clause.trim() == "everything" {
                    rule.all = true;
                } else if let Some((what, files)) = clause.split_once(" in ") {
                    rule.may_in.extend(quoted(what).into_iter().map(|path| (path, quoted(files))));
                } else if clause.trim().starts_with("not ") {
                    rule.not.extend(quoted(clause));
                } else {
                    rule.may.extend(quoted(clause));
                }
            }
            rules.insert(module, rule);
        }
    }
    rules
}

/// The top module of a file; `None` for the roots of the two crates.
fn module_of(file: &str) -> Option<&str> {
    let below = file.strip_prefix("src/")?;
    let name = below.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!matches!(name, "lib" | "main")).then_some(name)
}

/// How many `super::` lead from a file to the root of the crate.
fn depth(file: &str) -> usize {
    let steps = file.trim_start_matches("src/").trim_end_matches(".rs").split('/');
    steps.filter(|step| *step != "mod").count()
}

/// Files that are compiled for tests only: their parent says `#[cfg(test)] mod name;`, or they are modules of such a file.
fn test_files(sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (file, text) in sources {
        let directory = match file.strip_suffix("/mod.rs") {
            Some(directory) => directory,
            None => file.trim_end_matches(".rs"),
        };
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            let next = if line == "#[cfg(test)]" { lines.next().unwrap_or_default() } else { continue };
            if let Some(name) = next.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                let (alone, below) = (format!("{directory}/{name}.rs"), format!("{directory}/{name}/"));
                found.extend(
                    sources.keys().filter(|file| **file == alone || file.starts_with(&below)).cloned(),
                );
            }
        }
    }
    found
}

/// A file without comments and without the tests at its end.
fn code(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path below the root of the crate that a text names, groups taken apart.
fn imports(code: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let roots = ["crate::".to_owned(), "super::".repeat(depth)];
    for root in roots.iter().filter(|root| !root.is_empty()) {
        for (at, _) in code.match_indices(root.as_str()) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                tree(&code[at + root.len()..], "", &mut found);
            }
        }
    }
    found
}

/// Reads `a::b`, `a::{b, c::d}` and so on at the start of a text; gives back what follows.
fn tree<'t>(text: &'t str, prefix: &str, found: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
            match rest.chars().next() {
                Some('}') => return &rest[1..],
                Some(c) if c.is_alphanumeric() || "_*{".contains(c) => rest = tree(rest, prefix, found),
                _ => return rest,
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let path = if prefix.is_empty() { word.to_owned() } else { format!("{prefix}::{word}") };
    match rest.strip_prefix("::") {
        Some(more) if more.starts_with(|c: char| c.is_alphabetic() || "_*{".contains(c)) => {
            tree(more, &path, found)
        }
        _ => {
            found.insert(path);
            rest
        }
    }
}

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let sources = sources();
    let tests = test_files(&sources);
    let rules = rules(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let modules: BTreeSet<&str> = sources.keys().filter_map(|file| module_of(file)).collect();
    let described: BTreeSet<&str> = rules.keys().map(String::as_str).collect();
    assert_eq!(described, modules, "the table of ARCHITECTURE.md (left) names the modules of src/ (right)");

    let mut wrong = Vec::new();
    for (file, text) in sources.iter().filter(|(file, _)| !tests.contains(*file)) {
        let Some(module) = module_of(file) else { continue };
        let (rule, code) = (&rules[module], code(text));
        for import in imports(&code, depth(file)) {
            let top = import.split("::").next().unwrap_or_default();
            if top != module && modules.contains(top) && !rule.allows(&import, file) {
                wrong.push(format!("{file} imports {import}, but {module} may not"));
            }
        }
        for word in IMPURE.iter().filter(|word| rule.pure && code.contains(**word)) {
            wrong.push(format!("{file} uses {word}, but {module} is pure"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_say_what_they_own_and_stay_short() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if !text.starts_with("//! ") {
            wrong.push(format!("{file} does not open with a `//!` header"));
        }
        if lines > MAX_LINES {
            wrong.push(format!("{file} has {lines} lines: look for the second concept in it"));
        }
        let stem = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        if EMPTY_NAMES.contains(&stem) || file.split('/').any(|step| EMPTY_NAMES.contains(&step)) {
            wrong.push(format!("{file} has a name that says nothing"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_half_done_is_left() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for word in ["todo!", "unimplemented!", "dbg!(", "FIXME", "XXX"] {
            if text.contains(word) {
                wrong.push(format!("{file} holds {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_are_understood() {
    let table = "\
| Module | Pure | May import | Owns |
| --- | --- | --- | --- |
| `diag`, `wire` | yes | nothing of ours | |
| `remote` | no | `model`; `diff` in `call.rs`, `fetch.rs`; not `model::secret` | |
| `cli` | no | everything | |

| `other` | table |";
    let rules = rules(table);
    assert_eq!(rules.keys().collect::<Vec<_>>(), ["cli", "diag", "remote", "wire"]);
    assert!(rules["diag"].pure && !rules["remote"].pure);
    assert!(!rules["wire"].allows("model", "src/wire/mod.rs"));
    let remote = |import, file| rules["remote"].allows(import, file);
    assert!(remote("model::Alert", "src/remote/mod.rs"));
    assert!(!remote("models", "src/remote/mod.rs"));
    assert!(!remote("model::secret::Token", "src/remote/mod.rs"));
    assert!(remote("diff::Change", "src/remote/call.rs"));
    assert!(!remote("diff::Change", "src/remote/client.rs"));
    assert!(rules["cli"].allows("anything", "src/cli/mod.rs"));
}

#[test]
fn imports_are_found_in_every_form() {
    let code = code(
        "use crate::diag::{Part, place::{Place, Files}};\nuse super::super::model;\nuse mycrate::no;\n\
         // crate::comment\nfn f(x: crate::wire::Page) -> super::near::Thing { crate::{a, b::c}; }\n\
         #[cfg(test)]\nmod tests {\n use crate::load;\n}",
    );
    let expected =
        ["a", "b::c", "diag::Part", "diag::place::Files", "diag::place::Place", "model", "wire::Page"];
    assert_eq!(imports(&code, 2).into_iter().collect::<Vec<_>>(), expected);
    assert_eq!((depth("src/diff/mod.rs"), depth("src/diff/lists.rs"), depth("src/apply.rs")), (1, 2, 1));
}

/// Who depends on the library alone compiles nothing that only the command line or the server needs: a crate that is used there
/// and nowhere else belongs to the feature `cli` or `serve`.
#[test]
fn crates_of_the_command_line_and_the_server_are_optional() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
    let dependencies = dependencies.split_once("\n[").unwrap().0;
    let sources = sources();
    let of_the_library =
        |name: &String| !["src/cli/", "src/serve/", "src/main.rs"].iter().any(|at| name.starts_with(at));
    let library: String =
        sources.iter().filter(|(name, _)| of_the_library(name)).map(|(_, text)| &**text).collect();
    let lines =
        dependencies.lines().filter(|line| !line.starts_with('#') && !line.contains("optional = true"));
    let required: Vec<String> =
        lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_")).collect();
    assert!(required.iter().any(|name| name == "serde") && !required.iter().any(|name| name == "clap"));
    let unused: Vec<&String> =
        required.iter().filter(|name| !library.contains(&format!("{name}::"))).collect();
    assert!(unused.is_empty(), "the library does not use {unused:?}");
}

/// A file of tests that no other declares is neither compiled nor run. Files directly below `tests/` would be programs of their own,
/// each of which takes the time of linking it.
#[test]
fn every_file_of_tests_is_declared() {
    let files = rust_files("tests");
    let mut declared = BTreeSet::new();
    for (name, text) in &files {
        let (directory, file) = name.rsplit_once('/').unwrap();
        let below = match file {
            "main.rs" | "mod.rs" => directory.to_owned(),
            _ => name.trim_end_matches(".rs").to_owned(),
        };
        let mut path = None;
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("#[path = \"../") {
                path = Some(format!("tests/{}", rest.trim_end_matches("\"]")));
            } else if let Some(module) =
                line.trim_start_matches("pub ").strip_prefix("mod ").and_then(|m| m.strip_suffix(';'))
            {
                declared.extend(path.take().map_or_else(
                    || vec![format!("{below}/{module}.rs"), format!("{below}/{module}/mod.rs")],
                    |path| vec![path],
                ));
            }
        }
    }
    // Included by the examples in the documentation of the library.
    declared.insert("tests/support/doc_server.rs".to_owned());
    let root =
        |name: &str| name == "tests/tidy.rs" || name.matches('/').count() == 2 && name.ends_with("/main.rs");
    let stray: Vec<&String> = files.keys().filter(|name| !root(name) && !declared.contains(*name)).collect();
    assert!(stray.is_empty(), "declared in no tests/GROUP/main.rs: {stray:?}");
}

/// `tests/faults.md` lists faults that were found, what was done, and the tests that hold it: those must be there.
#[test]
fn every_fault_has_its_test() {
    let Ok(text) = fs::read_to_string(root().join("tests/faults.md")) else { return };
    let mut wrong = Vec::new();
    let is_head = |line: &str| line.starts_with("| ID |") || line.starts_with("| ---");
    for row in text.lines().filter(|line| line.starts_with("| ") && !is_head(line)) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, done, tests] = cells[..] else {
            wrong.push(format!("not a row of four: {row}"));
            continue;
        };
        let named = quoted(tests);
        if named.is_empty() && !done.starts_with("Declined: ") {
            wrong.push(format!("{id} names no test"));
        }
        wrong
            .extend(named.iter().filter(|test| !is_a_test(test)).map(|test| format!("{id}: no test {test}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether `path/of/file.rs::function` is marked as a test, or a path is that of a case that a test reads.
fn is_a_test(named: &str) -> bool {
    let Some((file, function)) = named.split_once("::") else {
        return ["", "tests/cases/", "tests/cases/bad/"]
            .iter()
            .any(|below| root().join(below).join(named).is_file());
    };
    let text = fs::read_to_string(root().join(file)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with("///")).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let declared = line.strip_prefix("async ").unwrap_or(line).starts_with(&format!("fn {function}("));
        let marks = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        declared && marks.into_iter().any(|mark| mark.contains("test"))
    })
}

#[test]
fn tests_are_told_from_other_functions() {
    assert!(is_a_test("tests/tidy.rs::tests_are_told_from_other_functions"));
    assert!(!is_a_test("tests/tidy.rs::is_a_test"));
    assert!(!is_a_test("tests/tidy.rs::no_such_function"));
    assert!(is_a_test("tests/cases/prune.yaml") && !is_a_test("tests/cases/none.yaml"));
}

//! The shape of the source: who imports whom, file headers, lengths, leftovers.
//! The import rules are read from the module table of ARCHITECTURE.md, so that the document and the code cannot part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests are tests to us.

#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/sql.rs"]
mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use graph::{Arrows, circles};

/// Files longer than this may hold more than one concept. That is for people to judge, so it is only said.
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

/// What the header of a file may claim only where none of some words stand in it, and for a `mod.rs` nowhere below.
const CLAIMS: &[(&[&str], &[&str])] = &[
    (&["Pure.", "Pure;", "Pure:", "Pure "], IMPURE),
    (&["Pure.", "Pure;", "Pure:", "Pure ", "knows no SQL"], &["rusqlite", "store::tx", "SELECT "]),
    (&["nothing of HTTP", "neither HTTP"], &["axum::", "hyper::", "StatusCode", "http::"]),
    (&["nows no kind", "and no kind"], &["Kind::", "Resource::"]),
    (&["rints nothing", "ever prints"], &["print!(", "println!(", "io::stdout", "io::stderr"]),
];

/// One row of the table of modules, or of that of the server's rooms.
#[derive(Debug, Default)]
struct Rule {
    /// Its place in the table, counted from the top.
    row: usize,
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

/// The crates beside the root package. Cargo holds what they may import of each other; what lies inside them is held here.
const MEMBERS: [&str; 2] = ["core", "server"];

/// All source files by their path, `/` between the steps: those of the crates below `crates/` as if they stood in `src/`, and the
/// roots of all as one.
fn sources() -> BTreeMap<String, String> {
    let mut found = rust_files("src");
    for member in MEMBERS {
        let place = format!("crates/{member}/");
        for (file, text) in rust_files(&format!("{place}src")) {
            found.entry(file.replacen(&place, "", 1)).or_default().push_str(&text);
        }
    }
    found
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

/// Reads the table of ARCHITECTURE.md with this head in its first column: modules, purity, imports. The clauses of the third
/// column are divided by `;`: a list of paths, a list `in` files, or `not` and a list.
fn rules(text: &str, head: &str) -> BTreeMap<String, Rule> {
    let table = text.lines().skip_while(|line| !line.starts_with(&format!("| {head} |"))).skip(2);
    let mut rules = BTreeMap::new();
    for (at, row) in table.take_while(|line| line.starts_with('|')).enumerate() {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [modules, pure, imports, ..] = cells.as_slice() else { panic!("not a row of the table: {row}") };
        for module in quoted(modules) {
            let mut rule = Rule { row: at, pure: pure.trim() == "yes", ..Rule::default() };
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

/// Every arrow from file to file, in the library and in the program.
fn arrows() -> &'static Arrows {
    static ARROWS: LazyLock<Arrows> = LazyLock::new(|| {
        graph::arrows(&sources(), &[("librato_apply", "src/lib.rs"), ("program", "src/main.rs")])
    });
    &ARROWS
}

/// The room of the server that a file belongs to; `None` for the doorplate `serve/mod.rs`, and outside.
fn room_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix("src/serve/")?.split('/').next()?;
    Some(name.strip_suffix(".rs").unwrap_or(name)).filter(|name| *name != "mod")
}

/// What is wrong with arrows between the rooms of the server: they may lead only where the table says, which may say only rooms
/// that stand further down.
fn wrong_between_rooms(rules: &BTreeMap<String, Rule>, arrows: &Arrows) -> Vec<String> {
    let mut wrong = Vec::new();
    for (room, rule) in rules {
        for may in rule.may.iter().chain(rule.may_in.iter().map(|(path, _)| path)) {
            let other = may.split("::").next().unwrap_or_default();
            if rules.get(other).is_none_or(|other| other.row <= rule.row) {
                wrong.push(format!("the table lets `{room}` import `{may}`, which does not stand below it"));
            }
        }
    }
    for (from, to, names) in
        arrows.iter().flat_map(|(from, to)| to.iter().map(move |(to, names)| (from, to, names)))
    {
        let (Some(room), Some(other)) = (room_of(from), room_of(to)) else { continue };
        let Some(rule) = rules.get(room).filter(|_| room != other) else { continue };
        for name in names {
            let name = name.trim_start_matches("serve::");
            if !rule.allows(name, from) {
                wrong.push(format!("{from} imports {name}, but {room} may not"));
            }
        }
    }
    wrong
}

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let sources = sources();
    let tests = test_files(&sources);
    let rules = rules(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap(), "Module");
    let modules: BTreeSet<&str> = sources.keys().filter_map(|file| module_of(file)).collect();
    let described: BTreeSet<&str> = rules.keys().map(String::as_str).collect();
    assert_eq!(described, modules, "the table of ARCHITECTURE.md (left) names the modules of src/ (right)");

    let (mut wrong, arrows) = (Vec::new(), arrows());
    for (file, text) in sources.iter().filter(|(file, _)| !tests.contains(*file)) {
        let Some(module) = module_of(file) else { continue };
        let (rule, code) = (&rules[module], code(text));
        for import in arrows.get(file).iter().flat_map(|to| to.values().flatten()) {
            let top = import.split("::").next().unwrap_or_default();
            if top != module && modules.contains(top) && !rule.allows(import, file) {
                wrong.push(format!("{file} imports {import}, but {module} may not"));
            }
        }
        for word in IMPURE.iter().filter(|word| rule.pure && code.contains(**word)) {
            wrong.push(format!("{file} uses {word}, but {module} is pure"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Time series as values: whoever evaluates or stores them builds on these, so they build on nothing of the server.
#[test]
fn the_core_of_time_series_knows_nothing_of_the_server() {
    let (sources, arrows, mut wrong) = (sources(), arrows(), Vec::new());
    for (file, to) in arrows.iter().filter(|(file, _)| file.starts_with("src/serve/tsdb/")) {
        let allowed = |to: &&String| to.starts_with("src/serve/tsdb/") || *to == "src/pattern.rs";
        wrong.extend(to.keys().filter(|to| !allowed(to)).map(|to| format!("{file} names {to}")));
        let code = code(&sources[file]);
        let words = IMPURE.iter().chain(&["rusqlite", "axum"]).filter(|word| code.contains(**word));
        wrong.extend(words.map(|word| format!("{file} uses {word}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let (arrows, mut wrong) = (arrows(), Vec::new());
    for circle in circles(arrows) {
        wrong.push(format!("a circle of {} files:", circle.len()));
        for from in &circle {
            let inside = arrows[from].iter().filter(|(to, _)| circle.contains(*to));
            wrong.extend(inside.map(|(to, names)| {
                format!("  {from} -> {to}: {}", names.iter().cloned().collect::<Vec<_>>().join(", "))
            }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_of_the_server_know_only_those_below() {
    let rules = rules(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap(), "Room");
    let arrows = arrows();
    let rooms: BTreeSet<&str> = arrows.keys().filter_map(|file| room_of(file)).collect();
    let described: BTreeSet<&str> = rules.keys().map(String::as_str).collect();
    assert_eq!(described, rooms, "the table of ARCHITECTURE.md (left) names the rooms of src/serve/ (right)");
    let mut wrong = wrong_between_rooms(&rules, arrows);
    let sources = sources();
    for file in arrows.keys().filter(|file| room_of(file).is_some_and(|room| rules[room].pure)) {
        let code = code(&sources[file]);
        wrong.extend(
            IMPURE
                .iter()
                .filter(|word| code.contains(**word))
                .map(|word| format!("{file} uses {word}, but its room is pure")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn headers_claim_only_what_holds() {
    let (sources, arrows, mut wrong) = (sources(), arrows(), Vec::new());
    for (file, text) in sources.iter().filter(|(file, _)| arrows.contains_key(*file)) {
        let header = text.lines().map_while(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("");
        let below = file
            .strip_suffix("mod.rs")
            .or_else(|| file.strip_suffix(".rs"))
            .map(|stem| format!("{}/", stem.trim_end_matches('/')));
        let covered =
            |other: &&String| *other == file || below.as_ref().is_some_and(|below| other.starts_with(below));
        for (claims, words) in CLAIMS {
            let Some(claim) = claims.iter().find(|claim| header.contains(**claim)) else { continue };
            for other in arrows.keys().filter(covered) {
                let code = code(&sources[other]);
                let found = words.iter().filter(|word| code.contains(**word));
                wrong.extend(
                    found.map(|word| format!("{file} says \"{}\", but {other} uses {word}", claim.trim())),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A field or a rule of one kind is that kind's business: a comparison that named it would have to be changed with it.
#[test]
fn comparing_and_planning_know_kinds_only_through_what_they_say_of_themselves() {
    let sources = sources();
    let of_kinds: Vec<&String> = sources
        .iter()
        .filter(|(_, text)| code(text).contains("\nimpl Spec for "))
        .map(|(file, _)| file)
        .collect();
    let kinds: Vec<&str> = of_kinds
        .iter()
        .flat_map(|file| sources[*file].split("\nimpl Spec for ").skip(1))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    assert!(kinds.contains(&"Alert") && kinds.contains(&"Composite") && kinds.len() == 7, "{kinds:?}");
    assert_eq!(names_of_kinds("fn f() { Kind::Alert }", &kinds), ["Kind::Alert"]);
    let below = |file: &str| {
        of_kinds
            .iter()
            .any(|kind| *kind == file || file.starts_with(&format!("{}/", kind.trim_end_matches(".rs"))))
    };
    let mut wrong = Vec::new();
    let held = |file: &&str| file.starts_with("src/diff/") || file.starts_with("src/plan/");
    for (file, to) in arrows().iter().filter(|(file, _)| held(&file.as_str())) {
        // What a change of an alert means to people is about alerts.
        let (subject, its_files) = match file.starts_with("src/plan/impact") {
            true => ("Alert", "src/model/alert"),
            false => ("", "none"),
        };
        let own = to.iter().filter(|(to, _)| below(to) && !to.starts_with(its_files));
        let types = own
            .flat_map(|(_, names)| names)
            .filter(|name| name.rsplit("::").next().is_some_and(|name| name.starts_with(char::is_uppercase)));
        wrong.extend(types.map(|name| format!("{file} names {name}")));
        let others: Vec<&str> = kinds.iter().copied().filter(|kind| *kind != subject).collect();
        let found = names_of_kinds(&code(&sources[file]), &others);
        wrong.extend(found.into_iter().map(|name| format!("{file} names {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a text chooses by the kind of an object.
fn names_of_kinds(code: &str, kinds: &[&str]) -> Vec<String> {
    let of =
        |kind: &&str| [format!("Kind::{kind}"), format!("Resource::{kind}"), format!("Collection::{kind}s")];
    kinds.iter().flat_map(of).filter(|name| code.contains(name.as_str())).collect()
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
            // Past what the harness catches, which shows nothing of tests that pass.
            let _ = writeln!(
                std::io::stderr(),
                "note: {file} has {lines} lines: is there a second concept in it?"
            );
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

/// What clippy.toml denies, by another way.
#[test]
fn no_error_becomes_emptiness() {
    let found = sources().into_iter().filter(|(_, text)| {
        let plain: String = code(text).split_whitespace().collect();
        plain.contains(".ok().unwrap_or_default()")
    });
    let wrong: Vec<String> = found.map(|(file, _)| file).collect();
    assert!(wrong.is_empty(), "`.ok().unwrap_or_default()` in {}", wrong.join(", "));
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
    let rules = rules(table, "Module");
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

/// A crate in a few lines: `src/` and `.rs` are added to the names.
fn arrows_of(files: &[(&str, &str)]) -> Arrows {
    let named = |(name, text): &(&str, &str)| (format!("src/{name}.rs"), (*text).to_owned());
    graph::arrows(&files.iter().map(named).collect(), &[("it", "src/lib.rs")])
}

/// `from -> to: names`, without `src/` and `.rs`.
fn in_lines(arrows: &Arrows) -> Vec<String> {
    let short = |file: &String| file.trim_start_matches("src/").trim_end_matches(".rs").to_owned();
    let lines = arrows.iter().flat_map(|(from, all)| all.iter().map(move |(to, names)| (from, to, names)));
    lines
        .map(|(from, to, names)| {
            format!(
                "{} -> {}: {}",
                short(from),
                short(to),
                names.iter().cloned().collect::<Vec<_>>().join(", ")
            )
        })
        .collect()
}

#[test]
fn imports_are_found_in_every_form() {
    let arrows = arrows_of(&[
        ("lib", "pub mod a;\nmod b;\nuse b::late;\nfn f() { late::fate(); }"),
        ("a/mod", "mod own;\npub use own::{Part, place as spot};\npub mod wide;\npub enum Kind { One }"),
        ("a/own", "pub struct Part;\npub fn place() {}\nfn up() -> super::Kind { super::Kind::One }"),
        ("a/wide", "pub use super::*;\npub const C: u8 = 0;"),
        (
            "b",
            "use crate::a::{self, Kind::{self, *}, wide::Part};\n/* crate::a::wide::C */ pub mod late { pub fn fate() {} }\n\
             // crate::a::wide::C\nfn f<'a>(x: &'a str) { let _ = ('\\'', \"crate::a::wide::C\", r#\"\"crate::a::wide::C\"#); a::spot() }\n\
             #[cfg(test)]\nuse a::wide::C;\n#[cfg(test)]\nmod tests {\n use crate::a::wide::C;\n}",
        ),
    ]);
    let expected = [
        "a/own -> a/mod: a::Kind",
        "b -> a/mod: a::Kind",
        "b -> a/own: a::own::Part, a::own::place",
        "lib -> b: b::late::fate",
    ];
    assert_eq!(in_lines(&arrows), expected);
    assert!(circles(&arrows).is_empty(), "what a mod.rs hands on is not its own");
}

#[test]
fn circles_and_upward_arrows_are_noticed() {
    let knot = |top: &str| {
        arrows_of(&[
            ("lib", "mod serve;"),
            ("serve/mod", "mod low;\nmod top;\npub use top::Top;"),
            ("serve/low", "pub struct Low(Option<super::Top>);"),
            ("serve/top", top),
        ])
    };
    let table = "| Room | Pure | May import |\n| --- | --- | --- |\n| `top` | no | `low` |\n| `low` | yes | nothing of ours |";
    let rooms = rules(table, "Room");
    let arrows = knot("pub struct Top;");
    assert!(circles(&arrows).is_empty());
    let upward = "src/serve/low.rs imports top::Top, but low may not";
    assert_eq!(wrong_between_rooms(&rooms, &arrows), [upward]);
    let circle = BTreeSet::from(["src/serve/low.rs", "src/serve/top.rs"].map(str::to_owned));
    assert_eq!(circles(&knot("use super::low::Low;\npub struct Top(Box<Low>);")), [circle]);
    let upside_down = rules(&table.replace("nothing of ours", "`top`"), "Room");
    let told = ["the table lets `low` import `top`, which does not stand below it"];
    assert_eq!(wrong_between_rooms(&upside_down, &arrows), told);
}

/// Who depends on the library alone compiles nothing that only the command line or the server needs: a crate that is used there
/// and nowhere else belongs to the feature `cli` or `serve`.
#[test]
fn crates_of_the_command_line_and_the_server_are_optional() {
    let of_the_library = |name: &str| !name.starts_with("src/cli/") && name != "src/main.rs";
    let places = MEMBERS.map(|member| format!("crates/{member}/"));
    for place in places.iter().map(String::as_str).chain([""]) {
        let manifest = fs::read_to_string(root().join(format!("{place}Cargo.toml"))).unwrap();
        let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
        let dependencies = dependencies.split_once("\n[").unwrap().0;
        let library: String = rust_files(&format!("{place}src"))
            .into_iter()
            .filter(|(name, _)| of_the_library(name))
            .map(|(_, text)| text)
            .collect();
        let lines =
            dependencies.lines().filter(|line| !line.starts_with('#') && !line.contains("optional = true"));
        let names = lines.filter_map(|line| line.split_once(" = "));
        let required: Vec<String> =
            names.map(|(name, _)| name.trim_end_matches(".workspace").replace('-', "_")).collect();
        assert!(required.iter().any(|name| name == "serde") && !required.iter().any(|name| name == "clap"));
        let unused: Vec<&String> =
            required.iter().filter(|name| !library.contains(&format!("{name}::"))).collect();
        assert!(unused.is_empty(), "{place}src does not use {unused:?}");
    }
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
    let Ok(text) = fs::read_to_string(root().join(file)) else { return false };
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

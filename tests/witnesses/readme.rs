//! The README and the pages of `docs/` cannot lie: their commands are run by the real binary and the output is compared,
//! their YAML is validated, their tables are held against the code, and every link leads somewhere.
//!
//! A fenced block `console` is run, what follows a `$` line is the expected output, `...` stands for any lines. A block
//! `yaml` must be valid; `yaml NAME` (and `hcl NAME`, `ruby NAME`) is written to that file instead. Blocks marked `ignore` need what a test does not have;
//! of their commands only the flags are checked.
//!
//! Every page is run in a directory of its own: what its commands need, the page itself has made before.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use librato_apply::model::{Kind, Resource, SERVICE_TYPES};

/// A fenced block.
struct Block {
    /// What stands behind the fence.
    info: String,
    /// The line it begins in.
    line: usize,
    body: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The README and the pages of `docs/`: name and text.
fn pages() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(root().join("docs")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    // Pictures lie beside them.
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    names.insert(0, "README.md".to_owned());
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// The text of all pages.
fn manual() -> String {
    pages().into_iter().map(|(_, text)| text).collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let body: Vec<&str> =
                lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```").collect();
            blocks.push(Block { info: info.to_owned(), line: number, body: body.join("\n") + "\n" });
        }
    }
    blocks
}

/// The cells of the table whose header begins with the given cells.
fn table(text: &str, header: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows: Vec<Vec<String>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|row| {
            row.replace("\\|", "¦").trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "there is no table {header}");
    rows
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A directory with the examples, and the binary under its own name.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        copy(&root().join("examples"), &home.path().join("examples"));
        copy(&root().join("schemas"), &home.path().join("schemas"));
        home
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a shell command; its exit code and both its streams in the order of writing.
    fn run(&self, command: &str) -> (Option<i32>, String) {
        let binary = env!("CARGO_BIN_EXE_librato-apply");
        let output = Command::new("bash")
            .args(["-c", &format!("librato-apply() {{ '{binary}' \"$@\"; }}\nexec 2>&1\n{command}")])
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        match path.extension() {
            _ if path.is_dir() => copy(&path, &to.join(name)),
            // Left by somebody who tried the first command.
            Some(end) if end.to_str().is_some_and(|end| end.starts_with("db")) => {}
            _ => _ = std::fs::copy(&path, to.join(name)).unwrap(),
        }
    }
}

/// Commands of a console block with the output that is shown for each.
fn commands(body: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in body.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => output.push_str(&format!("{line}\n")),
            (None, None) => panic!("a console block begins with `$ `: {line}"),
        }
    }
    found
}

/// Whether a text is what is shown, where `...` alone on a line stands for any number of lines.
fn matches(shown: &[&str], text: &[&str]) -> bool {
    match (shown, text) {
        (["...", rest @ ..], _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        ([], []) => true,
        ([line, shown @ ..], [found, text @ ..]) => line == found && matches(shown, text),
        _ => false,
    }
}

#[test]
fn commands_print_what_is_shown() {
    let run: usize = pages().iter().map(|(name, text)| run_page(name, text)).sum();
    assert!(run >= 40, "only {run} commands were found");
}

/// Runs the commands of a page in a directory of its own; how many there were.
fn run_page(name: &str, text: &str) -> usize {
    let home = Home::new();
    let mut run = 0;
    for Block { info, line, body } in blocks(text) {
        let named = ["yaml ", "hcl ", "ruby "].iter().find_map(|language| info.strip_prefix(language));
        if let Some(file) = named.filter(|file| *file != "ignore") {
            let path = home.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, body).unwrap();
        } else if info == "console" {
            for (command, shown) in commands(&body) {
                // This very test is part of it.
                if command == "cargo test" {
                    continue;
                }
                let command = command.replace("cargo run --release -- ", "librato-apply ");
                let (_, printed) = home.run(&command);
                let (shown, text): (Vec<&str>, Vec<&str>) =
                    (shown.lines().collect(), printed.lines().collect());
                assert!(matches(&shown, &text), "{name}:{line}: `{command}` prints\n{printed}");
                run += 1;
            }
        }
    }
    run
}

#[test]
fn yaml_is_valid() {
    let home = Home::new();
    for (name, text) in pages() {
        for Block { line, body, .. } in blocks(&text).into_iter().filter(|block| block.info == "yaml") {
            std::fs::write(home.path().join("shown.yaml"), body).unwrap();
            let (code, printed) = home.run("librato-apply validate shown.yaml");
            assert_eq!(code, Some(0), "{name}:{line}:\n{printed}");
        }
    }
}

#[test]
fn the_first_two_commands_are_the_ones_to_try() {
    let blocks = blocks(&read("README.md"));
    let [first, second, ..] = &blocks[..] else { panic!("there are no two blocks") };
    assert!(
        first.body.starts_with("$ cargo run --release -- apply examples/quickstart --auto-approve\n"),
        "{}",
        first.body
    );
    assert_eq!(second.body, "$ cargo test\n");
}

/// What is on the first page is read, what is not is looked up.
#[test]
fn the_front_page_stays_short_and_the_book_has_every_page() {
    let length = read("README.md").lines().count();
    assert!(
        length <= 150,
        "README.md has {length} lines; what is more than a tour belongs on a page of docs/"
    );
    for list in ["docs/README.md", "docs/SUMMARY.md"] {
        let text = read(list);
        for (name, _) in pages().iter().skip(1) {
            let page = name.trim_start_matches("docs/");
            let is_list = ["README.md", "SUMMARY.md"].contains(&page);
            assert!(is_list || text.contains(&format!("]({page})")), "{list} does not link to {name}");
        }
    }
}

#[test]
fn flags_and_commands_exist() {
    let home = Home::new();
    let help = |command: &str| {
        let text = home.run(&format!("librato-apply {command} --help")).1;
        // Flags of what stands below a command stand there.
        let below: &[&str] = match command {
            "import" => &["terraform", "lbrt"],
            "notify" => &["test", "plan"],
            "render" => &["prometheus"],
            "serve" => &["check", "backup", "restore", "migrate", "adopt"],
            _ => &[],
        };
        below
            .iter()
            .fold(text, |text, tool| text + &home.run(&format!("librato-apply {command} {tool} --help")).1)
    };
    let text = manual();
    let all = help("");
    let mut seen = 0;
    for line in text.lines().filter(|line| !line.starts_with("| ")) {
        let Some((_, call)) = line.split_once("librato-apply ") else { continue };
        let call = call.split('`').next().unwrap_or_default();
        let Some(command) =
            call.split_whitespace().next().filter(|word| word.chars().all(char::is_lowercase))
        else {
            continue;
        };
        if !all.contains(&format!("\n  {command} ")) {
            continue; // A sentence about the program, not a call of it.
        }
        let help = help(command);
        for flag in call.split_whitespace().filter(|word| word.starts_with("--")) {
            let flag = flag.split('=').next().unwrap();
            assert!(help.contains(flag), "there is no `{flag}` in: {line}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "only {seen} flags were found");

    // The groups of commands stand between the usage and the flags, one command a line.
    let groups = all.lines().skip_while(|line| !line.starts_with("Usage:")).skip(1);
    let listed: Vec<String> = groups
        .take_while(|line| *line != "Options:")
        .filter(|line| line.starts_with("  ") && !line.contains('`'))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    let rows = table(&text, "| Command |");
    let named: Vec<String> = rows
        .iter()
        .map(|row| row[0].trim_matches('`').split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(named, listed, "the table of commands (left) against --help (right)");
    for row in &rows {
        let help = help(row[0].trim_matches('`').split_whitespace().next().unwrap());
        for flag in quoted(&row[1]).iter().filter(|word| word.starts_with("--")) {
            let flag = flag.split_whitespace().next().unwrap();
            assert!(help.contains(flag), "there is no {flag} for {}", row[0]);
        }
    }
    for flag in ["--endpoint", "--user", "--token-file", "--allow-insecure-http", "--trust-settings-endpoint"]
    {
        assert!(text.contains(flag) && all.contains(flag), "{flag}");
    }
}

#[test]
fn what_null_clears_is_what_the_code_says() {
    let stated: BTreeMap<String, Vec<String>> = table(&manual(), "| Kind | `null` clears |")
        .into_iter()
        .map(|row| (row[0].clone(), quoted(&row[1])))
        .collect();
    let mut kinds = 0;
    for kind in Kind::ALL {
        let Ok(resource) = Resource::from_fields(kind, &serde_json::Map::new()) else { continue };
        assert_eq!(stated[kind.noun()], resource.spec().clearable(), "{kind}");
        kinds += 1;
    }
    assert_eq!(stated.len(), kinds);
}

#[test]
fn settings_of_services_are_those_of_the_code() {
    let rows = table(&manual(), "| Service type |");
    assert_eq!(rows.len(), SERVICE_TYPES.len());
    for (row, known) in rows.iter().zip(SERVICE_TYPES) {
        assert_eq!(row[0], known.name);
        assert_eq!(quoted(&row[1]), known.required, "{}", known.name);
        assert_eq!(quoted(&row[2]), known.harmless(), "{}", known.name);
    }
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = Home::new().run("librato-apply --help").1.replace('\n', " ");
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let listed: Vec<&str> = codes.split(';').map(|code| code.split_whitespace().next().unwrap()).collect();
    let stated = table(&read("docs/commands.md"), "| Code | Meaning |");
    assert_eq!(stated.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), listed);
}

#[test]
fn messages_that_are_explained_exist() {
    let source: String = ["src", "crates"]
        .iter()
        .flat_map(|below| walkdir::WalkDir::new(root().join(below)))
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for row in table(&read("docs/troubleshooting.md"), "| Message |") {
        for code in quoted(&row[0]) {
            assert!(source.contains(&format!("\"{code}\"")), "no message has the code {code}");
        }
    }
}

/// The links of a text, without those in code: the line, and where they lead.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut code = false;
    for (line, number) in text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if !code {
            let prose: Vec<&str> = line.split('`').step_by(2).collect();
            for part in prose.join("code").split("](").skip(1) {
                found.push((number, part.split([')', ' ']).next().unwrap().to_owned()));
            }
        }
    }
    found
}

/// What the headings of a text are called in links to them, as GitHub does it.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            code = !code;
        }
        let heading = line.trim_start_matches('#');
        if code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        let anchor: String = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let before = found.iter().filter(|earlier| **earlier == anchor).count();
        found.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let mut texts = pages();
    texts.extend(
        ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
            .map(|name| (name.to_owned(), read(name))),
    );
    let mut seen = 0;
    for (name, text) in &texts {
        for (line, target) in links(text).into_iter().filter(|(_, target)| !target.starts_with("https://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match path {
                "" => root().join(name),
                path => root().join(name).parent().unwrap().join(path),
            };
            assert!(file.exists(), "{name}:{line} links to {target}, which is not there");
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&file).unwrap());
                assert!(
                    there.iter().any(|one| one == anchor),
                    "{name}:{line}: no heading for {target}: {there:?}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen >= 50, "only {seen} links were found");
}

#[test]
fn headings_and_links_are_found_as_they_are_on_github() {
    let text = "# A `b`, c_d\n```sh\n# no\n[no](x)\n```\n## A b c_d\n[one](x.md#y) `[no](z)` [`t`](u)\n";
    assert_eq!(anchors(text), ["a-b-c_d", "a-b-c_d-1"]);
    assert_eq!(links(text), [(7, "x.md#y".to_owned()), (7, "u".to_owned())]);
}

//! The README cannot lie: its commands are run by the real binary and their output is compared, its YAML is validated, its
//! tables are held against the code.
//!
//! A fenced block `console` is run, what follows a `$` line is the expected output, `...` stands for any lines. A block
//! `yaml` must be valid; `yaml NAME` (and `hcl NAME`, `ruby NAME`) is written to that file instead. Blocks marked `ignore` need what a test does not have;
//! of their commands only the flags are checked.

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

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
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
    let home = Home::new();
    let mut run = 0;
    for Block { info, line, body } in blocks(&readme()) {
        let named = ["yaml ", "hcl ", "ruby "].iter().find_map(|language| info.strip_prefix(language));
        if let Some(file) = named.filter(|file| *file != "ignore") {
            std::fs::write(home.path().join(file), body).unwrap();
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
                assert!(matches(&shown, &text), "README.md:{line}: `{command}` prints\n{printed}");
                run += 1;
            }
        }
    }
    assert!(run >= 5, "only {run} commands were found");
}

#[test]
fn yaml_is_valid() {
    let home = Home::new();
    for Block { line, body, .. } in blocks(&readme()).into_iter().filter(|block| block.info == "yaml") {
        std::fs::write(home.path().join("shown.yaml"), body).unwrap();
        let (code, printed) = home.run("librato-apply validate shown.yaml");
        assert_eq!(code, Some(0), "README.md:{line}:\n{printed}");
    }
}

#[test]
fn the_first_command_is_the_one_to_try() {
    let text = readme();
    let first = blocks(&text).into_iter().next().unwrap().body;
    assert!(
        first.starts_with("$ cargo run --release -- apply examples/quickstart --auto-approve\n"),
        "{first}"
    );
}

#[test]
fn flags_and_commands_exist() {
    let home = Home::new();
    let help = |command: &str| {
        let text = home.run(&format!("librato-apply {command} --help")).1;
        // Flags of what stands below a command stand there.
        let below: &[&str] = match command {
            "import" => &["terraform", "lbrt"],
            "serve" => &["check", "backup", "restore", "adopt"],
            _ => &[],
        };
        below
            .iter()
            .fold(text, |text, tool| text + &home.run(&format!("librato-apply {command} {tool} --help")).1)
    };
    let text = readme();
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
    let stated: BTreeMap<String, Vec<String>> = table(&readme(), "| Kind | `null` clears |")
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
    let rows = table(&readme(), "| Service type |");
    assert_eq!(rows.len(), SERVICE_TYPES.len());
    for (row, known) in rows.iter().zip(SERVICE_TYPES) {
        assert_eq!(row[0], known.name);
        assert_eq!(quoted(&row[1]), known.required, "{}", known.name);
        assert_eq!(quoted(&row[2]), known.harmless, "{}", known.name);
    }
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = Home::new().run("librato-apply --help").1.replace('\n', " ");
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let listed: Vec<&str> = codes.split(';').map(|code| code.split_whitespace().next().unwrap()).collect();
    let stated = table(&readme(), "| Code |");
    assert_eq!(stated.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), listed);
}

#[test]
fn links_lead_somewhere() {
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            let there =
                target.starts_with("https://") || target.starts_with('#') || root().join(target).exists();
            assert!(there, "{name} links to {target}");
        }
    }
}

//! The page of the documentation with every command and its flags, made of the parser.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::shape;

const PAGE: &str = "docs/flags.md";

const HEAD: &str = "\
# Flags of the commands

[All pages](README.md)

Every command with its arguments and flags, as `librato-apply COMMAND --help` has them; this page is made of the parser. What the commands
are for, endpoints, credentials and exit codes are said in [commands](commands.md).
";

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

/// `--out FILE`, or `PATH` of what is given by its place.
fn name(arg: &Arg) -> String {
    let values: Vec<&str> =
        arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let values = if arg.get_action().takes_values() { values.join(" ") } else { String::new() };
    let flag = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, None) => return format!("`{values}`"),
    };
    format!("`{}`", format!("{flag} {values}").trim_end())
}

fn row(arg: &Arg) -> String {
    let mut means = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if arg.get_action().takes_values() && !words.is_empty() {
        means = format!("{}. One of {}", means.trim_end_matches('.'), words.join(", "));
    }
    // That a switch is off until it is given goes without saying.
    let values = if arg.get_action().takes_values() { arg.get_default_values() } else { &[] };
    let default: Vec<String> = values.iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    format!("| {} | {} | {} |\n", cell(&name(arg)), default.join(", "), cell(&means))
}

fn table(arguments: &[&Arg]) -> String {
    let rows: String = arguments.iter().map(|arg| row(arg)).collect();
    if rows.is_empty() { rows } else { format!("\n| Flag | Default | Means |\n| --- | --- | --- |\n{rows}") }
}

/// A command and those below it.
fn section(command: &Command, path: &str, page: &mut String) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace("\n       ", "\n");
    write!(page, "\n### {path}\n\n{about}\n\n```text\n{}\n```\n", usage.trim_end()).unwrap();
    let everywhere = |arg: &Arg| arg.is_global_set() || arg.get_id() == "help" || arg.get_id() == "version";
    let own = |arg: &&Arg| !arg.is_hide_set() && !everywhere(arg);
    page.push_str(&table(&command.get_arguments().filter(own).collect::<Vec<_>>()));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        section(below, &format!("{path} {}", below.get_name()), page);
    }
}

/// `UPDATE=1 cargo test --bin librato-apply page_of_flags` writes it again.
#[test]
fn the_page_of_flags_is_fresh() {
    let mut root = shape::command().disable_help_subcommand(true);
    root.build();
    let mut page = HEAD.to_owned();
    let global = |arg: &&Arg| arg.is_global_set() && !arg.is_hide_set() && arg.get_id() != "help";
    page.push_str(
        "\n## Flags that many commands have\n\nBefore or after any command to which they mean something:\n",
    );
    page.push_str(&table(&root.get_arguments().filter(global).collect::<Vec<_>>()));
    for (group, names) in shape::GROUPS {
        write!(page, "\n## {group}\n").unwrap();
        for command in names.iter().filter_map(|name| root.find_subcommand(name)) {
            section(command, command.get_name(), &mut page);
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap();
    assert_eq!(kept, page, "run: UPDATE=1 cargo test --bin librato-apply page_of_flags");
}

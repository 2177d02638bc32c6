//! The command line as people meet it: commands in groups, examples first, and with each command only the flags that mean
//! something to it. What a flag is and does stands in `args.rs`.

use clap::builder::StyledStr;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory};

use super::{Cli, examples};

/// The commands by what people come for.
pub const GROUPS: [(&str, &[&str]); 4] = [
    ("Definitions", &["init", "validate", "test", "backtest", "plan", "apply", "export", "import", "render"]),
    ("Data", &["query", "submit", "annotate"]),
    ("Service", &["get", "delete", "resolve", "notify", "silence", "unsilence", "serve"]),
    ("Other", &["explain", "schema", "completions", "man"]),
];

/// How a service is reached.
const CONNECTION: [&str; 8] = [
    "endpoint",
    "user",
    "token_file",
    "tenant",
    "timeout",
    "give_up_after",
    "ca_file",
    "allow_insecure_http",
];

/// Which of the flags that stand before or after any command mean something to this one.
fn means(command: &str, flag: &str) -> bool {
    let reads_files = matches!(command, "plan" | "apply" | "backtest");
    let asks = reads_files
        || matches!(command, "export" | "query" | "submit" | "annotate" | "get" | "delete" | "resolve")
        || matches!(command, "notify" | "silence" | "unsilence");
    match flag {
        "user" | "token_file" => asks || command == "serve",
        // Only these reach rulers.
        "tenant" => matches!(command, "plan" | "apply" | "export"),
        "trust_settings_endpoint" => asks,
        "parallelism" => matches!(command, "apply" | "submit"),
        "no_progress" => asks,
        "color" | "quiet" | "verbose" => !matches!(command, "explain" | "schema" | "completions" | "man"),
        flag if CONNECTION.contains(&flag) => asks,
        _ => true,
    }
}

/// The whole command line.
pub fn command() -> Command {
    let root = Cli::command();
    let shared: Vec<Arg> = root.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let names: Vec<String> = root.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let template = root_template(&root);
    let shaped = names.iter().fold(root, |root, name| root.mut_subcommand(name, |sub| shaped(sub, &shared)));
    shaped.help_template(template)
}

/// One command: a flag that stands here already does not come down from above.
fn shaped(command: Command, shared: &[Arg]) -> Command {
    let name = command.get_name().to_owned();
    let hidden = shared.iter().filter(|arg| !means(&name, arg.get_id().as_str()));
    let command = hidden.fold(command, |command, arg| command.arg(arg.clone().hide(true)));
    let command = match name.as_str() {
        "serve" => credentials_of_serve(command, shared),
        _ => command,
    };
    let nested: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    // What is below a command asks no service: it looks after files.
    let command = nested.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| {
            let hidden = shared.iter().filter(|arg| CONNECTION.contains(&arg.get_id().as_str()));
            hidden.fold(sub, |sub, arg| sub.arg(arg.clone().hide(true)))
        })
    });
    match examples::of(&name) {
        "" => command,
        lines => {
            let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
            let heading = heading("Examples");
            command.help_template(format!(
                "{{about-with-newline}}\n{heading}\n{lines}\n{{usage-heading}} {{usage}}\n\n{{all-args}}{{after-help}}"
            ))
        }
    }
}

/// To the server these are not an account elsewhere, but who may come in.
fn credentials_of_serve(command: Command, shared: &[Arg]) -> Command {
    let said = |id: &str, help: &'static str| {
        let arg = shared.iter().find(|arg| arg.get_id() == id).cloned();
        arg.map(|arg| arg.help(help).help_heading("Users"))
    };
    let user =
        "The user that clients give, with every right [env: LIBRATO_USER, LIBRATO_EMAIL, LIBRATO_USERNAME]";
    let token = "A file that holds the token of this user; without it LIBRATO_TOKEN is read. A token is never an argument";
    [said("user", user), said("token_file", token)].into_iter().flatten().fold(command, Command::arg)
}

fn heading(text: &str) -> String {
    let style = anstyle::Style::new().bold().underline();
    format!("{style}{text}:{style:#}")
}

fn root_template(root: &Command) -> String {
    let about = |name: &str| {
        let sub = root.find_subcommand(name);
        let about = sub.and_then(Command::get_about).map(StyledStr::to_string).unwrap_or_default();
        about.trim_end_matches('.').to_owned()
    };
    let mut groups = String::new();
    for (title, names) in GROUPS {
        groups.push_str(&heading(title));
        groups.push('\n');
        names.iter().for_each(|name| groups.push_str(&format!("  {name:<12} {}\n", about(name))));
        groups.push('\n');
    }
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}  `librato-apply COMMAND --help` shows examples and every flag of a command.\n\n{}\n{{options}}{{after-help}}",
        heading("Options")
    )
}

/// Flags about a service that were given to a command which asks none: said, since whoever gave them meant something.
pub fn meaningless(matches: &ArgMatches) -> Option<String> {
    let (command, given) = matches.subcommand()?;
    if means(command, "timeout") {
        return None;
    }
    let all = CONNECTION.iter().chain(&["trust_settings_endpoint", "parallelism"]);
    let flags: Vec<String> = all
        .filter(|flag| !means(command, flag) && given.value_source(flag) == Some(ValueSource::CommandLine))
        .map(|flag| format!("--{}", flag.replace('_', "-")))
        .collect();
    (!flags.is_empty())
        .then(|| format!("note: `{command}` asks no service; it does not use {}", flags.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_group_and_has_examples() {
        let command = command();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let mut known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        grouped.sort_unstable();
        known.sort_unstable();
        assert_eq!(grouped, known);
        assert!(known.iter().all(|name| !examples::of(name).is_empty()));
        command.debug_assert();
    }

    #[test]
    fn examples_are_understood() {
        for (_, names) in GROUPS {
            let lines = names.iter().flat_map(|name| examples::of(name).lines());
            for line in lines.filter(|line| !line.starts_with('#')) {
                let Some(at) = line.find("librato-apply ") else { continue };
                let call = line[at..].split([';', '|', '>', '#', ')']).next().unwrap_or_default();
                // A composite holds these signs itself.
                let call = if line.contains("s(\"") { line } else { call };
                let words = crate::cli::complete::words(&call.replace("$id", "1"));
                assert!(command().try_get_matches_from(&words).is_ok(), "{line}: {words:?}");
            }
        }
    }

    #[test]
    fn commands_list_what_applies_to_them() {
        let mut command = command();
        command.build();
        let listed = |name: &str| -> Vec<String> {
            let sub = command.find_subcommand(name);
            let args = sub.into_iter().flat_map(Command::get_arguments).filter(|arg| !arg.is_hide_set());
            args.map(|arg| arg.get_id().to_string()).collect()
        };
        for name in ["init", "man", "completions", "schema", "import", "render", "validate", "test"] {
            assert!(CONNECTION.iter().all(|flag| !listed(name).iter().any(|id| id == flag)), "{name}");
        }
        assert!(!listed("man").iter().any(|id| id == "color"));
        assert!(
            listed("serve").iter().any(|id| id == "user")
                && !listed("serve").iter().any(|id| id == "endpoint")
        );
        for name in ["check", "backup", "restore", "migrate", "adopt"] {
            let sub = command.find_subcommand("serve").and_then(|serve| serve.find_subcommand(name)).unwrap();
            let mut listed =
                sub.get_arguments().filter(|arg| !arg.is_hide_set()).map(|arg| arg.get_id().as_str());
            assert!(listed.all(|id| !CONNECTION.contains(&id)), "{name}");
        }
        assert!(
            listed("apply").iter().any(|id| id == "parallelism")
                && !listed("get").iter().any(|id| id == "parallelism")
        );
        assert!(
            listed("export").iter().any(|id| id == "tenant")
                && !listed("notify").iter().any(|id| id == "tenant")
        );
        let given = |args: &[&str]| meaningless(&super::command().try_get_matches_from(args).unwrap());
        let said = given(&["librato-apply", "--endpoint", "embedded:x", "init"]).unwrap();
        assert!(said.contains("`init` asks no service") && said.contains("--endpoint"), "{said}");
        assert_eq!(given(&["librato-apply", "get", "alerts", "--endpoint", "embedded:x"]), None);
        assert_eq!(given(&["librato-apply", "plan", "--parallelism", "2"]), None);
    }
}

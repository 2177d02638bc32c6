//! Words and flags that other tools have: what they are called here, in the place of a tip that leads nowhere.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::args::shape;

/// What a flag of other tools is called here; for one command, or for all.
const FLAGS: &[(&str, &str, &str)] = &[
    ("plan", "--dry-run", "`plan` is the dry run: it writes nothing"),
    ("submit", "-f", "write --from FILE"),
    ("submit", "--file", "write --from FILE"),
    ("export", "-o", "write --out DIR, or send standard output to a file"),
    ("import", "-o", "write --out DIR, or send standard output to a file"),
    ("", "--dry-run", "`librato-apply plan` is the dry run"),
    ("", "--check", "`librato-apply validate` checks, `librato-apply plan` compares"),
    ("", "-f", "paths need no -f: librato-apply plan monitoring/"),
    ("", "-R", "directories are read with all that is below them"),
    ("", "--file", "paths need no flag: librato-apply plan monitoring/"),
    ("", "--filename", "paths need no flag: librato-apply plan monitoring/"),
    ("", "--config", "paths need no flag: librato-apply plan monitoring/"),
    ("", "-o", "write --format json; `librato-apply COMMAND --help` names the formats"),
    ("", "--output", "write --format json; `librato-apply COMMAND --help` names the formats"),
    ("", "--json", "write --format json"),
    ("", "--yaml", "write --format yaml"),
    ("", "-y", "write --auto-approve"),
    ("", "--yes", "write --auto-approve"),
    ("", "--force", "write --auto-approve not to be asked; what safety rules refuse has flags of its own"),
    ("", "-l", "write --target KIND/GLOB, such as alert/web.*"),
    ("", "--selector", "write --target KIND/GLOB, such as alert/web.*"),
    ("", "-t", "write --target KIND/GLOB, such as alert/web.*"),
    ("", "--url", "write --endpoint URL, or set LIBRATO_ENDPOINT"),
    ("", "--context", "write --endpoint URL, or set LIBRATO_ENDPOINT"),
    ("", "--token", "set LIBRATO_TOKEN, or write --token-file FILE: other users of a machine see arguments"),
    ("", "--debug", "write -v, or -v -v for every request"),
    ("", "--silent", "write --quiet"),
];

/// What a command of other tools is called here.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["diff", "preview", "show-plan"], "`librato-apply plan` shows what would change"),
    (
        &["destroy"],
        "`ensure: absent` in the files deletes with `apply`; `librato-apply delete KIND NAME` deletes single objects",
    ),
    (
        &["list", "ls", "show", "describe"],
        "`librato-apply get KIND` lists, `librato-apply get KIND NAME` shows all of one",
    ),
    (&["rm", "remove"], "`librato-apply delete KIND NAME`"),
    (&["create", "update", "edit", "set"], "write it into a file, then `librato-apply apply FILE`"),
    (&["lint", "check", "test"], "`librato-apply validate` checks files"),
    (&["push", "sync", "deploy", "up"], "`librato-apply apply`"),
    (&["pull", "dump", "backup"], "`librato-apply export` writes what the service has"),
    (&["login", "auth", "config"], "set LIBRATO_ENDPOINT, LIBRATO_USER and LIBRATO_TOKEN"),
    (&["server", "run", "start"], "`librato-apply serve`"),
    (&["completion"], "`librato-apply completions SHELL`"),
    (&["version"], "`librato-apply --version`"),
];

/// An error about the arguments with a tip that helps here.
pub fn answered(mut error: Error, args: &[String]) -> Error {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.split(['=', ' ']).next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            let flag = word(ContextKind::InvalidArg);
            // That a flag can be written as a value helps nobody.
            error.remove(ContextKind::Suggested);
            two_dashes(args).or_else(|| flag_tip(&flag, args))
        }
        ErrorKind::InvalidSubcommand => {
            let named = word(ContextKind::InvalidSubcommand);
            let known = COMMANDS.iter().find(|(words, _)| words.contains(&named.as_str()));
            error.remove(ContextKind::Suggested);
            known.map(|(_, tip)| (*tip).to_owned())
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

fn flag_tip(flag: &str, args: &[String]) -> Option<String> {
    let here = |command: &str| command.is_empty() || args.iter().any(|arg| arg == command);
    FLAGS
        .iter()
        .find(|(command, known, _)| *known == flag && here(command))
        .map(|(.., tip)| (*tip).to_owned())
}

/// `-auto-approve`, as Terraform writes it.
fn two_dashes(args: &[String]) -> Option<String> {
    let command = shape::command();
    let commands = command.get_subcommands().filter(|sub| args.iter().any(|arg| arg == sub.get_name()));
    let longs: Vec<&str> =
        commands.flat_map(|sub| sub.get_arguments()).filter_map(clap::Arg::get_long).collect();
    let written = args.iter().filter(|arg| arg.starts_with('-') && !arg.starts_with("--"));
    let mut names = written.filter_map(|arg| arg[1..].split('=').next());
    let name = names.find(|name| name.len() > 1 && longs.contains(name))?;
    Some(format!("a long flag has two dashes: --{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let error = shape::command().try_get_matches_from(&args).unwrap_err();
        answered(error, &args).to_string()
    }

    #[test]
    fn habits_of_other_tools_are_answered() {
        for (line, tip) in [
            ("apply --dry-run", "`librato-apply plan` is the dry run"),
            ("plan --dry-run", "`plan` is the dry run: it writes nothing"),
            ("apply -f monitoring/", "paths need no -f"),
            ("submit -f x", "write --from FILE"),
            ("get alerts -o json", "write --format json"),
            ("apply -y", "write --auto-approve"),
            ("apply -auto-approve", "a long flag has two dashes: --auto-approve"),
            ("plan -var=x=1", "a long flag has two dashes: --var"),
            ("plan --token x", "LIBRATO_TOKEN"),
            ("diff", "`librato-apply plan` shows what would change"),
            ("destroy", "ensure: absent"),
            ("list", "`librato-apply get KIND` lists"),
            ("pln", "'plan'"),
            ("plan --targt x", "'--target'"),
        ] {
            let said = said(&format!("librato-apply {line}"));
            assert!(said.contains(tip), "{line}: {said}");
            assert!(!said.contains("'-- -"), "{line}: {said}");
        }
        assert!(!said("librato-apply plan --zzz").contains("tip"));
    }

    #[test]
    fn nothing_is_answered_that_exists() {
        let command = shape::command();
        for (words, _) in COMMANDS {
            assert!(words.iter().all(|word| command.find_subcommand(word).is_none()), "{words:?}");
        }
    }
}

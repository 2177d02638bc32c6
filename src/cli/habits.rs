//! Words and flags that other tools have: what they are called here, in the place of a tip that leads nowhere.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::args::{examples, shape};

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
    (&["lint", "check"], "`librato-apply validate` checks files"),
    (&["push", "sync", "deploy", "up"], "`librato-apply apply`"),
    (&["pull", "dump", "backup"], "`librato-apply export` writes what the service has"),
    (&["login", "auth", "config"], "set LIBRATO_ENDPOINT, LIBRATO_USER and LIBRATO_TOKEN"),
    (&["server", "run", "start"], "`librato-apply serve`"),
    (&["completion"], "`librato-apply completions SHELL`"),
    (&["version"], "`librato-apply --version`"),
];

/// Words that one command does not take so: how they are written there.
const WORDS: &[(&str, &str)] = &[
    ("annotate", "the title of an event has a flag: annotate STREAM --title \"web 91\""),
    ("get", "one name at a time, or a pattern in quotes: get alerts 'web.*'"),
    ("query", "one metric at a time; put a composite in quotes, so that it is one argument"),
    ("submit", "one measurement at a time; many come from a file or a stream, by --from"),
    ("explain", "one field at a time, with dots: alerts.conditions"),
];

/// Flags that do not go together: what is meant instead.
const TOGETHER: &[(&str, &str, &str)] = &[
    (
        "submit",
        "--source",
        "a measurement has a source or tags: to send both, make the source a tag, --tag source=web1",
    ),
    (
        "query",
        "--source",
        "series have a source or tags: ask for one of them, the source of tagged ones by --tag source=web1",
    ),
    (
        "annotate",
        "--close",
        "an event that is ended keeps its start and its source; --end, --title and --description can be given",
    ),
    ("apply", "--plan", "a saved plan is written as it is: what it is made from is said to `plan --out`"),
];

/// An error about the arguments with a tip that helps here.
pub fn answered(mut error: Error, args: &[String]) -> Error {
    let first = |text: &str| text.split(['=', ' ']).next().unwrap_or_default().to_owned();
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => first(text),
        Some(ContextValue::Strings(texts)) => texts.first().map(|text| first(text)).unwrap_or_default(),
        _ => String::new(),
    };
    let known = shape::command();
    let command = args.iter().find(|arg| known.find_subcommand(arg).is_some()).map_or("", String::as_str);
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            let flag = word(ContextKind::InvalidArg);
            // That a flag can be written as a value helps no one.
            error.remove(ContextKind::Suggested);
            two_dashes(args).or_else(|| flag_tip(&flag, args)).or_else(|| word_tip(&flag, command))
        }
        ErrorKind::ArgumentConflict => {
            let named: Vec<String> = [ContextKind::InvalidArg, ContextKind::PriorArg].map(word).into();
            let known =
                TOGETHER.iter().find(|(of, flag, _)| *of == command && named.iter().any(|name| name == flag));
            known.map(|(.., tip)| (*tip).to_owned())
        }
        ErrorKind::MissingRequiredArgument => {
            let usual = format!("librato-apply {command}");
            let example = examples::of(command).lines().find(|line| line.contains(&usual));
            example.filter(|_| !command.is_empty()).map(|line| format!("such as: {line}"))
        }
        ErrorKind::InvalidValue if word(ContextKind::InvalidValue) == "all" => {
            Some("one kind at a time; `librato-apply export` writes all that can stand in files".to_owned())
        }
        ErrorKind::ValueValidation => number_tip(&error),

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

/// A word too many.
fn word_tip(word: &str, command: &str) -> Option<String> {
    let known = WORDS.iter().find(|(of, _)| *of == command && !word.starts_with('-'))?;
    Some(known.1.to_owned())
}

/// What is no number.
fn number_tip(error: &Error) -> Option<String> {
    let why = std::error::Error::source(error)?.to_string();
    if why.contains("float literal") {
        Some("write a number, such as 3 or 0.5".to_owned())
    } else if why.contains("digit found") || why.contains("empty string") {
        Some("write a whole number, such as 10".to_owned())
    } else {
        None
    }
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
            ("submit x 1 --source a --tag b=c", "make the source a tag"),
            ("submit x 1 --tag b=c --source a", "make the source a tag"),
            ("query x --source a --tag b=c", "ask for one of them"),
            ("annotate deploys v1", "--title \"web 91\""),
            ("annotate deploys", "such as: id=$(librato-apply annotate deploys --title"),
            ("annotate deploys --close 3 --start -1h", "keeps its start"),
            ("apply --plan q.plan a.yaml", "what it is made from is said to `plan --out`"),
            ("get all", "`librato-apply export` writes all"),
            ("get", "such as: librato-apply get alerts"),
            ("get alert a b", "a pattern in quotes"),
            ("submit x abc", "write a number, such as 3 or 0.5"),
            ("plan --max-deletes many", "write a whole number"),
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

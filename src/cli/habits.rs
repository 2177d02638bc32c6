//! Words and flags that other tools have: what they are called here, in the place of a tip that leads nowhere.

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use librato_apply::diag::suggest;

use super::args::{examples, shape};

/// What a flag of other tools is called here; for one command, or for all.
const FLAGS: &[(&str, &str, &str)] = &[
    ("plan", "--dry-run", "`plan` is the dry run: it writes nothing"),
    ("plan", "--plan", "`plan --out FILE` saves a plan, `apply --plan FILE` writes it"),
    ("backtest", "--days", "write --start -7d, in days, hours or weeks"),
    ("query", "--last", "write --start -1h"),
    ("query", "--since", "write --start -1h"),
    ("serve", "--port", "write --listen HOST:PORT, or --listen :PORT for every address of this machine"),
    ("silence", "--reason", "write --why TEXT"),
    ("submit", "--at", "write --time TIME, such as --time -5m"),
    ("test", "--run", "write --filter NAME, where `*` stands for any run of characters"),
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
    (
        "",
        "--prune",
        "`settings.prune` in the files deletes what is no longer in them, `ensure: absent` at an object deletes that one",
    ),
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
            let (flag, proposed) = (word(ContextKind::InvalidArg), word(ContextKind::SuggestedArg));
            // That a flag can be written as a value helps no one.
            error.remove(ContextKind::Suggested);
            let tip = two_dashes(args).or_else(|| flag_tip(&flag, args)).or_else(|| word_tip(&flag, command));
            let mut here = named(known, args);
            if tip.is_some() || leads_nowhere(&proposed, &flag, &here) {
                error.remove(ContextKind::SuggestedArg);
                // That of clap shows the flag that it would propose.
                error.insert(ContextKind::Usage, ContextValue::StyledStr(here.render_usage()));
            }
            tip
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
        ErrorKind::InvalidValue => value_tip(&error, command),
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

/// The command that the words name, below another where they say so.
fn named(mut command: Command, args: &[String]) -> Command {
    command.build();
    args.iter().fold(command, |command, arg| command.find_subcommand(arg).cloned().unwrap_or(command))
}

/// Whether clap proposes a flag that means nothing here, or one that every command has and that nobody was close to.
fn leads_nowhere(proposed: &str, typed: &str, command: &Command) -> bool {
    let proposed = proposed.trim_start_matches('-');
    match proposed {
        "" => false,
        "help" | "version" => suggest(typed.trim_start_matches('-'), [proposed]).is_none(),
        _ => command.get_arguments().any(|arg| arg.get_long() == Some(proposed) && arg.is_hide_set()),
    }
}

/// What is none of the values that there are.
fn value_tip(error: &Error, command: &str) -> Option<String> {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
    let Some(ContextValue::String(of)) = error.get(ContextKind::InvalidArg) else { return None };
    if value == "all" {
        return Some(
            "one kind at a time; `librato-apply export` writes all that can stand in files".to_owned(),
        );
    }
    let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue) else { return None };
    if error.get(ContextKind::SuggestedValue).is_some() || value.is_empty() {
        return None;
    }
    match suggest(value, known.iter().map(String::as_str)) {
        Some(close) => Some(format!("a similar value exists: '{close}'")),
        None if of == "<KIND>" => Some(format!("the kind comes first, such as: {command} alerts NAME")),
        None => None,
    }
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
            ("plan --verison", "'--version'"),
            ("plan --plan x", "`apply --plan FILE` writes it"),
            ("apply --prune", "`settings.prune`"),
            ("backtest --days 3", "--start -7d"),
            ("query x --since 1h", "--start -1h"),
            ("query x --last 1h", "--start -1h"),
            ("serve --port 80", "--listen HOST:PORT"),
            ("silence x --reason y", "--why TEXT"),
            ("submit x 1 --at 3", "--time TIME"),
            ("test --run x", "--filter NAME"),
            ("completions zhs", "'zsh'"),
            ("get alrts", "'alerts'"),
            ("delete kettle.boils", "the kind comes first, such as: delete alerts NAME"),
        ] {
            let said = said(&format!("librato-apply {line}"));
            assert!(said.contains(tip), "{line}: {said}");
            assert!(!said.contains("'-- -"), "{line}: {said}");
        }
        assert!(!said("librato-apply plan --zzz").contains("tip"));
    }

    #[test]
    fn no_flag_is_proposed_that_means_nothing_here() {
        for line in [
            "man --endpiont x",
            "init --timeuot 3",
            "silence x --for 1h --why y --versatile",
            "notify test --parallelsm",
        ] {
            let said = said(&format!("librato-apply {line}"));
            assert!(!said.contains("tip") && said.contains("unexpected argument"), "{line}: {said}");
        }
        let said = said("librato-apply serve --port 80");
        assert!(said.contains("Usage: librato-apply serve [OPTIONS]") && !said.contains("--parts"), "{said}");
    }

    #[test]
    fn nothing_is_answered_that_exists() {
        let command = shape::command();
        for (words, _) in COMMANDS {
            assert!(words.iter().all(|word| command.find_subcommand(word).is_none()), "{words:?}");
        }
    }
}

//! The flags of `serve`, made of the table of options.

use std::collections::BTreeMap;
use std::fmt;

use clap::builder::{PossibleValuesParser, StyledStr};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use super::Settings;
use super::table::{Opt, Secret, Shape, TABLE};

/// What flags said, by key. Its values are not shown, since one of them may turn out to be a secret.
#[derive(Clone, Default)]
pub struct Flags(pub BTreeMap<&'static str, Vec<String>>);

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        TABLE.iter().filter(|opt| !opt.flag.is_empty()).fold(command, |command, opt| command.args(args(opt)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let mut flags = Flags::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        for opt in TABLE.iter().filter(|opt| !opt.flag.is_empty()) {
            if opt.shape == Shape::Switch {
                let said = [(given(&id(opt.flag)), "true"), (given(&id(&negated(opt))), "false")];
                let said = said.iter().find(|(given, _)| *given).map(|(_, text)| (*text).to_owned());
                self.0.extend(said.map(|said| (opt.key, vec![said])));
            } else if given(&id(opt.flag)) {
                let texts = matches.get_many::<String>(&id(opt.flag)).unwrap_or_default();
                self.0.insert(opt.key, texts.cloned().collect());
            }
        }
        Ok(())
    }
}

fn id(flag: &str) -> String {
    flag.replace('-', "_")
}

fn negated(opt: &Opt) -> String {
    format!("no-{}", opt.flag)
}

/// The flag of an option; of a switch there are two, and where it has a default only the other one is listed.
fn args(opt: &'static Opt) -> Vec<Arg> {
    let plain = |flag: String| {
        let arg = Arg::new(id(&flag)).long(flag).help(StyledStr::from(opt.help));
        match opt.heading() {
            Some(heading) => arg.help_heading(heading),
            None => arg,
        }
    };
    if opt.shape == Shape::Switch {
        let on = plain(opt.flag.to_owned()).action(ArgAction::SetTrue).hide(opt.default == "true");
        let off = plain(negated(opt)).action(ArgAction::SetTrue).hide(opt.default == "false");
        let off = if opt.default.is_empty() { off.help("The opposite of --notify") } else { off };
        return vec![on.conflicts_with(id(&negated(opt))), off];
    }
    let arg = plain(opt.flag.to_owned()).value_name(opt.value);
    let arg = if opt.default.is_empty() { arg } else { arg.default_value(opt.default) };
    vec![match (opt.secret, opt.shape) {
        // Taken only to be refused with the way out; clap itself would repeat the value.
        (Secret::Whole, _) => arg.hide(true).num_args(0..=1).allow_hyphen_values(true),
        (Secret::Url, _) => arg,
        (Secret::No, Shape::Path | Shape::SecretFile) => arg.value_hint(ValueHint::AnyPath),
        (Secret::No, Shape::Choice(known)) => arg.value_parser(PossibleValuesParser::new(known)),
        (Secret::No, Shape::List | Shape::Pairs) => arg
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(move |text: &str| check(opt, text)),
        (Secret::No, _) => arg.value_parser(move |text: &str| check(opt, text)),
    }]
}

/// The text itself, if the option takes it.
fn check(opt: &Opt, text: &str) -> Result<String, String> {
    (opt.set)(&mut Settings::default(), text).map(|()| text.to_owned())
}

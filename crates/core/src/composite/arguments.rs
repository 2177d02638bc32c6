//! The arguments of a call held against its function's parameters: too many, too few, of the wrong kind; and options with their values.
//! Knows the table of functions; what a function computes from its arguments is read in `meaning`.

use std::ops::Range;

use super::functions::{OptionSpec, Parameter, Signature, Takes};
use super::problem::Problems;
use super::tree::{Expr, ExprKind, Name};
use crate::diag::{Code, seconds_in, suggest};

/// The value of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Given {
    Word(&'static str),
    Number(f64),
    Count(u64),
    Boolean(bool),
    Last,
}

/// The options of a call that could be read.
#[derive(Debug, Default)]
pub(super) struct Options(Vec<(&'static str, Given)>);

impl Options {
    pub(super) fn word(&self, name: &str) -> Option<&'static str> {
        self.find(name, |given| if let Given::Word(word) = given { Some(word) } else { None })
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.find(name, |given| if let Given::Number(number) = given { Some(number) } else { None })
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.find(name, |given| if let Given::Count(count) = given { Some(count) } else { None })
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.find(name, |given| if let Given::Boolean(boolean) = given { Some(boolean) } else { None })
    }

    pub(super) fn last(&self, name: &str) -> bool {
        self.find(name, |given| (given == Given::Last).then_some(())).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find<T>(&self, name: &str, read: impl Fn(Given) -> Option<T>) -> Option<T> {
        self.0.iter().find(|(key, _)| *key == name).and_then(|(_, given)| read(*given))
    }
}

/// What an expression is, as people say it.
pub(super) fn describe(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Call(name, _) => format!("a call of `{}`", name.text),
        ExprKind::Set(_) => "a set".into(),
        ExprKind::Text(_) => "text".into(),
        ExprKind::Number(number) => format!("the number {number}"),
        ExprKind::Map(_) => "options".into(),
        ExprKind::Hole => "nothing".into(),
    }
}

/// Reports arguments that are missing and those no one takes.
pub(super) fn count(
    function: &Signature,
    name: &Name,
    arguments: &[Expr],
    end: usize,
    problems: &mut Problems,
) {
    let parameters = function.parameters;
    if let [first, ..] = arguments.get(parameters.len()..).unwrap_or_default() {
        let span = first.span.start..arguments.last().map_or(first.span.end, |last| last.span.end);
        let takes = if parameters.len() == 1 { "one argument" } else { "fewer arguments" };
        let message = format!("`{}` takes {takes}: {}", name.text, function.signature());
        let problem = problems.error(Code::WrongArguments, span, message);
        let brackets = matches!(parameters, [Parameter::Set, ..])
            && matches!(first.kind, ExprKind::Call(..) | ExprKind::Set(_));
        if brackets {
            problem.help(format!("several series stand in brackets: {}([a, b])", name.text));
        }
        return;
    }
    let missing = &parameters[arguments.len()..];
    if let Some(first) = missing.iter().find(|parameter| !matches!(parameter, Parameter::Options(_))) {
        let message = format!("`{}` needs {}: {}", name.text, first.wants(), function.signature());
        let problem = problems.error(Code::WrongArguments, name.span.start..end, message);
        if matches!(first, Parameter::Selector) {
            problem.help("\"*\" means every source");
        }
    }
    for parameter in missing {
        if let Parameter::Options(specs) = parameter {
            required(function, specs, &Options::default(), name.span.clone(), problems);
        }
    }
}

/// Reports an argument of the wrong kind.
pub(super) fn wrong_kind(function: &Signature, parameter: Parameter, found: &Expr, problems: &mut Problems) {
    // What could not be read was reported.
    if found.kind == ExprKind::Hole {
        return;
    }
    let message = format!("`{}` wants {} here, not {}", function.name, parameter.wants(), describe(found));
    problems
        .error(Code::WrongArguments, found.span.clone(), message)
        .help(format!("it is called as {}", function.signature()));
}

/// Reads options and reports what is wrong with them.
pub(super) fn options(
    function: &Signature,
    specs: &'static [OptionSpec],
    pairs: &[(Name, Expr)],
    span: &Range<usize>,
    problems: &mut Problems,
) -> Options {
    let mut options = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in pairs {
        let Some(spec) = specs.iter().find(|spec| spec.name == key.text) else {
            unknown_option(function, specs, key, problems);
            continue;
        };
        if seen.contains(&spec.name) {
            let message = format!("`{}` is given twice", spec.name);
            problems.error(Code::RepeatedOption, key.span.clone(), message);
            continue;
        }
        seen.push(spec.name);
        match value_of(spec, value, problems) {
            Some(given) => options.0.push((spec.name, given)),
            // It is there, however wrong: saying that it is missing would not help.
            None => options.0.push((spec.name, Given::Word(""))),
        }
    }
    // What is missing is most likely there under another name.
    if pairs.len() == seen.len() {
        required(function, specs, &options, span.clone(), problems);
    }
    options
}

fn required(
    function: &Signature,
    specs: &[OptionSpec],
    options: &Options,
    span: Range<usize>,
    problems: &mut Problems,
) {
    for spec in specs.iter().filter(|spec| spec.required) {
        if !options.0.iter().any(|(name, _)| *name == spec.name) {
            let message = format!("`{}` needs the option `{}`", function.name, spec.name);
            problems.error(Code::MissingOption, span.clone(), message).help(format!(
                "{}, as in {}(…, {{{}: {}}})",
                wants(spec.takes),
                function.name,
                spec.name,
                example(spec.takes)
            ));
        }
    }
}

fn unknown_option(function: &Signature, specs: &[OptionSpec], key: &Name, problems: &mut Problems) {
    let message = format!("`{}` has no option `{}`", function.name, key.text);
    let names = || specs.iter().map(|spec| spec.name);
    let help = match suggest(&key.text, names()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => {
            let names: Vec<_> = names().map(|name| format!("`{name}`")).collect();
            format!("its options are {}", names.join(", "))
        }
    };
    problems.unknown(Code::UnknownOption, key.span.clone(), message).help(help);
}

fn value_of(spec: &OptionSpec, value: &Expr, problems: &mut Problems) -> Option<Given> {
    let (ExprKind::Text(text) | ExprKind::Number(text)) = &value.kind else {
        if value.kind != ExprKind::Hole {
            let message = format!("`{}` wants {}, not {}", spec.name, wants(spec.takes), describe(value));
            problems.error(Code::WrongValue, value.span.clone(), message);
        }
        return None;
    };
    let found = convert(spec.takes, text);
    if found.is_none() {
        let message = format!("`{}` wants {}, not \"{}\"", spec.name, wants(spec.takes), text.escape_debug());
        let problem = match spec.takes {
            Takes::OneOf(_) => problems.unknown(Code::WrongValue, value.span.clone(), message),
            _ => problems.error(Code::WrongValue, value.span.clone(), message),
        };
        if let Some(hint) = hint(spec.takes, text) {
            problem.help(hint);
        }
    }
    found
}

fn convert(takes: Takes, text: &str) -> Option<Given> {
    match takes {
        Takes::OneOf(words) => words.iter().find(|word| **word == text).map(|word| Given::Word(word)),
        Takes::Factor => match text.split_once('/') {
            Some((above, below)) => {
                let factor = whole(above)? / whole(below)?;
                factor.is_finite().then_some(Given::Number(factor))
            }
            None => number(text).map(Given::Number),
        },
        Takes::Number => number(text).map(Given::Number),
        Takes::Count(most) | Takes::Seconds(most) => {
            text.parse().ok().filter(|count| (1..=most).contains(count)).map(Given::Count)
        }
        Takes::Duration => number(text).filter(|seconds| *seconds > 0.0).map(Given::Number),
        Takes::Boolean => text.parse().ok().map(Given::Boolean),
        Takes::Filling if text == "last" => Some(Given::Last),
        Takes::Filling => number(text).map(Given::Number),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The parts of a fraction are whole numbers.
fn whole(text: &str) -> Option<f64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| number(text)).flatten()
}

fn wants(takes: Takes) -> String {
    match takes {
        Takes::OneOf(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            words.join(" or ")
        }
        Takes::Factor => "a number or a fraction".into(),
        Takes::Number => "a number".into(),
        Takes::Count(most) => format!("a whole number from 1 to {most}"),
        Takes::Seconds(most) => format!("a whole number of seconds from 1 to {most}"),
        Takes::Duration => "a number of seconds above zero".into(),
        Takes::Boolean => "\"true\" or \"false\"".into(),
        Takes::Filling => "a number or \"last\"".into(),
    }
}

fn example(takes: Takes) -> &'static str {
    match takes {
        Takes::Factor => "\"1/1024\"",
        Takes::Filling => "\"0\"",
        _ => "\"1\"",
    }
}

/// What was probably meant.
fn hint(takes: Takes, text: &str) -> Option<String> {
    match takes {
        Takes::OneOf(words) => {
            let word = if text == "average" || text == "avg" { "mean" } else { text };
            let close = suggest(word, words.iter().copied())?;
            Some(format!("did you mean \"{close}\"?"))
        }
        Takes::Seconds(_) | Takes::Duration => {
            let (count, unit) = text.split_at(text.char_indices().last()?.0);
            let seconds = count.parse::<u64>().ok()?.checked_mul(seconds_in(unit)?)?;
            Some(format!("write seconds: \"{seconds}\""))
        }
        Takes::Boolean => suggest(text, ["true", "false"]).map(|close| format!("did you mean \"{close}\"?")),
        Takes::Count(_) if text.ends_with(['s', 'm', 'h', 'd']) => {
            Some("this counts points or series, not time".to_owned())
        }
        Takes::Count(_) | Takes::Factor | Takes::Number | Takes::Filling => None,
    }
}

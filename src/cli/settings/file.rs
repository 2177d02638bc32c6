//! The file of `serve --config`: from YAML to what it says of each option, with the place of everything that is wrong.
//! What single values mean is for the table to say.

use std::collections::BTreeMap;
use std::path::Path;

use librato_apply::diag::{Code, Diagnostic, FileId, Files, Part, Place, Report, Route, suggest};
use librato_apply::load::yaml;
use serde_json::{Map, Value};

use super::Settings;
use super::table::{Opt, Secret, Shape, TABLE, named};

/// What a file says, and where.
#[derive(Default)]
pub struct Read {
    pub said: BTreeMap<&'static str, (Vec<String>, Route)>,
    pub report: Report,
    pub files: Files,
    file: Option<FileId>,
}

impl Read {
    /// Something is wrong at a value; it is shown, unless it is a secret.
    pub fn wrong(&mut self, route: &Route, message: impl Into<String>, help: impl Into<String>) {
        let Some(file) = self.file else { return };
        let place = Place::Node { file, route: route.clone(), part: Part::Value };
        self.report.push(Diagnostic::error(Code::UnknownValue, message).at(place, "").help(help));
    }
}

/// Reads the text of the file at `path`.
pub fn read(path: &Path, text: String) -> Read {
    let mut read = Read::default();
    let file = read.files.add_foreign(path.display().to_string(), text, yaml::index);
    read.file = Some(file);
    let value = match yaml::parse(read.files.text(file), file) {
        Ok(value) => value,
        Err(problem) => {
            read.report.push(problem);
            return read;
        }
    };
    let mut walk = Walk { read, file, dir: path.parent().unwrap_or(Path::new("")), hidden: Vec::new() };
    match &value {
        Value::Null => {}
        Value::Object(map) => walk.section("", map, &Route::root()),
        _ => {
            walk.wrong_shape(&Route::root(), "the file", "a mapping, such as `listen: 127.0.0.1:8080`", None);
        }
    }
    let Walk { mut read, hidden, .. } = walk;
    let spans = hidden.iter().filter_map(|route| {
        let place = Place::Node { file, route: route.clone(), part: Part::Value };
        read.files.locate(&place).map(|position| position.span)
    });
    let (spans, end) = (spans.collect(), read.files.text(file).len());
    read.files.reveal(file, std::iter::once(0..end).collect(), spans);
    read
}

struct Walk<'a> {
    read: Read,
    file: FileId,
    dir: &'a Path,
    /// Values that are not shown: those of secrets, and of keys that no one knows.
    hidden: Vec<Route>,
}

impl Walk<'_> {
    fn section(&mut self, path: &str, map: &Map<String, Value>, here: &Route) {
        for (name, value) in map {
            let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let route = here.key(name);
            let below = format!("{key}.");
            if let Some(opt) = named(&key) {
                self.option(opt, value, &route);
            } else if !TABLE.iter().any(|opt| opt.key.starts_with(&below)) {
                self.unknown(path, name, route);
            } else {
                match value {
                    Value::Null => {}
                    Value::Object(map) => self.section(&key, map, &route),
                    _ => {
                        self.hidden.push(route.clone());
                        self.wrong_shape(&route, &format!("`{key}`"), "a mapping", None);
                    }
                }
            }
        }
    }

    fn option(&mut self, opt: &'static Opt, value: &Value, route: &Route) {
        if opt.secret != Secret::No {
            self.hidden.push(route.clone());
        }
        let texts = match (opt.shape, value) {
            (Shape::Switch, Value::Bool(on)) => Some(vec![on.to_string()]),
            (Shape::Number | Shape::Size | Shape::Time, Value::Number(number)) => {
                Some(vec![number.to_string()])
            }
            (Shape::Path | Shape::SecretFile, Value::String(text)) => {
                Some(vec![self.dir.join(text).display().to_string()])
            }
            (Shape::List, Value::Array(items)) => items.iter().map(text).collect(),
            (Shape::List, Value::String(one)) => Some(vec![one.clone()]),
            (Shape::Pairs, Value::Object(map)) => {
                map.iter().map(|(name, value)| Some(format!("{name}={}", text(value)?))).collect()
            }
            (Shape::Switch | Shape::List | Shape::Pairs, _) => None,
            (_, Value::String(text)) => Some(vec![text.clone()]),
            _ => None,
        };
        let form = match opt.shape {
            Shape::Switch => "true or false",
            Shape::Number => "a number",
            Shape::Size => "a size, such as 20GB",
            Shape::Time => "a time, such as 10s",
            Shape::List => "a list of texts",
            Shape::Pairs => "a mapping of texts",
            Shape::Text | Shape::Path | Shape::SecretFile | Shape::Choice(_) => "a text",
        };
        match texts {
            Some(texts) => {
                self.read.said.insert(opt.key, (texts, route.clone()));
            }
            None => {
                // Where a text must have a form of its own, the option says so of an empty one.
                let own = (opt.shape == Shape::Text).then(|| (opt.set)(&mut Settings::default(), "").err());
                self.wrong_shape(route, &format!("`{}`", opt.key), form, own.flatten());
            }
        }
    }

    fn wrong_shape(&mut self, route: &Route, what: &str, form: &str, help: Option<String>) {
        let place = Place::Node { file: self.file, route: route.clone(), part: Part::Value };
        let wrong =
            Diagnostic::error(Code::WrongType, format!("{what} is no {}", form.trim_start_matches("a ")));
        self.read.report.push(wrong.at(place, "").help(help.unwrap_or_else(|| format!("write {form}"))));
    }

    fn unknown(&mut self, path: &str, name: &str, route: Route) {
        let here = |key: &'static str| {
            let rest = if path.is_empty() { key } else { key.strip_prefix(path)?.strip_prefix('.')? };
            rest.split('.').next()
        };
        let mut known: Vec<&str> = TABLE.iter().filter_map(|opt| here(opt.key)).collect();
        known.dedup();
        // What is one word elsewhere, or a flag, is meant where the option stands.
        let word = name.replace('-', "_");
        let same =
            |opt: &&Opt| opt.key.rsplit('.').next() == Some(&word) || opt.flag.replace('-', "_") == word;
        let whole = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let elsewhere = TABLE.iter().find(same).map(|opt| opt.key);
        let help = match (suggest(name, known.iter().copied()), elsewhere) {
            (Some(close), _) => format!("did you mean `{}`?", whole(close)),
            (None, Some(key)) if !path.is_empty() && !key.contains('.') => {
                format!("`{key}` stands at the top of the file, outside of `{path}`")
            }
            (None, Some(key)) => format!("did you mean `{key}`?"),
            (None, None) => format!("the keys here are {}", known.join(", ")),
        };
        let place = Place::Node { file: self.file, route: route.clone(), part: Part::Key };
        self.hidden.push(route);
        let message = format!("`serve` has no option `{}`", librato_apply::diag::printable(&whole(name)));
        self.read.report.push(Diagnostic::error(Code::UnknownField, message).at(place, "").help(help));
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

//! Replaces references in values by what they stand for, and remembers which texts became secret by it.
//! Knows the name spaces; asks others for what lies outside the files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::findings::Follows;
use super::ledger::{Ledger, Refused};
use super::outside::{OPEN_PREFIX, Outside};
use super::template::{self, Part};
use crate::diag::{Code, Coded, Part as Half, Route, Seg, Severity, Trail, suggest};
use crate::model::at_route;
use crate::model::check::Finding;

/// A value with the texts in it that are secret, as references that can be resolved again.
#[derive(Debug, Clone, Default)]
pub struct Resolved {
    pub value: Value,
    /// Secret texts by their route inside the value.
    pub secrets: BTreeMap<Route, String>,
}

/// The item of a `for_each` an object is made for.
#[derive(Debug, Clone)]
pub struct Each {
    /// `${each.key}`.
    pub key: String,
    /// `${each.value}`.
    pub value: Resolved,
    /// Whether the list is broken, so that nothing is known of its items.
    pub is_unknown: bool,
}

/// What stands for a secret that is not set, followed by its name: much that is secret is a URL.
const PLACEHOLDER: &str = "https://unset.invalid/";

/// What references may mean at one place.
pub struct Scope<'a> {
    /// Variables by name.
    pub variables: &'a BTreeMap<String, Resolved>,
    /// What was used so far.
    pub ledger: &'a Ledger,
    /// The item of a `for_each`.
    pub each: Option<&'a Each>,
    /// The environment and files; `None` where only `var` and `each` may stand.
    pub outside: Option<(&'a dyn Outside, &'a Path)>,
    /// Whether a secret that is not set is a warning and stands for a placeholder.
    pub lenient_secrets: bool,
}

/// Replaces all references inside a value. Findings carry routes inside the value.
pub fn interpolate(value: &Value, scope: &Scope<'_>, findings: &mut Vec<Finding>) -> Resolved {
    if !refers(value) {
        return Resolved { value: value.clone(), secrets: BTreeMap::new() };
    }
    let mut walk = Walk { scope, findings, secrets: BTreeMap::new(), part: Half::Value };
    let value = walk.value(value, Trail::Root);
    Resolved { secrets: walk.secrets, value }
}

/// Whether there is anything to replace: most objects are as they are written, and building a map again costs more than
/// copying one.
pub fn refers(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(items) => items.iter().any(refers),
        Value::Object(map) => map.values().any(refers),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

struct Walk<'a, 'b> {
    scope: &'a Scope<'b>,
    findings: &'a mut Vec<Finding>,
    secrets: BTreeMap<Route, String>,
    /// What of the text is being replaced.
    part: Half,
}

impl Walk<'_, '_> {
    fn value(&mut self, value: &Value, here: Trail<'_>) -> Value {
        match value {
            Value::String(text) if text.contains("${") => self.text(text, &here.route()),
            Value::Array(items) => {
                items.iter().enumerate().map(|(i, item)| self.value(item, here.index(i))).collect()
            }
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, one)| (key.clone(), self.value(one, here.key(key))))
                    .collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str, here: &Route) -> Value {
        let Some(parts) = template::parts(text) else {
            self.fail(here, Code::OpenReference, "a `${` here is not closed by `}`".into())
                .help("write `$${` for a literal `${`");
            return Value::String(text.to_owned());
        };
        if let [Part::Reference(reference)] = parts.as_slice() {
            return self.whole(reference, here);
        }
        let (mut plain, mut again, mut secret) = (String::new(), String::new(), false);
        for part in parts {
            match part {
                Part::Literal(literal) => {
                    plain.push_str(&literal);
                    again.push_str(&template::escape(&literal));
                }
                Part::Reference(reference) => {
                    self.part = within(text, reference);
                    let found = self.look_up(reference, here).unwrap_or_default();
                    let Some(piece) = as_text(&found.value) else {
                        self.fail(
                            here,
                            Code::WrongType,
                            format!(
                                "`${{{reference}}}` is {}, which cannot be part of a text",
                                describe(&found.value)
                            ),
                        )
                        .help("a list or map can only stand alone");
                        continue;
                    };
                    plain.push_str(&piece);
                    if let Some(inner) = found.secrets.get(&Route::root()) {
                        again.push_str(inner);
                        secret = true;
                    } else {
                        again.push_str(&template::escape(&piece));
                    }
                }
            }
        }
        self.part = Half::Value;
        if secret {
            self.secrets.insert(here.clone(), again);
        }
        Value::String(plain)
    }

    /// A text that is one reference alone keeps the type of what it refers to.
    fn whole(&mut self, reference: &str, here: &Route) -> Value {
        let found = self.look_up(reference, here).unwrap_or_default();
        self.secrets.extend(found.secrets.into_iter().map(|(route, text)| (here.join(&route), text)));
        found.value
    }

    fn look_up(&mut self, reference: &str, here: &Route) -> Option<Resolved> {
        let (space, path) = reference.split_once('.').unwrap_or((reference, ""));
        match (space, self.scope.outside) {
            ("var", _) => self.variable(path, here),
            ("each", _) => self.each(path, here),
            ("env" | "file" | "secret", None) => {
                self.fail(here, Code::MisplacedReference, format!("`${{{space}.…}}` cannot be used here"))
                    .help("names, `for_each` and `settings` take `var` and `each` only");
                None
            }
            ("env", Some((outside, _))) if !outside.may_read(path) => {
                let message = format!("the environment variable `{path}` may not be read by files");
                self.fail(here, Code::HiddenVariable, message).help(format!(
                    "allow it with --allow-env {path} or LIBRATO_ALLOW_ENV={path}; names that begin with {OPEN_PREFIX} always are"
                )).help(format!("what nobody may see is written `${{secret.{path}}}`"));
                None
            }
            ("env", Some((outside, _))) => {
                let found = outside.env(path);
                if found.is_none() {
                    self.fail(
                        here,
                        Code::UnsetVariable,
                        format!("the environment variable `{path}` is not set"),
                    )
                    .help("set it, or take the value from `vars` or --var");
                }
                found.map(|text| plain(&text))
            }
            ("secret", Some((outside, _))) => self.secret(path, outside, here),
            ("file", Some((outside, dir))) => match outside.file(dir, path) {
                Ok(text) => Some(plain(&text)),
                Err(why) => {
                    self.fail(here, Code::Unreadable, format!("the file `{path}` cannot be used: {why}"))
                        .help("the path is relative to the directory of this file and stays below it");
                    None
                }
            },
            _ => {
                let close = suggest(space, ["var", "env", "file", "secret", "each"]);
                let hint = close.map_or_else(
                    || {
                        "references begin with var, env, file, secret or each; write `$${` for a literal `${`"
                            .into()
                    },
                    |close| format!("did you mean `{close}`?"),
                );
                self.fail(
                    here,
                    Code::UnknownReference,
                    format!("`${{{reference}}}` refers to nothing known"),
                )
                .help(hint);
                None
            }
        }
    }

    fn variable(&mut self, path: &str, here: &Route) -> Option<Resolved> {
        let (name, inner) = path.split_once('.').unwrap_or((path, ""));
        self.scope.ledger.used.borrow_mut().insert(name.to_owned());
        if self.scope.ledger.unknown.borrow().contains(name) {
            self.fail(here, Follows, String::new());
            return None;
        }
        let Some(found) = self.scope.variables.get(name) else {
            let close = self.scope.ledger.near.of(name, self.scope.variables.keys().map(String::as_str));
            let hint = close.map_or_else(
                || format!("define it under `vars`, or give it with --var {name}=…"),
                |close| format!("did you mean `{close}`?"),
            );
            self.fail(here, Code::UnknownVariable, format!("the variable `{name}` is not defined"))
                .help(hint);
            return None;
        };
        self.inside(found, inner, &format!("var.{name}"), here)
    }

    fn each(&mut self, path: &str, here: &Route) -> Option<Resolved> {
        let Some(each) = self.scope.each else {
            self.fail(
                here,
                Code::MisplacedReference,
                "`${each.…}` only means something in an object with `for_each`".into(),
            );
            return None;
        };
        if each.is_unknown {
            self.fail(here, Follows, String::new());
            return None;
        }
        match path.split_once('.').unwrap_or((path, "")) {
            ("key", "") => Some(Resolved { value: each.key.clone().into(), secrets: BTreeMap::new() }),
            ("value", inner) => self.inside(&each.value, inner, "each.value", here),
            _ => {
                self.fail(
                    here,
                    Code::UnknownReference,
                    format!("`${{each.{path}}}` refers to nothing known"),
                )
                .help("there are `${each.key}` and `${each.value}`");
                None
            }
        }
    }

    /// Follows `.name.0.name` into a value.
    fn inside(&mut self, from: &Resolved, path: &str, shown: &str, here: &Route) -> Option<Resolved> {
        let mut value = &from.value;
        let mut route = Route::root();
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let next = match value {
                Value::Array(items) => {
                    step.parse::<usize>().ok().and_then(|i| Some((items.get(i)?, Seg::Index(i))))
                }
                Value::Object(map) => map.get(step).map(|one| (one, Seg::Key(step.to_owned()))),
                _ => None,
            };
            let Some((one, seg)) = next else {
                let close = value
                    .as_object()
                    .and_then(|map| self.scope.ledger.near.of(step, map.keys().map(String::as_str)));
                let hint = close.map(|close| format!("did you mean `{close}`?"));
                let finding = self.fail(here, Code::UnknownReference, format!("`{shown}` has no `{step}`"));
                if let Some(hint) = hint {
                    finding.help(hint);
                }
                return None;
            };
            route.0.push(seg);
            value = one;
        }
        match self.scope.ledger.takes(value) {
            Ok(()) => {}
            Err(Refused::First) => {
                let message = format!("references stand for more than {} MiB of text by now", Ledger::MIB);
                self.fail(here, Code::TooLarge, message).help("do variables repeat each other?");
                return None;
            }
            Err(Refused::Again) => return None,
        }
        let below = |found: &Route| found.0.strip_prefix(route.0.as_slice()).map(|rest| Route(rest.to_vec()));
        let secrets: BTreeMap<Route, String> =
            from.secrets.iter().filter_map(|(at, text)| Some((below(at)?, text.clone()))).collect();
        for route in secrets.keys() {
            let text = at_route(value, route).and_then(Value::as_str);
            if text.is_some_and(|text| text.contains(PLACEHOLDER)) {
                self.fail(&here.join(route), Follows, String::new()).severity = Severity::Warning;
            }
        }
        Some(Resolved { value: value.clone(), secrets })
    }

    fn secret(&mut self, name: &str, outside: &dyn Outside, here: &Route) -> Option<Resolved> {
        let reference = format!("${{secret.{name}}}");
        let found = secret(outside, name);
        if found.is_none() {
            let message = format!("the secret `{name}` is not set");
            let hint = format!("set the environment variable {name} to it");
            let severity = if self.scope.lenient_secrets { Severity::Warning } else { Severity::Error };
            self.fail(here, Code::UnsetSecret, message).help(hint).severity = severity;
        }
        // A placeholder keeps the rest of the object checkable.
        let value = found.unwrap_or_else(|| format!("{PLACEHOLDER}{name}"));
        Some(Resolved { value: value.into(), secrets: BTreeMap::from([(Route::root(), reference)]) })
    }

    fn fail(&mut self, here: &Route, code: impl Coded, message: String) -> &mut Finding {
        self.findings.push(Finding {
            severity: Severity::Error,
            code: code.code(),
            route: here.clone(),
            part: self.part,
            message,
            help: Vec::new(),
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// What is no secret.
fn plain(text: &str) -> Resolved {
    Resolved { value: without_line_end(text).into(), secrets: BTreeMap::new() }
}

/// A secret that is set.
pub fn secret(outside: &dyn Outside, name: &str) -> Option<String> {
    let text = outside.secret(name)?;
    Some(without_line_end(&text)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// One line without its end, which editors and `echo` add and no one means. Several lines stay as they are.
pub fn without_line_end(text: &str) -> &str {
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.contains('\n') { text } else { line }
}

/// Where a reference stands in its text.
fn within(text: &str, reference: &str) -> Half {
    let inside = reference.as_ptr().addr() - text.as_ptr().addr();
    Half::Text { start: inside - "${".len(), end: inside + reference.len() + "}".len() }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        // What could not be resolved was reported already.
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value's type as people say it.
pub fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "blank",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

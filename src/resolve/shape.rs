//! Holds a value against the schema of the file format: every unknown field and wrong type, not only the first.
//! Knows the few words of JSON Schema that our own types produce. Never repeats a value, which may be a secret.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::hints;
use super::interpolate::describe;
use crate::diag::{Code, Part, Seg, Severity, Trail, suggest};
use crate::model::check::Finding;

/// The schema, each part of it taken apart when a value first meets it: thousands of objects meet the same few parts.
pub struct Rules<'a> {
    root: &'a Value,
    definitions: &'a Value,
    /// By the address of the part.
    known: RefCell<HashMap<*const Value, Rc<Rule<'a>>>>,
}

impl<'a> Rules<'a> {
    /// Of a whole schema.
    pub fn of(root: &'a Value) -> Self {
        Self { root, definitions: &root["$defs"], known: RefCell::default() }
    }

    /// Compares `value` with the definition of this name.
    pub fn check(&self, value: &Value, definition: &str, findings: &mut Vec<Finding>) {
        let part = &self.definitions[definition];
        Shapes { rules: self, findings }.check(value, &self.rule(part), Trail::Root);
    }

    /// Whether the definition of this name has such a field.
    pub fn has_field(&self, definition: &str, name: &str) -> bool {
        self.follow(&self.definitions[definition])["properties"].get(name).is_some()
    }

    fn rule(&self, part: &'a Value) -> Rc<Rule<'a>> {
        if let Some(known) = self.known.borrow().get(&ptr::from_ref(part)) {
            return Rc::clone(known);
        }
        let rule = Rc::new(Rule::read(self.follow(part), self));
        self.known.borrow_mut().insert(ptr::from_ref(part), Rc::clone(&rule));
        rule
    }

    fn follow(&self, part: &'a Value) -> &'a Value {
        let target =
            part["$ref"].as_str().and_then(|reference| self.root.pointer(reference.trim_start_matches('#')));
        target.unwrap_or(part)
    }

    /// The choices with those that are choices themselves opened.
    fn flatten(&self, choices: &'a [Value]) -> Vec<Rc<Rule<'a>>> {
        let open = |choice: &'a Value| {
            let inner = self.follow(choice)["anyOf"].as_array();
            inner.map_or_else(|| vec![self.rule(choice)], |inner| self.flatten(inner))
        };
        choices.iter().flat_map(open).collect()
    }
}

/// A part of the schema inside another one, and its rule once a value has met it.
struct Inner<'a> {
    schema: &'a Value,
    rule: OnceCell<Rc<Rule<'a>>>,
}

impl<'a> Inner<'a> {
    fn of(schema: &'a Value) -> Self {
        Self { schema, rule: OnceCell::new() }
    }

    fn rule(&self, rules: &Rules<'a>) -> &Rule<'a> {
        self.rule.get_or_init(|| rules.rule(self.schema))
    }
}

/// What one part of the schema asks for.
struct Rule<'a> {
    /// One of these.
    choices: Option<Vec<Rc<Rule<'a>>>>,
    /// One of these texts.
    words: Option<Vec<&'a str>>,
    /// One of these types; none means any.
    types: Vec<&'a str>,
    minimum: Option<f64>,
    items: Inner<'a>,
    /// By their names: there are too few to look them up otherwise.
    properties: Vec<(&'a str, Inner<'a>)>,
    /// What keys beside the properties hold; `false` where there may be none.
    others: Inner<'a>,
    required: Vec<&'a str>,
}

impl<'a> Rule<'a> {
    fn read(part: &'a Value, rules: &Rules<'a>) -> Self {
        let property = |(name, part): (&'a String, &'a Value)| (name.as_str(), Inner::of(part));
        Self {
            choices: part["anyOf"].as_array().map(|choices| rules.flatten(choices)),
            words: words(part),
            types: types(part),
            minimum: part["minimum"].as_f64(),
            items: Inner::of(&part["items"]),
            properties: part["properties"].as_object().into_iter().flatten().map(property).collect(),
            others: Inner::of(&part["additionalProperties"]),
            required: part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        }
    }

    fn property(&self, name: &str) -> Option<&Inner<'a>> {
        self.properties.iter().find(|(known, _)| *known == name).map(|(_, part)| part)
    }

    /// How a map of these fields begins: with those that it needs.
    fn example(&self) -> String {
        let mut names: Vec<&str> = self.required.iter().copied().take(3).collect();
        if names.is_empty() {
            names = self.properties.iter().map(|(name, _)| *name).take(1).collect();
        }
        let pairs: Vec<String> = names.iter().map(|name| format!("{name}: …")).collect();
        if pairs.is_empty() { String::new() } else { format!("{{ {} }}", pairs.join(", ")) }
    }

    fn known_words(&self) -> Option<Vec<&'a str>> {
        let choices = self.choices.as_deref().unwrap_or_default();
        self.words.clone().or_else(|| choices.iter().find_map(|choice| choice.words.clone()))
    }

    fn takes(&self, value: &Value) -> bool {
        match self.words {
            Some(_) => value.is_string(),
            None => self.types.is_empty() || self.types.iter().any(|name| fits(value, name)),
        }
    }
}

struct Shapes<'r, 'a, 'f> {
    rules: &'r Rules<'a>,
    findings: &'f mut Vec<Finding>,
}

impl<'a> Shapes<'_, 'a, '_> {
    fn check(&mut self, value: &Value, rule: &Rule<'a>, here: Trail<'_>) {
        if let Some(choices) = &rule.choices {
            return self.check_choices(value, choices, here);
        }
        if let Some(words) = &rule.words {
            return self.check_word(value, words, here);
        }
        if !rule.takes(value) {
            return self.wrong_type(value, &rule.types, &rule.example(), here);
        }
        match value {
            Value::Object(map) => self.check_object(map, rule, here),
            Value::Array(items) => {
                let rule = rule.items.rule(self.rules);
                for (i, item) in items.iter().enumerate() {
                    self.check(item, rule, here.index(i));
                }
            }
            Value::Number(number) => {
                if let (Some(least), Some(number)) = (rule.minimum, number.as_f64())
                    && number < least
                {
                    self.add(here, Code::WrongValue, format!("this must not be less than {least}"));
                }
            }
            _ => {}
        }
    }

    /// Our types only make choices of "this or nothing" and of scalars, so the first one of a fitting type decides.
    fn check_choices(&mut self, value: &Value, choices: &[Rc<Rule<'a>>], here: Trail<'_>) {
        if let Some(choice) = choices.iter().find(|choice| choice.takes(value)) {
            let open = choices.iter().any(|choice| choice.words.is_none() && choice.types == ["string"]);
            return match &choice.words {
                // The words we know, of a list that may be longer.
                Some(words) if open => self.check_open_word(value, words, here),
                _ => self.check(value, choice, here),
            };
        }
        let types: Vec<&str> = choices.iter().flat_map(|choice| choice.types.iter().copied()).collect();
        let example = choices.iter().map(|choice| choice.example()).find(|example| !example.is_empty());
        self.wrong_type(value, &types, &example.unwrap_or_default(), here);
    }

    /// A word that we do not know is one that the service may.
    fn check_open_word(&mut self, value: &Value, words: &[&str], here: Trail<'_>) {
        let before = self.findings.len();
        self.check_word(value, words, here);
        // This one is known, and has a section of its own.
        if value == "composite" {
            return;
        }
        for finding in &mut self.findings[before..] {
            (finding.severity, finding.code) = (Severity::Warning, Code::UnknownValue.name());
            finding.message = format!("this is none of the words this program knows: {}", quoted(words));
            if finding.help.is_empty() {
                finding
                    .help("it is kept as it is, for a service that knows it; the built-in server refuses it");
            }
        }
    }

    fn check_word(&mut self, value: &Value, words: &[&str], here: Trail<'_>) {
        if words.iter().any(|word| value == *word) {
            return;
        }
        let close = value.as_str().and_then(|text| suggest(text, words.iter().copied()));
        let close = close.or_else(|| {
            ((value == "mean" || value == "avg") && words.contains(&"average")).then_some("average")
        });
        let finding = self.add(here, Code::WrongValue, format!("this must be one of {}", quoted(words)));
        if let Some(close) = close {
            finding.help(format!("did you mean `{close}`?"));
        } else if value == "composite" {
            finding.help("declare a composite under `composites:`");
        }
    }

    fn check_object(&mut self, map: &Map<String, Value>, rule: &Rule<'a>, here: Trail<'_>) {
        for (key, value) in map {
            match rule.property(key) {
                Some(part) => self.check(value, part.rule(self.rules), here.key(key)),
                None if *rule.others.schema == Value::Bool(false) => self.unknown_field(key, rule, here),
                None => self.check(value, rule.others.rule(self.rules), here.key(key)),
            }
        }
        for required in rule.required.iter().filter(|required| !map.contains_key(**required)) {
            let words = rule.property(required).and_then(|part| part.rule(self.rules).known_words());
            let finding = self.add(here, Code::MissingField, format!("`{required}` is missing here"));
            if let Some(words) = words {
                finding.help(format!("one of {}", quoted(&words)));
            }
        }
    }

    fn unknown_field(&mut self, key: &str, rule: &Rule<'a>, here: Trail<'_>) {
        let names: Vec<&str> = rule.properties.iter().map(|(name, _)| *name).collect();
        let hint = self.instead_of(key, &names, rule);
        self.add(here.key(key), Code::UnknownField, format!("`{key}` is not a field here"))
            .on_key()
            .help(hint);
    }

    /// What to write instead of a field that there is not.
    fn instead_of(&self, key: &str, names: &[&str], rule: &Rule<'a>) -> String {
        if let Some(close) = suggest(key, names.iter().copied()) {
            return format!("did you mean `{close}`?");
        }
        match hints::meant(key).find(|field| names.contains(field)) {
            Some("active") if ["disabled", "muted", "paused"].contains(&key) => {
                return "write `active: false` to switch it off".to_owned();
            }
            Some("settings") => return format!("write it below `settings`: `settings: {{ {key}: … }}`"),
            Some(field) => return format!("did you mean `{field}`?"),
            None => {}
        }
        if ["name", "title"].contains(&key) && names.contains(&"renamed_from") {
            return "the name is the key above: leave this out".to_owned();
        }
        if let Some(holder) = self.holder(key, rule) {
            return format!("write it below `{holder}`");
        }
        let deeper = hints::meant(key).find_map(|field| Some((field, self.holder(field, rule)?)));
        match deeper {
            Some((field, holder)) => format!("did you mean `{field}`, below `{holder}`?"),
            None if READ_ONLY.contains(&key) => "the service makes it; leave it out".to_owned(),
            None => format!("there are {}", names.join(", ")),
        }
    }

    /// The field one level up that has a field of this name below it, or in each item of its list.
    fn holder(&self, key: &str, rule: &Rule<'a>) -> Option<&'a str> {
        let holds = |part: &Rule<'a>| {
            let own = |part: &Rule<'a>| {
                part.property(key).is_some() || part.items.rule(self.rules).property(key).is_some()
            };
            own(part) || part.choices.iter().flatten().any(|choice| own(choice))
        };
        rule.properties.iter().find(|(_, part)| holds(part.rule(self.rules))).map(|(name, _)| *name)
    }

    fn wrong_type(&mut self, value: &Value, types: &[&str], fields: &str, here: Trail<'_>) {
        let mut expected: Vec<&str> =
            types.iter().filter(|name| **name != "null").map(|name| spoken(name)).collect();
        expected.dedup();
        let expected = expected.join(" or ");
        let route = here.route();
        let key = match route.segs().last() {
            Some(Seg::Key(key)) => key.as_str(),
            _ => "",
        };
        let map = (!fields.is_empty() && !value.is_array()).then(|| format!("write its fields: `{fields}`"));
        let hint = hints::of_type(value, types, key).or(map);
        let finding =
            self.add(here, Code::WrongType, format!("expected {expected}, found {}", describe(value)));
        if let Some(hint) = hint {
            finding.help(hint);
        }
    }

    fn add(&mut self, here: Trail<'_>, code: Code, message: String) -> &mut Finding {
        let (severity, part) = (Severity::Error, Part::Value);
        self.findings.push(Finding {
            severity,
            code: code.name(),
            route: here.route(),
            part,
            message,
            help: Vec::new(),
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// What the API makes itself and clients sometimes copy.
const READ_ONLY: &[&str] = &["id", "created_at", "updated_at", "version", "created_by_ua", "title", "name"];

/// The words of an enumeration; types whose variants are documented come out as a choice of constants.
fn words(schema: &Value) -> Option<Vec<&str>> {
    let constants =
        schema["oneOf"].as_array().and_then(|list| list.iter().map(|one| one["const"].as_str()).collect());
    constants.or_else(|| schema["enum"].as_array()?.iter().map(Value::as_str).collect())
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn fits(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|float| float.fract() == 0.0)
        }
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn spoken(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map",
        other => other,
    }
}

#[cfg(test)]
mod tests;

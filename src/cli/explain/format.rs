//! The format of the files as its JSON Schema has it: which fields there are below one, and what type each has. Knows JSON Schema as
//! far as our own types produce it; nothing of single fields.

use serde_json::Value;

/// The format of the files.
pub struct Format<'a> {
    pub root: &'a Value,
}

/// One field: what is said of it where it stands, and the parts of the schema it may be.
pub struct Field<'a> {
    pub said: &'a Value,
    pub choices: Vec<&'a Value>,
}

impl<'a> Format<'a> {
    pub fn field(&self, part: &'a Value) -> Field<'a> {
        let mut choices = Vec::new();
        self.open(part, &mut choices);
        Field { said: part, choices }
    }

    /// Follows references and opens choices, down to what is a type, a list of words or a map. References to variables, which
    /// may stand everywhere, are left out.
    fn open(&self, part: &'a Value, found: &mut Vec<&'a Value>) {
        let target = part["$ref"].as_str().and_then(|at| self.root.pointer(at.trim_start_matches('#')));
        if let Some(target) = target {
            return self.open(target, found);
        }
        match part["anyOf"].as_array() {
            Some(choices) => choices.iter().for_each(|choice| self.open(choice, found)),
            None if part["type"] == "null" || is_reference(part) => {}
            None => found.push(part),
        }
    }

    /// The fields below: of a map of objects or a list, those of its items.
    pub fn fields(&self, field: &Field<'a>) -> Vec<(&'a str, &'a Value)> {
        for choice in &field.choices {
            if let Some(properties) = choice["properties"].as_object().filter(|fields| !fields.is_empty()) {
                return properties.iter().map(|(name, part)| (name.as_str(), part)).collect();
            }
            for inner in [&choice["items"], &choice["additionalProperties"]] {
                if inner.is_object() {
                    let below = self.fields(&self.field(inner));
                    if !below.is_empty() {
                        return below;
                    }
                }
            }
        }
        Vec::new()
    }

    /// Whether a field below is required: of a map of objects or a list, by its items.
    pub fn requires(&self, field: &Field<'a>, name: &str) -> bool {
        field.choices.iter().any(|choice| {
            let own = choice["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
            own || choice["items"].is_object() && self.requires(&self.field(&choice["items"]), name)
        })
    }

    /// The type in words.
    pub fn kind(&self, field: &Field<'a>) -> String {
        let mut kinds: Vec<String> = Vec::new();
        for choice in &field.choices {
            let named = match (&choice["items"], &choice["additionalProperties"]) {
                (items, _) if items.is_object() => {
                    format!("list of {}", plural(&self.kind(&self.field(items))))
                }
                (_, inner) if inner.is_object() && choice["properties"].is_null() => {
                    format!("map of name: {}", self.kind(&self.field(inner)))
                }
                _ if choice["pattern"].as_str().is_some_and(|pattern| pattern.contains("[smh]")) => {
                    "whole seconds or a duration such as 60s, 5m, 1h".to_owned()
                }
                _ => spoken(choice),
            };
            if !named.is_empty() && !kinds.contains(&named) {
                kinds.push(named);
            }
        }
        if kinds.is_empty() { "anything".to_owned() } else { kinds.join(" or ") }
    }
}

/// A text that is one reference alone.
fn is_reference(part: &Value) -> bool {
    part["pattern"].as_str().is_some_and(|pattern| pattern.contains("\\$\\{"))
}

fn spoken(part: &Value) -> String {
    let names: Vec<&str> = match &part["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ if part["oneOf"].is_array() || part["enum"].is_array() => vec!["string"],
        _ => Vec::new(),
    };
    let words = names.into_iter().map(|name| match name {
        "string" => "text",
        "integer" => "whole number",
        "boolean" => "true or false",
        "array" => "list",
        "object" => "map",
        other => other,
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn plural(kind: &str) -> &str {
    if kind == "map" { "maps" } else { kind }
}

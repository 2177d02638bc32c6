//! `explain`: what a field of the files means, from the schema that editors use too, and what the code of a problem means.
//! Knows JSON Schema as far as our own types produce it; nothing of single fields.

use std::ffi::OsStr;
use std::fmt::Write as _;

use clap_complete::CompletionCandidate;
use librato_apply::diag::{Code, suggest};
use librato_apply::model;
use serde_json::Value;

use super::exit::{Exit, Stop};
use super::ui::Ui;

/// `explain`
pub fn explain(path: Option<&str>, ui: &Ui) -> anyhow::Result<Exit> {
    let schema = model::published_schema();
    ui.out(&explained(&Format { root: &schema }, path.unwrap_or_default())?);
    Ok(Exit::Done)
}

/// Before the name of a code, where a field may have it too.
const CODE: &str = "code:";

/// A field, or else the code of this name.
fn explained(format: &Format<'_>, path: &str) -> Result<String, Stop> {
    if let Some(name) = path.strip_prefix(CODE) {
        return Code::named(name).map(of_code).ok_or_else(|| unknown_code(name));
    }
    text(format, path).or_else(|stop| Code::named(path).map(of_code).ok_or(stop))
}

fn of_code(code: Code) -> String {
    format!("Code      {}\n\n{}\n", code.name(), code.meaning())
}

fn unknown_code(name: &str) -> Stop {
    let names = || Code::ALL.iter().map(|code| code.name());
    let help = match suggest(name, names()) {
        Some(close) => format!("did you mean `{CODE}{close}`?"),
        None => "reports show it in brackets, as in warning[unknown-metric]".to_owned(),
    };
    Stop { exit: Exit::Error, message: format!("there is no code `{name}`"), help: vec![help] }
}

/// The fields that what is typed so far may become, for the shell.
pub fn paths(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    if let Some(name) = typed.strip_prefix(CODE) {
        let found = Code::ALL.iter().map(|code| code.name()).filter(|code| code.starts_with(name));
        return found.map(|code| CompletionCandidate::new(format!("{CODE}{code}"))).collect();
    }
    let above = typed.rsplit_once('.').map_or("", |(above, _)| above);
    let schema = model::published_schema();
    let format = Format { root: &schema };
    let Ok(Found { field, .. }) = find(&format, above) else { return Vec::new() };
    let whole = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
    let found = format.fields(&field).into_iter().map(|(name, _)| whole(name));
    found.filter(|path| path.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// The format of the files.
struct Format<'a> {
    root: &'a Value,
}

/// One field: what is said of it where it stands, and the parts of the schema it may be.
struct Field<'a> {
    said: &'a Value,
    choices: Vec<&'a Value>,
}

fn text(format: &Format<'_>, path: &str) -> Result<String, Stop> {
    let found =
        find(format, path).or_else(|stop| alone(format, path).map_or(Err(stop), |path| find(format, &path)));
    let Found { field, required, path } = found?;
    Ok(page(format, &field, &path, required))
}

/// Where a field stands that was named without what it stands below, such as `for_each`: the first place.
fn alone(format: &Format<'_>, path: &str) -> Option<String> {
    let mut level = vec![(String::new(), format.field(format.root))];
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for (above, field) in &level {
            for (name, part) in format.fields(field) {
                let whole = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
                below.push((whole, format.field(part)));
            }
        }
        let ends = |whole: &String| whole.strip_suffix(path).is_some_and(|rest| rest.ends_with('.'));
        if let Some((whole, _)) = below.iter().find(|(whole, _)| ends(whole)) {
            return Some(whole.clone());
        }
        level = below;
    }
    None
}

/// How deep fields are looked for.
const DEPTH: usize = 4;

/// The steps of a path; items and names may be written out, as in `conditions[0].duration`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let steps = path.split('.').map(|step| step.split('[').next().unwrap_or(step));
    steps.filter(|step| !step.is_empty())
}

/// A field that a path leads to.
struct Found<'a> {
    field: Field<'a>,
    /// Whether it is required where it stands.
    required: bool,
    /// The path as the files have it.
    path: String,
}

/// Follows a path. One of several may be named in the singular: `alert.condition`.
fn find<'a>(format: &Format<'a>, path: &str) -> Result<Found<'a>, Stop> {
    let (mut here, mut required) = (format.field(format.root), false);
    let mut walked: Vec<&str> = Vec::new();
    for step in steps(path) {
        let fields = format.fields(&here);
        let called = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).copied();
        let Some((name, next)) = called(step).or_else(|| called(&format!("{step}s"))) else {
            return Err(unknown(step, &walked.join("."), &fields));
        };
        required = format.requires(&here, name);
        walked.push(name);
        here = format.field(next);
    }
    Ok(Found { field: here, required, path: walked.join(".") })
}

impl<'a> Format<'a> {
    fn field(&self, part: &'a Value) -> Field<'a> {
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
    fn fields(&self, field: &Field<'a>) -> Vec<(&'a str, &'a Value)> {
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
    fn requires(&self, field: &Field<'a>, name: &str) -> bool {
        field.choices.iter().any(|choice| {
            let own = choice["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
            own || choice["items"].is_object() && self.requires(&self.field(&choice["items"]), name)
        })
    }

    /// The type in words.
    fn kind(&self, field: &Field<'a>) -> String {
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
                    "whole seconds or a duration such as 90s, 5m, 1h".to_owned()
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

/// The words a field takes, with what is said of them.
fn words<'a>(field: &Field<'a>) -> Vec<(&'a str, &'a str)> {
    let of = |part: &'a Value| -> Vec<(&'a str, &'a str)> {
        let constants = part["oneOf"].as_array().into_iter().flatten();
        let constants = constants.filter_map(|one| {
            Some((one["const"].as_str()?, one["description"].as_str().unwrap_or_default()))
        });
        let plain = part["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        constants.chain(plain.map(|word| (word, ""))).collect()
    };
    field.choices.iter().flat_map(|part| of(part)).collect()
}

/// What is said of a field: where it stands, or of its type.
fn description<'a>(field: &Field<'a>) -> &'a str {
    let own = field.said["description"].as_str();
    let of_type = || field.choices.iter().find_map(|choice| choice["description"].as_str());
    own.or_else(of_type).unwrap_or_default()
}

/// The default, which descriptions name in their last words.
fn default(description: &str) -> Option<String> {
    let sentence = |mark: &str| description.split_once(mark).map(|(_, rest)| rest);
    let rest = sentence("; default ")
        .or_else(|| sentence(". Default "))
        .or_else(|| sentence("Not written means "))?;
    Some(rest.split([':', ';', '.']).next().unwrap_or(rest).trim().replace('`', ""))
}

/// A value as files really have it, of fields whose type says little about that.
fn typical(path: &str) -> Option<&'static str> {
    const VALUES: &[(&str, &str)] = &[
        ("services.settings", "{ url: \"${secret.SLACK_URL}\" }"),
        ("services.type", "slack"),
        ("alerts.services", "[ops-mail]"),
        (
            "alerts.conditions",
            "[{ type: above, metric_name: web.response_ms, threshold: 800, duration: 5m }]",
        ),
        ("conditions.metric_name", "web.response_ms"),
        ("conditions.threshold", "800"),
        ("conditions.tags", "[{ name: region, values: [eu, us] }]"),
        (".source", "\"web-*\""),
        (".runbook_url", "https://wiki.example.org/slow"),
        (".composite", "'sum(s(\"web.hits\", \"*\"))'"),
        ("streams.metric", "web.response_ms"),
        ("charts.streams", "[{ metric: web.response_ms, source: \"*\" }]"),
        ("charts.thresholds", "[{ operator: \">\", value: 800, type: red }]"),
        (".display_name", "\"Response time\""),
        (".display_units_short", "ms"),
        (".display_units_long", "milliseconds"),
        (".description", "\"How long pages take\""),
        (".renamed_from", "\"the old name\""),
    ];
    VALUES.iter().find(|(end, _)| path.ends_with(end)).map(|(_, value)| *value)
}

/// What a value may look like.
fn example(path: &str, kind: &str, words: &[(&str, &str)], default: Option<&str>) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let value = match (words.first(), default) {
        (Some((word, _)), _) => *word,
        _ if typical(path).is_some() => typical(path).unwrap_or_default(),
        _ if name == "endpoint" => "https://metrics.example.org",
        _ if name == "for_each" => "[eu, us]",
        _ if name == "exclude" => "[docker-compose.yml, \"deploy/**\"]",
        _ if kind.contains("duration") => "5m",
        _ if kind.starts_with("list of text") => "[one, two]",
        _ if kind.starts_with("list") => "[{ … }]",
        _ if kind.starts_with("map of name: ") && !kind.ends_with("map") => "{ name: value }",
        _ if kind.starts_with("map of name") => "{ \"a name\": { … } }",
        _ if kind.starts_with("map") => "{ … }",
        (None, Some(default)) if !default.contains(' ') => default,
        _ if kind.starts_with("true") => "true",
        _ if kind.starts_with("number") || kind.starts_with("whole") => "60",
        _ if name == "color" => "\"#52D74C\"",
        _ => "\"some text\"",
    };
    format!("{name}: {value}")
}

fn page(format: &Format<'_>, field: &Field<'_>, path: &str, required: bool) -> String {
    let (kind, words, description) = (format.kind(field), words(field), description(field));
    let default = default(description);
    let default = default.as_deref();
    let mut out = String::new();
    let mut line = |name: &str, value: &str| _ = writeln!(out, "{name:<9} {value}");
    line("Field", if path.is_empty() { "(a file)" } else { path });
    line("Type", if words.is_empty() { &kind } else { "one of the words below" });
    if required {
        line("Required", "yes");
    }
    if let Some(default) = default {
        line("Default", default);
    }
    if !path.is_empty() {
        line("Example", &example(path, &kind, &words, default));
    }
    _ = writeln!(out, "\n{description}");
    table(&mut out, "Words", &words);
    let fields = format.fields(field).into_iter().map(|(name, part)| {
        let field = format.field(part);
        (name, self::description(&field))
    });
    table(&mut out, "Fields", &fields.collect::<Vec<_>>());
    out
}

fn table(out: &mut String, title: &str, rows: &[(&str, &str)]) {
    let Some(width) = rows.iter().map(|(name, _)| name.len()).max() else { return };
    _ = writeln!(out, "\n{title}");
    for (name, said) in rows {
        _ = writeln!(out, "{}", format!("  {name:<width$}  {said}").trim_end());
    }
}

fn unknown(step: &str, walked: &str, fields: &[(&str, &Value)]) -> Stop {
    let names = || fields.iter().map(|(name, _)| *name);
    let whole = |name: &str| if walked.is_empty() { name.to_owned() } else { format!("{walked}.{name}") };
    let help = match suggest(step, names()) {
        Some(close) => format!("did you mean `{}`?", whole(close)),
        None if fields.is_empty() => "there are no fields below it".to_owned(),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let place = if walked.is_empty() { "a file".to_owned() } else { format!("`{walked}`") };
    Stop { exit: Exit::Error, message: format!("there is no field `{step}` in {place}"), help: vec![help] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str) -> String {
        let schema = model::published_schema();
        match text(&Format { root: &schema }, path) {
            Ok(text) => text,
            Err(stop) => format!("{}: {}", stop.message, stop.help.join(" ")),
        }
    }

    #[test]
    fn a_field_is_explained_with_all_that_the_schema_says() {
        assert_eq!(
            said("alerts.conditions.duration"),
            "Field     alerts.conditions.duration\n\
             Type      whole seconds or a duration such as 90s, 5m, 1h\n\
             Example   duration: 5m\n\n\
             How long the condition must hold, 60 s to 1 h; needed for `absent`.\n"
        );
        let active = said("alerts.active");
        assert!(
            active.contains("Type      true or false\nDefault   true\nExample   active: true\n"),
            "{active}"
        );
        let kind = said("alerts.conditions[0].type");
        assert!(kind.contains("Required  yes\n") && kind.contains("\n  absent  "), "{kind}");
    }

    #[test]
    fn fields_are_found_in_the_singular_and_without_what_they_stand_below() {
        assert_eq!(said("alert.condition.duration"), said("alerts.conditions.duration"));
        assert!(said("alert").starts_with("Field     alerts\n"), "{}", said("alert"));
        assert!(said("for_each").starts_with("Field     metrics.for_each\n"), "{}", said("for_each"));
        assert!(said("conditions.threshold").starts_with("Field     alerts.conditions.threshold\n"));
        for (field, example) in [
            ("alerts.conditions", "Example   conditions: [{ type: above, metric_name: "),
            ("services.settings", "Example   settings: { url: \"${secret."),
            ("composites.composite", "Example   composite: 'sum(s("),
        ] {
            assert!(said(field).contains(example), "{}", said(field));
        }
        assert!(said("settings.endpoint").contains("Example   endpoint: https://metrics.example.org\n"));
    }

    #[test]
    fn objects_show_one_level_and_a_file_its_sections() {
        let alerts = said("alerts");
        assert!(alerts.contains("\nFields\n") && alerts.contains("\n  rearm_seconds "), "{alerts}");
        assert!(!alerts.contains("metric_name"), "one level only: {alerts}");
        assert!(said("").contains("\n  metrics "), "{}", said(""));
    }

    #[test]
    fn what_does_not_exist_is_answered_with_what_does() {
        assert_eq!(
            said("alerts.conditons"),
            "there is no field `conditons` in `alerts`: did you mean `alerts.conditions`?"
        );
        assert!(
            said("x").starts_with("there is no field `x` in a file: there are settings, "),
            "{}",
            said("x")
        );
    }

    #[test]
    fn codes_are_explained_unless_a_field_has_the_name() {
        let schema = model::published_schema();
        let said = |path: &str| match explained(&Format { root: &schema }, path) {
            Ok(text) => text,
            Err(stop) => format!("{}: {}", stop.message, stop.help.join(" ")),
        };
        for code in Code::ALL {
            assert_eq!(said(&format!("code:{}", code.name())), of_code(*code));
        }
        assert!(said("unknown-metric").starts_with("Code      unknown-metric\n\nA metric that "));
        assert!(said("alerts").starts_with("Field     alerts\n"));
        assert_eq!(
            said("code:unknown-metrc"),
            "there is no code `unknown-metrc`: did you mean `code:unknown-metric`?"
        );
        assert!(said("code:zzzzzz").contains("in brackets"));
    }

    #[test]
    fn every_field_of_the_format_can_be_explained() {
        let schema = model::published_schema();
        let format = Format { root: &schema };
        let mut todo = vec![String::new()];
        let mut seen = 0;
        while let Some(path) = todo.pop() {
            let text = text(&format, &path).unwrap_or_else(|stop| panic!("{path}: {}", stop.message));
            assert!(!text.is_empty());
            seen += 1;
            if path.matches('.').count() < 3 {
                let field = path.split('.').filter(|step| !step.is_empty()).fold(
                    format.field(&schema),
                    |field, step| {
                        let fields = format.fields(&field);
                        format.field(fields.iter().find(|(name, _)| *name == step).unwrap().1)
                    },
                );
                let below = format.fields(&field);
                todo.extend(
                    below.iter().map(|(name, _)| format!("{path}.{name}").trim_start_matches('.').to_owned()),
                );
            }
        }
        assert!(seen > 100, "only {seen}");
    }
}

//! What is said of a field: its type, default, words, an example, and the fields below it.

use std::fmt::Write as _;

use serde_json::Value;

use super::format::{Field, Format};

/// The words a field takes, with what is said of them.
pub fn words<'a>(field: &Field<'a>) -> Vec<(&'a str, &'a str)> {
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
pub fn description<'a>(field: &Field<'a>) -> &'a str {
    let own = field.said["description"].as_str();
    let of_type = || field.choices.iter().find_map(|choice| choice["description"].as_str());
    own.or_else(of_type).unwrap_or_default()
}

/// The default, which descriptions name in their last words.
pub fn default(description: &str) -> Option<String> {
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

pub fn page(format: &Format<'_>, field: &Field<'_>, path: &str, required: bool) -> String {
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

//! The table of options as a JSON Schema, and as the table of the page.

use serde_json::{Map, Value, json};

use super::table::{Opt, Shape, TABLE};

/// The schema of the file of `serve --config`.
pub fn schema() -> Value {
    let mut root = object("The file of `serve --config`.");
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("ServeFile"));
    for opt in TABLE {
        let mut place = &mut root;
        let (sections, name) = opt.key.rsplit_once('.').unwrap_or(("", opt.key));
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            let properties = place.entry("properties").or_insert_with(|| json!({}));
            let entry = properties.as_object_mut().map(|all| {
                all.entry(section)
                    .or_insert_with(|| Value::Object(object(&format!("Options of `{section}`."))))
            });
            let Some(next) = entry.and_then(Value::as_object_mut) else { return Value::Null };
            place = next;
        }
        if let Some(all) = place.get_mut("properties").and_then(Value::as_object_mut) {
            all.insert(name.to_owned(), property(opt));
        }
        if opt.shape == Shape::SecretFile {
            let base = name.strip_suffix("_file").unwrap_or(name);
            let both = json!({ "not": { "required": [base, name] } });
            let all = place.entry("allOf").or_insert_with(|| json!([]));
            all.as_array_mut().into_iter().for_each(|all| all.push(both.clone()));
        }
    }
    Value::Object(root)
}

fn object(description: &str) -> Map<String, Value> {
    let value = json!({
        "description": description, "type": ["object", "null"], "properties": {}, "additionalProperties": false
    });
    value.as_object().cloned().unwrap_or_default()
}

fn property(opt: &Opt) -> Value {
    let mut shown = match opt.shape {
        Shape::Text | Shape::Path | Shape::SecretFile => json!({ "type": "string" }),
        Shape::Choice(known) => json!({ "type": "string", "enum": known }),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::Size | Shape::Time => json!({ "type": ["string", "integer"], "minimum": 0 }),
        Shape::Switch => json!({ "type": "boolean" }),
        Shape::List => json!({ "type": ["array", "string"], "items": { "type": "string" } }),
        Shape::Pairs => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    };
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("description".to_owned(), json!(format!("{}.", opt.help)));
        let default = match opt.shape {
            Shape::Number => opt.default.parse::<u64>().map_or(Value::Null, Value::from),
            Shape::Switch => opt.default.parse::<bool>().map_or(Value::Null, Value::from),
            _ => json!(opt.default),
        };
        if !opt.default.is_empty() {
            shown.insert("default".to_owned(), default);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::cli::settings::Settings;
    use crate::cli::settings::env::names;
    use crate::cli::settings::table::{Secret, named};

    const PAGE: &str = "docs/serve.md";
    const BEGIN: &str = "<!-- options: made of the table of options -->\n";
    const END: &str = "<!-- end of options -->\n";

    /// What a page shows of an option: how it is said, and what it means.
    fn row(opt: &Opt) -> String {
        let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
        let flag = match (opt.flag, opt.key, opt.shape) {
            _ if opt.secret == Secret::Whole => String::new(),
            (_, "user", _) => "`--user USER`".to_owned(),
            (_, "token_file", _) => "`--token-file FILE`".to_owned(),
            (flag, _, Shape::Switch) => match opt.default {
                "true" => format!("`--no-{flag}`"),
                "false" => format!("`--{flag}`"),
                _ => format!("`--{flag}`, `--no-{flag}`"),
            },
            (flag, ..) => format!("`--{flag} {}`", opt.value),
        };
        let variables: Vec<String> = names(opt).iter().map(|name| code(name)).collect();
        let help = opt.help.replace('|', "\\|");
        let key = if opt.again { format!("`{}` *", opt.key) } else { code(opt.key) };
        format!("| {flag} | {key} | {} | {} | {help} |", variables.join(", "), code(opt.default))
    }

    /// `UPDATE=1 cargo test --bin librato-apply page_of_options` writes it again.
    #[test]
    fn the_page_of_options_is_fresh() {
        let mut table =
            String::from("| Flag | Key | Variable | Default | Means |\n| --- | --- | --- | --- | --- |\n");
        TABLE.iter().for_each(|opt| writeln!(table, "{}", row(opt)).unwrap());
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let fresh = format!("{before}{BEGIN}{table}{END}{after}");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PAGE, &fresh).unwrap();
        }
        let kept = std::fs::read_to_string(PAGE).unwrap();
        assert_eq!(kept, fresh, "run: UPDATE=1 cargo test --bin librato-apply page_of_options");
    }

    #[test]
    fn the_table_is_of_one_piece() {
        for opt in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.key == opt.key).count(), 1, "{}", opt.key);
            assert!(opt.flag.is_empty() || TABLE.iter().filter(|other| other.flag == opt.flag).count() == 1);
            assert!(!opt.help.is_empty() && !opt.help.ends_with('.'), "{}", opt.key);
            if !opt.default.is_empty() {
                assert_eq!((opt.set)(&mut Settings::default(), opt.default), Ok(()), "{}", opt.key);
            }
            let file =
                named(&format!("{}_file", opt.key)).is_some_and(|file| file.shape == Shape::SecretFile);
            assert_eq!(
                opt.secret != Secret::No,
                file,
                "{}: a secret can be said by a file, and nothing else",
                opt.key
            );
        }
    }
}

//! The page of the documentation with every field of the files, made of the schema that `explain` reads.

use std::fmt::Write as _;

use librato_apply::model;
use serde_json::Value;

use super::format::Format;
use super::page::{default, description, words};

const PAGE: &str = "docs/fields.md";

const HEAD: &str = "\
# Fields of the files

[All pages](README.md)

Every field that a file may have. This page is made of the [JSON Schema](../schemas/librato-apply.schema.json), which editors complete
and check by; `librato-apply explain FIELD` shows one field with an example. How they work together is said in
[definitions](definitions.md). A text may hold a [reference](definitions.md#variables-and-references) such as `${var.name}`, and one that
is a reference alone may stand for a value of any type.
";

/// What stands in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A field and all that is below it.
fn rows(format: &Format<'_>, part: &Value, path: &str, page: &mut String) {
    let field = format.field(part);
    for (name, part) in format.fields(&field) {
        let below = format.field(part);
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let said = description(&below);
        let words: Vec<String> = words(&below).iter().map(|(word, _)| format!("`{word}`")).collect();
        let inner = format.fields(&below);
        // Names that say all there is to say of them, such as the kinds below `prune`.
        let is_plain =
            !inner.is_empty() && inner.iter().all(|(_, part)| description(&format.field(part)).is_empty());
        let takes = match (&*words, &*inner) {
            ([], [(_, first), ..]) if is_plain => {
                let names: Vec<String> = inner.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!("map of {}: each a {}", names.join(", "), format.kind(&format.field(first)))
            }
            ([], _) => format.kind(&below),
            (words, _) => words.join(", "),
        };
        let required = if format.requires(&field, name) { "required" } else { "" };
        let default = default(said).map_or_else(
            || required.to_owned(),
            |value| if value.contains(' ') { value } else { format!("`{value}`") },
        );
        writeln!(page, "| `{path}` | {} | {default} | {} |", cell(&takes), cell(said)).unwrap();
        if !is_plain {
            rows(format, part, &path, page);
        }
    }
}

/// `UPDATE=1 cargo test --bin librato-apply page_of_fields` writes it again.
#[test]
fn the_page_of_fields_is_fresh() {
    let schema = model::published_schema();
    let format = Format { root: &schema };
    let mut page = HEAD.to_owned();
    for (section, part) in format.fields(&format.field(&schema)) {
        let said = description(&format.field(part));
        write!(page, "\n## {section}\n\n{said}\n\n").unwrap();
        let mut table = String::new();
        if section == "defaults" {
            page.push_str(
                "It has a map for each section of objects, with the fields that objects have there.\n",
            );
            continue;
        }
        rows(&format, part, "", &mut table);
        if !table.is_empty() {
            write!(page, "| Field | Takes | Default | Means |\n| --- | --- | --- | --- |\n{table}").unwrap();
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap();
    assert_eq!(kept, page, "run: UPDATE=1 cargo test --bin librato-apply page_of_fields");
}

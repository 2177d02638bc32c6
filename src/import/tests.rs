//! Small files of other tools beside what becomes of them.

mod from_lbrt;
mod from_terraform;
mod notified;
mod states;
mod variables;

use proptest::prelude::*;
use serde_json::Value;

use super::{Imported, Source, Variables, lbrt};
use crate::diag::{Files, RouteIndex};
use crate::load::yaml;

/// Imports texts that have names; objects as `{name: fields}` and findings as `code file:line`.
pub(super) fn run(
    read: fn(&[Source], &mut Files) -> Imported,
    texts: &[(&str, &str)],
) -> (Value, Vec<String>) {
    let mut files = Files::default();
    let source = |files: &mut Files, (name, text): &(&str, &str)| {
        let index: fn(&str) -> RouteIndex =
            if text.starts_with('{') { yaml::index } else { |_| RouteIndex::default() };
        let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned();
        Source { file: files.add_foreign(*name, (*text).to_owned(), index), dir, name: (*name).to_owned() }
    };
    let sources: Vec<Source> = texts.iter().map(|text| source(&mut files, text)).collect();
    let Imported { objects, externals: _, mut report } = read(&sources, &mut files);
    report.sort(&files);
    let place = |found: &crate::diag::Diagnostic| {
        let at = found.primary.as_ref().and_then(|label| files.locate(&label.place));
        at.map_or("-".to_owned(), |at| format!("{}:{}", at.file, at.line))
    };
    let found = report.iter().map(|found| format!("{} {}", found.code, place(found))).collect();
    let objects = objects
        .into_iter()
        .map(|(address, object)| (address.to_string(), Value::Object(object.fields())))
        .collect::<serde_json::Map<_, _>>();
    (Value::Object(objects), found)
}

/// Terraform without values for its variables.
pub(super) fn terraform(sources: &[Source], files: &mut Files) -> Imported {
    super::terraform(sources, &Variables::default(), files)
}

/// Pieces of which Ruby files are made.
fn piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "alert",
        "service",
        "space",
        "chart",
        "condition",
        "settings",
        "type",
        " ",
        "\n",
        "do",
        "end",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "'",
        "\\",
        "#",
        "#{",
        "=>",
        ",",
        ":",
        "::",
        "a",
        "é",
        "😀",
        "1",
        "-1.5e3",
        "1_",
        "%w[",
        "%q(",
        "<<-E",
        "<<~'E'",
        "E",
        "\nE\n",
        "=begin\n",
        "\n=end\n",
        "__END__",
        "nil",
        "true",
        "if",
        "def",
        "|x|",
        "\\u{",
        "\\x",
        ".",
        ";",
        "\r\n",
        "?",
        "@",
        "$",
        "\u{feff}",
    ])
}

proptest! {
    #[test]
    fn no_ruby_makes_the_parser_panic(pieces in proptest::collection::vec(piece(), 0..60), more in ".{0,20}") {
        let text = pieces.concat() + &more;
        run(lbrt, &[("a.rb", &text)]);
        run(terraform, &[("a.tf", &text)]);
    }
}

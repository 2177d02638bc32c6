//! Where a stretch of a scalar stands in its file, for every way YAML has of writing it.

use std::fmt::Write as _;

use librato_apply::diag::{FileId, Files, Part, Place, Route};
use librato_apply::load::yaml;
use proptest::prelude::*;

/// A file of one key `k`, which the YAML reader takes for `said`.
fn read(text: &str) -> (Files, FileId, String) {
    let mut files = Files::default();
    let file = files.add("t.yaml", text.to_owned(), yaml::index);
    let Ok(value) = yaml::parse(text, file) else { panic!("not YAML: {text:?}") };
    let said = value["k"].as_str().unwrap_or_else(|| panic!("not text: {text:?}")).to_owned();
    (files, file, said)
}

fn shown(files: &Files, file: FileId, start: usize, end: usize) -> String {
    let place = Place::Node { file, route: Route::root().key("k"), part: Part::Text { start, end } };
    files.text(file)[files.locate(&place).unwrap().span].to_owned()
}

/// Every character that is not blank is found as itself (or as its escape), and the whole text is understood as the reader does.
fn follows(text: &str) {
    let (files, file, said) = read(text);
    let own = files.scalar(file, &Route::root().key("k")).unwrap();
    assert_eq!(own.trim_end_matches('\n'), said.trim_end_matches('\n'), "{text:?}");
    for (at, c) in said.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        let found = shown(&files, file, at, at + c.len_utf8());
        let escaped = found.starts_with('\\') || found == "''";
        assert!(found == c.to_string() || escaped, "{c:?} at {at} of {text:?} was found as {found:?}");
    }
}

#[test]
fn scalars_of_every_style_are_followed() {
    for text in [
        "k: sum(x)",
        "k: sum(\n    a,\n\n    b)\nl: 1",
        "k:\n  plain on its own line\n",
        "k: 'it''s  here\n  and  \n\n\n  there'",
        r#"k: "tab\there \u00e9 \x41\
             and  \
             so on

             end""#,
        "k: |\n  a\n    b\n\n  c\nl: 1",
        "k: |-\n\n  a\n  b\n",
        "k: | # why\n      a (\n      b\n\n\n",
        "k: >\n  a\n  b\n\n  c\n    d\n\n    e\n  f\n",
        "k: >+\n\n\n  a\n\n\n  b\n\n",
        "k: |\r\n  a\r\n  b\r\n",
        "x: &a 'one two'\nk: *a",
        "{k: [x][0], l: 1}".replace("[x][0]", "'x, y'").as_str(),
        "k: !!str 'x y'",
    ] {
        follows(text);
    }
}

#[test]
fn what_cannot_be_followed_is_shown_as_a_whole() {
    let (files, file, said) = read("k: |2\n    a\n   b\n");
    assert_eq!(said, "  a\n b\n");
    assert!(files.scalar(file, &Route::root().key("k")).is_none());
    assert_eq!(shown(&files, file, 2, 3), shown(&files, file, 0, 6));
}

fn block(style: &str, lines: &[String]) -> String {
    let mut text = format!("k: {style}\n");
    for line in lines {
        writeln!(text, "  {line}").unwrap();
    }
    text + "l: 1\n"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_followed(style in "[|>][+-]?", first in "[a-z(]{1,3}", rest in proptest::collection::vec("|[ ]{0,3}[a-zé(\",]{1,4}", 0..6)) {
        let lines: Vec<_> = std::iter::once(first).chain(rest).collect();
        follows(&block(&style, &lines));
    }

    #[test]
    fn quoted_texts_are_followed(words in proptest::collection::vec("[a-zé()*,:]{1,5}", 1..6), breaks in proptest::collection::vec("[ ]{1,2}|[ ]{0,2}\n{1,3}[ ]{1,4}", 6), double in any::<bool>()) {
        let inside: String = words.iter().zip(&breaks).flat_map(|(word, blank)| [word.as_str(), blank.as_str()]).collect();
        let quote = if double { '"' } else { '\'' };
        let (more, end) = if double { ("\\\"q\\\" \\u20ac\\t", '"') } else { ("''q''", '\'') };
        follows(&format!("k: {quote}{inside}{more}{end}\n"));
    }
}

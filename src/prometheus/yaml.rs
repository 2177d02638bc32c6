//! Scalars of YAML for the few shapes that are written here, with comments and blocks that no serializer would keep.

use std::fmt::Write as _;

/// The first line of every file that is written here, by which it is known again.
pub const HEADER: &str = "# librato-apply render prometheus: do not edit.\n";

/// Words that YAML takes for something else than text.
const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];

/// A text on one line, in quotes where it needs them.
pub fn scalar(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./: ".contains(c));
    let odd = text.contains(": ") || text.ends_with([':', ' ']);
    if begins && simple && !odd && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if crate::diag::is_harmless(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// An expression behind its key, with a line for each part where there are several. It holds no line end itself.
pub fn expression(lines: &[String], indent: usize) -> String {
    let plain = |line: &str| {
        line.starts_with(|c: char| c.is_ascii_alphabetic())
            && !line.contains(": ")
            && !line.contains(" #")
            && !line.ends_with(':')
    };
    match lines {
        [line] if plain(line) => format!("{line}\n"),
        lines => {
            let pad = " ".repeat(indent);
            let body: String = lines.iter().map(|line| format!("{pad}{line}\n")).collect();
            format!("|-\n{body}")
        }
    }
}

/// A text that Prometheus expands, as it is: braces would begin an expression.
pub fn unexpanded(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_would_read_otherwise_is_quoted() {
        for (text, written) in [
            ("shop.web", "shop.web"),
            ("a: b", "\"a: b\""),
            ("", "\"\""),
            ("yes", "\"yes\""),
            ("1.5", "\"1.5\""),
            ("a\nb\"\u{7}é", "\"a\\nb\\\"\\U00000007é\""),
            ("https://x.example.org/a", "https://x.example.org/a"),
            ("a #b", "\"a #b\""),
        ] {
            assert_eq!(scalar(text), written);
            let read: String = serde_yaml::from_str(&scalar(text)).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn expressions_come_back_as_they_were() {
        for lines in [vec!["x > 1"], vec!["x{a=\"b: c #d\"} > 1"], vec!["(x) > 1", "and y"], vec!["x:y"]] {
            let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
            let text = format!("- expr: {}  n: 1\n", expression(&lines, 4));
            let read: serde_json::Value = serde_yaml::from_str(&text).unwrap();
            assert_eq!(read[0]["expr"], lines.join("\n"), "{text}");
        }
    }

    #[test]
    fn braces_are_kept_from_being_expanded() {
        assert_eq!(unexpanded("a {{ b }}"), "a {{ \"{{\" }} b }}");
    }
}

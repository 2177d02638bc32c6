//! A command line in the quoting of shells, as far as it is typed.

/// What is open at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    None,
    Single,
    Double,
}

/// The words of a line without their quotes, the last one being typed, and whether a quote is open in it.
pub fn split(line: &str) -> (Vec<String>, Quote) {
    let (mut words, mut word, mut begun, mut quote) = (Vec::new(), String::new(), false, Quote::None);
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Quote::None, blank) if blank.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
                continue;
            }
            (Quote::None, '\'') => quote = Quote::Single,
            (Quote::None, '"') => quote = Quote::Double,
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
            (Quote::None, '\\') => word.extend(signs.next()),
            (Quote::Double, '\\') => match signs.next() {
                Some(next) if "\\\"$`".contains(next) => word.push(next),
                next => {
                    word.push('\\');
                    word.extend(next);
                }
            },
            (_, sign) => word.push(sign),
        }
        begun = true;
    }
    words.push(word);
    (words, quote)
}

/// The words of a whole line.
#[cfg(test)]
pub fn words(line: &str) -> Vec<String> {
    split(line.trim()).0
}

/// A text as it must be typed behind what is open; `None` where that cannot be done.
pub fn quoted(text: &str, quote: Quote) -> Option<String> {
    if text.contains(|c: char| c.is_control()) || (quote == Quote::Single && text.contains('\'')) {
        return None;
    }
    let plain = |c: char| match quote {
        Quote::Single => true,
        Quote::Double => !"\\\"$`".contains(c),
        Quote::None => c.is_alphanumeric() || !c.is_ascii() || "_./:=@%+,-".contains(c),
    };
    let mut out = String::new();
    for c in text.chars() {
        if !plain(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_shells_do() {
        let shown = |line: &str| {
            let (words, quote) = split(line);
            (words.join("|"), quote)
        };
        assert_eq!(shown("a get  alerts web."), ("a|get|alerts|web.".into(), Quote::None));
        assert_eq!(shown("a get alerts "), ("a|get|alerts|".into(), Quote::None));
        assert_eq!(
            shown("a --endpoint embedded:./x.db ''"),
            ("a|--endpoint|embedded:./x.db|".into(), Quote::None)
        );
        assert_eq!(shown(r#"a 'b c' d\ e "f \"g\" \h"#), (r#"a|b c|d e|f "g" \h"#.into(), Quote::Double));
        assert_eq!(shown("a 'b c"), ("a|b c".into(), Quote::Single));
    }

    #[test]
    fn what_is_quoted_is_split_into_the_same() {
        for name in ["web.slow", "Webshop overview", "it's $5 \"or\" so", "größe", "a*b"] {
            for (open, quote) in [("", Quote::None), ("\"", Quote::Double), ("'", Quote::Single)] {
                let Some(text) = quoted(name, quote) else { continue };
                assert_eq!(split(&format!("{open}{text}")).0, [name]);
            }
        }
        assert_eq!(quoted("a\nb", Quote::None), None);
    }
}

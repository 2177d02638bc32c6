//! Text with references: `web-${var.region}`, `$${literal}`. Splits it; knows nothing of what references mean.

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text to be taken as it is.
    Literal(String),
    /// A reference: what stands between `${` and `}`.
    Reference(&'a str),
}

/// Splits a text. `None` where a `${` is not closed.
pub fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let (reference, after) = after.split_once('}')?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Reference(reference));
            rest = after;
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Some(parts)
}

/// A literal in the form in which splitting gives it back.
pub fn escape(literal: &str) -> String {
    literal.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Part<'_> {
        Part::Literal(text.to_owned())
    }

    #[test]
    fn references_literals_and_escapes_are_told_apart() {
        let cases: [(&str, Vec<Part<'_>>); 8] = [
            ("", vec![literal("")]),
            ("plain $5 text", vec![literal("plain $5 text")]),
            ("${var.x}", vec![Part::Reference("var.x")]),
            ("a${var.x}b", vec![literal("a"), Part::Reference("var.x"), literal("b")]),
            ("${a}${b}", vec![Part::Reference("a"), Part::Reference("b")]),
            ("$${var.x}", vec![literal("${var.x}")]),
            ("$$", vec![literal("$$")]),
            ("$$${x}", vec![literal("$${x}")]),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), Some(expected), "{text}");
        }
        assert_eq!(parts("a ${open"), None);
        assert_eq!(parts(&escape("${x} $${y}")), Some(vec![literal("${x} $${y}")]));
    }
}

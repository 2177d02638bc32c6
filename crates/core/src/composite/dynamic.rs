//! What a viewer chooses: the sources and tags that `%` stands for. Pure; changes the definition at these places alone.

use std::ops::Range;

use super::parser;
use super::problem::Problems;
use super::tree::{Expr, ExprKind};

/// The definition with what was chosen in the place of each `%`. A tag takes the place of `%` under its name.
///
/// # Errors
/// The first choice for which there is no place: `source`, or the name of a tag.
pub fn choose(text: &str, source: Option<&str>, tags: &[(String, String)]) -> Result<String, String> {
    let expr = parser::read(text, &mut Problems::default());
    let mut places = Vec::new();
    collect(&expr, &mut places);
    let choices = source.map(|pattern| (None, pattern)).into_iter();
    let choices =
        choices.chain(tags.iter().map(|(name, pattern)| (Some(name.to_lowercase()), pattern.as_str())));
    let mut changes: Vec<(Range<usize>, &str)> = Vec::new();
    for (tag, pattern) in choices {
        let before = changes.len();
        changes.extend(places.iter().filter(|(of, _)| *of == tag).map(|(_, span)| (span.clone(), pattern)));
        if changes.len() == before {
            return Err(tag.unwrap_or_else(|| "source".to_owned()));
        }
    }
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut chosen = text.to_owned();
    for (span, pattern) in changes {
        chosen.replace_range(span, &format!("\"{pattern}\""));
    }
    Ok(chosen)
}

/// Where `%` stands: as a source, or as the pattern of a tag.
fn collect(expr: &Expr, places: &mut Vec<(Option<String>, Range<usize>)>) {
    let dynamic = |expr: &Expr| matches!(&expr.kind, ExprKind::Text(text) if text == "%");
    match &expr.kind {
        ExprKind::Call(name, arguments) => {
            if matches!(name.text.as_str(), "s" | "series")
                && let Some(selector) = arguments.get(1)
            {
                match &selector.kind {
                    ExprKind::Map(pairs) => {
                        let found = pairs.iter().filter(|(_, pattern)| dynamic(pattern));
                        places.extend(
                            found.map(|(tag, pattern)| (Some(tag.text.to_lowercase()), pattern.span.clone())),
                        );
                    }
                    _ if dynamic(selector) => places.push((None, selector.span.clone())),
                    _ => {}
                }
            }
            arguments.iter().for_each(|argument| collect(argument, places));
        }
        ExprKind::Set(items) => items.iter().for_each(|item| collect(item, places)),
        ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Map(_) | ExprKind::Hole => {}
    }
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn choices_take_the_place_of_percent() {
        let text = r#"divide([sum(s("a","%")),  s("b", {"Region": "%", az: "%"})])"#;
        let tag = |name: &str, pattern: &str| (name.to_owned(), pattern.to_owned());
        assert_eq!(
            choose(text, Some("web*"), &[tag("region", "eu*")]).unwrap(),
            r#"divide([sum(s("a","web*")),  s("b", {"Region": "eu*", az: "%"})])"#
        );
        assert_eq!(choose(text, None, &[]).unwrap(), text);
        assert_eq!(choose(text, None, &[tag("host", "x")]), Err("host".to_owned()));
        assert_eq!(choose(r#"sum(s("%","*"))"#, Some("x"), &[]), Err("source".to_owned()));
    }
}

//! Texts inside a call that have a form of their own: metric names, sources and tags, shifts, lists of tag names.
//! Knows the alphabets of the API; a text that can never match anything is a warning, one without meaning an error.

use std::ops::Range;

use super::arguments::describe;
use super::problem::Problems;
use super::selector::Selector;
use super::tree::{Expr, ExprKind};
use crate::diag::{Code, seconds_in};

/// The most shifts of one `timeshift`.
const MAX_SHIFTS: usize = 64;

/// The farthest shift: ten years, beyond what any service keeps.
const MAX_SHIFT: i64 = 10 * 366 * 86_400;

fn in_alphabet(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".:-_".contains(c)
}

/// Checks a metric name or pattern.
pub(super) fn metric(name: &str, span: &Range<usize>, problems: &mut Problems) {
    if name.is_empty() || name.len() > 255 {
        let message = format!("a metric name has 1 to 255 characters, this one has {}", name.len());
        problems.error(Code::WrongValue, span.clone(), message);
    } else if let Some(wrong) = name.chars().find(|c| !in_alphabet(*c) && *c != '*') {
        let message = format!("no metric matches this, since no name holds {wrong:?}");
        problems
            .warning(Code::NeverMatches, span.clone(), message)
            .help("names are made of letters, digits, `.`, `:`, `-` and `_`; `*` stands for anything");
    }
}

/// Reads the second argument of `series`.
pub(super) fn selector(
    argument: &Expr,
    used_in: Use,
    mapped: bool,
    problems: &mut Problems,
) -> Option<Selector> {
    match &argument.kind {
        ExprKind::Text(text) => {
            if text.is_empty() {
                problems
                    .error(Code::WrongValue, argument.span.clone(), "a source cannot be empty")
                    .help("\"*\" means every source");
                return None;
            }
            special(text, &argument.span, used_in, mapped, problems);
            let odd = |c: &char| !in_alphabet(*c) && *c != '*';
            if let Some(wrong) = text.chars().find(odd).filter(|_| text != "%" && !text.contains('&')) {
                let message = format!("no source matches this, since no name holds {wrong:?}");
                problems
                    .warning(Code::NeverMatches, argument.span.clone(), message)
                    .help("tags are given in braces: {tag: \"pattern\"}");
            }
            Some(Selector::Source(text.clone()))
        }
        ExprKind::Map(pairs) => {
            let mut tags = Vec::new();
            for (name, value) in pairs {
                tag_name(&name.text, &name.span, problems);
                match &value.kind {
                    ExprKind::Text(text) | ExprKind::Number(text) => {
                        special(text, &value.span, used_in, mapped, problems);
                        tags.push((name.text.clone(), text.clone()));
                    }
                    ExprKind::Hole => return None,
                    _ => {
                        let message = format!("the pattern of a tag is text, not {}", describe(value));
                        problems.error(Code::WrongValue, value.span.clone(), message);
                    }
                }
            }
            Some(Selector::Tags(tags))
        }
        _ => None,
    }
}

/// `%` waits for the source a chart is looked at with, `&` for the one that `map` has come to.
fn special(text: &str, span: &Range<usize>, used_in: Use, mapped: bool, problems: &mut Problems) {
    if text == "%" && used_in == Use::Metric {
        problems
            .warning(
                Code::DynamicSource,
                span.clone(),
                "`%` is the source chosen in a space; here it means every source",
            )
            .help("write \"*\", or use the definition in a chart");
    }
    if text.contains('&') && !mapped {
        problems
            .warning(
                Code::NeverMatches,
                span.clone(),
                "`&` is the source that `map` has come to, and there is no `map`",
            )
            .help("\"*\" means every source");
    }
}

/// Whether this can be the name of a tag. Those of the vendor's own agents begin with `@`.
pub fn is_tag_name(name: &str) -> bool {
    let rest = name.strip_prefix('@').unwrap_or(name);
    !rest.is_empty() && name.len() <= 64 && rest.chars().all(in_alphabet)
}

/// What [`is_tag_name`] asks for.
pub const TAG_NAME_RULE: &str =
    "names of tags are 1 to 64 letters, digits, `.`, `:`, `-` and `_`, and may begin with `@`";

fn tag_name(name: &str, span: &Range<usize>, problems: &mut Problems) -> bool {
    let good = is_tag_name(name);
    if !good {
        problems
            .error(Code::WrongValue, span.clone(), format!("\"{}\" is no name of a tag", name.escape_debug()))
            .help(TAG_NAME_RULE);
    }
    good
}

/// Reads `region,az`.
pub(super) fn tag_names(text: &str, span: &Range<usize>, problems: &mut Problems) -> Option<Vec<String>> {
    let names: Vec<_> = text.split(',').map(str::trim).map(str::to_owned).collect();
    names.iter().all(|name| tag_name(name, span, problems)).then_some(names)
}

/// Reads `0,1,2w` as seconds to look back; `+` looks ahead.
pub(super) fn shifts(text: &str, span: &Range<usize>, problems: &mut Problems) -> Option<Vec<i64>> {
    let found = read_shifts(text);
    if found.is_none() {
        let message =
            format!("\"{}\" is not a number, or several with commas, and a unit", text.escape_debug());
        problems
            .error(Code::WrongValue, span.clone(), message)
            .help("\"1d\" is a day ago, \"0,1,2w\" now, one and two weeks ago; units are s, m, h, d and w");
    }
    found
}

fn read_shifts(text: &str) -> Option<Vec<i64>> {
    let text = text.trim();
    let (numbers, unit) = text.split_at(text.char_indices().last()?.0);
    let seconds = i64::try_from(seconds_in(unit)?).ok()?;
    let shift = |number: &str| {
        let number = number.trim();
        let (sign, digits) = match number.strip_prefix('+') {
            Some(ahead) => (-1, ahead),
            None => (1, number.strip_prefix('-').unwrap_or(number)),
        };
        let count: i64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
        count.checked_mul(seconds).filter(|shift| *shift <= MAX_SHIFT).map(|shift| sign * shift)
    };
    let shifts: Option<Vec<_>> = numbers.split(',').map(shift).collect();
    shifts.filter(|shifts| shifts.len() <= MAX_SHIFTS)
}

/// Where a definition is used, which decides what some of its words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// As a metric, or as a query: a dynamic source (`%`) has no one to choose it.
    Metric,
    /// As the stream of a chart.
    Chart,
}

#[cfg(test)]
mod tests {
    use super::{is_tag_name, read_shifts};

    #[test]
    fn names_of_tags_may_begin_with_an_at_sign() {
        for (name, good) in [
            ("host", true),
            ("@host", true),
            ("@a.b:c-d_E", true),
            ("@", false),
            ("", false),
            ("a@b", false),
            ("@@a", false),
            ("a b", false),
        ] {
            assert_eq!(is_tag_name(name), good, "{name}");
        }
        assert!(is_tag_name(&format!("@{}", "x".repeat(63))) && !is_tag_name(&"x".repeat(65)));
    }

    #[test]
    fn shifts_look_back_unless_they_say_otherwise() {
        assert_eq!(read_shifts("0,1,2w"), Some(vec![0, 604_800, 1_209_600]));
        assert_eq!(read_shifts("-1d"), Some(vec![86_400]));
        assert_eq!(read_shifts("+90, 2s"), Some(vec![-90, 2]));
        for wrong in ["", "w", "1", "1x", "1,,2h", "1.5h", "99999999999999999999w", "100000000w", "é"] {
            assert_eq!(read_shifts(wrong), None, "{wrong}");
        }
    }
}

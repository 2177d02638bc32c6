//! The fields of one change as a difference, folded away under the object's name.
//! Sensitive values are only said to be there. Knows nothing of how much room there is.

use serde_json::Value;

use super::escape::{clipped, code, fenced};
use crate::diag::Route;
use crate::diff::{Action, FieldChange};
use crate::plan::Step;
use crate::render::lines::{edits, sign};
use crate::render::value::{inline, is_long, line_diff};

/// Lines longer than this are cut where they agree.
const WIDE: usize = 160;
/// How much is shown around a difference inside a long line.
const CONTEXT: usize = 40;
/// How wide a cut line may be, if even the difference is long.
const WIDEST: usize = 600;
/// How many lines, and characters, one object may take.
const LINES: usize = 120;
const LONGEST: usize = 8_000;

/// What measurements say of one change, and its difference, folded away; none where neither is anything.
pub(super) fn detail(step: &Step, evidence: &[String]) -> Option<String> {
    let change = &step.change;
    let lines = lines(step);
    if lines.is_empty() && evidence.is_empty() {
        return None;
    }
    let name = code(&change.address.to_string());
    let title = format!("{} {} {name}", change.action.verb(), change.kind);
    let evidence: String = evidence.iter().map(|line| format!("- {line}\n")).collect();
    let evidence = if evidence.is_empty() { evidence } else { evidence + "\n" };
    let fields = if lines.is_empty() { String::new() } else { fenced(&lines) };
    Some(format!("<details>\n<summary>{title}</summary>\n\n{evidence}{fields}\n</details>\n\n"))
}

/// The fields of a change as lines of a difference, within bounds.
pub(in crate::render) fn lines(step: &Step) -> Vec<String> {
    let change = &step.change;
    let going = what_goes(&change.action);
    let mut lines: Vec<String> = change.action.fields().iter().chain(&going).flat_map(field).collect();
    let mut length = 0;
    let fits = |line: &&String| {
        length += line.chars().count();
        length <= LONGEST
    };
    let fitting = lines.iter().take(LINES).take_while(fits).count();
    if fitting < lines.len() {
        let more = lines.len() - fitting;
        lines.truncate(fitting);
        lines.push(format!("  … {more} more lines"));
    }
    lines
}

/// What a deletion takes away, field by field.
fn what_goes(action: &Action) -> Vec<FieldChange> {
    let Action::Delete { before, .. } = action else { return Vec::new() };
    let spec = before.spec();
    let field = |(name, value): (String, Value)| -> Vec<FieldChange> {
        let change = |route: Route, value: &Value| FieldChange {
            sensitive: spec.is_sensitive(&route.to_string()),
            route,
            before: Some(value.clone()),
            after: None,
        };
        let route = Route::root().key(&name);
        match &value {
            // Each by itself, since some are secret.
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| change(route.key(key), value)).collect()
            }
            Value::Null => Vec::new(),
            value => vec![change(route, value)],
        }
    };
    before.fields().into_iter().flat_map(field).collect()
}

/// One field in the signs of a difference: `-` what the service has, `+` what it will have, `!` what is not shown.
fn field(field: &FieldChange) -> Vec<String> {
    let route = clipped(&field.route.to_string(), WIDEST);
    let (before, after) = (field.before.as_ref(), field.after.as_ref());
    if field.sensitive {
        return vec![match (before, after) {
            (Some(_), Some(_)) => format!("! {route}: (sensitive) changes"),
            (Some(_), None) => format!("- {route}: (sensitive)"),
            (None, _) => format!("+ {route}: (sensitive)"),
        }];
    }
    let short =
        |sign, value: &Value| format!("{sign} {route}: {}", clipped(&inline(&field.route, value), WIDEST));
    let text = |value: Option<&Value>| value.map_or(Some(""), Value::as_str).map(str::to_owned);
    if (is_long(before) || is_long(after))
        && let (Some(before), Some(after)) = (text(before), text(after))
    {
        let lines = if route == "composite" || route.ends_with(".composite") {
            formula_diff(&before, &after)
        } else {
            line_diff(&before, &after)
        };
        let lines = narrowed(lines).into_iter().map(|(sign, line)| format!("{sign}   {line}"));
        return std::iter::once(format!("  {route}:")).chain(lines).collect();
    }
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(before), Some(after)) => vec![short('-', before), short('+', after)],
        (Some(before), None) => vec![short('-', before)],
        (None, Some(after)) => vec![short('+', after)],
    }
}

/// The lines of two formulas that differ in more than their blanks, which mean nothing there.
fn formula_diff(before: &str, after: &str) -> Vec<(char, String)> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (old, new): (Vec<String>, Vec<String>) =
        (before.lines().map(words).collect(), after.lines().map(words).collect());
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let line = |lines: &[&str], i: Option<usize>| {
        i.and_then(|i| lines.get(i)).map(|line| crate::diag::printable(line.trim_end())).unwrap_or_default()
    };
    let edits = edits(&old, &new);
    let changes = edits.iter().flat_map(|op| op.iter_changes(&old[..], &new[..]));
    changes
        .map(|change| match sign(&change) {
            '-' => ('-', line(&before, change.old_index())),
            sign => (sign, line(&after, change.new_index())),
        })
        .collect()
}

/// Long lines cut to what differs between each removed one and the one that takes its place.
fn narrowed(mut lines: Vec<(char, String)>) -> Vec<(char, String)> {
    let mut i = 0;
    while i < lines.len() {
        let run = |from: usize, sign| lines[from..].iter().take_while(|(s, _)| *s == sign).count();
        let removed = run(i, '-');
        let added = run(i + removed, '+');
        for k in 0..removed.min(added) {
            let (old, new) = (i + k, i + removed + k);
            let (shown_old, shown_new) = difference(&lines[old].1, &lines[new].1);
            (lines[old].1, lines[new].1) = (shown_old, shown_new);
        }
        i += (removed + added).max(1);
    }
    lines.into_iter().map(|(sign, line)| (sign, clipped(&line, WIDEST))).collect()
}

/// Two lines without the long ends on which they agree.
fn difference(old: &str, new: &str) -> (String, String) {
    if old.chars().count().max(new.chars().count()) <= WIDE {
        return (old.to_owned(), new.to_owned());
    }
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let agree = |pairs: &mut dyn Iterator<Item = (&char, &char)>| pairs.take_while(|(a, b)| a == b).count();
    let start = agree(&mut old.iter().zip(&new));
    let end = agree(&mut old[start..].iter().rev().zip(new[start..].iter().rev()));
    let (first, last) = (start.saturating_sub(CONTEXT), end.saturating_sub(CONTEXT));
    let shown = |line: &[char]| {
        let middle: String = line[first..line.len() - last].iter().collect();
        format!("{}{middle}{}", if first > 0 { "…" } else { "" }, if last > 0 { "…" } else { "" })
    };
    (shown(&old), shown(&new))
}

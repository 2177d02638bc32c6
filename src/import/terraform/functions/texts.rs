//! Functions that make a text, or the parts of one.
//! Knows no regular expressions: what needs one is unknown.

use super::super::super::node::{Node, Val};
use super::arguments::{float, text};

/// The widest field a text is filled up to.
const WIDEST: usize = 1000;

pub(super) fn call(name: &str, arguments: &[Node]) -> Option<Val> {
    let made = match (name, arguments) {
        ("join", [separator, Node { value: Val::List(items), .. }]) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| text(&item.value)).collect();
            texts?.join(&text(&separator.value)?)
        }
        ("split", [separator, whole]) => {
            let (separator, parts) = (text(&separator.value)?, text(&whole.value)?);
            let part = |part: &str| Node::text(part, whole.place.clone());
            let split: Vec<Node> = match separator.as_str() {
                "" => parts.chars().map(|c| part(&c.to_string())).collect(),
                separator => parts.split(separator).map(part).collect(),
            };
            return Some(Val::List(split));
        }
        ("format", [pattern, values @ ..]) => formatted(&text(&pattern.value)?, values)?,
        ("substr", [whole, offset, length]) => part(&text(&whole.value)?, float(offset)?, float(length)?)?,
        (name, [whole]) => one(name, &text(&whole.value)?)?,
        (name, [whole, with]) => two(name, &text(&whole.value)?, &text(&with.value)?)?,
        ("replace", [whole, from, to]) => {
            let from = text(&from.value)?;
            if from.is_empty() || from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
                return Some(Val::unknown("the function `replace` with a regular expression"));
            }
            text(&whole.value)?.replace(&from, &text(&to.value)?)
        }
        _ => return None,
    };
    Some(Val::Text(made))
}

fn one(name: &str, text: &str) -> Option<String> {
    Some(match name {
        "lower" => text.to_lowercase(),
        "upper" => text.to_uppercase(),
        "trimspace" => text.trim().to_owned(),
        "chomp" => text.trim_end_matches(['\n', '\r']).to_owned(),
        "strrev" => text.chars().rev().collect(),
        "title" => {
            let mut begins = true;
            let mut letter = |c: char| {
                let made: String = if begins { c.to_uppercase().collect() } else { c.into() };
                begins = !c.is_alphanumeric() && !matches!(c, '_' | '\'');
                made
            };
            text.chars().map(&mut letter).collect()
        }
        _ => return None,
    })
}

fn two(name: &str, text: &str, with: &str) -> Option<String> {
    Some(match name {
        "trim" => text.trim_matches(|c| with.contains(c)).to_owned(),
        "trimprefix" => text.strip_prefix(with).unwrap_or(text).to_owned(),
        "trimsuffix" => text.strip_suffix(with).unwrap_or(text).to_owned(),
        _ => return None,
    })
}

/// A part of a text, counted in characters; a negative offset counts from the end, a negative length means all of the rest.
fn part(text: &str, offset: f64, length: f64) -> Option<String> {
    if offset.fract() != 0.0 || length.fract() != 0.0 {
        return None;
    }
    let whole = text.chars().count();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let size = |float: f64| float as usize;
    let start = if offset < 0.0 { whole.checked_sub(size(-offset))? } else { size(offset) };
    let length = if length < 0.0 { whole } else { size(length) };
    Some(text.chars().skip(start).take(length).collect())
}

/// `format`, with the verbs people use: `%s`, `%d`, `%f`, `%v`, `%t`, `%q` and `%%`.
fn formatted(pattern: &str, values: &[Node]) -> Option<String> {
    let (mut out, mut values) = (String::new(), values.iter());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let verb = |c: &char| c.is_ascii_alphabetic() || *c == '%';
        let flags: String = rest.clone().take_while(|c| !verb(c)).collect();
        let verb = rest.by_ref().find(verb)?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        out.push_str(&field(verb, &flags, values.next()?)?);
    }
    values.next().is_none().then_some(out)
}

/// One value of a format.
fn field(verb: char, flags: &str, value: &Node) -> Option<String> {
    let left = flags.starts_with('-');
    let zeros = flags.starts_with('0');
    let size = flags.trim_start_matches(['-', '0']);
    let (width, digits) = match size.split_once('.') {
        Some((width, digits)) => (width, Some(digits)),
        None => (size, None),
    };
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<usize>().ok() };
    let (width, digits) = (number(width)?, digits.map(number));
    let text = match (verb, digits) {
        ('s' | 'v', None) => text(&value.value)?,
        ('t', None) => matches!(value.value, Val::Bool(_)).then(|| text(&value.value))??,
        ('q', None) => serde_json::to_string(&text(&value.value)?).ok()?,
        ('d', None) => {
            float(value).filter(|float| float.fract() == 0.0).map(|float| format!("{float:.0}"))?
        }
        ('f', digits) => {
            let digits = digits.map_or(Some(6), |digits| digits.filter(|digits| *digits < WIDEST))?;
            format!("{:.digits$}", float(value)?)
        }
        _ => return None,
    };
    let missing = width.min(WIDEST).saturating_sub(text.chars().count());
    Some(match text.strip_prefix('-') {
        _ if left => text + &" ".repeat(missing),
        Some(number) if zeros => format!("-{}{number}", "0".repeat(missing)),
        _ if zeros => "0".repeat(missing) + &text,
        _ => " ".repeat(missing) + &text,
    })
}

//! Trees as text: a form that reads back as the same tree, and one in which two definitions can be compared.
//! Neither is ever sent or exported: what is written stays as it is written.

use std::fmt;

use super::functions::{self, Parameter};
use super::tree::{Expr, ExprKind, Name};

/// On one line, with one blank behind commas and colons.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Call(name, arguments) => {
                write!(f, "{}(", name.text)?;
                separated(f, arguments)?;
                f.write_str(")")
            }
            ExprKind::Set(items) => {
                f.write_str("[")?;
                separated(f, items)?;
                f.write_str("]")
            }
            ExprKind::Text(text) => write!(f, "\"{text}\""),
            ExprKind::Number(number) => f.write_str(number),
            ExprKind::Map(pairs) => {
                f.write_str("{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{key}: {value}")?;
                }
                f.write_str("}")
            }
            ExprKind::Hole => f.write_str("?"),
        }
    }
}

/// Bare where it is a word, in quotes where not.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if starts && self.text.chars().all(|c| c.is_alphanumeric() || c == '_') {
            f.write_str(&self.text)
        } else {
            write!(f, "\"{}\"", self.text)
        }
    }
}

fn separated(f: &mut fmt::Formatter<'_>, items: &[Expr]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl Expr {
    /// The tree of everything that is written in several ways and means the same: `series` becomes `s`, bare numbers of options texts, sets in
    /// sets flat, a set of one call that call, options and tags sorted, empty options left out.
    pub fn canonical(&self) -> Self {
        Self::new(match &self.kind {
            ExprKind::Call(name, arguments) => {
                let text = if name.text == "series" { "s".to_owned() } else { name.text.clone() };
                let mut arguments: Vec<Self> = arguments.iter().map(Self::canonical).collect();
                if takes_options(&text, arguments.len()) && arguments.last().is_some_and(Self::is_empty_map) {
                    arguments.pop();
                }
                ExprKind::Call(Name { text, span: 0..0 }, arguments)
            }
            ExprKind::Set(items) => {
                let mut flat = Vec::new();
                for item in items {
                    match item.canonical() {
                        Self { kind: ExprKind::Set(inner), .. } => flat.extend(inner),
                        other => flat.push(other),
                    }
                }
                match &flat[..] {
                    // A text in brackets is a mistake, which a form without them would hide.
                    [Self { kind: ExprKind::Call(..), .. }] => flat.remove(0).kind,
                    _ => ExprKind::Set(flat),
                }
            }
            ExprKind::Map(pairs) => {
                let mut pairs: Vec<_> =
                    pairs.iter().map(|(key, value)| (key.clone(), value.canonical().quoted())).collect();
                pairs.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
                ExprKind::Map(pairs)
            }
            ExprKind::Number(text) => ExprKind::Number(text.clone()),
            ExprKind::Text(text) => ExprKind::Text(text.clone()),
            ExprKind::Hole => ExprKind::Hole,
        })
    }

    /// A bare number as text: as the value of an option the two mean the same, in any other place a number is a mistake.
    fn quoted(self) -> Self {
        match self.kind {
            ExprKind::Number(text) => Self::new(ExprKind::Text(text)),
            _ => self,
        }
    }

    fn is_empty_map(&self) -> bool {
        matches!(&self.kind, ExprKind::Map(pairs) if pairs.is_empty())
    }
}

/// Whether the last of so many arguments holds options, which may be left out.
fn takes_options(function: &str, arguments: usize) -> bool {
    let parameters = functions::find(function).map_or(&[][..], |function| function.parameters);
    parameters.len() == arguments && matches!(parameters.last(), Some(Parameter::Options(_)))
}

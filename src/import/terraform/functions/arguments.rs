//! Arguments of functions as texts and numbers.

use super::super::super::node::{Node, Val};

/// A scalar as text.
pub(in crate::import::terraform) fn text(value: &Val) -> Option<String> {
    match value {
        Val::Text(text) => Some(text.clone()),
        Val::Number(number) => Some(number.to_string()),
        Val::Bool(flag) => Some(flag.to_string()),
        Val::Null | Val::List(_) | Val::Map(_) | Val::Json(_) | Val::Reference(_) | Val::Unknown { .. } => {
            None
        }
    }
}

/// A number, also one in text.
pub(super) fn float(node: &Node) -> Option<f64> {
    text(&node.value).filter(|_| !matches!(node.value, Val::Bool(_)))?.trim().parse().ok()
}

/// A whole number that counts something.
pub(super) fn count(node: &Node) -> Option<usize> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    float(node).filter(|float| float.fract() == 0.0 && (0.0..1e9).contains(float)).map(|float| float as usize)
}

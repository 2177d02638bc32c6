//! Arithmetic, comparisons and logic on what is known.
//! Anything else is unknown.

use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use super::super::node::{Val, number, truth};
use super::functions::text;

/// `-x` and `!x`.
pub(super) fn unary(operator: UnaryOperator, value: &Val) -> Val {
    let found = match (operator, value) {
        (_, Val::Unknown { why, .. }) => return Val::unknown(why),
        (UnaryOperator::Neg, value) => float(value).and_then(|float| number(-float)).map(Val::Number),
        (UnaryOperator::Not, value) => truth(value).map(|flag| Val::Bool(!flag)),
    };
    found.unwrap_or_else(|| Val::unknown("an operator on something it does not fit"))
}

/// An operator between two values.
pub(super) fn binary(operator: BinaryOperator, sides: &[Val; 2]) -> Val {
    if let Some(why) = sides.iter().find_map(|side| match side {
        Val::Unknown { why, .. } => Some(why),
        _ => None,
    }) {
        return Val::unknown(why);
    }
    compute(operator, sides).unwrap_or_else(|| Val::unknown("an operator on something it does not fit"))
}

fn compute(operator: BinaryOperator, [left, right]: &[Val; 2]) -> Option<Val> {
    use BinaryOperator as Op;
    let arithmetic = |made: fn(f64, f64) -> f64| number(made(float(left)?, float(right)?)).map(Val::Number);
    let compared = |holds: fn(f64, f64) -> bool| Some(Val::Bool(holds(float(left)?, float(right)?)));
    match operator {
        Op::Plus => arithmetic(|a, b| a + b),
        Op::Minus => arithmetic(|a, b| a - b),
        Op::Mul => arithmetic(|a, b| a * b),
        Op::Div => arithmetic(|a, b| a / b),
        Op::Mod => arithmetic(|a, b| a % b),
        Op::Less => compared(|a, b| a < b),
        Op::LessEq => compared(|a, b| a <= b),
        Op::Greater => compared(|a, b| a > b),
        Op::GreaterEq => compared(|a, b| a >= b),
        Op::Eq => Some(Val::Bool(same(left, right)?)),
        Op::NotEq => Some(Val::Bool(!same(left, right)?)),
        Op::And => Some(Val::Bool(truth(left)? && truth(right)?)),
        Op::Or => Some(Val::Bool(truth(left)? || truth(right)?)),
    }
}

fn float(value: &Val) -> Option<f64> {
    match value {
        Val::Number(number) => number.as_f64(),
        Val::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether two scalars are equal; those of different types never are.
pub(super) fn same(left: &Val, right: &Val) -> Option<bool> {
    match (left, right) {
        (Val::Null, Val::Null) => Some(true),
        (Val::Null, _) | (_, Val::Null) => Some(false),
        (Val::Number(a), Val::Number(b)) => Some(a.as_f64() == b.as_f64()),
        _ => {
            Some(std::mem::discriminant(left) == std::mem::discriminant(right) && text(left)? == text(right)?)
        }
    }
}

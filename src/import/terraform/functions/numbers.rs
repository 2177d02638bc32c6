//! Functions that make a number.
//! What is no number, or too large for one, makes the result unknown.

use super::super::super::node::{Node, Val, number};
use super::arguments::{count, float, text};

pub(super) fn call(name: &str, arguments: &[Node]) -> Option<Val> {
    let floats = |nodes: &[Node]| nodes.iter().map(float).collect::<Option<Vec<f64>>>();
    let made = match (name, arguments) {
        ("max", all @ [_, ..]) => floats(all)?.into_iter().fold(f64::NEG_INFINITY, f64::max),
        ("min", all @ [_, ..]) => floats(all)?.into_iter().fold(f64::INFINITY, f64::min),
        ("sum", [Node { value: Val::List(items), .. }]) if !items.is_empty() => {
            floats(items)?.into_iter().sum()
        }
        ("abs", [one]) => float(one)?.abs(),
        ("ceil", [one]) => float(one)?.ceil(),
        ("floor", [one]) => float(one)?.floor(),
        ("signum", [one]) => float(one).map(|float| if float == 0.0 { 0.0 } else { float.signum() })?,
        ("pow", [base, exponent]) => float(base)?.powf(float(exponent)?),
        ("parseint", [digits, base]) => {
            let base = u32::try_from(count(base)?).ok().filter(|base| (2..=36).contains(base))?;
            return i64::from_str_radix(&text(&digits.value)?, base).ok().map(|int| Val::Number(int.into()));
        }
        _ => return None,
    };
    number(made).map(Val::Number)
}

//! The calls of `series` in a definition: which of them are made more than once.

use super::super::query::{Leaf, Node, Op};

/// The calls that stand in a definition more than once: what they find is kept.
pub(super) fn repeated(root: &Node) -> Vec<&Leaf> {
    let mut calls = calls(root);
    let all = calls.clone();
    calls.retain(|leaf| all.iter().filter(|other| same(other, leaf)).count() > 1);
    calls
}

/// All calls of a definition.
pub(super) fn calls(root: &Node) -> Vec<&Leaf> {
    let mut calls = Vec::new();
    collect(root, &mut calls);
    calls
}

/// Whether both read the same.
fn same(one: &Leaf, other: &Leaf) -> bool {
    one.metric == other.metric && one.selector == other.selector && one.period == other.period
}

fn collect<'n>(node: &'n Node, calls: &mut Vec<&'n Leaf>) {
    match &node.op {
        Op::Series(leaf) => calls.push(leaf),
        Op::Set(items) => items.iter().for_each(|item| collect(item, calls)),
        Op::Combine(_, set)
        | Op::Each(_, set)
        | Op::Select(_, set)
        | Op::Timeshift(_, set)
        | Op::GroupBy(_, set)
        | Op::Map(_, _, set) => collect(set, calls),
    }
}

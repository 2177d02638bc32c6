//! A definition that has been understood: every call with its meaning, every option with its value.
//! The evaluator works on this and on nothing else; it can only be had from a definition without errors.

use std::ops::Range;

use super::selector::Selector;

/// A definition ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub(super) root: Node,
    /// The definition as it is written, for explanations.
    pub(super) text: String,
}

/// An operation and where it stands in the definition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) span: Range<usize>,
}

/// What an expression computes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Series(Leaf),
    Set(Vec<Node>),
    /// One series out of all, point by point.
    Combine(Combine, Box<Node>),
    /// Each series by itself.
    Each(Each, Box<Node>),
    /// Some of the series, or another order of them.
    Select(Select, Box<Node>),
    /// Seconds to look back, in order; what lies ahead is negative.
    Timeshift(Vec<i64>, Box<Node>),
    GroupBy(Vec<String>, Box<Node>),
    /// The label that is enumerated and the pattern its values match.
    Map(String, String, Box<Node>),
}

/// Where data comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) metric: String,
    pub(super) selector: Selector,
    pub(super) function: Statistic,
    pub(super) period: Option<u64>,
}

/// How several numbers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Statistic {
    /// The least.
    Min,
    /// The largest.
    Max,
    /// The average.
    #[default]
    Mean,
    /// The total.
    Sum,
    /// How many measurements there were.
    Count,
}

/// Functions over a set, point by point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Combine {
    Sum,
    Mean,
    Min,
    Max,
    Count,
    Multiply,
    Divide,
    Subtract,
}

/// Functions over each series of a set.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Each {
    Abs,
    Floor,
    Ceiling,
    Scale(f64),
    Derive {
        detect_reset: bool,
    },
    /// Seconds.
    Rate(f64),
    Integrate,
    Window {
        size: usize,
        function: Windowed,
    },
    Fill(Filling),
}

/// The functions of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Windowed {
    Mean,
    Sum,
    Min,
    Max,
    Median,
}

/// What stands in a gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Filling {
    Value(f64),
    Last,
}

/// Functions that choose or order series by one number each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Select {
    pub(super) by: Statistic,
    pub(super) how: Choice,
}

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Choice {
    /// Those within the bounds.
    Filter(Bounds),
    /// So many of the largest.
    Top(usize),
    /// So many of the least.
    Bottom(usize),
    /// All, the largest first.
    Sort,
}

/// Bounds a number has to satisfy; those that are not given do not count.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Bounds {
    pub(super) gt: Option<f64>,
    pub(super) lt: Option<f64>,
    pub(super) gte: Option<f64>,
    pub(super) lte: Option<f64>,
}

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

impl Query {
    /// The outermost operation, for who says the same in another language.
    pub fn root(&self) -> &Node {
        &self.root
    }
}

/// An operation and where it stands in the definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

/// What an expression computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// What a `series` call finds.
    Series(Leaf),
    /// Those of all of these.
    Set(Vec<Node>),
    /// One series out of all, point by point.
    Combine(Combine, Box<Node>),
    /// Each series by itself.
    Each(Each, Box<Node>),
    /// Some of the series, or another order of them.
    Select(Select, Box<Node>),
    /// Seconds to look back, in order; what lies ahead is negative.
    Timeshift(Vec<i64>, Box<Node>),
    /// Once for each combination of values of tags.
    GroupBy(Vec<String>, Box<Node>),
    /// The label that is enumerated and the pattern its values match.
    Map(String, String, Box<Node>),
}

/// Where data comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// A name or a pattern.
    pub metric: String,
    /// Which series of it.
    pub selector: Selector,
    /// How several measurements become a point.
    pub function: Statistic,
    /// Seconds from point to point, where it is said.
    pub period: Option<u64>,
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
#[allow(missing_docs)]
pub enum Combine {
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
#[allow(missing_docs)]
pub enum Each {
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
#[allow(missing_docs)]
pub enum Windowed {
    Mean,
    Sum,
    Min,
    Max,
    Median,
}

/// What stands in a gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Filling {
    /// This number.
    Value(f64),
    /// The value before it.
    Last,
}

/// Functions that choose or order series by one number each.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// The number of each series.
    pub by: Statistic,
    /// Which are chosen by it.
    pub how: Choice,
}

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
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
#[allow(missing_docs)]
pub struct Bounds {
    pub gt: Option<f64>,
    pub lt: Option<f64>,
    pub gte: Option<f64>,
    pub lte: Option<f64>,
}

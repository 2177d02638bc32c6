//! Expressions of PromQL as a tree. Knows nothing of how they are written.

use super::selector::Selector;

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Number(f64),
    /// A text, as an argument.
    Text(String),
    /// The newest sample of each series.
    Series(Selector),
    /// A function over what lies within reach, such as `max_over_time(x[5m])`.
    Over {
        /// Its name.
        function: &'static str,
        /// What stands before it, such as the quantile.
        first: Option<f64>,
        /// Of what: series, else an expression that is evaluated step by step.
        of: Box<Expr>,
        /// How far.
        reach: Reach,
    },
    /// A function of instant vectors.
    Call(&'static str, Vec<Expr>),
    /// One series out of several.
    Aggregate {
        /// Its name.
        function: &'static str,
        /// The labels that are kept.
        by: Vec<String>,
        /// What stands before it, such as how many.
        first: Option<f64>,
        /// Of what.
        of: Box<Expr>,
    },
    /// Two sides with a sign between.
    Binary {
        sign: Sign,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
        /// The labels that make two series a pair, where not all do.
        on: Option<Vec<String>>,
    },
}

/// How far back, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How much is looked at.
    pub length: i64,
    /// How long ago that ended.
    pub offset: i64,
    /// From step to step, for an expression.
    pub step: i64,
}

/// What stands between two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Sign {
    Or,
    And,
    Unless,
    Is,
    IsNot,
    Above,
    Below,
    AtLeast,
    AtMost,
    Plus,
    Minus,
    Times,
    By,
}

impl Expr {
    /// A function over a stretch of time; `step` counts where `of` is no plain series.
    pub fn over(function: &'static str, of: Expr, length: i64, offset: i64, step: i64) -> Self {
        Self::Over { function, first: None, of: Box::new(of), reach: Reach { length, offset, step } }
    }

    /// One series out of several, by the labels that are kept.
    pub fn aggregate(function: &'static str, by: &[String], of: Expr) -> Self {
        Self::Aggregate { function, by: by.to_vec(), first: None, of: Box::new(of) }
    }

    /// Two sides whose series have the same labels.
    pub fn binary(self, sign: Sign, right: Expr) -> Self {
        Self::Binary { sign, left: Box::new(self), right: Box::new(right), on: None }
    }

    /// Two sides whose series agree in these labels.
    pub fn paired(self, sign: Sign, on: &[String], right: Expr) -> Self {
        Self::Binary { sign, left: Box::new(self), right: Box::new(right), on: Some(on.to_vec()) }
    }

    /// Held against a number.
    pub fn compared(self, sign: Sign, number: f64) -> Self {
        self.binary(sign, Self::Number(number))
    }
}

impl Sign {
    /// How tightly it binds.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Is | Self::IsNot | Self::Above | Self::Below | Self::AtLeast | Self::AtMost => 3,
            Self::Plus | Self::Minus => 4,
            Self::Times | Self::By => 5,
        }
    }

    /// Whether it puts sets of series together.
    pub fn is_of_sets(self) -> bool {
        self.precedence() < 3
    }

    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Unless => "unless",
            Self::Is => "==",
            Self::IsNot => "!=",
            Self::Above => ">",
            Self::Below => "<",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::By => "/",
        }
    }
}

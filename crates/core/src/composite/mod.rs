//! The composite language: definitions such as `divide([sum(s("errors", "*")), sum(s("requests", "*"))])`.
//! Pure: text in, a tree, problems at exact places or a query out; a query and series in, series out. Knows neither files nor storage.

mod arguments;
mod dynamic;
pub mod eval;
mod functions;
mod inputs;
#[cfg(test)]
mod laws;
mod lexer;
mod meaning;
mod parser;
mod patterns;
mod periods;
mod print;
mod problem;
mod query;
#[cfg(test)]
mod reference;
mod selector;
#[cfg(test)]
mod tests;
mod tree;
mod words;

pub use dynamic::choose;
pub use patterns::{TAG_NAME_RULE, Use, is_tag_name};
pub use problem::{Problem, nested};
pub use query::{Bounds, Choice, Combine, Each, Filling, Leaf, Node, Op, Query, Select, Statistic, Windowed};
pub use selector::{Labels, SOURCE, Selector, matches};
pub use tree::{Expr, ExprKind, Name, Read};

use problem::Problems;

/// Reads the shape of a definition: which calls, sets, texts and options it is made of. What functions mean is for [`compile`].
///
/// # Errors
/// Every place that cannot be read, in the order of the definition: a bracket that is not closed, a missing comma, an open text.
pub fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    let mut problems = Problems::default();
    let expr = parser::read(text, &mut problems);
    if problems.has_errors() { Err(problems.into_sorted()) } else { Ok(expr) }
}

/// Everything that can be said against a definition without knowing any metric, errors and warnings in the order of the definition.
/// What only we do not know, such as a function, is a warning.
pub fn check(text: &str, used_in: Use) -> Vec<Problem> {
    understand(text, used_in).1.into_iter().map(Problem::into_doubt).collect()
}

/// As [`check`], for who wants it evaluated here: what we do not know is an error.
pub fn check_to_evaluate(text: &str, used_in: Use) -> Vec<Problem> {
    understand(text, used_in).1
}

/// Reads a definition for evaluation.
///
/// # Errors
/// Every error of [`check`]; warnings are left out.
pub fn compile(text: &str) -> Result<Query, Vec<Problem>> {
    let (query, mut problems) = understand(text, Use::Chart);
    query.ok_or_else(|| {
        problems.retain(|problem| problem.severity == crate::diag::Severity::Error);
        problems
    })
}

/// A form in which blanks, quoting, the alias `series`, the order of options and superfluous brackets make no difference. What
/// cannot be read stays as it is.
pub fn canonical(text: &str) -> String {
    parse(text).map_or_else(|_| text.to_owned(), |expr| expr.canonical().to_string())
}

fn understand(text: &str, used_in: Use) -> (Option<Query>, Vec<Problem>) {
    let mut problems = Problems::default();
    let expr = parser::read(text, &mut problems);
    let readable = !problems.has_errors();
    let root = meaning::of(&expr, used_in, &mut problems);
    if !readable {
        // A doubt about something that was read only in part is worth nothing.
        problems.drop_warnings();
    }
    let query = root.filter(|_| !problems.has_errors()).map(|root| Query { root, text: text.to_owned() });
    (query, problems.into_sorted())
}

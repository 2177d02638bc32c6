//! PromQL as a tree and as text. Knows nothing of alerts, composites or definitions.

mod print;
mod selector;
mod tree;

pub use print::{Engine, duration, is_plain, number, print_in_lines, quoted};
pub use selector::{Comparison, Matcher, Name, Selector, pattern};
pub use tree::{Expr, Reach, Sign};

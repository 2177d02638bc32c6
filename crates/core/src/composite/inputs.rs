//! How many series an expression makes, as far as that can be known without data, for functions that take exactly two.
//! Knows nothing of what is stored: a single source that turns out to have no data is not its business.

use super::problem::Problems;
use super::query::{Choice, Leaf, Node, Op};
use crate::diag::Code;

/// Reports a set that cannot be two series, or may well be another number. `repeated` says that `group_by` or `map` leaves fewer
/// series than the patterns promise.
pub(super) fn check(name: &str, set: &Node, repeated: bool, problems: &mut Problems) {
    let both = format!("two series stand in brackets: {name}([a, b])");
    let items: &[Node] = if let Op::Set(items) = &set.op { items } else { std::slice::from_ref(set) };
    match series(set) {
        Some(2) => {}
        Some(count) => {
            let these = if count == 1 { "this is one".to_owned() } else { format!("these are {count}") };
            let message = format!("`{name}` takes exactly two series, and {these}");
            problems.error(Code::WrongInputs, set.span.clone(), message).help(both);
        }
        None if items.len() > 2 => {
            let message =
                format!("`{name}` takes exactly two series, and here are {} expressions", items.len());
            problems.warning(Code::WrongInputs, set.span.clone(), message).help(both);
        }
        None if repeated => {}
        None => {
            let Some(open) = items.iter().find(|item| series(item).is_none()) else { return };
            let message = format!(
                "`{name}` gives nothing unless there are exactly two series, and this may be any number"
            );
            problems
                .warning(Code::WrongInputs, open.span.clone(), message)
                .help("make one series of it with sum(…), mean(…), min(…) or max(…)");
        }
    }
}

/// How many series there are, where it is certain.
fn series(node: &Node) -> Option<usize> {
    match &node.op {
        Op::Series(Leaf { metric, selector, .. }) => {
            (!metric.contains('*') && selector.is_exact()).then_some(1)
        }
        Op::Set(items) => items.iter().map(series).sum(),
        Op::Combine(..) => Some(1),
        Op::Each(_, set) => series(set),
        Op::Select(select, set) => match select.how {
            Choice::Sort => series(set),
            Choice::Top(1) | Choice::Bottom(1) => Some(1),
            Choice::Top(_) | Choice::Bottom(_) | Choice::Filter(_) => None,
        },
        Op::Timeshift(shifts, set) => series(set).map(|count| count.saturating_mul(shifts.len())),
        Op::GroupBy(..) | Op::Map(..) => None,
    }
}

//! Periods of the inputs of one function, as far as they are known without data: where they differ, points do not line up.
//! Knows the periods of metrics only from whoever asks.

use std::collections::BTreeMap;
use std::ops::Range;

use super::problem::{Problem, Problems};
use super::query::{Leaf, Node, Op, Query};

/// Periods in seconds, each with the first `series` call that has it.
type Periods = BTreeMap<u64, Range<usize>>;

impl Query {
    /// Warns of functions over several series whose periods differ, in the order of the definition. `period` knows the seconds of a
    /// metric; patterns and metrics without a period are passed over.
    pub fn mixed_periods(&self, period: &dyn Fn(&str) -> Option<u64>) -> Vec<Problem> {
        let mut problems = Problems::default();
        periods(&self.root, period, &mut problems);
        problems.into_sorted()
    }
}

fn periods(node: &Node, period: &dyn Fn(&str) -> Option<u64>, problems: &mut Problems) -> Periods {
    match &node.op {
        Op::Series(Leaf { metric, period: given, .. }) => {
            given.or_else(|| period(metric)).map(|seconds| (seconds, node.span.clone())).into_iter().collect()
        }
        Op::Set(items) => {
            let mut all = Periods::new();
            for item in items {
                for (seconds, span) in periods(item, period, problems) {
                    all.entry(seconds).or_insert(span);
                }
            }
            all
        }
        Op::Combine(_, set) => {
            let mut inputs = periods(set, period, problems);
            let Some((longest, at)) = inputs.pop_last() else { return inputs };
            if let Some((shorter, span)) = inputs.pop_first() {
                let message =
                    format!("this has a point every {shorter} s, and another input one every {longest} s");
                problems
                    .warning("mixed-periods", span, message)
                    .help(format!("give all of them the same, as in s(…, {{period: \"{longest}\"}})"));
            }
            // What comes out has the longest.
            Periods::from([(longest, at)])
        }
        Op::Each(_, set) | Op::Select(_, set) => periods(set, period, problems),
        Op::Timeshift(_, set) | Op::GroupBy(_, set) | Op::Map(_, _, set) => periods(set, period, problems),
    }
}

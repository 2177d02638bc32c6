//! Periods of the inputs of one function, as far as they are known without data: where they differ, points do not line up.
//! Knows the periods of metrics only from whoever asks.

use crate::composite::words::in_words;
use crate::diag::Code;
use std::collections::BTreeMap;
use std::ops::Range;

use super::problem::{Problem, Problems};
use super::query::{Leaf, Node, Op, Query};

/// Periods in seconds, each with the first `series` call that has it.
type Periods = BTreeMap<u64, Range<usize>>;

impl Query {
    /// Warns of functions over several series whose periods differ, in the order of the definition. `known` has the seconds of each
    /// metric that a name or a pattern means, as far as they are known.
    pub fn mixed_periods(&self, known: &dyn Fn(&str) -> Vec<u64>) -> Vec<Problem> {
        let mut problems = Problems::default();
        periods(&self.root, known, &mut problems);
        problems.into_sorted()
    }
}

fn periods(node: &Node, known: &dyn Fn(&str) -> Vec<u64>, problems: &mut Problems) -> Periods {
    match &node.op {
        Op::Series(Leaf { metric, period: given, .. }) => {
            let seconds = given.map_or_else(|| known(metric), |seconds| vec![seconds]);
            seconds.into_iter().map(|seconds| (seconds, node.span.clone())).collect()
        }
        Op::Set(items) => {
            let mut all = Periods::new();
            for item in items {
                for (seconds, span) in periods(item, known, problems) {
                    all.entry(seconds).or_insert(span);
                }
            }
            all
        }
        Op::Combine(_, set) => {
            let mut inputs = periods(set, known, problems);
            let Some((longest, at)) = inputs.pop_last() else { return inputs };
            if let Some((shorter, span)) = inputs.pop_first() {
                let other = if span == at { "and some of its metrics" } else { "and another input" };
                let (every, most) = (in_words(shorter), in_words(longest));
                let message = format!("this has a point every {every}, {other} one every {most}");
                problems
                    .warning(Code::MixedPeriods, span, message)
                    .help(format!("give all of them the same, as in s(…, {{period: \"{longest}\"}})"));
            }
            // What comes out has the longest.
            Periods::from([(longest, at)])
        }
        Op::Each(_, set) | Op::Select(_, set) => periods(set, known, problems),
        Op::Timeshift(_, set) | Op::GroupBy(_, set) | Op::Map(_, _, set) => periods(set, known, problems),
    }
}

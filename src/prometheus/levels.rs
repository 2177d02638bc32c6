//! What must be measured for a composite to lie on one side of a threshold, and on the other: found by trying, with the evaluation that
//! decides. Knows nothing of how long anything lasts.

use crate::composite::{self, Labels, Leaf, Node, Op, Selector};
use crate::offline::{Given, Metric};
use crate::watch::{Sample, Series};

/// One series that a composite reads, and two values of it that differ by one.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub metric: String,
    /// Which of its series.
    pub series: Series,
    /// The value with which nothing is violated.
    pub calm: f64,
    /// The value with which it is.
    pub wrong: f64,
}

/// What others hold while one is varied, the likeliest first.
const BASES: [f64; 4] = [100.0, 1.0, 10_000.0, 0.0];

/// What one is tried with.
const TRIED: [i64; 9] = [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 1_000_000_000];

/// Whether there is a violation while each of some series holds one value.
pub type Violates<'a> = &'a dyn Fn(&[(&str, &Series, f64)]) -> bool;

/// The values of all that a composite reads; `None` where none are found.
pub fn levels(definition: &str, violates: Violates<'_>) -> Option<Vec<Level>> {
    let query = composite::compile(definition).ok()?;
    let mut read = Vec::new();
    leaves(query.root(), None, &mut read);
    let mut all: Vec<(String, Series)> = Vec::new();
    for (leaf, mapped) in read {
        let one = (leaf.metric.clone(), series(&leaf.selector, mapped));
        if leaf.metric.contains('*') {
            return None;
        }
        if !all.contains(&one) {
            all.push(one);
        }
    }
    let places = (0..all.len()).flat_map(|place| BASES.map(|base| (base, place)));
    let (base, place, (calm, wrong)) = places
        .filter_map(|(base, place)| {
            let holds = |value: i64| {
                let of = |(at, (metric, series)): (usize, &'_ (String, Series))| {
                    (metric.clone(), series.clone(), if at == place { value as f64 } else { base })
                };
                let held: Vec<_> = all.iter().enumerate().map(of).collect();
                let held: Vec<_> =
                    held.iter().map(|(metric, series, value)| (&**metric, series, *value)).collect();
                violates(&held)
            };
            Some((base, place, crossing(&holds)?))
        })
        .next()?;
    let level = |(at, (metric, series)): (usize, (String, Series))| {
        let (calm, wrong) = if at == place { (calm as f64, wrong as f64) } else { (base, base) };
        Level { metric, series, calm, wrong }
    };
    Some(all.into_iter().enumerate().map(level).collect())
}

/// Two neighbouring numbers of which the second violates, and the first does not.
fn crossing(violates: &dyn Fn(i64) -> bool) -> Option<(i64, i64)> {
    let tried = TRIED.map(|value| (value, violates(value)));
    let ((mut below, low), (mut above, _)) =
        tried.iter().zip(&tried[1..]).find(|((_, one), (_, other))| one != other).map(|(a, b)| (*a, *b))?;
    while above - below > 1 {
        let middle = i64::midpoint(below, above);
        if violates(middle) == low {
            below = middle;
        } else {
            above = middle;
        }
    }
    Some(if low { (above, below) } else { (below, above) })
}

/// All leaves, each with what `&` stands for.
fn leaves<'q>(node: &'q Node, mapped: Option<&'q str>, found: &mut Vec<(&'q Leaf, Option<&'q str>)>) {
    match &node.op {
        Op::Series(leaf) => found.push((leaf, mapped)),
        Op::Set(items) => items.iter().for_each(|item| leaves(item, mapped, found)),
        Op::Map(_, pattern, set) => leaves(set, Some(pattern), found),
        Op::Combine(_, set)
        | Op::Each(_, set)
        | Op::Select(_, set)
        | Op::Timeshift(_, set)
        | Op::GroupBy(_, set) => leaves(set, mapped, found),
    }
}

/// A series that a leaf reads.
fn series(selector: &Selector, mapped: Option<&str>) -> Series {
    let value = |pattern: &str| {
        let pattern = pattern.replace('&', mapped.unwrap_or("&"));
        if pattern == "%" { "1".to_owned() } else { pattern.replace('*', "1").replace('!', "not-") }
    };
    match selector {
        // As for conditions that watch all streams.
        Selector::Source(source) if source == "*" => Series::Source(Some("probe".to_owned())),
        Selector::Source(source) => Series::Source(Some(value(source))),
        Selector::Tags(tags) => {
            Series::Tags(tags.iter().map(|(tag, wanted)| (tag.clone(), value(wanted))).collect::<Labels>())
        }
    }
}

/// Measurements of a series from the first second on, one each `step`; what a counter reads is their total.
pub fn held(
    metric: &str,
    series: &Series,
    known: Metric,
    step: i64,
    end: i64,
    value: &dyn Fn(i64) -> f64,
) -> Given {
    let grows = known.metric_type == Some(crate::model::MetricType::Counter);
    let mut total = 0.0;
    let samples = (0..).map(|n: i64| n * step).take_while(|at| *at <= end).map(|at| {
        total += value(at);
        (at, Sample::single(if grows { total } else { value(at) }))
    });
    let samples = samples.collect();
    Given { metric: metric.to_owned(), series: series.clone(), known, samples, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_found_where_the_answer_changes() {
        assert_eq!(crossing(&|value| value > 37), Some((37, 38)));
        assert_eq!(crossing(&|value| value < 2_000), Some((2_000, 1_999)));
        assert_eq!(crossing(&|value| value > 0), Some((0, 1)));
        assert_eq!(crossing(&|_| true), None);
    }

    #[test]
    fn all_that_is_read_has_a_value() {
        let definition = r#"divide([sum(s("errors", "web*")), sum(s("requests", {"az": "a"}))])"#;
        let value = |all: &[(&str, &Series, f64)], name: &str| {
            all.iter().find(|(metric, _, _)| *metric == name).map(|(_, _, value)| *value).unwrap()
        };
        let found = levels(definition, &|all| value(all, "errors") / value(all, "requests") > 0.25).unwrap();
        let one = |metric: &str, series, calm, wrong| Level { metric: metric.into(), series, calm, wrong };
        let tags = Series::Tags([("az".to_owned(), "a".to_owned())].into());
        assert_eq!(
            found,
            [
                one("errors", Series::Source(Some("web1".into())), 25.0, 26.0),
                one("requests", tags, 100.0, 100.0)
            ]
        );
    }
}

//! How often rules would have fired: what to ask a Prometheus, and what its answers come to. Rules are without state, so that their
//! expressions over the past are their history. Knows no HTTP.

use std::collections::BTreeMap;

use super::promql::{Engine, Expr, Name, Reach, print_in_lines};
use super::rule::Rule;

/// What is asked of one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name.
    pub alert: String,
    /// The expression, composites written out: recorded series may be younger than what is asked about.
    pub expression: String,
    /// Whether a recorded series stands in it all the same.
    pub reads_recorded: bool,
}

/// What became of an alert in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fired {
    /// How often a stream began to fire.
    pub times: usize,
    /// How many streams did.
    pub streams: usize,
    /// Seconds in which at least one did.
    pub seconds: i64,
}

/// The questions of all alerts.
pub fn questions<'r>(
    rules: impl Iterator<Item = &'r Rule> + Clone,
    engine: Engine,
    interval: i64,
) -> Vec<Question> {
    let recorded: BTreeMap<&str, &Expr> = rules
        .clone()
        .filter_map(|rule| match rule {
            Rule::Record { name, expr } if !name.starts_with("librato:seen:") => Some((name.as_str(), expr)),
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for rule in rules {
        let Rule::Alert { name, expr, .. } = rule else { continue };
        let mut reads_recorded = false;
        let expr = written_out(expr, &recorded, interval, &mut reads_recorded);
        let expression = print_in_lines(&expr, engine).join("\n");
        found.push(Question { alert: name.clone(), expression, reads_recorded });
    }
    found
}

/// The same with the expressions of recorded series in their place, as far as all of each is read.
fn written_out(expr: &Expr, recorded: &BTreeMap<&str, &Expr>, interval: i64, left: &mut bool) -> Expr {
    let mut inner = |expr: &Expr| Box::new(written_out(expr, recorded, interval, left));
    match expr {
        Expr::Series(selector) => {
            let Name::Exact(name) = &selector.name else { return expr.clone() };
            match recorded.get(name.as_str()) {
                Some(of) if selector.matchers.is_empty() => (*of).clone(),
                known => {
                    *left |= known.is_some() || name.starts_with("librato:");
                    expr.clone()
                }
            }
        }
        Expr::Over { function, first, of, reach } => {
            let was_series = matches!(**of, Expr::Series(_));
            let of = inner(of);
            // What was a plain series is evaluated as often as the rule that recorded it.
            let step = if was_series && !matches!(*of, Expr::Series(_)) { interval } else { reach.step };
            Expr::Over { function, first: *first, of, reach: Reach { step, ..*reach } }
        }
        Expr::Call(function, arguments) => {
            Expr::Call(function, arguments.iter().map(|one| *inner(one)).collect())
        }
        Expr::Aggregate { function, by, first, of } => {
            Expr::Aggregate { function, by: by.clone(), first: *first, of: inner(of) }
        }
        Expr::Binary { sign, left: one, right, on } => {
            let (one, right) = (inner(one), inner(right));
            Expr::Binary { sign: *sign, left: one, right, on: on.clone() }
        }
        Expr::Number(_) | Expr::Text(_) => expr.clone(),
    }
}

/// What came of it: the seconds at which each stream fires, one `step` apart.
pub fn fired<'s>(streams: impl Iterator<Item = &'s [(i64, f64)]>, step: i64) -> Fired {
    let (mut found, mut all) = (Fired::default(), std::collections::BTreeSet::new());
    for points in streams.filter(|points| !points.is_empty()) {
        found.streams += 1;
        let begins = points.windows(2).filter(|pair| pair[1].0 - pair[0].0 > step).count();
        found.times += 1 + begins;
        all.extend(points.iter().map(|(at, _)| *at));
    }
    found.seconds = i64::try_from(all.len()).unwrap_or(i64::MAX).saturating_mul(step);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::promql::{Matcher, Selector, Sign};

    fn alert(expr: Expr) -> Rule {
        let (labels, annotations) = (BTreeMap::new(), BTreeMap::new());
        Rule::Alert { name: "a".into(), expr, wait: None, labels, annotations }
    }

    #[test]
    fn what_is_recorded_is_written_out() {
        let series = |name: &str| Expr::Series(Selector::of(name));
        let total = Expr::aggregate("sum", &[], Expr::over("last_over_time", series("x"), 60, 0, 60));
        let record = Rule::Record { name: "librato:k".into(), expr: total };
        let rules = [
            record,
            alert(Expr::over("last_over_time", series("librato:k"), 300, 0, 60).compared(Sign::Above, 1.0)),
        ];
        let found = questions(rules.iter(), Engine::LeftOpen, 60);
        assert_eq!(found[0].expression, "last_over_time((sum(last_over_time(x[1m])))[5m:1m]) > 1");
        assert!(!found[0].reads_recorded);
        let some = Expr::Series(Selector::of("librato:k").and(Matcher::present("a")));
        let rules = [rules[0].clone(), alert(some)];
        assert!(questions(rules.iter(), Engine::LeftOpen, 60)[0].reads_recorded);
    }

    #[test]
    fn runs_are_counted_for_each_stream() {
        let streams: [&[(i64, f64)]; 3] = [&[(60, 1.0), (120, 1.0), (300, 1.0)], &[(120, 1.0)], &[]];
        let found = fired(streams.into_iter(), 60);
        assert_eq!(found, Fired { times: 3, streams: 2, seconds: 180 });
    }
}

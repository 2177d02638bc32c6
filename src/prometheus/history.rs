//! How often rules would have fired: what to ask a Prometheus, and what its answers come to. Rules are without state, so that their
//! expressions over the past are their history. Knows no HTTP.

use std::collections::{BTreeMap, BTreeSet};

use super::promql::{Engine, Expr, Name, Reach, Selector, print_in_lines};
use super::rule::Rule;

/// A series counts as measured for so long after a sample, at least; as long as Prometheus itself looks back.
const LOOK_BACK: i64 = 300;

/// What is asked of one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name.
    pub alert: String,
    /// The expression, composites written out: recorded series may be younger than what is asked about.
    pub expression: String,
    /// Seconds that it must hold (`for:`) before a stream fires.
    pub wait: i64,
    /// The series that it reads.
    pub reads: Vec<Read>,
    /// Whether a recorded series stands in it all the same.
    pub reads_recorded: bool,
}

/// Series that an alert reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// As they are selected.
    pub series: String,
    /// How many there are at a time.
    pub expression: String,
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

/// When Alertmanager notifies of an alert, with the routes that are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Seconds until it notifies again of what still fires.
    pub rearm: i64,
    /// Whether each stream counts by itself.
    pub per_stream: bool,
    /// Whether further streams wait for that time, too.
    pub strict: bool,
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
        let Rule::Alert { name, expr, wait, .. } = rule else { continue };
        let mut reads_recorded = false;
        let expr = written_out(expr, &recorded, interval, &mut reads_recorded);
        let (alert, wait, reads) = (name.clone(), wait.unwrap_or_default(), reads(&expr, engine));
        let expression = printed(&expr, engine);
        found.push(Question { alert, expression, wait, reads, reads_recorded });
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

fn printed(expr: &Expr, engine: Engine) -> String {
    print_in_lines(expr, engine).join("\n")
}

/// The series that an expression reads, each once, by how they are selected.
fn reads(expr: &Expr, engine: Engine) -> Vec<Read> {
    let mut all: BTreeMap<String, (&Selector, i64)> = BTreeMap::new();
    selected(expr, None, &mut |selector, length| {
        let text = printed(&Expr::Series(selector.clone()), engine);
        let shortest = all.entry(text).or_insert((selector, length));
        shortest.1 = shortest.1.min(length);
    });
    let read = |(series, (selector, length)): (String, (&Selector, i64))| {
        let last = Expr::over("last_over_time", Expr::Series(selector.clone()), length.max(LOOK_BACK), 0, 60);
        Read { series, expression: printed(&Expr::aggregate("count", &[], last), engine) }
    };
    all.into_iter().map(read).collect()
}

/// Every selector of an expression, and how far back it is looked at.
fn selected<'e>(expr: &'e Expr, length: Option<i64>, found: &mut impl FnMut(&'e Selector, i64)) {
    match expr {
        Expr::Series(selector) => found(selector, length.unwrap_or(LOOK_BACK)),
        Expr::Over { of, reach, .. } => selected(of, Some(reach.length), found),
        Expr::Call(_, arguments) => arguments.iter().for_each(|one| selected(one, length, found)),
        Expr::Aggregate { of, .. } => selected(of, length, found),
        Expr::Binary { left, right, .. } => {
            [left, right].into_iter().for_each(|side| selected(side, length, found));
        }
        Expr::Number(_) | Expr::Text(_) => {}
    }
}

/// The seconds at which a stream fires, of those at which its expression has a value, one `step` apart.
pub fn firing(points: impl Iterator<Item = i64>, step: i64, wait: i64) -> Vec<i64> {
    let (mut begin, mut last, mut all) = (i64::MIN, i64::MIN, Vec::new());
    for at in points {
        if last == i64::MIN || at - last > step {
            begin = at;
        }
        last = at;
        if at - begin >= wait {
            all.push(at);
        }
    }
    all
}

/// What came of it: the seconds at which each stream fires, one `step` apart.
pub fn fired(streams: &[Vec<i64>], step: i64) -> Fired {
    let (mut found, mut all) = (Fired::default(), BTreeSet::<i64>::new());
    for seconds in streams.iter().filter(|seconds| !seconds.is_empty()) {
        found.streams += 1;
        found.times += 1 + seconds.windows(2).filter(|pair| pair[1] - pair[0] > step).count();
        all.extend(seconds);
    }
    found.seconds = i64::try_from(all.len()).unwrap_or(i64::MAX).saturating_mul(step);
    found
}

/// How often a service would have been notified that it fires.
pub fn notified(streams: &[Vec<i64>], step: i64, manner: Manner) -> usize {
    if manner.per_stream {
        let alone = Manner { per_stream: false, ..manner };
        return streams.iter().map(|stream| notified(std::slice::from_ref(stream), step, alone)).sum();
    }
    let mut looks: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    for (stream, seconds) in streams.iter().enumerate() {
        seconds.iter().for_each(|at| _ = looks.entry(*at).or_default().insert(stream));
    }
    let (mut known, mut told_at, mut before, mut count) = (BTreeSet::new(), i64::MIN, i64::MIN, 0);
    for (at, now) in looks {
        // All was well between.
        if before != i64::MIN && at - before > step {
            (known, told_at) = (BTreeSet::new(), i64::MIN);
        }
        let is_due = told_at == i64::MIN || at - told_at >= manner.rearm;
        if is_due || !manner.strict && !now.is_subset(&known) {
            (told_at, count) = (at, count + 1);
            known = now;
        } else {
            known.retain(|stream| now.contains(stream));
        }
        before = at;
    }
    count
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
    fn what_is_read_is_counted_as_far_back_as_it_counts() {
        let series = || Expr::Series(Selector::of("x"));
        let long = Expr::over("last_over_time", series(), 1_800, 0, 60).compared(Sign::Above, 1.0);
        let both = long.binary(Sign::Unless, Expr::over("min_over_time", series(), 600, 0, 60));
        let found = questions([alert(both)].iter(), Engine::LeftOpen, 60);
        let read = Read { series: "x".into(), expression: "count(last_over_time(x[10m]))".into() };
        assert_eq!(found[0].reads, [read]);
    }

    #[test]
    fn a_stream_fires_once_its_expression_held_for_as_long_as_it_must() {
        let at = [60, 120, 180, 300, 360];
        for (wait, expected) in
            [(0, &at[..]), (60, &[120, 180, 360]), (61, &[180]), (120, &[180]), (121, &[])]
        {
            assert_eq!(firing(at.into_iter(), 60, wait), expected, "{wait}");
        }
    }

    #[test]
    fn runs_are_counted_for_each_stream() {
        let streams = [vec![60, 120, 300], vec![120], vec![]];
        assert_eq!(fired(&streams, 60), Fired { times: 3, streams: 2, seconds: 180 });
    }

    #[test]
    fn notifications_come_with_further_streams_and_when_the_time_has_passed() {
        // As a real Alertmanager was seen to do: one stream from 0 to 50, another from 10 on, told again after 20.
        let run = |from: i64, until: i64| (from..=until).step_by(10).collect::<Vec<i64>>();
        let streams = [run(0, 50), run(10, 50)];
        let manner = Manner { rearm: 20, per_stream: false, strict: false };
        assert_eq!(notified(&streams, 10, manner), 4, "at 0, 10, 30 and 50");
        assert_eq!(notified(&streams, 10, Manner { strict: true, ..manner }), 3, "at 0, 20 and 40");
        assert_eq!(notified(&streams, 10, Manner { per_stream: true, ..manner }), 6, "three times each");
        // It ends and begins anew; a stream that leaves and returns is told of.
        assert_eq!(notified(&[[run(0, 10), run(40, 40)].concat()], 10, manner), 2);
        assert_eq!(notified(&[run(0, 40), [0, 40].to_vec()], 10, Manner { rearm: 900, ..manner }), 2);
        assert_eq!(notified(&[vec![], vec![]], 10, manner), 0);
    }
}

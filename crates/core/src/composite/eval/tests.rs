//! Every function on small series, worked by hand: gaps, resets, unequal periods, empty sets.

use super::super::compile;
use super::super::selector::{SOURCE, matches};
use super::*;

/// A stored series: metric, labels as `a=b,c=d` (a word alone is the source), the metric's period, values at times.
pub(in crate::composite) type Given<'a> = (&'a str, &'a str, Option<u64>, &'a [(i64, f64)]);

pub(super) fn labels(text: &str) -> Labels {
    let pairs = text.split(',').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((SOURCE, pair)))
        .map(|(label, value)| (label.to_owned(), value.to_owned()))
        .collect()
}

pub(super) fn stored(given: &[Given<'_>], request: &Request<'_>) -> Vec<Stored> {
    let made = given.iter().map(|(metric, text, period, values)| Stored {
        metric: (*metric).to_owned(),
        labels: labels(text).into(),
        period: *period,
        interval: 1,
        samples: values
            .iter()
            .filter(|(time, _)| (request.start..=request.end).contains(time))
            .map(|(time, value)| Sample::single(*time, *value))
            .collect(),
    });
    made.filter(|s| matches(request.metric, &s.metric) && request.selector.matches(&s.labels)).collect()
}

pub(in crate::composite) fn window(start: i64, end: i64, resolution: u64) -> Window {
    Window { start, end, resolution, summarize: Statistic::Mean, source: None }
}

pub(in crate::composite) fn run(
    text: &str,
    given: &[Given<'_>],
    window: &Window,
) -> Result<Outcome, EvalError> {
    let query = compile(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let mut fetch = |request: &Request<'_>| Ok(stored(given, request));
    evaluate(&query, &mut fetch, window, Limits::default())
}

/// The answer for the first ten minutes, minute by minute, as `labels: value@minute …`.
pub(super) fn minutes(text: &str, given: &[Given<'_>]) -> Vec<String> {
    shown(&run(text, given, &window(0, 599, 60)).unwrap())
}

pub(super) fn shown(outcome: &Outcome) -> Vec<String> {
    let line = |series: &Series| {
        let labels: Vec<_> = series.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        let points: Vec<_> =
            series.points.iter().map(|p| format!("{}@{}", p.value, p.time as f64 / 60.0)).collect();
        format!("{}: {}", labels.join(","), points.join(" "))
    };
    outcome.series.iter().map(line).collect()
}

pub(super) const M: Option<u64> = Some(60);

/// Two sources with gaps at different minutes.
pub(super) const AB: &[Given<'_>] = &[
    ("x", "a", M, &[(0, 1.0), (60, 2.0), (180, 4.0)]),
    ("x", "b", M, &[(60, 10.0), (120, 20.0), (180, 40.0)]),
];

#[test]
fn aggregates_have_a_point_where_any_input_has_one() {
    assert_eq!(minutes(r#"sum(s("x","*"))"#, AB), [": 1@0 12@1 20@2 44@3"]);
    assert_eq!(minutes(r#"mean(s("x","*"))"#, AB), [": 1@0 6@1 20@2 22@3"]);
    assert_eq!(minutes(r#"min(s("x","*"))"#, AB), [": 1@0 2@1 20@2 4@3"]);
    assert_eq!(minutes(r#"max(s("x","*"))"#, AB), [": 1@0 10@1 20@2 40@3"]);
    assert_eq!(minutes(r#"count(s("x","*"))"#, AB), [": 1@0 2@1 1@2 2@3"]);
    assert_eq!(minutes(r#"sum(s("x","a"))"#, AB), ["source=a: 1@0 2@1 4@3"]);
}

#[test]
fn products_and_pairs_have_a_point_where_all_have() {
    assert_eq!(minutes(r#"multiply(s("x","*"))"#, AB), [": 20@1 160@3"]);
    assert_eq!(minutes(r#"divide([s("x","b"),s("x","a")])"#, AB), [": 5@1 10@3"]);
    assert_eq!(minutes(r#"subtract([s("x","b"),s("x","a")])"#, AB), [": 8@1 36@3"]);
    assert_eq!(minutes(r#"divide(s("x","*"))"#, AB), [": 0.2@1 0.1@3"], "whatever makes two will do");
    let zero: &[Given<'_>] = &[("n", "a", M, &[(0, 1.0), (60, 1.0)]), ("d", "a", M, &[(0, 0.0), (60, 2.0)])];
    assert_eq!(minutes(r#"divide([s("n","a"),s("d","a")])"#, zero), ["source=a: 0.5@1"]);
}

#[test]
fn a_pair_that_is_none_gives_nothing_and_says_so() {
    let outcome = run(r#"divide([s("x","*"),s("x","a")])"#, AB, &window(0, 599, 60)).unwrap();
    assert!(outcome.series.is_empty());
    assert_eq!(outcome.explain.notes, ["wants exactly two series and got 3, so the result is empty"]);
    assert_eq!(outcome.explain.inputs[0].series, 3);
}

#[test]
fn empty_sets_stay_empty() {
    for text in [
        "sum(E)",
        "count(E)",
        "multiply(E)",
        "abs(E)",
        "derive(E)",
        "integrate(E)",
        "zero_fill(E)",
        "sort(E)",
        r#"top(E, {count: "3"})"#,
        r#"timeshift("0,1m", E)"#,
        r#"group_by("az", E)"#,
        "divide([E, E])",
        r#"map({source:"*"}, E)"#,
    ] {
        assert!(minutes(&text.replace('E', r#"s("none","*")"#), AB).is_empty(), "{text}");
    }
}

#[test]
fn simple_functions_go_point_by_point() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(0, -1.0), (60, 3.0), (180, -5.0)])];
    assert_eq!(minutes(r#"abs(s("x","*"))"#, given), ["source=a: 1@0 3@1 5@3"]);
    let halves = |function| minutes(&format!(r#"{function}(scale(s("x","*"), {{factor: -0.5}}))"#), given);
    assert_eq!(halves("floor"), ["source=a: 0@0 -2@1 2@3"]);
    assert_eq!(halves("ceiling"), ["source=a: 1@0 -1@1 3@3"]);
    assert_eq!(minutes(r#"scale(s("x","*"), {factor: "1/4"})"#, given), ["source=a: -0.25@0 0.75@1 -1.25@3"]);
    assert_eq!(minutes(r#"scale(s("x","*"), {factor: -2})"#, given), ["source=a: 2@0 -6@1 10@3"]);
    assert_eq!(minutes(r#"integrate(s("x","*"))"#, given), ["source=a: -1@0 2@1 -3@3"]);
    assert_eq!(
        minutes(r#"scale(s("x","*"), {factor: "1e308"})"#, &[("x", "a", M, &[(0, 1e10), (60, 1.0)])]),
        ["source=a: 1".to_owned() + &"0".repeat(308) + "@1"]
    );
}

#[test]
fn derive_drops_the_first_point_looks_across_gaps_and_knows_resets() {
    let counter: &[Given<'_>] = &[("c", "a", M, &[(0, 5.0), (60, 9.0), (180, 3.0), (240, 4.0)])];
    assert_eq!(minutes(r#"derive(s("c","*"))"#, counter), ["source=a: 4@1 3@3 1@4"]);
    assert_eq!(
        minutes(r#"derive(s("c","*"), {detect_reset: "false"})"#, counter),
        ["source=a: 4@1 -6@3 1@4"]
    );
    assert_eq!(minutes(r#"derive(s("c","*"))"#, &[("c", "a", M, &[(0, 5.0)])]), ["source=a: "]);
}

#[test]
fn rate_divides_by_the_period_and_does_not_differentiate() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(0, 120.0), (60, 30.0)])];
    assert_eq!(minutes(r#"rate(s("x","*"))"#, given), ["source=a: 2@0 0.5@1"]);
    assert_eq!(minutes(r#"rate(s("x","*"), {duration: "60"})"#, given), ["source=a: 120@0 30@1"]);
    let coarse = minutes(r#"rate(s("x","*",{function:"sum", period:"120"}))"#, given);
    assert_eq!(coarse, ["source=a: 1.25@0"], "150 in 120 s");
    let unknown: &[Given<'_>] = &[("x", "a", None, &[(0, 120.0)])];
    assert_eq!(
        minutes(r#"rate(s("x","*"))"#, unknown),
        ["source=a: 2@0"],
        "the resolution where nothing is known"
    );
}

#[test]
fn windows_go_over_points_not_time() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(0, 1.0), (60, 5.0), (240, 3.0), (300, 100.0)])];
    assert_eq!(
        minutes(r#"window(s("x","*"), {size: "3", function: "median"})"#, given),
        ["source=a: 3@4 5@5"]
    );
    assert_eq!(
        minutes(r#"window(s("x","*"), {size: "2", function: "median"})"#, given),
        ["source=a: 3@1 4@4 51.5@5"]
    );
    assert_eq!(
        minutes(r#"window(s("x","*"), {size: "2", function: "sum"})"#, given),
        ["source=a: 6@1 8@4 103@5"]
    );
    assert_eq!(
        minutes(r#"window(s("x","*"), {size: "2", function: "min"})"#, given),
        ["source=a: 1@1 3@4 3@5"]
    );
    assert_eq!(
        minutes(r#"window(s("x","*"), {size: "2", function: "max"})"#, given),
        ["source=a: 5@1 5@4 100@5"]
    );
    assert_eq!(minutes(r#"moving_average(s("x","*"), {size: "3"})"#, given), ["source=a: 3@4 36@5"]);
    assert_eq!(
        minutes(r#"window(s("x","*"))"#, given),
        ["source=a: 1@0 5@1 3@4 100@5"],
        "one point unless told"
    );
    assert_eq!(minutes(r#"window(s("x","*"), {size: "5"})"#, given), ["source=a: "]);
}

#[test]
fn fill_covers_the_time_that_was_asked_for() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(60, 5.0), (185, 7.0)])];
    let fill = |text: &str| shown(&run(text, given, &window(0, 299, 60)).unwrap());
    assert_eq!(fill(r#"zero_fill(s("x","*"))"#), ["source=a: 0@0 5@1 0@2 7@3 0@4"]);
    assert_eq!(fill(r#"fill(s("x","*"), {value: -1.5})"#), ["source=a: -1.5@0 5@1 -1.5@2 7@3 -1.5@4"]);
    assert_eq!(fill(r#"last_fill(s("x","*"))"#), ["source=a: 5@1 5@2 7@3 7@4"]);
    assert_eq!(fill(r#"fill(s("x","*",{period:"120"}), {value: "last"})"#), ["source=a: 5@0 7@2 7@4"]);
    assert_eq!(minutes(r#"zero_fill(s("x","*"))"#, &[("x", "a", M, &[])])[0].matches("0@").count(), 10);
    let unknown = run(r#"sum(zero_fill(s("x","*")))"#, &[("x", "a", None, &[])], &window(0, 299, 60));
    assert_eq!(unknown, Err(EvalError::UnknownPeriod { of: "`x`".into(), span: 4..25 }));
    assert!(run(r#"zero_fill(sum(s("x","*")))"#, &[("x", "a", None, &[])], &window(0, 299, 60)).is_err());
}

/// Three sources with overall means 2, 5 and 1, and one without points.
const RANKS: &[Given<'_>] = &[
    ("x", "a", M, &[(0, 1.0), (60, 3.0)]),
    ("x", "b", M, &[(0, 5.0)]),
    ("x", "c", M, &[(0, 0.0), (60, 2.0)]),
    ("x", "d", M, &[]),
];

#[test]
fn series_are_chosen_by_one_number_each() {
    let names = |text: &str| -> String {
        let found = minutes(text, RANKS);
        found.iter().map(|line| line.split([':', '=']).nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(names(r#"top(s("x","*"), {count: 2})"#), "ba");
    assert_eq!(names(r#"bottom(s("x","*"), {count: 2})"#), "ca");
    assert_eq!(names(r#"top(s("x","*"))"#), "bac");
    assert_eq!(names(r#"sort(s("x","*"))"#), "bac");
    assert_eq!(names(r#"top(s("x","*"), {count: 1, function: "sum"})"#), "b");
    assert_eq!(names(r#"sort(s("x","*"), {function: "min"})"#), "bac");
    assert_eq!(names(r#"filter(s("x","*"), {gt: 1})"#), "ab");
    assert_eq!(names(r#"filter(s("x","*"), {gte: 1, lt: 5})"#), "ac");
    assert_eq!(names(r#"filter(s("x","*"), {lte: 5, function: "max"})"#), "abc");
    assert_eq!(names(r#"filter(s("x","*"), {gt: 99})"#), "");
}

#[test]
fn other_times_are_laid_over_this_one() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(-120, 7.0), (0, 1.0), (60, 2.0), (600, 9.0)])];
    let found = minutes(r#"timeshift("0,2m", s("x","*"))"#, given);
    assert_eq!(found, ["source=a: 1@0 2@1", "source=a: 7@0 1@2 2@3"]);
    assert_eq!(minutes(r#"timeshift("+10m", s("x","*"))"#, given), ["source=a: 9@0"]);
    assert_eq!(minutes(r#"timeshift("90s", s("x","a"))"#, given), ["source=a: 1@1 2@2"], "on the grid");
    assert_eq!(minutes(r#"subtract(timeshift("0,1m", sum(s("x","*"))))"#, given), ["source=a: 1@1"]);
}

/// Two regions of two zones each; one series has no zone.
const TAGS: &[Given<'_>] = &[
    ("used", "region=eu,az=a", M, &[(0, 1.0)]),
    ("used", "region=eu,az=b", M, &[(0, 2.0)]),
    ("used", "region=us,az=a", M, &[(0, 3.0)]),
    ("used", "region=us", M, &[(0, 50.0)]),
    ("total", "region=eu", M, &[(0, 30.0)]),
    ("total", "region=us", M, &[(0, 30.0)]),
];

#[test]
fn groups_are_evaluated_one_by_one() {
    assert_eq!(
        minutes(r#"group_by("region", sum(s("used", {})))"#, TAGS),
        ["region=eu: 3@0", "region=us: 53@0"]
    );
    assert_eq!(
        minutes(r#"group_by("az,region", sum(s("used", "*")))"#, TAGS),
        ["az=a,region=eu: 1@0", "az=a,region=us: 3@0", "az=b,region=eu: 2@0"],
        "what lacks a tag is dropped"
    );
    assert_eq!(
        minutes(r#"group_by("region", divide([sum(s("used", {az: "*"})), s("total", {})]))"#, TAGS),
        ["region=eu: 0.1@0", "region=us: 0.1@0"]
    );
    assert_eq!(
        minutes(r#"group_by("region", group_by("az", sum(s("used", {}))))"#, TAGS),
        ["az=a,region=eu: 1@0", "az=b,region=eu: 2@0", "az=a,region=us: 3@0"]
    );
    assert!(minutes(r#"group_by("host", sum(s("used", {})))"#, TAGS).is_empty());
}

#[test]
fn sources_are_mapped_one_by_one() {
    let given: &[Given<'_>] = &[
        ("u", "web-1", M, &[(0, 1.0)]),
        ("u", "web-2", M, &[(0, 4.0)]),
        ("u", "db", M, &[(0, 9.0)]),
        ("t", "web-1", M, &[(0, 10.0)]),
        ("t", "web-2", M, &[(0, 8.0)]),
    ];
    assert_eq!(
        minutes(r#"map({source: "web*"}, divide([s("u","&"), s("t","&")]))"#, given),
        ["source=web-1: 0.1@0", "source=web-2: 0.5@0"]
    );
    assert!(minutes(r#"map({source: "x*"}, s("u","&"))"#, given).is_empty());
}

#[test]
fn a_viewer_chooses_the_dynamic_source() {
    let chosen = Window { source: Some("b".into()), ..window(0, 599, 60) };
    assert_eq!(shown(&run(r#"s("x","%")"#, AB, &chosen).unwrap()), ["source=b: 10@1 20@2 40@3"]);
    assert_eq!(minutes(r#"s("x","%")"#, AB).len(), 2);
}

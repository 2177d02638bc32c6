//! What happens around the functions: samples into points, periods that differ, resolution, bounds, explanations.

use super::super::{Problem, compile};
use super::tests::{AB, Given, M, minutes, run, shown, stored, window};
use super::*;

#[test]
fn samples_are_bucketed_by_function_and_period_before_anything_else() {
    let given: &[Given<'_>] = &[("x", "a", None, &[(0, 1.0), (59, 3.0), (60, 8.0), (119, 2.0), (120, 6.0)])];
    for (function, expected) in [
        ("mean", "2@0 5@1 6@2"),
        ("sum", "4@0 10@1 6@2"),
        ("min", "1@0 2@1 6@2"),
        ("max", "3@0 8@1 6@2"),
        ("count", "2@0 2@1 1@2"),
    ] {
        let text = format!(r#"s("x","*",{{function:"{function}", period:"60"}})"#);
        let raw = run(&text, given, &window(0, 599, 1)).unwrap();
        assert_eq!(shown(&raw), [format!("source=a: {expected}")], "{function}");
    }
    // Means of samples that are means themselves are weighed by their counts.
    let query = compile(r#"s("x","*")"#).unwrap();
    let samples = vec![
        Sample { time: 0, count: 3.0, sum: 3.0, min: 0.0, max: 2.0 },
        Sample { time: 30, count: 1.0, sum: 9.0, min: 9.0, max: 9.0 },
        Sample { time: 40, count: 0.0, sum: 0.0, min: 0.0, max: 0.0 },
    ];
    let stored =
        Stored { metric: "x".into(), labels: Labels::new().into(), period: None, interval: 1, samples };
    let mut fetch = |_: &Request<'_>| Ok(vec![stored.clone()]);
    let outcome = evaluate(&query, &mut fetch, &window(0, 599, 60), Limits::default()).unwrap();
    assert_eq!(shown(&outcome), [": 3@0"]);
}

#[test]
fn unequal_periods_meet_at_the_longest() {
    let given: &[Given<'_>] = &[
        ("slow", "a", Some(120), &[(0, 10.0), (120, 20.0)]),
        ("fast", "a", M, &[(0, 1.0), (60, 3.0), (120, 5.0), (240, 9.0)]),
    ];
    let outcome = run(r#"sum([s("slow","a"), s("fast","a")])"#, given, &window(0, 599, 60)).unwrap();
    assert_eq!(shown(&outcome), ["source=a: 12@0 25@2 9@4"], "means of 1 and 3, of 5, of 9");
    assert_eq!(outcome.series[0].period, 120);
    assert_eq!(outcome.explain.notes, ["1 of 2 series brought to periods of 2m"]);
    let sums = r#"sum([s("slow","a"), s("fast","a",{function:"sum"})])"#;
    assert_eq!(minutes(sums, given), ["source=a: 14@0 25@2 9@4"], "by its own function");
    let counted = r#"sum([s("slow","a"), s("fast","a",{function:"count"})])"#;
    assert_eq!(minutes(counted, given), ["source=a: 12@0 21@2 1@4"]);
    let changes = r#"divide([derive(s("fast","a")), s("slow","a")])"#;
    assert_eq!(minutes(changes, given), ["source=a: 0.2@0 0.1@2"], "changes of 2 and of 2");
    let largest = r#"subtract([s("fast","a",{function:"max"}), s("slow","a")])"#;
    assert_eq!(minutes(largest, given), ["source=a: -7@0 -15@2"]);
}

#[test]
fn the_result_is_brought_to_the_resolution_last() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(0, 1.0), (60, 2.0), (120, 4.0), (180, 6.0)])];
    let at = |text: &str, resolution, summarize| {
        let window = Window { summarize, ..window(0, 599, resolution) };
        shown(&run(text, given, &window).unwrap())
    };
    assert_eq!(at(r#"s("x","*")"#, 120, Statistic::Mean), ["source=a: 1.5@0 5@2"]);
    assert_eq!(at(r#"s("x","*")"#, 120, Statistic::Sum), ["source=a: 3@0 10@2"]);
    assert_eq!(at(r#"s("x","*")"#, 120, Statistic::Max), ["source=a: 2@0 6@2"]);
    assert_eq!(
        at(r#"derive(s("x","*"))"#, 120, Statistic::Sum),
        ["source=a: 1@0 4@2"],
        "changes of a minute"
    );
    assert_eq!(at(r#"s("x","*")"#, 30, Statistic::Mean), ["source=a: 1@0 2@1 4@2 6@3"], "never finer");
}

#[test]
fn nothing_outside_the_time_counts() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(59, 1.0), (60, 2.0), (120, 4.0), (121, 8.0)])];
    let query = compile(r#"s("x","*")"#).unwrap();
    let everything = window(i64::MIN, i64::MAX, 60);
    let mut fetch = |request: &Request<'_>| {
        let all = Request { start: everything.start, end: everything.end, ..*request };
        Ok(stored(given, &all))
    };
    let outcome = evaluate(&query, &mut fetch, &window(60, 120, 60), Limits::default()).unwrap();
    assert_eq!(shown(&outcome), ["source=a: 2@1 4@2"]);
}

#[test]
fn the_first_period_is_whole() {
    let given: &[Given<'_>] = &[("x", "a", M, &[(-1, 7.0), (0, 1.0), (30, 2.0), (59, 3.0), (60, 4.0)])];
    let query = compile(r#"s("x","*",{function:"sum"})"#).unwrap();
    // As storage answers: from the beginning of the period on.
    let mut fetch =
        |request: &Request<'_>| Ok(stored(given, &Request { start: request.start.min(-1), ..*request }));
    let outcome = evaluate(&query, &mut fetch, &window(45, 60, 1), Limits::default()).unwrap();
    assert_eq!(shown(&outcome), ["source=a: 6@0 4@1"]);
    let query = compile(r#"timeshift("30s", s("x","*",{function:"sum"}))"#).unwrap();
    let outcome = evaluate(&query, &mut fetch, &window(60, 90, 1), Limits::default()).unwrap();
    assert_eq!(
        shown(&outcome),
        ["source=a: 4@1"],
        "what was moved before the time that was asked for is not in it"
    );
    let outcome = evaluate(&query, &mut fetch, &window(3, 90, 60), Limits::default()).unwrap();
    assert_eq!(shown(&outcome), ["source=a: 6@0 4@1"]);
}

#[test]
fn a_series_knows_the_call_it_comes_from() {
    let calls = |text: &str| -> Vec<Option<String>> {
        let outcome = run(text, AB, &window(0, 599, 60)).unwrap();
        outcome.series.iter().map(|one| one.call.as_ref().map(|call| call.metric.clone())).collect()
    };
    assert_eq!(calls(r#"derive(s("x*","*"))"#), [Some("x*".into()), Some("x*".into())]);
    assert_eq!(calls(r#"sum([s("x","a"), s("x","a")])"#), [Some("x".into())]);
    assert_eq!(calls(r#"sum([s("x","a"), s("x","b")])"#), [None]);
}

#[test]
fn work_is_bounded() {
    let query = compile(r#"zero_fill(s("x","*",{period:"1"}))"#).unwrap();
    let mut fetch = |request: &Request<'_>| Ok(stored(AB, request));
    let error =
        evaluate(&query, &mut fetch, &window(0, i64::MAX, 1), Limits { work: 1_000, ..Limits::default() })
            .unwrap_err();
    assert_eq!(error, EvalError::TooMuch { limit: 1_000, span: 0..34 });
    assert!(Problem::from(error).message.contains("1000 samples and points"));
    let deep = (0..60).fold(r#"s("x","*")"#.to_owned(), |text, _| format!(r#"timeshift("0,0s",{text})"#));
    let query = compile(&deep).unwrap();
    let error =
        evaluate(&query, &mut fetch, &window(0, 599, 60), Limits { work: 10_000, ..Limits::default() })
            .unwrap_err();
    assert!(matches!(error, EvalError::TooMuch { .. }), "2^60 evaluations end early");
    let mut broken = |_: &Request<'_>| Err("the disk is gone".to_owned());
    let query = compile(r#"s("x","*")"#).unwrap();
    let error = evaluate(&query, &mut broken, &window(0, 9, 1), Limits::default()).unwrap_err();
    assert_eq!(error, EvalError::Fetch { why: "the disk is gone".into(), span: 0..10 });
}

/// A series that is asked for again and again is fetched once, and what is made of it is bounded all the same.
#[test]
fn memory_is_bounded() {
    let many: Vec<String> = (0..1_000).map(|n| format!("s{n}")).collect();
    let given: Vec<Given<'_>> = many.iter().map(|name| ("x", name.as_str(), None, &[(0, 1.0)][..])).collect();
    let text = format!("sum([{}])", [r#"s("x","*")"#; 300].join(","));
    let mut fetched = 0;
    let mut largest = 0;
    let limits = Limits { memory: 20_000_000, ..Limits::default() };
    let mut run = |text: &str| {
        let mut tables = Counted { given: &given, fetched: &mut fetched, largest: &mut largest };
        evaluate(&compile(text).unwrap(), &mut tables, &window(0, 599, 60), limits)
    };
    let error = run(&text).unwrap_err();
    assert!(matches!(error, EvalError::TooLarge { limit: 20_000_000, .. }), "{error:?}");
    assert!(Problem::from(error).message.contains("20000000 bytes"));
    let one_by_one = format!("sum([{}])", [r#"sum(s("x","*"))"#; 100].join(","));
    assert_eq!(shown(&run(&one_by_one).unwrap()), [": 100000@0"], "what was used makes room");
    assert_eq!(fetched, 2, "once for each query");
    assert!((10_000_000..=20_000_000).contains(&largest), "{largest}");
}

struct Counted<'a> {
    given: &'a [Given<'a>],
    fetched: &'a mut usize,
    largest: &'a mut u64,
}

impl Fetch for Counted<'_> {
    fn fetch(&mut self, request: &Request<'_>) -> Result<Vec<Stored>, String> {
        *self.fetched += 1;
        Ok(stored(self.given, request))
    }

    fn go_on(&mut self, bytes: u64) -> Result<(), String> {
        *self.largest = bytes.max(*self.largest);
        Ok(())
    }
}

#[test]
fn an_answer_is_explained() {
    let text = "divide([\n  sum(s(\"x\",  \"*\")),\n  sum(s(\"y\", \"*\"))\n])";
    let outcome = run(text, AB, &window(0, 599, 300)).unwrap();
    assert_eq!(
        outcome.explain.to_string(),
        concat!(
            "divide: 0 series, 0 points\n",
            "  - wants exactly two series and got 1, so the result is empty\n",
            "  [ ]: 1 series, 4 points\n",
            "    sum: 1 series, 4 points\n",
            "      s(\"x\", \"*\"): 2 series, 6 points\n",
            "        = x {source=a}: 3 samples, every 1m\n",
            "        = x {source=b}: 3 samples, every 1m\n",
            "    sum: 0 series, 0 points\n",
            "      s(\"y\", \"*\"): 0 series, 0 points\n",
            "        - no series matches, or none has data in this time\n",
        )
    );
    let outcome = run(r#"timeshift("1m", s("x","a"))"#, AB, &window(0, 599, 300)).unwrap();
    let lines: Vec<_> = outcome.explain.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines[..2], ["to a resolution of 5m: 1 series, 1 point", "  timeshift: 1 series, 3 points"]);
    assert_eq!(lines[3], "      - 1m earlier");
}

//! Laws over generated trees: what is printed reads back, what is canonical stays, evaluation ends and keeps to its bounds.

use proptest::prelude::*;

use super::eval::{
    EvalError, Fetch, Limits, Request, Sample, Series, Stored, Window, evaluate, evaluate_step_by_step,
};
use super::*;

fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

fn named(text: &str) -> Name {
    Name { text: text.to_owned(), span: 0..0 }
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::new(ExprKind::Call(named(name), arguments))
}

fn text(content: &str) -> Expr {
    Expr::new(ExprKind::Text(content.to_owned()))
}

fn options(pairs: &[(&str, &str)]) -> Expr {
    Expr::new(ExprKind::Map(pairs.iter().map(|(name, value)| (named(name), text(value))).collect()))
}

/// Any tree that the grammar allows, whether it means something or not.
fn any_tree() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        "[^\"]{0,8}".prop_map(|content| text(&content)),
        "-?[0-9]{1,3}(\\.[0-9])?".prop_map(|number| Expr::new(ExprKind::Number(number))),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let list = || proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (prop_oneof![2 => prop::sample::select(vec!["s", "series", "sum", "top", "fill"]).prop_map(str::to_owned), 3 => "[a-z_]{1,6}"], list())
                .prop_map(|(name, arguments)| call(&name, arguments)),
            list().prop_map(|items| Expr::new(ExprKind::Set(items))),
            proptest::collection::vec(("[^\"]{0,6}", inner.clone()), 0..3).prop_map(|pairs| {
                Expr::new(ExprKind::Map(
                    pairs.iter().map(|(key, value)| (named(key), value.clone())).collect(),
                ))
            }),
        ]
    });
    tree.prop_filter("only calls and sets stand at the top", |tree| {
        matches!(tree.kind, ExprKind::Call(..) | ExprKind::Set(_))
    })
}

/// A tree with a meaning.
fn meaningful() -> impl Strategy<Value = Expr> {
    let sources = prop_oneof![Just("*"), Just("a"), Just("b*"), Just("none"), Just("%"), Just("&")];
    let functions = prop_oneof![Just("mean"), Just("sum"), Just("min"), Just("max"), Just("count")];
    let leaf = (prop_oneof![Just("x"), Just("y"), Just("*")], sources, functions, 1_u64..200).prop_map(
        |(metric, source, function, period)| {
            let given = [("function", function), ("period", &period.to_string())];
            call("s", vec![text(metric), text(source), options(&given)])
        },
    );
    leaf.prop_recursive(5, 24, 3, |inner| {
        let over = |names: &'static [&'static str]| {
            (proptest::sample::select(names), inner.clone()).prop_map(|(name, set)| call(name, vec![set]))
        };
        let with = |choices: &'static [(&'static str, &'static str, &'static str)]| {
            (proptest::sample::select(choices), inner.clone())
                .prop_map(|((name, key, value), set)| call(name, vec![set, options(&[(key, value)])]))
        };
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|items| Expr::new(ExprKind::Set(items))),
            over(&[
                "sum",
                "mean",
                "min",
                "max",
                "count",
                "multiply",
                "abs",
                "floor",
                "ceiling",
                "derive",
                "rate",
                "integrate"
            ]),
            over(&["zero_fill", "last_fill", "sort", "top", "bottom"]),
            with(&[
                ("scale", "factor", "1/3"),
                ("scale", "factor", "1e300"),
                ("derive", "detect_reset", "false"),
                ("rate", "duration", "60"),
                ("window", "size", "3"),
                ("window", "function", "median"),
                ("moving_average", "size", "64"),
                ("fill", "value", "last"),
                ("filter", "gt", "0"),
                ("top", "count", "1"),
            ]),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| {
                call(
                    "divide",
                    vec![Expr::new(ExprKind::Set(vec![call("sum", vec![a]), call("max", vec![b])]))],
                )
            }),
            (prop_oneof![Just("0,1m"), Just("7s"), Just("+3,2h")], inner.clone())
                .prop_map(|(shifts, set)| call("timeshift", vec![text(shifts), set])),
            inner.clone().prop_map(|set| call("group_by", vec![text("source"), set])),
            inner.clone().prop_map(|set| call("map", vec![options(&[("source", "*")]), set])),
        ]
    })
}

/// Three series of whole numbers at odd times.
fn data() -> impl Strategy<Value = Vec<Stored>> {
    let samples = proptest::collection::vec((-600_i64..1_200, -1_000_i32..1_000), 0..40);
    proptest::collection::vec(samples, 3).prop_map(|all| {
        let series = [("x", "a"), ("x", "b1"), ("y", "b2")].into_iter().zip(all);
        series
            .map(|((metric, source), samples)| Stored {
                metric: metric.to_owned(),
                labels: Labels::from([(SOURCE.to_owned(), source.to_owned())]).into(),
                period: None,
                interval: 1,
                samples: samples
                    .into_iter()
                    .map(|(time, value)| Sample::single(time, value.into()))
                    .collect(),
            })
            .collect()
    })
}

struct Store(Vec<Stored>);

impl Fetch for Store {
    fn fetch(&mut self, request: &Request<'_>) -> Result<Vec<Stored>, String> {
        let found = self.0.iter().filter(|stored| matches(request.metric, &stored.metric));
        Ok(found.filter(|stored| request.selector.matches(&stored.labels)).cloned().collect())
    }
}

fn window() -> Window {
    Window { start: 0, end: 599, resolution: 30, summarize: Statistic::Mean, source: None }
}

fn run(definition: &str, data: &[Stored]) -> Vec<Series> {
    let query = compile(definition).unwrap();
    evaluate(&query, &mut Store(data.to_vec()), &window(), Limits::default()).unwrap().series
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_is_printed_reads_back(tree in any_tree()) {
        prop_assert_eq!(parse(&tree.to_string()).unwrap(), tree);
    }

    #[test]
    fn what_is_canonical_stays_so(tree in any_tree()) {
        let text = tree.to_string();
        let once = canonical(&text);
        prop_assert_eq!(compile(&text).is_ok(), compile(&once).is_ok(), "{} and {}", text, once);
        prop_assert_eq!(canonical(&once), once);
    }

    #[test]
    fn a_canonical_form_means_the_same(tree in meaningful(), data in data()) {
        let text = tree.to_string();
        prop_assert_eq!(run(&text, &data), run(&canonical(&text), &data));
    }

    #[test]
    fn any_text_is_read_to_its_end(text in "[\\PC\n]{0,80}") {
        for problem in check(&text, Use::Metric) {
            prop_assert!(text.get(problem.span.clone()).is_some(), "{:?} of {:?}", problem, text);
        }
    }

    #[test]
    fn almost_a_definition_is_read_to_its_end(tree in meaningful(), at in 0_usize..200, with in "[\\](){},:\"a1%+-]{0,2}") {
        let mut text = tree.to_string();
        let at = text.floor_char_boundary(at.min(text.len()));
        text.replace_range(at..text.ceil_char_boundary((at + 1).min(text.len())), &with);
        for problem in check(&text, Use::Metric) {
            prop_assert!(text.get(problem.span.clone()).is_some(), "{:?} of {:?}", problem, text);
            prop_assert!(!problem.located(&text).is_empty());
        }
    }

    #[test]
    fn evaluation_keeps_to_its_bounds(tree in meaningful(), data in data(), work in 0_u64..5_000) {
        let query = compile(&tree.to_string()).unwrap();
        match evaluate(&query, &mut Store(data), &window(), Limits { work, ..Limits::default() }) {
            Ok(outcome) => {
                prop_assert!(outcome.explain.points as u64 <= work);
                for series in &outcome.series {
                    prop_assert!(series.points.iter().all(|point| point.value.is_finite()));
                    prop_assert!(series.points.windows(2).all(|pair| pair[0].time < pair[1].time));
                    prop_assert!(series.points.iter().all(|p| p.time.rem_euclid(series.period as i64) == 0));
                }
            }
            Err(EvalError::TooMuch { limit, .. }) => prop_assert_eq!(limit, work),
            Err(error) => prop_assert!(false, "{error:?}"),
        }
    }

    /// Bit for bit, with the explanation; and what is too much work one way is so the other way.
    #[test]
    fn what_is_streamed_is_what_is_put_together_step_by_step(
        tree in meaningful(),
        mut data in data(),
        counts in proptest::collection::vec(0_u8..4, 1..9),
        periods in proptest::collection::vec(proptest::sample::select(&[None, Some(30), Some(60)]), 3),
        scale in proptest::sample::select(&[1.0, 0.1, 1e307, -0.0]),
        work in proptest::sample::select(&[500_u64, 5_000, 50_000_000]),
        end in proptest::sample::select(&[599_i64, 1_000_000])
    ) {
        for (one, period) in data.iter_mut().zip(periods) {
            one.period = period;
            for (sample, count) in one.samples.iter_mut().zip(counts.iter().cycle()) {
                *sample = Sample { count: f64::from(*count), sum: sample.sum * scale, min: sample.min * scale, max: sample.max * scale, ..*sample };
            }
        }
        let query = compile(&tree.to_string()).unwrap();
        let (window, limits) = (Window { end, ..window() }, Limits { work, ..Limits::default() });
        let streamed = evaluate(&query, &mut Store(data.clone()), &window, limits);
        let kept = evaluate_step_by_step(&query, &mut Store(data), &window, limits);
        match (streamed, kept) {
            (Ok(streamed), Ok(kept)) => {
                let bits = |series: &[Series]| -> Vec<(i64, u64)> {
                    series.iter().flat_map(|one| &one.points).map(|point| (point.time, point.value.to_bits())).collect()
                };
                prop_assert_eq!(bits(&streamed.series), bits(&kept.series));
                prop_assert_eq!(streamed, kept);
            }
            (Err(EvalError::TooMuch { .. }), Err(EvalError::TooMuch { .. })) => {}
            (streamed, kept) => prop_assert!(false, "{streamed:?} {kept:?}"),
        }
    }

    #[test]
    fn the_order_of_inputs_does_not_matter(data in data(), function in proptest::sample::select(&["sum", "min", "max", "mean", "count"])) {
        let forth = format!(r#"{function}([s("x","a"), s("x","b1"), s("y","b2")])"#);
        let back = format!(r#"{function}([s("y","b2"), s("x","b1"), s("x","a")])"#);
        // The times of samples are whole seconds and their values whole numbers, so that means of them are exact enough to compare.
        let points = |text: &str| -> Vec<(i64, i64)> {
            let series = run(text, &data);
            series.iter().flat_map(|s| &s.points).map(|p| (p.time, (p.value * 1e6).round() as i64)).collect()
        };
        prop_assert_eq!(points(&forth), points(&back));
    }

    #[test]
    fn scaling_and_dividing_agree(data in data(), factor in proptest::sample::select(&["2", "1/4", "-8"])) {
        let plain = r#"sum(s("*","*",{period:"60"}))"#;
        let ratio = run(&format!(r#"divide([scale({plain},{{factor:"{factor}"}}), {plain}])"#), &data);
        let expected = match factor { "2" => 2.0, "1/4" => 0.25, _ => -8.0 };
        for point in ratio.iter().flat_map(|series| &series.points) {
            prop_assert_eq!(point.value, expected);
        }
        // Powers of two scale without loss.
        prop_assert_eq!(
            run(&format!(r#"scale(scale({plain},{{factor:"{factor}"}}),{{factor:"1/2"}})"#), &data),
            run(&format!(r#"scale(scale({plain},{{factor:"1/2"}}),{{factor:"{factor}"}})"#), &data)
        );
    }
}

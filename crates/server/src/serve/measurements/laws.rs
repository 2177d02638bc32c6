//! A law for every question about measurements: wherever it has got to, it ends when it is told to, and it asks whether it is as
//! often as there is something to go through. Counted in questions, not in time. And one for what a read may hold of memory.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{data, legacy, page, tagged};
use crate::serve::budget;
use crate::serve::catalog::cache::SeriesCache;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::NewMetric;
use crate::serve::catalog::metrics::table as metrics;
use crate::serve::compose;
use crate::serve::http::claimed;
use crate::serve::http::problem::Problem;
use crate::serve::series::sqlite::testing;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Scratch, scratch};
use crate::serve::submit::measurement::Measurement;
use crate::serve::submit::resolve;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::Stats;

const NOW: i64 = 1_700_000_000;
const SERIES: u32 = 300;

/// One metric with many sources, one with many tags, and a composite over both.
fn filled() -> Scratch {
    let scratch = scratch();
    let tx = scratch.tx();
    let sample = |metric: &str, labels, n: i64| Measurement {
        metric: metric.to_owned(),
        kind: Kind::Gauge,
        labels,
        time: NOW - 60 * (n % 10),
        stats: Stats::Single(1.0),
        new: NewMetric::default(),
    };
    let mut samples = Vec::new();
    for n in 0..i64::from(SERIES) {
        samples.push(sample("sources", Labels::Source(Some(format!("s{n}"))), n));
        let tags = [("host".to_owned(), format!("h{n}")), ("az".to_owned(), format!("z{}", n % 3))];
        samples.push(sample("tags", Labels::Tags(tags.into_iter().collect()), n));
    }
    resolve::append(&tx, &samples, None, &SeriesCache::default(), NOW).unwrap();
    let mut composite = metrics::find(&tx, "tags").unwrap().unwrap();
    composite.name = "both".to_owned();
    composite.kind = Kind::Composite;
    composite.composite = Some(r#"sum([s("sources","*"), group_by("az", max(s("tags","*")))])"#.to_owned());
    metrics::insert(&tx, &mut composite).unwrap();
    scratch
}

fn ask(tx: &Tx<'_>, metric: &str, query: &Value) -> Result<String, Problem> {
    let metric = metrics::find(tx, metric)?.ok_or_else(Problem::not_found)?;
    let query = query.as_object().unwrap();
    let shown = if query.contains_key("resolution") && query.contains_key("duration") {
        if metric.composite.is_some() {
            return compose::written(tx, &metric, query, NOW).map(|text| String::from_utf8(text).unwrap());
        }
        let (shown, _) = page(tx, &metric, &tagged::Question::read(query, NOW, &Aging::default())?, None)?;
        claimed::json(&shown)?
    } else {
        let question =
            legacy::Question::read(query, NOW, &Aging::default())?.ok_or_else(Problem::not_found)?;
        let data = match metric.kind {
            Kind::Composite => compose::data(tx, &metric, &question, NOW)?,
            _ => data(tx, &metric, &question)?,
        };
        claimed::json(&data)?
    };
    Ok(String::from_utf8(shown).unwrap())
}

#[test]
fn every_question_ends_when_it_is_told_to() {
    let filled = filled();
    let tx = filled.tx();
    let globs: Vec<String> = (0..900).map(|n| format!("*{n}*")).collect();
    let search = globs.iter().map(|glob| format!("host={glob}")).collect::<Vec<_>>().join(" or ");
    let start = NOW - 3600;
    let questions = [
        ("sources", json!({"start_time": start})),
        ("sources", json!({"start_time": start, "resolution": 60, "summarize_sources": true})),
        ("sources", json!({"start_time": start, "count": 1, "sources": globs})),
        ("sources", json!({"resolution": 1, "duration": 3600})),
        ("tags", json!({"resolution": 60, "duration": 3600, "tags_search": search})),
        ("tags", json!({"resolution": 1, "duration": 3600, "group_by": "az", "group_by_function": "sum"})),
        ("both", json!({"resolution": 60, "duration": 3600})),
        ("both", json!({"start_time": start, "resolution": 60})),
    ];
    for (metric, query) in questions {
        let (answer, asked) = budget::with_patience(u32::MAX - 1, || ask(&tx, metric, &query));
        assert!(answer.unwrap().len() > 100, "{metric} {query}");
        assert!((SERIES..100 * SERIES).contains(&asked), "{asked} for {metric} {query}");
        for patience in [0, 1, asked / 3, asked / 2, asked - 1] {
            let (answer, stopped) = budget::with_patience(patience, || ask(&tx, metric, &query));
            let problem = format!("{:?}", answer.unwrap_err());
            assert!(problem.contains("longer than") || problem.contains("SERVICE"), "{problem}");
            assert!(stopped <= patience + 2, "{stopped} after {patience} of {metric} {query}");
        }
    }
}

/// A shape of data: series of one metric of each dialect, the points of each, how long and how many their labels are.
#[derive(Debug, Clone, Copy)]
struct Shape {
    series: usize,
    points: i64,
    tags: usize,
    length: usize,
    packed: bool,
}

impl Shape {
    fn filled(self) -> Scratch {
        let scratch = scratch();
        let tx = scratch.tx();
        let text = |n: usize| format!("{n:x>0$}", self.length);
        let labels = |n: usize| {
            let tags = (0..self.tags).map(|t| (format!("t{t}"), text(if t == 0 { n } else { n % (t + 1) })));
            [("sources", Labels::Source(Some(text(n)))), ("tags", Labels::Tags(tags.collect()))]
        };
        let mut samples = Vec::new();
        for n in 0..self.series {
            for (metric, labels) in labels(n) {
                samples.extend((0..self.points).map(|point| Measurement {
                    metric: metric.to_owned(),
                    kind: Kind::Gauge,
                    labels: labels.clone(),
                    time: NOW - 10 * point,
                    stats: Stats::Single(point as f64 / 3.0),
                    new: NewMetric::default(),
                }));
            }
        }
        resolve::append(&tx, &samples, None, &SeriesCache::default(), NOW).unwrap();
        if self.packed {
            testing::compact(&scratch, NOW);
        }
        let mut composite = metrics::find(&tx, "tags").unwrap().unwrap();
        for (name, text) in COMPOSITES {
            (composite.name, composite.kind) = ((*name).to_owned(), Kind::Composite);
            composite.composite = Some((*text).to_owned());
            metrics::insert(&tx, &mut composite).unwrap();
        }
        scratch
    }
}

const COMPOSITES: &[(&str, &str)] = &[
    ("all", r#"s("sources","*")"#),
    ("total", r#"sum(s("tags","*"))"#),
    ("grouped", r#"group_by("t1", mean(s("tags","*")))"#),
    ("ratio", r#"divide([sum(s("sources","*")), max(s("tags","*"))])"#),
    ("chain", r#"top(moving_average(rate(s("sources","*")), {size: "3"}))"#),
];

fn questions(duration: i64) -> Vec<(&'static str, Value)> {
    let start = NOW - duration;
    let mut all = vec![
        ("sources", json!({"start_time": start})),
        ("sources", json!({"start_time": start, "resolution": 60, "summarize_sources": true})),
        ("sources", json!({"start_time": start, "resolution": 3600, "summarize_time": true})),
        ("sources", json!({"count": 3, "resolution": 1})),
        ("sources", json!({"start_time": start, "source": "x*1"})),
    ];
    for metric in ["sources", "tags"] {
        for more in [
            json!({}),
            json!({"summary_function": "all"}),
            json!({"group_by": "t0", "group_by_function": "sum"}),
            json!({"tags_search": "t0=*7*"}),
            json!({"resolution": 60, "summary_function": "derivative"}),
        ] {
            let mut query = json!({"resolution": 1, "duration": duration});
            query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all.push((metric, query));
        }
    }
    for (name, _) in COMPOSITES {
        all.push((name, json!({"resolution": 60, "duration": duration})));
        all.push((name, json!({"start_time": start, "resolution": 60})));
    }
    all
}

/// What stands on the stack of a question, or is there only once: statements, texts, the answer to nothing.
const SLACK: usize = 64 << 10;

/// Memory that is really used, by what is claimed for it: no estimate of single things is exact, vectors grow by doubling.
const FACTOR: f64 = 2.0;

fn shapes() -> impl Strategy<Value = Shape> {
    let many = (100..400_usize, 1..20_i64);
    let long = (1..4_usize, 2_000..12_000_i64);
    let rest = (1..12_usize, 3..100_usize, any::<bool>());
    (prop_oneof![many, long], rest).prop_map(|((series, points), (tags, length, packed))| Shape {
        series,
        points,
        tags,
        length,
        packed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the data lies and whatever is asked of it, a read allocates no more than it claims, as far as its estimates go.
    #[test]
    fn no_read_holds_more_memory_than_it_claims(shape in shapes()) {
        let filled = shape.filled();
        let tx = filled.tx();
        for (metric, query) in questions(10 * shape.points) {
            let mut outcome = None;
            let held = allocation_counter::measure(|| {
                outcome = Some(budget::with_claims(|| ask(&tx, metric, &query)));
            });
            let (answer, claimed) = outcome.unwrap();
            prop_assert!(answer.is_ok(), "{metric} {query}: {answer:?}");
            let most = FACTOR * claimed as f64 + SLACK as f64;
            prop_assert!(held.bytes_max as f64 <= most, "{} held, {claimed} claimed: {metric} {query}", held.bytes_max);
        }
    }
}

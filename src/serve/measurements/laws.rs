//! A law for every question about measurements: wherever it has got to, it ends when it is told to, and it asks whether it is as
//! often as there is something to go through. Counted in questions, not in time.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{data, legacy, page, tagged};
use crate::serve::budget;
use crate::serve::compose;
use crate::serve::http::claimed;
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::serve::metrics::table as metrics;
use crate::serve::store::scratch;
use crate::serve::submit::journal;
use crate::serve::submit::known::Known;
use crate::serve::submit::sample::{Labels, Sample, Stats};

const NOW: i64 = 1_700_000_000;
const SERIES: u32 = 300;

/// One metric with many sources, one with many tags, and a composite over both.
fn filled() -> impl std::ops::Deref<Target = Connection> {
    let connection = scratch();
    let sample = |metric: &str, labels, n: i64| Sample {
        metric: metric.to_owned(),
        kind: crate::serve::metrics::metric::Kind::Gauge,
        labels,
        time: NOW - 60 * (n % 10),
        stats: Stats::Single(1.0),
        properties: Object::new(),
    };
    let mut samples = Vec::new();
    for n in 0..i64::from(SERIES) {
        samples.push(sample("sources", Labels::Source(Some(format!("s{n}"))), n));
        let tags = [("host".to_owned(), format!("h{n}")), ("az".to_owned(), format!("z{}", n % 3))];
        samples.push(sample("tags", Labels::Tags(tags.into_iter().collect()), n));
    }
    journal::append(&connection, &samples, None, &Known::default(), NOW).unwrap();
    let mut composite = metrics::find(&connection, "tags").unwrap().unwrap();
    composite.name = "both".to_owned();
    composite.kind = crate::serve::metrics::metric::Kind::Composite;
    composite.composite = Some(r#"sum([s("sources","*"), group_by("az", max(s("tags","*")))])"#.to_owned());
    metrics::insert(&connection, &mut composite).unwrap();
    connection
}

fn ask(connection: &Connection, metric: &str, query: &Value) -> Result<String, Problem> {
    let metric = metrics::find(connection, metric)?.ok_or_else(Problem::not_found)?;
    let query = query.as_object().unwrap();
    let shown = if query.contains_key("resolution") && query.contains_key("duration") {
        if metric.composite.is_some() {
            return compose::written(connection, &metric, query, NOW)
                .map(|text| String::from_utf8(text).unwrap());
        }
        let (shown, _) = page(connection, &metric, &tagged::Question::read(query, NOW)?, None)?;
        claimed::json(&shown)?
    } else {
        let question = legacy::Question::read(query, NOW)?.ok_or_else(Problem::not_found)?;
        claimed::json(&data(connection, &metric, &question, NOW)?)?
    };
    Ok(String::from_utf8(shown).unwrap())
}

#[test]
fn every_question_ends_when_it_is_told_to() {
    let connection = filled();
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
        let (answer, asked) = budget::with_patience(u32::MAX - 1, || ask(&connection, metric, &query));
        assert!(answer.unwrap().len() > 100, "{metric} {query}");
        assert!((SERIES..100 * SERIES).contains(&asked), "{asked} for {metric} {query}");
        for patience in [0, 1, asked / 3, asked / 2, asked - 1] {
            let (answer, stopped) = budget::with_patience(patience, || ask(&connection, metric, &query));
            let problem = format!("{:?}", answer.unwrap_err());
            assert!(problem.contains("longer than") || problem.contains("SERVICE"), "{problem}");
            assert!(stopped <= patience + 2, "{stopped} after {patience} of {metric} {query}");
        }
    }
}

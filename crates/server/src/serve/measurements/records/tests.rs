//! Answers by source: which records, in which form, how many.

use super::*;
use crate::serve::tsdb::aging::Aging;
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000;

fn point(ago: i64, value: f64) -> Point {
    Point { time: NOW - ago, stats: Aggregate::single(value) }
}

fn answer(query: &Value, kind: Kind, sources: &[(Option<&str>, Vec<Point>)]) -> (Value, Option<i64>) {
    let mut query = query.as_object().unwrap().clone();
    query.insert("start_time".to_owned(), json!(NOW - 1000));
    let question = Question::read(&query, NOW, &Aging::default()).unwrap().unwrap();
    let mut answer = Answer::new(&question, kind);
    for (source, points) in sources {
        if question.wants(*source) {
            answer.add(*source, points.clone()).unwrap();
        }
    }
    let (shown, next) = answer.finish();
    (json!(shown), next)
}

fn column(measurements: &Value, source: &str, key: &str) -> Vec<f64> {
    let records = measurements[source].as_array().into_iter().flatten();
    records.map(|record| record[key].as_f64().unwrap_or(f64::NAN)).collect()
}

fn two() -> Vec<(Option<&'static str>, Vec<Point>)> {
    vec![(None, vec![point(20, 2.0), point(10, 4.0)]), (Some("Web-1"), vec![point(30, 1.0), point(10, 8.0)])]
}

#[test]
fn sources_are_told_apart_or_together() {
    let (apart, next) = answer(&json!({}), Kind::Gauge, &two());
    assert_eq!((column(&apart, "unassigned", "value"), next), (vec![2.0, 4.0], None));
    assert!(apart.get("all").is_none());
    let (both, _) = answer(&json!({"summarize_sources": "true"}), Kind::Gauge, &two());
    assert_eq!(column(&both, "all", "count"), [1.0, 1.0, 2.0]);
    assert_eq!(column(&both, "all", "value"), [1.0, 2.0, 6.0]);
    assert_eq!(column(&both, "Web-1", "value"), [1.0, 8.0]);
    let (only, _) = answer(&json!({"breakout_sources": false}), Kind::Gauge, &two());
    assert_eq!(only.as_object().unwrap().keys().collect::<Vec<_>>(), ["all"]);
}

#[test]
fn groups_take_one_value_from_each_source() {
    for (group, value) in [("min", 4.0), ("max", 8.0), ("mean", 6.0), ("sum", 12.0), ("count", 2.0)] {
        let (found, _) = answer(&json!({"group_by": group}), Kind::Gauge, &two());
        assert_eq!(column(&found, "all", "value").last(), Some(&value), "{group}");
        assert_eq!(column(&found, "all", "summarized"), [1.0, 1.0, 2.0]);
        assert_eq!(found.as_object().unwrap().len(), 1);
    }
}

#[test]
fn sources_are_chosen_by_name_and_pattern() {
    for (query, expected) in [
        (json!({"source": "web*"}), vec!["Web-1"]),
        (json!({"sources": ["WEB-1", "nobody"]}), vec!["Web-1"]),
        (json!({"sources": "['web-1', 'unassigned']"}), vec!["Web-1", "unassigned"]),
    ] {
        let (found, _) = answer(&query, Kind::Gauge, &two());
        assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), expected, "{query}");
    }
}

#[test]
fn time_is_summed_up_by_source() {
    let (found, _) = answer(&json!({"summarize_time": true}), Kind::Gauge, &two());
    let web = json!([{"measure_time": NOW - 30, "value": 4.5, "count": 2, "min": 1.0, "max": 8.0, "sum": 9.0,
        "sum_squares": 65.0}]);
    assert_eq!(found["Web-1"], web);
}

#[test]
fn counters_show_how_much_they_rose() {
    let points = vec![point(1010, 5.0), point(30, 7.0), point(20, 12.0), point(10, 3.0)];
    let sources = [(Some("a"), points)];
    let (found, _) = answer(&json!({}), Kind::Counter, &sources);
    assert_eq!(column(&found, "a", "value"), [7.0, 12.0, 3.0]);
    assert_eq!(column(&found, "a", "delta"), [2.0, 5.0, 3.0]);
    let (summed, _) = answer(&json!({"summarize_time": true}), Kind::Counter, &sources);
    assert_eq!((column(&summed, "a", "sum"), column(&summed, "a", "count")), (vec![10.0], vec![3.0]));
}

#[test]
fn counts_are_per_source() {
    let (found, _) = answer(&json!({"count": 1}), Kind::Gauge, &two());
    assert_eq!(
        (column(&found, "Web-1", "value"), column(&found, "unassigned", "value")),
        (vec![1.0], vec![2.0])
    );
}

/// Where the first time alone has more than an answer holds, nothing can be cut, and nothing is to be looked through.
#[test]
fn many_sources_are_taken_in_with_work_in_proportion() {
    const SOURCES: i64 = 60_000;
    let query = json!({"start_time": NOW - SOURCES - 10, "resolution": 1});
    let question = Question::read(query.as_object().unwrap(), NOW, &Aging::default()).unwrap().unwrap();
    let first = SOURCES + 5;
    let same_time = |_| vec![point(first, 1.0)];
    // The second time of each lies before all that were dropped.
    let downwards = |n: i64| vec![point(first, 1.0), point(n, 1.0)];
    let shapes: [&dyn Fn(i64) -> Vec<Point>; 2] = [&same_time, &downwards];
    for (points, times) in shapes.into_iter().zip([1, 2]) {
        let mut answer = Answer::new(&question, Kind::Gauge);
        for n in 0..SOURCES {
            answer.add(Some(&format!("s{n}")), points(n)).unwrap();
        }
        assert!(answer.moved as i64 <= 2 * times * SOURCES, "{}", answer.moved);
        assert!(answer.bytes() as i64 <= 3 * SOURCES * RECORD_BYTES as i64);
        let (shown, next) = answer.finish();
        assert_eq!((shown.len() as i64, next.is_some()), (SOURCES, times == 2));
    }
}

#[test]
fn long_answers_are_cut_at_one_time() {
    let many: Vec<Point> = (0..900).rev().map(|ago| point(ago, 1.0)).collect();
    let names: Vec<String> = (0..60).map(|n| format!("s{n}")).collect();
    let sources: Vec<_> = names.iter().map(|name| (Some(name.as_str()), many.clone())).collect();
    let (found, next) = answer(&json!({}), Kind::Gauge, &sources);
    let next = next.unwrap();
    let kept: usize = found.as_object().unwrap().values().map(|list| list.as_array().unwrap().len()).sum();
    assert_eq!(kept, MOST / 60 * 60);
    let query = json!({"start_time": NOW - 1000, "count": 900});
    let question = Question::read(query.as_object().unwrap(), NOW, &Aging::default()).unwrap().unwrap();
    let mut answer = Answer::new(&question, Kind::Gauge);
    let refused = sources.iter().filter(|(name, points)| answer.add(*name, points.clone()).is_err());
    assert_eq!(refused.count(), 60 - 4 * MOST / 900);
    for records in found.as_object().unwrap().values() {
        assert_eq!(records.as_array().unwrap().last().unwrap()["measure_time"], json!(next - 1));
    }
}

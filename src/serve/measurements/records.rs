//! The answer to a query in the dialect of sources. Pure; is fed the points of one source after the other and keeps a
//! bounded number of them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use super::interval::Take;
use super::legacy::{Group, Question, UNASSIGNED};
use crate::serve::http::problem::Problem;
use crate::serve::metrics::metric::Kind;
use crate::serve::series::aggregate::{Aggregate, Point};

/// The pseudo source that stands for all of them together.
const ALL: &str = "all";
/// Records in one answer; the rest is found at its `next_time`.
const MOST: usize = 10_000;

/// One measurement of the answer, and by how much a counter rose since the one before.
#[derive(Clone, Copy)]
struct Record {
    point: Point,
    delta: Option<f64>,
}

/// All sources at one time.
struct Merged {
    whole: Aggregate,
    /// Of one value for each source.
    across: Aggregate,
}

/// An answer in the making.
pub struct Answer<'a> {
    question: &'a Question,
    kind: Kind,
    sources: BTreeMap<String, Vec<Record>>,
    merged: BTreeMap<i64, Merged>,
    /// Records held in `sources`.
    held: usize,
    /// Where the answer is cut off.
    next_time: Option<i64>,
}

impl<'a> Answer<'a> {
    pub fn new(question: &'a Question, kind: Kind) -> Answer<'a> {
        Answer { question, kind, sources: BTreeMap::new(), merged: BTreeMap::new(), held: 0, next_time: None }
    }

    /// Takes in the points of one source at the resolution asked for. Those before the interval only tell where a
    /// counter stood.
    ///
    /// # Errors
    /// When `count`, which is for each source, asks for more than can be held.
    pub fn add(&mut self, source: Option<&str>, points: Vec<Point>) -> Result<(), Problem> {
        let mut records = records(points, self.kind);
        records.retain(|record| record.point.time >= self.question.interval.span.start);
        take(&mut records, self.question.interval.take);
        if self.question.summarize_time {
            records = summed_up(&records, self.kind).into_iter().collect();
        } else if let Some(limit) = self.next_time {
            records.retain(|record| record.point.time < limit);
        }
        if self.question.summarize_sources {
            let as_is = self.kind != Kind::Counter || self.question.summarize_time;
            for point in
                records.iter().filter_map(|record| if as_is { Some(record.point) } else { rose(record) })
            {
                self.merge(point);
            }
        }
        if self.question.breakout_sources && !records.is_empty() {
            self.held += records.len();
            self.sources.insert(source.unwrap_or(UNASSIGNED).to_owned(), records);
        }
        if self.held <= 4 * MOST {
            return Ok(());
        }
        match self.question.interval.take {
            Take::All => self.cut(),
            Take::First(_) | Take::Last(_) => {
                return Err(Problem::param("count", "asks for too many measurements at once"));
            }
        }
        Ok(())
    }

    fn merge(&mut self, Point { time, stats }: Point) {
        let one = Aggregate::single(stats.mean());
        self.merged
            .entry(time)
            .and_modify(|merged| {
                merged.whole.merge(&stats);
                merged.across.merge(&one);
            })
            .or_insert(Merged { whole: stats, across: one });
    }

    /// Drops the end of what is too long, at the same time for every source.
    fn cut(&mut self) {
        if self.question.interval.take != Take::All || self.question.summarize_time {
            return;
        }
        let all = self.sources.values().flatten().map(|record| record.point.time);
        let mut times: Vec<i64> = all.chain(self.merged.keys().copied()).collect();
        if times.len() <= MOST {
            return;
        }
        times.sort_unstable();
        let first = times.first().copied();
        let Some(limit) = times.into_iter().skip(MOST).find(|time| Some(*time) > first) else { return };
        self.next_time = Some(limit);
        self.merged.split_off(&limit);
        for records in self.sources.values_mut() {
            records.retain(|record| record.point.time < limit);
        }
        self.sources.retain(|_, records| !records.is_empty());
        self.held = self.sources.values().map(Vec::len).sum();
    }

    /// The measurements by source, and the time at which to go on when there are more.
    pub fn finish(mut self) -> (Measurements, Option<i64>) {
        self.cut();
        let as_counter = self.kind == Kind::Counter && !self.question.summarize_time;
        let show = if as_counter { Measurement::of_counter } else { Measurement::of_gauge };
        let sources = std::mem::take(&mut self.sources).into_iter();
        let mut shown: Measurements =
            sources.map(|(source, records)| (source, records.iter().map(show).collect())).collect();
        if !self.merged.is_empty() {
            let all = self.merged.iter().map(|(time, merged)| self.shown_merged(*time, merged)).collect();
            shown.insert(ALL.to_owned(), all);
        }
        (shown, self.next_time)
    }

    fn shown_merged(&self, time: i64, merged: &Merged) -> Measurement {
        let whole = Record { point: Point { time, stats: merged.whole }, delta: None };
        let mut shown = Measurement::of_gauge(&whole);
        if let Some(group) = self.question.group_by {
            let across = &merged.across;
            shown.value = match group {
                Group::Min => across.min,
                Group::Max => across.max,
                Group::Mean => across.mean(),
                Group::Sum => across.sum,
                Group::Count => merged.whole.count as f64,
            };
            shown.summarized = Some(across.count);
        }
        shown
    }
}

fn records(points: Vec<Point>, kind: Kind) -> Vec<Record> {
    let mut before: Option<f64> = None;
    let record = |point: Point| {
        let stood = before.replace(point.stats.last).filter(|_| kind == Kind::Counter);
        Record { point, delta: stood.map(|stood| rise(stood, point.stats.last)) }
    };
    points.into_iter().map(record).collect()
}

/// By how much a counter rose; one that fell began anew at zero.
pub fn rise(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}

/// A counter summed up is a gauge of how much it rose.
fn rose(record: &Record) -> Option<Point> {
    record.delta.map(|delta| Point { time: record.point.time, stats: Aggregate::single(delta) })
}

fn take(records: &mut Vec<Record>, take: Take) {
    match take {
        Take::All => {}
        Take::First(count) => records.truncate(count),
        Take::Last(count) => drop(records.drain(..records.len().saturating_sub(count))),
    }
}

/// One record for the whole interval, stamped with the first time.
fn summed_up(records: &[Record], kind: Kind) -> Option<Record> {
    let time = records.first()?.point.time;
    let points = records.iter().filter_map(|record| match kind {
        Kind::Counter => rose(record),
        Kind::Gauge | Kind::Composite => Some(record.point),
    });
    let merged = points.map(|point| point.stats).reduce(|mut sum, next| {
        sum.merge(&next);
        sum
    });
    merged.map(|stats| Record { point: Point { time, stats }, delta: None })
}

/// Measurements by source, as they are shown.
pub type Measurements = IndexMap<String, Vec<Measurement>>;

/// One measurement as it is shown: of a gauge everything but `delta`, of a counter `delta` unless it is the first.
#[derive(Serialize)]
pub struct Measurement {
    measure_time: i64,
    value: f64,
    #[serde(flatten)]
    gauge: Option<OfGauge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    /// Of how many sources, where they are grouped.
    #[serde(skip_serializing_if = "Option::is_none")]
    summarized: Option<u64>,
}

#[derive(Serialize)]
struct OfGauge {
    count: u64,
    min: f64,
    max: f64,
    sum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum_squares: Option<f64>,
}

impl Measurement {
    fn of_gauge(record: &Record) -> Measurement {
        let Point { time, stats } = &record.point;
        let Aggregate { count, min, max, sum, .. } = *stats;
        let gauge = Some(OfGauge { count, min, max, sum, sum_squares: stats.sum_of_squares() });
        Measurement { measure_time: *time, value: stats.mean(), gauge, delta: None, summarized: None }
    }

    fn of_counter(record: &Record) -> Measurement {
        let Record { point: Point { time, stats }, delta } = *record;
        Measurement { measure_time: time, value: stats.last, gauge: None, delta, summarized: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: i64 = 1_700_000_000;

    fn point(ago: i64, value: f64) -> Point {
        Point { time: NOW - ago, stats: Aggregate::single(value) }
    }

    fn answer(query: &Value, kind: Kind, sources: &[(Option<&str>, Vec<Point>)]) -> (Value, Option<i64>) {
        let mut query = query.as_object().unwrap().clone();
        query.insert("start_time".to_owned(), json!(NOW - 1000));
        let question = Question::read(&query, NOW).unwrap().unwrap();
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
        vec![
            (None, vec![point(20, 2.0), point(10, 4.0)]),
            (Some("Web-1"), vec![point(30, 1.0), point(10, 8.0)]),
        ]
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

    #[test]
    fn long_answers_are_cut_at_one_time() {
        let many: Vec<Point> = (0..900).rev().map(|ago| point(ago, 1.0)).collect();
        let names: Vec<String> = (0..60).map(|n| format!("s{n}")).collect();
        let sources: Vec<_> = names.iter().map(|name| (Some(name.as_str()), many.clone())).collect();
        let (found, next) = answer(&json!({}), Kind::Gauge, &sources);
        let next = next.unwrap();
        let kept: usize =
            found.as_object().unwrap().values().map(|list| list.as_array().unwrap().len()).sum();
        assert_eq!(kept, MOST / 60 * 60);
        let query = json!({"start_time": NOW - 1000, "count": 900});
        let question = Question::read(query.as_object().unwrap(), NOW).unwrap().unwrap();
        let mut answer = Answer::new(&question, Kind::Gauge);
        let refused = sources.iter().filter(|(name, points)| answer.add(*name, points.clone()).is_err());
        assert_eq!(refused.count(), 60 - 4 * MOST / 900);
        for records in found.as_object().unwrap().values() {
            assert_eq!(records.as_array().unwrap().last().unwrap()["measure_time"], json!(next - 1));
        }
    }
}
